/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sums over ranks in the order of ranks.
 *
 * The sum of an element is ((x0 + x1) + x2) + ..., whoever adds it, so all ways
 * below give the same bits; the way is chosen from sizes, which are the same on all ranks:
 *
 *   all in the envelope    a few numbers: one message to each rank
 *   gathered               every rank gets every array and adds all of it
 *   sliced                 rank r gets everybody's slice r, adds it, and the sums are gathered:
 *                          2 (R-1)/R of the bytes instead of R-1 times
 *
 * wide and whole (the tail) are a few numbers by nature: never sliced.
 */
#include "comm/flow.h"

#include <string.h>

enum { BLOCK = 512 };

struct sum {
    float *real;
    double *wide;
    uint64_t *whole;
    uint64_t n_real, n_wide, n_whole;
    uint64_t tail_bytes, real_bytes; /* of one rank */
    bool tail_inline, all_inline, sliced;
    uint64_t real_stride; /* bytes from one rank's real in the room to the next one's */
};

/* Arrays of all ranks, one every @p stride bytes. */
struct rows {
    const unsigned char *base;
    size_t stride;
};

/* out[i] = sum over r of row r's element i, in the order of r. A block at a time, so that
 * the inner loop runs along contiguous memory; out may be none of the rows. */
#define DEFINE_ADD(name, type)                                                                     \
    static void name(type *out, uint64_t n, struct rows rows, uint32_t ranks)                      \
    {                                                                                              \
        for (uint64_t at = 0; at < n; at += BLOCK) {                                               \
            uint64_t len = ps_min(BLOCK, n - at);                                                  \
            memcpy(out + at, rows.base + at * sizeof *out, len * sizeof *out);                     \
            for (uint32_t r = 1; r < ranks; r++) {                                                 \
                const void *row = rows.base + r * rows.stride + at * sizeof *out;                  \
                const type *x = row;                                                               \
                for (uint64_t i = 0; i < len; i++)                                                 \
                    out[at + i] += x[i];                                                           \
            }                                                                                      \
        }                                                                                          \
    }
DEFINE_ADD(add_real, float)
DEFINE_ADD(add_wide, double)
DEFINE_ADD(add_whole, uint64_t)

static void plan(const struct ps_comm *c, struct sum *s)
{
    uint64_t longest = ps_div_up(s->n_real, c->world.ranks);

    PS_ASSERT(s->n_real < UINT64_C(1) << 40 && s->n_wide < 1 << 30 && s->n_whole < 1 << 30);
    s->tail_bytes = (s->n_wide + s->n_whole) * sizeof(double);
    s->real_bytes = s->n_real * sizeof(float);
    s->tail_inline = s->tail_bytes <= c->inline_bytes;
    s->all_inline = s->tail_bytes + s->real_bytes <= c->inline_bytes;
    s->sliced = !s->all_inline && s->real_bytes * c->world.ranks > c->small_bytes;
    s->real_stride = ps_align_up(s->sliced ? longest * sizeof(float) : s->real_bytes, 64);
}

/* The room holds the tails of all ranks, then their reals, as far as envelopes do not. */
static uint64_t reals_begin(const struct ps_comm *c, const struct sum *s)
{
    return s->tail_inline ? 0 : ps_align_up(s->tail_bytes * c->world.ranks, 64);
}

static PS_MUST ps_status make_room(struct ps_comm *c, const struct sum *s)
{
    uint64_t bytes = reals_begin(c, s) + (s->all_inline ? 0 : s->real_stride * c->world.ranks);

    if (bytes == 0 || c->world.ranks == 1)
        return PS_OK;
    return PS_GROW(&c->ctx->mem, PS_MEM_EXCHANGE, c->sum_room, c->sum_room_cap, bytes, 0);
}

static void pack_tail(const struct sum *s, unsigned char *to)
{
    if (s->n_wide > 0)
        memcpy(to, s->wide, s->n_wide * sizeof(double));
    if (s->n_whole > 0)
        memcpy(to + s->n_wide * sizeof(double), s->whole, s->n_whole * sizeof(uint64_t));
}

static void announce(struct ps_comm *c, const struct sum *s)
{
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        struct ps_envelope *e = &c->post[r];
        e->head.word[0] = s->n_real;
        e->head.word[1] = s->n_wide;
        e->head.word[2] = s->n_whole;
        if (s->tail_inline) {
            pack_tail(s, e->body);
            e->head.body = ps_u32(s->tail_bytes);
        }
        if (s->all_inline && s->n_real > 0) {
            memcpy(e->body + s->tail_bytes, s->real, s->real_bytes);
            e->head.body += ps_u32(s->real_bytes);
        }
    }
}

static void add_tail(struct ps_comm *c, const struct sum *s)
{
    struct rows rows = {c->mail[0].body, sizeof *c->mail};

    if (!s->tail_inline)
        rows = (struct rows){c->sum_room, s->tail_bytes};
    add_wide(s->wide, s->n_wide, rows, c->world.ranks);
    rows.base += s->n_wide * sizeof(double);
    add_whole(s->whole, s->n_whole, rows, c->world.ranks);
}

/* Tails that did not fit in envelopes: everybody's to everybody. */
static PS_MUST ps_status gather_tail(struct ps_comm *c, const struct sum *s)
{
    unsigned char *own = c->sum_room + c->world.rank * s->tail_bytes;

    pack_tail(s, own);
    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++)
        if (r != c->world.rank) {
            ps_flow_send(c, r, own, s->tail_bytes);
            ps_flow_recv(c, r, c->sum_room + r * s->tail_bytes, s->tail_bytes);
        }
    return ps_flow_run(c, PS_CHANNEL_SUMS, PS_COMM_TAG_DATA, c->piece_bytes);
}

/* Everybody's slice r to rank r, or the whole to all; then add what came here. */
static PS_MUST ps_status sum_real(struct ps_comm *c, const struct sum *s)
{
    uint32_t own = c->world.rank;
    unsigned char *room = c->sum_room + reals_begin(c, s);
    uint64_t begin = s->sliced ? ps_slice_begin(c, s->n_real, own) : 0;
    uint64_t end = s->sliced ? ps_slice_begin(c, s->n_real, own + 1) : s->n_real;

    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        uint64_t to = s->sliced ? ps_slice_begin(c, s->n_real, r) : 0;
        uint64_t to_end = s->sliced ? ps_slice_begin(c, s->n_real, r + 1) : s->n_real;
        if (r == own)
            continue;
        ps_flow_send(c, r, s->real + to, (to_end - to) * sizeof(float));
        ps_flow_recv(c, r, room + r * s->real_stride, (end - begin) * sizeof(float));
    }
    memcpy(room + own * s->real_stride, s->real + begin, (end - begin) * sizeof(float));
    PS_TRY(ps_flow_run(c, PS_CHANNEL_SUMS, PS_COMM_TAG_DATA, c->piece_bytes));
    add_real(s->real + begin, end - begin, (struct rows){room, s->real_stride}, c->world.ranks);
    if (s->sliced)
        return ps_gather_slices(c, PS_CHANNEL_SUMS, s->real, s->n_real, sizeof(float));
    return PS_OK;
}

static uint64_t sent_bytes(const struct ps_comm *c, const struct sum *s)
{
    uint64_t others = c->world.ranks - 1, own;

    if (!s->sliced)
        return others * (s->tail_bytes + s->real_bytes);
    own = (ps_slice_begin(c, s->n_real, c->world.rank + 1) -
           ps_slice_begin(c, s->n_real, c->world.rank)) *
          sizeof(float);
    return others * (s->tail_bytes + own) + s->real_bytes - own;
}

static PS_MUST ps_status run(struct ps_comm *c, ps_status mine, struct sum *s)
{
    plan(c, s);
    if (mine == PS_OK)
        mine = make_room(c, s);
    ps_post_clear(c);
    if (mine == PS_OK)
        announce(c, s);
    PS_TRY(ps_swap(c, PS_OP_SUM, mine));
    PS_TRY(ps_same_words(c, 3, "a sum"));
    if (c->world.ranks == 1)
        return PS_OK;
    if (!s->tail_inline)
        PS_TRY(gather_tail(c, s));
    if (s->all_inline)
        add_real(s->real, s->n_real,
                 (struct rows){c->mail[0].body + s->tail_bytes, sizeof *c->mail}, c->world.ranks);
    else if (s->n_real > 0)
        PS_TRY(sum_real(c, s));
    add_tail(c, s);
    c->sent_bytes[PS_TRAFFIC_GRADIENTS] += sent_bytes(c, s);
    return PS_OK;
}

/* The arrays are written through struct sum. NOLINTBEGIN(readability-non-const-parameter) */
ps_status ps_comm_sum(struct ps_comm *c, ps_status mine, float *real, uint64_t n_real, double *wide,
                      uint64_t n_wide, uint64_t *whole, uint64_t n_whole)
/* NOLINTEND(readability-non-const-parameter) */
{
    struct ps_span span = ps_span_begin(PS_EV_reduce);
    struct sum s = {.real = real,
                    .wide = wide,
                    .whole = whole,
                    .n_real = n_real,
                    .n_wide = n_wide,
                    .n_whole = n_whole};
    ps_status st = run(c, mine, &s);

    if (st == PS_OK)
        ps_span_end(&c->ctx->trace, &span, s.tail_bytes + s.real_bytes);
    return st;
}
