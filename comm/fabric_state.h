/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fabric_state.h
 * @brief The inside of the simulated network, for fabric.c and comm_sim.c.
 *
 * Every rank has a box with the messages on their way to it, a wire for each sender. Short
 * messages are copied into the box and are sent as soon as they are there; of longer ones the
 * box has the address, the receiver copies them from the sender's memory and then tells the
 * sender, in the sender's own box. So nobody allocates on the way, and a rank looks into one box.
 */
#ifndef COMM_FABRIC_STATE_H
#define COMM_FABRIC_STATE_H

#include "comm/backend.h"
#include "comm/fabric.h"
#include "src/base/fault.h"

#include <pthread.h>

enum ps_net_fault {
    PS_NET_DELAY,
    PS_NET_LOST,
    PS_NET_CUT,
    PS_NET_REFUSE,
    PS_NET_DEAD,
    PS_NET_POLL,
    PS_NET_INIT
};

enum {
    PS_NETS = 2,        /**< a rank has a communicator and may have a twin of it */
    PS_WIRE_COPIES = 2, /**< messages that a wire can hold a copy of */
    PS_WIRE_COPY_BYTES = PS_COMM_ENVELOPE_BYTES,
    PS_WIRE_DEPTH = PS_COMM_DEPTH + PS_WIRE_COPIES
};

struct ps_net_message {
    const unsigned char *data; /**< of the sender, or a copy in the box */
    uint64_t due_ns;           /**< not to be seen before */
    uint32_t bytes;            /**< that arrive */
    uint32_t slot;             /**< of the sender */
    int32_t copy;              /**< number of the copy, or -1 */
    int tag;
    enum ps_channel channel;
};

/** From one sender, in the order sent. */
struct ps_net_wire {
    struct ps_net_message message[PS_WIRE_DEPTH];
    uint32_t count;
    uint32_t copies; /**< a bit for each copy in use */
};

struct ps_net_box {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    struct ps_net_wire *wire; /**< (ranks) by sender */
    unsigned char *copy;      /**< (ranks, PS_WIRE_COPIES, PS_WIRE_COPY_BYTES) */
    uint32_t *ended;          /**< (slots) sends of this rank that have ended */
    uint32_t ended_count;
    uint32_t fresh;  /**< arrivals and ends since the owner looked */
    uint32_t wanted; /**< the owner sleeps until there are so many; 0: it does not sleep */
};

struct ps_fabric {
    struct ps_mem *mem;
    uint32_t ranks;
    double ns_per_byte, latency_ns;
    uint64_t seed;
    struct ps_fault_plan plan;
    struct ps_net_box *box; /**< (PS_NETS, ranks): communicators and their twins */
    uint32_t box_count;     /**< whose locks are made */
    _Atomic uint64_t messages, bytes, most_by_one_rank, faults;

    pthread_mutex_t telling;
    ps_status told; /**< under its lock: what the sentence told was about, or PS_OK */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. */
    uint32_t joined, gone, dead;
};

/** The box of a rank in one of the nets. */
static inline struct ps_net_box *ps_fabric_box(struct ps_fabric *f, uint32_t net, uint32_t rank)
{
    return &f->box[(size_t)net * f->ranks + rank];
}

/** Wait until all ranks have joined. @return PS_ECANCEL if one is gone */
PS_MUST ps_status ps_fabric_join(struct ps_fabric *f);

/** Print this thread's sentence, if it is the first. */
void ps_fabric_tell(struct ps_fabric *f);
/** End the process, with @p code where no sentence was told. */
__attribute__((noreturn)) void ps_fabric_end(struct ps_fabric *f, int code);

/** Stop for ever, as @p rank before its message @p call. */
__attribute__((noreturn)) void ps_fabric_die(struct ps_fabric *f, uint32_t rank, uint64_t call);

#endif
