/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file fuzz_graph.h
 * @brief A dataset whose checksums are right and whose values are not: a small graph of the shape
 *        that the input says, with single items of its arrays replaced before they are written.
 *
 * This is what a damaged writer, or somebody who recomputes checksums, may hand us.
 */
#ifndef TESTS_FUZZ_GRAPH_H
#define TESTS_FUZZ_GRAPH_H

#include "tests/fuzz/fuzz.h"
#include "tests/ps_dataset.h"

enum { FUZZ_EDITS = 16, FUZZ_PARTS = 3 };

/** Item @p index (modulo its items) of an array of a part becomes @p value. */
struct fuzz_edit {
    uint64_t array, part, index, value;
};

struct fuzz_graph {
    struct ps_test_graph g;
    struct fuzz_edit edit[FUZZ_EDITS];
    int edits;
};

/* A folder that goes away with the process. */
static char fuzz_dir_name[PS_TEST_DIR_BYTES];

static inline void fuzz_dir_drop(void)
{
    ps_test_dir_remove(fuzz_dir_name);
}

/** The folder of this process, below $TMPDIR or /tmp. */
static inline const char *fuzz_dir(void)
{
    if (fuzz_dir_name[0] == '\0') {
        ps_test_dir_make(fuzz_dir_name);
        PS_ASSERT(atexit(fuzz_dir_drop) == 0);
    }
    return fuzz_dir_name;
}

/** The shape and the edits from the input: 8 bytes, then 4 to 11 for each edit. */
static inline void fuzz_graph_make(struct fuzz_graph *f, struct fuzz_bytes *b)
{
    struct ps_test_shape s = {.nodes = fuzz_take(b, 1) % 64};
    uint64_t bits = fuzz_take(b, 1);

    s.parts = 1 + (uint32_t)fuzz_take(b, 1) % FUZZ_PARTS;
    s.degree = (uint32_t)fuzz_take(b, 1) % 8;
    s.dim = 1 + (uint32_t)fuzz_take(b, 1) % 20;
    s.classes = (uint32_t)fuzz_take(b, 1) % 70;
    s.splits = (uint32_t)fuzz_take(b, 1) % 3;
    s.kind = (enum ps_feature_kind)((bits & 3) % 3);
    s.type = (enum ps_feature_type)((bits >> 2 & 3) % 3);
    s.values = s.kind == PS_FEATURES_CSR && (bits & 16) != 0;
    s.wide = s.kind == PS_FEATURES_CSR && (bits & 32) != 0;
    s.multi_label = s.classes > 0 && (bits & 64) != 0;
    s.weighted = (bits & 128) != 0;
    memset(f, 0, sizeof *f);
    ps_test_graph_make(&f->g, &s);
    for (uint64_t v = 0; v < s.nodes && s.classes > 0 && !s.multi_label; v++) {
        int32_t label = (int32_t)(v % s.classes); /* none without: training refuses these */
        memcpy(f->g.labels + 4 * v, &label, sizeof label);
    }
    while (b->left > 0 && f->edits < FUZZ_EDITS) {
        struct fuzz_edit *e = &f->edit[f->edits++];
        e->array = fuzz_take(b, 1) % PS_ARRAY_COUNT;
        e->part = fuzz_take(b, 1) % s.parts;
        e->index = fuzz_take(b, 1);
        e->value = fuzz_number(b);
    }
}

static inline uint64_t fuzz_item_bytes(const struct ps_test_shape *s, int id)
{
    static const uint64_t dense[] = {4, 2, 1};
    const uint64_t bytes[PS_ARRAY_COUNT] = {
        [PS_ARRAY_INDPTR] = 8,          [PS_ARRAY_INDICES] = 8,
        [PS_ARRAY_WEIGHTS] = 4,         [PS_ARRAY_FEATURES] = dense[s->type],
        [PS_ARRAY_FEATURES_INDPTR] = 8, [PS_ARRAY_FEATURES_INDICES] = s->wide ? 4 : 2,
        [PS_ARRAY_FEATURES_VALUES] = 4, [PS_ARRAY_LABELS] = s->multi_label ? 1 : 4,
        [PS_ARRAY_SPLIT] = 1,           [PS_ARRAY_ORIG_ID] = 8,
        [PS_ARRAY_OUT_DEGREE] = 4,
    };
    return bytes[id];
}

/* One run of items, with what the edits say. */
static inline ps_status fuzz_write(const struct fuzz_graph *f, struct ps_dataset_writer *w,
                                   uint32_t part, int id, uint32_t plane, const void *items,
                                   uint64_t count)
{
    uint64_t bytes = fuzz_item_bytes(&f->g.shape, id);
    char *own = ps_test_bytes(count * bytes);
    ps_status st;

    memcpy(own, items, count * bytes);
    for (int i = 0; i < f->edits; i++) {
        const struct fuzz_edit *e = &f->edit[i];
        if ((int)e->array == id && e->part == part && count > 0)
            memcpy(own + e->index % count * bytes, &e->value, bytes);
    }
    st = ps_dataset_write(w, (enum ps_array_id)id, plane, own, count);
    free(own);
    return st;
}

static inline ps_status fuzz_write_part(const struct fuzz_graph *f, struct ps_dataset_writer *w,
                                        uint32_t k)
{
    const struct ps_test_graph *g = &f->g;
    uint64_t a = g->meta.part_offsets[k], b = g->meta.part_offsets[k + 1], count;
    const uint64_t *whole[] = {g->indptr, g->fptr};

    PS_TRY(ps_dataset_part_begin(w, k, g->indptr[b] - g->indptr[a],
                                 g->fptr != NULL ? g->fptr[b] - g->fptr[a] : 0));
    for (int i = 0; i < 2; i++)
        if (whole[i] != NULL) {
            uint64_t *own = ps_test_indptr(whole[i], a, b);
            ps_status st = fuzz_write(f, w, k, i == 0 ? PS_ARRAY_INDPTR : PS_ARRAY_FEATURES_INDPTR,
                                      0, own, b - a + 1);
            free(own);
            PS_TRY(st);
        }
    for (int id = 0; id < PS_ARRAY_COUNT; id++)
        for (uint32_t s = 0; s < (id == PS_ARRAY_SPLIT ? g->shape.splits : 1); s++) {
            const void *items = ps_test_items(g, (enum ps_array_id)id, s, a, b, &count);
            if (items != NULL)
                PS_TRY(fuzz_write(f, w, k, id, s, items, count));
        }
    return ps_dataset_part_end(w);
}

/** Write it. The writer may refuse. */
static inline ps_status fuzz_graph_write(const struct fuzz_graph *f, struct ps_ctx *ctx,
                                         const char *path)
{
    struct ps_dataset_writer *w = NULL;
    ps_status st = PS_OK;

    PS_GO(st, ps_dataset_create(&w, ctx, path, true, &f->g.meta));
    for (uint32_t k = 0; k < f->g.shape.parts; k++)
        PS_GO(st, fuzz_write_part(f, w, k));
    return ps_dataset_finish(&w);
out:
    ps_dataset_abort(&w);
    return st;
}

/** Open a dataset and verify all of it. */
static inline ps_status fuzz_verify(struct ps_ctx *ctx, const char *path)
{
    struct ps_verified seen;
    struct ps_dataset *ds;
    ps_status st;

    PS_TRY(ps_dataset_open(&ds, ctx, path));
    st = ps_dataset_verify(ds, ctx, &seen);
    ps_dataset_close(&ds);
    return st;
}

/** What import has accepted, verify finds sound. */
static inline void fuzz_sound(struct ps_ctx *ctx, const char *path)
{
    ps_status st = fuzz_verify(ctx, path);

    if (st != PS_OK)
        ps_err_print(stderr, 1);
    PS_ASSERT(st == PS_OK);
}

/** A file of these bytes. */
static inline void fuzz_put(const char *path, const void *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    PS_ASSERT(f != NULL && fwrite(data, 1, size, f) == size);
    fclose(f);
}

/** Give it back. */
static inline void fuzz_graph_free(struct fuzz_graph *f)
{
    ps_test_graph_free(&f->g);
}

#endif
