/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A folder of Open Graph Benchmark's node property prediction, as it is after unpacking:
 *
 *   raw/    edge, num-node-list, num-edge-list, node-label, node-feat (.csv.gz)
 *           or data.npz (edge_index, num_nodes_list, num_edges_list, node_feat), node-label.npz
 *   split/KIND/    train, valid, test (.csv.gz)
 *
 * What the benchmark's own loader does behind this (whether it adds reverse edges) stands in a
 * table of its Python package and not in the folder; here it is --symmetrise.
 */
#include "src/graph/ingest.h"

#include "src/graph/npz.h"
#include "src/graph/ogb.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct folder {
    struct ps_import *im;
    const char *dir;
    char *path; /* of the file in hand */
    size_t path_cap;
    char *kind; /* of the split */
    size_t kind_cap;
    struct ps_zip *zip; /* while its arrays are opened */
};

static const uint64_t nodes_max = UINT64_C(1) << 40;

static PS_MUST ps_status set_path(struct folder *f, const char *file)
{
    size_t n = strlen(f->dir);

    while (n > 1 && f->dir[n - 1] == '/')
        n--;
    PS_TRY(PS_GROW(&f->im->ctx->mem, PS_MEM_OTHER, f->path, f->path_cap, n + strlen(file) + 2, 0));
    snprintf(f->path, f->path_cap, "%.*s/%s", (int)n, f->dir, file);
    return PS_OK;
}

/* Whether there is something of that name; f->path is set to it. */
static PS_MUST ps_status find_file(struct folder *f, const char *file, bool *there)
{
    PS_TRY(set_path(f, file));
    *there = access(f->path, F_OK) == 0 || errno != ENOENT;
    return PS_OK;
}

/* NAME.csv.gz, or NAME.csv where someone unpacked it. */
static PS_MUST ps_status find_table(struct folder *f, const char *name, bool *there)
{
    char file[320];
    int n = snprintf(file, sizeof file, "%s.csv", name);

    PS_ASSERT(n > 0 && (size_t)n + 4 < sizeof file);
    PS_TRY(find_file(f, file, there));
    if (*there)
        return PS_OK;
    snprintf(file, sizeof file, "%s.csv.gz", name);
    return find_file(f, file, there);
}

static PS_MUST ps_status need_table(struct folder *f, const char *name)
{
    bool there;

    PS_TRY(find_table(f, name, &there));
    if (!there)
        PS_FAIL(PS_EINPUT, "%s is not there; expected an unpacked folder of Open Graph Benchmark",
                f->path);
    return PS_OK;
}

static PS_MUST ps_status check_nodes(const struct folder *f, uint64_t nodes)
{
    if (nodes == 0 || nodes > nodes_max)
        PS_FAIL(PS_EINPUT, "%s: expected a graph of 1 to %" PRIu64 " nodes, found %" PRIu64,
                f->path, nodes_max, nodes);
    f->im->nodes = nodes;
    return PS_OK;
}

static PS_MUST ps_status check_edges(const struct folder *f, uint64_t expected, const char *list)
{
    const struct ps_edge_source *s = f->im->edges;

    if (s->edges != expected)
        PS_FAIL(PS_EINPUT, "%s: expected %" PRIu64 " edges as %s says, found %" PRIu64, s->name,
                expected, list, s->edges);
    if (s->more_fields != 0)
        PS_FAIL(PS_EINPUT, "%s: expected source and target alone, found %" PRIu32 " numbers more",
                s->name, s->more_fields);
    return PS_OK;
}

static PS_MUST ps_status open_edge_table(struct folder *f)
{
    struct ps_import *im = f->im;
    uint64_t count, unused;
    const char *path;

    PS_TRY(need_table(f, "raw/num-edge-list"));
    PS_TRY(ps_ogb_csv_count(im, f->path, &count));
    PS_TRY(need_table(f, "raw/edge"));
    PS_TRY(ps_import_note(im, f->path));
    path = f->path;
    PS_TRY(ps_edge_source_text(&im->edges, im->ctx, &path, 1));
    im->edges->nodes = im->nodes;
    PS_TRY(ps_edge_source_scan(im->edges, &unused));
    return check_edges(f, count, "raw/num-edge-list");
}

static PS_MUST ps_status open_tables(struct folder *f)
{
    struct ps_import *im = f->im;
    uint64_t nodes;
    bool there;

    PS_TRY(find_table(f, "raw/triplet-type-list", &there));
    if (there)
        PS_FAIL(PS_EINPUT, "%s: a graph with several kinds of nodes or edges is not read", f->path);
    PS_TRY(need_table(f, "raw/num-node-list"));
    PS_TRY(ps_ogb_csv_count(im, f->path, &nodes));
    PS_TRY(check_nodes(f, nodes));
    PS_TRY(need_table(f, "raw/node-label")); /* before the long ones: it tells of several tasks */
    PS_TRY(ps_ogb_csv_labels(im, f->path, &im->labels));
    PS_TRY(open_edge_table(f));
    PS_TRY(find_table(f, "raw/node-feat", &there));
    return there ? ps_ogb_csv_rows(im, f->path, &im->dense) : PS_OK;
}

static PS_MUST ps_status open_archive(struct folder *f, const char *file)
{
    PS_TRY(set_path(f, file));
    PS_TRY(ps_zip_open(&f->zip, f->im->ctx, f->path));
    return ps_import_note(f->im, f->path);
}

/* The one count of array @p key. */
static PS_MUST ps_status read_count(struct folder *f, const char *key, uint64_t *count)
{
    struct ps_npy *a;
    int64_t x = 0;
    ps_status st;

    PS_TRY(ps_npz_open(&a, f->zip, key, f->im->beside));
    PS_GO(st, ps_import_want(a, 1, true, "the count of one graph"));
    if (a->items != 1)
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected one graph, found counts of %" PRIu64, a->path,
                   a->items);
    PS_GO(st, ps_npy_read_i64(a, 0, 1, &x));
    if (x < 0)
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected a count, found %" PRId64, a->path, x);
    *count = (uint64_t)x;
out:
    ps_npy_close(&a);
    return st;
}

static PS_MUST ps_status open_edge_array(struct folder *f)
{
    struct ps_npy *a;
    uint64_t count;
    char text[64];
    ps_status st;

    PS_TRY(read_count(f, "num_edges_list", &count));
    PS_TRY(ps_npz_open(&a, f->zip, "edge_index", f->im->beside));
    PS_GO(st, ps_import_want(a, 2, true, "sources and targets of the edges"));
    if (a->head.shape[0] != 2)
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected shape (2, edges), found %s", a->path,
                   ps_npy_shape_text(&a->head, text));
    PS_GO(st, ps_edge_source_array(&f->im->edges, f->im->ctx, &a));
    PS_GO(st, check_edges(f, count, "num_edges_list"));
out:
    ps_npy_close(&a);
    return st;
}

static PS_MUST ps_status open_arrays(struct folder *f)
{
    struct ps_import *im = f->im;
    uint64_t nodes;

    PS_TRY(open_archive(f, "raw/data.npz"));
    PS_TRY(read_count(f, "num_nodes_list", &nodes));
    PS_TRY(check_nodes(f, nodes));
    PS_TRY(open_edge_array(f));
    if (ps_npz_has(f->zip, "node_feat"))
        PS_TRY(ps_npz_open(&im->dense, f->zip, "node_feat", im->beside));
    ps_zip_close(&f->zip);
    PS_TRY(open_archive(f, "raw/node-label.npz"));
    PS_TRY(ps_npz_open(&im->labels, f->zip, "node_label", im->beside));
    ps_zip_close(&f->zip);
    if (im->labels->head.rank == 2 && im->labels->head.shape[1] > 1)
        PS_FAIL(PS_EINPUT,
                "%s: expected one label for each node, found %" PRIu64
                " (several tasks are not read)",
                im->labels->path, im->labels->head.shape[1]);
    return ps_ogb_whole_labels(im, &im->labels);
}

/* Whether split/@p name is a folder. */
static PS_MUST ps_status is_kind(struct folder *f, const char *name, bool *is)
{
    char file[300];
    struct stat s;
    int n = snprintf(file, sizeof file, "split/%s", name);

    *is = false;
    if (name[0] == '.' || n < 0 || (size_t)n >= sizeof file)
        return PS_OK;
    PS_TRY(set_path(f, file));
    *is = stat(f->path, &s) == 0 && S_ISDIR(s.st_mode);
    return PS_OK;
}

/* The name of the only folder of split/ into f->kind. */
static PS_MUST ps_status only_kind(struct folder *f, DIR *split)
{
    struct dirent *e;
    bool is, first_stays;
    size_t n;

    while ((e = readdir(split)) != NULL) { /* NOLINT(concurrency-mt-unsafe): nobody shares it */
        PS_TRY(is_kind(f, e->d_name, &is));
        if (!is)
            continue;
        n = strlen(e->d_name) + 1;
        if (f->kind != NULL) {
            first_stays = strcmp(f->kind, e->d_name) < 0; /* the sentence in a fixed order */
            PS_FAIL(PS_EUSAGE, "%s/split has several splits (%s, %s, ...); choose with --ogb-split",
                    f->dir, first_stays ? f->kind : e->d_name, first_stays ? e->d_name : f->kind);
        }
        PS_TRY(PS_GROW(&f->im->ctx->mem, PS_MEM_OTHER, f->kind, f->kind_cap, n, 0));
        memcpy(f->kind, e->d_name, n);
    }
    if (f->kind == NULL)
        PS_FAIL(PS_EINPUT, "%s/split: expected a folder with train, valid and test, found none",
                f->dir);
    return PS_OK;
}

static PS_MUST ps_status find_kind(struct folder *f)
{
    const char *said = f->im->o->import.ogb_split;
    size_t n = strlen(said) + 1;
    DIR *split;
    ps_status st;
    bool is;

    if (n > 1) {
        PS_TRY(is_kind(f, said, &is));
        if (!is || strchr(said, '/') != NULL)
            PS_FAIL(PS_EUSAGE, "--ogb-split %s: %s/split has no folder of that name", said, f->dir);
        PS_TRY(PS_GROW(&f->im->ctx->mem, PS_MEM_OTHER, f->kind, f->kind_cap, n, 0));
        memcpy(f->kind, said, n);
        return PS_OK;
    }
    PS_TRY(set_path(f, "split"));
    split = opendir(f->path);
    if (split == NULL)
        PS_FAIL_AS_(PS_EINPUT, errno, "cannot open %s", f->path);
    st = only_kind(f, split);
    closedir(split);
    return st;
}

static PS_MUST ps_status open_splits(struct folder *f)
{
    static const char *const role[PS_IMPORT_ROLES] = {"train", "valid", "test"};
    char name[300];

    for (int r = 0; r < PS_IMPORT_ROLES; r++) {
        int n = snprintf(name, sizeof name, "split/%s/%s", f->kind, role[r]);
        PS_ASSERT(n > 0 && (size_t)n < sizeof name);
        PS_TRY(need_table(f, name));
        PS_TRY(ps_ogb_csv_nodes(f->im, f->path, &f->im->role[r]));
    }
    return PS_OK;
}

static PS_MUST ps_status open_all(struct folder *f)
{
    bool archive;

    PS_TRY(find_kind(f)); /* first: what is to be chosen is told before hours of work */
    PS_TRY(find_file(f, "raw/data.npz", &archive));
    PS_TRY(archive ? open_arrays(f) : open_tables(f));
    return open_splits(f);
}

ps_status ps_import_ogb(struct ps_ctx *ctx, const struct ps_opts *o, const char *dir,
                        const char *command, json_t *report)
{
    struct ps_import im;
    struct folder f = {.im = &im, .dir = dir};
    ps_status st;

    PS_TRY(ps_import_refuse_arrays(&o->import, "ogb", true));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    im.classes = o->import.classes;
    PS_GO(st, ps_import_check_output(&im)); /* tables are laid down beside it */
    PS_GO(st, open_all(&f));
    PS_GO(st, ps_import_run(&im, report));
out:
    ps_zip_close(&f.zip);
    ps_mem_free(&ctx->mem, &f.path);
    ps_mem_free(&ctx->mem, &f.kind);
    ps_import_fini(&im);
    return st;
}
