/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file budget.h
 * @brief How the memory of a rank is shared between the slab and the batches in flight.
 *
 * Sizes are those of real batches: the first one is sampled before the slab is made. What is left
 * beside topology, weights, staging and what training one part of a batch needs is shared: three
 * quarters for rows, one for blocks of batches that are looked ahead.
 */
#ifndef PS_TRAIN_BUDGET_H
#define PS_TRAIN_BUDGET_H

#include "src/base/mem.h"

/** What the first window (width batches) has shown. */
struct ps_budget_rows {
    uint64_t nodes;     /**< of the graph */
    uint64_t row_bytes; /**< of a slot, its bookkeeping included; 0: rows have no slots */
    uint64_t rows;      /**< of the window, repetitions included */
    uint64_t blocks;    /**< bytes of its blocks */
    uint64_t training; /**< bytes that training one part needs, of which some may be held already */
    uint32_t width;
    uint32_t ranks; /**< on this machine */
};

/** How many slots the slab gets. @return PS_EMEM if two windows of one batch do not fit, with the
 *  smallest --memory that would do */
PS_MUST ps_status ps_budget_slots(const struct ps_mem *m, const struct ps_budget_rows *need,
                                  uint64_t *slots);

/** What a window has shown. */
struct ps_budget_window {
    uint32_t width;
    uint64_t rows;        /**< distinct rows */
    uint64_t block_bytes; /**< of its batches */
    uint64_t training;    /**< as above */
};

/** The largest number of batches up to @p want, at least 1, of which two windows fit.
 *  @param[in] slots 0: rows have no slots */
uint64_t ps_budget_width(const struct ps_mem *m, const struct ps_budget_window *seen,
                         uint64_t slots, uint64_t want);

/** Bytes that this process may still use, of its machine or its cgroup; 0 if nobody tells. */
uint64_t ps_budget_available(void);

#endif
