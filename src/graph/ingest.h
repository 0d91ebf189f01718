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
 * The neutral layout (edges.npy, labels.npy, train/valid/test.npy or splits.npy, features.npy |
 * features_bits.npy | feat_indptr/indices[/values].npy, meta.json). `undirected: true` there
 * adds reverse edges without being asked. Bits and CSR become CSR rows. Where splits.npy
 * is there, all its splits are kept (0..S-1), else the one of train/valid/test.npy.
 * @param[in] command  the command line, for the provenance
 */
PS_MUST ps_status ps_import_dir(struct ps_ctx *ctx, const struct ps_opts *o, const char *dir,
                                const char *command, json_t *report);

/** Arrays named by options --edges, --features and so on. */
PS_MUST ps_status ps_import_npy(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                                json_t *report);

/** A stochastic block model with planted classes; see generate.c for the model. */
PS_MUST ps_status ps_generate_sbm(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                                  json_t *report);

/** Renumber and split @p in into o->partition.parts partitions. Report: edge_cut,
 *  balance_nodes, balance_edges, balance_train (largest over mean), halo (distinct remote
 *  sources summed over partitions, over nodes). */
PS_MUST ps_status ps_partition(struct ps_ctx *ctx, const struct ps_opts *o, const char *in,
                               const char *command, json_t *report);

#endif
