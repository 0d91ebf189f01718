/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The all-to-all: envelopes, room, data.
 *
 * The envelope to rank r has the size of the part for r, the largest part that the
 * sender has for anybody, and the room in the sender's inbox. From the last
 * two every rank computes the same bound for what any rank may get, and the least
 * room; only where the bound exceeds it may some inbox have to grow, and only
 * then is a second agreement made, so that a rank without memory can tell. Small parts
 * travel in the envelope: an exchange of a few numbers costs one message each way.
 */
#include "comm/flow.h"

#include <string.h>

enum { INBOX_BYTES = 64 << 10, PART_ALIGN = 8 };
#define PART_BYTES_MAX (UINT64_C(1) << 60)

ps_status ps_inbox_init(struct ps_inbox *in, struct ps_comm *c)
{
    struct ps_mem *m = &c->ctx->mem;
    size_t ranks = c->world.ranks;
    ps_status st;

    memset(in, 0, sizeof *in);
    PS_GO(st, PS_NEW(m, PS_MEM_EXCHANGE, in->begin, ranks + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_EXCHANGE, in->bytes, ranks));
    PS_GO(st, PS_GROW(m, PS_MEM_EXCHANGE, in->data, in->cap, INBOX_BYTES, 0));
    return PS_OK;
out:
    ps_inbox_fini(in, c);
    return st;
}

void ps_inbox_fini(struct ps_inbox *in, struct ps_comm *c)
{
    struct ps_mem *m = &c->ctx->mem;

    ps_mem_free(m, &in->data);
    ps_mem_free(m, &in->bytes);
    ps_mem_free(m, &in->begin);
    in->cap = 0;
}

/* a + b rounded up to PART_ALIGN, or UINT64_MAX where that does not fit. */
static uint64_t add_part(uint64_t a, uint64_t b)
{
    uint64_t sum;

    if (b > UINT64_MAX - PART_ALIGN || __builtin_add_overflow(a, ps_align_up(b, PART_ALIGN), &sum))
        return UINT64_MAX;
    return sum;
}

static void announce(struct ps_comm *c, const void *const *part, const uint64_t *bytes,
                     const struct ps_inbox *in)
{
    uint64_t most = 0;

    for (uint32_t r = 0; r < c->world.ranks; r++) {
        PS_ASSERT(bytes[r] <= PART_BYTES_MAX);
        most = ps_max(most, bytes[r]);
    }
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        struct ps_comm_head *h = &c->post[r].head;
        h->word[0] = bytes[r];
        h->word[1] = most;
        h->word[2] = in->cap;
        h->body = 0;
        if (r != c->world.rank)
            (void)ps_post_body(c, r, part[r], bytes[r]);
    }
}

/* Where each part will lie. @return whether some rank may need more room; the same on all */
static bool place(struct ps_comm *c, struct ps_inbox *in)
{
    uint64_t bound = 0, least = UINT64_MAX;

    in->begin[0] = 0;
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        const struct ps_comm_head *h = &c->mail[r].head;
        in->bytes[r] = h->word[0];
        in->begin[r + 1] = add_part(in->begin[r], h->word[0]);
        bound = add_part(bound, h->word[1]);
        least = ps_min(least, h->word[2]);
    }
    return bound > least;
}

static PS_MUST ps_status make_room(struct ps_comm *c, struct ps_inbox *in)
{
    ps_status st =
        PS_GROW(&c->ctx->mem, PS_MEM_EXCHANGE, in->data, in->cap, in->begin[c->world.ranks], 0);

    ps_post_clear(c);
    return ps_swap(c, PS_OP_MEMORY, st);
}

/* What came in envelopes and this rank's own part. The bodies are still there after
 * make_room: its envelopes have none, and a short message leaves the rest of a buffer alone. */
static void copy_small(struct ps_comm *c, const void *own, struct ps_inbox *in)
{
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        const void *from = r == c->world.rank ? own : c->mail[r].body;
        if (in->bytes[r] > 0 && (r == c->world.rank || in->bytes[r] <= c->inline_bytes))
            memcpy(in->data + in->begin[r], from, in->bytes[r]);
    }
}

static PS_MUST ps_status move_large(struct ps_comm *c, const void *const *part,
                                    const uint64_t *bytes, struct ps_inbox *in)
{
    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        if (r == c->world.rank)
            continue;
        if (bytes[r] > c->inline_bytes)
            ps_flow_send(c, r, part[r], bytes[r]);
        if (in->bytes[r] > c->inline_bytes)
            ps_flow_recv(c, r, in->data + in->begin[r], in->bytes[r]);
    }
    return ps_flow_run(c, PS_CHANNEL_EXCHANGE, PS_COMM_TAG_DATA, c->piece_bytes);
}

ps_status ps_comm_alltoall(struct ps_comm *c, enum ps_traffic as, ps_status mine,
                           const void *const *part, const uint64_t *bytes, struct ps_inbox *in)
{
    struct ps_span span = ps_span_begin(PS_EV_exchange);
    uint64_t sent = 0;

    PS_ASSERT((unsigned)as < PS_TRAFFIC_COUNT);
    if (mine == PS_OK)
        announce(c, part, bytes, in);
    PS_TRY(ps_swap(c, (enum ps_comm_op)(PS_OP_ALLTOALL + (unsigned)as), mine));
    if (place(c, in))
        PS_TRY(make_room(c, in));
    copy_small(c, part[c->world.rank], in);
    PS_TRY(move_large(c, part, bytes, in));
    for (uint32_t r = 0; r < c->world.ranks; r++)
        sent += r == c->world.rank ? 0 : bytes[r];
    c->sent_bytes[as] += sent;
    ps_span_end(&c->ctx->trace, &span, sent);
    return PS_OK;
}
