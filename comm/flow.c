/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes driven to their end without ever waiting inside the backend.
 *
 * Both ends of a lane know its size, so both cut it into the same pieces; since
 * messages between two ranks keep their order, the pieces need no numbers. When
 * a piece ends, the next one of the same lane takes over its slot.
 *
 * Waiting: at first a rank only gives its core to whoever wants it (four ranks may
 * share two cores, and the message it waits for may be made on this very core); then it
 * sleeps, for longer the longer it has waited, at most SLEEP_NS_MAX. An MPI library
 * may move bytes only while it is called, so the first part lasts YIELD_NS and a
 * nanosecond for each byte in flight: without the latter 1 MiB each way
 * between two ranks on shared memory took 1.8 ms in place of 0.2 ms. A backend that
 * can wake this rank is asked to, in place of all that; its sleeps are longer.
 */
#include "comm/flow.h"

#include <sched.h>
#include <string.h>
#include <time.h>

enum { YIELD_NS = 100000, SLEEP_NS_MIN = 10000, SLEEP_NS_MAX = 200000 };
enum { WAIT_NS_MIN = 50000, WAIT_NS_MAX = 20000000 };

static struct ps_lane *lane_of(struct ps_comm *c, uint32_t direction, uint32_t peer)
{
    return &c->lane[direction * c->world.ranks + peer];
}

void ps_flow_clear(struct ps_comm *c)
{
    PS_ASSERT(c->in_flight == 0);
    memset(c->lane, 0, sizeof *c->lane * PS_COMM_DIRECTIONS * c->world.ranks);
}

void ps_flow_send(struct ps_comm *c, uint32_t peer, const void *data, uint64_t bytes)
{
    PS_ASSERT(peer < c->world.ranks && peer != c->world.rank);
    *lane_of(c, PS_COMM_SEND, peer) = (struct ps_lane){.from = data, .bytes = bytes};
}

void ps_flow_recv(struct ps_comm *c, uint32_t peer, void *data, uint64_t bytes)
{
    PS_ASSERT(peer < c->world.ranks && peer != c->world.rank);
    *lane_of(c, PS_COMM_RECV, peer) = (struct ps_lane){.to = data, .bytes = bytes};
}

/* Put the next piece of the slot's lane, if there is one, into this free slot. */
static PS_MUST ps_status post_next(struct ps_comm *c, enum ps_channel channel, int tag,
                                   uint32_t slot, uint32_t piece_bytes)
{
    uint32_t ranks = c->world.ranks, direction = ps_slot_direction(slot, ranks), bytes;
    struct ps_lane *l = lane_of(c, direction, ps_slot_peer(slot, ranks));

    if (l->posted == l->bytes)
        return PS_OK;
    bytes = ps_u32(ps_min(l->bytes - l->posted, piece_bytes));
    if (direction == PS_COMM_SEND)
        PS_TRY(c->ops->send(c->state, channel, slot, tag, l->from + l->posted, bytes));
    else
        PS_TRY(c->ops->recv(c->state, channel, slot, tag, l->to + l->posted, bytes));
    c->slot_bytes[slot] = bytes;
    l->posted += bytes;
    l->in_flight++;
    c->in_flight++;
    c->bytes_in_flight += bytes;
    if (slot >= c->slots_used)
        c->slots_used = ps_slot(slot / ranks / PS_COMM_DIRECTIONS + 1, 0, 0, ranks);
    return PS_OK;
}

/* Receives first, so that what comes finds its place; each rank begins with its
 * neighbour, so that not all send to rank 0 at once. */
static PS_MUST ps_status post_first(struct ps_comm *c, enum ps_channel channel, int tag,
                                    uint32_t piece_bytes)
{
    uint32_t ranks = c->world.ranks, rank = c->world.rank;

    for (uint32_t depth = 0; depth < PS_COMM_DEPTH; depth++)
        for (uint32_t by = 1; by < ranks; by++)
            PS_TRY(post_next(c, channel, tag,
                             ps_slot(depth, PS_COMM_RECV, (rank + ranks - by) % ranks, ranks),
                             piece_bytes));
    for (uint32_t depth = 0; depth < PS_COMM_DEPTH; depth++)
        for (uint32_t by = 1; by < ranks; by++)
            PS_TRY(post_next(c, channel, tag,
                             ps_slot(depth, PS_COMM_SEND, (rank + by) % ranks, ranks),
                             piece_bytes));
    return PS_OK;
}

static PS_MUST ps_status finish(struct ps_comm *c, const struct ps_comm_done *d, int tag)
{
    uint32_t ranks = c->world.ranks, direction = ps_slot_direction(d->slot, ranks);
    uint32_t peer = ps_slot_peer(d->slot, ranks), want = c->slot_bytes[d->slot];
    struct ps_lane *l = lane_of(c, direction, peer);

    PS_ASSERT(l->in_flight > 0);
    l->in_flight--;
    c->in_flight--;
    c->bytes_in_flight -= want;
    if (direction == PS_COMM_SEND)
        return PS_OK;
    if (tag == PS_COMM_TAG_ENVELOPE) {
        const struct ps_comm_head *h = &c->mail[peer].head;
        if (d->bytes < sizeof *h || d->bytes != sizeof *h + h->body)
            PS_FAIL(PS_EPEER, "rank %u sent an envelope of %u bytes that is not well formed", peer,
                    d->bytes);
    } else if (d->bytes != want) {
        PS_FAIL(PS_EPEER, "rank %u sent a piece of %u bytes, expected %u", peer, d->bytes, want);
    }
    return PS_OK;
}

/* "rank 0, 3 and 5 more" into text. */
static void name_awaited(struct ps_comm *c, char *text, size_t text_bytes)
{
    uint32_t named = 0, more = 0;
    size_t used = 0;

    text[0] = '\0';
    for (uint32_t peer = 0; peer < c->world.ranks; peer++) {
        if (lane_of(c, PS_COMM_RECV, peer)->in_flight == 0 &&
            lane_of(c, PS_COMM_SEND, peer)->in_flight == 0)
            continue;
        if (named == 16) {
            more++;
            continue;
        }
        used += (size_t)snprintf(text + used, text_bytes - used, "%s%u",
                                 named++ == 0 ? "rank " : ", ", peer);
    }
    if (more > 0)
        snprintf(text + used, text_bytes - used, " and %u more", more);
}

__attribute__((noreturn)) static void give_up(struct ps_comm *c, int tag)
{
    char awaited[256], op[64];

    name_awaited(c, awaited, sizeof awaited);
    ps_err_set(PS_EPEER, 0, __FILE__, __LINE__,
               "rank %u has waited %.3g s for %s in %s (%s); giving up", c->world.rank, c->timeout,
               awaited, ps_comm_op_name(c->op, op, sizeof op),
               tag == PS_COMM_TAG_ENVELOPE ? "status and counts" : "data");
    ps_comm_abort(c, PS_EPEER);
}

/* Nothing came. @p since_ns is when something last did, or the wait began. */
static void back_off(struct ps_comm *c, uint64_t since_ns, int tag)
{
    uint64_t waited = ps_now_ns() - since_ns, patience = YIELD_NS + c->bytes_in_flight;
    struct timespec t = {0, 0};

    if ((double)waited > c->timeout * 1e9)
        give_up(c, tag);
    if (c->ops->wait != NULL) {
        c->ops->wait(c->state, ps_max(WAIT_NS_MIN, ps_min(WAIT_NS_MAX, waited / 2)));
        return;
    }
    if (waited < patience) {
        sched_yield();
        return;
    }
    t.tv_nsec = (long)ps_max(SLEEP_NS_MIN, ps_min(SLEEP_NS_MAX, (waited - patience) / 8));
    nanosleep(&t, NULL);
}

static PS_MUST ps_status go_on(struct ps_comm *c, enum ps_channel channel, int tag,
                               const struct ps_comm_done *d, uint32_t piece_bytes)
{
    PS_TRY(finish(c, d, tag));
    return post_next(c, channel, tag, d->slot, piece_bytes);
}

static PS_MUST ps_status drive(struct ps_comm *c, enum ps_channel channel, int tag,
                               uint32_t piece_bytes)
{
    uint64_t since_ns = ps_now_ns();
    uint32_t n;

    PS_TRY(post_first(c, channel, tag, piece_bytes));
    while (c->in_flight > 0) {
        PS_TRY(c->ops->poll(c->state, c->slots_used, c->done, &n));
        if (n == 0) {
            back_off(c, since_ns, tag);
            continue;
        }
        for (uint32_t i = 0; i < n; i++)
            PS_TRY(go_on(c, channel, tag, &c->done[i], piece_bytes));
        since_ns = ps_now_ns();
    }
    return PS_OK;
}

ps_status ps_flow_run(struct ps_comm *c, enum ps_channel channel, int tag, uint32_t piece_bytes)
{
    ps_status st;

    PS_ASSERT(!c->broken);
    c->slots_used = 0;
    st = drive(c, channel, tag, piece_bytes);
    c->broken = st != PS_OK;
    return st;
}
