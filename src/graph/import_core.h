/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file import_core.h
 * @brief What all importers share: open arrays in, one dataset of one partition out.
 *
 * An importer fills the inputs of a struct ps_import and calls ps_import_run. Everything
 * is looked at once before the dataset is begun (labels, splits, sparse features) or while it
 * is written (edges, dense features); a bad value ends the import and nothing is left behind.
 *
 * @par Memory   12 bytes per node, one byte per node for splits given as node numbers, sorting
 *               memory (what --memory leaves; 1 GiB without one), about 16 MiB of buffers
 * @par Failure  PS_EINPUT: one sentence with file, index, expected and found
 */
#ifndef PS_GRAPH_IMPORT_CORE_H
#define PS_GRAPH_IMPORT_CORE_H

#include "io/dataset_write.h"
#include "src/base/opt.h"
#include "src/graph/edge_source.h"
#include "src/graph/npy.h"

enum { PS_IMPORT_TRAIN, PS_IMPORT_VALID, PS_IMPORT_TEST, PS_IMPORT_ROLES };

struct ps_import {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    const char *command;
    uint64_t begin_ns;

    /* Inputs, open; NULL where there is none. At most one kind of features. */
    struct ps_edge_source *edges;
    struct ps_npy *labels;                /**< integers [N] or [N,1], -1 = none */
    struct ps_npy *role[PS_IMPORT_ROLES]; /**< integers [k]: node numbers */
    struct ps_npy *splits;                /**< uint8 [S,N]: 0 train 1 valid 2 test 3 none */
    struct ps_npy *dense;                 /**< floats [N,D] */
    struct ps_npy *bits;                  /**< uint8 [N,ceil(D/8)], bit j%8 of byte j/8 */
    struct ps_npy *csr_indptr;            /**< integers [N+1] */
    struct ps_npy *csr_indices;           /**< integers [z] */
    struct ps_npy *csr_values;            /**< numbers [z]; NULL: all 1 */
    uint64_t nodes;                       /**< N, known before the run */
    uint64_t feature_dim;                 /**< D; of bits and CSR known before the run */
    uint64_t classes;                     /**< known before the run, or 0: largest label + 1 */
    bool undirected;                      /**< each edge is given once */
    uint64_t sort_bytes;                  /**< memory to sort edges in; 0: as --memory says */
    json_t *inputs;                       /**< list of {file, xxh3} */
    char *beside;                         /**< path of the result, without slashes at its end */

    /* Found on the way. */
    uint64_t feature_count; /**< z of the sparse rows, zeros left out */
    bool feature_values;    /**< CSR values are stored */
    uint8_t *index_split;   /**< (N) from role[], as stored; NULL: rows of splits only */
    uint32_t split_count;   /**< S, at least 1 */
    uint64_t role_count[PS_IMPORT_ROLES]; /**< of split 0 */
    uint64_t edge_count;                  /**< m that are stored */
    uint32_t sort_ranges;                 /**< ranges that the edges were sorted in */
    struct ps_dataset_writer *w;
};

/** All zero but for the arguments. @return PS_EMEM */
PS_MUST ps_status ps_import_init(struct ps_import *im, struct ps_ctx *ctx, const struct ps_opts *o,
                                 const char *command);
/** Close everything; give up the dataset if it is not finished. */
void ps_import_fini(struct ps_import *im);

/** Refuse options that name single arrays, for an importer that finds its files in a folder.
 *  @param[in] format  "dir", "ogb" @param[in] classes  it takes --num-classes. @return PS_EUSAGE */
PS_MUST ps_status ps_import_refuse_arrays(const struct ps_opts_import *o, const char *format,
                                          bool classes);

/** Check --out and set im->beside; ps_import_run does it too. For importers that need temporary
 *  files before. @return PS_EUSAGE */
PS_MUST ps_status ps_import_check_output(struct ps_import *im);
/** Hash the file and add it to the provenance. @return PS_EINPUT if it is not there */
PS_MUST ps_status ps_import_note(struct ps_import *im, const char *path);
/** The same, and open it as an array. */
PS_MUST ps_status ps_import_open(struct ps_import *im, struct ps_npy **a, const char *path);

/** Take the edges from .npy arrays: one, or several with commas between them. */
PS_MUST ps_status ps_import_edges_npy(struct ps_import *im, const char *list);

/** From open inputs to a finished dataset at o->common.out. Adds to @p report: name, nodes, edges,
 *  feature_kind, feature_dim, projected_from (columns before --project, else 0), classes, splits,
 * split_source, train, valid, test (of split 0), path, sort_ranges (1: the edges were sorted in
 * memory), seconds. */
PS_MUST ps_status ps_import_run(struct ps_import *im, json_t *report);

/* The parts of a run, in the order of the run. */

/** import_nodes.c: check labels, find the number of classes. */
PS_MUST ps_status ps_import_scan_labels(struct ps_import *im);
/** Check splits; fill index_split, split_count, role_count. */
PS_MUST ps_status ps_import_scan_splits(struct ps_import *im);
PS_MUST ps_status ps_import_write_labels(struct ps_import *im);
PS_MUST ps_status ps_import_write_splits(struct ps_import *im);
PS_MUST ps_status ps_import_write_ids(struct ps_import *im);
/** import_csr.c: check bits or CSR, count what will be stored. */
PS_MUST ps_status ps_import_scan_csr(struct ps_import *im);
PS_MUST ps_status ps_import_write_csr(struct ps_import *im);
/** import_dense.c */
PS_MUST ps_status ps_import_scan_dense(struct ps_import *im);
PS_MUST ps_status ps_import_write_dense(struct ps_import *im);
/** import_edges.c: sort the edges, begin part 0, write its graph. */
PS_MUST ps_status ps_import_write_graph(struct ps_import *im);

/** Columns, kind and type of features as they will be stored: after --project. */
uint64_t ps_import_feature_columns(const struct ps_import *im);
enum ps_feature_kind ps_import_feature_kind(const struct ps_import *im);
enum ps_feature_type ps_import_feature_type(const struct ps_import *im);

/** Fail unless @p a has @p rank dimensions and, where asked, holds integers. */
PS_MUST ps_status ps_import_want(const struct ps_npy *a, uint32_t rank, bool integers,
                                 const char *expected);
/** Fail if @p a has several rows and columns in Fortran order. */
PS_MUST ps_status ps_import_want_c_order(const struct ps_npy *a);

#endif
