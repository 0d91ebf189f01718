/* SPDX-License-Identifier: Apache-2.0 */
#include "io/cost.h"

#include "src/base/rng.h"
#include "src/base/trace.h"

#include <math.h>
#include <string.h>

enum { MILLISECOND = 1000000 };
enum { ROUNDS = 4, SMALL_READS = 256, LARGE_BYTES = 3 * 1024 * 1024 }; /* of each round */
/* Of a slow disk only these reads are waited for: a full queue of one that seeks takes a second. */
enum { FIRST_READS = 8 };
/* Below this the two kinds of reads are too much alike to tell request from bytes. */
enum { LARGE_MIN = 8 };
static const double gap_max = 1 << 30;
/* A disk that others keep busy just now must not make us read all that lies between for good. */
static const double gap_measured_max = 128 * 1024;

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
    return (uint64_t)(gap < gap_max ? gap : gap_max);
}

/* One of the two series. */
struct series {
    struct ps_io *io;
    uint32_t file, len;
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

/* Up to @p total reads at full queue, fewer if time is up. @param[in,out] best  ns for each read;
 * what stands in the way of a measurement only adds to it, so the smallest counts */
static PS_MUST ps_status measure(struct series *s, uint32_t total, struct ps_io_req **done,
                                 uint32_t n, double *best)
{
    uint64_t begin = ps_now_ns(),
             limit = (uint64_t)PS_IO_COST_MS_MAX * MILLISECOND / (UINT64_C(2) * ROUNDS);
    uint32_t first = s->offered;
    double ns;

    do {
        PS_TRY(offer(s, ps_now_ns() - begin < limit ? first + total : s->offered));
        if (s->back < s->offered)
            PS_TRY(take_back(s, (ps_io_in_flight(s->io) + 7) / 8, done, n));
    } while (s->back < s->offered);
    ns = (double)(ps_now_ns() - begin) / (s->offered - first);
    *best = ns < *best ? ns : *best;
    return PS_OK;
}

/* Both in turn. */
static PS_MUST ps_status measure_both(struct series s[2], const uint32_t total[2],
                                      struct ps_io_req **done, uint32_t n, double best[2])
{
    for (int i = 0; i < 2; i++)
        PS_TRY(measure(&s[i], total[i], done, n, &best[i]));
    s[0].failed |= s[1].failed;
    return PS_OK;
}

ps_status ps_io_cost_measure(struct ps_io_cost *c, struct ps_io *io, uint32_t file,
                             uint64_t file_bytes, uint32_t read_bytes, struct ps_io_req **idle,
                             uint32_t n, struct ps_io_req **done)
{
    const uint32_t align = ps_io_align(io), large = ps_u32(ps_align_down(read_bytes, align));
    const uint32_t first[2] = {FIRST_READS, FIRST_READS};
    const uint32_t rest[2] = {SMALL_READS, LARGE_BYTES / large + 1};
    struct series s[2];
    double best[2] = {HUGE_VAL, HUGE_VAL}, byte_ns, request_ns;
    uint64_t begin = ps_now_ns(), limit = (uint64_t)PS_IO_COST_MS_MAX * MILLISECOND;

    PS_ASSERT(file_bytes >= PS_IO_COST_FILE_MIN && n > 0);
    if (large < LARGE_MIN * align)
        return PS_OK;
    for (int i = 0; i < 2; i++)
        s[i] = (struct series){.io = io,
                               .file = file,
                               .len = i == 0 ? align : large,
                               .places = file_bytes / (i == 0 ? align : large),
                               .idle = idle,
                               .idle_count = n};
    PS_TRY(measure_both(s, first, done, n, best));
    for (int round = 0; round < ROUNDS && ps_now_ns() - begin < limit; round++) {
        if (round == 0)
            best[0] = best[1] = HUGE_VAL; /* a queue that is not full tells little */
        PS_TRY(measure_both(s, rest, done, n, best));
    }
    byte_ns = (best[1] - best[0]) / (double)(large - align);
    if (s[0].failed || byte_ns <= 0)
        return PS_OK;
    request_ns = best[0] - byte_ns * align;
    request_ns = request_ns < byte_ns * gap_measured_max ? request_ns : byte_ns * gap_measured_max;
    *c = (struct ps_io_cost){.request_ns = request_ns > 0 ? request_ns : 0, .byte_ns = byte_ns};
    return PS_OK;
}
