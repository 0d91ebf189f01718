/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cut.h
 * @brief Cutting a dataset and checking that the result is the input in another order: mapped
 *        back by orig_id it is equal, value for value; and what the report says is recounted.
 */
#ifndef TESTS_CUT_H
#define TESTS_CUT_H

#include "tests/whole.h"

#include "src/graph/ingest.h"

#include <math.h>

/** Cut dataset @p in of folder @p dir into @p out. @return the report */
static inline json_t *cut(const char *dir, struct ps_ctx *ctx, struct ps_opts *o, const char *in,
                          const char *out, uint64_t parts, uint64_t method)
{
    json_t *report = json_object();
    char path[PS_TEST_PATH_BYTES];

    ps_opts_init(o);
    o->common.json = o->common.force = true;
    o->partition.parts = parts;
    o->partition.method = method;
    snprintf(o->common.out, sizeof o->common.out, "%s/%s", dir, out);
    assert_ok(ps_partition(ctx, o, ps_test_path(path, dir, in), "penstock partition", report));
    assert_int_equal(ps_mem_live(&ctx->mem), 0);
    return report;
}

static inline void read_whole(const char *dir, struct whole *w, struct ps_ctx *ctx,
                              const char *name)
{
    char path[PS_TEST_PATH_BYTES];

    whole_read(w, ctx, ps_test_path(path, dir, name));
}

/* Input id of each output id, through orig_id: a bijection, or the test fails. */
static inline uint64_t *map_back(const struct whole *a, const struct whole *b)
{
    uint64_t n = a->meta->nodes, *old = calloc(n, sizeof *old);
    struct ps_sort_pair *x = calloc(n, sizeof *x), *y = calloc(n, sizeof *y);

    assert_int_equal(b->meta->nodes, n);
    for (uint64_t v = 0; v < n; v++) {
        x[v] = (struct ps_sort_pair){((uint64_t *)(void *)a->row[PS_ARRAY_ORIG_ID])[v], v};
        y[v] = (struct ps_sort_pair){((uint64_t *)(void *)b->row[PS_ARRAY_ORIG_ID])[v], v};
    }
    ps_sort_pairs(x, n);
    ps_sort_pairs(y, n);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(x[i].id == y[i].id && (i == 0 || y[i].id != y[i - 1].id));
        old[y[i].with] = x[i].with;
    }
    free(x);
    free(y);
    return old;
}

/* Edges of row v of b, named by the ids of a, with the bits of their weights: sorted. */
static inline uint64_t row_of(const struct whole *w, uint64_t v, const uint64_t *old,
                              struct ps_sort_pair *out)
{
    uint64_t begin = w->indptr[v], count = w->indptr[v + 1] - begin;

    for (uint64_t j = 0; j < count; j++) {
        uint64_t u = w->indices[begin + j];
        uint32_t bits = 0;
        if (w->weights != NULL)
            memcpy(&bits, &w->weights[begin + j], sizeof bits);
        out[j] = (struct ps_sort_pair){old != NULL ? old[u] : u, bits};
    }
    ps_sort_pairs(out, count);
    return count;
}

static inline void check_edges(const struct whole *a, const struct whole *b, const uint64_t *old)
{
    uint64_t cap = a->meta->edges + 1;
    struct ps_sort_pair *x = calloc(cap, sizeof *x), *y = calloc(cap, sizeof *y);

    assert_int_equal(a->meta->edges, b->meta->edges);
    for (uint64_t v = 0; v < b->meta->nodes; v++) {
        uint64_t n = row_of(b, v, old, y);
        assert_int_equal(row_of(a, old[v], NULL, x), n);
        assert_bytes_equal(x, y, n * sizeof *x);
    }
    free(x);
    free(y);
}

static inline void check_rows(const struct whole *a, const struct whole *b, const uint64_t *old)
{
    static const enum ps_array_id id[] = {PS_ARRAY_FEATURES, PS_ARRAY_LABELS, PS_ARRAY_OUT_DEGREE};
    uint64_t n = a->meta->nodes;

    for (uint64_t v = 0; v < n; v++) {
        for (int i = 0; i < 3; i++) {
            uint64_t bytes = a->row_bytes[id[i]];
            assert_int_equal(b->row_bytes[id[i]], bytes);
            if (bytes == 0)
                continue;
            assert_bytes_equal(a->row[id[i]] + old[v] * bytes, b->row[id[i]] + v * bytes, bytes);
        }
        for (uint32_t s = 0; s < a->meta->splits; s++)
            assert_int_equal(a->split[s * n + old[v]], b->split[s * n + v]);
        for (int i = PS_ARRAY_FEATURES_INDICES; i <= PS_ARRAY_FEATURES_VALUES; i++) {
            uint64_t bytes = a->row_bytes[i], from, to, count;
            if (a->fptr == NULL || a->row[i] == NULL)
                continue;
            from = a->fptr[old[v]], to = b->fptr[v], count = b->fptr[v + 1] - to;
            assert_int_equal(a->fptr[old[v] + 1] - from, count);
            assert_bytes_equal(a->row[i] + from * bytes, b->row[i] + to * bytes, count * bytes);
        }
    }
}

static inline double number(const json_t *j, const char *key)
{
    const json_t *x = json_object_get(j, key);

    if (!json_is_number(x))
        fail_msg("the report has no number '%s'", key);
    return json_number_value(x);
}

static inline void assert_number(const json_t *j, const char *key, double want)
{
    if (fabs(number(j, key) - want) > 1e-12)
        fail_msg("%s is %.15g, counted %.15g", key, number(j, key), want);
}

struct recount {
    double nodes, edges, train, remote, halo;
};

static inline struct recount count_part(const struct whole *w, uint32_t k)
{
    uint64_t first = w->meta->part_offsets[k], end = w->meta->part_offsets[k + 1];
    struct recount c = {.nodes = (double)(end - first)};
    unsigned char *seen = calloc(w->meta->nodes, 1);

    for (uint64_t v = first; v < end; v++) {
        c.train += w->meta->splits > 0 && w->split[v] == PS_SPLIT_TRAIN;
        for (uint64_t e = w->indptr[v]; e < w->indptr[v + 1]; e++) {
            uint64_t u = w->indices[e];
            bool far = u < first || u >= end;
            c.edges++;
            c.remote += far;
            c.halo += far && !seen[u];
            seen[u] |= far;
        }
    }
    free(seen);
    return c;
}

static inline void check_report(const json_t *r, const struct whole *w)
{
    struct recount sum = {0}, most = {0};
    uint32_t parts = w->meta->parts;

    for (uint32_t k = 0; k < parts; k++) {
        struct recount c = count_part(w, k);
        const json_t *one = json_array_get(json_object_get(r, "partitions"), k);
        assert_true(c.nodes > 0);
        assert_number(one, "nodes", c.nodes);
        assert_number(one, "edges", c.edges);
        assert_number(one, "train", c.train);
        assert_number(one, "remote_edges", c.remote);
        assert_number(one, "halo", c.halo);
        sum.nodes += c.nodes, most.nodes = fmax(most.nodes, c.nodes);
        sum.edges += c.edges, most.edges = fmax(most.edges, c.edges);
        sum.train += c.train, most.train = fmax(most.train, c.train);
        sum.remote += c.remote, sum.halo += c.halo;
    }
    assert_number(r, "edge_cut", sum.edges > 0 ? sum.remote / sum.edges : 0);
    assert_true(fabs(w->meta->edge_cut - number(r, "edge_cut")) < 1e-12);
    assert_number(r, "halo", sum.halo / sum.nodes);
    assert_number(r, "balance_nodes", most.nodes * parts / sum.nodes);
    assert_number(r, "balance_edges", sum.edges > 0 ? most.edges * parts / sum.edges : 1);
    assert_number(r, "balance_train", sum.train > 0 ? most.train * parts / sum.train : 1);
}

static inline void check_meta(const struct whole *a, const struct whole *b, uint64_t parts,
                              uint64_t method)
{
    static const char *const name[] = {"range", "metis", "hash"};

    assert_int_equal(b->meta->parts, parts);
    assert_string_equal(b->meta->partitioner, name[method]);
    assert_string_equal(a->meta->name, b->meta->name);
    assert_string_not_equal(a->meta->uuid, b->meta->uuid);
    assert_non_null(strstr(b->meta->provenance, a->meta->uuid));
    assert_non_null(strstr(b->meta->provenance, "penstock partition"));
    assert_int_equal(a->meta->task, b->meta->task);
    assert_int_equal(a->meta->classes, b->meta->classes);
    assert_int_equal(a->meta->symmetrised, b->meta->symmetrised);
    for (uint32_t s = 0; s < a->meta->splits; s++)
        assert_int_equal(b->meta->train_offsets[s * (parts + 1) + parts],
                         a->meta->train_offsets[(s + 1) * (a->meta->parts + 1) - 1]);
}

/** Cut @p in and check everything. */
static inline void check_cut(const char *dir, struct ps_ctx *ctx, const char *in, uint64_t parts,
                             uint64_t method)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    json_t *r = cut(dir, ctx, o, in, "out.ps", parts, method);
    struct whole a, b;
    uint64_t *old;

    read_whole(dir, &a, ctx, in);
    read_whole(dir, &b, ctx, "out.ps");
    old = map_back(&a, &b);
    check_edges(&a, &b, old);
    check_rows(&a, &b, old);
    check_meta(&a, &b, parts, method);
    check_report(r, &b);
    for (uint64_t v = 0; method == PS_METHOD_RANGE && v < a.meta->nodes; v++)
        assert_int_equal(old[v], v);
    free(old);
    json_decref(r);
    free(o);
    whole_free(&a);
    whole_free(&b);
}

#endif
