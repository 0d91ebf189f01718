/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cache_sim.h
 * @brief How many rows a cache would miss on the rows that a run really used.
 *
 * Rows are used one after another, as they stand in the record: batch after batch, ascending in
 * each. The cache holds whole rows and begins empty. What the best policy misses is the bound that
 * any cache of that size can be held against.
 *
 * @par Source  Belady, A study of replacement algorithms for a virtual-storage computer, IBM
 *              Systems Journal 5 (1966): evict what is used again last
 */
#ifndef PS_TRAIN_CACHE_SIM_H
#define PS_TRAIN_CACHE_SIM_H

#include "src/train/row_trace.h"

enum ps_cache_policy {
    PS_CACHE_LRU,    /**< evict what was used longest ago */
    PS_CACHE_STATIC, /**< keep the rows that are used most often over the whole record, once they
                          have come; others are read every time. Of equals the lower node */
    PS_CACHE_BELADY, /**< evict what is used again last; a missed row must come in */
    PS_CACHE_HELD,   /**< the same, but rows of a batch stay until it is over: what can be
                          reached where a batch trains from the slots themselves */
    PS_CACHE_POLICIES
};
const char *ps_cache_policy_name(enum ps_cache_policy p); /**< "lru"; never NULL */

/** What the record holds. */
struct ps_row_facts {
    uint64_t uses, rows; /**< rows of all batches, and how many different ones */
    uint64_t largest;    /**< rows of the largest batch */
    uint64_t epochs;     /**< different ones */
};
/** Count. @return PS_EMEM */
PS_MUST ps_status ps_row_list_facts(const struct ps_row_list *l, struct ps_ctx *ctx,
                                    struct ps_row_facts *facts);

/** Misses of a cache of @p slots rows. n uses and k slots take n log k steps and about 16 bytes for
 *  each node and 8 for each use. @param[out] missed  (epochs) of each epoch in turn
 *  @return PS_EMEM; PS_EUSAGE for PS_CACHE_HELD with fewer slots than the largest batch has rows */
PS_MUST ps_status ps_cache_simulate(const struct ps_row_list *l, struct ps_ctx *ctx,
                                    enum ps_cache_policy policy, uint64_t slots, uint64_t *missed);

#endif
