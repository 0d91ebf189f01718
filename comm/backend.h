/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file backend.h
 * @brief What a network backend must provide; used by comm/ and its tests only.
 *
 * A backend moves messages of at most 4 MiB between ranks and never waits:
 * send and recv post, poll tells what has ended. Everything else (pieces,
 * status words, sums, time limits, counting) is the generic layer's, so it is
 * the same for all backends.
 *
 * A message in flight lives in a slot. There are PS_COMM_SLOTS slots for each
 * rank, so a backend's requests are one array whose size depends on the number
 * of ranks and on nothing else. Slot numbers are (depth, direction, peer),
 * row-major: while one piece for each peer is in flight, the slots in use are
 * the first 2 * ranks.
 *
 * Messages with the same sender, receiver, channel and tag arrive in the
 * order in which they were posted.
 */
#ifndef COMM_BACKEND_H
#define COMM_BACKEND_H

#include "comm/comm.h"

/** Messages of one channel never match receives of another. Envelopes of all calls and the data
 *  of exchanges share one, so that a status is heard whatever call a rank is in. */
enum ps_channel { PS_CHANNEL_EXCHANGE, PS_CHANNEL_SUMS, PS_CHANNEL_COUNT };

enum { PS_COMM_SEND, PS_COMM_RECV, PS_COMM_DIRECTIONS };
enum {
    PS_COMM_DEPTH = 2, /**< pieces in flight, for each peer and direction */
    PS_COMM_SLOTS = PS_COMM_DEPTH * PS_COMM_DIRECTIONS
};
enum { PS_COMM_TAG_ENVELOPE = 1, PS_COMM_TAG_DATA = 2 };

static inline uint32_t ps_slot(uint32_t depth, uint32_t direction, uint32_t peer, uint32_t ranks)
{
    return (depth * PS_COMM_DIRECTIONS + direction) * ranks + peer;
}
static inline uint32_t ps_slot_peer(uint32_t slot, uint32_t ranks)
{
    return slot % ranks;
}
static inline uint32_t ps_slot_direction(uint32_t slot, uint32_t ranks)
{
    return slot / ranks % PS_COMM_DIRECTIONS;
}

struct ps_comm_world {
    uint32_t rank, ranks;
    uint32_t local_ranks; /**< on this machine, this one included */
    bool any_thread;      /**< calls may come from a thread that is not the main one */
};

/** A message that has ended. */
struct ps_comm_done {
    uint32_t slot;
    uint32_t bytes; /**< received; undefined for a send */
};

struct ps_comm_ops {
    int version; /**< PS_COMM_OPS_VERSION */
    const char *name;
    size_t state_bytes; /**< zeroed memory handed to every call, 64-byte aligned */

    /** Join. Collective. Takes memory for PS_COMM_SLOTS * ranks requests from ctx->mem. As soon
     *  as the job is joined world->ranks is set, also where the call then fails. */
    ps_status (*init)(void *state, struct ps_ctx *ctx, struct ps_comm_world *world);
    /** May be NULL: then one communicator is all there is. A second one of the same ranks in zeroed
     *  @p state, for another thread; the messages of the two never match. Collective. Left before
     *  the first. */
    ps_status (*twin)(void *state, void *of);
    /** Leave. Collective after a successful init; also called after a failed one. */
    void (*fini)(void *state);
    /** Post; the buffer must stay as it is until poll reports the slot. */
    ps_status (*send)(void *state, enum ps_channel channel, uint32_t slot, int tag,
                      const void *data, uint32_t bytes);
    ps_status (*recv)(void *state, enum ps_channel channel, uint32_t slot, int tag, void *data,
                      uint32_t bytes);
    /** Report what ended among slots [0, slots), without waiting.
     *  @param[out] done  (slots)  @param[out] n  how many of them are filled */
    ps_status (*poll)(void *state, uint32_t slots, struct ps_comm_done *done, uint32_t *n);
    /** May be NULL. After a poll that reported nothing: sleep until there may be something to
     *  report, for at most @p ns. Without it the generic layer polls, with short sleeps between. */
    void (*wait)(void *state, uint64_t ns);
    /** May be NULL. Print this thread's sentence, unless a rank of this process has told one. */
    void (*tell)(void *state);
    /** End all ranks now with this exit code, or with that of a sentence told before. */
    __attribute__((noreturn)) void (*abort)(void *state, int code);
};

extern const struct ps_comm_ops ps_comm_mpi, ps_comm_self, ps_comm_sim;

/**
 * What each rank tells each other rank at the start of a collective call (and
 * once more in the middle of an all-to-all that needs memory): one message, the
 * envelope. A part that fits travels in it.
 */
struct ps_comm_head {
    uint32_t turn;    /**< number of the collective call, modulo 2^32 */
    uint16_t op;      /**< which call: enum ps_comm_op, plus the traffic class */
    uint16_t status;  /**< enum ps_status of the sender */
    uint32_t body;    /**< bytes behind the head */
    uint32_t zero;    /**< makes the padding plain */
    uint64_t word[3]; /**< as the call wants: byte counts, element counts */
};

enum { PS_COMM_ENVELOPE_BYTES = 2048 };
enum { PS_COMM_BODY_BYTES = PS_COMM_ENVELOPE_BYTES - sizeof(struct ps_comm_head) };

struct ps_envelope {
    struct ps_comm_head head;
    _Alignas(8) unsigned char body[PS_COMM_BODY_BYTES];
};

/** ps_comm_new with a backend of the caller's choice. */
PS_MUST ps_status ps_comm_new_with(struct ps_comm **c, struct ps_ctx *ctx,
                                   const struct ps_opts_comm *o, const struct ps_comm_ops *ops);

/** For tests, the same on all ranks: pieces of @p piece_bytes (1 to PS_COMM_PIECE_BYTES),
 *  parts of up to @p inline_bytes (0 to PS_COMM_BODY_BYTES) in the envelope, sums of up
 *  to @p small_bytes over all ranks gathered rather than cut in slices. */
void ps_comm_set_sizes(struct ps_comm *c, uint32_t piece_bytes, uint32_t inline_bytes,
                       uint64_t small_bytes);

#endif
