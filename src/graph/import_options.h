/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file import_options.h
 * @brief What nodes have, from the files that options name: --features, --labels, --train,
 *        --valid, --test, --splits, --num-nodes, --num-classes.
 *
 * For importers whose edges come alone (npy, edges, mtx). Labels and node numbers may be text;
 * features and splits are arrays.
 *
 * @par Failure  PS_EUSAGE for options that exclude each other; else as import_core.h
 */
#ifndef PS_GRAPH_IMPORT_OPTIONS_H
#define PS_GRAPH_IMPORT_OPTIONS_H

#include "src/graph/import_core.h"

/** Before any file is opened. @return PS_EUSAGE */
PS_MUST ps_status ps_import_check_options(const struct ps_opts_import *o);

/**
 * Open what the options name and find the number of nodes: im->nodes if it is not 0 (the file of
 * the edges told it), else --num-nodes, else as many as there are features, labels or columns of
 * --splits, else the largest id of im->edges + 1, for which they are read once.
 * @param[in] scan  false: rather than read the edges, ask for --num-nodes
 */
PS_MUST ps_status ps_import_open_options(struct ps_import *im, bool scan);

/** Whether the files of @p list are text, told by the name and first byte of the first. */
PS_MUST ps_status ps_import_is_text(struct ps_import *im, const char *list, bool *text);
/** Whether labels come as "node label"; else they come as "label" in the order of the nodes. */
PS_MUST ps_status ps_import_text_labels_form(struct ps_import *im, const char *list, bool *pairs);
/** Labels as an array; of @p pairs (N), N being im->nodes, -1 where none is given. 4 bytes of
 *  memory per node for @p pairs, 8 bytes of disk per label. */
PS_MUST ps_status ps_import_text_labels(struct ps_import *im, const char *list, bool pairs,
                                        struct ps_npy **a);
/** Node numbers below im->nodes as an array; 8 bytes of disk each. */
PS_MUST ps_status ps_import_text_nodes(struct ps_import *im, const char *list, struct ps_npy **a);

#endif
