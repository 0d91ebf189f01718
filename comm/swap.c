/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Envelopes: every rank tells every rank how it is and what it brings.
 *
 * As each rank hears all statuses, all come to the same verdict without a further
 * message, and leave a call together. An envelope also names the call, so
 * ranks that have lost step are told apart from ranks that are slow. A rank that
 * failed need not know where the others are: whichever call it gives its status to, they
 * leave theirs. Hence all envelopes go through one channel.
 */
#include "comm/flow.h"

#include <string.h>

_Static_assert(sizeof(struct ps_envelope) == PS_COMM_ENVELOPE_BYTES, "no padding in an envelope");
_Static_assert(PS_OP_COUNT <= UINT16_MAX && PS_STATUS_COUNT <= UINT16_MAX, "both fit in a head");

const char *ps_comm_op_name(enum ps_comm_op op, char *text, size_t text_bytes)
{
    static const char *const name[PS_OP_ALLTOALL] = {
        "no call", "leaving the job", "an agreement", "a gather", "a broadcast", "a sum",
    };

    if (op == PS_OP_MEMORY)
        snprintf(text, text_bytes, "an all-to-all (room to receive)");
    else if (op < PS_OP_ALLTOALL)
        snprintf(text, text_bytes, "%s", name[op]);
    else
        snprintf(text, text_bytes, "an all-to-all of %s",
                 ps_traffic_name((enum ps_traffic)(op - PS_OP_ALLTOALL)));
    return text;
}

void ps_post_clear(struct ps_comm *c)
{
    for (uint32_t r = 0; r < c->world.ranks; r++)
        memset(&c->post[r].head, 0, sizeof c->post[r].head);
}

bool ps_post_body(struct ps_comm *c, uint32_t peer, const void *data, uint64_t bytes)
{
    struct ps_envelope *e = &c->post[peer];

    e->head.body = bytes <= c->inline_bytes ? ps_u32(bytes) : 0;
    if (e->head.body > 0)
        memcpy(e->body, data, e->head.body);
    return bytes <= c->inline_bytes;
}

static void seal(struct ps_comm *c, enum ps_comm_op op, ps_status mine)
{
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        struct ps_comm_head *h = &c->post[r].head;
        if (mine != PS_OK)
            memset(h, 0, sizeof *h);
        PS_ASSERT(h->body <= PS_COMM_BODY_BYTES);
        h->turn = c->turn;
        h->op = (uint16_t)op;
        h->status = (uint16_t)mine;
        h->zero = 0;
    }
}

static PS_MUST ps_status out_of_step(struct ps_comm *c, const struct ps_comm_head *h, uint32_t r)
{
    char theirs[64], ours[64];

    c->failed = true;
    c->first_rank = 0;
    c->first_status = PS_EPEER;
    if (h->op == 0 || h->op >= PS_OP_COUNT || h->status >= PS_STATUS_COUNT)
        PS_FAIL(PS_EPEER, "rank %u sent an envelope of unknown kind %u with status %u", r, h->op,
                h->status);
    PS_FAIL(PS_EPEER, "rank %u is in %s (call %u) while rank %u is in %s (call %u)", r,
            ps_comm_op_name((enum ps_comm_op)h->op, theirs, sizeof theirs), h->turn, c->world.rank,
            ps_comm_op_name(c->op, ours, sizeof ours), c->turn);
}

/* The lowest rank with a failure of its own; one that only passes another's on counts
 * where there is none and nothing is known from an earlier call. */
static void find_first(struct ps_comm *c)
{
    for (int own = 1; own >= 0; own--)
        for (uint32_t r = 0; r < c->world.ranks; r++) {
            ps_status st = (ps_status)c->mail[r].head.status;
            if (st == PS_OK || (own && st == PS_ECANCEL) || (!own && c->failed))
                continue;
            c->failed = true;
            c->first_rank = r;
            c->first_status = st;
            return;
        }
}

static PS_MUST ps_status verdict(struct ps_comm *c, ps_status mine)
{
    bool well = true;

    for (uint32_t r = 0; r < c->world.ranks; r++) {
        const struct ps_comm_head *h = &c->mail[r].head;
        bool other = h->op != (uint16_t)c->op && h->status == PS_OK && mine == PS_OK;
        if (other || h->turn != c->turn || h->op == 0 || h->op >= PS_OP_COUNT ||
            h->status >= PS_STATUS_COUNT) {
            PS_KEEP(mine, out_of_step(c, h, r));
            return mine;
        }
        well = well && h->status == PS_OK;
    }
    if (well)
        return PS_OK;
    find_first(c);
    if (mine != PS_OK)
        return mine;
    PS_FAIL(PS_ECANCEL, "rank %u failed first (%s)", c->first_rank,
            ps_status_name(c->first_status));
}

static PS_MUST ps_status cannot_talk(const struct ps_comm *c)
{
    PS_FAIL(PS_EPEER, "rank %u cannot talk to the others any more", c->world.rank);
}

ps_status ps_swap(struct ps_comm *c, enum ps_comm_op op, ps_status mine)
{
    uint32_t rank = c->world.rank;
    ps_status st = mine;

    if (c->broken) {
        PS_KEEP(st, cannot_talk(c));
        return st;
    }
    c->turn++;
    c->op = op;
    seal(c, op, mine);
    memcpy(&c->mail[rank], &c->post[rank], sizeof(struct ps_comm_head) + c->post[rank].head.body);
    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        if (r == rank)
            continue;
        ps_flow_send(c, r, &c->post[r], sizeof(struct ps_comm_head) + c->post[r].head.body);
        ps_flow_recv(c, r, &c->mail[r], sizeof c->mail[r]);
    }
    PS_KEEP(st, ps_flow_run(c, PS_CHANNEL_EXCHANGE, PS_COMM_TAG_ENVELOPE, PS_COMM_ENVELOPE_BYTES));
    if (c->broken)
        return st;
    return verdict(c, mine);
}

ps_status ps_same_words(struct ps_comm *c, int words, const char *what)
{
    const uint64_t *own = c->mail[c->world.rank].head.word;

    for (uint32_t r = 0; r < c->world.ranks; r++)
        for (int i = 0; i < words; i++) {
            uint64_t theirs = c->mail[r].head.word[i];
            if (theirs == own[i])
                continue;
            c->failed = true;
            c->first_rank = 0;
            c->first_status = PS_EPEER;
            PS_FAIL(PS_EPEER,
                    "rank %u calls %s with %" PRIu64 " where rank %u has %" PRIu64
                    " (argument %d of %d)",
                    r, what, theirs, c->world.rank, own[i], i + 1, words);
        }
    return PS_OK;
}
