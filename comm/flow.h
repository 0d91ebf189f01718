/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file flow.h
 * @brief The inside of a communicator: lanes, envelopes, waiting.
 *
 * A lane is a stretch of memory on its way to or from one peer, cut in pieces
 * of which PS_COMM_DEPTH are in flight. ps_flow_run drives all lanes to their
 * end. ps_swap is a flow of envelopes followed by the verdict whether to go on.
 */
#ifndef COMM_FLOW_H
#define COMM_FLOW_H

#include "comm/backend.h"

/** Collective calls; an all-to-all adds its traffic class. */
enum ps_comm_op {
    PS_OP_LEAVE = 1,
    PS_OP_AGREE,
    PS_OP_GATHER,
    PS_OP_BROADCAST,
    PS_OP_SUM,
    PS_OP_MEMORY, /**< second agreement of an all-to-all: have all ranks room? */
    PS_OP_ALLTOALL,
    PS_OP_COUNT = PS_OP_ALLTOALL + PS_TRAFFIC_COUNT
};

struct ps_lane {
    const unsigned char *from; /**< of a sending lane */
    unsigned char *to;         /**< of a receiving lane */
    uint64_t bytes, posted;
    uint32_t in_flight; /**< messages */
};

struct ps_comm {
    struct ps_ctx *ctx;
    const struct ps_comm_ops *ops;
    unsigned char *state;
    struct ps_comm_world world;

    double timeout; /**< seconds without a message that end the job */
    uint32_t piece_bytes, inline_bytes;
    uint64_t small_bytes;

    struct ps_lane *lane;      /**< (PS_COMM_DIRECTIONS, ranks) */
    uint32_t *slot_bytes;      /**< (PS_COMM_SLOTS, ranks) size of the message in the slot */
    struct ps_comm_done *done; /**< (PS_COMM_SLOTS, ranks) */
    uint32_t in_flight;        /**< messages, over all lanes */
    uint64_t bytes_in_flight;
    uint32_t slots_used; /**< slots below this one may be in use */

    struct ps_envelope *post; /**< (ranks) to each rank */
    struct ps_envelope *mail; /**< (ranks) from each rank, own included */
    uint32_t turn;
    enum ps_comm_op op; /**< what this rank is in, for the sentence of a time limit */

    _Atomic bool broken; /**< the backend failed: nothing can be agreed any more; a twin looks */
    bool failed;
    uint32_t first_rank;
    ps_status first_status;
    uint64_t sent_bytes[PS_TRAFFIC_COUNT];
    struct ps_comm *twin; /**< the other one of two, or NULL */

    unsigned char *sum_room; /**< what is added in a sum, by rank; grows only */
    size_t sum_room_cap;
};

/** "a gather", "an all-to-all of rows". */
const char *ps_comm_op_name(enum ps_comm_op op, char *text, size_t text_bytes);

/** All lanes empty. */
void ps_flow_clear(struct ps_comm *c);
/** @p bytes from @p data to @p peer; 0 for none. @pre peer is not this rank */
void ps_flow_send(struct ps_comm *c, uint32_t peer, const void *data, uint64_t bytes);
void ps_flow_recv(struct ps_comm *c, uint32_t peer, void *data, uint64_t bytes);

/** Move all lanes, in pieces of at most @p piece_bytes; ends when all is sent and received.
 *  A message that is too short is an error, except for envelopes.
 *  @return PS_EPEER, after which the communicator is broken */
PS_MUST ps_status ps_flow_run(struct ps_comm *c, enum ps_channel channel, int tag,
                              uint32_t piece_bytes);

/** Envelopes without words or body. */
void ps_post_clear(struct ps_comm *c);

/** The body of the envelope to @p peer: @p bytes from @p data if they fit, else nothing.
 *  @return whether they travel in the envelope */
bool ps_post_body(struct ps_comm *c, uint32_t peer, const void *data, uint64_t bytes);

/**
 * Swap envelopes with all ranks and agree. The caller has filled word[], body and
 * head.body of c->post; where @p mine is not PS_OK they are emptied here.
 * @return PS_OK: all ranks are well, c->mail is filled; @p mine where that is a failure;
 *         PS_ECANCEL: others failed; PS_EPEER: ranks are in different calls, or broken
 */
PS_MUST ps_status ps_swap(struct ps_comm *c, enum ps_comm_op op, ps_status mine);

/** After ps_swap: fails on all ranks alike where word[0..words) differ between ranks. */
PS_MUST ps_status ps_same_words(struct ps_comm *c, int words, const char *what);

/** Slice @p r of @p n items cut among the ranks: begin of slice r; r = ranks gives n. */
uint64_t ps_slice_begin(const struct ps_comm *c, uint64_t n, uint32_t r);

/** Each rank holds slice @p rank of @p data (n items of item_bytes); afterwards all of it. */
PS_MUST ps_status ps_gather_slices(struct ps_comm *c, enum ps_channel channel, void *data,
                                   uint64_t n, size_t item_bytes);

#endif
