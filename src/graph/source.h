/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file source.h
 * @brief A dataset read as one graph, whatever its parts: ranges of nodes, and edges in order.
 *
 * For commands that go over a whole dataset (partition). Ids are checked on the way: what
 * comes out is in range.
 *
 * @par Memory   some open parts, the buffers of the caller
 * @par Failure  as ps_part_open and ps_part_read; PS_EINPUT with file, array, index, expected
 *               and found for row ends and ids that are out of range
 * @par Threads  one at a time
 */
#ifndef PS_GRAPH_SOURCE_H
#define PS_GRAPH_SOURCE_H

#include "io/dataset.h"

enum { PS_SOURCE_OPEN = 64 };

struct ps_source {
    struct ps_ctx *ctx;
    const struct ps_dataset *ds; /**< borrowed */
    const struct ps_meta *meta;
    struct ps_part *open[PS_SOURCE_OPEN]; /**< part k at k mod PS_SOURCE_OPEN */
    uint32_t which[PS_SOURCE_OPEN];
};

/** Nothing is opened yet. @p ds is borrowed until fini. */
void ps_source_init(struct ps_source *s, struct ps_ctx *ctx, const struct ps_dataset *ds);
/** Close the parts; accepts zeros. */
void ps_source_fini(struct ps_source *s);

/** The part that holds node @p v. @pre v < nodes */
uint32_t ps_source_part_of(const struct ps_source *s, uint64_t v);
/** Part @p k, opened if it is not; borrowed until PS_SOURCE_OPEN others were asked for. */
PS_MUST ps_status ps_source_part(struct ps_source *s, uint32_t k, const struct ps_part **part);

/** Split @p plane of nodes [first, first + count). */
PS_MUST ps_status ps_source_split(struct ps_source *s, uint32_t plane, uint64_t first,
                                  uint64_t count, uint8_t *dst);

/** Lengths of the rows of nodes [first, first + count): in-edges for PS_ARRAY_INDPTR, stored
 *  features for PS_ARRAY_FEATURES_INDPTR. */
PS_MUST ps_status ps_source_lengths(struct ps_source *s, enum ps_array_id indptr, uint64_t first,
                                    uint64_t count, uint64_t *length);

/** Check the row ends begin[i], end[i] of rows [first, first + count) of part @p p. */
PS_MUST ps_status ps_source_check_ends(const struct ps_part *p, enum ps_array_id indptr,
                                       uint64_t row, uint64_t begin, uint64_t end);
/** Check that sources are below the number of nodes. @p at: the first one's index in the part */
PS_MUST ps_status ps_source_check_ids(const struct ps_source *s, const struct ps_part *p,
                                      uint64_t at, uint64_t count, const uint64_t *id);

/** Sources @p u (count) of node @p v; called once or more for each node that has any. */
typedef void ps_source_fn(void *arg, uint64_t v, const uint64_t *u, uint64_t count);

/** All edges, by ascending target. */
PS_MUST ps_status ps_source_edges(struct ps_source *s, ps_source_fn *fn, void *arg);

#endif
