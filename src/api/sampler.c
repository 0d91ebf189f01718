/* SPDX-License-Identifier: Apache-2.0 */
#include "src/api/graph_impl.h"

#include "src/graph/sample.h"

struct penstock_sampler {
    struct penstock_graph *graph;
    struct ps_sampler *sampler;
    struct ps_sample batch;
    uint32_t hops;
    struct penstock_block block[PS_LIST_MAX];
};

enum { FANOUT_MAX = 1000000 }; /* as --fanout */

static PS_MUST ps_status new_sampler(struct penstock_sampler **out, struct penstock_graph *g,
                                     const int64_t *fanout, uint32_t hops)
{
    struct ps_mem *m = &g->session->ctx.mem;
    struct penstock_sampler *s;
    ps_status st;

    if (hops < 1 || hops > PS_LIST_MAX)
        PS_FAIL(PS_EUSAGE, "a sampler has 1 to %d hops, found %u", PS_LIST_MAX, hops);
    for (uint32_t h = 0; h < hops; h++)
        if (fanout[h] < -1 || fanout[h] > FANOUT_MAX)
            PS_FAIL(PS_EUSAGE, "fan-out %" PRId64 " of hop %u is outside -1 to %d", fanout[h], h,
                    FANOUT_MAX);
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, s, 1));
    s->graph = g;
    s->hops = hops;
    ps_sample_init(&s->batch, m);
    st = ps_sampler_new(&s->sampler, g->shard, fanout, hops);
    if (st != PS_OK)
        ps_mem_free(m, &s);
    *out = s;
    return st;
}

int penstock_sampler_new(struct penstock_sampler **s, struct penstock_graph *g,
                         const int64_t *fanout, uint32_t hops)
{
    *s = NULL;
    return ps_session_code(g->session, new_sampler(s, g, fanout, hops));
}

void penstock_sampler_free(struct penstock_sampler **out)
{
    struct penstock_sampler *s = *out;

    if (s == NULL)
        return;
    ps_sampler_free(&s->sampler);
    ps_sample_fini(&s->batch);
    ps_mem_free(&s->graph->session->ctx.mem, &s);
    *out = NULL;
}

static void show(struct penstock_sampler *s, struct penstock_sample *sample)
{
    const struct ps_block *b = s->batch.block;

    for (uint32_t h = 0; h < s->hops; h++)
        s->block[h] = (struct penstock_block){
            .dst_count = b[h].dst_count,
            .src_count = b[h].src_count,
            .edge_count = b[h].edge_count,
            .row_begin = b[h].row_begin,
            .col = b[h].col,
            .in_degree = b[h].in_degree,
        };
    sample->hops = s->hops;
    sample->block = s->block;
    sample->node = s->batch.node;
    sample->node_count = s->batch.count;
}

int penstock_sampler_run(struct penstock_sampler *s, uint64_t key, uint64_t epoch, uint64_t batch,
                         const uint64_t *seed, uint32_t count, struct penstock_sample *sample)
{
    struct penstock_graph *g = s->graph;
    struct ps_batch_id id = {.seed = key, .epoch = epoch, .index = batch};
    ps_status st = ps_graph_check_nodes(g, seed, count);

    if (st == PS_OK)
        st = ps_sample_begin(&s->batch, &id, seed, count);
    st = ps_sampler_run(s->sampler, st, &s->batch, 1);
    st = ps_world_agree(g->world, st);
    if (st == PS_OK)
        show(s, sample);
    return ps_graph_code(g, st);
}
