/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/idmap.h"

#include <string.h>

enum { SLOTS_MIN = 1024 };

ps_status ps_idmap_init(struct ps_idmap *m, struct ps_mem *mem)
{
    memset(m, 0, sizeof *m);
    m->mem = mem;
    m->round = 1;
    PS_TRY(PS_NEW(mem, PS_MEM_BLOCKS, m->slot, SLOTS_MIN));
    m->slot_count = SLOTS_MIN;
    return PS_OK;
}

void ps_idmap_fini(struct ps_idmap *m)
{
    if (m->mem == NULL)
        return;
    ps_mem_free(m->mem, &m->slot);
    ps_mem_free(m->mem, &m->id);
    memset(m, 0, sizeof *m);
}

void ps_idmap_clear(struct ps_idmap *m)
{
    m->count = 0;
    if (++m->round == 0) { /* once in 2^32 rounds old marks could look new */
        memset(m->slot, 0, m->slot_count * sizeof *m->slot);
        m->round = 1;
    }
}

ps_status ps_idmap_reserve(struct ps_idmap *m, uint64_t more)
{
    uint64_t want = m->count + more, slots = m->slot_count;
    struct ps_idmap_slot *slot;

    if (want > UINT32_MAX / 2)
        PS_FAIL(PS_EMEM,
                "a batch with up to %" PRIu64 " nodes on one rank is too large, the limit is %u: "
                "choose a smaller --batch-size or --fanout",
                want, UINT32_MAX / 2);
    PS_TRY(PS_GROW(m->mem, PS_MEM_BLOCKS, m->id, m->id_cap, want, m->count));
    if (2 * want <= slots)
        return PS_OK;
    while (slots < 2 * want)
        slots *= 2;
    PS_TRY(PS_NEW(m->mem, PS_MEM_BLOCKS, slot, slots)); /* zeroed: round 0 is never in use */
    ps_mem_free(m->mem, &m->slot);
    m->slot = slot;
    m->slot_count = slots;
    m->round = 1;
    for (uint32_t local = 0; local < m->count; local++) {
        uint64_t i = ps_mix64(m->id[local]) & (slots - 1);
        while (slot[i].round == m->round)
            i = (i + 1) & (slots - 1);
        slot[i] = (struct ps_idmap_slot){m->id[local], local, m->round};
    }
    return PS_OK;
}
