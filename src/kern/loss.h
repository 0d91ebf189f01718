/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file loss.h
 * @brief Softmax cross-entropy of rows, and its gradient.
 */
#ifndef PS_KERN_LOSS_H
#define PS_KERN_LOSS_H

#include "src/kern/real.h"

#include <stdint.h>

struct ps_loss_sums {
    double loss;      /**< sum of -log softmax(logits)[label] */
    uint64_t rows;    /**< with a label */
    uint64_t correct; /**< of them, largest logit (first of equals) at the label */
};

/**
 * Adds to @p sums, chunk by chunk in order. Large logits do no harm: the
 * largest of a row is taken off first.
 * @param[in]  logits (n, classes)
 * @param[in]  label  (n) below classes; below 0: the row counts nothing. May be NULL
 * @param[out] grad   (n, classes) softmax - one-hot, or NULL; may be logits itself.
 *                    A row without label gets zeros
 * @param[out] best   (n) index of the largest logit, or NULL
 */
void ps_softmax_loss(int threads, uint32_t n, uint32_t classes, const ps_real *logits,
                     const int32_t *label, ps_real *grad, int32_t *best, struct ps_loss_sums *sums);

#endif
