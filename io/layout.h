/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file layout.h
 * @brief Which arrays a part file has, of which type and shape: known to reader and writer.
 *
 * @par Internal  to io/
 */
#ifndef IO_LAYOUT_H
#define IO_LAYOUT_H

#include "io/dataset.h"
#include "io/h5.h"

/** Whether every part of such a dataset has the array. */
bool ps_layout_has(const struct ps_meta *m, enum ps_array_id id);

/** Type and shape for @p n nodes, @p edges in-edges, @p values stored feature values. */
struct ps_h5_shape ps_layout_shape(const struct ps_meta *m, enum ps_array_id id, uint64_t n,
                                   uint64_t edges, uint64_t values);

/** "/checksums/graph_indptr" for /graph/indptr. */
const char *ps_layout_checksum_name(enum ps_array_id id);

#endif
