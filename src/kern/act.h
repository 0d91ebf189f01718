/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file act.h
 * @brief Bias, ReLU and dropout in one pass; the dropout mask.
 *
 * A mask is a pure function of (key, global node id, column): one draw of 128
 * bits serves eight columns, 16 bits each, least significant first. A column
 * is kept if its 16 bits, as a number, are at least `threshold`, and is then
 * multiplied by 65536 / (65536 - threshold), which makes the expectation exact.
 *
 * Nothing is stored for the way back. After ReLU and dropout a number is above
 * zero exactly where it was active and kept, so the gradient passes there,
 * times the same factor (`gated` of spmm.h, ps_gate).
 */
#ifndef PS_KERN_ACT_H
#define PS_KERN_ACT_H

#include "src/base/rng.h"
#include "src/kern/real.h"

#include <stdbool.h>
#include <stdint.h>

/** Dropout of one input of one batch. */
struct ps_drop {
    uint32_t threshold; /**< 0 (nothing is dropped) to 65535 */
    struct ps_key key;
    const uint64_t *node; /**< (rows) global id of each row */
};

/** Nearest threshold to the share @p p in [0, 1). */
uint32_t ps_drop_threshold(double p);
/** The factor of what is kept. */
ps_real ps_drop_scale(uint32_t threshold);

/**
 * Draws for many (node, group) pairs at once.
 * @param[out] bits (8 n) bits[8 i + j]: the 16 bits of column 8 group[i] + j
 */
void ps_drop_bits(struct ps_key key, const uint64_t *node, const uint32_t *group, uint32_t n,
                  uint16_t *bits);

/** What follows a product. */
struct ps_act {
    const ps_real *bias; /**< (cols), or NULL */
    bool relu;
    struct ps_drop drop;
};

/** Rows [begin, end) of y (., cols), in place, by the caller's thread. */
void ps_act_rows(const struct ps_act *act, uint32_t begin, uint32_t end, uint32_t cols, ps_real *y);
void ps_act(int threads, const struct ps_act *act, uint32_t rows, uint32_t cols, ps_real *y);

/** Dense input: out = dropped in. Both (rows, cols); they may be the same. */
void ps_drop_dense(int threads, const struct ps_drop *drop, uint32_t rows, uint32_t cols,
                   const ps_real *in, ps_real *out);

/** h[i] = h[i] > 0 ? d[i] * scale : 0, for @p n numbers: from the gradient of
 *  what left a layer to that of what its product gave, over what left it. */
void ps_gate(int threads, uint64_t n, ps_real scale, const ps_real *d, ps_real *h);

#endif
