/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads through a mapping, for comparison: the way in which array libraries read large files.
 * Every first touch of a page is a fault, and the kernel reads ahead as the advice says.
 */
#include "io/bench.h"
#include "io/engine_done.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

struct map {
    unsigned char *base;
    uint64_t bytes;
};

struct state {
    struct ps_io_done done;
    int advice;
    struct map *map; /* (maps) */
    size_t maps, cap;
};

static PS_MUST ps_status mmap_open(void *state, struct ps_ctx *ctx, uint32_t depth, int advice)
{
    struct state *s = state;

    s->advice = advice;
    return ps_io_done_init(&s->done, ctx, depth);
}

static ps_status open_sequential(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    return mmap_open(state, ctx, setup->queue_depth, MADV_SEQUENTIAL);
}

static ps_status open_random(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    return mmap_open(state, ctx, setup->queue_depth, MADV_RANDOM);
}

static ps_status mmap_add_file(void *state, struct ps_ctx *ctx, uint32_t file, int fd,
                               const char *path)
{
    struct state *s = state;
    struct map m;
    struct stat st;
    void *base;

    while (s->maps > file) {
        s->maps--;
        munmap(s->map[s->maps].base, s->map[s->maps].bytes);
    }
    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_OTHER, s->map, s->cap, s->maps + 1, s->maps));
    if (fstat(fd, &st) != 0 || st.st_size == 0)
        PS_FAIL(PS_EINPUT, "%s is empty: there is nothing to map", path);
    m.bytes = (uint64_t)st.st_size;
    base = mmap(NULL, m.bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (base == MAP_FAILED)
        PS_FAIL_SYS(errno, "cannot map %" PRIu64 " bytes of %s", m.bytes, path);
    m.base = base;
    (void)madvise(base, m.bytes, s->advice); /* advice: what is not taken costs time only */
    s->map[s->maps++] = m;
    return PS_OK;
}

/* One at a time, as the engine pread: the bytes are used while they are near. */
static ps_status mmap_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                             uint32_t *taken)
{
    struct state *s = state;
    struct ps_io_req *r = req[0];
    const struct map *m;
    uint64_t at, bytes;

    (void)fd;
    *taken = 0;
    if (n == 0 || s->done.count == s->done.depth)
        return PS_OK;
    m = &s->map[r->file];
    at = ps_min(r->offset + r->from, m->bytes);
    bytes = ps_min(r->len - r->from, m->bytes - at);
    memcpy((char *)r->dst + r->from, m->base + at, bytes);
    r->result = ps_int(bytes);
    ps_io_done_put(&s->done, r);
    *taken = 1;
    return PS_OK;
}

static ps_status mmap_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                           uint32_t *n)
{
    struct state *s = state;

    ps_io_done_take(&s->done, min, max, req, n);
    return PS_OK;
}

static void mmap_close(void *state, struct ps_ctx *ctx)
{
    struct state *s = state;

    for (size_t i = 0; i < s->maps; i++)
        munmap(s->map[i].base, s->map[i].bytes);
    ps_mem_free(&ctx->mem, &s->map);
    ps_io_done_fini(&s->done, ctx);
}

const struct ps_io_ops ps_io_mmap_sequential = {
    .version = PS_IO_OPS_VERSION,
    .name = "mmap",
    .state_bytes = sizeof(struct state),
    .direct = false,
    .open = open_sequential,
    .add_file = mmap_add_file,
    .submit = mmap_submit,
    .reap = mmap_reap,
    .close = mmap_close,
};

const struct ps_io_ops ps_io_mmap_random = {
    .version = PS_IO_OPS_VERSION,
    .name = "mmap",
    .state_bytes = sizeof(struct state),
    .direct = false,
    .open = open_random,
    .add_file = mmap_add_file,
    .submit = mmap_submit,
    .reap = mmap_reap,
    .close = mmap_close,
};
