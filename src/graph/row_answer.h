/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file row_answer.h
 * @brief The answering half of row_window.h: what travels, and what owners read.
 *
 * To an owner: u64 n, u64 batches; u32 node within the owner's range [n], the top bit set where the
 * row is wanted, padded to 8 bytes; u8 mask [n, ceil(batches/8)], padded: in which batches.
 * Back: u8 counts [n, ceil(batches/8)], padded: the (batch, node) that this rank is to count; then
 * for the wanted rows u32 out_degree, u32 score, for bags u32 size, padded; then the rows as
 * stored: dense ones one behind the other, or all columns, padded, and all values, padded.
 */
#ifndef PS_GRAPH_ROW_ANSWER_H
#define PS_GRAPH_ROW_ANSWER_H

#include "src/graph/idmap.h"
#include "src/graph/row_pool.h"
#include "src/graph/rows.h"
#include "src/graph/sort_pairs.h"

/** The rows of a window, ascending by node, so by owner. */
struct ps_row_want {
    uint64_t count;
    uint32_t batches;
    uint64_t *begin; /**< (R+1) those of rank r are [begin[r], begin[r+1]) */
    uint64_t *node;  /**< (count) */
    uint64_t *mask;  /**< (count) in which batches */
    uint64_t *flag;  /**< (count) out: which of these this rank counts */
    uint32_t *slot;  /**< (count) as ps_row_pool_place gave it */
};

struct ps_row_answer {
    struct ps_shard *shard;
    struct ps_inbox heard, answer;
    unsigned char *message;    /* to owners */
    unsigned char *reply;      /* from this owner */
    uint64_t *bytes;           /* (R) */
    const void **part;         /* (R) */
    unsigned char **out;       /* (R) answers, while they are written */
    struct ps_idmap map;       /* nodes that anybody uses */
    uint64_t *seen;            /* (map.count) batches that are counted */
    unsigned char **place;     /* (map.count) dense: where the row lies or will lie; else NULL */
    struct ps_sort_pair *list; /* rows to read: node within the shard, place */
    uint64_t list_count;
    struct ps_extent *extent;
    struct ps_slab slab; /* bags that were read */
    size_t message_cap, reply_cap, seen_cap, place_cap, list_cap;
    uint64_t rows, stored_bytes, heard_bytes, raw_bytes; /* see struct ps_row_counts */
};

/** Not collective. @return PS_EMEM; ps_row_answer_fini is due all the same */
PS_MUST ps_status ps_row_answer_init(struct ps_row_answer *a, struct ps_shard *shard);
void ps_row_answer_fini(struct ps_row_answer *a);

/** Tell owners what is used and what is wanted. Collective. */
PS_MUST ps_status ps_row_answer_ask(struct ps_row_answer *a, ps_status mine,
                                    const struct ps_row_want *want);
/** Read what this rank owns: own rows into their slots, others' into the answers. Sets the flags
 *  of own nodes. Not collective. */
PS_MUST ps_status ps_row_answer_read(struct ps_row_answer *a, struct ps_row_want *want,
                                     struct ps_row_pool *pool);
/** Send the answers. Collective. */
PS_MUST ps_status ps_row_answer_reply(struct ps_row_answer *a, ps_status mine);
/** Put what has come into the slab, own bags too; flags, degrees, scores. Not collective. */
PS_MUST ps_status ps_row_answer_take(struct ps_row_answer *a, struct ps_row_want *want,
                                     struct ps_row_pool *pool);

#endif
