/* SPDX-License-Identifier: Apache-2.0 */
#include "io/layout.h"

static const struct {
    const char *name, *checksum;
} row[PS_ARRAY_COUNT] = {
    [PS_ARRAY_INDPTR] = {"/graph/indptr", "/checksums/graph_indptr"},
    [PS_ARRAY_INDICES] = {"/graph/indices", "/checksums/graph_indices"},
    [PS_ARRAY_WEIGHTS] = {"/graph/weights", "/checksums/graph_weights"},
    [PS_ARRAY_FEATURES] = {"/nodes/features", "/checksums/nodes_features"},
    [PS_ARRAY_FEATURES_INDPTR] = {"/nodes/features_indptr", "/checksums/nodes_features_indptr"},
    [PS_ARRAY_FEATURES_INDICES] = {"/nodes/features_indices", "/checksums/nodes_features_indices"},
    [PS_ARRAY_FEATURES_VALUES] = {"/nodes/features_values", "/checksums/nodes_features_values"},
    [PS_ARRAY_LABELS] = {"/nodes/labels", "/checksums/nodes_labels"},
    [PS_ARRAY_SPLIT] = {"/nodes/split", "/checksums/nodes_split"},
    [PS_ARRAY_ORIG_ID] = {"/nodes/orig_id", "/checksums/nodes_orig_id"},
    [PS_ARRAY_OUT_DEGREE] = {"/nodes/out_degree", "/checksums/nodes_out_degree"},
};

const char *ps_array_name(enum ps_array_id id)
{
    return row[id].name;
}

const char *ps_layout_checksum_name(enum ps_array_id id)
{
    return row[id].checksum;
}

bool ps_layout_has(const struct ps_meta *m, enum ps_array_id id)
{
    switch (id) {
    case PS_ARRAY_WEIGHTS:
        return m->weighted;
    case PS_ARRAY_FEATURES:
        return m->feature_kind == PS_FEATURES_DENSE;
    case PS_ARRAY_FEATURES_INDPTR:
    case PS_ARRAY_FEATURES_INDICES:
        return m->feature_kind == PS_FEATURES_CSR;
    case PS_ARRAY_FEATURES_VALUES:
        return m->feature_kind == PS_FEATURES_CSR && m->feature_values;
    case PS_ARRAY_LABELS:
        return m->task != PS_TASK_NONE;
    case PS_ARRAY_SPLIT:
        return m->splits > 0;
    case PS_ARRAY_INDPTR:
    case PS_ARRAY_INDICES:
    case PS_ARRAY_ORIG_ID:
    case PS_ARRAY_OUT_DEGREE:
        return true;
    case PS_ARRAY_COUNT:
    default:
        return false;
    }
}

static struct ps_h5_shape line(enum ps_h5_type type, uint64_t items)
{
    return (struct ps_h5_shape){.type = type, .rank = 1, .dim = {items}};
}

static struct ps_h5_shape matrix(enum ps_h5_type type, uint64_t rows, uint64_t cols)
{
    return (struct ps_h5_shape){.type = type, .rank = 2, .dim = {rows, cols}};
}

struct ps_h5_shape ps_layout_shape(const struct ps_meta *m, enum ps_array_id id, uint64_t n,
                                   uint64_t edges, uint64_t values)
{
    static const enum ps_h5_type dense[] = {
        [PS_TYPE_F32] = PS_H5_F32, [PS_TYPE_F16] = PS_H5_F16, [PS_TYPE_I8] = PS_H5_I8};

    switch (id) {
    case PS_ARRAY_INDPTR:
    case PS_ARRAY_FEATURES_INDPTR:
        return line(PS_H5_U64, n + 1);
    case PS_ARRAY_INDICES:
        return line(m->index_bytes == 4 ? PS_H5_U32 : PS_H5_U64, edges);
    case PS_ARRAY_WEIGHTS:
        return line(PS_H5_F32, edges);
    case PS_ARRAY_FEATURES:
        return matrix(dense[m->feature_type], n, m->feature_dim);
    case PS_ARRAY_FEATURES_INDICES:
        return line(m->feature_index_bytes == 2 ? PS_H5_U16 : PS_H5_U32, values);
    case PS_ARRAY_FEATURES_VALUES:
        return line(PS_H5_F32, values);
    case PS_ARRAY_LABELS:
        return m->task == PS_TASK_MULTI_LABEL ? matrix(PS_H5_U8, n, ps_div_up(m->classes, 8))
                                              : line(PS_H5_I32, n);
    case PS_ARRAY_SPLIT:
        return matrix(PS_H5_U8, m->splits, n);
    case PS_ARRAY_ORIG_ID:
        return line(PS_H5_U64, n);
    case PS_ARRAY_OUT_DEGREE:
        return line(PS_H5_U32, n);
    case PS_ARRAY_COUNT:
    default:
        PS_ASSERT(id < PS_ARRAY_COUNT);
        return line(PS_H5_U8, 0);
    }
}
