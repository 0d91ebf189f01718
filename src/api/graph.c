/* SPDX-License-Identifier: Apache-2.0 */
#include "src/api/graph_impl.h"

#include "src/graph/sort_u64.h"
#include "src/train/threads.h"

#include <string.h>

int ps_graph_code(const struct penstock_graph *g, ps_status st)
{
    return ps_session_code(g->session, ps_world_outcome(g->world, st));
}

static void fill_facts(struct penstock_graph *g)
{
    const struct ps_meta *m = g->shard->meta;

    g->facts = (struct penstock_facts){
        .name = m->name,
        .nodes = m->nodes,
        .edges = m->edges,
        .feature_dim = m->feature_kind == PS_FEATURES_NONE ? 0 : m->feature_dim,
        .classes = m->classes,
        .splits = m->splits,
        .parts = m->parts,
        .rank = ps_world_rank(g->world),
        .ranks = ps_world_ranks(g->world),
        .first = g->shard->first,
        .count = g->shard->count,
    };
}

static PS_MUST ps_status open_share(struct penstock_graph *g, const char *path)
{
    PS_TRY(ps_threads_choose(g->world, g->session->opts.common.threads));
    PS_TRY(ps_shard_open(&g->shard, g->world, path));
    fill_facts(g);
    if (g->facts.splits > 0)
        PS_TRY(ps_shard_use_split(g->shard, 0));
    ps_sample_init(&g->asked, &g->session->ctx.mem);
    ps_batch_rows_init(&g->found, &g->session->ctx.mem, g->shard->meta);
    return PS_OK;
}

static int close_graph(struct penstock_graph *g, ps_status st)
{
    struct ps_session *s = g->session;

    ps_row_window_free(&g->rows);
    ps_sample_fini(&g->asked);
    ps_batch_rows_fini(&g->found, &s->ctx.mem);
    ps_shard_close(&g->shard);
    ps_world_close(&g->world);
    ps_mem_free(&s->ctx.mem, &g->sorted);
    ps_mem_free(&s->ctx.mem, &g);
    return ps_session_end(&s, st);
}

int penstock_graph_open(struct penstock_graph **out, const char *path, const char *const *options)
{
    struct ps_session *s;
    struct penstock_graph *g;
    ps_status st;

    *out = NULL;
    st = ps_session_new(&s, PS_CMD_TRAIN, path, options);
    if (st != PS_OK)
        return ps_exit_code(st);
    st = PS_NEW(&s->ctx.mem, PS_MEM_OTHER, g, 1);
    if (st != PS_OK)
        return ps_session_end(&s, st);
    g->session = s;
    st = ps_world_open(&g->world, &s->ctx, &s->opts);
    if (st == PS_OK)
        st = ps_world_outcome(g->world, open_share(g, path));
    if (st != PS_OK)
        return close_graph(g, st);
    *out = g;
    return PENSTOCK_OK;
}

void penstock_graph_close(struct penstock_graph **g)
{
    if (*g != NULL)
        (void)close_graph(*g, PS_OK);
    *g = NULL;
}

const struct penstock_facts *penstock_graph_facts(const struct penstock_graph *g)
{
    return &g->facts;
}

const int32_t *penstock_graph_labels(const struct penstock_graph *g)
{
    return g->shard->label;
}

const uint8_t *penstock_graph_split(const struct penstock_graph *g)
{
    return g->shard->split;
}

int penstock_graph_use_split(struct penstock_graph *g, uint32_t k)
{
    return ps_graph_code(g, ps_shard_use_split(g->shard, k));
}

uint64_t penstock_graph_in_degree(const struct penstock_graph *g, uint64_t v)
{
    return v < g->shard->count ? ps_shard_degree(g->shard, v) : 0;
}

static PS_MUST ps_status input_ids(const struct penstock_graph *g, uint64_t first, uint64_t count,
                                   uint64_t *id)
{
    if (first > g->shard->count || count > g->shard->count - first)
        PS_FAIL(PS_EUSAGE,
                "%" PRIu64 " nodes from own node %" PRIu64 ", but this rank has %" PRIu64, count,
                first, g->shard->count);
    return ps_shard_read_orig_ids(g->shard, first, count, id);
}

int penstock_graph_input_ids(const struct penstock_graph *g, uint64_t first, uint64_t count,
                             uint64_t *id)
{
    return ps_session_code(g->session, input_ids(g, first, count, id));
}

ps_status ps_graph_check_nodes(struct penstock_graph *g, const uint64_t *node, uint32_t count)
{
    struct ps_mem *m = &g->session->ctx.mem;

    if (count == 0) /* the pointer may be NULL */
        return PS_OK;
    for (uint32_t i = 0; i < count; i++)
        if (node[i] >= g->facts.nodes)
            PS_FAIL(PS_EUSAGE, "node %" PRIu64 " (index %u) is not one of the %" PRIu64 " of %s",
                    node[i], i, g->facts.nodes, g->facts.name);
    PS_TRY(PS_GROW(m, PS_MEM_OTHER, g->sorted, g->sorted_cap, count, 0));
    memcpy(g->sorted, node, count * sizeof *node);
    ps_sort_u64(g->sorted, count);
    for (uint32_t i = 1; i < count; i++)
        if (g->sorted[i] == g->sorted[i - 1])
            PS_FAIL(PS_EUSAGE, "node %" PRIu64 " is listed more than once", g->sorted[i]);
    return PS_OK;
}

/* Rows as they came, as float32 rows. */
static void write_out(const struct ps_rows *r, float *row)
{
    if (r->count == 0)
        return;
    if (r->packed.base != NULL) {
        ps_packed_unpack(1, &r->packed, r->count, r->dim, row);
        return;
    }
    memset(row, 0, (size_t)r->count * r->dim * sizeof *row);
    for (uint32_t i = 0; i < r->count; i++)
        for (uint64_t e = r->row_begin[i]; e < r->row_begin[i + 1]; e++)
            row[(size_t)i * r->dim + r->col[e]] = r->value != NULL ? r->value[e] : 1;
}

/* The nodes as a batch, and a slab that holds this batch and the one before. */
static PS_MUST ps_status make_room(struct penstock_graph *g, const uint64_t *node, uint32_t count)
{
    static const struct ps_batch_id none = {0, 0, 0};
    uint64_t slots = ps_max(2 * (uint64_t)count, 1024);

    PS_TRY(ps_graph_check_nodes(g, node, count));
    PS_TRY(ps_sample_begin(&g->asked, &none, node, count));
    if (g->slots >= slots)
        return PS_OK;
    ps_row_window_free(&g->rows);
    g->slots = 0;
    PS_TRY(ps_row_window_new(&g->rows, g->shard, slots));
    g->slots = slots;
    return PS_OK;
}

static PS_MUST ps_status fetch_rows(struct penstock_graph *g, const uint64_t *node, uint32_t count,
                                    float *row)
{
    struct ps_rows rows;

    if (g->facts.feature_dim == 0) /* known to all ranks */
        PS_FAIL(PS_EUSAGE, "%s has no features", g->facts.name);
    PS_TRY(ps_world_agree(g->world, make_room(g, node, count)));
    PS_TRY(ps_world_agree(g->world, ps_row_window_run(g->rows, PS_OK, &g->asked, 1, 1, &g->found)));
    rows = ps_row_window_rows(g->rows, &g->found);
    write_out(&rows, row);
    return PS_OK;
}

int penstock_graph_rows(struct penstock_graph *g, const uint64_t *node, uint32_t count, float *row)
{
    return ps_graph_code(g, fetch_rows(g, node, count, row));
}
