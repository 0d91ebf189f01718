/* SPDX-License-Identifier: Apache-2.0 */
/*
 * `partition`: read, decide where to cut, write in the new order, report.
 *
 * Report: name, path, method, nodes, edges, parts, edge_cut (share of edges between partitions),
 * balance_nodes, balance_edges, balance_train (largest partition over the mean one, training
 * nodes of split 0; 1 where there are none), halo (distinct remote sources of each partition,
 * summed, over nodes), seconds; with --json also partitions, a list of {nodes, edges, train,
 * remote_edges, halo}.
 */
#include "src/graph/ingest.h"

#include "io/dataset_write.h"
#include "src/graph/note.h"
#include "src/graph/partition.h"

#include <stdlib.h>
#include <string.h>

void ps_cut_fini(struct ps_mem *m, struct ps_cut *c)
{
    ps_mem_free(m, &c->offsets);
    ps_mem_free(m, &c->old_of);
    ps_mem_free(m, &c->new_of);
}

struct job {
    struct ps_ctx *ctx;
    const struct ps_opts *o;
    struct ps_dataset *ds;
    struct ps_source source;
    struct ps_cut cut;
    struct ps_cut_counts *counts; /* (parts) */
    struct ps_dataset_writer *w;
    char *provenance;
};

static void job_fini(struct job *j)
{
    struct ps_mem *m = &j->ctx->mem;

    ps_dataset_abort(&j->w);
    ps_source_fini(&j->source);
    ps_cut_fini(m, &j->cut);
    ps_mem_free(m, &j->counts);
    ps_dataset_close(&j->ds);
    free(j->provenance);
}

/* The command, and what the input said about itself; as text where that is no JSON. */
static PS_MUST ps_status make_provenance(struct job *j, const char *command)
{
    const struct ps_meta *in = ps_dataset_meta(j->ds);
    const char *before = in->provenance != NULL ? in->provenance : "";
    json_t *root = json_object(), *inputs = json_array(), *input = json_object(), *old;
    ps_status st;

    PS_GO(st, ps_note_text(root, "command", command));
    PS_GO(st, ps_note_text(root, "partitioner", ps_opts_choice(j->o, "method")));
    PS_GO(st, ps_note_u64(root, "seed", j->o->common.seed));
    PS_GO(st, ps_note_text(input, "dataset", ps_dataset_path(j->ds)));
    PS_GO(st, ps_note_text(input, "uuid", in->uuid));
    old = json_loads(before, 0, NULL);
    if (old != NULL)
        PS_GO(st, ps_note_json(input, "provenance", old));
    else
        PS_GO(st, ps_note_text(input, "provenance", before));
    if (json_array_append(inputs, input) != 0)
        PS_GO_FAIL(st, PS_EMEM, "out of memory writing the provenance");
    PS_GO(st, ps_note_json(root, "inputs", json_incref(inputs)));
    j->provenance = json_dumps(root, JSON_COMPACT | JSON_REAL_PRECISION(15));
    if (j->provenance == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory writing the provenance");
out:
    json_decref(input);
    json_decref(inputs);
    json_decref(root);
    return st;
}

static PS_MUST ps_status create(struct job *j)
{
    struct ps_meta meta = *ps_dataset_meta(j->ds); /* counts, features, task and so on carry over */

    meta.parts = j->cut.parts;
    meta.part_offsets = j->cut.offsets;
    meta.train_offsets = NULL;
    meta.provenance = NULL;
    meta.edge_cut = 0;
    snprintf(meta.partitioner, sizeof meta.partitioner, "%s", ps_opts_choice(j->o, "method"));
    return ps_dataset_create(&j->w, j->ctx, j->o->common.out, j->o->common.force, &meta);
}

static double over(uint64_t a, double b)
{
    return b > 0 ? (double)a / b : 0;
}

struct totals {
    struct ps_cut_counts sum, most;
};

static struct totals add_up(const struct ps_cut_counts *c, uint32_t parts)
{
    struct totals t = {0};

    for (uint32_t k = 0; k < parts; k++) {
        t.sum.nodes += c[k].nodes, t.most.nodes = ps_max(t.most.nodes, c[k].nodes);
        t.sum.edges += c[k].edges, t.most.edges = ps_max(t.most.edges, c[k].edges);
        t.sum.train += c[k].train, t.most.train = ps_max(t.most.train, c[k].train);
        t.sum.remote += c[k].remote;
        t.sum.halo += c[k].halo;
    }
    return t;
}

/* Largest over mean; 1 where there is nothing to balance. */
static double balance(uint64_t most, uint64_t sum, uint32_t parts)
{
    return sum > 0 ? over(most, (double)sum / parts) : 1;
}

static PS_MUST ps_status note_partitions(const struct job *j, json_t *report)
{
    json_t *list = json_array(), *one = NULL;
    ps_status st = PS_OK;

    for (uint32_t k = 0; k < j->cut.parts; k++) {
        const struct ps_cut_counts *c = &j->counts[k];
        one = json_object();
        PS_GO(st, ps_note_u64(one, "nodes", c->nodes));
        PS_GO(st, ps_note_u64(one, "edges", c->edges));
        PS_GO(st, ps_note_u64(one, "train", c->train));
        PS_GO(st, ps_note_u64(one, "remote_edges", c->remote));
        PS_GO(st, ps_note_u64(one, "halo", c->halo));
        if (json_array_append(list, one) != 0)
            PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
        json_decref(one);
        one = NULL;
    }
    PS_GO(st, ps_note_json(report, "partitions", json_incref(list)));
out:
    json_decref(one);
    json_decref(list);
    return st;
}

static PS_MUST ps_status fill_report(const struct job *j, const struct totals *t, json_t *r)
{
    uint32_t parts = j->cut.parts;

    PS_TRY(ps_note_text(r, "name", ps_dataset_meta(j->ds)->name));
    PS_TRY(ps_note_text(r, "path", j->o->common.out));
    PS_TRY(ps_note_text(r, "method", ps_opts_choice(j->o, "method")));
    PS_TRY(ps_note_u64(r, "nodes", t->sum.nodes));
    PS_TRY(ps_note_u64(r, "edges", t->sum.edges));
    PS_TRY(ps_note_u64(r, "parts", parts));
    PS_TRY(ps_note_real(r, "edge_cut", over(t->sum.remote, (double)t->sum.edges)));
    PS_TRY(ps_note_real(r, "balance_nodes", balance(t->most.nodes, t->sum.nodes, parts)));
    PS_TRY(ps_note_real(r, "balance_edges", balance(t->most.edges, t->sum.edges, parts)));
    PS_TRY(ps_note_real(r, "balance_train", balance(t->most.train, t->sum.train, parts)));
    PS_TRY(ps_note_real(r, "halo", over(t->sum.halo, (double)t->sum.nodes)));
    return j->o->common.json ? note_partitions(j, r) : PS_OK;
}

static PS_MUST ps_status cut(struct job *j)
{
    const struct ps_meta *in = ps_dataset_meta(j->ds);

    if (j->o->partition.parts > in->nodes)
        PS_FAIL(PS_EUSAGE,
                "%s has %" PRIu64 " nodes, too few for %" PRIu64 " partitions: each needs one",
                ps_dataset_path(j->ds), in->nodes, j->o->partition.parts);
    ps_source_init(&j->source, j->ctx, j->ds);
    if (j->o->partition.method == PS_METHOD_METIS)
        return ps_cut_metis(&j->source, j->o, &j->cut);
    if (j->o->partition.method == PS_METHOD_HASH)
        return ps_cut_hash(&j->source, ps_u32(j->o->partition.parts), j->o->common.seed, &j->cut);
    return ps_cut_range(&j->source, ps_u32(j->o->partition.parts), &j->cut);
}

static PS_MUST ps_status run(struct job *j, const char *in, const char *command, json_t *report)
{
    struct totals t;

    PS_TRY(ps_dataset_open(&j->ds, j->ctx, in));
    PS_TRY(cut(j));
    PS_TRY(PS_NEW(&j->ctx->mem, PS_MEM_OTHER, j->counts, j->cut.parts));
    PS_TRY(make_provenance(j, command));
    PS_TRY(create(j));
    PS_TRY(ps_cut_write(&j->source, &j->cut, j->w, j->counts));
    t = add_up(j->counts, j->cut.parts);
    ps_dataset_writer_meta(j->w)->edge_cut = over(t.sum.remote, (double)t.sum.edges);
    ps_dataset_writer_meta(j->w)->provenance = j->provenance;
    PS_TRY(fill_report(j, &t, report));
    return ps_dataset_finish(&j->w);
}

ps_status ps_partition(struct ps_ctx *ctx, const struct ps_opts *o, const char *in,
                       const char *command, json_t *report)
{
    struct job j = {.ctx = ctx, .o = o};
    uint64_t start = ps_now_ns();
    ps_status st;

    PS_TRY(ps_note_free_path(o->common.out, o->common.force));
    st = run(&j, in, command, report);
    job_fini(&j);
    PS_TRY(st);
    return ps_note_real(report, "seconds", (double)(ps_now_ns() - start) * 1e-9);
}
