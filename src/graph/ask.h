/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ask.h
 * @brief A list of nodes, sent to their owners as questions.
 *
 * Questions go out by owner, in the order in which they were put; answers come back in the
 * same order for each owner. The list that a rank puts to itself takes no detour.
 * Sampling, row fetch and evaluation all ask in this way.
 */
#ifndef PS_GRAPH_ASK_H
#define PS_GRAPH_ASK_H

#include "src/graph/shard.h"

struct ps_ask {
    struct ps_shard *shard; /**< borrowed */
    uint64_t *begin;        /**< (R+1) questions to rank r are [begin[r], begin[r+1]) of id */
    uint64_t *id;           /**< (n) node ids, by owner */
    uint32_t *from;         /**< (n) which of the caller's nodes each question is about */
    uint64_t count;         /**< n */
    struct ps_inbox heard;  /**< what others asked this rank: u64 ids by rank (not its own) */
    struct ps_inbox answer; /**< what they answered (not its own) */
    size_t id_cap, from_cap, sort_cap;
    struct ps_question *sort; /* (2 n) room for sorting */
    uint64_t *bytes, *cursor; /* (R), (R+1) */
    const void **part;        /* (R) */
};

/** Room for the questions of one rank. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_ask_init(struct ps_ask *a, struct ps_shard *shard);
/** Give the memory back; also after a failed init. */
void ps_ask_fini(struct ps_ask *a);

/**
 * Put questions about @p node to their owners and hear what others ask. Collective.
 * @param[in] node (n) global ids, distinct
 * @param[in] sorted  order the questions to each owner by id, else by position in @p node
 */
PS_MUST ps_status ps_ask_send(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                              const uint64_t *node, uint64_t n, bool sorted);

/** Ids that rank @p r asks this rank for, *count of them; for this rank itself its own
 *  questions. Borrowed until the next send. */
const uint64_t *ps_ask_heard(const struct ps_ask *a, uint32_t r, uint64_t *count);

/** Send answers back. Collective. @param[in] part, bytes (R) as for ps_comm_alltoall; this rank's
 *  own part is not sent but kept for ps_ask_answer. */
PS_MUST ps_status ps_ask_reply(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                               const void *const *part, const uint64_t *bytes);

/** The answer of rank @p r; its own as it was given. Borrowed until the next reply. */
const unsigned char *ps_ask_answer(const struct ps_ask *a, uint32_t r, uint64_t *bytes);

#endif
