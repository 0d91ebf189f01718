/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file generate.h
 * @brief What the generators share: threads, sizes of splits, and writing what nodes are.
 */
#ifndef PS_GRAPH_GENERATE_H
#define PS_GRAPH_GENERATE_H

#include "io/dataset_write.h"
#include "src/base/opt.h"

/** Threads as asked for; 0: the CPUs that the process may use. */
int ps_generate_threads(uint64_t asked);

/** Nodes in each split: shares of all nodes, rounded. */
struct ps_split_sizes {
    uint64_t train, valid, test;
};
/** @return PS_EUSAGE if the shares add up to more than 1 */
PS_MUST ps_status ps_split_sizes_set(struct ps_split_sizes *s, const struct ps_opts_generate *g);

/** The meta of a generated dataset of one part, but for its edges and provenance.
 *  @param[out] offsets  (2) its part_offsets
 *  @return PS_EUSAGE if the name is too long */
PS_MUST ps_status ps_generate_meta(struct ps_meta *meta, const struct ps_opts *o,
                                   uint64_t offsets[2]);

/** What node v is, as pure functions: they are called by several threads, in any order. */
struct ps_node_maker {
    const void *arg;
    void (*row)(const void *arg, uint64_t v, float *row); /**< @p row (feature_dim) is not set */
    int32_t (*label)(const void *arg, uint64_t v);
    uint8_t (*split)(const void *arg, uint64_t v); /**< an enum ps_split */
};

/**
 * Write features, labels, splits and ids of all nodes of part 0, which was begun, a chunk at a
 * time; while one chunk is written, threads make the next. Ids are those of the dataset.
 * Memory: half of what the budget has left, at most about 64 MiB.
 */
PS_MUST ps_status ps_generate_nodes(struct ps_ctx *ctx, struct ps_dataset_writer *w, int threads,
                                    const struct ps_node_maker *maker);

/** part / whole; 0 where there is nothing. */
static inline double ps_share(uint64_t part, uint64_t whole)
{
    return whole == 0 ? 0 : (double)part / (double)whole;
}

#endif
