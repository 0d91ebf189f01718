/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writing the graph of rmat.h as a dataset of one partition. Edges come in no order, so they are
 * sorted by target as those of an import are (edges.h): drawn twice, through a file where they do
 * not fit in memory. Splits need to know who has in-edges, so they come after the sort.
 *
 * Report: name, path, nodes, edges, edges_drawn (before loops or doubles were dropped, or
 * reverses added), classes, feature_dim, mean_in_degree, max_in_degree, nodes_with_in_edges,
 * sort_ranges (1: the edges were sorted in memory), train, valid, test, seconds.
 */
#include "src/graph/ingest.h"

#include "io/file.h"
#include "src/graph/edges.h"
#include "src/graph/generate.h"
#include "src/graph/note.h"
#include "src/graph/rmat.h"
#include "src/kern/normal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct rmat_job {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_dataset_writer *w;
    struct ps_rmat model;
    struct ps_split_sizes sizes;
    struct ps_csc *csc;
    uint64_t drawn, edges, degree_max, with_in_edges;
    uint32_t sort_ranges;
    uint32_t *id_of; /* (nodes) the permutation, or NULL: computed each time */
    uint8_t *split;  /* (nodes) */
    int threads;
};

static void job_fini(struct rmat_job *j)
{
    struct ps_mem *m = &j->ctx->mem;

    ps_dataset_abort(&j->w);
    ps_csc_free(&j->csc);
    ps_mem_free(m, &j->id_of);
    ps_mem_free(m, &j->split);
}

static uint64_t index_bytes(const struct rmat_job *j)
{
    return j->model.nodes <= UINT64_C(1) << 32 ? 4 : 8;
}

/* What the edges take on disk is told before the first is drawn. Doubles may be dropped, so with
 * --dedupe only the file that is sorted through is sure. */
static PS_MUST ps_status check_room(const struct rmat_job *j, uint64_t sort_bytes)
{
    const char *out = j->o->common.out;
    uint64_t most = j->drawn * (j->o->import.symmetrise ? 2 : 1), bytes = 0;
    char dir[PATH_MAX];

    ps_dir_of(out, dir);
    if (!j->o->import.dedupe)
        bytes += most * index_bytes(j);
    if (most > sort_bytes / 8)
        bytes += most * 2 * index_bytes(j);
    return ps_dir_has_room(dir, out, bytes);
}

/* The permutation as a table, where that is a small part of the budget: edges ask for it four
 * times each. */
static PS_MUST ps_status make_table(struct rmat_job *j)
{
    struct ps_mem *m = &j->ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), n = j->model.nodes;

    if (n > UINT32_MAX || n * 4 > (limit == 0 ? UINT64_C(1) << 30 : limit / 8))
        return PS_OK;
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, j->id_of, n));
#pragma omp parallel for num_threads(j->threads) schedule(static) default(none) shared(j, n)
    for (uint64_t u = 0; u < n; u++)
        j->id_of[u] = (uint32_t)ps_rmat_id(&j->model, u);
    return PS_OK;
}

/* A ps_edges_fn. */
static PS_MUST ps_status draw_edges(void *arg, uint64_t first, uint64_t *source, uint64_t *target,
                                    size_t *n)
{
    const struct rmat_job *j = arg;
    size_t count = ps_min(PS_EDGES_CHUNK, j->drawn - first);

#pragma omp parallel for num_threads(j->threads) schedule(static) default(none)                    \
    shared(j, first, source, target, count)
    for (size_t i = 0; i < count; i++) {
        uint64_t u, v;
        ps_rmat_edge(&j->model, first + i, &u, &v);
        source[i] = j->id_of != NULL ? j->id_of[u] : ps_rmat_id(&j->model, u);
        target[i] = j->id_of != NULL ? j->id_of[v] : ps_rmat_id(&j->model, v);
    }
    *n = count;
    return PS_OK;
}

static PS_MUST ps_status sort_edges(struct rmat_job *j)
{
    const struct ps_opts_import *o = &j->o->import;
    uint64_t n = j->model.nodes, edges = j->drawn * (o->symmetrise ? 2 : 1);
    struct ps_csc_spec spec = {
        .nodes = n,
        .beside = j->o->common.out,
        .reverse = o->symmetrise,
        .drop_loops = o->drop_loops,
        .dedupe = o->dedupe,
    };
    bool fits;

    PS_TRY(ps_edges_sort_bytes(j->ctx, n, n * (j->model.features * 4 + 25) + edges * 16, "generate",
                               &spec.sort_bytes));
    PS_TRY(check_room(j, spec.sort_bytes));
    PS_TRY(ps_edges_sort(&j->csc, j->ctx, &spec, draw_edges, j, &fits));
    PS_ASSERT(fits); /* an edge is a pure function of its number */
    j->edges = ps_csc_edges(j->csc);
    j->sort_ranges = ps_csc_ranges(j->csc);
    return PS_OK;
}

static void look_at_degrees(struct rmat_job *j)
{
    const uint64_t *indptr = ps_csc_indptr(j->csc);

    for (uint64_t v = 0; v < j->model.nodes; v++) {
        uint64_t degree = indptr[v + 1] - indptr[v];
        j->degree_max = ps_max(j->degree_max, degree);
        j->with_in_edges += degree > 0;
    }
}

/* Nodes in the order of a keyed permutation: the first with in-edges train, then from the
 * beginning again those that do not train are for validation and test, whatever their edges. */
static PS_MUST ps_status deal_splits(struct rmat_job *j)
{
    const uint64_t *indptr = ps_csc_indptr(j->csc), n = j->model.nodes;
    struct ps_split_sizes left = j->sizes;

    if (j->with_in_edges < left.train)
        PS_FAIL(PS_EUSAGE,
                "--train-share %.6g of %" PRIu64 " nodes is %" PRIu64 ", but only %" PRIu64
                " have in-edges, and others do not train",
                j->o->generate.train_share, n, left.train, j->with_in_edges);
    for (uint64_t i = 0; left.train > 0; i++) {
        uint64_t v = ps_rmat_candidate(&j->model, i);
        if (indptr[v + 1] == indptr[v])
            continue;
        j->split[v] = PS_SPLIT_TRAIN;
        left.train--;
    }
    for (uint64_t i = 0; left.valid + left.test > 0; i++) {
        uint64_t v = ps_rmat_candidate(&j->model, i);
        if (j->split[v] != PS_SPLIT_NONE)
            continue;
        j->split[v] = left.valid > 0 ? PS_SPLIT_VALID : PS_SPLIT_TEST;
        *(left.valid > 0 ? &left.valid : &left.test) -= 1;
    }
    return PS_OK;
}

/* What a node is, for ps_generate_nodes. */
static void node_row(const void *arg, uint64_t v, float *row)
{
    const struct ps_rmat *m = &((const struct rmat_job *)arg)->model;

    memset(row, 0, m->features * sizeof *row);
    ps_add_normals(m->feature, v, 1, m->features, row);
}
static int32_t node_label(const void *arg, uint64_t v)
{
    return (int32_t)ps_rmat_class(&((const struct rmat_job *)arg)->model, v);
}
static uint8_t node_split(const void *arg, uint64_t v)
{
    return ((const struct rmat_job *)arg)->split[v];
}

static PS_MUST ps_status create(struct rmat_job *j)
{
    uint64_t offsets[2];
    struct ps_meta meta;

    PS_TRY(ps_generate_meta(&meta, j->o, offsets));
    meta.symmetrised = j->o->import.symmetrise;
    return ps_dataset_create(&j->w, j->ctx, j->o->common.out, j->o->common.force, &meta);
}

static PS_MUST ps_status make_provenance(const struct rmat_job *j, const char *command, char **text)
{
    const struct ps_opts_generate *g = &j->o->generate;
    json_t *r = json_object();
    ps_status st;

    PS_GO(st, ps_note_text(r, "command", command));
    PS_GO(st, ps_note_text(r, "generator", "rmat"));
    PS_GO(st, ps_note_u64(r, "seed", j->o->common.seed));
    PS_GO(st, ps_note_u64(r, "edges_drawn", j->drawn));
    PS_GO(st, ps_note_real(r, "a", g->rmat_a));
    PS_GO(st, ps_note_real(r, "b", g->rmat_b));
    PS_GO(st, ps_note_real(r, "c", g->rmat_c));
    *text = json_dumps(r, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (*text == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory writing the provenance");
out:
    json_decref(r);
    return st;
}

static PS_MUST ps_status fill_report(const struct rmat_job *j, json_t *r)
{
    PS_TRY(ps_note_text(r, "name", ps_dataset_writer_meta(j->w)->name));
    PS_TRY(ps_note_text(r, "path", j->o->common.out));
    PS_TRY(ps_note_u64(r, "nodes", j->model.nodes));
    PS_TRY(ps_note_u64(r, "edges", j->edges));
    PS_TRY(ps_note_u64(r, "edges_drawn", j->drawn));
    PS_TRY(ps_note_u64(r, "classes", j->model.classes));
    PS_TRY(ps_note_u64(r, "feature_dim", j->model.features));
    PS_TRY(ps_note_real(r, "mean_in_degree", ps_share(j->edges, j->model.nodes)));
    PS_TRY(ps_note_u64(r, "max_in_degree", j->degree_max));
    PS_TRY(ps_note_u64(r, "nodes_with_in_edges", j->with_in_edges));
    PS_TRY(ps_note_u64(r, "sort_ranges", j->sort_ranges));
    PS_TRY(ps_note_u64(r, "train", j->sizes.train));
    PS_TRY(ps_note_u64(r, "valid", j->sizes.valid));
    return ps_note_u64(r, "test", j->sizes.test);
}

static PS_MUST ps_status generate(struct rmat_job *j, const char *command, json_t *report)
{
    struct ps_node_maker maker = {j, node_row, node_label, node_split};
    char *provenance = NULL;
    ps_status st;

    PS_GO(st, create(j)); /* first: what cannot be written is told before hours of drawing */
    PS_GO(st, PS_NEW(&j->ctx->mem, PS_MEM_OTHER, j->split, j->model.nodes));
    PS_GO(st, make_table(j));
    PS_GO(st, sort_edges(j));
    ps_mem_free(&j->ctx->mem, &j->id_of);
    look_at_degrees(j);
    PS_GO(st, deal_splits(j));
    PS_GO(st, ps_edges_write(j->csc, j->w, 0));
    ps_csc_free(&j->csc);
    PS_GO(st, ps_generate_nodes(j->ctx, j->w, j->threads, &maker));
    PS_GO(st, ps_dataset_part_end(j->w));
    PS_GO(st, make_provenance(j, command, &provenance));
    PS_GO(st, fill_report(j, report));
    ps_dataset_writer_meta(j->w)->provenance = provenance;
    PS_GO(st, ps_dataset_finish(&j->w));
out:
    job_fini(j);
    free(provenance);
    return st;
}

ps_status ps_generate_rmat(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                           json_t *report)
{
    struct rmat_job j = {.ctx = ctx, .o = o, .threads = ps_generate_threads(o->common.threads)};
    const struct ps_opts_generate *g = &o->generate;
    uint64_t start = ps_now_ns();

    PS_TRY(ps_note_free_path(o->common.out, o->common.force));
    PS_TRY(ps_rmat_init(&j.model, g, o->common.seed));
    PS_TRY(ps_split_sizes_set(&j.sizes, g));
    j.drawn = g->edges > 0 ? g->edges : (uint64_t)llround(g->mean_degree * (double)g->nodes);
    PS_TRY(generate(&j, command, report));
    return ps_note_real(report, "seconds", (double)(ps_now_ns() - start) * 1e-9);
}
