/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The oracle: the same byte ranges, through H5Dread.
 *
 * Other engines trust the extents that H5Dget_offset gave. This one takes a byte range back to the
 * items of the arrays that it overlaps and has the HDF5 library read those, so equal results mean
 * that extents and library agree. Bytes that belong to no array are zero. One read after
 * another, under the library's lock; finished before submit returns.
 */
#include "io/engine_done.h"
#include "io/h5.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

struct file {
    struct ps_h5 *h5;
    struct ps_h5_extent *extent; /* (extents) ascending by offset */
    uint64_t extents;
};

struct state {
    struct ps_io_done done;
    struct file *file; /* (files) */
    size_t files, cap;
};

static ps_status hdf5_open(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    struct state *s = state;

    return ps_io_done_init(&s->done, ctx, setup->queue_depth);
}

static void close_last(struct state *s, struct ps_ctx *ctx)
{
    struct file *f = &s->file[--s->files];
    bool closed;

    ps_h5_enter();
    ps_err_hold(1);
    closed = ps_h5_close(&f->h5) == PS_OK;
    ps_err_hold(-1);
    ps_h5_leave();
    (void)closed; /* read only: nothing that could still fail matters */
    ps_mem_free(&ctx->mem, &f->extent);
}

static ps_status hdf5_add_file(void *state, struct ps_ctx *ctx, uint32_t file, int fd,
                               const char *path)
{
    struct state *s = state;
    struct file f = {NULL, NULL, 0};
    ps_status st;

    (void)fd;
    while (s->files > file)
        close_last(s, ctx);
    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_OTHER, s->file, s->cap, s->files + 1, s->files));
    ps_h5_enter();
    PS_GO(st, ps_h5_open(&f.h5, ctx, path));
    PS_GO(st, ps_h5_extents(f.h5, &f.extent, &f.extents));
    s->file[s->files++] = f;
out:
    if (st != PS_OK)
        PS_KEEP(st, ps_h5_close(&f.h5));
    ps_h5_leave();
    return st;
}

/* Bytes [from, to) of the file. */
static PS_MUST ps_status read_range(const struct file *f, uint64_t from, uint64_t to,
                                    unsigned char *dst)
{
    memset(dst, 0, to - from);
    for (uint64_t i = 0; i < f->extents; i++) {
        const struct ps_h5_extent *x = &f->extent[i];
        uint64_t begin = ps_max(from, x->offset), end = ps_min(to, x->offset + x->bytes);

        if (begin < end)
            PS_TRY(
                ps_h5_read_bytes(f->h5, x, begin - x->offset, end - begin, dst + (begin - from)));
    }
    return PS_OK;
}

/* As of pread: bytes up to the end of the file, or a negative errno. */
static int32_t carry_out(const struct file *f, int fd, const struct ps_io_req *r)
{
    uint64_t from = r->offset + r->from, to = r->offset + r->len;
    struct stat s;
    ps_status st;

    if (fstat(fd, &s) != 0)
        return -errno;
    to = ps_min(to, (uint64_t)s.st_size);
    if (from >= to)
        return 0;
    ps_h5_enter();
    st = read_range(f, from, to, (unsigned char *)r->dst + r->from);
    ps_h5_leave();
    return st == PS_OK ? (int32_t)(to - from) : -EIO;
}

/* One at a time, as pread does. */
static ps_status hdf5_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                             uint32_t *taken)
{
    struct state *s = state;
    struct ps_io_req *r = req[0];

    *taken = 0;
    if (n == 0 || s->done.count == s->done.depth)
        return PS_OK;
    r->result = carry_out(&s->file[r->file], fd[r->file], r);
    ps_io_done_put(&s->done, r);
    *taken = 1;
    return PS_OK;
}

static ps_status hdf5_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                           uint32_t *n)
{
    struct state *s = state;

    ps_io_done_take(&s->done, min, max, req, n);
    return PS_OK;
}

static void hdf5_close(void *state, struct ps_ctx *ctx)
{
    struct state *s = state;

    while (s->files > 0)
        close_last(s, ctx);
    ps_mem_free(&ctx->mem, &s->file);
    ps_io_done_fini(&s->done, ctx);
}

const struct ps_io_ops ps_io_hdf5 = {
    .version = PS_IO_OPS_VERSION,
    .name = "hdf5",
    .state_bytes = sizeof(struct state),
    .direct = false,
    .open = hdf5_open,
    .add_file = hdf5_add_file,
    .submit = hdf5_submit,
    .reap = hdf5_reap,
    .close = hdf5_close,
};
