/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file edges.h
 * @brief From edges in any order to the graph of a dataset of one part: what import and
 *        generate share around csc.h.
 *
 * @par Memory   as csc.h, and PS_EDGES_CHUNK edges
 * @par Failure  as csc.h and dataset_write.h, and what the function that has the edges says
 */
#ifndef PS_GRAPH_EDGES_H
#define PS_GRAPH_EDGES_H

#include "io/dataset_write.h"
#include "src/graph/csc.h"

enum { PS_EDGES_CHUNK = 32 * 1024 };

/**
 * Edges from edge @p first on: up to PS_EDGES_CHUNK of them, *n = 0 behind the last. Called in
 * order from 0 to the end, and once more from 0 to the end; both times the edges are the same
 * ones, or the sort finds that they do not fit.
 * @param[out] source, target  (PS_EDGES_CHUNK) ids below the number of nodes
 */
typedef ps_status ps_edges_fn(void *arg, uint64_t first, uint64_t *source, uint64_t *target,
                              size_t *n);

/**
 * What sorting may take: what --memory leaves beside the arrays of N and the writer, which has a
 * buffer for each array and 1/1024 of the bytes for checksums; without --memory 1 GiB.
 * @param[in] dataset_bytes  of all arrays of the result, at most
 * @param[in] task           "import" or "generate", for the sentence
 * @return PS_EMEM if that is too little, with what would do
 */
PS_MUST ps_status ps_edges_sort_bytes(struct ps_ctx *ctx, uint64_t nodes, uint64_t dataset_bytes,
                                      const char *task, uint64_t *bytes);

/** Ask for all edges twice and sort them. *fits: whether both times they were the same. The
 *  caller frees *c, also after a failure. */
PS_MUST ps_status ps_edges_sort(struct ps_csc **c, struct ps_ctx *ctx,
                                const struct ps_csc_spec *spec, ps_edges_fn *fn, void *arg,
                                bool *fits);

/** Begin part 0 with the sorted edges and @p feature_count CSR values; write row ends, sources
 *  and out-degrees. */
PS_MUST ps_status ps_edges_write(struct ps_csc *c, struct ps_dataset_writer *w,
                                 uint64_t feature_count);

#endif
