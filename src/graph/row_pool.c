/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/row_pool.h"

#include "src/base/rng.h"

#include <string.h>

static const uint32_t type_bytes[] = {[PS_TYPE_F32] = 4, [PS_TYPE_F16] = 2, [PS_TYPE_I8] = 1};

enum { TABLE_MIN = 1024, SCORES = 1024 };

static bool has_bags(const struct ps_row_pool *p)
{
    return p->row_bytes == 0;
}

/* The table is at most half full. */
static PS_MUST ps_status make_table(struct ps_row_pool *p, uint64_t slots)
{
    uint64_t size = TABLE_MIN;

    while (size < 2 * slots)
        size *= 2;
    if (size <= p->table_size)
        return PS_OK;
    ps_mem_free(p->mem, &p->table);
    p->table_size = 0;
    PS_TRY(PS_NEW(p->mem, PS_MEM_ROWS, p->table, size));
    p->table_size = size;
    for (uint32_t s = 0; s < p->used; s++) {
        uint64_t i;
        if (p->slot[s].window == 0)
            continue;
        i = ps_mix64(p->slot[s].node) & (size - 1);
        while (p->table[i] != 0)
            i = (i + 1) & (size - 1);
        p->table[i] = s + 1;
    }
    return PS_OK;
}

static uint64_t dense_bytes(const struct ps_meta *meta)
{
    return (uint64_t)meta->feature_dim * type_bytes[meta->feature_type];
}

uint64_t ps_row_pool_bytes(const struct ps_meta *meta)
{
    /* the table is between a quarter and half full */
    return meta->feature_kind != PS_FEATURES_DENSE
               ? 0
               : dense_bytes(meta) + sizeof(struct ps_row_slot) + 4 * sizeof(uint32_t);
}

ps_status ps_row_pool_init(struct ps_row_pool *p, struct ps_mem *mem, const struct ps_meta *meta,
                           uint64_t slots)
{
    memset(p, 0, sizeof *p);
    p->mem = mem;
    p->meta = meta;
    PS_TRY(PS_NEW(mem, PS_MEM_ROWS, p->rank_of_score, SCORES));
    if (meta->feature_kind == PS_FEATURES_DENSE) {
        p->row_bytes = dense_bytes(meta);
        p->slots = ps_u32(ps_min(slots, PS_ROW_MISSING - 1));
        PS_TRY(PS_NEW(mem, PS_MEM_ROWS, p->base, (size_t)p->slots * p->row_bytes));
        PS_TRY(PS_NEW(mem, PS_MEM_ROWS, p->slot, p->slots));
        p->slot_cap = p->slots;
    }
    return make_table(p, p->slots);
}

void ps_row_pool_fini(struct ps_row_pool *p)
{
    if (p->mem == NULL)
        return;
    ps_mem_free(p->mem, &p->base);
    ps_mem_free(p->mem, &p->slot);
    ps_mem_free(p->mem, &p->table);
    ps_mem_free(p->mem, &p->rank_of_score);
    ps_mem_free(p->mem, &p->begin);
    ps_mem_free(p->mem, &p->length);
    for (int a = 0; a < 2; a++) {
        ps_mem_free(p->mem, &p->col[a]);
        ps_mem_free(p->mem, &p->value[a]);
    }
    memset(p, 0, sizeof *p);
}

uint32_t ps_row_pool_find(const struct ps_row_pool *p, uint64_t node)
{
    uint64_t mask = p->table_size - 1, i = ps_mix64(node) & mask;

    for (; p->table[i] != 0; i = (i + 1) & mask)
        if (p->slot[p->table[i] - 1].node == node)
            return p->table[i] - 1;
    return PS_SLOT_NONE;
}

static void enter(struct ps_row_pool *p, uint32_t slot)
{
    uint64_t mask = p->table_size - 1, i = ps_mix64(p->slot[slot].node) & mask;

    while (p->table[i] != 0)
        i = (i + 1) & mask;
    p->table[i] = slot + 1;
}

/* Take an entry out and move back those behind it that would no longer be found. */
static void leave(struct ps_row_pool *p, uint32_t slot)
{
    uint64_t mask = p->table_size - 1, i = ps_mix64(p->slot[slot].node) & mask, j;

    while (p->table[i] != slot + 1)
        i = (i + 1) & mask;
    for (j = (i + 1) & mask; p->table[j] != 0; j = (j + 1) & mask) {
        uint64_t home = ps_mix64(p->slot[p->table[j] - 1].node) & mask;
        if (((j - home) & mask) >= ((j - i) & mask)) {
            p->table[i] = p->table[j];
            i = j;
        }
    }
    p->table[i] = 0;
}

void ps_row_pool_forget(struct ps_row_pool *p, uint32_t slot)
{
    if (p->slot[slot].window == 0)
        return;
    leave(p, slot);
    p->slot[slot] = (struct ps_row_slot){0};
}

/* Room for @p n bags in slots that are empty or new: slots are not bounded by their bytes. */
static PS_MUST ps_status grow_bags(struct ps_row_pool *p, uint64_t n, uint64_t empty)
{
    uint64_t want = p->used + (n > empty ? n - empty : 0);

    if (want >= PS_ROW_MISSING)
        PS_FAIL(PS_EMEM, "a window with %" PRIu64 " rows on one rank is too large", want);
    PS_TRY(PS_GROW(p->mem, PS_MEM_ROWS, p->slot, p->slot_cap, want, p->used));
    PS_TRY(PS_GROW(p->mem, PS_MEM_ROWS, p->begin, p->begin_cap, want, p->used));
    PS_TRY(PS_GROW(p->mem, PS_MEM_ROWS, p->length, p->length_cap, want, p->used));
    p->slots = ps_u32(want);
    return make_table(p, want);
}

static bool is_free(const struct ps_row_slot *s, uint32_t window)
{
    return s->window + 1 < window;
}

static uint32_t score_class(const struct ps_row_slot *s)
{
    return s->window == 0 ? 0 : (uint32_t)ps_min(s->score, SCORES - 1);
}

/* Scores below the result are given up, and of those equal to it as many as are still needed, so
 * that @p n slots come free. @return PS_EMEM if there are not so many */
static PS_MUST ps_status find_victims(struct ps_row_pool *p, uint32_t window, uint64_t n,
                                      uint32_t *score)
{
    uint64_t free = 0, sum = 0;

    memset(p->rank_of_score, 0, SCORES * sizeof *p->rank_of_score);
    for (uint32_t s = 0; s < p->used; s++)
        if (is_free(&p->slot[s], window)) {
            p->rank_of_score[score_class(&p->slot[s])]++;
            free++;
        }
    if (free < n)
        PS_FAIL(PS_EMEM,
                "the slab has %u rows and needs %" PRIu64 " more for two windows: give more "
                "--memory, or a smaller --window or --batch-size",
                p->slots, n - free);
    for (*score = 0; *score < SCORES; ++*score) {
        sum += p->rank_of_score[*score];
        if (sum >= n)
            break;
    }
    p->rank_of_score[*score] -= ps_u32(sum - n); /* now: how many of that score go */
    return PS_OK;
}

/* The next slot that may be taken, from the hand on. @pre there is one */
static uint32_t next_victim(struct ps_row_pool *p, uint32_t window, uint32_t score)
{
    for (;; p->hand++) {
        uint32_t class;
        if (p->hand >= p->used)
            p->hand = 0;
        if (!is_free(&p->slot[p->hand], window))
            continue;
        class = score_class(&p->slot[p->hand]);
        if (class < score)
            break;
        if (class == score && p->rank_of_score[score] > 0) {
            p->rank_of_score[score]--;
            break;
        }
    }
    if (p->slot[p->hand].window != 0) {
        leave(p, p->hand);
        p->evicted++;
    }
    return p->hand++;
}

static uint64_t find_all(struct ps_row_pool *p, uint32_t window, const uint64_t *node, uint64_t n,
                         uint32_t *slot)
{
    uint64_t missing = 0;

    for (uint64_t i = 0; i < n; i++) {
        slot[i] = ps_row_pool_find(p, node[i]);
        if (slot[i] == PS_SLOT_NONE)
            missing++;
        else
            p->slot[slot[i]].window = window;
    }
    return missing;
}

/* Bags of windows before the last are gone with their arena. @return empty slots */
static uint64_t drop_old_bags(struct ps_row_pool *p, uint32_t window)
{
    uint64_t empty = 0;

    for (uint32_t s = 0; s < p->used; s++) {
        if (is_free(&p->slot[s], window))
            ps_row_pool_forget(p, s);
        empty += p->slot[s].window == 0;
    }
    return empty;
}

ps_status ps_row_pool_place(struct ps_row_pool *p, uint32_t window, const uint64_t *node,
                            uint64_t n, uint32_t *slot)
{
    uint64_t missing, fresh, taken = 0, empty = has_bags(p) ? drop_old_bags(p, window) : 0;
    uint32_t score = 0;

    missing = find_all(p, window, node, n, slot);
    if (has_bags(p))
        PS_TRY(grow_bags(p, missing, empty));
    fresh = ps_min(missing, p->slots - p->used);
    if (missing > fresh)
        PS_TRY(find_victims(p, window, missing - fresh, &score));
    for (uint64_t i = 0; i < n; i++) {
        uint32_t s;
        if (slot[i] != PS_SLOT_NONE)
            continue;
        s = taken++ < fresh ? p->used++ : next_victim(p, window, score);
        p->slot[s] = (struct ps_row_slot){.node = node[i], .window = window};
        enter(p, s);
        slot[i] = s | PS_ROW_MISSING;
    }
    return PS_OK;
}

ps_status ps_row_pool_renew(struct ps_row_pool *p, const uint32_t *slot, uint64_t n)
{
    int old = p->which, new = 1 - old;
    size_t item = p->meta->feature_index_bytes;
    uint64_t values = 0;

    for (uint64_t i = 0; i < n; i++)
        values += p->length[slot[i] & ~PS_ROW_MISSING];
    PS_TRY(PS_GROW(p->mem, PS_MEM_ROWS, p->col[new], p->col_cap[new], values * item, 0));
    if (p->meta->feature_values)
        PS_TRY(PS_GROW(p->mem, PS_MEM_ROWS, p->value[new], p->value_cap[new], values, 0));
    values = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint32_t s = slot[i] & ~PS_ROW_MISSING, z = p->length[s];
        if ((slot[i] & PS_ROW_MISSING) == 0 && z > 0) {
            memcpy(p->col[new] + values * item, p->col[old] + p->begin[s] * item, z * item);
            if (p->meta->feature_values)
                memcpy(p->value[new] + values, p->value[old] + p->begin[s],
                       z * sizeof *p->value[new]);
        }
        p->begin[s] = values;
        values += z;
    }
    p->values = values;
    p->which = new;
    return PS_OK;
}
