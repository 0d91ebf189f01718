/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_pool.h
 * @brief The slab: rows that this rank holds, each in a slot, found by node.
 *
 * Dense rows lie as they are stored, one in each slot of a fixed number. Windows are numbered
 * from 1. While window w is trained, window w + 1 is placed: a row of either stays where it is
 * (Match: nothing is copied), any other may give its slot to a new row, the one with the lowest
 * score first. The score is the probability of a visit where the dataset has it, else the
 * out-degree, so the rows that stay longest are a static set of hot ones that filled by itself.
 *
 * Bags of words have no fixed size: they lie in an arena that is written anew for each window,
 * with what the window before had copied over, and slots are as many as the window needs.
 *
 * @par Memory   PS_MEM_ROWS: slots * (row bytes + 28) + 4 to 16 bytes for the index
 * @par Threads  one at a time; rows of the window in training may be read meanwhile
 */
#ifndef PS_GRAPH_ROW_POOL_H
#define PS_GRAPH_ROW_POOL_H

#include "src/graph/shard.h"

#define PS_SLOT_NONE UINT32_MAX

struct ps_row_slot {
    uint64_t node;
    uint64_t hash;   /**< XXH3-64 of the row as it is stored */
    uint32_t window; /**< the last window that wants it; 0: the slot is empty */
    uint32_t degree; /**< out-degree */
    uint32_t score;
};

struct ps_row_pool {
    struct ps_mem *mem;
    const struct ps_meta *meta; /**< borrowed */
    uint64_t row_bytes;         /**< of a dense row; 0 for bags */
    uint32_t slots, used;       /**< slots there are; those below `used` were taken once */
    unsigned char *base;        /**< (slots, row_bytes) */
    struct ps_row_slot *slot;   /**< (slots) */
    uint32_t *table;            /**< (table_size) 1 + slot, 0 empty: linear probing by node */
    uint64_t table_size;        /**< a power of two */
    uint32_t hand;              /**< where the next search for a slot begins */
    uint32_t *rank_of_score;    /* histogram while a victim score is looked for */
    uint64_t evicted;           /**< rows that lost their slot so far */

    /* Bags: where the values of a slot lie in the arena in use. */
    uint64_t *begin;       /**< (slots + 1 used) */
    uint32_t *length;      /**< (slots) */
    unsigned char *col[2]; /**< columns as stored; [which] is in use */
    float *value[2];       /**< NULL if all are 1 */
    size_t col_cap[2], value_cap[2], slot_cap, begin_cap, length_cap;
    uint64_t values; /**< in the arena in use */
    int which;
};

/** Bytes of a slot with all that belongs to it; 0 for bags, which have none. */
uint64_t ps_row_pool_bytes(const struct ps_meta *meta);

/** @param[in] slots  for dense rows, at least 1. @return PS_EMEM */
PS_MUST ps_status ps_row_pool_init(struct ps_row_pool *p, struct ps_mem *mem,
                                   const struct ps_meta *meta, uint64_t slots);
/** Give the memory back; accepts zeros and what a failed init left. */
void ps_row_pool_fini(struct ps_row_pool *p);

/** Slot of @p node, or PS_SLOT_NONE. */
uint32_t ps_row_pool_find(const struct ps_row_pool *p, uint64_t node);

/**
 * Keep or make a place for the rows of @p window. Those that were there are found; the others
 * get a slot that is neither of this window nor of the one before.
 * @param[in]  node (n) distinct
 * @param[out] slot (n) with PS_ROW_MISSING set where the row must be brought
 * @return PS_EMEM if the slots are too few, with how many would do. Rows may have been lost then,
 *         none of the window before
 */
PS_MUST ps_status ps_row_pool_place(struct ps_row_pool *p, uint32_t window, const uint64_t *node,
                                    uint64_t n, uint32_t *slot);
enum { PS_ROW_MISSING_BIT = 31 };
#define PS_ROW_MISSING (UINT32_C(1) << PS_ROW_MISSING_BIT)

/** Forget a row whose bytes never came. */
void ps_row_pool_forget(struct ps_row_pool *p, uint32_t slot);

/** Where the dense row of a slot lies. */
static inline unsigned char *ps_row_pool_row(const struct ps_row_pool *p, uint32_t slot)
{
    return p->base + (size_t)slot * p->row_bytes;
}

/**
 * Bags: begin a new arena for the rows of a window. Rows that were there bring their length and
 * their values; the caller gives the lengths of the others.
 * @param[in] slot (n) as ps_row_pool_place gave them; length[] of missing ones is set
 */
PS_MUST ps_status ps_row_pool_renew(struct ps_row_pool *p, const uint32_t *slot, uint64_t n);

#endif
