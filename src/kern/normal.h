/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file normal.h
 * @brief Rows of normal numbers, many at once: what generated features are made of.
 */
#ifndef PS_KERN_NORMAL_H
#define PS_KERN_NORMAL_H

#include "src/base/rng.h"

enum { PS_NORMAL_BLOCK = 64, PS_NORMAL_LANES = 16 };

/**
 * Add deviation * N(0, 1) to each column of a row. The numbers are a pure function of key, node and
 * column, the same on any machine with IEEE 754 arithmetic: no function of the C library but the
 * square root has a part in them.
 *
 * Column c takes draw 16 (c / 64) + c mod 16 of the node. With k = (c mod 64) / 16, words 0 and 1
 * make k = 0 and 1, words 2 and 3 make k = 2 and 3, by Box and Muller: with x and y the two words,
 *
 *     sqrt(-2 ln u) cos(t) for even k, sqrt(-2 ln u) sin(t) for odd k,
 *     u = (floor(x / 2^8) + 1) / 2^24,  t = 2 pi y / 2^32
 *
 * So no number is beyond 5.77. Error: below 1e-6.
 *
 * @param[in,out] row  (columns)
 * @par Source  polynomials for ln, sin and cos in single precision: S. Moshier, Cephes library
 */
void ps_add_normals(struct ps_key key, uint64_t node, float deviation, uint32_t columns,
                    float *row);

#endif
