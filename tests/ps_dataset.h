/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file ps_dataset.h
 * @brief A small dataset in a temporary folder, with its values beside it in memory.
 *
 * @code
 *   char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];
 *   struct ps_test_graph g;
 *   ps_test_dir_make(dir);
 *   ps_test_graph_make(&g, &(struct ps_test_shape){.nodes = 100, .parts = 3, .degree = 4});
 *   assert_ok(ps_test_graph_write(&g, &ctx, ps_test_path(path, dir, "g.ps"), false));
 *   ...
 *   ps_test_graph_free(&g);
 *   ps_test_dir_remove(dir);
 * @endcode
 *
 * Values are pure functions of the shape. Parts are uneven; with more than one part and few
 * nodes the first ones are empty.
 */
#ifndef TESTS_PS_DATASET_H
#define TESTS_PS_DATASET_H

#include "tests/ps_test.h"

#include "io/dataset_write.h"
#include "src/base/rng.h"

#include <ftw.h>
#include <string.h>
#include <unistd.h>

enum { PS_TEST_DIR_BYTES = 256, PS_TEST_PATH_BYTES = 512 };

/** A new folder below $TMPDIR or /tmp. */
static inline void ps_test_dir_make(char dir[PS_TEST_DIR_BYTES])
{
    const char *base = getenv("TMPDIR");

    snprintf(dir, PS_TEST_DIR_BYTES, "%s/penstock-test-XXXXXX", base != NULL ? base : "/tmp");
    assert_non_null(mkdtemp(dir));
}

static inline int ps_test_remove_one(const char *path, const struct stat *s, int flag,
                                     struct FTW *f)
{
    (void)s, (void)flag, (void)f;
    return remove(path);
}

static inline void ps_test_dir_remove(const char *dir)
{
    (void)nftw(dir, ps_test_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static inline const char *ps_test_path(char path[PS_TEST_PATH_BYTES], const char *dir,
                                       const char *name)
{
    assert_true(snprintf(path, PS_TEST_PATH_BYTES, "%s/%s", dir, name) < PS_TEST_PATH_BYTES);
    return path;
}

/** What a test graph is like; zeros are fine except for parts. */
struct ps_test_shape {
    uint64_t nodes;
    uint32_t parts;
    uint32_t degree; /**< largest in-degree; 0 for no edges */
    enum ps_feature_kind kind;
    enum ps_feature_type type;
    uint32_t dim;
    bool values; /**< of CSR features */
    bool wide;   /**< CSR columns of 4 bytes */
    uint32_t classes;
    bool multi_label;
    uint32_t splits;
    bool weighted;
};

/** Its values, whole, in id order; arrays that it has not are NULL. */
struct ps_test_graph {
    struct ps_test_shape shape;
    struct ps_meta meta; /**< as given to ps_dataset_create */
    uint64_t *indptr, *indices, *fptr, *orig_id;
    uint32_t *out_degree;
    float *weights, *fval;
    unsigned char *features; /**< (nodes, dim) of the type */
    unsigned char *fidx;     /**< of 2 or 4 bytes */
    unsigned char *labels, *split;
};

static inline uint64_t ps_test_number(uint64_t a, uint64_t b)
{
    return ps_mix64(a * 1000003 + b);
}

/* Distinct ascending numbers below bound, about count of them. */
static inline uint64_t ps_test_row(uint64_t *dst, uint64_t row, uint64_t count, uint64_t bound)
{
    uint64_t x = 0, n = 0;

    for (uint64_t i = 0; i < count && bound > 0; i++) {
        x += ps_test_number(row, i) % (2 * bound / (count + 1) + 1) + (i > 0);
        if (x >= bound)
            break;
        dst[n++] = x;
    }
    return n;
}

static inline void *ps_test_bytes(uint64_t bytes)
{
    void *p = calloc(bytes + 1, 1);

    if (p == NULL)
        abort();
    return p;
}

static inline void ps_test_graph_edges(struct ps_test_graph *g)
{
    const struct ps_test_shape *s = &g->shape;

    g->indptr = ps_test_bytes((s->nodes + 1) * 8);
    g->indices = ps_test_bytes(s->nodes * s->degree * 8);
    g->out_degree = ps_test_bytes(s->nodes * 4);
    g->orig_id = ps_test_bytes(s->nodes * 8);
    for (uint64_t v = 0; v < s->nodes; v++) {
        uint64_t want = s->degree > 0 ? ps_test_number(v, 77) % (s->degree + 1) : 0;
        uint64_t n = ps_test_row(g->indices + g->indptr[v], v, want, s->nodes);
        for (uint64_t i = 0; i < n; i++)
            g->out_degree[g->indices[g->indptr[v] + i]]++;
        g->indptr[v + 1] = g->indptr[v] + n;
        g->orig_id[v] = 1000 + 3 * v;
    }
    if (s->weighted)
        g->weights = ps_test_bytes(g->indptr[s->nodes] * 4);
    for (uint64_t e = 0; s->weighted && e < g->indptr[s->nodes]; e++)
        g->weights[e] = (float)(ps_test_number(e, 5) % 1000) / 16;
}

static inline void ps_test_graph_csr(struct ps_test_graph *g)
{
    const struct ps_test_shape *s = &g->shape;
    uint64_t *row = ps_test_bytes((uint64_t)s->dim * 8), z;

    g->fptr = ps_test_bytes((s->nodes + 1) * 8);
    g->fidx = ps_test_bytes(s->nodes * s->dim * 4);
    for (uint64_t v = 0; v < s->nodes; v++) {
        uint64_t n = ps_test_row(row, v + 999, ps_test_number(v, 78) % (s->dim / 2 + 1), s->dim);
        for (uint64_t i = 0; i < n; i++)
            memcpy(g->fidx + (g->fptr[v] + i) * (s->wide ? 4 : 2), &row[i], s->wide ? 4 : 2);
        g->fptr[v + 1] = g->fptr[v] + n;
    }
    z = g->fptr[s->nodes];
    if (s->values)
        g->fval = ps_test_bytes(z * 4);
    for (uint64_t i = 0; s->values && i < z; i++)
        g->fval[i] = (float)(ps_test_number(i, 6) % 100) / 8;
    free(row);
}

static inline void ps_test_graph_dense(struct ps_test_graph *g)
{
    static const uint64_t item[] = {4, 2, 1};
    uint64_t items = g->shape.nodes * g->shape.dim, bytes = item[g->shape.type];

    g->features = ps_test_bytes(items * bytes);
    for (uint64_t i = 0; i < items; i++) {
        uint64_t r = ps_test_number(i, 7);
        float f = (float)(int64_t)(r % 2001 - 1000) / 64;
        uint16_t h = (uint16_t)(r & 0x80FF) | 0x3800; /* binary16 of size 0.5 to 1 */
        if (bytes == 4)
            memcpy(g->features + 4 * i, &f, 4);
        else
            memcpy(g->features + bytes * i, &h, bytes);
    }
}

static inline void ps_test_graph_labels(struct ps_test_graph *g)
{
    const struct ps_test_shape *s = &g->shape;
    uint64_t cols = (s->classes + 7) / 8;

    if (s->classes > 0)
        g->labels = ps_test_bytes(s->multi_label ? s->nodes * cols : s->nodes * 4);
    for (uint64_t v = 0; s->classes > 0 && v < s->nodes; v++) {
        uint64_t c = ps_test_number(v, 8) % (s->classes + 1);
        int32_t label = (int32_t)c - 1;
        if (s->multi_label && c < s->classes)
            g->labels[v * cols + c / 8] = (unsigned char)(1u << (c % 8));
        else if (!s->multi_label)
            memcpy(g->labels + 4 * v, &label, 4);
    }
    if (s->splits > 0)
        g->split = ps_test_bytes(s->splits * s->nodes);
    for (uint64_t i = 0; i < s->splits * s->nodes; i++)
        g->split[i] = (unsigned char)(ps_test_number(i, 9) % 4);
}

static inline void ps_test_graph_make(struct ps_test_graph *g, const struct ps_test_shape *shape)
{
    uint64_t p = shape->parts;

    memset(g, 0, sizeof *g);
    g->shape = *shape;
    ps_test_graph_edges(g);
    if (shape->kind == PS_FEATURES_CSR)
        ps_test_graph_csr(g);
    if (shape->kind == PS_FEATURES_DENSE)
        ps_test_graph_dense(g);
    ps_test_graph_labels(g);
    g->meta = (struct ps_meta){.name = "test",
                               .partitioner = "none",
                               .nodes = shape->nodes,
                               .feature_kind = shape->kind,
                               .feature_type = shape->type,
                               .feature_dim = shape->kind != PS_FEATURES_NONE ? shape->dim : 0,
                               .feature_index_bytes = shape->wide ? 4 : 2,
                               .feature_values = shape->values,
                               .classes = shape->classes,
                               .task = shape->classes == 0  ? PS_TASK_NONE
                                       : shape->multi_label ? PS_TASK_MULTI_LABEL
                                                            : PS_TASK_SINGLE_LABEL,
                               .weighted = shape->weighted,
                               .splits = shape->splits,
                               .parts = shape->parts};
    g->meta.part_offsets = ps_test_bytes((p + 1) * 8);
    for (uint64_t k = 0; k <= p; k++)
        g->meta.part_offsets[k] = shape->nodes * k * k / (p * p);
}

static inline void ps_test_graph_free(struct ps_test_graph *g)
{
    free(g->indptr), free(g->indices), free(g->fptr), free(g->orig_id), free(g->out_degree);
    free(g->weights), free(g->fval), free(g->features), free(g->fidx);
    free(g->labels), free(g->split), free(g->meta.part_offsets);
    memset(g, 0, sizeof *g);
}

/** Items of an array that part [@p a, @p b) has, and where they begin in the whole graph; those
 *  of split @p plane. Row ends (indptr) are not here: they begin at 0 in each part. @return NULL
 *  if the graph has no such array */
static inline const void *ps_test_items(const struct ps_test_graph *g, enum ps_array_id id,
                                        uint32_t plane, uint64_t a, uint64_t b, uint64_t *count)
{
    static const uint64_t dense_bytes[] = {4, 2, 1};
    const uint64_t e = g->indptr[a], m = g->indptr[b] - e, n = b - a, dim = g->meta.feature_dim;
    const uint64_t z0 = g->fptr != NULL ? g->fptr[a] : 0;
    const uint64_t z = g->fptr != NULL ? g->fptr[b] - z0 : 0, cols = (g->shape.classes + 7) / 8;
    const uint64_t label_cols = g->shape.multi_label ? cols : 1;
    const struct {
        const void *base;
        uint64_t item, first, count;
    } where[PS_ARRAY_COUNT] = {
        [PS_ARRAY_INDICES] = {g->indices, 8, e, m},
        [PS_ARRAY_WEIGHTS] = {g->weights, 4, e, m},
        [PS_ARRAY_FEATURES] = {g->features, dense_bytes[g->shape.type], a * dim, n * dim},
        [PS_ARRAY_FEATURES_INDICES] = {g->fidx, g->shape.wide ? 4 : 2, z0, z},
        [PS_ARRAY_FEATURES_VALUES] = {g->fval, 4, z0, z},
        [PS_ARRAY_LABELS] = {g->labels, g->shape.multi_label ? 1 : 4, a * label_cols,
                             n * label_cols},
        [PS_ARRAY_SPLIT] = {g->split, 1, plane * g->shape.nodes + a, n},
        [PS_ARRAY_ORIG_ID] = {g->orig_id, 8, a, n},
        [PS_ARRAY_OUT_DEGREE] = {g->out_degree, 4, a, n},
    };

    *count = where[id].count;
    if (where[id].base == NULL)
        return NULL;
    return (const char *)where[id].base + where[id].first * where[id].item;
}

/** The indptr of part [@p a, @p b), beginning at 0. The caller frees it. */
static inline uint64_t *ps_test_indptr(const uint64_t *whole, uint64_t a, uint64_t b)
{
    uint64_t *own = ps_test_bytes((b - a + 1) * 8);

    for (uint64_t v = a; v <= b; v++)
        own[v - a] = whole[v] - whole[a];
    return own;
}

static inline ps_status ps_test_graph_write_part(const struct ps_test_graph *g,
                                                 struct ps_dataset_writer *w, uint32_t k)
{
    uint64_t a = g->meta.part_offsets[k], b = g->meta.part_offsets[k + 1], count;
    const uint64_t *whole[] = {g->indptr, g->fptr};
    const void *items;

    PS_TRY(ps_dataset_part_begin(w, k, g->indptr[b] - g->indptr[a],
                                 g->fptr != NULL ? g->fptr[b] - g->fptr[a] : 0));
    for (int i = 0; i < 2; i++)
        if (whole[i] != NULL) {
            uint64_t *own = ps_test_indptr(whole[i], a, b);
            ps_status st = ps_dataset_write(w, i == 0 ? PS_ARRAY_INDPTR : PS_ARRAY_FEATURES_INDPTR,
                                            0, own, b - a + 1);
            free(own);
            PS_TRY(st);
        }
    for (int id = 0; id < PS_ARRAY_COUNT; id++)
        for (uint32_t s = 0; s < (id == PS_ARRAY_SPLIT ? g->shape.splits : 1); s++) {
            items = ps_test_items(g, (enum ps_array_id)id, s, a, b, &count);
            if (items == NULL)
                continue;
            PS_TRY(ps_dataset_write(w, (enum ps_array_id)id, s, items, count));
        }
    return ps_dataset_part_end(w);
}

/** Write it as a dataset. After a failure nothing is left. */
static inline ps_status ps_test_graph_write(const struct ps_test_graph *g, struct ps_ctx *ctx,
                                            const char *path, bool force)
{
    char provenance[] = "{\"command\": \"a test\"}";
    struct ps_dataset_writer *w = NULL;
    ps_status st = PS_OK;

    PS_GO(st, ps_dataset_create(&w, ctx, path, force, &g->meta));
    ps_dataset_writer_meta(w)->provenance = provenance;
    for (uint32_t k = 0; k < g->shape.parts; k++)
        PS_GO(st, ps_test_graph_write_part(g, w, k));
    return ps_dataset_finish(&w);
out:
    ps_dataset_abort(&w);
    return st;
}

#endif
