/* SPDX-License-Identifier: Apache-2.0 */
/* What one rank has and all want: gather, broadcast. */
#include "comm/flow.h"

#include <string.h>

uint64_t ps_slice_begin(const struct ps_comm *c, uint64_t n, uint32_t r)
{
    return n / c->world.ranks * r + ps_min(r, n % c->world.ranks);
}

ps_status ps_gather_slices(struct ps_comm *c, enum ps_channel channel, void *data, uint64_t n,
                           size_t item_bytes)
{
    unsigned char *at = data;
    uint32_t own = c->world.rank;

    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        uint64_t begin = ps_slice_begin(c, n, r), mine = ps_slice_begin(c, n, own);
        if (r == own)
            continue;
        ps_flow_send(c, r, at + mine * item_bytes,
                     (ps_slice_begin(c, n, own + 1) - mine) * item_bytes);
        ps_flow_recv(c, r, at + begin * item_bytes,
                     (ps_slice_begin(c, n, r + 1) - begin) * item_bytes);
    }
    return ps_flow_run(c, channel, PS_COMM_TAG_DATA, c->piece_bytes);
}

ps_status ps_comm_gather(struct ps_comm *c, ps_status mine, const void *own, uint64_t bytes,
                         void *all)
{
    unsigned char *at = all;
    bool small = true;

    ps_post_clear(c);
    for (uint32_t r = 0; r < c->world.ranks && mine == PS_OK; r++) {
        c->post[r].head.word[0] = bytes;
        small = ps_post_body(c, r, own, bytes);
    }
    PS_TRY(ps_swap(c, PS_OP_GATHER, mine));
    PS_TRY(ps_same_words(c, 1, "a gather"));
    if (bytes == 0)
        return PS_OK;
    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks; r++) {
        unsigned char *to = at + r * bytes;
        if (small) {
            memcpy(to, c->mail[r].body, bytes);
        } else if (r == c->world.rank) {
            memmove(to, own, bytes);
        } else {
            ps_flow_send(c, r, own, bytes);
            ps_flow_recv(c, r, to, bytes);
        }
    }
    PS_TRY(ps_flow_run(c, PS_CHANNEL_EXCHANGE, PS_COMM_TAG_DATA, c->piece_bytes));
    c->sent_bytes[PS_TRAFFIC_OTHER] += bytes * (c->world.ranks - 1);
    return PS_OK;
}

/* The root deals slices, then all gather them: no rank sends more than twice the bytes,
 * however many ranks there are. @return bytes sent in *sent */
static PS_MUST ps_status deal_and_gather(struct ps_comm *c, unsigned char *data, uint64_t bytes,
                                         uint32_t root, uint64_t *sent)
{
    uint32_t own = c->world.rank;
    uint64_t begin = ps_slice_begin(c, bytes, own);
    uint64_t slice = ps_slice_begin(c, bytes, own + 1) - begin;

    ps_flow_clear(c);
    for (uint32_t r = 0; r < c->world.ranks && own == root; r++) {
        uint64_t at = ps_slice_begin(c, bytes, r);
        if (r != root)
            ps_flow_send(c, r, data + at, ps_slice_begin(c, bytes, r + 1) - at);
    }
    if (own != root)
        ps_flow_recv(c, root, data + begin, slice);
    PS_TRY(ps_flow_run(c, PS_CHANNEL_EXCHANGE, PS_COMM_TAG_DATA, c->piece_bytes));
    *sent = slice * (c->world.ranks - 1) + (own == root ? bytes - slice : 0);
    return ps_gather_slices(c, PS_CHANNEL_EXCHANGE, data, bytes, 1);
}

ps_status ps_comm_broadcast(struct ps_comm *c, ps_status mine, void *data, uint64_t bytes,
                            uint32_t root)
{
    uint32_t own = c->world.rank, ranks = c->world.ranks;
    uint64_t sent = 0;

    PS_ASSERT(root < ranks);
    ps_post_clear(c);
    for (uint32_t r = 0; r < ranks && mine == PS_OK; r++) {
        c->post[r].head.word[0] = bytes;
        c->post[r].head.word[1] = root;
        if (own == root)
            (void)ps_post_body(c, r, data, bytes);
    }
    PS_TRY(ps_swap(c, PS_OP_BROADCAST, mine));
    PS_TRY(ps_same_words(c, 2, "a broadcast"));
    if (ranks == 1 || bytes == 0)
        return PS_OK;
    if (bytes <= c->inline_bytes) {
        if (own != root)
            memcpy(data, c->mail[root].body, bytes);
        sent = own == root ? bytes * (ranks - 1) : 0;
    } else {
        PS_TRY(deal_and_gather(c, data, bytes, root, &sent));
    }
    c->sent_bytes[PS_TRAFFIC_OTHER] += sent;
    return PS_OK;
}
