/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file norm.h
 * @brief The weights of an aggregation, one factor for each end of an edge.
 *
 *   GCN    a_v = (d(v)/k) / sqrt(d(v)+1),  b_u = 1 / sqrt(d_out(u)+1),
 *          s_v = 1 / (d(v)+1)
 *   mean   a_v = 1/k
 *
 * with d(v) the full in-degree and k the edges drawn; a_v = 0 where k = 0.
 *
 * @par Source  Kipf and Welling 2017, equation 2; design.md section 7
 */
#ifndef PS_KERN_NORM_H
#define PS_KERN_NORM_H

#include "src/kern/real.h"

#include <stdint.h>

/** a (n) and s (n) of rows with these degrees and edges. @param[in] row_begin (n+1) */
void ps_norm_gcn(uint32_t n, const uint64_t *row_begin, const uint32_t *in_degree, ps_real *a,
                 ps_real *s);
/** b (n) */
void ps_norm_source(uint32_t n, const uint32_t *out_degree, ps_real *b);
/** a (n) of the mean */
void ps_norm_mean(uint32_t n, const uint64_t *row_begin, ps_real *a);

#endif
