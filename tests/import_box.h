/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file import_box.h
 * @brief A folder with a tiny graph in the neutral layout, and what became of it.
 *
 * Five nodes; edges 0->1 2->1 1->3 3->3 0->1 4->0; labels 0 1 -1 2 1; train 0, valid 1 3, test 4;
 * three dense columns x[v][c] = v + c / 4.
 */
#ifndef TESTS_IMPORT_BOX_H
#define TESTS_IMPORT_BOX_H

#include "tests/npy_make.h"

#include "io/dataset.h"
#include "src/graph/ingest.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BOX_PATH = 96 };

struct box {
    char root[32]; /* holds in/ and what is imported */
    char in[40], out[40];
    struct ps_ctx ctx;
    struct ps_opts o;
    json_t *report;
};

/** The path of a file of the input; one at a time. */
static inline const char *box_file(struct box *b, const char *name, char path[BOX_PATH])
{
    snprintf(path, BOX_PATH, "%s/%s", b->in, name);
    return path;
}

static inline void box_put(struct box *b, const char *name, const char *descr, const char *shape,
                           const void *data, size_t bytes)
{
    char path[BOX_PATH];

    npy_make(box_file(b, name, path), descr, shape, data, bytes);
}

static inline void box_text(struct box *b, const char *name, const char *text)
{
    char path[BOX_PATH];
    FILE *f = fopen(box_file(b, name, path), "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static inline void box_drop(struct box *b, const char *name)
{
    char path[BOX_PATH];

    assert_int_equal(unlink(box_file(b, name, path)), 0);
}

/** Remove a folder of files and folders, one level deep each. */
static inline void box_remove(const char *path)
{
    DIR *d = opendir(path);
    struct dirent *e;
    char inner[600];

    if (d == NULL)
        return;
    while ((e = readdir(d)) != NULL) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        assert_true((size_t)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) < sizeof inner);
        if (unlink(inner) != 0)
            box_remove(inner);
    }
    closedir(d);
    rmdir(path);
}

static inline void box_fill(struct box *b)
{
    static const int32_t edges[][2] = {{0, 1}, {2, 1}, {1, 3}, {3, 3}, {0, 1}, {4, 0}};
    static const int32_t labels[] = {0, 1, -1, 2, 1}, train[] = {0}, valid[] = {3, 1}, test[] = {4};
    float x[5][3];

    for (int v = 0; v < 5; v++)
        for (int c = 0; c < 3; c++)
            x[v][c] = (float)v + (float)c / 4;
    box_put(b, "edges.npy", "<i4", "(6, 2)", edges, sizeof edges);
    box_put(b, "labels.npy", "<i4", "(5,)", labels, sizeof labels);
    box_put(b, "train.npy", "<i4", "(1,)", train, sizeof train);
    box_put(b, "valid.npy", "<i4", "(2,)", valid, sizeof valid);
    box_put(b, "test.npy", "<i4", "(1,)", test, sizeof test);
    box_put(b, "features.npy", "<f4", "(5, 3)", x, sizeof x);
    box_text(b, "meta.json",
             "{\"nodes\": 5, \"edges_stored\": 6, \"undirected\": false, \"feature_dim\": 3, "
             "\"classes\": 3, \"score\": NaN, \"features\": {\"kind\": \"dense\"}, "
             "\"split_sizes\": {\"train\": 1, \"valid\": 2, \"test\": 1}}");
}

static inline struct box *box_new(void)
{
    struct box *b = calloc(1, sizeof *b);

    snprintf(b->root, sizeof b->root, "/tmp/penstock-t-import-XXXXXX");
    assert_non_null(mkdtemp(b->root));
    snprintf(b->in, sizeof b->in, "%s/in", b->root);
    snprintf(b->out, sizeof b->out, "%s/d.ps", b->root);
    assert_int_equal(mkdir(b->in, 0700), 0);
    box_fill(b);
    ps_ctx_init(&b->ctx, NULL);
    ps_opts_init(&b->o);
    snprintf(b->o.common.out, sizeof b->o.common.out, "%s", b->out);
    b->report = json_object();
    return b;
}

static inline void box_free(struct box *b)
{
    box_remove(b->root);
    json_decref(b->report);
    assert_int_equal(ps_ctx_fini(&b->ctx), 0);
    free(b);
}

static inline ps_status box_import(struct box *b)
{
    return ps_import_dir(&b->ctx, &b->o, b->in, "penstock import", b->report);
}

/** Whether the root holds the input and nothing else. */
static inline bool box_is_clean(struct box *b)
{
    DIR *d = opendir(b->root);
    int others = 0;

    for (struct dirent *e; (e = readdir(d)) != NULL;)
        others += strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 &&
                  strcmp(e->d_name, "in") != 0;
    closedir(d);
    return others == 0;
}

static inline int64_t box_count(const struct box *b, const char *key)
{
    json_t *j = json_object_get(b->report, key);

    assert_true(json_is_integer(j));
    return json_integer_value(j);
}

/** What was imported, open. */
struct got {
    struct ps_dataset *ds;
    struct ps_part *part;
    const struct ps_meta *meta;
};

static inline void got_open(struct got *g, struct box *b)
{
    assert_ok(ps_dataset_open(&g->ds, &b->ctx, b->out));
    assert_ok(ps_part_open(&g->part, g->ds, 0));
    assert_ok(ps_part_verify(g->part, &b->ctx, g->ds));
    g->meta = ps_dataset_meta(g->ds);
}

static inline void got_close(struct got *g)
{
    ps_part_close(&g->part);
    ps_dataset_close(&g->ds);
}

/** The array is there, has @p bytes bytes and these values. */
static inline void got_is(struct got *g, enum ps_array_id id, const void *want, size_t bytes)
{
    const struct ps_array *a = ps_part_array(g->part, id);
    unsigned char *found = malloc(bytes + 1);

    if (!a->present || a->bytes != bytes)
        fail_msg("%s: %d bytes, expected %zu", ps_array_name(id), a->present ? (int)a->bytes : -1,
                 bytes);
    assert_ok(ps_part_read(g->part, id, 0, a->rows * a->cols, found));
    for (size_t i = 0; i < bytes; i++)
        if (found[i] != ((const unsigned char *)want)[i])
            fail_msg("%s: byte %zu is %d, expected %d", ps_array_name(id), i, found[i],
                     ((const unsigned char *)want)[i]);
    free(found);
}

#endif
