/* SPDX-License-Identifier: Apache-2.0 */
#include "io/cost.h"

#include "src/base/rng.h"
#include "src/base/trace.h"

#include <string.h>

enum { MILLISECOND = 1000000 };
enum { SMALL_READS = 1024, LARGE_BYTES = 12 * 1024 * 1024 };
/* Of a slow disk only these reads are waited for: a full queue of one that seeks takes a second. */
enum { FIRST_READS = 8 };
/* Below this the two kinds of reads are too much alike to tell request from bytes. */
enum { LARGE_MIN = 8 };
static const double GAP_MAX = 1 << 30;

struct ps_io_cost ps_io_cost_default(void)
{
    return (struct ps_io_cost){.request_ns = 6200, .byte_ns = 0.75};
}

ps_status ps_io_cost_given(struct ps_io_cost *c, const struct ps_opts_io *o, bool *is_given)
{
    *is_given = o->request_time > 0 && o->bandwidth > 0;
    if (*is_given)
        *c = (struct ps_io_cost){.request_ns = 1e9 * o->request_time,
                                 .byte_ns = 1e9 / (double)o->bandwidth};
    else if (o->request_time > 0 || o->bandwidth > 0)
        PS_FAIL(PS_EUSAGE, "%s is given: expected %s beside it",
                o->bandwidth > 0 ? "--io-bandwidth" : "--io-request-time",
                o->bandwidth > 0 ? "--io-request-time" : "--io-bandwidth");
    return PS_OK;
}

uint64_t ps_io_cost_gap(const struct ps_io_cost *c)
{
    double gap = c->request_ns / c->byte_ns;

    PS_ASSERT(c->request_ns >= 0 && c->byte_ns > 0);
    return (uint64_t)(gap < GAP_MAX ? gap : GAP_MAX);
}

/* One of the two series. */
struct series {
    struct ps_io *io;
    uint32_t file, len, total;
    uint64_t places; /* multiples of len in the file */
    uint32_t offered, back;
    bool failed;
    struct ps_io_req **idle; /* (idle_count) the caller's requests that are not in flight */
    uint32_t idle_count;
};

/* Offer all that are idle, in one call, but not more than @p until in total. */
static PS_MUST ps_status offer(struct series *s, uint32_t until)
{
    struct ps_key key = ps_key_make(0, PS_FOR_IO_COST, s->len, 0, 0);
    uint32_t n = until - s->offered < s->idle_count ? until - s->offered : s->idle_count, taken;
    struct ps_io_req **top = s->idle + s->idle_count - n;

    for (uint32_t i = 0; i < n; i++) {
        struct ps_draw d = ps_draw_at(key, s->offered + i, 0);

        top[i]->file = s->file;
        top[i]->len = s->len;
        top[i]->offset = ps_below(ps_draw_u64(&d, 0), s->places) * s->len;
    }
    PS_TRY(ps_io_submit(s->io, top, n, &taken));
    memmove(top, top + taken, (n - taken) * sizeof *top);
    s->idle_count -= taken;
    s->offered += taken;
    return PS_OK;
}

static PS_MUST ps_status take_back(struct series *s, uint32_t min, struct ps_io_req **done,
                                   uint32_t max)
{
    uint32_t n;

    PS_TRY(ps_io_reap(s->io, min, max, done, &n));
    s->back += n;
    for (uint32_t i = 0; i < n; i++) {
        s->failed |= done[i]->sys != 0;
        s->idle[s->idle_count++] = done[i];
    }
    return PS_OK;
}

/* A few reads first; then a full queue, until all are done or time is up.
 * @param[out] read_ns  of one read at the depth reached */
static PS_MUST ps_status measure(struct series *s, struct ps_io_req **done, uint32_t n,
                                 double *read_ns)
{
    uint64_t begin = ps_now_ns(), limit = (uint64_t)PS_IO_COST_MS_MAX / 2 * MILLISECOND;
    uint32_t first = n < FIRST_READS ? n : FIRST_READS;

    PS_TRY(offer(s, first));
    while (s->back < s->offered)
        PS_TRY(take_back(s, ps_io_in_flight(s->io), done, n));
    *read_ns = (double)(ps_now_ns() - begin) / s->back;
    if (ps_now_ns() - begin > limit / 3)
        return PS_OK;
    s->back = s->offered = 0;
    begin = ps_now_ns();
    do {
        PS_TRY(offer(s, ps_now_ns() - begin < limit ? s->total : s->offered));
        if (s->back < s->offered)
            PS_TRY(take_back(s, (ps_io_in_flight(s->io) + 7) / 8, done, n));
    } while (s->back < s->offered);
    *read_ns = (double)(ps_now_ns() - begin) / s->back;
    return PS_OK;
}

ps_status ps_io_cost_measure(struct ps_io_cost *c, struct ps_io *io, uint32_t file,
                             uint64_t file_bytes, uint32_t read_bytes, struct ps_io_req **idle,
                             uint32_t n, struct ps_io_req **done)
{
    uint32_t align = ps_io_align(io), large = ps_u32(ps_align_down(read_bytes, align));
    struct series s = {.io = io, .file = file, .len = align, .total = SMALL_READS};
    double small_ns, large_ns, byte_ns, request_ns;

    PS_ASSERT(file_bytes >= PS_IO_COST_FILE_MIN);
    if (large < LARGE_MIN * align || n == 0)
        return PS_OK;
    s.idle = idle;
    s.idle_count = n;
    s.places = file_bytes / s.len;
    PS_TRY(measure(&s, done, n, &small_ns));
    s.len = large;
    s.total = LARGE_BYTES / large > 0 ? LARGE_BYTES / large : 1;
    s.places = file_bytes / s.len;
    s.back = s.offered = 0;
    PS_TRY(measure(&s, done, n, &large_ns));
    byte_ns = (large_ns - small_ns) / (double)(large - align);
    if (s.failed || byte_ns <= 0)
        return PS_OK;
    request_ns = small_ns - byte_ns * align;
    *c = (struct ps_io_cost){.request_ns = request_ns > 0 ? request_ns : 0, .byte_ns = byte_ns};
    return PS_OK;
}
