/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/import_core.h"

#include "src/graph/paths.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define XXH_STATIC_LINKING_ONLY /* the state may lie on the stack */
#include <xxhash.h>

enum { HASH_BYTES = 128 * 1024 };
static const uint64_t nodes_max = UINT64_C(1) << 40;

ps_status ps_import_init(struct ps_import *im, struct ps_ctx *ctx, const struct ps_opts *o,
                         const char *command)
{
    memset(im, 0, sizeof *im);
    im->ctx = ctx;
    im->o = o;
    im->command = command;
    im->begin_ns = ps_now_ns();
    im->inputs = json_array();
    if (im->inputs == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the provenance");
    return PS_OK;
}

void ps_import_fini(struct ps_import *im)
{
    ps_dataset_abort(&im->w);
    ps_edge_source_close(&im->edges);
    ps_npy_close(&im->labels);
    for (int r = 0; r < PS_IMPORT_ROLES; r++)
        ps_npy_close(&im->role[r]);
    ps_npy_close(&im->splits);
    ps_npy_close(&im->dense);
    ps_npy_close(&im->bits);
    ps_npy_close(&im->csr_indptr);
    ps_npy_close(&im->csr_indices);
    ps_npy_close(&im->csr_values);
    ps_mem_free(&im->ctx->mem, &im->index_split);
    ps_mem_free(&im->ctx->mem, &im->beside);
    json_decref(im->inputs);
    im->inputs = NULL;
}

static PS_MUST ps_status hash_file(struct ps_ctx *ctx, const char *path, uint64_t *hash)
{
    unsigned char *buffer = NULL;
    XXH3_state_t state;
    ssize_t got;
    ps_status st = PS_OK;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

    if (fd < 0)
        PS_FAIL_AS_(PS_EINPUT, errno, "cannot open %s", path);
    XXH3_INITSTATE(&state);
    XXH3_64bits_reset(&state);
    PS_GO(st, PS_NEW(&ctx->mem, PS_MEM_STAGING, buffer, HASH_BYTES));
    while ((got = read(fd, buffer, HASH_BYTES)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0) {
            st = errno == EISDIR ? PS_EINPUT : PS_EIO;
            ps_err_set(st, errno, __FILE__, __LINE__, "cannot read %s", path);
            goto out;
        }
        XXH3_64bits_update(&state, buffer, (size_t)got);
    }
    *hash = XXH3_64bits_digest(&state);
out:
    close(fd);
    ps_mem_free(&ctx->mem, &buffer);
    return st;
}

ps_status ps_import_note(struct ps_import *im, const char *path)
{
    uint64_t hash;
    char hex[17];

    PS_TRY(hash_file(im->ctx, path, &hash));
    snprintf(hex, sizeof hex, "%016" PRIx64, hash);
    if (json_array_append_new(im->inputs, json_pack("{s:s, s:s}", "file", path, "xxh3", hex)) != 0)
        PS_FAIL(PS_EINPUT, "%s: a path must be UTF-8 to be noted in the provenance", path);
    return PS_OK;
}

ps_status ps_import_open(struct ps_import *im, struct ps_npy **a, const char *path)
{
    PS_TRY(ps_npy_open(a, im->ctx, path)); /* first: it knows what is no regular file */
    return ps_import_note(im, path);
}

ps_status ps_import_edges_npy(struct ps_import *im, const char *list)
{
    struct ps_paths paths;
    ps_status st;

    PS_TRY(ps_paths_split(&paths, im->ctx, list));
    PS_GO(st, ps_edge_source_npy(&im->edges, im->ctx, paths.item, paths.count));
    for (uint32_t i = 0; i < paths.count; i++)
        PS_GO(st, ps_import_note(im, paths.item[i]));
out:
    ps_paths_fini(&paths);
    return st;
}

ps_status ps_import_want(const struct ps_npy *a, uint32_t rank, bool integers, const char *expected)
{
    char text[64];

    if (a->head.rank != rank)
        PS_FAIL(PS_EINPUT, "%s: expected %s, an array of %" PRIu32 " dimension%s, found shape %s",
                a->path, expected, rank, rank == 1 ? "" : "s", ps_npy_shape_text(&a->head, text));
    if (integers && !ps_npy_is_integer(a))
        PS_FAIL(PS_EINPUT, "%s: expected %s, an array of integers, found %s", a->path, expected,
                ps_npy_type_name(a->head.type));
    return PS_OK;
}

ps_status ps_import_want_c_order(const struct ps_npy *a)
{
    /* with one row or one column both orders are the same */
    if (a->head.fortran && a->head.shape[0] > 1 && a->head.shape[1] > 1)
        PS_FAIL(PS_EINPUT,
                "%s: expected C order, found Fortran order (numpy.ascontiguousarray changes it)",
                a->path);
    return PS_OK;
}

enum ps_feature_kind ps_import_feature_kind(const struct ps_import *im)
{
    if (im->dense != NULL)
        return PS_FEATURES_DENSE;
    if (im->bits == NULL && im->csr_indptr == NULL)
        return PS_FEATURES_NONE;
    return im->o->import.project != 0 ? PS_FEATURES_DENSE : PS_FEATURES_CSR;
}

uint64_t ps_import_feature_columns(const struct ps_import *im)
{
    return im->o->import.project != 0 ? im->o->import.project : im->feature_dim;
}

enum ps_feature_type ps_import_feature_type(const struct ps_import *im)
{
    return im->dense != NULL && im->dense->head.type == PS_NPY_F2 &&
                   im->o->import.normalise == PS_NORMALISE_NONE
               ? PS_TYPE_F16
               : PS_TYPE_F32;
}

/* The name that was asked for, or that of the output without folder and ".ps". */
static PS_MUST ps_status find_name(const struct ps_import *im, char name[PS_NAME_BYTES])
{
    const char *from = im->o->import.name;
    size_t n = strlen(from);

    if (n == 0) {
        const char *slash = strrchr(im->beside, '/');
        from = slash != NULL ? slash + 1 : im->beside;
        n = strlen(from);
        if (n > 3 && strcmp(from + n - 3, ".ps") == 0)
            n -= 3;
    }
    if (n >= PS_NAME_BYTES)
        PS_FAIL(PS_EUSAGE, "the name '%.*s' has %zu bytes, expected at most %d; choose with --name",
                (int)n, from, n, PS_NAME_BYTES - 1);
    memcpy(name, from, n);
    name[n] = '\0';
    return PS_OK;
}

ps_status ps_import_refuse_arrays(const struct ps_opts_import *o, const char *format, bool classes)
{
    const struct {
        const char *name;
        bool given;
    } of_npy[] = {
        {"edges", o->edges[0] != '\0'},
        {"features", o->features[0] != '\0'},
        {"labels", o->labels[0] != '\0'},
        {"train", o->train[0] != '\0'},
        {"valid", o->valid[0] != '\0'},
        {"test", o->test[0] != '\0'},
        {"splits", o->splits[0] != '\0'},
        {"num-nodes", o->nodes != 0},
        {"num-classes", !classes && o->classes != 0},
    };

    for (size_t i = 0; i < sizeof of_npy / sizeof of_npy[0]; i++)
        if (of_npy[i].given)
            PS_FAIL(PS_EUSAGE, "--%s belongs to import npy; import %s finds its files by name",
                    of_npy[i].name, format);
    return PS_OK;
}

ps_status ps_import_check_output(struct ps_import *im)
{
    const char *out = im->o->common.out;
    size_t n = strlen(out);
    json_t *command;
    struct stat s;

    if (im->beside != NULL)
        return PS_OK;
    command = json_string(im->command);
    if (command == NULL)
        PS_FAIL(PS_EUSAGE, "the command line must be UTF-8 to be noted in the provenance");
    json_decref(command);
    if (n == 0)
        PS_FAIL(PS_EUSAGE, "where to? expected --out D.ps");
    while (n > 1 && out[n - 1] == '/')
        n--;
    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_OTHER, im->beside, n + 1));
    memcpy(im->beside, out, n);
    /* the writer asks again; this is before hours of work */
    if (!im->o->common.force && lstat(im->beside, &s) == 0)
        PS_FAIL(PS_EUSAGE, "%s exists; --force replaces it", im->beside);
    return PS_OK;
}

/* A budget is kept only where the number of edges is known before they are sorted. */
static PS_MUST ps_status count_edges(struct ps_import *im)
{
    uint64_t unused;

    im->edges->nodes = im->nodes;
    if (im->edges->edges == PS_EDGES_UNKNOWN && atomic_load(&im->ctx->mem.limit_bytes) != 0)
        PS_TRY(ps_edge_source_scan(im->edges, &unused));
    return PS_OK;
}

static PS_MUST ps_status scan(struct ps_import *im)
{
    if (im->nodes == 0 || im->nodes > nodes_max)
        PS_FAIL(PS_EINPUT, "%s: expected a graph of 1 to %" PRIu64 " nodes, found %" PRIu64,
                im->edges->name, nodes_max, im->nodes);
    if (im->o->import.project != 0 && im->bits == NULL && im->csr_indptr == NULL)
        PS_FAIL(PS_EUSAGE, "--project makes dense rows of bags of words; %s",
                im->dense != NULL ? "these features are dense already"
                                  : "this graph comes without features");
    PS_TRY(count_edges(im));
    PS_TRY(ps_import_scan_labels(im));
    PS_TRY(ps_import_scan_splits(im));
    if (im->dense != NULL)
        PS_TRY(ps_import_scan_dense(im));
    if (im->bits != NULL || im->csr_indptr != NULL)
        PS_TRY(ps_import_scan_csr(im));
    return PS_OK;
}

static PS_MUST ps_status create(struct ps_import *im, uint64_t part_offsets[2])
{
    struct ps_meta meta = {.partitioner = "none"};

    PS_TRY(find_name(im, meta.name));
    meta.nodes = part_offsets[1] = im->nodes;
    meta.feature_kind = ps_import_feature_kind(im);
    meta.feature_type = ps_import_feature_type(im);
    if (meta.feature_kind != PS_FEATURES_NONE)
        meta.feature_dim = ps_u32(ps_import_feature_columns(im));
    if (meta.feature_kind == PS_FEATURES_CSR)
        meta.feature_index_bytes = im->feature_dim <= 65536 ? 2 : 4;
    meta.feature_values = meta.feature_kind == PS_FEATURES_CSR && im->feature_values;
    meta.classes = ps_u32(im->classes);
    meta.task = im->classes != 0 ? PS_TASK_SINGLE_LABEL : PS_TASK_NONE;
    meta.symmetrised = im->undirected || im->o->import.symmetrise;
    meta.splits = im->split_count;
    meta.parts = 1;
    meta.part_offsets = part_offsets;
    return ps_dataset_create(&im->w, im->ctx, im->beside, im->o->common.force, &meta);
}

static PS_MUST ps_status write_all(struct ps_import *im)
{
    PS_TRY(ps_import_write_graph(im));
    PS_TRY(ps_import_write_ids(im));
    PS_TRY(ps_import_write_labels(im));
    PS_TRY(ps_import_write_splits(im));
    if (im->dense != NULL)
        PS_TRY(ps_import_write_dense(im));
    if (im->bits != NULL || im->csr_indptr != NULL)
        PS_TRY(ps_import_write_csr(im));
    return ps_dataset_part_end(im->w);
}

static PS_MUST ps_status finish(struct ps_import *im)
{
    json_t *j = json_pack("{s:s, s:O}", "command", im->command, "inputs", im->inputs);
    char *text = j != NULL ? json_dumps(j, JSON_COMPACT) : NULL;
    ps_status st;

    json_decref(j);
    if (text == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the provenance");
    ps_dataset_writer_meta(im->w)->provenance = text;
    st = ps_dataset_finish(&im->w);
    free(text);
    return st;
}

static PS_MUST ps_status add_report(const struct ps_import *im, json_t *report)
{
    static const char *const kind[] = {"none", "dense", "csr"};
    const char *source = "none";
    char name[PS_NAME_BYTES];
    json_t *j;

    if (im->splits != NULL)
        source = im->index_split != NULL ? "node numbers, then rows" : "rows";
    else if (im->index_split != NULL)
        source = "node numbers";
    PS_TRY(find_name(im, name));
    j = json_pack(
        "{s:s, s:I, s:I, s:s, s:I, s:I, s:I, s:I, s:s, s:I, s:I, s:I, s:s, s:I, s:f}", "name", name,
        "nodes", (json_int_t)im->nodes, "edges", (json_int_t)im->edge_count, "feature_kind",
        kind[ps_import_feature_kind(im)], "feature_dim", (json_int_t)ps_import_feature_columns(im),
        "projected_from", (json_int_t)(im->o->import.project != 0 ? im->feature_dim : 0), "classes",
        (json_int_t)im->classes, "splits", (json_int_t)im->split_count, "split_source", source,
        "train", (json_int_t)im->role_count[PS_IMPORT_TRAIN], "valid",
        (json_int_t)im->role_count[PS_IMPORT_VALID], "test",
        (json_int_t)im->role_count[PS_IMPORT_TEST], "path", im->beside, "sort_ranges",
        (json_int_t)im->sort_ranges, "seconds", (double)(ps_now_ns() - im->begin_ns) * 1e-9);
    if (j == NULL || json_object_update(report, j) != 0) {
        json_decref(j);
        PS_FAIL(PS_EMEM, "out of memory for the report");
    }
    json_decref(j);
    return PS_OK;
}

ps_status ps_import_run(struct ps_import *im, json_t *report)
{
    uint64_t part_offsets[2] = {0, 0};

    PS_TRY(ps_import_check_output(im));
    PS_TRY(scan(im));
    PS_TRY(create(im, part_offsets));
    PS_TRY(write_all(im));
    PS_TRY(finish(im));
    return add_report(im, report);
}
