/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file shard.h
 * @brief What one rank holds of the graph: topology, degrees, labels and split of its partitions.
 *
 * A rank owns a contiguous run of partitions, so a contiguous range of node ids; the owner of
 * a node is found by a search in ranks+1 offsets. Topology is read once through the disk
 * edge; feature rows stay on disk, and the shard knows where (see rows.h).
 *
 * Sizes: n nodes and m in-edges of this rank, R ranks, T training nodes of the whole graph.
 *
 * @par Memory   PS_MEM_TOPOLOGY: 8 (n+1) + 4 or 8 m + 9 n, and 8 (n+1) more for CSR features
 * @par Failure  PS_EINPUT names file, array, index, expected and found
 */
#ifndef PS_GRAPH_SHARD_H
#define PS_GRAPH_SHARD_H

#include "io/dataset.h"
#include "src/graph/world.h"

/** Where the rows of one partition lie on disk. */
struct ps_shard_part {
    uint64_t first, count; /**< nodes, counted within the shard */
    uint32_t file;         /**< of the I/O engine */
    uint64_t dense_offset; /**< of /nodes/features */
    uint64_t index_offset; /**< of /nodes/features_indices */
    uint64_t value_offset; /**< of /nodes/features_values */
    uint64_t split_offset; /**< of /nodes/split */
    uint64_t orig_offset;  /**< of /nodes/orig_id */
    uint64_t value_begin;  /**< features_indptr counts from here in the shard */
};

struct ps_shard {
    struct ps_world *world;     /**< borrowed */
    const struct ps_meta *meta; /**< borrowed from the dataset */
    struct ps_dataset *dataset; /**< owned */
    uint64_t *rank_begin;       /**< (R+1) first node of each rank */
    uint64_t *train_begin;      /**< (R+1) first training node of each rank in the split in use */
    uint64_t first, count;      /**< this rank's nodes; n = count */
    uint64_t edge_count;        /**< m */
    uint32_t part_count;
    struct ps_shard_part *part; /**< (part_count) */
    uint64_t *indptr;           /**< (n+1) */
    uint32_t *index32;          /**< (m) global source ids, or NULL: then index64 */
    uint64_t *index64;          /**< (m) */
    uint32_t *out_degree;       /**< (n) */
    int32_t *label;             /**< (n) */
    uint8_t *split;             /**< (n) of the split in use */
    uint32_t *train_node;       /**< training nodes of this rank, ascending, within the shard */
    size_t train_cap;
    uint64_t *feature_begin; /**< (n+1) CSR features: first stored value of each row */
    uint32_t split_index;    /**< the split in use */
};

/** Which parts a rank of @p ranks owns: parts [*first, *first + *count). */
void ps_shard_parts_of(uint32_t parts, uint32_t ranks, uint32_t rank, uint32_t *first,
                       uint32_t *count);

/**
 * Open the dataset and read this rank's share. Collective: all ranks fail if one does.
 * @return PS_EUSAGE if there are more ranks than partitions
 */
PS_MUST ps_status ps_shard_open(struct ps_shard **s, struct ps_world *w, const char *path);
/** Accepts NULL, clears *s. */
void ps_shard_close(struct ps_shard **s);

/** Read split @p k and its training nodes; labels of training, validation and test nodes are
 *  checked. Collective. @return PS_EUSAGE if there is no such split */
PS_MUST ps_status ps_shard_use_split(struct ps_shard *s, uint32_t k);

/** T: training nodes of the whole graph in the split in use. */
uint64_t ps_shard_train_total(const struct ps_shard *s);

/** The rank that owns @p node, by search in rank_begin. @pre node < nodes */
uint32_t ps_shard_owner(const struct ps_shard *s, uint64_t node);
/** In-edges of shard node @p v. */
static inline uint64_t ps_shard_degree(const struct ps_shard *s, uint64_t v)
{
    return s->indptr[v + 1] - s->indptr[v];
}
/** Source of in-edge @p e. */
static inline uint64_t ps_shard_source(const struct ps_shard *s, uint64_t e)
{
    return s->index32 != NULL ? s->index32[e] : s->index64[e];
}
/** How much it pays to keep the row of shard node @p v: classes 0 to 1023, rising with the
 *  logarithm of its out-degree, in steps of 2^(1/32). */
uint32_t ps_shard_score(const struct ps_shard *s, uint64_t v);
/** The part that holds shard node @p v. */
const struct ps_shard_part *ps_shard_part_of(const struct ps_shard *s, uint64_t v);

/** Read original ids of the shard's nodes [first, first + count). Not collective. */
PS_MUST ps_status ps_shard_read_orig_ids(const struct ps_shard *s, uint64_t first, uint64_t count,
                                         uint64_t *dst);

#endif
