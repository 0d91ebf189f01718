/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of own nodes: from disk to memory, as stored. */
#include "src/graph/rows.h"

#include <string.h>

static const uint32_t type_bytes[] = {[PS_TYPE_F32] = 4, [PS_TYPE_F16] = 2, [PS_TYPE_I8] = 1};

ps_status ps_slab_init(struct ps_slab *s, struct ps_shard *shard)
{
    memset(s, 0, sizeof *s);
    s->shard = shard;
    if (shard->meta->feature_kind == PS_FEATURES_DENSE)
        s->row_bytes = (uint64_t)shard->meta->feature_dim * type_bytes[shard->meta->feature_type];
    return PS_OK;
}

void ps_slab_fini(struct ps_slab *s)
{
    struct ps_mem *m;

    if (s->shard == NULL)
        return;
    m = &ps_world_ctx(s->shard->world)->mem;
    ps_mem_free(m, &s->node);
    ps_mem_free(m, &s->dense);
    ps_mem_free(m, &s->begin);
    ps_mem_free(m, &s->col);
    ps_mem_free(m, &s->value);
    ps_mem_free(m, &s->extent);
    memset(s, 0, sizeof *s);
}

ps_status ps_slab_begin(struct ps_slab *s, uint64_t count)
{
    struct ps_mem *m = &ps_world_ctx(s->shard->world)->mem;

    PS_TRY(PS_GROW(m, PS_MEM_ROWS, s->node, s->node_cap, count, 0));
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, s->extent, s->extent_cap, count, 0));
    s->count = count;
    return PS_OK;
}

static PS_MUST ps_status read_dense(struct ps_slab *s)
{
    const struct ps_shard *g = s->shard;

    PS_TRY(PS_GROW(&ps_world_ctx(g->world)->mem, PS_MEM_ROWS, s->dense, s->dense_cap,
                   s->count * s->row_bytes, 0));
    for (uint64_t i = 0; i < s->count; i++) {
        const struct ps_shard_part *p = ps_shard_part_of(g, s->node[i]);
        s->extent[i] = (struct ps_extent){
            .file = p->file,
            .offset = p->dense_offset + (s->node[i] - p->first) * s->row_bytes,
            .bytes = s->row_bytes,
            .dst = s->dense + i * s->row_bytes,
        };
    }
    return ps_world_fetch(g->world, s->extent, s->count);
}

/* One of the two arrays of CSR rows: @p item bytes for each stored value. */
static PS_MUST ps_status read_values(struct ps_slab *s, bool values, uint64_t item, void *dst)
{
    const struct ps_shard *g = s->shard;

    for (uint64_t i = 0; i < s->count; i++) {
        uint64_t v = s->node[i];
        const struct ps_shard_part *p = ps_shard_part_of(g, v);
        uint64_t base = values ? p->value_offset : p->index_offset;
        s->extent[i] = (struct ps_extent){
            .file = p->file,
            .offset = base + (g->feature_begin[v] - p->value_begin) * item,
            .bytes = (g->feature_begin[v + 1] - g->feature_begin[v]) * item,
            .dst = (unsigned char *)dst + s->begin[i] * item,
        };
    }
    return ps_world_fetch(g->world, s->extent, s->count);
}

static PS_MUST ps_status read_csr(struct ps_slab *s)
{
    const struct ps_shard *g = s->shard;
    struct ps_mem *m = &ps_world_ctx(g->world)->mem;
    uint64_t item = g->meta->feature_index_bytes;

    PS_TRY(PS_GROW(m, PS_MEM_ROWS, s->begin, s->begin_cap, s->count + 1, 0));
    s->begin[0] = 0;
    for (uint64_t i = 0; i < s->count; i++)
        s->begin[i + 1] =
            s->begin[i] + g->feature_begin[s->node[i] + 1] - g->feature_begin[s->node[i]];
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, s->col, s->col_cap, s->begin[s->count] * item, 0));
    PS_TRY(read_values(s, false, item, s->col));
    if (!g->meta->feature_values)
        return PS_OK;
    PS_TRY(PS_GROW(m, PS_MEM_ROWS, s->value, s->value_cap, s->begin[s->count], 0));
    return read_values(s, true, sizeof *s->value, s->value);
}

/* Columns come from disk; one out of range would be an index out of range later. */
static PS_MUST ps_status check_columns(const struct ps_slab *s)
{
    const struct ps_shard *g = s->shard;
    uint32_t dim = g->meta->feature_dim;
    const uint16_t *narrow = (const uint16_t *)(const void *)s->col;
    const uint32_t *wide = (const uint32_t *)(const void *)s->col;

    for (uint64_t i = 0; i < s->count; i++)
        for (uint64_t z = s->begin[i]; z < s->begin[i + 1]; z++) {
            uint32_t col = g->meta->feature_index_bytes == 2 ? narrow[z] : wide[z];
            if (col >= dim)
                PS_FAIL(PS_EINPUT, "%s: %s of node %" PRIu64 ": column %u, expected below %u",
                        ps_dataset_path(g->dataset), ps_array_name(PS_ARRAY_FEATURES_INDICES),
                        g->first + s->node[i], col, dim);
        }
    return PS_OK;
}

ps_status ps_slab_read(struct ps_slab *s)
{
    if (s->shard->meta->feature_kind == PS_FEATURES_DENSE)
        return read_dense(s);
    PS_TRY(read_csr(s));
    return check_columns(s);
}

uint64_t ps_slab_bytes(const struct ps_slab *s)
{
    const struct ps_meta *meta = s->shard->meta;

    if (meta->feature_kind == PS_FEATURES_DENSE)
        return s->count * s->row_bytes;
    return s->begin[s->count] *
           (meta->feature_index_bytes + (meta->feature_values ? sizeof(float) : 0));
}
