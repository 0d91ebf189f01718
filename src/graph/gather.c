/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/gather.h"

#include <string.h>

enum { GAP_BYTES = 32 << 10, STRAIGHT_BYTES = 64 << 10 };

static PS_MUST ps_status list_init(struct ps_mem *m, struct ps_gather_list *l, uint64_t cap)
{
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, l->begin, cap));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, l->end, cap));
    return PS_NEW(m, PS_MEM_STAGING, l->to, cap + 1);
}

static void list_fini(struct ps_mem *m, struct ps_gather_list *l)
{
    ps_mem_free(m, &l->begin);
    ps_mem_free(m, &l->end);
    ps_mem_free(m, &l->to);
}

ps_status ps_gather_init(struct ps_gather *g, struct ps_source *s, uint64_t node_cap,
                         uint64_t stage_bytes)
{
    struct ps_mem *m = &s->ctx->mem;

    memset(g, 0, sizeof *g);
    PS_ASSERT(node_cap > 0 && node_cap <= UINT32_MAX && stage_bytes >= 64);
    g->s = s;
    g->node_cap = node_cap;
    g->stage_bytes = stage_bytes;
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, g->node, node_cap));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, g->part, node_cap));
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, g->stage, stage_bytes));
    PS_TRY(list_init(m, &g->list, node_cap));
    if (s->meta->feature_kind == PS_FEATURES_CSR)
        PS_TRY(list_init(m, &g->csr, node_cap));
    return PS_OK;
}

void ps_gather_fini(struct ps_gather *g)
{
    struct ps_mem *m;

    if (g->s == NULL)
        return;
    m = &g->s->ctx->mem;
    ps_mem_free(m, &g->node);
    ps_mem_free(m, &g->part);
    ps_mem_free(m, &g->stage);
    list_fini(m, &g->list);
    list_fini(m, &g->csr);
}

void ps_gather_set(struct ps_gather *g, const uint32_t *old_of, uint64_t first, uint64_t count)
{
    uint32_t k;

    PS_ASSERT(count > 0 && count <= g->node_cap);
    g->count = count;
    for (uint64_t i = 0; i < count; i++)
        g->node[i] = (struct ps_sort_pair){old_of != NULL ? old_of[first + i] : first + i, i};
    if (old_of != NULL)
        ps_sort_pairs(g->node, count);
    k = ps_source_part_of(g->s, g->node[0].id);
    for (uint64_t i = 0; i < count; i++) {
        while (g->node[i].id >= g->s->meta->part_offsets[k + 1])
            k++;
        g->part[i] = k;
    }
}

static void list_cut(const struct ps_gather *g, struct ps_gather_list *l, uint64_t count)
{
    uint64_t kept = 0;

    for (uint64_t i = 0; l->begin != NULL && i < g->count; i++)
        if (g->node[i].with < count) {
            l->begin[kept] = l->begin[i];
            l->end[kept++] = l->end[i];
        }
}

void ps_gather_cut(struct ps_gather *g, uint64_t count)
{
    uint64_t kept = 0;

    PS_ASSERT(count > 0 && count <= g->count);
    if (count == g->count)
        return;
    list_cut(g, &g->list, count);
    list_cut(g, &g->csr, count);
    for (uint64_t i = 0; i < g->count; i++)
        if (g->node[i].with < count) {
            g->part[kept] = g->part[i];
            g->node[kept++] = g->node[i];
        }
    g->count = count;
}

static uint64_t row_in_part(const struct ps_gather *g, uint64_t i)
{
    return g->node[i].id - g->s->meta->part_offsets[g->part[i]];
}

ps_status ps_gather_ends(struct ps_gather *g, enum ps_array_id indptr, struct ps_gather_list *l)
{
    uint64_t *stage = (uint64_t *)(void *)g->stage, cap = g->stage_bytes / sizeof *stage;
    const struct ps_part *p;

    for (uint64_t i = 0, j; i < g->count; i = j) {
        uint64_t first = row_in_part(g, i), row = first;
        for (j = i + 1; j < g->count && g->part[j] == g->part[i]; j++) {
            uint64_t next = row_in_part(g, j);
            if (next + 2 - first > cap || (next - row) * sizeof *stage > GAP_BYTES)
                break;
            row = next;
        }
        PS_TRY(ps_source_part(g->s, g->part[i], &p));
        PS_TRY(ps_part_read(p, indptr, first, row + 2 - first, stage));
        for (uint64_t r = i; r < j; r++) {
            row = row_in_part(g, r);
            l->begin[r] = stage[row - first];
            l->end[r] = stage[row - first + 1];
            PS_TRY(ps_source_check_ends(p, indptr, row, l->begin[r], l->end[r]));
            l->to[g->node[r].with + 1] = l->end[r] - l->begin[r];
        }
    }
    l->to[0] = 0;
    for (uint64_t i = 0; i < g->count; i++)
        l->to[i + 1] += l->to[i];
    return PS_OK;
}

void ps_gather_fixed(struct ps_gather *g, uint64_t cols, uint32_t plane, struct ps_gather_list *l)
{
    const uint64_t *offset = g->s->meta->part_offsets;

    for (uint64_t i = 0; i < g->count; i++) {
        uint64_t nodes = offset[g->part[i] + 1] - offset[g->part[i]];
        l->begin[i] = (plane * nodes + row_in_part(g, i)) * cols;
        l->end[i] = l->begin[i] + cols;
    }
    for (uint64_t i = 0; i <= g->count; i++)
        l->to[i] = i * cols;
}

static PS_MUST ps_status read_items(const struct ps_gather *g, const struct ps_part *p,
                                    enum ps_array_id id, uint64_t first, uint64_t count, void *dst)
{
    if (count == 0)
        return PS_OK;
    if (id != PS_ARRAY_INDICES)
        return ps_part_read(p, id, first, count, dst);
    PS_TRY(ps_part_read_indices(p, first, count, dst));
    return ps_source_check_ids(g->s, p, first, count, dst);
}

/* How far from rank @p i rows follow each other both in the file and in dst. */
static uint64_t straight_to(const struct ps_gather *g, const struct ps_gather_list *l, uint64_t i)
{
    uint64_t j = i + 1;

    while (j < g->count && g->part[j] == g->part[i] && l->begin[j] == l->end[j - 1] &&
           g->node[j].with == g->node[j - 1].with + 1)
        j++;
    return j;
}

/* How far from rank @p i one read into the buffer reaches. */
static uint64_t staged_to(const struct ps_gather *g, const struct ps_gather_list *l, uint64_t i,
                          uint64_t item_bytes)
{
    uint64_t j = i + 1;

    while (j < g->count && g->part[j] == g->part[i] &&
           (l->end[j] - l->begin[i]) * item_bytes <= g->stage_bytes &&
           (l->begin[j] - l->end[j - 1]) * item_bytes <= GAP_BYTES)
        j++;
    return j;
}

ps_status ps_gather_items(struct ps_gather *g, enum ps_array_id id, const struct ps_gather_list *l,
                          void *dst)
{
    unsigned char *out = dst;
    const struct ps_part *p;

    for (uint64_t i = 0, j; i < g->count; i = j) {
        uint64_t first = l->begin[i], count, bytes;
        PS_TRY(ps_source_part(g->s, g->part[i], &p));
        bytes = id == PS_ARRAY_INDICES ? sizeof(uint64_t) : ps_part_array(p, id)->item_bytes;
        j = straight_to(g, l, i);
        count = l->end[j - 1] - first;
        if (count * bytes >= STRAIGHT_BYTES || count * bytes > g->stage_bytes || j == g->count) {
            PS_TRY(read_items(g, p, id, first, count, out + l->to[g->node[i].with] * bytes));
            continue;
        }
        j = staged_to(g, l, i, bytes);
        PS_TRY(read_items(g, p, id, first, l->end[j - 1] - first, g->stage));
        for (uint64_t r = i; r < j; r++)
            memcpy(out + l->to[g->node[r].with] * bytes, g->stage + (l->begin[r] - first) * bytes,
                   (l->end[r] - l->begin[r]) * bytes);
    }
    return PS_OK;
}
