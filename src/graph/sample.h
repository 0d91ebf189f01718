/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sample.h
 * @brief The blocks of a batch: neighbours drawn by their owners, ids mapped to local numbers.
 *
 * Hop by hop, from the seeds outward. The frontier of hop h is every node that has a local
 * number by then; its nodes are asked of their owners, who draw for each node once, whoever
 * asks, and answer with full in-degree, neighbours (ascending) and multiplicity m, the
 * number of ranks that asked. New nodes get numbers in the order in which they first occur.
 *
 * @par Collective   ps_sampler_run
 * @par Determinism  blocks depend on (seed, epoch, batch) and on this rank's seeds; neither on
 *                   threads nor on who owns what
 * @par Cost         two all-to-alls for each hop; 8 bytes for each question, 12 and 4 or 8 for
 *                   each neighbour in each answer
 */
#ifndef PS_GRAPH_SAMPLE_H
#define PS_GRAPH_SAMPLE_H

#include "src/graph/ask.h"
#include "src/graph/idmap.h"
#include "src/kern/block.h"

struct ps_sampler;

/** @param[in] fanout (hops) from the seeds outward, -1 for all; copied */
PS_MUST ps_status ps_sampler_new(struct ps_sampler **s, struct ps_shard *shard,
                                 const int64_t *fanout, uint32_t hops);
void ps_sampler_free(struct ps_sampler **s);

/** Which batch. */
struct ps_batch_id {
    uint64_t seed, epoch, index;
};

/**
 * Sample the blocks of one batch. Collective. @param[in] node (count) the seeds of this rank,
 * distinct. A failure after the last exchange is this rank's alone: hand the status on to
 * the next collective call.
 */
PS_MUST ps_status ps_sampler_run(struct ps_sampler *s, ps_status mine, const struct ps_batch_id *id,
                                 const uint64_t *node, uint32_t count);

/** Blocks (hops), the input layer's first; ids of all local nodes (M of block[0]). Borrowed
 *  until the next run. */
const struct ps_block *ps_sampler_blocks(const struct ps_sampler *s);
const uint64_t *ps_sampler_nodes(const struct ps_sampler *s, uint32_t *count);

/** Sum mod 2^64 over what this rank drew so far as owner: over distinct (epoch, batch, hop, node),
 *  XXH3-64 of the u64 words epoch, batch, hop, node, drawn neighbours ascending. The sum
 *  over ranks is the fingerprint of the run's samples. */
uint64_t ps_sampler_fingerprint(const struct ps_sampler *s);
/** Edges of this rank's blocks so far. */
uint64_t ps_sampler_edges(const struct ps_sampler *s);

#endif
