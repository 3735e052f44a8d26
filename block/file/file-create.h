/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making files for images. */
#ifndef BLOCK_FILE_FILE_CREATE_H
#define BLOCK_FILE_FILE_CREATE_H

#include "block/graph/node.h"

typedef enum FilePreallocation {
    FILE_PREALLOC_OFF,    /* a hole, but for the first block */
    FILE_PREALLOC_FALLOC, /* the file system reserves the space */
    FILE_PREALLOC_FULL,   /* zeroes are written */
} FilePreallocation;

/* By its name in options: "off", "falloc", "full"; false with QEMU's text for
 * another word. */
bool file_preallocation_parse(const char *word, FilePreallocation *value,
                              Error **errp);

/*
 * Makes the file, or empties it unless another program uses it, and gives it
 * @size_bytes, rounded up to 512. On control. 0, or -errno with @errp: -EFBIG
 * when the file system has no files as large.
 */
int co_file_create(const char *filename, uint64_t size_bytes,
                   FilePreallocation preallocation,
                   Error **errp) COROUTINE_ONLY;
/* The same, not rounded. */
int co_file_create_exact(const char *filename, uint64_t size_bytes,
                         FilePreallocation preallocation,
                         Error **errp) COROUTINE_ONLY;

/* What the file system is told of an empty file. */
typedef struct FileHints {
    bool no_cow; /* write in place; only btrfs heeds it */
    bool has_extent_size;
    uint64_t extent_size; /* bytes to take at a time; 0: as it likes */
} FileHints;

/* Tells it of the file @filename, which has no content yet. That the file
 * system does not take the size of extents is a warning; one that no file
 * system could take is an error. On control. */
bool co_file_set_hints(const char *filename, const FileHints *hints,
                       Error **errp) COROUTINE_ONLY;

/*
 * Gives the space [@from_bytes, @to_bytes) of the file to it, which others may
 * have open; its size becomes @to_bytes. For `img resize` with preallocation.
 * 0, or -errno with @errp.
 */
int co_file_preallocate(const char *filename, uint64_t from_bytes,
                        uint64_t to_bytes, FilePreallocation preallocation,
                        Error **errp) COROUTINE_ONLY;

#endif
