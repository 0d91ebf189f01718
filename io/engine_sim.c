/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The simulated disk; sim_disk.h says how it behaves. Bytes are read when a read ends, not when
 * it is offered, so whoever looks at them too early finds nothing.
 */
#include "io/engine.h"
#include "io/sim_disk.h"

#include <errno.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

/* Second coordinate of a draw; those below PS_FAULTS_MAX are the fault plan's. */
enum { DRAW_ORDER = 100, DRAW_CUT, DRAW_FLIP };
/* Which kinds fall on which calls. */
#define OF_OPEN (1U << PS_DISK_ENOMEM)
#define OF_READ (~OF_OPEN)

struct call {
    struct ps_io_req *req;
    const struct ps_fault *fault; /* or NULL */
    uint64_t number;              /* of all reads, from 1 */
    int fd;
};

struct state {
    struct ps_sim_disk disk;
    struct ps_key key;
    uint64_t rank, calls, files;
    struct call *call; /* (queue_depth) in flight, the oldest first */
    double *end;       /* (queue_depth) when the next of them ends, and so on: ascending */
    uint32_t count, queue_depth;
    double bus; /* when the last read offered so far ends */
};

static double now(void)
{
    struct timespec t;

    PS_ASSERT(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void sleep_until(double end)
{
    struct timespec t = {.tv_sec = (time_t)end};

    t.tv_nsec = (long)((end - (double)t.tv_sec) * 1e9);
    if (end > now())
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
            continue;
}

static ps_status sim_open(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    struct state *s = state;
    ps_status st;

    s->disk = *setup->sim;
    s->queue_depth = setup->queue_depth;
    s->rank = (uint64_t)ctx->log.rank;
    s->key = ps_key_make(s->disk.seed, PS_FOR_SIM_DISK, s->rank, 0, 0);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->call, s->queue_depth));
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_OTHER, s->end, s->queue_depth));
    (void)prctl(PR_SET_TIMERSLACK, 1UL); /* or this thread wakes some 50 us late */
    return PS_OK;
out:
    ps_mem_free(&ctx->mem, &s->call);
    return st;
}

static ps_status sim_add_file(void *state, struct ps_ctx *ctx, uint32_t file, int fd,
                              const char *path)
{
    struct state *s = state;

    (void)ctx, (void)file, (void)fd;
    if (ps_fault_at(&s->disk.plan, s->key, s->rank, ++s->files, OF_OPEN) != NULL)
        PS_FAIL_SYS(ENOMEM, "cannot open %s", path);
    return PS_OK;
}

/* When a read that is offered now will end. */
static double end_of(const struct state *s, const struct call *c)
{
    const struct ps_sim_disk *d = &s->disk;
    uint32_t depth = d->depth != 0 ? d->depth : s->queue_depth;
    double at = now(), bytes = (double)(c->req->len - c->req->from);

    if (s->count >= depth && at < s->end[s->count - depth])
        at = s->end[s->count - depth];
    at += d->latency;
    if (at < s->bus)
        at = s->bus;
    if (d->bytes_per_second > 0)
        at += bytes / d->bytes_per_second;
    if (c->fault != NULL && c->fault->kind == PS_DISK_STALL)
        at += c->fault->seconds;
    return at;
}

static ps_status sim_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                            uint32_t *taken)
{
    struct state *s = state;

    for (*taken = 0; *taken < n && s->count < s->queue_depth; ++*taken) {
        struct call *c = &s->call[s->count];

        c->req = req[*taken];
        c->fd = fd[c->req->file];
        c->number = ++s->calls;
        c->fault = ps_fault_at(&s->disk.plan, s->key, s->rank, c->number, OF_READ);
        if (c->fault != NULL && c->fault->kind == PS_DISK_DEAD)
            PS_FAIL(PS_EIO, "the simulated disk broke down at read %" PRIu64, c->number);
        s->end[s->count] = s->bus = end_of(s, c);
        s->count++;
    }
    return PS_OK;
}

static uint64_t draw_below(const struct state *s, uint64_t call, uint64_t what, uint64_t bound)
{
    struct ps_draw d = ps_draw_at(s->key, call, what);

    return ps_below(ps_draw_u64(&d, 0), bound);
}

static void flip_bit(const struct state *s, const struct call *c, unsigned char *dst,
                     uint64_t bytes)
{
    uint64_t bit;

    if (bytes == 0)
        return;
    bit = draw_below(s, c->number, DRAW_FLIP, bytes * 8);
    dst[bit / 8] ^= (unsigned char)(1U << bit % 8);
}

/* What the read brings: as of pread. */
static int32_t carry_out(const struct state *s, const struct call *c)
{
    const struct ps_io_req *r = c->req;
    unsigned char *dst = (unsigned char *)r->dst + r->from;
    uint64_t len = r->len - r->from;
    int kind = c->fault != NULL ? (int)c->fault->kind : PS_DISK_STALL;
    ssize_t got;

    if (kind == PS_DISK_EIO || kind == PS_DISK_EINTR || kind == PS_DISK_EAGAIN)
        return kind == PS_DISK_EIO ? -EIO : kind == PS_DISK_EINTR ? -EINTR : -EAGAIN;
    if (kind == PS_DISK_EOF)
        return 0;
    if (kind == PS_DISK_SHORT && len > 1)
        len = 1 + draw_below(s, c->number, DRAW_CUT, len - 1);
    got = pread(c->fd, dst, len, (off_t)(r->offset + r->from));
    if (got < 0)
        return -errno;
    if (kind == PS_DISK_FLIP)
        flip_bit(s, c, dst, (uint64_t)got);
    return (int32_t)got;
}

/* End one of those in service, and take it out. */
static struct ps_io_req *finish_one(struct state *s)
{
    uint32_t served = s->count, which;
    struct ps_io_req *r;

    if (s->disk.depth != 0 && s->disk.depth < served)
        served = s->disk.depth;
    which = ps_u32(draw_below(s, s->calls - s->count + 1, DRAW_ORDER, served));
    r = s->call[which].req;
    r->result = carry_out(s, &s->call[which]);
    s->count--;
    for (uint32_t i = which; i < s->count; i++)
        s->call[i] = s->call[i + 1];
    for (uint32_t i = 0; i < s->count; i++)
        s->end[i] = s->end[i + 1];
    return r;
}

static ps_status sim_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                          uint32_t *n)
{
    struct state *s = state;

    for (*n = 0; *n < min; ++*n) {
        sleep_until(s->end[0]);
        req[*n] = finish_one(s);
    }
    if (min > 0) /* what else has ended by now is a question of the clock */
        return PS_OK;
    while (*n < max && s->count > 0 && s->end[0] <= now())
        req[(*n)++] = finish_one(s);
    return PS_OK;
}

static void sim_close(void *state, struct ps_ctx *ctx)
{
    struct state *s = state;

    (void)prctl(PR_SET_TIMERSLACK, 0UL); /* as before */
    ps_mem_free(&ctx->mem, &s->call);
    ps_mem_free(&ctx->mem, &s->end);
}

const struct ps_io_ops ps_io_sim = {
    .version = PS_IO_OPS_VERSION,
    .name = "sim",
    .state_bytes = sizeof(struct state),
    .direct = false,
    .open = sim_open,
    .add_file = sim_add_file,
    .submit = sim_submit,
    .reap = sim_reap,
    .close = sim_close,
};
