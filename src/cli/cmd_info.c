/* SPDX-License-Identifier: Apache-2.0 */
/* What is in a dataset. Every part is opened, so a part that is cut or missing is told here. */
#include "src/cli/cmd.h"

#include "io/dataset.h"

#include <string.h>

/* "indptr" of "/graph/indptr" */
static const char *short_name(int id)
{
    return strrchr(ps_array_name((enum ps_array_id)id), '/') + 1;
}

static PS_MUST ps_status set(json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    return PS_OK;
}

static json_t *number(uint64_t x)
{
    return json_integer((json_int_t)x);
}

static PS_MUST ps_status add_features(json_t *r, const struct ps_meta *m)
{
    PS_TRY(set(r, "feature_kind", json_string(ps_feature_kind_name(m->feature_kind))));
    PS_TRY(set(r, "feature_dim", number(m->feature_dim)));
    if (m->feature_kind == PS_FEATURES_DENSE)
        PS_TRY(set(r, "feature_type", json_string(ps_feature_type_name(m->feature_type))));
    if (m->feature_kind == PS_FEATURES_CSR) {
        PS_TRY(set(r, "feature_index_bytes", number(m->feature_index_bytes)));
        PS_TRY(set(r, "feature_values", json_boolean(m->feature_values)));
    }
    return PS_OK;
}

/* Training nodes of each split. */
static json_t *train_nodes(const struct ps_meta *m)
{
    uint64_t ends = (uint64_t)m->parts + 1;
    json_t *list = json_array();

    for (uint32_t s = 0; s < m->splits; s++)
        (void)json_array_append_new(list, number(m->train_offsets[s * ends + m->parts]));
    return list;
}

/* The text as JSON where it is JSON. */
static json_t *provenance(const struct ps_meta *m)
{
    json_t *j = json_loads(m->provenance, JSON_DECODE_ANY, NULL);

    return j != NULL ? j : json_string(m->provenance);
}

static PS_MUST ps_status add_meta(json_t *r, const struct ps_dataset *ds)
{
    const struct ps_meta *m = ps_dataset_meta(ds);

    PS_TRY(set(r, "path", json_string(ps_dataset_path(ds))));
    PS_TRY(set(r, "name", json_string(m->name)));
    PS_TRY(set(r, "uuid", json_string(m->uuid)));
    PS_TRY(set(r, "format_version", number(PS_FORMAT_VERSION)));
    PS_TRY(set(r, "nodes", number(m->nodes)));
    PS_TRY(set(r, "edges", number(m->edges)));
    PS_TRY(set(r, "symmetrised", json_boolean(m->symmetrised)));
    PS_TRY(set(r, "weighted", json_boolean(m->weighted)));
    PS_TRY(set(r, "index_bytes", number(m->index_bytes)));
    PS_TRY(add_features(r, m));
    PS_TRY(set(r, "task", json_string(ps_task_name(m->task))));
    PS_TRY(set(r, "classes", number(m->classes)));
    PS_TRY(set(r, "splits", number(m->splits)));
    PS_TRY(set(r, "train_nodes", train_nodes(m)));
    PS_TRY(set(r, "parts", number(m->parts)));
    PS_TRY(set(r, "partitioner", json_string(m->partitioner)));
    PS_TRY(set(r, "edge_cut", json_real(m->edge_cut)));
    return set(r, "provenance", provenance(m));
}

/* One part: counts, and for each array its bytes. */
static PS_MUST ps_status describe_part(const struct ps_dataset *ds, uint32_t k, json_t *list,
                                       uint64_t *bytes)
{
    json_t *r = json_object(), *arrays = json_object();
    struct ps_part *p = NULL;
    ps_status st = PS_OK;

    if (r == NULL || arrays == NULL || json_array_append(list, r) != 0)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
    PS_GO(st, ps_part_open(&p, ds, k));
    PS_GO(st, set(r, "part", number(k)));
    PS_GO(st, set(r, "first_node", number(ps_part_first_node(p))));
    PS_GO(st, set(r, "nodes", number(ps_part_nodes(p))));
    PS_GO(st, set(r, "edges", number(ps_part_edges(p))));
    PS_GO(st, set(r, "file_bytes", number(ps_part_file_bytes(p))));
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        const struct ps_array *a = ps_part_array(p, (enum ps_array_id)i);
        if (a->present)
            PS_GO(st, set(arrays, ps_array_name((enum ps_array_id)i), number(a->bytes)));
    }
    PS_GO(st, set(r, "array_bytes", json_incref(arrays)));
    *bytes += ps_part_file_bytes(p);
out:
    ps_part_close(&p);
    json_decref(arrays);
    json_decref(r);
    return st;
}

static long long get(const json_t *part, const char *key)
{
    return (long long)json_integer_value(json_object_get(part, key));
}

/* The parts as a table: a row for each, bytes of each array. */
static void print_parts(const json_t *list)
{
    const json_t *first = json_object_get(json_array_get(list, 0), "array_bytes"), *part;
    size_t i;

    printf("\n%5s %12s %14s %16s", "part", "nodes", "edges", "file bytes");
    for (int id = 0; id < PS_ARRAY_COUNT; id++)
        if (json_object_get(first, ps_array_name((enum ps_array_id)id)) != NULL)
            printf(" %16s", short_name(id));
    json_array_foreach(list, i, part)
    {
        const json_t *arrays = json_object_get(part, "array_bytes");
        printf("\n%5lld %12lld %14lld %16lld", get(part, "part"), get(part, "nodes"),
               get(part, "edges"), get(part, "file_bytes"));
        for (int id = 0; id < PS_ARRAY_COUNT; id++)
            if (json_object_get(arrays, ps_array_name((enum ps_array_id)id)) != NULL)
                printf(" %16lld", get(arrays, ps_array_name((enum ps_array_id)id)));
    }
    putchar('\n');
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    json_t *report = json_object(), *parts = json_array();
    struct ps_dataset *ds = NULL;
    ps_status st = PS_OK;
    uint64_t bytes = 0;

    (void)line;
    if (report == NULL || parts == NULL)
        PS_GO_FAIL(st, PS_EMEM, "out of memory for the report");
    PS_GO(st, ps_dataset_open(&ds, ctx, o->positional[0]));
    PS_GO(st, add_meta(report, ds));
    for (uint32_t k = 0; k < ps_dataset_meta(ds)->parts; k++)
        PS_GO(st, describe_part(ds, k, parts, &bytes));
    PS_GO(st, set(report, "part_file_bytes", number(bytes)));
    if (o->common.json)
        PS_GO(st, set(report, "part_list", json_incref(parts)));
    PS_GO(st, ps_report_print(o, report));
    if (!o->common.json)
        print_parts(parts);
    if (fflush(stdout) != 0)
        PS_GO_FAIL(st, PS_EIO, "cannot write the report to stdout");
out:
    ps_dataset_close(&ds);
    json_decref(parts);
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_info = {
    .usage = {PS_CMD_INFO, "info", "D.ps", "Tell what is in a dataset.",
              "Prints meta.h5, and for each part its counts and the bytes of its arrays. Values "
              "are not read; penstock verify does that.",
              1, 1},
    .run = run,
};
