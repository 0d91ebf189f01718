/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file whole.h
 * @brief A dataset read whole, through the reader, part after part: for comparing small ones.
 */
#ifndef TESTS_WHOLE_H
#define TESTS_WHOLE_H

#include "tests/ps_dataset.h"

#include "src/base/opt.h"
#include "src/graph/sort_pairs.h"

struct whole {
    struct ps_dataset *ds;
    const struct ps_meta *meta; /* borrowed from ds */
    uint64_t *indptr;           /* (nodes + 1), over all parts */
    uint64_t *indices, *fptr;
    float *weights;
    unsigned char *row[PS_ARRAY_COUNT]; /* other arrays as stored, node by node */
    uint64_t row_bytes[PS_ARRAY_COUNT]; /* of a node; of one value for CSR arrays */
    unsigned char *split;               /* (splits, nodes) */
};

static inline uint64_t whole_count(const struct whole *w, bool features)
{
    uint64_t n = 0;

    for (uint32_t k = 0; k < w->meta->parts; k++) {
        struct ps_part *p;
        assert_ok(ps_part_open(&p, w->ds, k));
        n += features ? ps_part_features(p) : ps_part_edges(p);
        ps_part_close(&p);
    }
    return n;
}

/* Arrays with one row for each node, or one value for each CSR item. */
static inline void whole_rows(struct whole *w, const struct ps_part *p, enum ps_array_id id,
                              uint64_t first, uint64_t items, uint64_t all)
{
    const struct ps_array *a = ps_part_array(p, id);

    if (!a->present)
        return;
    w->row_bytes[id] = a->item_bytes * a->cols;
    if (w->row[id] == NULL)
        w->row[id] = ps_test_bytes(all * w->row_bytes[id]);
    assert_int_equal(a->rows, items);
    assert_ok(ps_part_read(p, id, 0, items * a->cols, w->row[id] + first * w->row_bytes[id]));
}

static inline void whole_ends(const struct ps_part *p, enum ps_array_id id, uint64_t *ptr)
{
    uint64_t n = ps_part_nodes(p), before = ptr[0];

    assert_ok(ps_part_read(p, id, 0, n + 1, ptr));
    for (uint64_t i = 0; i <= n; i++)
        ptr[i] += before;
}

static inline void whole_part(struct whole *w, const struct ps_part *p, uint64_t z)
{
    static const enum ps_array_id by_node[] = {PS_ARRAY_FEATURES, PS_ARRAY_LABELS, PS_ARRAY_ORIG_ID,
                                               PS_ARRAY_OUT_DEGREE};
    uint64_t first = ps_part_first_node(p), n = ps_part_nodes(p), m = ps_part_edges(p);

    whole_ends(p, PS_ARRAY_INDPTR, w->indptr + first);
    assert_ok(ps_part_read_indices(p, 0, m, w->indices + w->indptr[first]));
    if (w->weights != NULL)
        assert_ok(ps_part_read(p, PS_ARRAY_WEIGHTS, 0, m, w->weights + w->indptr[first]));
    for (int i = 0; i < 4; i++)
        whole_rows(w, p, by_node[i], first, n, w->meta->nodes);
    for (uint32_t s = 0; s < w->meta->splits; s++)
        assert_ok(ps_part_read(p, PS_ARRAY_SPLIT, s * n, n, w->split + s * w->meta->nodes + first));
    if (w->fptr != NULL) {
        whole_ends(p, PS_ARRAY_FEATURES_INDPTR, w->fptr + first);
        whole_rows(w, p, PS_ARRAY_FEATURES_INDICES, w->fptr[first], ps_part_features(p), z);
        whole_rows(w, p, PS_ARRAY_FEATURES_VALUES, w->fptr[first], ps_part_features(p), z);
    }
}

/** Open it, verify it, read it. */
static inline void whole_read(struct whole *w, struct ps_ctx *ctx, const char *path)
{
    struct ps_verified seen;
    uint64_t n, m, z;

    memset(w, 0, sizeof *w);
    assert_ok(ps_dataset_open(&w->ds, ctx, path));
    assert_ok(ps_dataset_verify(w->ds, ctx, &seen));
    w->meta = ps_dataset_meta(w->ds);
    n = w->meta->nodes;
    m = whole_count(w, false);
    z = whole_count(w, true);
    assert_int_equal(m, w->meta->edges);
    w->indptr = ps_test_bytes((n + 1) * 8);
    w->indices = ps_test_bytes(m * 8);
    w->split = ps_test_bytes(w->meta->splits * n);
    if (w->meta->weighted)
        w->weights = ps_test_bytes(m * 4);
    if (w->meta->feature_kind == PS_FEATURES_CSR)
        w->fptr = ps_test_bytes((n + 1) * 8);
    for (uint32_t k = 0; k < w->meta->parts; k++) {
        struct ps_part *p;
        assert_ok(ps_part_open(&p, w->ds, k));
        whole_part(w, p, z);
        ps_part_close(&p);
    }
}

static inline void whole_free(struct whole *w)
{
    free(w->indptr), free(w->indices), free(w->fptr), free(w->weights), free(w->split);
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        free(w->row[i]);
    ps_dataset_close(&w->ds);
}

static inline void assert_bytes_equal(const void *a, const void *b, uint64_t bytes)
{
    if (bytes > 0)
        assert_memory_equal(a, b, bytes);
}

/** The same values in the same order. */
static inline void assert_whole_equal(const struct whole *a, const struct whole *b)
{
    uint64_t n = a->meta->nodes;

    assert_int_equal(n, b->meta->nodes);
    if (a->fptr != NULL)
        assert_memory_equal(a->fptr, b->fptr, (n + 1) * 8);
    assert_bytes_equal(a->indptr, b->indptr, (n + 1) * 8);
    assert_bytes_equal(a->indices, b->indices, a->indptr[n] * 8);
    assert_bytes_equal(a->split, b->split, a->meta->splits * n);
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        assert_int_equal(a->row_bytes[i], b->row_bytes[i]);
        bool csr = i == PS_ARRAY_FEATURES_INDICES || i == PS_ARRAY_FEATURES_VALUES;
        uint64_t rows = csr && a->fptr != NULL ? a->fptr[n] : n;
        assert_bytes_equal(a->row[i], b->row[i], rows * a->row_bytes[i]);
    }
}

/** Set options as a command line would: name, value, ..., NULL. */
static inline void set_options(struct ps_opts *o, enum ps_cmd cmd, const char *const *word)
{
    ps_opts_init(o);
    for (; word[0] != NULL; word += 2)
        assert_ok(ps_opts_set(o, cmd, word[0], word[1]));
}

#endif
