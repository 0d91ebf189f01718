/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the graph of sbm.h as a dataset of one partition, in chunks of nodes.
 *
 * Two passes at least: the first adds up the degrees, so that the file can be given its size;
 * the second draws the sources, writes everything and counts out-degrees. Counting takes 4
 * bytes for each node. Where that is more than a quarter of the budget, a pass counts one
 * window of ids only, and further passes draw the same edges again for the other windows.
 *
 * Report: name, path, nodes, edges, classes, communities, feature_dim, mean_in_degree,
 * max_in_degree, train, valid, test, seconds and these shares of the edges:
 *   share_in_community  source and target are of one community
 *   share_near          their ids differ by at most near_window
 *   share_same_class    source and target are of one class
 *   drawn_in_community, drawn_near  drawn as such, as the model says; what a community was too
 *                       small for was drawn anywhere
 */
#include "src/graph/ingest.h"

#include "src/graph/generate.h"
#include "src/graph/note.h"
#include "src/graph/sbm.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK_NODES_MAX = 1 << 16 };

struct tally {
    uint64_t in_community, near, same_class, drawn[PS_SBM_DRAWN_COUNT];
};

struct generator {
    struct ps_ctx *ctx;
    struct ps_dataset_writer *w;
    struct ps_sbm model;
    struct tally tally;
    uint64_t edges, degree_max;
    uint64_t chunk_nodes, chunk_edges, window; /* how much is in memory at once */
    uint64_t *indptr;                          /* (chunk_nodes + 1) from 0 for each chunk */
    uint64_t *around_sum; /* (chunk_nodes + 2 near_window + 1) where sources are near by degree */
    struct ps_sbm_around around; /* of the chunk */
    uint64_t *sources;           /* (chunk_edges) */
    uint64_t *slots, slots_each; /* (threads, slots_each) */
    float *centre;               /* (classes, features), or NULL: made each time */
    uint32_t *out_degree;        /* (window) */
    int threads;
};

/* First pass: how many edges, and how many the largest node has. */
static void add_up_degrees(struct generator *g)
{
    uint64_t edges = 0, most = 0;

#pragma omp parallel for num_threads(g->threads) schedule(static) default(none) shared(g)          \
    reduction(+ : edges) reduction(max : most)
    for (uint64_t v = 0; v < g->model.nodes; v++) {
        uint64_t d = ps_sbm_degree(&g->model, v);
        edges += d;
        most = ps_max(most, d);
    }
    g->edges = edges;
    g->degree_max = most;
}

/* Sizes of the buffers: half of what the budget has left, 64 MiB without one. The graph does
 * not depend on them. */
static void set_sizes(struct generator *g)
{
    const struct ps_sbm *m = &g->model;
    uint64_t limit = atomic_load(&g->ctx->mem.limit_bytes);
    uint64_t used = atomic_load(&g->ctx->mem.used_bytes);
    uint64_t half = limit == 0 ? UINT64_C(64) << 20 : (limit - ps_min(limit, used)) / 2;

    g->window = limit == 0 ? m->nodes : ps_min(m->nodes, ps_max(1, half / 2 / 4));
    g->chunk_nodes = ps_max(1, ps_min(m->nodes, ps_min(half / 8 / 8, CHUNK_NODES_MAX)));
    g->chunk_edges = ps_max(1, ps_max(g->degree_max, ps_min(g->edges, half / 8 / 8)));
    g->slots_each = ps_sbm_slots(g->degree_max);
}

static PS_MUST ps_status take_buffers(struct generator *g)
{
    struct ps_mem *mem = &g->ctx->mem;
    const struct ps_sbm *m = &g->model;
    uint64_t limit = atomic_load(&mem->limit_bytes);
    uint64_t centre_bytes = (uint64_t)m->classes * m->features * sizeof(float);

    PS_TRY(PS_NEW(mem, PS_MEM_TOPOLOGY, g->indptr, g->chunk_nodes + 1));
    if (m->near_by_degree)
        PS_TRY(
            PS_NEW(mem, PS_MEM_TOPOLOGY, g->around_sum, g->chunk_nodes + 2 * m->near_window + 1));
    PS_TRY(PS_NEW(mem, PS_MEM_TOPOLOGY, g->sources, g->chunk_edges));
    PS_TRY(PS_NEW(mem, PS_MEM_TOPOLOGY, g->slots, g->slots_each * (uint64_t)g->threads));
    PS_TRY(PS_NEW(mem, PS_MEM_TOPOLOGY, g->out_degree, g->window));
    if (centre_bytes > (limit == 0 ? UINT64_C(1) << 30 : limit / 16))
        return PS_OK;
    PS_TRY(PS_NEW(mem, PS_MEM_ROWS, g->centre, (uint64_t)m->classes * m->features));
    for (uint32_t c = 0; c < m->classes; c++)
        ps_sbm_centre(m, c, g->centre + (size_t)c * m->features);
    return PS_OK;
}

static void give_graph_buffers(struct generator *g)
{
    struct ps_mem *mem = &g->ctx->mem;

    ps_mem_free(mem, &g->indptr);
    ps_mem_free(mem, &g->around_sum);
    ps_mem_free(mem, &g->sources);
    ps_mem_free(mem, &g->slots);
    ps_mem_free(mem, &g->out_degree);
}

/* What one row adds to the counts. */
static void tally_row(const struct ps_sbm *m, uint64_t v, const uint64_t *source, uint64_t degree,
                      struct tally *t)
{
    uint64_t c = ps_sbm_community(m, v), begin = ps_sbm_community_begin(m, c);
    uint64_t end = ps_sbm_community_begin(m, c + 1), window = ps_sbm_window(m);
    uint32_t class = (uint32_t)(c % m->classes);

    for (uint64_t j = 0; j < degree; j++) {
        uint64_t u = source[j];
        bool inside = u >= begin && u < end;
        t->in_community += inside;
        t->near += (u > v ? u - v : v - u) <= window;
        t->same_class += inside || ps_sbm_class(m, u) == class;
    }
}

/* Called by all threads at the same time. */
static void tally_add(struct tally *to, const struct tally *t)
{
#pragma omp atomic
    to->in_community += t->in_community;
#pragma omp atomic
    to->near += t->near;
#pragma omp atomic
    to->same_class += t->same_class;
    for (int k = 0; k < PS_SBM_DRAWN_COUNT; k++) {
#pragma omp atomic
        to->drawn[k] += t->drawn[k];
    }
}

/* Sources of nodes first + [from, to) of the chunk, from g->sources on; those in the window
 * that begins at @p low are counted. Sums of integers: the order of threads does not matter. */
static void draw_rows(struct generator *g, uint64_t first, uint64_t from, uint64_t to, uint64_t low)
{
    int next = 0;

#pragma omp parallel num_threads(g->threads) default(none) shared(g, first, from, to, low, next)
    {
        struct tally mine = {0};
        uint64_t *slots;
        int me;
#pragma omp atomic capture
        me = next++;
        slots = g->slots + (uint64_t)me * g->slots_each;
#pragma omp for schedule(dynamic, 64)
        for (uint64_t i = from; i < to; i++) {
            uint64_t *row = g->sources + (g->indptr[i] - g->indptr[from]);
            uint64_t degree = g->indptr[i + 1] - g->indptr[i];
            ps_sbm_sources(&g->model, &g->around, first + i, degree, slots, row, mine.drawn);
            if (low == 0)
                tally_row(&g->model, first + i, row, degree, &mine);
            for (uint64_t j = 0; j < degree; j++) {
                uint64_t at = row[j] - low; /* below the window: wraps to far above it */
                if (at < g->window) {
#pragma omp atomic
                    g->out_degree[at]++; /* N - 1 at most, and the mean is below 2^20 */
                }
            }
        }
        if (low == 0)
            tally_add(&g->tally, &mine);
    }
}

static void set_indptr(struct generator *g, uint64_t first, uint64_t count)
{
#pragma omp parallel for num_threads(g->threads) schedule(static) default(none)                    \
    shared(g, first, count)
    for (uint64_t i = 0; i < count; i++)
        g->indptr[i + 1] = ps_sbm_degree(&g->model, first + i);
    g->indptr[0] = 0;
    for (uint64_t i = 0; i < count; i++)
        g->indptr[i + 1] += g->indptr[i];
}

/* Degrees of the chunk and of what may be near it, added up. */
static void set_around(struct generator *g, uint64_t first, uint64_t count)
{
    uint64_t begin, end, unused;

    if (g->around_sum == NULL)
        return;
    ps_sbm_near(&g->model, first, &begin, &unused);
    ps_sbm_near(&g->model, first + count - 1, &unused, &end);
    g->around = (struct ps_sbm_around){begin, g->around_sum};
#pragma omp parallel for num_threads(g->threads) schedule(static) default(none)                    \
    shared(g, begin, end)
    for (uint64_t v = begin; v < end; v++)
        g->around_sum[v - begin + 1] = ps_sbm_degree(&g->model, v);
    g->around_sum[0] = 0;
    for (uint64_t i = 0; i < end - begin; i++)
        g->around_sum[i + 1] += g->around_sum[i];
}

/* The edges of one chunk, in batches that fit g->sources. */
static PS_MUST ps_status do_edges(struct generator *g, uint64_t first, uint64_t count, uint64_t low)
{
    set_indptr(g, first, count);
    set_around(g, first, count);
    for (uint64_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count; to++)
            if (g->indptr[to + 1] - g->indptr[from] > g->chunk_edges)
                break;
        draw_rows(g, first, from, to, low);
        if (low == 0)
            PS_TRY(ps_dataset_write(g->w, PS_ARRAY_INDICES, 0, g->sources,
                                    g->indptr[to] - g->indptr[from]));
    }
    return PS_OK;
}

/* @p before: edges of the chunks before this one. */
static PS_MUST ps_status write_indptr(struct generator *g, uint64_t first, uint64_t count,
                                      uint64_t before)
{
    for (uint64_t i = 0; i <= count; i++)
        g->indptr[i] += before;
    if (first == 0) /* the first chunk has the leading 0 */
        return ps_dataset_write(g->w, PS_ARRAY_INDPTR, 0, g->indptr, count + 1);
    return ps_dataset_write(g->w, PS_ARRAY_INDPTR, 0, g->indptr + 1, count);
}

/* What a node is, for ps_generate_nodes. */
static void node_row(const void *arg, uint64_t v, float *row)
{
    const struct generator *g = arg;
    uint32_t c = ps_sbm_class(&g->model, v);
    size_t dim = g->model.features;

    if (g->centre != NULL)
        memcpy(row, g->centre + c * dim, dim * sizeof *row);
    else
        ps_sbm_centre(&g->model, c, row);
    ps_sbm_add_noise(&g->model, v, row);
}
static int32_t node_label(const void *arg, uint64_t v)
{
    return (int32_t)ps_sbm_class(&((const struct generator *)arg)->model, v);
}
static uint8_t node_split(const void *arg, uint64_t v)
{
    return ps_sbm_split(&((const struct generator *)arg)->model, v);
}

static PS_MUST ps_status write_graph(struct generator *g)
{
    uint64_t n = g->model.nodes, before = 0;

    for (uint64_t low = 0; low < n; low += g->window) {
        memset(g->out_degree, 0, g->window * sizeof *g->out_degree);
        for (uint64_t first = 0; first < n; first += g->chunk_nodes) {
            uint64_t count = ps_min(g->chunk_nodes, n - first), edges;
            PS_TRY(do_edges(g, first, count, low));
            if (low > 0)
                continue;
            edges = g->indptr[count];
            PS_TRY(write_indptr(g, first, count, before));
            before += edges;
        }
        PS_TRY(ps_dataset_write(g->w, PS_ARRAY_OUT_DEGREE, 0, g->out_degree,
                                ps_min(g->window, n - low)));
    }
    PS_ASSERT(before == g->edges);
    return PS_OK;
}

static PS_MUST ps_status create(struct generator *g, const struct ps_opts *o)
{
    uint64_t offsets[2];
    struct ps_meta meta;

    PS_TRY(ps_generate_meta(&meta, o, offsets));
    return ps_dataset_create(&g->w, g->ctx, o->common.out, o->common.force, &meta);
}

static PS_MUST ps_status write_provenance(struct generator *g, const struct ps_opts *o,
                                          const char *command, char **text)
{
    json_t *j = json_object();
    ps_status st;

    PS_GO(st, ps_note_text(j, "command", command));
    PS_GO(st, ps_note_text(j, "generator", "sbm"));
    PS_GO(st, ps_note_u64(j, "seed", o->common.seed));
    PS_GO(st, ps_note_u64(j, "communities", g->model.communities));
    PS_GO(st, ps_note_real(j, "mean_degree", g->model.mean));
    PS_GO(st, ps_note_real(j, "exponent", g->model.tail + 1));
    PS_GO(st, ps_note_real(j, "homophily", g->model.homophily));
    PS_GO(st, ps_note_real(j, "near", g->model.near));
    PS_GO(st, ps_note_u64(j, "near_window", ps_sbm_window(&g->model)));
    PS_GO(st, ps_note_text(j, "near_weight", ps_opts_choice(o, "near-weight")));
    PS_GO(st, ps_note_real(j, "separation", o->generate.separation));
    *text = json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (*text == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory writing the provenance");
out:
    json_decref(j);
    return st;
}

static PS_MUST ps_status fill_report(const struct generator *g, const char *path, json_t *r)
{
    const struct ps_sbm *m = &g->model;
    const struct tally *t = &g->tally;

    PS_TRY(ps_note_text(r, "path", path));
    PS_TRY(ps_note_u64(r, "nodes", m->nodes));
    PS_TRY(ps_note_u64(r, "edges", g->edges));
    PS_TRY(ps_note_u64(r, "classes", m->classes));
    PS_TRY(ps_note_u64(r, "communities", m->communities));
    PS_TRY(ps_note_u64(r, "feature_dim", m->features));
    PS_TRY(ps_note_real(r, "mean_in_degree", ps_share(g->edges, m->nodes)));
    PS_TRY(ps_note_u64(r, "max_in_degree", g->degree_max));
    PS_TRY(ps_note_u64(r, "near_window", ps_sbm_window(m)));
    PS_TRY(ps_note_real(r, "share_in_community", ps_share(t->in_community, g->edges)));
    PS_TRY(ps_note_real(r, "share_near", ps_share(t->near, g->edges)));
    PS_TRY(ps_note_real(r, "share_same_class", ps_share(t->same_class, g->edges)));
    PS_TRY(ps_note_real(r, "drawn_in_community", ps_share(t->drawn[PS_SBM_COMMUNITY], g->edges)));
    PS_TRY(ps_note_real(r, "drawn_near", ps_share(t->drawn[PS_SBM_NEAR], g->edges)));
    PS_TRY(ps_note_u64(r, "train", m->split_sizes.train));
    PS_TRY(ps_note_u64(r, "valid", m->split_sizes.valid));
    return ps_note_u64(r, "test", m->split_sizes.test);
}

static PS_MUST ps_status generate(struct generator *g, const struct ps_opts *o, const char *command,
                                  json_t *report)
{
    struct ps_node_maker maker = {g, node_row, node_label, node_split};
    char *provenance = NULL;
    ps_status st;

    PS_GO(st, create(g, o)); /* first: what cannot be written is told before hours of drawing */
    add_up_degrees(g);
    PS_GO(st, write_provenance(g, o, command, &provenance));
    PS_GO(st, ps_dataset_part_begin(g->w, 0, g->edges, 0));
    set_sizes(g); /* what the writer takes is taken now */
    PS_GO(st, take_buffers(g));
    PS_GO(st, write_graph(g));
    give_graph_buffers(g);
    PS_GO(st, ps_generate_nodes(g->ctx, g->w, g->threads, &maker));
    PS_GO(st, ps_dataset_part_end(g->w));
    PS_GO(st, ps_note_text(report, "name", ps_dataset_writer_meta(g->w)->name));
    PS_GO(st, fill_report(g, o->common.out, report));
    ps_dataset_writer_meta(g->w)->provenance = provenance;
    PS_GO(st, ps_dataset_finish(&g->w));
out:
    ps_dataset_abort(&g->w);
    give_graph_buffers(g);
    ps_mem_free(&g->ctx->mem, &g->centre);
    free(provenance);
    return st;
}

ps_status ps_generate_sbm(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                          json_t *report)
{
    struct generator g = {.ctx = ctx, .threads = ps_generate_threads(o->common.threads)};
    uint64_t start = ps_now_ns();

    PS_TRY(ps_note_free_path(o->common.out, o->common.force));
    PS_TRY(ps_sbm_init(&g.model, &o->generate, o->common.seed));
    PS_TRY(generate(&g, o, command, report));
    return ps_note_real(report, "seconds", (double)(ps_now_ns() - start) * 1e-9);
}
