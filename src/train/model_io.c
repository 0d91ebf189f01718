/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/model_io.h"

#include "io/table.h"

#include <string.h>

/* As --hidden allows; so no product of dimensions is beyond 64 bits. */
enum { HIDDEN_MAX = 65536 };

static const char *const kind_name[] = {[PS_NN_GCN] = "gcn", [PS_NN_SAGE] = "sage"};

static PS_MUST ps_status put_attributes(struct ps_table *t, const struct ps_model *model,
                                        const struct ps_model_origin *origin)
{
    const struct ps_model_shape *shape = ps_model_shape(model);

    PS_TRY(ps_table_put_text(t, "model", kind_name[shape->kind]));
    PS_TRY(ps_table_put_u64(t, "layers", shape->layers));
    PS_TRY(ps_table_put_u64(t, "dim_in", shape->dim_in));
    PS_TRY(ps_table_put_u64(t, "hidden", shape->hidden));
    PS_TRY(ps_table_put_u64(t, "classes", shape->classes));
    PS_TRY(ps_table_put_f64(t, "dropout", shape->dropout));
    PS_TRY(ps_table_put_f64(t, "input_dropout", shape->input_dropout));
    PS_TRY(ps_table_put_text(t, "dataset_uuid", origin->dataset_uuid));
    PS_TRY(ps_table_put_u64(t, "split", origin->split));
    return ps_table_put_u64(t, "seed", origin->seed);
}

static PS_MUST ps_status put_tensors(struct ps_table *t, const struct ps_model *model,
                                     const float *weights)
{
    uint32_t count;
    const struct ps_tensor *tensor = ps_model_tensors(model, &count);

    for (uint32_t i = 0; i < count; i++) {
        PS_TRY(ps_table_add(t, tensor[i].name, PS_COLUMN_F32, tensor[i].rows, tensor[i].cols));
        PS_TRY(ps_table_put(t, tensor[i].name, 0, tensor[i].rows, weights + tensor[i].begin));
    }
    return PS_OK;
}

ps_status ps_model_save(struct ps_ctx *ctx, const char *path, const struct ps_model *model,
                        const float *weights, const struct ps_model_origin *origin)
{
    struct ps_table *t;
    ps_status st;

    PS_TRY(ps_table_create(&t, ctx, path));
    PS_GO(st, put_attributes(t, model, origin));
    PS_GO(st, put_tensors(t, model, weights));
    return ps_table_finish(&t);
out:
    ps_table_close(&t);
    return st;
}

static PS_MUST ps_status get_u32(struct ps_table *t, const char *path, const char *name,
                                 uint64_t lo, uint64_t hi, uint32_t *out)
{
    uint64_t x;

    PS_TRY(ps_table_get_u64(t, name, &x));
    if (x < lo || x > hi)
        PS_FAIL(PS_EINPUT, "%s: %s is %" PRIu64 ", expected %" PRIu64 " to %" PRIu64, path, name, x,
                lo, hi);
    *out = (uint32_t)x;
    return PS_OK;
}

static PS_MUST ps_status get_share(struct ps_table *t, const char *path, const char *name,
                                   double *out)
{
    PS_TRY(ps_table_get_f64(t, name, out));
    if (!(*out >= 0 && *out < 1))
        PS_FAIL(PS_EINPUT, "%s: %s is %g, expected at least 0 and below 1", path, name, *out);
    return PS_OK;
}

static PS_MUST ps_status get_shape(struct ps_table *t, const char *path,
                                   struct ps_model_shape *shape, struct ps_model_origin *origin)
{
    char kind[16];

    PS_TRY(ps_table_get_text(t, "model", kind, sizeof kind));
    if (strcmp(kind, kind_name[PS_NN_GCN]) == 0)
        shape->kind = PS_NN_GCN;
    else if (strcmp(kind, kind_name[PS_NN_SAGE]) == 0)
        shape->kind = PS_NN_SAGE;
    else
        PS_FAIL(PS_EINPUT, "%s: the model is '%s', expected gcn or sage", path, kind);
    PS_TRY(get_u32(t, path, "layers", 1, 16, &shape->layers));
    PS_TRY(get_u32(t, path, "dim_in", 1, UINT32_MAX, &shape->dim_in));
    PS_TRY(get_u32(t, path, "hidden", 1, HIDDEN_MAX, &shape->hidden));
    PS_TRY(get_u32(t, path, "classes", 1, UINT32_MAX, &shape->classes));
    PS_TRY(get_share(t, path, "dropout", &shape->dropout));
    PS_TRY(get_share(t, path, "input_dropout", &shape->input_dropout));
    PS_TRY(ps_table_get_text(t, "dataset_uuid", origin->dataset_uuid, sizeof origin->dataset_uuid));
    PS_TRY(ps_table_get_u64(t, "split", &origin->split));
    return ps_table_get_u64(t, "seed", &origin->seed);
}

ps_status ps_model_load_shape(struct ps_ctx *ctx, const char *path, struct ps_model_shape *shape,
                              struct ps_model_origin *origin)
{
    struct ps_table *t;
    ps_status st;

    memset(shape, 0, sizeof *shape);
    memset(origin, 0, sizeof *origin);
    PS_TRY(ps_table_open(&t, ctx, path));
    st = get_shape(t, path, shape, origin);
    ps_table_close(&t);
    return st;
}

static PS_MUST ps_status get_tensors(struct ps_table *t, const char *path, struct ps_model *model)
{
    uint32_t count;
    const struct ps_tensor *tensor = ps_model_tensors(model, &count);

    for (uint32_t i = 0; i < count; i++) {
        uint64_t rows, cols;
        PS_TRY(ps_table_shape(t, tensor[i].name, &rows, &cols));
        if (rows != tensor[i].rows || cols != tensor[i].cols)
            PS_FAIL(PS_EINPUT, "%s: %s is %" PRIu64 " x %" PRIu64 ", expected %u x %u", path,
                    tensor[i].name, rows, cols, tensor[i].rows, tensor[i].cols);
        PS_TRY(ps_table_get(t, tensor[i].name, PS_COLUMN_F32,
                            ps_model_weights(model) + tensor[i].begin));
    }
    return PS_OK;
}

ps_status ps_model_load_weights(struct ps_ctx *ctx, const char *path, struct ps_model *model)
{
    struct ps_table *t;
    ps_status st;

    PS_TRY(ps_table_open(&t, ctx, path));
    st = get_tensors(t, path, model);
    ps_table_close(&t);
    return st;
}
