/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory of an archive stands at its end: a record of fixed size, found by its
 * signature from behind since a comment may follow it, says where the central directory
 * is. Where a number does not fit its field the field is all ones and the number stands in
 * a 64-bit twin.
 */
#include "src/graph/zip.h"

#include "io/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    END_BYTES = 22,
    END_COMMENT_MAX = 65535,
    LOCATOR64_BYTES = 20,
    END64_BYTES = 56,
    ENTRY_BYTES = 46,
    LOCAL_BYTES = 30,
    DIRECTORY_BYTES_MAX = 1 << 20,
    MEMBERS_MAX = 4096, /* names are compared each with each */
    EXTRA_ZIP64 = 1,
    METHOD_STORED = 0,
    METHOD_DEFLATED = 8,
    FLAG_ENCRYPTED = 1,
    DEFLATE_RATIO_MAX = 1032, /* 258 bytes of 2 bits */
};

static const uint32_t sign_end = 0x06054b50, sign_locator64 = 0x07064b50, sign_end64 = 0x06064b50,
                      sign_entry = 0x02014b50, sign_local = 0x04034b50;

static uint16_t u16(const unsigned char *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t u32(const unsigned char *p)
{
    return u16(p) | (uint32_t)u16(p + 2) << 16;
}

static uint64_t u64(const unsigned char *p)
{
    return u32(p) | (uint64_t)u32(p + 4) << 32;
}

/* The last record: where it is, and its bytes. */
static PS_MUST ps_status find_end(struct ps_zip *z, uint64_t file_bytes, uint64_t *at,
                                  unsigned char end[END_BYTES])
{
    uint64_t n = ps_min(file_bytes, END_BYTES + END_COMMENT_MAX), i;
    unsigned char *tail = NULL;
    ps_status st;

    PS_TRY(PS_NEW(&z->ctx->mem, PS_MEM_STAGING, tail, n));
    PS_GO(st, ps_file_read(z->fd, z->path, file_bytes - n, n, tail));
    for (i = n < END_BYTES ? 0 : n - END_BYTES + 1; i-- > 0;)
        if (u32(tail + i) == sign_end && i + END_BYTES + u16(tail + i + 20) == n) {
            memcpy(end, tail + i, END_BYTES);
            *at = file_bytes - n + i;
            goto out;
        }
    PS_GO_FAIL(st, PS_EINPUT,
               "%s: is no zip archive or is cut short: no end record in the last %" PRIu64
               " of its %" PRIu64 " bytes",
               z->path, n, file_bytes);
out:
    ps_mem_free(&z->ctx->mem, &tail);
    return st;
}

/* The 64-bit twin of the end record at @p at. */
static PS_MUST ps_status read_end64(struct ps_zip *z, uint64_t at, uint64_t *entries)
{
    unsigned char locator[LOCATOR64_BYTES], end[END64_BYTES];
    uint64_t where;

    if (at < LOCATOR64_BYTES)
        PS_FAIL(PS_EINPUT, "%s: expected a zip64 locator before byte %" PRIu64, z->path, at);
    PS_TRY(ps_file_read(z->fd, z->path, at - LOCATOR64_BYTES, LOCATOR64_BYTES, locator));
    where = u64(locator + 8);
    if (u32(locator) != sign_locator64 || where > at - LOCATOR64_BYTES ||
        at - LOCATOR64_BYTES - where < END64_BYTES)
        PS_FAIL(PS_EINPUT, "%s: expected a zip64 locator at byte %" PRIu64, z->path,
                at - LOCATOR64_BYTES);
    PS_TRY(ps_file_read(z->fd, z->path, where, END64_BYTES, end));
    if (u32(end) != sign_end64)
        PS_FAIL(PS_EINPUT, "%s: expected a zip64 end record at byte %" PRIu64, z->path, where);
    if (u32(locator + 16) > 1 || u32(end + 16) != 0 || u32(end + 20) != 0)
        PS_FAIL(PS_EINPUT, "%s: is one of several files of an archive, expected a whole one",
                z->path);
    *entries = u64(end + 32);
    z->directory_bytes = u64(end + 40);
    z->directory_at = u64(end + 48);
    return PS_OK;
}

/* Fill directory_at, directory_bytes and *entries. */
static PS_MUST ps_status find_directory(struct ps_zip *z, uint64_t file_bytes, uint64_t *entries)
{
    unsigned char end[END_BYTES];
    uint64_t at;

    PS_TRY(find_end(z, file_bytes, &at, end));
    *entries = u16(end + 10);
    z->directory_bytes = u32(end + 12);
    z->directory_at = u32(end + 16);
    if (*entries == UINT16_MAX || z->directory_bytes == UINT32_MAX || z->directory_at == UINT32_MAX)
        PS_TRY(read_end64(z, at, entries));
    else if (u16(end + 4) != 0 || u16(end + 6) != 0)
        PS_FAIL(PS_EINPUT, "%s: is one of several files of an archive, expected a whole one",
                z->path);
    if (z->directory_at > at || z->directory_bytes > at - z->directory_at)
        PS_FAIL(PS_EINPUT,
                "%s: expected a directory of %" PRIu64 " bytes at %" PRIu64
                ", which is beyond its end record at %" PRIu64,
                z->path, z->directory_bytes, z->directory_at, at);
    if (z->directory_bytes > DIRECTORY_BYTES_MAX || *entries > MEMBERS_MAX)
        PS_FAIL(PS_EINPUT,
                "%s: expected at most %d members and %d bytes of directory, found %" PRIu64
                " and %" PRIu64,
                z->path, MEMBERS_MAX, DIRECTORY_BYTES_MAX, *entries, z->directory_bytes);
    return PS_OK;
}

/* The 64-bit numbers of a member, for those whose fields are all ones. */
static bool read_extra(const unsigned char *p, size_t n, struct ps_zip_member *m)
{
    uint64_t *wide[] = {&m->bytes, &m->packed_bytes, &m->header_at};
    size_t i = 0, k = 0, size;

    for (; n - i >= 4 && u16(p + i) != EXTRA_ZIP64; i += 4 + size) {
        size = u16(p + i + 2);
        if (n - i - 4 < size)
            return false;
    }
    size = n - i >= 4 ? u16(p + i + 2) : 0;
    if (n - i >= 4 && n - i - 4 < size)
        return false;
    for (unsigned w = 0; w < 3; w++)
        if (*wide[w] == UINT32_MAX) {
            if (size - k < 8)
                return false;
            *wide[w] = u64(p + i + 4 + k);
            k += 8;
        }
    return true;
}

static PS_MUST ps_status check_entry(const struct ps_zip *z, const struct ps_zip_member *m,
                                     unsigned flags, unsigned method)
{
    if ((flags & FLAG_ENCRYPTED) != 0)
        PS_FAIL(PS_EINPUT, "%s: member %s is encrypted", z->path, m->name);
    if (method != METHOD_STORED && method != METHOD_DEFLATED)
        PS_FAIL(PS_EINPUT,
                "%s: member %s is packed by method %u, expected 0 (stored) or 8 (deflated)",
                z->path, m->name, method);
    if (method == METHOD_STORED && m->bytes != m->packed_bytes)
        PS_FAIL(PS_EINPUT,
                "%s: member %s is stored, expected equal sizes, found %" PRIu64 " and %" PRIu64,
                z->path, m->name, m->bytes, m->packed_bytes);
    if (m->bytes / DEFLATE_RATIO_MAX > m->packed_bytes) /* before space is reserved for them */
        PS_FAIL(PS_EINPUT,
                "%s: member %s: %" PRIu64 " bytes cannot come of %" PRIu64 " deflated ones",
                z->path, m->name, m->bytes, m->packed_bytes);
    if (m->header_at > z->directory_at || z->directory_at - m->header_at < LOCAL_BYTES ||
        m->packed_bytes > z->directory_at - m->header_at - LOCAL_BYTES)
        PS_FAIL(PS_EINPUT,
                "%s: member %s: %" PRIu64 " bytes at %" PRIu64
                " do not fit before the directory at %" PRIu64,
                z->path, m->name, m->packed_bytes, m->header_at, z->directory_at);
    return PS_OK;
}

/* The entry at byte *at of the directory. Its name moves to its front, to be ended by a zero. */
static PS_MUST ps_status read_entry(struct ps_zip *z, uint64_t *at, struct ps_zip_member *m)
{
    unsigned char *p = z->directory + *at;
    uint64_t left = z->directory_bytes - *at, need = ENTRY_BYTES;
    unsigned flags, method, name_bytes;

    if (left >= need)
        need += (uint64_t)u16(p + 28) + u16(p + 30) + u16(p + 32);
    if (left < need || u32(p) != sign_entry)
        PS_FAIL(PS_EINPUT, "%s: expected an entry of the directory at byte %" PRIu64, z->path,
                z->directory_at + *at);
    flags = u16(p + 8);
    method = u16(p + 10);
    name_bytes = u16(p + 28);
    *m = (struct ps_zip_member){.name = (char *)p,
                                .crc = u32(p + 16),
                                .packed_bytes = u32(p + 20),
                                .bytes = u32(p + 24),
                                .header_at = u32(p + 42),
                                .deflated = method == METHOD_DEFLATED};
    if (memchr(p + ENTRY_BYTES, 0, name_bytes) != NULL ||
        !read_extra(p + ENTRY_BYTES + name_bytes, u16(p + 30), m))
        PS_FAIL(PS_EINPUT, "%s: the entry of the directory at byte %" PRIu64 " is damaged", z->path,
                z->directory_at + *at);
    memmove(p, p + ENTRY_BYTES, name_bytes);
    p[name_bytes] = '\0';
    *at += need;
    return check_entry(z, m, flags, method);
}

static PS_MUST ps_status read_directory(struct ps_zip *z)
{
    uint64_t file_bytes, entries, at = 0;

    PS_TRY(ps_file_open_regular(z->path, &z->fd, &file_bytes));
    PS_TRY(find_directory(z, file_bytes, &entries));
    PS_TRY(PS_NEW(&z->ctx->mem, PS_MEM_OTHER, z->directory, z->directory_bytes));
    PS_TRY(PS_NEW(&z->ctx->mem, PS_MEM_OTHER, z->member, entries));
    PS_TRY(ps_file_read(z->fd, z->path, z->directory_at, z->directory_bytes, z->directory));
    for (; z->member_count < entries; z->member_count++) {
        struct ps_zip_member *m = z->member + z->member_count;
        PS_TRY(read_entry(z, &at, m));
        if (ps_zip_find(z, m->name) != NULL)
            PS_FAIL(PS_EINPUT, "%s: member %s is there twice", z->path, m->name);
    }
    return PS_OK;
}

ps_status ps_zip_open(struct ps_zip **out, struct ps_ctx *ctx, const char *path)
{
    struct ps_zip *z;
    ps_status st;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, z, 1));
    z->ctx = ctx;
    z->fd = -1;
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, z->path, strlen(path) + 1));
    memcpy(z->path, path, strlen(path) + 1);
    PS_GO(st, read_directory(z));
    *out = z;
    z = NULL;
out:
    ps_zip_close(&z);
    return st;
}

void ps_zip_close(struct ps_zip **z)
{
    struct ps_zip *p = *z;
    struct ps_ctx *ctx;

    if (p == NULL)
        return;
    ctx = p->ctx;
    if (p->fd >= 0)
        close(p->fd);
    ps_mem_free(&ctx->mem, &p->directory);
    ps_mem_free(&ctx->mem, &p->member);
    ps_mem_free(&ctx->mem, &p->path);
    ps_mem_free(&ctx->mem, z);
}

const struct ps_zip_member *ps_zip_find(const struct ps_zip *z, const char *name)
{
    for (uint64_t i = 0; i < z->member_count; i++)
        if (strcmp(z->member[i].name, name) == 0)
            return z->member + i;
    return NULL;
}

ps_status ps_zip_locate(const struct ps_zip *z, const struct ps_zip_member *m, uint64_t *data_at)
{
    unsigned char local[LOCAL_BYTES];
    uint64_t before;

    PS_TRY(ps_file_read(z->fd, z->path, m->header_at, LOCAL_BYTES, local));
    if (u32(local) != sign_local)
        PS_FAIL(PS_EINPUT, "%s: member %s: expected its header at byte %" PRIu64, z->path, m->name,
                m->header_at);
    before = LOCAL_BYTES + (uint64_t)u16(local + 26) + u16(local + 28);
    if (m->packed_bytes > z->directory_at - m->header_at ||
        before > z->directory_at - m->header_at - m->packed_bytes)
        PS_FAIL(PS_EINPUT,
                "%s: member %s: %" PRIu64 " bytes at %" PRIu64
                " do not fit before the directory at %" PRIu64,
                z->path, m->name, m->packed_bytes, m->header_at + before, z->directory_at);
    if (u16(local + 8) != (m->deflated ? METHOD_DEFLATED : METHOD_STORED) ||
        u16(local + 26) != strlen(m->name))
        PS_FAIL(PS_EINPUT,
                "%s: member %s: its header at byte %" PRIu64 " is not as the directory says",
                z->path, m->name, m->header_at);
    *data_at = m->header_at + before;
    return PS_OK;
}
