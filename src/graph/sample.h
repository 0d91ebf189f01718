/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sample.h
 * @brief The blocks of batches: neighbours drawn by their owners, ids mapped to local numbers.
 *
 * Hop by hop, from the seeds outward. The frontier of hop h is every node that has a local
 * number by then; its nodes are asked of their owners, who draw for each node once, whoever
 * asks, and answer with full in-degree, neighbours (ascending) and multiplicity m, the
 * number of ranks that asked. New nodes get numbers in the order in which they first occur.
 * The batches of a window go together: one exchange for each hop, however many they are.
 *
 * @par Collective   ps_sampler_run
 * @par Determinism  blocks depend on (seed, epoch, batch) and on this rank's seeds; neither on
 *                   threads, nor on who owns what, nor on what is sampled together
 * @par Cost         two all-to-alls for each hop of a window; 8 bytes for each question, 12 and
 *                   4 or 8 for each neighbour in each answer
 */
#ifndef PS_GRAPH_SAMPLE_H
#define PS_GRAPH_SAMPLE_H

#include "src/graph/ask.h"
#include "src/graph/idmap.h"
#include "src/kern/block.h"

/** Which batch. */
struct ps_batch_id {
    uint64_t seed, epoch, index;
};

/** Storage of one block; grows to the largest batch and stays. */
struct ps_hop {
    uint64_t *row_begin, *col_begin;
    uint32_t *col, *row, *in_degree, *multiplicity;
    size_t row_begin_cap, col_begin_cap, col_cap, row_cap, degree_cap, multiplicity_cap;
};

/** One sampled batch. */
struct ps_sample {
    struct ps_mem *mem;
    struct ps_batch_id id;
    uint64_t *node; /**< (count) global ids by local number; the seeds first */
    uint32_t count;
    uint32_t hops;
    uint64_t edges;       /**< of this rank's blocks */
    uint64_t fingerprint; /**< sum mod 2^64 over what this rank drew for the batch as owner: over
                               distinct (epoch, batch, hop, node), XXH3-64 of the u64 words epoch,
                               batch, hop, node, drawn neighbours ascending. Summed over ranks and
                               batches it is the fingerprint of the run's samples */
    struct ps_hop hop[PS_LIST_MAX];     /**< from the seeds outward */
    struct ps_block block[PS_LIST_MAX]; /**< (hops) the input layer's first */
    size_t node_cap;
};

/** Nothing sampled yet. */
void ps_sample_init(struct ps_sample *s, struct ps_mem *mem);
/** Give the memory back; accepts zeros. */
void ps_sample_fini(struct ps_sample *s);
/** Begin a batch with its seeds: @p node (count), distinct. @return PS_EMEM */
PS_MUST ps_status ps_sample_begin(struct ps_sample *s, const struct ps_batch_id *id,
                                  const uint64_t *node, uint32_t count);
/** Bytes that the storage of a batch holds. */
uint64_t ps_sample_bytes(const struct ps_sample *s);

struct ps_sampler;

/** @param[in] fanout (hops) from the seeds outward, -1 for all; copied */
PS_MUST ps_status ps_sampler_new(struct ps_sampler **s, struct ps_shard *shard,
                                 const int64_t *fanout, uint32_t hops);
void ps_sampler_free(struct ps_sampler **s);

/**
 * Sample the blocks of some batches. Collective. @param[in,out] batch (n) begun by ps_sample_begin;
 * @p n is the same on all ranks. Neighbours in the list with the same id are parts of one batch: a
 * node that several of them ask for is drawn, and counted, once. A failure after the last exchange
 * is this rank's alone: hand the status on to the next collective call.
 */
PS_MUST ps_status ps_sampler_run(struct ps_sampler *s, ps_status mine, struct ps_sample *batch,
                                 uint32_t n);

#endif
