/* SPDX-License-Identifier: Apache-2.0 */
#include "io/read_check.h"

#include "io/checksum.h"
#include "io/file.h"
#include "io/layout.h"

#include <string.h>
#include <unistd.h>

/* An array and the checksums of its blocks. */
struct guarded {
    enum ps_array_id id;
    uint64_t begin, end; /* in the file */
    uint32_t *sum;       /* (ps_block_count(end - begin)) */
};

struct file {
    char *path;
    struct guarded array[PS_ARRAY_COUNT]; /* (count) */
    uint32_t count;
};

struct ps_read_check {
    struct ps_ctx *ctx;
    struct file *file; /* (files) */
    size_t files, cap;
};

ps_status ps_read_check_new(struct ps_read_check **c, struct ps_ctx *ctx)
{
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, *c, 1));
    (*c)->ctx = ctx;
    return PS_OK;
}

static void drop(struct ps_mem *m, struct file *f)
{
    for (uint32_t i = 0; i < f->count; i++)
        ps_mem_free(m, &f->array[i].sum);
    ps_mem_free(m, &f->path);
    f->count = 0;
}

void ps_read_check_free(struct ps_read_check **c)
{
    struct ps_read_check *p = *c;
    struct ps_mem *m;

    if (p == NULL)
        return;
    m = &p->ctx->mem;
    for (size_t i = 0; i < p->files; i++)
        drop(m, &p->file[i]);
    ps_mem_free(m, &p->file);
    ps_mem_free(m, c);
}

uint32_t ps_read_check_files(const struct ps_read_check *c)
{
    return ps_u32(c->files);
}

/* The checksums of one array, which itself has a hash over them. */
static PS_MUST ps_status load_sums(struct ps_mem *m, struct ps_h5 *h5, int fd, const char *path,
                                   struct guarded *g)
{
    const char *name = ps_layout_checksum_name(g->id);
    uint64_t blocks = ps_block_count(g->end - g->begin), want, found;
    struct ps_h5_found at;

    PS_TRY(ps_h5_find(h5, name, &at));
    if (!at.present || !at.contiguous || at.bytes != blocks * sizeof *g->sum)
        PS_FAIL(PS_EINPUT, "%s: %s: %" PRIu64 " checksums expected for --verify-reads, found %s",
                path, name, blocks, at.present ? "another shape" : "nothing");
    PS_TRY(ps_h5_get_u64(h5, name, "checksum", &want));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, g->sum, blocks));
    PS_TRY(ps_file_read(fd, path, at.offset, at.bytes, g->sum));
    found = ps_hash64(g->sum, at.bytes);
    if (found != want)
        PS_FAIL(PS_EINPUT,
                "%s: the checksums of %s are damaged: 0x%016" PRIx64
                " expected over them, found 0x%016" PRIx64,
                path, ps_array_name(g->id), want, found);
    return PS_OK;
}

static PS_MUST ps_status load_file(struct ps_mem *m, struct ps_h5 *h5, int fd, struct file *f)
{
    struct ps_h5_found found;

    for (int id = 0; id < PS_ARRAY_COUNT; id++) {
        struct guarded *g = &f->array[f->count];

        PS_TRY(ps_h5_find(h5, ps_array_name((enum ps_array_id)id), &found));
        if (!found.present || found.bytes == 0)
            continue;
        if (!found.contiguous || found.offset % PS_BLOCK_BYTES != 0)
            PS_FAIL(PS_EINPUT, "%s: %s: one extent aligned to %d bytes expected, found another",
                    f->path, ps_array_name((enum ps_array_id)id), PS_BLOCK_BYTES);
        *g = (struct guarded){
            .id = (enum ps_array_id)id, .begin = found.offset, .end = found.offset + found.bytes};
        f->count++;
        PS_TRY(load_sums(m, h5, fd, f->path, g));
    }
    if (f->count == 0)
        PS_FAIL(PS_EINPUT, "%s: the arrays of a dataset expected for --verify-reads, found none",
                f->path);
    return PS_OK;
}

ps_status ps_read_check_add_file(struct ps_read_check *c, const char *path)
{
    struct ps_mem *m = &c->ctx->mem;
    size_t length = strlen(path) + 1;
    struct file f = {.count = 0};
    struct ps_h5 *h5 = NULL;
    ps_status st = PS_OK;
    uint64_t bytes;
    int fd = -1;

    PS_TRY(PS_GROW(m, PS_MEM_OTHER, c->file, c->cap, c->files + 1, c->files));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, f.path, length));
    memcpy(f.path, path, length);
    PS_GO(st, ps_file_open_regular(path, &fd, &bytes));
    ps_h5_enter();
    st = ps_h5_open(&h5, c->ctx, path);
    if (st == PS_OK)
        st = load_file(m, h5, fd, &f);
    PS_KEEP(st, ps_h5_close(&h5));
    ps_h5_leave();
    if (st == PS_OK)
        c->file[c->files++] = f;
out:
    if (fd >= 0)
        close(fd);
    if (st != PS_OK)
        drop(m, &f);
    return st;
}

/* Blocks [first, last) of an array. */
static PS_MUST ps_status check_blocks(const struct file *f, const struct guarded *g,
                                      const struct ps_arrived *a, uint64_t first, uint64_t last)
{
    for (uint64_t b = first; b < last; b++) {
        uint64_t at = g->begin + b * PS_BLOCK_BYTES, end = ps_min(at + PS_BLOCK_BYTES, g->end);
        uint32_t found;

        if (end > a->end)
            PS_FAIL(PS_EINPUT,
                    "%s: %s: the file ends too early: block %" PRIu64 " up to byte %" PRIu64
                    " of the file expected, found the end at %" PRIu64,
                    f->path, ps_array_name(g->id), b, end, a->end);
        ps_block_sums((const char *)a->bytes + (at - a->offset), end - at, &found);
        if (found != g->sum[b])
            PS_FAIL(PS_EINPUT,
                    "%s: %s: block %" PRIu64 " (at byte %" PRIu64 " of the array, %" PRIu64
                    " of the file) was read damaged: checksum 0x%08" PRIx32
                    " expected, found 0x%08" PRIx32,
                    f->path, ps_array_name(g->id), b, b * PS_BLOCK_BYTES, at, g->sum[b], found);
    }
    return PS_OK;
}

ps_status ps_read_check_bytes(const struct ps_read_check *c, const struct ps_arrived *a,
                              uint64_t from, uint64_t to, uint64_t *checked)
{
    const struct file *f = &c->file[a->file];

    PS_ASSERT(a->file < c->files && a->offset <= from && to <= a->end);
    for (uint32_t i = 0; i < f->count; i++) {
        const struct guarded *g = &f->array[i];
        uint64_t begin = ps_max(from, g->begin), end = ps_min(to, g->end);

        if (begin < end)
            PS_TRY(check_blocks(f, g, a, (begin - g->begin) / PS_BLOCK_BYTES,
                                ps_div_up(end - g->begin, PS_BLOCK_BYTES)));
    }
    *checked = ps_align_up(to, PS_BLOCK_BYTES);
    return PS_OK;
}
