/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ogb.h
 * @brief The tables of Open Graph Benchmark's folders as arrays that the importer reads.
 *
 * Tables are comma-separated text, plain or gzip, without header, a line for each node or
 * item. Each is read once, checked, and laid down in binary beside the result (spool.h).
 *
 * @par Memory   1.5 MiB while a table is read
 * @par Failure  PS_EINPUT with file and line, expected and found; PS_EIO, PS_EMEM
 * @par Internal to import_ogb.c and import_ogb_csv.c
 * @par Source   ogb/io/README.md and ogb/io/read_graph_raw.py of github.com/snap-stanford/ogb
 */
#ifndef PS_GRAPH_OGB_H
#define PS_GRAPH_OGB_H

#include "src/graph/import_core.h"

/** The one whole number that the file holds: of a single graph. */
PS_MUST ps_status ps_ogb_csv_count(struct ps_import *im, const char *path, uint64_t *count);

/** im->nodes lines of one label each: a whole number, with or without ".0"; nan, "" and an empty
 *  line are -1. Becomes integers [N]. */
PS_MUST ps_status ps_ogb_csv_labels(struct ps_import *im, const char *path, struct ps_npy **a);

/** Node numbers below im->nodes, one in a line. Becomes integers [k]. */
PS_MUST ps_status ps_ogb_csv_nodes(struct ps_import *im, const char *path, struct ps_npy **a);

/** im->nodes lines of equally many numbers. Becomes float32 [N,D]. */
PS_MUST ps_status ps_ogb_csv_rows(struct ps_import *im, const char *path, struct ps_npy **a);

/** Labels as floats, NaN for none, in place of integers: *a is replaced by integers of the same
 *  shape, -1 for none. Integers stay. */
PS_MUST ps_status ps_ogb_whole_labels(struct ps_import *im, struct ps_npy **a);

#endif
