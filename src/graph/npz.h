/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file npz.h
 * @brief Arrays of NumPy's .npz archives, to be read as .npy files are.
 *
 * A stored member is read where it lies, after one pass that checks its CRC-32; a deflated one
 * is inflated into a temporary file beside the result (spool.h).
 */
#ifndef PS_GRAPH_NPZ_H
#define PS_GRAPH_NPZ_H

#include "src/graph/npy.h"
#include "src/graph/zip.h"

/** Whether the archive has the array @p key, such as "node_feat". */
bool ps_npz_has(const struct ps_zip *z, const char *key);

/** Open array @p key of the archive, which may be closed before the array is. @p beside: path of
 *  the result. @return PS_EINPUT if it is not there */
PS_MUST ps_status ps_npz_open(struct ps_npy **a, const struct ps_zip *z, const char *key,
                              const char *beside);

#endif
