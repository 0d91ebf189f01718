/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The neutral layout: a folder of .npy files and meta.json, which says how many of
 * everything there are. What it says is compared with the arrays; files that are not of the
 * layout are ignored.
 */
#include "src/graph/ingest.h"

#include "src/graph/import_core.h"
#include "src/graph/python_json.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct folder {
    struct ps_import *im;
    const char *dir;
    char *path; /* of the file in hand */
    size_t path_cap;
    json_t *meta;
};

enum { CLASSES_MAX = 1 << 20 };

static PS_MUST ps_status set_path(struct folder *f, const char *file)
{
    size_t n = strlen(f->dir);

    while (n > 1 && f->dir[n - 1] == '/')
        n--;
    PS_TRY(PS_GROW(&f->im->ctx->mem, PS_MEM_OTHER, f->path, f->path_cap, n + strlen(file) + 2, 0));
    snprintf(f->path, f->path_cap, "%.*s/%s", (int)n, f->dir, file);
    return PS_OK;
}

/* A file that may be absent. */
static PS_MUST ps_status open_optional(struct folder *f, struct ps_npy **a, const char *file)
{
    PS_TRY(set_path(f, file));
    if (access(f->path, F_OK) != 0 && errno == ENOENT)
        return PS_OK;
    return ps_import_open(f->im, a, f->path);
}

static PS_MUST ps_status load_meta(struct folder *f)
{
    PS_TRY(set_path(f, "meta.json"));
    PS_TRY(ps_import_note(f->im, f->path));
    PS_TRY(ps_python_json_load(f->im->ctx, f->path, &f->meta));
    if (!json_is_object(f->meta))
        PS_FAIL(PS_EINPUT, "%s: expected an object", f->path);
    return PS_OK;
}

/* A count of meta.json; absent or null leaves *count and clears *there. */
static PS_MUST ps_status meta_count(struct folder *f, const json_t *in, const char *key,
                                    uint64_t *count, bool *there)
{
    const json_t *j = json_object_get(in, key);
    char *text;

    *there = j != NULL && !json_is_null(j);
    if (!*there)
        return PS_OK;
    if (!json_is_integer(j) || json_integer_value(j) < 0) {
        text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
        ps_err_set(PS_EINPUT, 0, __FILE__, __LINE__, "%s/meta.json: %s: expected a count, found %s",
                   f->dir, key, text != NULL ? text : "?");
        free(text);
        return PS_EINPUT;
    }
    *count = (uint64_t)json_integer_value(j);
    return PS_OK;
}

/* Fail if meta.json says another count than an array has. */
static PS_MUST ps_status check_count(struct folder *f, const json_t *in, const char *key,
                                     const char *path, uint64_t found)
{
    uint64_t count = 0;
    bool there;

    PS_TRY(meta_count(f, in, key, &count, &there));
    if (there && count != found)
        PS_FAIL(PS_EINPUT,
                "%s: expected %" PRIu64 " items as %s of %s/meta.json says, found %" PRIu64, path,
                count, key, f->dir, found);
    return PS_OK;
}

static PS_MUST ps_status open_features(struct folder *f)
{
    struct ps_import *im = f->im;
    const json_t *kind = json_object_get(json_object_get(f->meta, "features"), "kind");
    int kinds;
    bool there;

    PS_TRY(open_optional(f, &im->dense, "features.npy"));
    PS_TRY(open_optional(f, &im->bits, "features_bits.npy"));
    PS_TRY(open_optional(f, &im->csr_indptr, "feat_indptr.npy"));
    kinds = (im->dense != NULL) + (im->bits != NULL) + (im->csr_indptr != NULL);
    if (kinds > 1)
        PS_FAIL(PS_EINPUT,
                "%s: expected one of features.npy, features_bits.npy and feat_indptr.npy, "
                "found %d",
                f->dir, kinds);
    PS_TRY(meta_count(f, f->meta, "feature_dim", &im->feature_dim, &there));
    if (kinds == 0 && (json_is_string(kind) || im->feature_dim != 0))
        PS_FAIL(PS_EINPUT,
                "%s: meta.json tells of features, expected features.npy, "
                "features_bits.npy or feat_indptr.npy",
                f->dir);
    if (kinds == 1 && im->dense == NULL && !there)
        PS_FAIL(PS_EINPUT, "%s/meta.json: expected feature_dim, found none", f->dir);
    if (im->csr_indptr == NULL)
        return PS_OK;
    PS_TRY(set_path(f, "feat_indices.npy"));
    PS_TRY(ps_import_open(im, &im->csr_indices, f->path));
    return open_optional(f, &im->csr_values, "feat_values.npy");
}

static PS_MUST ps_status open_labels(struct folder *f)
{
    struct ps_import *im = f->im;
    bool there;

    PS_TRY(open_optional(f, &im->labels, "labels.npy"));
    PS_TRY(meta_count(f, f->meta, "classes", &im->classes, &there));
    if (im->classes > CLASSES_MAX)
        PS_FAIL(PS_EINPUT, "%s/meta.json: expected at most %d classes, found %" PRIu64, f->dir,
                CLASSES_MAX, im->classes);
    if (im->classes != 0 && im->labels == NULL)
        PS_FAIL(PS_EINPUT, "%s: meta.json tells of %" PRIu64 " classes, expected labels.npy",
                f->dir, im->classes);
    return PS_OK;
}

static PS_MUST ps_status open_splits(struct folder *f)
{
    static const struct {
        const char *file, *key;
    } role[PS_IMPORT_ROLES] = {
        {"train.npy", "train"}, {"valid.npy", "valid"}, {"test.npy", "test"}};
    const json_t *sizes = json_object_get(f->meta, "split_sizes");

    for (int r = 0; r < PS_IMPORT_ROLES; r++) {
        PS_TRY(open_optional(f, &f->im->role[r], role[r].file));
        if (f->im->role[r] != NULL)
            PS_TRY(check_count(f, sizes, role[r].key, f->im->role[r]->path, f->im->role[r]->items));
    }
    return open_optional(f, &f->im->splits, "splits.npy");
}

static PS_MUST ps_status open_all(struct folder *f)
{
    struct ps_import *im = f->im;
    const json_t *undirected;
    bool there;

    PS_TRY(load_meta(f));
    PS_TRY(meta_count(f, f->meta, "nodes", &im->nodes, &there));
    if (!there)
        PS_FAIL(PS_EINPUT, "%s: expected nodes, found none", f->path);
    undirected = json_object_get(f->meta, "undirected");
    if (undirected != NULL && !json_is_boolean(undirected))
        PS_FAIL(PS_EINPUT, "%s: undirected: expected true or false", f->path);
    im->undirected = json_is_true(undirected);
    PS_TRY(set_path(f, "edges.npy"));
    PS_TRY(ps_import_edges_npy(im, f->path));
    PS_TRY(check_count(f, f->meta, "edges_stored", im->edges->name, im->edges->edges));
    PS_TRY(open_features(f));
    PS_TRY(open_labels(f));
    return open_splits(f);
}

ps_status ps_import_dir(struct ps_ctx *ctx, const struct ps_opts *o, const char *dir,
                        const char *command, json_t *report)
{
    struct ps_import im;
    struct folder f = {.im = &im, .dir = dir};
    ps_status st;

    PS_TRY(ps_import_refuse_arrays(&o->import, "dir", false));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    PS_GO(st, open_all(&f));
    PS_GO(st, ps_import_run(&im, report));
out:
    json_decref(f.meta);
    ps_mem_free(&ctx->mem, &f.path);
    ps_import_fini(&im);
    return st;
}
