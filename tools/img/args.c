/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line of a sub-command: see args.h. */
#include "tools/img/args.h"

#include <getopt.h>
#include <stdio.h>

#include "tools/img/img.h"
#include "tools/object-option.h"

#define MAX_OPTIONS 40
#define FIRST_LONG 256 /* getopt's answers for options without a letter */

typedef struct GetoptTable {
    char letters[2 * MAX_OPTIONS + 2];
    struct option names[MAX_OPTIONS + 2];
} GetoptTable;

static int answer_of(const ImgOption *table, const ImgOption *option)
{
    return option->letter ? option->letter : FIRST_LONG + (int)(option - table);
}

static bool is_end(const ImgOption *option)
{
    return !option->letter && !option->name;
}

static void fill_table(GetoptTable *getopt, const ImgOption *table)
{
    char *letter = getopt->letters;
    int names = 0;

    *getopt = (GetoptTable){};
    *letter++ = ':';
    for (const ImgOption *o = table; !is_end(o); o++) {
        assert(o - table < MAX_OPTIONS);
        if (o->letter) {
            *letter++ = o->letter;
            if (o->value) {
                *letter++ = ':';
            }
        }
        if (o->name) {
            getopt->names[names++] = (struct option){
                o->name, o->value ? required_argument : no_argument, NULL,
                answer_of(table, o)};
        }
    }
    *letter++ = 'h';
    getopt->names[names] = (struct option){"help", no_argument, NULL, 'h'};
}

static void print_option(const ImgOption *o)
{
    g_autofree char *left = g_strdup_printf(
        "  %c%c%s%s%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
        o->letter && o->name ? ", "
        : o->letter          ? ""
                             : "  ",
        o->name ? "--" : "", o->name ? o->name : "",
        !o->value ? ""
        : o->name ? "="
                  : " ",
        o->value ? o->value : "");

    if (strlen(left) < 26) {
        printf("%-26s%s\n", left, o->help);
    } else {
        printf("%s\n%26s%s\n", left, "", o->help);
    }
}

static void print_help(const ImgUsage *usage, const char *command)
{
    printf("usage: %s %s [OPTION]... %s\n%s\n\n", error_program_name(), command,
           usage->names, usage->purpose);
    for (const ImgOption *o = usage->options; !is_end(o); o++) {
        print_option(o);
    }
    printf("  -h, --help              print this\n");
    if (usage->more) {
        printf("\n%s", usage->more);
    }
}

static int take(const ImgOption *table, int answer, const char *word)
{
    const ImgOption *o = table;

    while (answer_of(table, o) != answer) {
        o++;
        assert(!is_end(o));
    }
    if (o->flag) {
        *o->flag = true;
    } else if (o->word) {
        *o->word = word;
    } else {
        return o->take(o->opaque, word);
    }
    return -1;
}

int co_img_args(const ImgUsage *usage, int argc, char **argv)
{
    GetoptTable getopt;
    int answer, status;

    fill_table(&getopt, usage->options);
    while ((answer = getopt_long(argc, argv, getopt.letters, getopt.names,
                                 NULL)) != -1) {
        switch (answer) {
        case 'h':
            print_help(usage, argv[0]);
            return 0;
        case ':':
        case '?':
            return img_option_error(answer, argv);
        default:
            status = take(usage->options, answer, optarg);
            if (status >= 0) {
                return status;
            }
        }
    }
    return -1;
}

int co_img_take_object(void *opaque, const char *word)
{
    Error *err = NULL;
    bool listed = false;

    if (!co_object_option(word, &listed, &err)) {
        error_report_err(err);
        return 1;
    }
    return listed ? 0 : -1;
}
