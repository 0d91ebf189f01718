/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

enum { IN_BYTES = 128 * 1024, MAGIC_BYTES = 6, GZIP_WINDOW = 15 + 16, DEFLATE_RATIO_MAX = 1032 };

struct ps_stream {
    struct ps_ctx *ctx;
    char *path;
    const unsigned char *memory; /* borrowed; NULL for a file */
    uint64_t size;               /* bytes as stored */
    uint64_t offset;             /* of the next byte to take from the file */
    unsigned char *in;           /* (IN_BYTES) gzip data, NULL for plain files */
    z_stream z;
    int fd;        /* -1 for memory */
    bool unpacker; /* z is to be ended */
    bool inside;   /* a gzip member has begun and not ended */
};

/* What a file may begin with that is no text. */
static const struct {
    const char *magic, *name;
    size_t bytes;
} packer[] = {
    {"BZh", "bzip2", 3},
    {"\xfd"
     "7zXZ",
     "xz", 6},
    {"\x28\xb5\x2f\xfd", "zstd", 4},
    {"PK\x03\x04", "zip", 4},
};

/* zlib takes its memory from the account of the rank. */
static voidpf take(voidpf opaque, uInt items, uInt size)
{
    struct ps_mem *m = opaque;
    unsigned char *p;

    return ps_mem_new(m, PS_MEM_STAGING, &p, items, size) == PS_OK ? p : Z_NULL;
}

static void give(voidpf opaque, voidpf address)
{
    ps_mem_free(opaque, &address);
}

/* Up to @p bytes stored bytes from offset on. */
static PS_MUST ps_status take_raw(struct ps_stream *s, void *dst, size_t bytes, size_t *got)
{
    unsigned char *p = dst;

    *got = 0;
    if (s->memory != NULL) {
        *got = ps_min(bytes, s->size - s->offset);
        memcpy(dst, s->memory + s->offset, *got);
        s->offset += *got;
        return PS_OK;
    }
    while (*got < bytes) {
        ssize_t n = pread(s->fd, p + *got, bytes - *got, (off_t)s->offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            PS_FAIL_SYS(errno, "%s: cannot read %zu bytes at %" PRIu64, s->path, bytes - *got,
                        s->offset);
        if (n == 0)
            break;
        *got += (size_t)n;
        s->offset += (uint64_t)n;
    }
    return PS_OK;
}

/* Look at the first bytes: gzip, plain, or what we do not unpack. */
static PS_MUST ps_status find_packer(struct ps_stream *s)
{
    unsigned char b[MAGIC_BYTES] = {0};
    size_t got;

    PS_TRY(take_raw(s, b, sizeof b, &got));
    s->offset = 0;
    for (size_t i = 0; i < sizeof packer / sizeof packer[0]; i++)
        if (memcmp(b, packer[i].magic, packer[i].bytes) == 0)
            PS_FAIL(PS_EINPUT, "%s: is %s; expected plain text or gzip", s->path, packer[i].name);
    if (b[0] != 0x1f || b[1] != 0x8b)
        return PS_OK;
    PS_TRY(PS_NEW(&s->ctx->mem, PS_MEM_STAGING, s->in, IN_BYTES));
    s->z.zalloc = take;
    s->z.zfree = give;
    s->z.opaque = &s->ctx->mem;
    if (inflateInit2(&s->z, GZIP_WINDOW) != Z_OK)
        PS_FAIL(PS_EMEM, "%s: out of memory for unpacking", s->path);
    s->unpacker = true;
    return PS_OK;
}

static PS_MUST ps_status open_file(struct ps_stream *s)
{
    struct stat st;

    if (strcmp(s->path, "-") == 0)
        PS_FAIL(PS_EINPUT, "standard input can be read only once, the import reads its files more "
                           "often; expected a file");
    s->fd = open(s->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */
    if (s->fd < 0)
        PS_FAIL_AS_(PS_EINPUT, errno, "cannot open %s", s->path);
    if (fstat(s->fd, &st) != 0)
        PS_FAIL_SYS(errno, "%s: cannot tell its size", s->path);
    if (!S_ISREG(st.st_mode))
        PS_FAIL(PS_EINPUT, "%s: is no regular file; it is read more than once", s->path);
    s->size = (uint64_t)st.st_size;
    return PS_OK;
}

static PS_MUST ps_status make(struct ps_stream **out, struct ps_ctx *ctx, const char *path,
                              const void *data, size_t bytes)
{
    struct ps_stream *s;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, s, 1));
    s->ctx = ctx;
    s->fd = -1;
    s->memory = data;
    s->size = bytes;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->path, strlen(path) + 1));
    memcpy(s->path, path, strlen(path) + 1);
    if (data == NULL)
        PS_GO(st, open_file(s));
    PS_GO(st, find_packer(s));
    *out = s;
    s = NULL;
out:
    ps_stream_close(&s);
    return st;
}

ps_status ps_stream_open(struct ps_stream **s, struct ps_ctx *ctx, const char *path)
{
    return make(s, ctx, path, NULL, 0);
}

ps_status ps_stream_memory(struct ps_stream **s, struct ps_ctx *ctx, const char *name,
                           const void *data, size_t bytes)
{
    return make(s, ctx, name, data != NULL ? data : "", bytes);
}

void ps_stream_close(struct ps_stream **s)
{
    struct ps_stream *p = *s;
    struct ps_ctx *ctx;

    if (p == NULL)
        return;
    ctx = p->ctx;
    if (p->unpacker)
        inflateEnd(&p->z);
    if (p->fd >= 0)
        close(p->fd);
    ps_mem_free(&ctx->mem, &p->in);
    ps_mem_free(&ctx->mem, &p->path);
    ps_mem_free(&ctx->mem, s);
}

/* More stored bytes for the unpacker; *end if there are none and none are missing. */
static PS_MUST ps_status feed(struct ps_stream *s, bool *end)
{
    size_t n;

    *end = false;
    if (s->z.avail_in == 0) {
        PS_TRY(take_raw(s, s->in, IN_BYTES, &n));
        s->z.next_in = s->in;
        s->z.avail_in = (uInt)n;
        if (n == 0 && s->inside)
            PS_FAIL(PS_EINPUT, "%s: gzip data is cut short at byte %" PRIu64, s->path, s->offset);
        *end = n == 0;
    }
    if (!*end && !s->inside) {
        inflateReset(&s->z);
        s->inside = true;
    }
    return PS_OK;
}

static PS_MUST ps_status unpack(struct ps_stream *s)
{
    int rc = inflate(&s->z, Z_NO_FLUSH);

    if (rc == Z_STREAM_END)
        s->inside = false;
    else if (rc == Z_MEM_ERROR)
        PS_FAIL(PS_EMEM, "%s: out of memory for unpacking", s->path);
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        PS_FAIL(PS_EINPUT, "%s: gzip data is damaged before byte %" PRIu64 " (%s)", s->path,
                s->offset - s->z.avail_in, s->z.msg != NULL ? s->z.msg : "no more is known");
    return PS_OK;
}

ps_status ps_stream_read(struct ps_stream *s, void *dst, size_t bytes, size_t *got)
{
    unsigned char *p = dst;
    bool end = false;

    *got = 0;
    if (!s->unpacker)
        return take_raw(s, dst, bytes, got);
    while (*got < bytes) {
        uInt room = (uInt)ps_min(bytes - *got, UINT32_MAX / 2);
        PS_TRY(feed(s, &end));
        if (end)
            break;
        s->z.next_out = p + *got;
        s->z.avail_out = room;
        PS_TRY(unpack(s));
        *got += room - s->z.avail_out;
    }
    return PS_OK;
}

void ps_stream_rewind(struct ps_stream *s)
{
    s->offset = 0;
    s->z.avail_in = 0;
    s->inside = false;
}

const char *ps_stream_path(const struct ps_stream *s)
{
    return s->path;
}

uint64_t ps_stream_bytes_max(const struct ps_stream *s)
{
    uint64_t most = s->size;

    if (s->unpacker && __builtin_mul_overflow(s->size, (uint64_t)DEFLATE_RATIO_MAX, &most))
        most = UINT64_MAX;
    return most;
}
