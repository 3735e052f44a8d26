/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the fuzz targets share. A target is one file with
 * LLVMFuzzerTestOneInput; clang's libFuzzer calls it with bytes of its own
 * making, replay.c with those of files.
 *
 * Invariant: a run leaves nothing behind, so that runs do not depend on each
 * other: no coroutine, no node, no descriptor.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include "util/reactor/reactor.h"

/* More would not fit in the buffer of a socket; what is longer is cut. */
#define FUZZ_MAX_BYTES (64u << 10)

/* One run with [@data, +@bytes); always returns 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

typedef struct FuzzInput {
    const uint8_t *data;
    size_t bytes;
} FuzzInput;

/* Runs @entry(@input) in a coroutine on the process's only reactor, and stops
 * the process unless all coroutines, nodes and descriptors are gone then. */
void fuzz_run(CoroutineEntry *entry, const uint8_t *data, size_t bytes);

/* Something that must hold does not: ends the process so that libFuzzer keeps
 * the input. */
void fuzz_broken(const char *text) G_GNUC_NORETURN;

/* The far end of a socket: it has sent the input and no more will come;
 * everything that it gets goes to @sink, or nowhere. */
typedef struct FuzzPeer {
    int fd;
    void (*sink)(void *opaque, const char *buf, size_t bytes);
    void *opaque;
    bool ended;
    CoQueue end;
} FuzzPeer;

/* A pair of sockets: @peer holds one and reads it from now on; the other is
 * returned. Set @peer's sink before. */
int fuzz_peer_pair(FuzzPeer *peer, const FuzzInput *input);
/* The same with a socket that exists. */
void fuzz_peer_start(FuzzPeer *peer, int fd, const FuzzInput *input);
/* Until the other side has closed. */
void co_fuzz_peer_wait(FuzzPeer *peer) COROUTINE_ONLY;

#endif
