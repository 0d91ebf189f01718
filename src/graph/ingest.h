/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ingest.h
 * @brief How graphs come to be datasets: import, generate, partition.
 *
 * Each writes a whole dataset aside and renames it at the end. Each adds what it found and
 * did to @p report, a JSON object of the caller (counts, shares; keys as the headers of
 * the files that implement them say); the command prints it.
 *
 * @par Memory   bounded as each function says; counted in ctx->mem
 * @par Failure  PS_EINPUT: one sentence with file, index, expected and found
 * @par Ranks    not collective; one process
 */
#ifndef PS_GRAPH_INGEST_H
#define PS_GRAPH_INGEST_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

/**
 * The neutral layout: edges.npy, labels.npy, train/valid/test.npy and splits.npy, features.npy |
 * features_bits.npy | feat_indptr/indices[/values].npy, meta.json, whose counts are compared
 * with the arrays. Node numbers become orig_id. Bits and CSR become CSR rows. Other files are
 * ignored.
 *
 * Edges: `undirected: true` in meta.json adds the reverse of every edge without being asked; a
 * loop is its own reverse and stays one edge. Equal edges, also those that come of adding
 * reverses, stay unless o->import.dedupe.
 *
 * Splits: the rows of splits.npy are 0 to S-1. Where train/valid/test.npy say something else
 * than every row, they are split 0 and the rows follow as 1 to S. Without either there is one
 * split in which no node has a role.
 *
 * @param[in] command  the command line, for the provenance
 * @return also PS_EUSAGE, PS_EIO, PS_EMEM
 */
PS_MUST ps_status ps_import_dir(struct ps_ctx *ctx, const struct ps_opts *o, const char *dir,
                                const char *command, json_t *report);

/** Arrays named by options --edges, --features and so on, each in one file or several; report as
 *  above (import_core.h). */
PS_MUST ps_status ps_import_npy(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                                json_t *report);

/**
 * Text files with an edge in each line, source and target (edge_source.h), plain or gzip; what
 * nodes have comes by options as for npy (import_options.h). Report as above.
 * @param[in] path  (count) one file behind the other; count is at least 1
 */
PS_MUST ps_status ps_import_edges(struct ps_ctx *ctx, const struct ps_opts *o,
                                  const char *const *path, uint32_t count, const char *command,
                                  json_t *report);

/** A Matrix Market file, whose entry (i, j) is an edge from node i-1 to node j-1; a symmetric one
 *  also gives the reverse. The rest as ps_import_edges. */
PS_MUST ps_status ps_import_mtx(struct ps_ctx *ctx, const struct ps_opts *o, const char *path,
                                const char *command, json_t *report);

/**
 * A folder of Open Graph Benchmark (node property prediction), unpacked; its tables and arrays
 * are checked against the counts beside them (import_ogb.c). Report as above.
 * Refused: several tasks (ogbn-proteins), several kinds of nodes (ogbn-mag), several splits
 * unless one is chosen. Features of edges are left out.
 */
PS_MUST ps_status ps_import_ogb(struct ps_ctx *ctx, const struct ps_opts *o, const char *dir,
                                const char *command, json_t *report);

/** A stochastic block model with planted classes; see sbm.h for the model. */
PS_MUST ps_status ps_generate_sbm(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                                  json_t *report);

/** A recursive-matrix graph with the parameters of Graph500; see rmat.h for the model, and
 *  generate_rmat.c for the report. Memory: 13 bytes for each node, sorting memory (what --memory
 *  leaves, 1 GiB without one), some MiB. */
PS_MUST ps_status ps_generate_rmat(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                                   json_t *report);

/** Renumber and split @p in into o->partition.parts partitions. Report: edge_cut,
 *  balance_nodes, balance_edges, balance_train (largest over mean), halo (distinct remote
 *  sources summed over partitions, over nodes). */
PS_MUST ps_status ps_partition(struct ps_ctx *ctx, const struct ps_opts *o, const char *in,
                               const char *command, json_t *report);

#endif
