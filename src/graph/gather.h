/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file gather.h
 * @brief The rows of some nodes of a dataset, in any order, in few reads.
 *
 * Nodes are sorted by where they lie; rows that lie together are read together, over gaps of at
 * most 32 KiB, through a buffer; stretches that are wanted in the order in which they lie go
 * straight to their place. So nodes in order cost one read for each array, and scattered ones
 * at most one each.
 *
 * Use: set, then ends or fixed, then items; ends of the edges and of CSR features may be held at
 * the same time, as they stand in two lists.
 *
 * @par Failure  as source.h
 */
#ifndef PS_GRAPH_GATHER_H
#define PS_GRAPH_GATHER_H

#include "src/graph/sort_pairs.h"
#include "src/graph/source.h"

/** Where the rows of one kind lie, by rank in the sorted order, and where each goes. */
struct ps_gather_list {
    uint64_t *begin, *end; /**< (node_cap) items of the array in its part */
    uint64_t *to;          /**< (node_cap + 1) first item in dst, by position as asked */
};

struct ps_gather {
    struct ps_source *s;
    uint64_t count;             /**< nodes set */
    struct ps_sort_pair *node;  /**< (node_cap) id and position, by id */
    uint32_t *part;             /**< (node_cap) by rank */
    struct ps_gather_list list; /**< edges or fixed rows */
    struct ps_gather_list csr;  /**< CSR features; NULLs where there are none */
    unsigned char *stage;       /**< (stage_bytes) */
    uint64_t node_cap, stage_bytes;
};

/** Room for @p node_cap nodes at a time. @return PS_EMEM; ps_gather_fini is due all the same */
PS_MUST ps_status ps_gather_init(struct ps_gather *g, struct ps_source *s, uint64_t node_cap,
                                 uint64_t stage_bytes);
/** Accepts what init left after a failure. */
void ps_gather_fini(struct ps_gather *g);

/** Take nodes [first, first + count) of the new order: old_of[first + i], or first + i itself
 *  where @p old_of is NULL. @pre count <= node_cap */
void ps_gather_set(struct ps_gather *g, const uint32_t *old_of, uint64_t first, uint64_t count);
/** Keep the first @p count of them. */
void ps_gather_cut(struct ps_gather *g, uint64_t count);

/** Read row ends into @p l; to[] then has the places, to[count] the items in all. */
PS_MUST ps_status ps_gather_ends(struct ps_gather *g, enum ps_array_id indptr,
                                 struct ps_gather_list *l);
/** Rows of an array with so many items for each node. @p plane for PS_ARRAY_SPLIT, else 0 */
void ps_gather_fixed(struct ps_gather *g, uint64_t cols, uint32_t plane, struct ps_gather_list *l);

/** Read the items of @p l; ids of PS_ARRAY_INDICES as u64, all others as stored.
 *  @param[out] dst  (to[count]) in the order asked for */
PS_MUST ps_status ps_gather_items(struct ps_gather *g, enum ps_array_id id,
                                  const struct ps_gather_list *l, void *dst);

#endif
