/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file seeds.h
 * @brief The seeds of a global batch, and which rank computes which.
 *
 * A keyed permutation of the training index gives the order of an epoch without a table;
 * batch b takes positions [b B, (b+1) B), the last batch fewer. Each rank computes count / R
 * seeds (the first count mod R ranks one more): its own first, in batch order; the surplus is
 * dealt, in batch order, to the ranks with room in order of rank. All of that is a pure
 * function of (seed, epoch, batch) and the ranks, so every rank knows the whole deal.
 *
 * A seed that is dealt away travels with its label from its owner.
 */
#ifndef PS_GRAPH_SEEDS_H
#define PS_GRAPH_SEEDS_H

#include "src/graph/shard.h"

struct ps_seeds {
    struct ps_shard *shard; /**< borrowed */
    uint64_t *node;         /**< (count) global ids of the seeds that this rank computes */
    int32_t *label;         /**< (count) */
    uint32_t count;
    uint64_t total; /**< seeds of the global batch */
    /* working storage */
    size_t node_cap, label_cap, index_cap, owner_cap, rank_cap, send_cap;
    uint64_t *index;                        /* (total) training index at each position */
    uint32_t *owner;                        /* (total) who owns it */
    uint32_t *rank;                         /* (total) who computes it */
    uint64_t *own, *quota, *cursor, *bytes; /* (R), (R), (R+1), (R) */
    struct ps_seed_message *send;
    const void **part; /* (R) */
    struct ps_inbox inbox;
};

/** No seeds yet. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_seeds_init(struct ps_seeds *s, struct ps_shard *shard);
/** Give the memory back; also after a failed init. */
void ps_seeds_fini(struct ps_seeds *s);

/** Global batches of an epoch: T / batch_size rounded up. */
uint64_t ps_seeds_batches(const struct ps_shard *shard, uint64_t batch_size);

/** Make room for batches of @p batch_size in the split in use, so that taking one allocates
 *  nothing. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_seeds_reserve(struct ps_seeds *s, uint64_t batch_size);

/** Find this rank's seeds of a batch; with a failure @p mine this rank only takes part. Collective
 * (it talks only where a surplus travels, which all ranks know). @pre batch < ps_seeds_batches,
 * room was made */
PS_MUST ps_status ps_seeds_take(struct ps_seeds *s, ps_status mine, uint64_t seed, uint64_t epoch,
                                uint64_t batch, uint64_t batch_size);

/** The deal alone, for tests: who computes each position. @param[in] owner (n) rank that owns
 *  it; @param[out] rank (n); @param own, quota working storage (ranks) each */
void ps_seeds_deal(const uint32_t *owner, uint64_t n, uint32_t ranks, uint32_t *rank, uint64_t *own,
                   uint64_t *quota);

#endif
