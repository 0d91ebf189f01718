/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_store.h
 * @brief Filling a row store: announce, give sizes, put rows in any order.
 *
 *   begin(count); for CSR set begin[row + 1] to the values of each row; sized(); put each row
 *
 * @par Threads  different rows may be put by different threads
 */
#ifndef PS_GRAPH_ROW_STORE_H
#define PS_GRAPH_ROW_STORE_H

#include "src/graph/rows.h"

/** The stored type of dense rows, in the words of the kernels. */
static inline enum ps_packed_type ps_row_type(const struct ps_meta *meta)
{
    return meta->feature_type == PS_TYPE_F32   ? PS_PACKED_F32
           : meta->feature_type == PS_TYPE_F16 ? PS_PACKED_F16
                                               : PS_PACKED_I8;
}

/** Announce @p count rows; sizes of CSR rows are 0 now. @return PS_EMEM */
PS_MUST ps_status ps_row_store_begin(struct ps_row_store *s, uint32_t count);
/** Sums up the sizes and makes room for the values. */
PS_MUST ps_status ps_row_store_sized(struct ps_row_store *s);
/** @param[in] stored (row_bytes), any alignment */
void ps_row_store_put_dense(struct ps_row_store *s, uint32_t row, const unsigned char *stored);
/** @param[in] col, value  as stored, any alignment; value NULL if all are 1 */
void ps_row_store_put_csr(struct ps_row_store *s, uint32_t row, const unsigned char *col,
                          const unsigned char *value);
/** Row @p i of a slab, with its out-degree. */
void ps_row_store_put(struct ps_row_store *s, uint32_t row, const struct ps_slab *slab, uint64_t i);

#endif
