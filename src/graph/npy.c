/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/npy.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "values are taken from the file as they are: a little-endian machine is needed"
#endif

enum { CHUNK_BYTES = 256 * 1024, HEADER_BYTES_MAX = 64 * 1024 };

/* All of it, or a failure. */
static PS_MUST ps_status read_bytes(const struct ps_npy *a, uint64_t offset, void *dst,
                                    size_t bytes)
{
    unsigned char *p = dst;
    size_t done = 0;

    while (done < bytes) {
        ssize_t got = pread(a->fd, p + done, bytes - done, (off_t)(offset + done));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            PS_FAIL_SYS(errno, "%s: cannot read %zu bytes at %" PRIu64, a->path, bytes, offset);
        if (got == 0)
            PS_FAIL(PS_EINPUT, "%s: ends at byte %" PRIu64 ", expected %zu more", a->path,
                    offset + done, bytes - done);
        done += (size_t)got;
    }
    return PS_OK;
}

/* The fixed part: magic, version, length of the header text. */
static PS_MUST ps_status read_preamble(struct ps_npy *a, uint64_t file_bytes, uint64_t *text_at,
                                       size_t *text_bytes)
{
    unsigned char b[12];
    uint32_t n;

    if (file_bytes == 0)
        PS_FAIL(PS_EINPUT, "%s: is empty; expected a .npy file", a->path);
    if (file_bytes < sizeof b)
        PS_FAIL(PS_EINPUT, "%s: expected a .npy file, found only %" PRIu64 " bytes", a->path,
                file_bytes);
    PS_TRY(read_bytes(a, a->begin, b, sizeof b));
    if (memcmp(b, "\x93NUMPY", 6) != 0)
        PS_FAIL(PS_EINPUT, "%s: is no .npy file: it does not begin with \\x93NUMPY", a->path);
    if (b[6] < 1 || b[6] > 3 || b[7] != 0)
        PS_FAIL(PS_EINPUT, "%s: expected .npy version 1.0, 2.0 or 3.0, found %d.%d", a->path, b[6],
                b[7]);
    *text_at = b[6] == 1 ? 10 : 12;
    n = (uint32_t)b[8] | (uint32_t)b[9] << 8;
    if (b[6] > 1)
        n |= (uint32_t)b[10] << 16 | (uint32_t)b[11] << 24;
    if (*text_at + n > file_bytes)
        PS_FAIL(PS_EINPUT, "%s: expected a header of %" PRIu32 " bytes, the file has %" PRIu64,
                a->path, n, file_bytes);
    if (n > HEADER_BYTES_MAX)
        PS_FAIL(PS_EINPUT, "%s: expected a header of at most %d bytes, found %" PRIu32, a->path,
                HEADER_BYTES_MAX, n);
    *text_bytes = n;
    return PS_OK;
}

static PS_MUST ps_status check_size(struct ps_npy *a, uint64_t file_bytes)
{
    uint64_t need, have = file_bytes - (a->data_offset - a->begin);
    char text[64];

    a->item_bytes = ps_npy_type_bytes(a->head.type);
    ps_npy_shape_text(&a->head, text);
    if (__builtin_mul_overflow(a->head.shape[0], a->head.shape[1], &a->items) ||
        __builtin_mul_overflow(a->items, (uint64_t)a->item_bytes, &need) || need > INT64_MAX)
        PS_FAIL(PS_EINPUT, "%s: shape %s of %s is more than a file can hold", a->path, text,
                ps_npy_type_name(a->head.type));
    if (need > have)
        PS_FAIL(PS_EINPUT,
                "%s: is cut short: shape %s of %s takes %" PRIu64 " bytes, found %" PRIu64, a->path,
                text, ps_npy_type_name(a->head.type), need, have);
    a->own_items = a->items;
    return PS_OK;
}

/* The array has @p bytes bytes from its beginning. */
static PS_MUST ps_status read_header(struct ps_npy *a, uint64_t bytes)
{
    uint64_t text_at;
    size_t text_bytes;

    PS_TRY(read_preamble(a, bytes, &text_at, &text_bytes));
    PS_TRY(read_bytes(a, a->begin + text_at, a->chunk, text_bytes));
    PS_TRY(ps_npy_parse(a->path, (const char *)a->chunk, text_bytes, &a->head));
    a->data_offset = a->begin + text_at + text_bytes;
    return PS_OK;
}

static PS_MUST ps_status open_file(struct ps_npy *a)
{
    struct stat s;

    a->fd = open(a->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (a->fd < 0)
        PS_FAIL_AS_(PS_EINPUT, errno, "cannot open %s", a->path);
    if (fstat(a->fd, &s) != 0)
        PS_FAIL_SYS(errno, "%s: cannot tell its size", a->path);
    if (!S_ISREG(s.st_mode))
        PS_FAIL(PS_EINPUT, "%s: is no regular file", a->path);
    PS_TRY(read_header(a, (uint64_t)s.st_size));
    return check_size(a, (uint64_t)s.st_size);
}

/* An array without a file. */
static PS_MUST ps_status npy_new(struct ps_npy **out, struct ps_ctx *ctx, const char *path)
{
    struct ps_npy *a;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, a, 1));
    a->ctx = ctx;
    a->fd = -1;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, a->path, strlen(path) + 1));
    memcpy(a->path, path, strlen(path) + 1);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_STAGING, a->chunk, CHUNK_BYTES));
    *out = a;
    a = NULL;
out:
    ps_npy_close(&a);
    return st;
}

ps_status ps_npy_open(struct ps_npy **a, struct ps_ctx *ctx, const char *path)
{
    ps_status st;

    PS_TRY(npy_new(a, ctx, path));
    st = open_file(*a);
    if (st != PS_OK)
        ps_npy_close(a);
    return st;
}

ps_status ps_npy_open_at(struct ps_npy **a, struct ps_ctx *ctx, const char *path, int fd,
                         uint64_t begin, uint64_t bytes, const struct ps_npy_header *head)
{
    ps_status st = npy_new(a, ctx, path);

    if (st != PS_OK) {
        close(fd);
        return st;
    }
    (*a)->fd = fd;
    (*a)->begin = (*a)->data_offset = begin;
    if (head != NULL)
        (*a)->head = *head;
    else
        PS_GO(st, read_header(*a, bytes));
    st = check_size(*a, bytes);
out:
    if (st != PS_OK)
        ps_npy_close(a);
    return st;
}

void ps_npy_close(struct ps_npy **a)
{
    struct ps_npy *p = *a;
    struct ps_ctx *ctx;

    *a = NULL;
    while (p != NULL) {
        struct ps_npy *next = p->next;
        ctx = p->ctx;
        if (p->fd >= 0)
            close(p->fd);
        ps_mem_free(&ctx->mem, &p->chunk);
        ps_mem_free(&ctx->mem, &p->path);
        ps_mem_free(&ctx->mem, &p);
        p = next;
    }
}

bool ps_npy_is_integer(const struct ps_npy *a)
{
    return a->head.type <= PS_NPY_U8;
}

double ps_half_value(uint16_t half)
{
    uint32_t sign = half >> 15, exponent = half >> 10 & 31, fraction = half & 1023;
    double x;

    if (exponent == 31)
        x = fraction != 0 ? (double)NAN : (double)INFINITY;
    else if (exponent == 0)
        x = ldexp((double)fraction, -24);
    else
        x = ldexp((double)(fraction | 1024), (int)exponent - 25);
    return sign != 0 ? -x : x;
}

/* One loop for each type of the file; memcpy because the bytes have no alignment of their own. */
#define EACH(T, dst, expr)                                                                         \
    for (size_t i = 0; i < n; i++) {                                                               \
        T x;                                                                                       \
        memcpy(&x, p + i * sizeof x, sizeof x);                                                    \
        (dst)[i] = (expr);                                                                         \
    }                                                                                              \
    break

static void to_f64(enum ps_npy_type type, const unsigned char *p, size_t n, double *dst)
{
    switch (type) {
    case PS_NPY_I1:
        EACH(int8_t, dst, (double)x);
    case PS_NPY_U1:
        EACH(uint8_t, dst, (double)x);
    case PS_NPY_I2:
        EACH(int16_t, dst, (double)x);
    case PS_NPY_U2:
        EACH(uint16_t, dst, (double)x);
    case PS_NPY_I4:
        EACH(int32_t, dst, (double)x);
    case PS_NPY_U4:
        EACH(uint32_t, dst, (double)x);
    case PS_NPY_I8:
        EACH(int64_t, dst, (double)x);
    case PS_NPY_U8:
        EACH(uint64_t, dst, (double)x);
    case PS_NPY_F2:
        EACH(uint16_t, dst, ps_half_value(x));
    case PS_NPY_F4:
        EACH(float, dst, (double)x);
    case PS_NPY_F8:
        EACH(double, dst, x);
    case PS_NPY_TYPE_COUNT:
    default:
        PS_ASSERT(type < PS_NPY_TYPE_COUNT);
    }
}

/* Unsigned 8-byte values above INT64_MAX come out negative; the caller looks for them. */
static void to_i64(enum ps_npy_type type, const unsigned char *p, size_t n, int64_t *dst)
{
    switch (type) {
    case PS_NPY_I1:
        EACH(int8_t, dst, +x);
    case PS_NPY_U1:
        EACH(uint8_t, dst, x);
    case PS_NPY_I2:
        EACH(int16_t, dst, x);
    case PS_NPY_U2:
        EACH(uint16_t, dst, x);
    case PS_NPY_I4:
        EACH(int32_t, dst, x);
    case PS_NPY_U4:
        EACH(uint32_t, dst, x);
    case PS_NPY_I8:
    case PS_NPY_U8:
        EACH(int64_t, dst, x);
    case PS_NPY_F2:
    case PS_NPY_F4:
    case PS_NPY_F8:
    case PS_NPY_TYPE_COUNT:
    default:
        PS_ASSERT(type <= PS_NPY_U8);
    }
}

static void check_range(const struct ps_npy *a, uint64_t first, uint64_t count)
{
    PS_ASSERT(first <= a->items && count <= a->items - first);
}

ps_status ps_npy_read_raw(struct ps_npy *a, uint64_t first, uint64_t count, void *dst)
{
    unsigned char *p = dst;

    check_range(a, first, count);
    for (; count > 0; a = a->next) {
        uint64_t n = first < a->own_items ? ps_min(count, a->own_items - first) : 0;
        if (n > 0)
            PS_TRY(read_bytes(a, a->data_offset + first * a->item_bytes, p, n * a->item_bytes));
        p += n * a->item_bytes;
        count -= n;
        first = n > 0 ? 0 : first - a->own_items;
    }
    return PS_OK;
}

ps_status ps_npy_read_f64(struct ps_npy *a, uint64_t first, uint64_t count, double *dst)
{
    size_t cap = CHUNK_BYTES / a->item_bytes;

    check_range(a, first, count);
    for (uint64_t done = 0; done < count; done += cap) {
        size_t n = ps_min(cap, count - done);
        PS_TRY(ps_npy_read_raw(a, first + done, n, a->chunk));
        to_f64(a->head.type, a->chunk, n, dst + done);
    }
    return PS_OK;
}

static PS_MUST ps_status refuse_large(const struct ps_npy *a, uint64_t item, uint64_t value)
{
    const char *path = ps_npy_place(a, &item);

    PS_FAIL(PS_EINPUT, "%s: item %" PRIu64 " is %" PRIu64 ", expected at most 2^63 - 1", path, item,
            value);
}

ps_status ps_npy_read_i64(struct ps_npy *a, uint64_t first, uint64_t count, int64_t *dst)
{
    size_t cap = CHUNK_BYTES / a->item_bytes;

    check_range(a, first, count);
    for (uint64_t done = 0; done < count; done += cap) {
        size_t n = ps_min(cap, count - done);
        PS_TRY(ps_npy_read_raw(a, first + done, n, a->chunk));
        to_i64(a->head.type, a->chunk, n, dst + done);
        for (size_t i = 0; a->head.type == PS_NPY_U8 && i < n; i++)
            if (dst[done + i] < 0)
                return refuse_large(a, first + done + i, (uint64_t)dst[done + i]);
    }
    return PS_OK;
}
