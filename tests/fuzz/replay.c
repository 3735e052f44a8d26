/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The main() of a fuzz target without libFuzzer: runs it with each file named,
 * and with each file of the folders named; prints TAP.
 */
#include "fuzz.h"

#include <stdio.h>
#include <stdlib.h>

static unsigned count;

static void replay_file(const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    char *data;
    gsize bytes;

    if (!g_file_get_contents(path, &data, &bytes, NULL)) {
        printf("not ok %u %s: cannot be read\n", ++count, name);
        exit(1);
    }
    /* Printed before, so that a crash shows where it was. */
    printf("# %s\n", path);
    fflush(stdout);
    LLVMFuzzerTestOneInput((const uint8_t *)data, bytes);
    printf("ok %u %s\n", ++count, name);
    g_free(data);
}

static int by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A folder that is not there holds nothing. */
static void replay_folder(const char *path)
{
    GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
    GDir *dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir && (name = g_dir_read_name(dir))) {
        g_ptr_array_add(names, g_build_filename(path, name, NULL));
    }
    if (dir) {
        g_dir_close(dir);
    }
    g_ptr_array_sort(names, by_name);
    for (guint i = 0; i < names->len; i++) {
        replay_file(names->pdata[i]);
    }
    g_ptr_array_unref(names);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (g_file_test(argv[i], G_FILE_TEST_IS_REGULAR)) {
            replay_file(argv[i]);
        } else {
            replay_folder(argv[i]);
        }
    }
    printf("1..%u\n", count);
    return 0;
}
