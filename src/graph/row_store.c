/* SPDX-License-Identifier: Apache-2.0 */
/* Stored rows become the rows that models read: float32, or CSR with 32-bit columns. */
#include "src/graph/row_store.h"

#include <string.h>

void ps_row_store_init(struct ps_row_store *s, struct ps_mem *mem, const struct ps_meta *meta)
{
    memset(s, 0, sizeof *s);
    s->mem = mem;
    s->meta = meta;
}

void ps_row_store_fini(struct ps_row_store *s)
{
    if (s->mem == NULL)
        return;
    ps_mem_free(s->mem, &s->dense);
    ps_mem_free(s->mem, &s->begin);
    ps_mem_free(s->mem, &s->col);
    ps_mem_free(s->mem, &s->value);
    ps_mem_free(s->mem, &s->out_degree);
    memset(s, 0, sizeof *s);
}

struct ps_rows ps_row_store_rows(const struct ps_row_store *s)
{
    bool is_dense = s->meta->feature_kind == PS_FEATURES_DENSE;

    return (struct ps_rows){
        .count = s->count,
        .dim = s->meta->feature_dim,
        .dense = is_dense ? s->dense : NULL,
        .row_begin = is_dense ? NULL : s->begin,
        .col = is_dense ? NULL : s->col,
        .value = is_dense || !s->meta->feature_values ? NULL : s->value,
    };
}

ps_status ps_row_store_begin(struct ps_row_store *s, uint32_t count)
{
    s->count = count;
    PS_TRY(PS_GROW(s->mem, PS_MEM_ROWS, s->out_degree, s->degree_cap, count, 0));
    if (s->meta->feature_kind == PS_FEATURES_DENSE)
        return PS_GROW(s->mem, PS_MEM_ROWS, s->dense, s->dense_cap,
                       (size_t)count * s->meta->feature_dim, 0);
    PS_TRY(PS_GROW(s->mem, PS_MEM_ROWS, s->begin, s->begin_cap, (size_t)count + 1, 0));
    memset(s->begin, 0, ((size_t)count + 1) * sizeof *s->begin);
    return PS_OK;
}

ps_status ps_row_store_sized(struct ps_row_store *s)
{
    if (s->meta->feature_kind == PS_FEATURES_DENSE)
        return PS_OK;
    for (uint32_t i = 0; i < s->count; i++)
        s->begin[i + 1] += s->begin[i];
    PS_TRY(PS_GROW(s->mem, PS_MEM_ROWS, s->col, s->col_cap, s->begin[s->count], 0));
    if (!s->meta->feature_values)
        return PS_OK;
    return PS_GROW(s->mem, PS_MEM_ROWS, s->value, s->value_cap, s->begin[s->count], 0);
}

void ps_row_store_put_dense(struct ps_row_store *s, uint32_t row, const unsigned char *stored)
{
    uint32_t dim = s->meta->feature_dim;
    float *dst = s->dense + (size_t)row * dim;

    ps_packed_unpack_row(stored, ps_row_type(s->meta), dim, dst);
}

void ps_row_store_put_csr(struct ps_row_store *s, uint32_t row, const unsigned char *col,
                          const unsigned char *value)
{
    uint64_t begin = s->begin[row], n = s->begin[row + 1] - begin;

    if (s->meta->feature_index_bytes == sizeof(uint32_t))
        memcpy(s->col + begin, col, n * sizeof *s->col);
    else
        for (uint64_t z = 0; z < n; z++) {
            uint16_t narrow;
            memcpy(&narrow, col + 2 * z, sizeof narrow);
            s->col[begin + z] = narrow;
        }
    if (value != NULL)
        memcpy(s->value + begin, value, n * sizeof *s->value);
}

void ps_row_store_put(struct ps_row_store *s, uint32_t row, const struct ps_slab *slab, uint64_t i)
{
    s->out_degree[row] = slab->shard->out_degree[slab->node[i]];
    if (s->meta->feature_kind == PS_FEATURES_DENSE)
        ps_row_store_put_dense(s, row, slab->dense + i * slab->row_bytes);
    else
        ps_row_store_put_csr(
            s, row, slab->col + slab->begin[i] * s->meta->feature_index_bytes,
            s->meta->feature_values ? (const unsigned char *)(slab->value + slab->begin[i]) : NULL);
}

ps_status ps_row_store_fill(struct ps_row_store *s, const struct ps_slab *slab)
{
    PS_TRY(ps_row_store_begin(s, ps_u32(slab->count)));
    if (s->meta->feature_kind == PS_FEATURES_CSR)
        for (uint64_t i = 0; i < slab->count; i++)
            s->begin[i + 1] = slab->begin[i + 1] - slab->begin[i];
    PS_TRY(ps_row_store_sized(s));
    for (uint64_t i = 0; i < slab->count; i++)
        ps_row_store_put(s, (uint32_t)i, slab, i);
    return PS_OK;
}
