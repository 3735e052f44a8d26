/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The words of `-o name=value,...`: a flat JSON object of strings, checked
 * against the options of a format.
 *
 * The texts are QEMU's. Nothing yields.
 */
#ifndef TOOLS_IMG_WORDS_H
#define TOOLS_IMG_WORDS_H

#include <json-c/json.h>

#include "block/graph/format.h"

/* What an image of that driver can be made with, in a file or, with @server,
 * in the export of a server; NULL: it cannot be made. */
const FormatOption *img_create_table(const NodeDriver *driver, bool server);
/* The same without the options of the file that it is in. */
const FormatOption *img_format_table(const NodeDriver *driver);
/* The one called @name, or NULL. */
const FormatOption *img_option_find(const FormatOption *table,
                                    const char *name);

/* Joins what several -o gave; false, reported, if @text is no list. *@all is
 * the caller's to free; NULL at first. */
bool img_words_append(char **all, const char *text);
/* Whether "help" or "?" is among them. */
bool img_words_ask_help(const char *all);
/* @title: "Supported options:", for instance. */
void img_words_help(const FormatOption *table, const char *title, bool amend);

/* Adds the words of @text to @words (an object that the caller owns). A word
 * without a value is "on", or with "no" before it "off". */
bool img_words_parse(const char *text, const FormatOption *table,
                     json_object *words, Error **errp);
/* What -b and -F say, unless the format knows no such thing. */
bool img_words_add_backing(json_object *words, const FormatOption *table,
                           const char *file, const char *format,
                           const char *driver_name, Error **errp);
/* The value of a word, or NULL. */
const char *img_word(json_object *words, const char *name);
void img_word_set(json_object *words, const char *name, const char *value);
void img_word_set_size(json_object *words, const char *name, uint64_t bytes);

#endif
