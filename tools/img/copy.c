/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The engine of `img convert`: see copy.h. */
#include "tools/img/copy-int.h"

#include "block/graph/format.h"
#include "block/io/io.h"

/* Large enough that a request costs little, small enough that what was read
 * is still in the processor's cache when it is written. */
#define PIECE_BYTES (1 * MiB)
#define COMPRESSED_CLUSTER_DEFAULT (64 * KiB)
/* So many pieces are written to a plain file at a time, if in order: one waits
 * in the kernel while the other is written, and no coroutine has to be woken up
 * in between. More would only keep readers from the processor. A format that
 * allocates is written one by one: it might allocate for the second one while
 * the first waits for metadata. */
#define PLAIN_WRITES 2

typedef struct Worker {
    ImgCopy *copy;
    uint8_t *buf;
} Worker;

void img_copy_init(ImgCopy *copy, Root **sources, unsigned n_sources,
                   Root *target)
{
    *copy = (ImgCopy){
        .sources = sources,
        .n_sources = n_sources,
        .target = target,
        .workers = 8,
        .in_order = true,
        .min_sparse_bytes = IMG_COPY_UNIT_BYTES,
    };
    for (unsigned i = 0; i < n_sources; i++) {
        copy->total_bytes += root_size_bytes(sources[i]);
    }
}

static uint64_t piece_bytes(const ImgCopy *copy)
{
    uint32_t cluster;

    if (!copy->compressed) {
        return PIECE_BYTES;
    }
    return node_cluster_bytes(root_node(copy->target), &cluster) && cluster
               ? cluster
               : COMPRESSED_CLUSTER_DEFAULT;
}

static void fail(ImgCopy *copy, const char *what, uint64_t at, int ret)
{
    if (copy->ret == 0) {
        error_report("error while %s %" PRIu64 ": %s", what, at,
                     strerror(-ret));
        copy->ret = ret;
    }
    coqueue_wake_all(&copy->turns);
}

/* --- what comes next ---------------------------------------------------- */

/* For -c: the kind of a whole cluster of the target; data if it is mixed. */
static void extend_to_cluster(const ImgCopy *copy, uint64_t offset,
                              uint64_t *bytes, unsigned *kind)
{
    uint64_t cluster = piece_bytes(copy);
    uint64_t whole = MIN(ROUND_UP(offset + 1, cluster), copy->total_bytes);

    if (*kind == KIND_DATA || *bytes < whole - offset) {
        *kind = KIND_DATA;
        *bytes = whole - offset;
    } else if (offset + *bytes < copy->total_bytes) {
        *bytes = ROUND_DOWN(offset + *bytes, cluster) - offset;
    }
}

COROUTINE_ONLY
static int co_look_ahead(ImgCopy *copy)
{
    uint64_t bytes;
    int ret;

    if (copy->next_byte < copy->known_end) {
        return 0;
    }
    ret = co_img_copy_kind(copy, copy->next_byte, &bytes, &copy->known);
    if (ret < 0) {
        return ret;
    }
    if (copy->compressed) {
        extend_to_cluster(copy, copy->next_byte, &bytes, &copy->known);
    }
    copy->known_end = copy->next_byte + bytes;
    return 0;
}

/* The next piece; false if there is none. */
COROUTINE_ONLY
static bool co_next_piece(ImgCopy *copy, ImgPiece *piece)
{
    bool found = false;
    int ret;

    co_mutex_lock(&copy->next_lock);
    if (copy->ret == 0 && copy->next_byte < copy->total_bytes) {
        ret = co_look_ahead(copy);
        if (ret < 0) {
            fail(copy, "reading block status at offset", copy->next_byte, ret);
        } else {
            *piece = (ImgPiece){.at = copy->next_byte, .kind = copy->known};
            piece->bytes = copy->known_end - piece->at;
            if (piece->kind == KIND_DATA) {
                piece->bytes = MIN(piece->bytes, piece_bytes(copy));
            }
            copy->next_byte += piece->bytes;
            found = true;
        }
    }
    comutex_unlock(&copy->next_lock);
    return found;
}

/* --- reading ------------------------------------------------------------ */

COROUTINE_ONLY
static void co_read_sectors(ImgCopy *copy, Root *source, uint64_t at,
                            uint64_t bytes, uint64_t shown, uint8_t *buf)
{
    uint64_t done;

    for (done = 0; done < bytes; done += IMG_COPY_SECTOR_BYTES) {
        uint64_t n = MIN(IMG_COPY_SECTOR_BYTES, bytes - done);
        int ret = co_root_pread(source, at + done, n, buf + done);

        if (ret < 0) {
            if (!copy->quiet) {
                warn_report("error while reading offset %" PRIu64 ": %s",
                            shown + done, strerror(-ret));
            }
            memset(buf + done, 0, n);
        }
    }
}

/* A piece may reach over the end of a source into the next one. */
COROUTINE_ONLY
static int co_read_piece(ImgCopy *copy, const ImgPiece *piece, uint8_t *buf)
{
    uint64_t done, n;
    int ret;

    for (done = 0; done < piece->bytes; done += n) {
        uint64_t at = piece->at + done;
        Root *source = img_copy_source_at(copy, &at, &n);

        n = MIN(n, piece->bytes - done);
        ret = co_root_pread(source, at, n, buf + done);
        if (ret < 0 && copy->salvage) {
            co_read_sectors(copy, source, at, n, piece->at + done, buf + done);
            ret = 0;
        }
        if (ret < 0) {
            fail(copy, "reading at byte", piece->at + done, ret);
            return ret;
        }
    }
    return 0;
}

/* --- turns -------------------------------------------------------------- */

static bool is_turn(const ImgCopy *copy, const ImgPiece *piece)
{
    return !copy->in_order ||
           (copy->begun_byte == piece->at &&
            (copy->compressed || copy->writing < copy->writes_max));
}

/* Waits for its turn; false if another one failed. */
COROUTINE_ONLY
static bool co_await_turn(ImgCopy *copy, const ImgPiece *piece)
{
    while (copy->ret == 0 && !is_turn(copy, piece)) {
        co_queue_wait(&copy->turns);
    }
    return copy->ret == 0;
}

/* --- the workers -------------------------------------------------------- */

static bool counts(const ImgCopy *copy, unsigned kind)
{
    return kind == KIND_DATA || (kind == KIND_ZERO && !copy->target_is_zero);
}

COROUTINE_ONLY
static void co_finish_piece(ImgCopy *copy, const ImgPiece *piece)
{
    int64_t delay_ns;

    if (!counts(copy, piece->kind)) {
        return;
    }
    copy->done_bytes += piece->bytes;
    if (copy->progress) {
        img_progress(copy->progress, copy->done_bytes, copy->work_bytes);
    }
    delay_ns = ratelimit_delay_ns(&copy->rate, reactor_now_ns(), piece->bytes);
    if (delay_ns > 0) {
        co_sleep_ns(delay_ns);
    }
}

COROUTINE_ONLY
static void co_copy_piece(ImgCopy *copy, const ImgPiece *piece, uint8_t *buf)
{
    int ret;

    if ((piece->kind == KIND_DATA && co_read_piece(copy, piece, buf) < 0) ||
        !co_await_turn(copy, piece)) {
        return;
    }
    copy->writing++;
    ret = co_img_copy_write(copy, piece, buf);
    copy->writing--;
    coqueue_wake_all(&copy->turns);
    if (ret < 0) {
        fail(copy, "writing at byte", piece->at, ret);
    } else {
        co_finish_piece(copy, piece);
    }
}

COROUTINE_ONLY
static void co_worker(void *opaque)
{
    Worker *worker = opaque;
    ImgCopy *copy = worker->copy;
    ImgPiece piece;

    while (co_next_piece(copy, &piece)) {
        co_copy_piece(copy, &piece, worker->buf);
    }
    io_buffer_free(worker->buf);
    g_free(worker);
    cocount_dec(&copy->running);
}

/* --- the whole ---------------------------------------------------------- */

/* For progress: how much will be written. And to look at all of what is to be
 * salvaged. */
COROUTINE_ONLY
static int co_count_work(ImgCopy *copy)
{
    uint64_t at, bytes;
    unsigned kind;
    int ret;

    for (at = 0; at < copy->total_bytes; at += bytes) {
        ret = co_img_copy_kind(copy, at, &bytes, &kind);
        if (ret < 0) {
            return ret;
        }
        if (counts(copy, kind)) {
            copy->work_bytes += bytes;
        }
    }
    return 0;
}

static bool co_start_worker(ImgCopy *copy)
{
    Worker *worker = g_new(Worker, 1);

    worker->copy = copy;
    worker->buf = io_buffer_alloc(root_node(copy->target), piece_bytes(copy));
    if (!worker->buf) {
        g_free(worker);
        return false;
    }
    cocount_inc(&copy->running);
    coroutine_start(co_worker, worker);
    return true;
}

int co_img_copy(ImgCopy *copy)
{
    uint32_t cluster;
    unsigned i;

    copy->writes_max =
        node_cluster_bytes(root_node(copy->target), &cluster) && cluster
            ? 1
            : PLAIN_WRITES;
    comutex_init(&copy->next_lock);
    coqueue_init(&copy->turns);
    cocount_init(&copy->running);
    if (copy->salvage || (copy->progress && copy->progress->shown)) {
        int ret = co_count_work(copy);

        if (ret < 0) {
            fail(copy, "reading block status at offset", 0, ret);
            return ret;
        }
    }
    for (i = 0; i < copy->workers && copy->next_byte < copy->total_bytes; i++) {
        if (!co_start_worker(copy)) {
            fail(copy, "allocating memory at byte", copy->next_byte, -ENOMEM);
            break;
        }
    }
    co_count_wait_zero(&copy->running);
    if (copy->ret == 0 && copy->compressed) {
        copy->ret = co_img_copy_end_compressed(copy);
    }
    return copy->ret;
}
