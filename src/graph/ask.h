/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ask.h
 * @brief Lists of nodes, sent to their owners as questions.
 *
 * A round of questions has groups: one for each batch that is sampled together. Questions go out
 * by owner, then by group, in the order in which they were put or sorted by id; answers
 * come back in the same order for each owner. The list that a rank puts to itself takes no
 * detour. Sampling and evaluation both ask in this way.
 *
 * A message is u64 count[groups], then u64 ids, group after group.
 */
#ifndef PS_GRAPH_ASK_H
#define PS_GRAPH_ASK_H

#include "src/graph/shard.h"

struct ps_ask {
    struct ps_shard *shard; /**< borrowed */
    uint32_t groups;        /**< G */
    uint64_t *begin;        /**< (R G + 1) questions to rank r in group g are [begin[r G + g],
                                 begin[r G + g + 1]) of id */
    uint64_t *id;           /**< (n) node ids, by owner and group */
    uint32_t *from;         /**< (n) which node of its list each question is about */
    uint64_t count;         /**< n */
    struct ps_inbox heard;  /**< what others asked this rank (not its own) */
    struct ps_inbox answer; /**< what they answered (not its own) */
    ps_status heard_st;     /* of what was heard */
    size_t begin_cap, cursor_cap, id_cap, from_cap, sort_cap, message_cap, heard_cap;
    struct ps_question *sort; /* (2 n) room for sorting */
    unsigned char *message;   /* to all ranks */
    uint64_t *heard_begin;    /* (R G + 1) ids of group g of rank r in heard */
    uint64_t *bytes, *cursor; /* (R), (R G + 1) */
    const void **part;        /* (R) */
};

/** One list of questions. */
struct ps_ask_list {
    const uint64_t *node; /**< (count) global ids, distinct within the list */
    uint64_t count;
};

/** Room for the questions of one rank. Not collective. @return PS_EMEM */
PS_MUST ps_status ps_ask_init(struct ps_ask *a, struct ps_shard *shard);
/** Give the memory back; also after a failed init. */
void ps_ask_fini(struct ps_ask *a);

/**
 * Put the questions of some groups to their owners and hear what others ask. Collective.
 * @param[in] list (groups) the same number of groups on all ranks; not looked at unless
 *                 mine is PS_OK
 * @param[in] sorted  order the questions to each owner by id, else by position in the list
 */
PS_MUST ps_status ps_ask_groups(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                                const struct ps_ask_list *list, uint32_t groups, bool sorted);
/** The same for one list. */
PS_MUST ps_status ps_ask_send(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                              const uint64_t *node, uint64_t n, bool sorted);

/** Ids that rank @p r asks this rank for in group @p g, *count of them; for this rank itself its
 *  own questions. Borrowed until the next send. */
const uint64_t *ps_ask_heard_group(const struct ps_ask *a, uint32_t r, uint32_t g, uint64_t *count);
/** All groups of a rank. */
const uint64_t *ps_ask_heard(const struct ps_ask *a, uint32_t r, uint64_t *count);
/** Where the questions to rank @p r in group @p g begin in id and from; *count of them. */
uint64_t ps_ask_put(const struct ps_ask *a, uint32_t r, uint32_t g, uint64_t *count);

/** Send answers back. Collective. @param[in] part, bytes (R) as for ps_comm_alltoall; this rank's
 *  own part is not sent but kept for ps_ask_answer. */
PS_MUST ps_status ps_ask_reply(struct ps_ask *a, ps_status mine, enum ps_traffic as,
                               const void *const *part, const uint64_t *bytes);

/** The answer of rank @p r; its own as it was given. Borrowed until the next reply. */
const unsigned char *ps_ask_answer(const struct ps_ask *a, uint32_t r, uint64_t *bytes);

#endif
