/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file idmap.h
 * @brief Global node ids to local numbers, in first-occurrence order.
 *
 * Open addressing with linear probing, at most half full. Entries carry the
 * number of the round that wrote them, so that forgetting everything is one
 * addition.
 */
#ifndef PS_GRAPH_IDMAP_H
#define PS_GRAPH_IDMAP_H

#include "src/base/mem.h"
#include "src/base/rng.h"

struct ps_idmap_slot {
    uint64_t id;
    uint32_t local, round;
};

struct ps_idmap {
    struct ps_mem *mem;
    struct ps_idmap_slot *slot;
    uint64_t slot_count; /**< a power of two */
    uint32_t round;
    uint32_t count;
    uint64_t *id; /**< (count) id of each local number */
    size_t id_cap;
};

/** An empty map. @return PS_EMEM */
PS_MUST ps_status ps_idmap_init(struct ps_idmap *m, struct ps_mem *mem);
/** Give the memory back; also after a failed init. */
void ps_idmap_fini(struct ps_idmap *m);
/** Forget all ids. */
void ps_idmap_clear(struct ps_idmap *m);

/** Make room for @p more ids beyond those that are there. @return PS_EMEM, also beyond 2^31 ids */
PS_MUST ps_status ps_idmap_reserve(struct ps_idmap *m, uint64_t more);

/** The local number of @p id; a new one if it is not there yet. @pre room was made */
static inline uint32_t ps_idmap_put(struct ps_idmap *m, uint64_t id)
{
    uint64_t mask = m->slot_count - 1, i = ps_mix64(id) & mask;

    while (m->slot[i].round == m->round) {
        if (m->slot[i].id == id)
            return m->slot[i].local;
        i = (i + 1) & mask;
    }
    m->slot[i] = (struct ps_idmap_slot){id, m->count, m->round};
    m->id[m->count] = id;
    return m->count++;
}

/** The local number of @p id, or UINT32_MAX. */
static inline uint32_t ps_idmap_get(const struct ps_idmap *m, uint64_t id)
{
    uint64_t mask = m->slot_count - 1, i = ps_mix64(id) & mask;

    for (; m->slot[i].round == m->round; i = (i + 1) & mask)
        if (m->slot[i].id == id)
            return m->slot[i].local;
    return UINT32_MAX;
}

#endif
