/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fabric.h
 * @brief The simulated network: what the ranks of one process talk through.
 *
 * Made before the threads of the ranks start, and given to each in its context (ctx->fabric,
 * ctx->fabric_rank); `--network sim` then joins it. Messages go through shared memory. A model
 * makes them slow:
 *
 *     a message leaves when the sender's link has sent all before it, and is there
 *     bytes / bandwidth + latency seconds later
 *
 * and a plan (src/base/fault.h) makes them go wrong. Each rank counts the messages that it
 * sends, from 1. What can happen to a message, and to a rank:
 *
 *     delay:T   it arrives T seconds later; those behind it wait
 *     lost      it does not arrive, and its sender is not told
 *     cut       half of it arrives
 *     refuse    sending it fails
 *     dead      in place of sending it the rank stops for ever and answers nobody
 *     poll      the first look for messages after sending it fails
 *     init      joining the job fails (call 1)
 */
#ifndef COMM_FABRIC_H
#define COMM_FABRIC_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

struct ps_fabric;

struct ps_fabric_counts {
    uint64_t messages, bytes;  /**< handed over by all ranks together */
    uint64_t most_by_one_rank; /**< messages of the rank that sent most */
    uint64_t faults;           /**< that happened */
};

/** A network for @p ranks ranks (at least 1). @p m and @p o outlive it. Takes about
 *  4 KiB for each pair of ranks. @return PS_EUSAGE for a fault plan that cannot be read, PS_EMEM */
PS_MUST ps_status ps_fabric_new(struct ps_fabric **f, struct ps_mem *m, uint32_t ranks,
                                const struct ps_opts_sim *o);
/** Accepts NULL, clears *f. @pre every rank is gone */
void ps_fabric_free(struct ps_fabric **f);

/** The thread of @p rank ends; to be told once for each rank, also where it never joined: those
 *  that wait for it to join then fail with PS_ECANCEL. Where only dead ranks are left, the
 *  process ends with exit code 5 and a sentence. */
void ps_fabric_gone(struct ps_fabric *f, uint32_t rank);

/** So far; exact once all ranks are gone. */
struct ps_fabric_counts ps_fabric_counts(struct ps_fabric *f);

#endif
