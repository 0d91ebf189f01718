/* SPDX-License-Identifier: Apache-2.0 */
/* The content of a member, through zlib where it is deflated. */
#include "src/graph/zip.h"

#include "io/file.h"

#include <zlib.h>

enum { IN_BYTES = 64 * 1024, OUT_BYTES = 256 * 1024 };

struct flow {
    const struct ps_zip *z;
    const struct ps_zip_member *m;
    ps_zip_sink *sink;
    void *arg;
    uint64_t at, left; /* packed bytes: where the next ones are, how many */
    uint64_t bytes;    /* content so far */
    uLong crc;
    unsigned char *in, *out; /* (IN_BYTES), (OUT_BYTES) */
};

static PS_MUST ps_status give(struct flow *f, const unsigned char *bytes, size_t n)
{
    if (n > f->m->bytes - f->bytes)
        PS_FAIL(PS_EINPUT, "%s: member %s: expected %" PRIu64 " bytes, found more", f->z->path,
                f->m->name, f->m->bytes);
    f->bytes += n;
    f->crc = crc32_z(f->crc, bytes, n);
    return f->sink != NULL && n > 0 ? f->sink(f->arg, bytes, n) : PS_OK;
}

/* The next packed bytes, up to @p max. */
static PS_MUST ps_status take(struct flow *f, unsigned char *dst, size_t max, size_t *n)
{
    *n = ps_min(max, f->left);
    PS_TRY(ps_file_read(f->z->fd, f->z->path, f->at, *n, dst));
    f->at += *n;
    f->left -= *n;
    return PS_OK;
}

static PS_MUST ps_status copy_stored(struct flow *f)
{
    size_t n;

    while (f->left > 0) {
        PS_TRY(take(f, f->out, OUT_BYTES, &n));
        PS_TRY(give(f, f->out, n));
    }
    return PS_OK;
}

/* zlib's memory is counted like ours. */
static voidpf zlib_new(voidpf mem, uInt items, uInt bytes)
{
    void *p;

    return ps_mem_new(mem, PS_MEM_STAGING, &p, items, bytes) == PS_OK ? p : Z_NULL;
}

static void zlib_free(voidpf mem, voidpf p)
{
    ps_mem_free(mem, &p);
}

static PS_MUST ps_status damaged(const struct flow *f, const z_stream *s)
{
    PS_FAIL(PS_EINPUT, "%s: member %s: its deflated bytes are damaged before byte %" PRIu64 ": %s",
            f->z->path, f->m->name, f->at - s->avail_in,
            s->msg != NULL ? s->msg : "they end too early");
}

static PS_MUST ps_status inflate_all(struct flow *f, z_stream *s)
{
    int rc = Z_OK;
    size_t n;

    while (rc != Z_STREAM_END) {
        if (s->avail_in == 0) {
            PS_TRY(take(f, f->in, IN_BYTES, &n));
            s->next_in = f->in;
            s->avail_in = (uInt)n;
        }
        s->next_out = f->out;
        s->avail_out = OUT_BYTES;
        rc = inflate(s, Z_NO_FLUSH);
        if (rc == Z_MEM_ERROR)
            return PS_EMEM; /* zlib_new has told */
        if (rc != Z_OK && rc != Z_STREAM_END)
            return damaged(f, s); /* nothing left to read is no progress: Z_BUF_ERROR */
        PS_TRY(give(f, f->out, OUT_BYTES - s->avail_out));
    }
    if (s->avail_in + f->left > 0)
        PS_FAIL(PS_EINPUT, "%s: member %s: %" PRIu64 " bytes behind the end of its deflated bytes",
                f->z->path, f->m->name, s->avail_in + f->left);
    return PS_OK;
}

static PS_MUST ps_status copy_deflated(struct flow *f)
{
    z_stream s = {.zalloc = zlib_new, .zfree = zlib_free, .opaque = &f->z->ctx->mem};
    ps_status st = PS_OK;
    int rc;

    PS_TRY(PS_NEW(&f->z->ctx->mem, PS_MEM_STAGING, f->in, IN_BYTES));
    rc = inflateInit2(&s, -MAX_WBITS); /* no zlib header in an archive */
    if (rc == Z_MEM_ERROR)
        return PS_EMEM;
    if (rc != Z_OK)
        PS_FAIL(PS_EUNSUPP, "zlib %s cannot begin to inflate: error %d", zlibVersion(), rc);
    st = inflate_all(f, &s);
    inflateEnd(&s);
    return st;
}

ps_status ps_zip_read(const struct ps_zip *z, const struct ps_zip_member *m, ps_zip_sink *sink,
                      void *arg)
{
    struct flow f = {.z = z, .m = m, .sink = sink, .arg = arg, .left = m->packed_bytes};
    ps_status st;

    PS_TRY(ps_zip_locate(z, m, &f.at));
    f.crc = crc32_z(0, NULL, 0);
    PS_GO(st, PS_NEW(&z->ctx->mem, PS_MEM_STAGING, f.out, OUT_BYTES));
    PS_GO(st, m->deflated ? copy_deflated(&f) : copy_stored(&f));
    if (f.bytes != m->bytes)
        PS_GO_FAIL(st, PS_EINPUT, "%s: member %s: expected %" PRIu64 " bytes, found %" PRIu64,
                   z->path, m->name, m->bytes, f.bytes);
    if (f.crc != m->crc)
        PS_GO_FAIL(st, PS_EINPUT,
                   "%s: member %s: expected CRC-32 %08" PRIx32 ", found %08" PRIx32
                   ": its bytes were damaged",
                   z->path, m->name, m->crc, (uint32_t)f.crc);
out:
    ps_mem_free(&z->ctx->mem, &f.in);
    ps_mem_free(&z->ctx->mem, &f.out);
    return st;
}
