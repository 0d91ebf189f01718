/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file sample_owner.h
 * @brief The answering half of sampling: an owner draws for all ranks.
 *
 * An answer to the n questions of a batch is u32 degree[n], u32 count[n], u32 multiplicity[n],
 * padding to 8 bytes, then the drawn ids of all questions one behind the other, 4 or 8 bytes
 * each, padding to 8 bytes. The answers to several batches follow each other.
 */
#ifndef PS_GRAPH_SAMPLE_OWNER_H
#define PS_GRAPH_SAMPLE_OWNER_H

#include "src/graph/ask.h"
#include "src/graph/sample.h"

#include <string.h>

struct ps_sample_owner {
    struct ps_shard *shard;
    size_t id_bytes; /**< of one neighbour in an answer: 4 or 8 */
    uint32_t *asked; /**< (shard nodes) by how many ranks in a batch, while answering; else 0 */
    unsigned char *reply;
    uint64_t *bytes;      /**< (R) of the answer to each rank */
    const void **part;    /**< (R) */
    unsigned char **next; /**< (R) where the answer of the next batch goes */
    uint64_t *list_at;    /* where the list of each question begins, in ids */
    uint64_t *word;       /* (threads, word_max) room to draw and to hash in */
    size_t reply_cap, list_cap, word_cap;
};

/** Room for answering. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_sample_owner_init(struct ps_sample_owner *o, struct ps_shard *shard);
/** Give the memory back; also after a failed init. */
void ps_sample_owner_fini(struct ps_sample_owner *o);

/** Answer what was heard; sets part and bytes. Not collective. @param[in,out] batch (ask->groups)
 *  has the ids, and gets the fingerprints of what was drawn */
PS_MUST ps_status ps_sample_owner_answer(struct ps_sample_owner *o, const struct ps_ask *ask,
                                         struct ps_sample *batch, uint32_t hop, int64_t fanout);

/** An answer taken apart; borrowed. */
struct ps_answer {
    const uint32_t *degree, *count, *multiplicity; /**< (n) */
    const unsigned char *list;
};

/** The first answer in @p data, which has @p left bytes. @param[out] bytes of that answer
 *  @return PS_EPEER if it is longer than what is left */
PS_MUST ps_status ps_answer_parse(struct ps_answer *a, const unsigned char *data, uint64_t left,
                                  uint64_t n, size_t id_bytes, uint32_t rank, uint64_t *bytes);

/** One id of a list. */
static inline uint64_t ps_answer_id(const unsigned char *p, size_t width)
{
    uint64_t wide;
    uint32_t narrow;

    if (width == sizeof narrow) {
        memcpy(&narrow, p, sizeof narrow);
        return narrow;
    }
    memcpy(&wide, p, sizeof wide);
    return wide;
}

#endif
