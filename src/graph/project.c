/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/project.h"

#include <math.h>
#include <string.h>

static const uint64_t table_bytes_max = UINT64_C(64) << 20;

static uint64_t table_bytes(struct ps_mem *m)
{
    uint64_t limit = atomic_load(&m->limit_bytes), used = atomic_load(&m->used_bytes);

    if (limit == 0)
        return table_bytes_max;
    return ps_min(table_bytes_max, limit > used ? (limit - used) / 2 : 0);
}

ps_status ps_projection_init(struct ps_projection *p, struct ps_ctx *ctx, uint64_t seed,
                             uint64_t columns, uint64_t dim)
{
    struct ps_mem *m = &ctx->mem;
    ps_status st = PS_OK;

    PS_ASSERT(columns > 0 && dim > 0);
    memset(p, 0, sizeof *p);
    p->ctx = ctx;
    p->key = ps_key_make(seed, PS_FOR_PROJECTION, 0, 0, 0);
    p->dim = dim;
    p->scale = 1 / sqrt((double)dim);
    p->slots = table_bytes(m) / (dim * sizeof *p->row + sizeof *p->held);
    p->slots = ps_min(ps_max(p->slots, 1), columns);
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, p->held, p->slots));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, p->row, p->slots * dim));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, p->sum, dim));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, p->result, dim));
out:
    if (st != PS_OK)
        ps_projection_fini(p);
    return st;
}

void ps_projection_fini(struct ps_projection *p)
{
    if (p->ctx == NULL)
        return;
    ps_mem_free(&p->ctx->mem, &p->held);
    ps_mem_free(&p->ctx->mem, &p->row);
    ps_mem_free(&p->ctx->mem, &p->sum);
    ps_mem_free(&p->ctx->mem, &p->result);
}

/* Row @p column of P, two entries from each draw. */
static const float *row_of(struct ps_projection *p, uint32_t column)
{
    uint64_t slot = column % p->slots;
    float *row = p->row + slot * p->dim;
    double pair[2];

    if (p->held[slot] == (uint64_t)column + 1)
        return row;
    for (uint64_t j = 0; j < p->dim; j += 2) {
        struct ps_draw d = ps_draw_at(p->key, column, j / 2);
        ps_normal_pair(&d, pair);
        row[j] = (float)(pair[0] * p->scale);
        if (j + 1 < p->dim)
            row[j + 1] = (float)(pair[1] * p->scale);
    }
    p->held[slot] = (uint64_t)column + 1;
    p->rows_made++;
    return row;
}

const float *ps_projection_row(struct ps_projection *p, const uint32_t *column, const double *value,
                               size_t n)
{
    memset(p->sum, 0, p->dim * sizeof *p->sum);
    for (size_t i = 0; i < n; i++) {
        const float *row = row_of(p, column[i]);
        for (uint64_t j = 0; j < p->dim; j++)
            p->sum[j] += value[i] * (double)row[j];
    }
    for (uint64_t j = 0; j < p->dim; j++)
        p->result[j] = (float)p->sum[j];
    return p->result;
}
