/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory area lists. Invariant: @bytes is the sum of the areas' lengths; @v
 * is NULL (empty), &@one (one area, no allocation) or owned (@capacity > 0).
 */
#include "util/iov.h"

void iov_init(Iov *iov)
{
    *iov = (Iov){0};
}

void iov_init_buf(Iov *iov, void *base, size_t bytes)
{
    iov_init(iov);
    iov_add(iov, base, bytes);
}

static void iov_grow(Iov *iov)
{
    unsigned capacity = MAX(8, iov->capacity * 2);
    struct iovec *v = g_new(struct iovec, capacity);

    if (iov->n) {
        memcpy(v, iov->v, iov->n * sizeof(*v));
    }
    if (iov->capacity) {
        g_free(iov->v);
    }
    iov->v = v;
    iov->capacity = capacity;
}

void iov_add(Iov *iov, void *base, size_t bytes)
{
    assert(bytes <= SIZE_MAX - iov->bytes && iov->n < INT_MAX);
    if (iov->n == 0 && iov->capacity == 0) {
        iov->v = &iov->one;
    } else if (iov->n >= iov->capacity) {
        iov_grow(iov);
    }
    iov->v[iov->n++] = (struct iovec){.iov_base = base, .iov_len = bytes};
    iov->bytes += bytes;
}

void iov_free(Iov *iov)
{
    if (iov->capacity) {
        g_free(iov->v);
    }
    iov_init(iov);
}

/* A walk over the part [@offset, +@bytes) of a list, area by area. */
typedef struct IovWalk {
    const struct iovec *v;
    size_t skip, left;
} IovWalk;

static IovWalk walk_start(const Iov *iov, size_t offset, size_t bytes)
{
    assert(offset <= iov->bytes && bytes <= iov->bytes - offset);
    return (IovWalk){.v = iov->v, .skip = offset, .left = bytes};
}

static bool walk_next(IovWalk *w, char **base, size_t *bytes)
{
    if (!w->left) {
        return false;
    }
    while (w->skip >= w->v->iov_len) {
        w->skip -= w->v->iov_len;
        w->v++;
    }
    *base = (char *)w->v->iov_base + w->skip;
    *bytes = MIN(w->v->iov_len - w->skip, w->left);
    w->left -= *bytes;
    w->skip = 0;
    w->v++;
    return true;
}

void iov_add_slice(Iov *dst, const Iov *src, size_t offset_bytes, size_t bytes)
{
    IovWalk w = walk_start(src, offset_bytes, bytes);
    char *base;
    size_t n;

    assert(dst != src);
    while (walk_next(&w, &base, &n)) {
        iov_add(dst, base, n);
    }
}

void iov_init_slice(Iov *dst, const Iov *src, size_t offset_bytes, size_t bytes)
{
    iov_init(dst);
    iov_add_slice(dst, src, offset_bytes, bytes);
}

void iov_to_buf(const Iov *iov, size_t offset_bytes, void *buf, size_t bytes)
{
    IovWalk w = walk_start(iov, offset_bytes, bytes);
    char *to = buf, *base;
    size_t n;

    while (walk_next(&w, &base, &n)) {
        memcpy(to, base, n);
        to += n;
    }
}

void iov_from_buf(const Iov *iov, size_t offset_bytes, const void *buf,
                  size_t bytes)
{
    IovWalk w = walk_start(iov, offset_bytes, bytes);
    const char *from = buf;
    char *base;
    size_t n;

    while (walk_next(&w, &base, &n)) {
        memcpy(base, from, n);
        from += n;
    }
}

void iov_memset(const Iov *iov, size_t offset_bytes, int byte, size_t bytes)
{
    IovWalk w = walk_start(iov, offset_bytes, bytes);
    char *base;
    size_t n;

    while (walk_next(&w, &base, &n)) {
        memset(base, byte, n);
    }
}

bool iov_is_zero(const Iov *iov, size_t offset_bytes, size_t bytes)
{
    IovWalk w = walk_start(iov, offset_bytes, bytes);
    char *base;
    size_t n;

    while (walk_next(&w, &base, &n)) {
        if (!buffer_is_zero(base, n)) {
            return false;
        }
    }
    return true;
}

bool iov_is_aligned(const Iov *iov, size_t align)
{
    assert(is_power_of_2(align));
    for (unsigned i = 0; i < iov->n; i++) {
        uintptr_t bits = (uintptr_t)iov->v[i].iov_base | iov->v[i].iov_len;

        if (bits & (align - 1)) {
            return false;
        }
    }
    return true;
}

bool buffer_is_zero(const void *buf, size_t bytes)
{
    const char *p = buf;
    size_t head = MIN(bytes, 16);

    /* The first bytes by hand; then the buffer is zero exactly if it equals
     * itself shifted by those. memcmp is as wide as the machine allows. */
    for (size_t i = 0; i < head; i++) {
        if (p[i]) {
            return false;
        }
    }
    return memcmp(p, p + head, bytes - head) == 0;
}
