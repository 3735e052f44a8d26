/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the sub-commands of `tidemark img` share. */
#ifndef TOOLS_IMG_IMG_H
#define TOOLS_IMG_IMG_H

#include "tools/image-open.h"

/* Each runs in a coroutine on control; @argv[0] is the sub-command's name.
 * They return the exit status. */
int co_img_amend(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_bench(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_bitmap(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_check(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_commit(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_compare(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_convert(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_create(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_dd(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_info(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_map(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_measure(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_rebase(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_resize(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;
int co_img_snapshot(int argc, char **argv) COROUTINE_ONLY CONTROL_ONLY;

/* --- complaints; all report and return 1 or false ------------------------ */

/* Prints the error, and where to find help. */
int img_usage_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);
/* For getopt's ':' and '?' answers. */
int img_option_error(int answer, char **argv);

/* --- words of the command line ------------------------------------------- */

/* `--output=human|json`; NULL: human. False, reported, for another word. */
bool img_parse_output(const char *word, bool *json);
/* False, reported, if both a format and --image-opts were given. */
bool img_check_format(const ImageOpen *open);
/* A size of an image. */
bool img_parse_image_size(const char *word, uint64_t *bytes);
/* Any other number with a suffix; @what: "start offset". */
bool img_parse_size(const char *what, const char *word, uint64_t *bytes);
/* The same, within bounds. */
bool img_parse_between(const char *what, const char *word, uint64_t min,
                       uint64_t max, uint64_t *value);
/* `-r RATE`, for option tables: into a uint64_t. */
int img_take_rate(void *rate, const char *word);
/* A cache mode; @what: "cache option". NULL is fine. */
bool img_check_cache(const char *what, const char *mode);

/* --- images -------------------------------------------------------------- */

/* co_image_open, which reports what is wrong (`Could not open 'F': ...`) and
 * then returns NULL. */
Root *co_img_open_or_report(const ImageOpen *open) COROUTINE_ONLY CONTROL_ONLY;
/* The name of a backing image as seen from here, where relative ones count
 * from the folder of @image. The caller frees it. */
char *img_backing_path(const char *image, const char *backing);
/* The same for the image that @root is on, by the name of its file; @image: if
 * that has none. */
char *img_path_behind(const Root *root, const char *image, const char *backing);

/* Whether @text names a snapshot, as an id or name or by
 * `snapshot.id=...,snapshot.name=...`; reports what is wrong in it. */
bool img_snapshot_name_check(const char *text);
/* `-l SNAPSHOT`: from now on the image shows that snapshot. False,
 * reported. */
bool co_img_load_snapshot(Root *root, const char *text) COROUTINE_ONLY;

/* Adds the bits of a bitmap, by the names of nodes. Takes no lock. */
bool img_bitmap_merge(const char *node, const char *target,
                      const char *source_node, const char *source,
                      Error **errp) COROUTINE_ONLY CONTROL_ONLY;

/* --- progress ------------------------------------------------------------ */

/* "    (12.34/100%)" on a line that is written anew. */
typedef struct ImgProgress {
    bool shown;
    double last; /* per cent printed last */
} ImgProgress;

/* Prints 0 %, if @shown. */
void img_progress_begin(ImgProgress *progress, bool shown);
void img_progress(ImgProgress *progress, uint64_t done, uint64_t total);
/* The same where it may go back; 0 % and 100 % are printed each time. */
void img_progress_jump(ImgProgress *progress, uint64_t done, uint64_t total);
/* Prints 100 % if @complete, and ends the line. */
void img_progress_end(ImgProgress *progress, bool complete);

#endif
