/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file model_io.h
 * @brief A model in a file: model.h5 of a run.
 *
 * Attributes: model (gcn, sage), layers, dim_in, hidden, classes, dropout, input_dropout,
 * dataset_uuid, split, seed; one array f32 for each tensor, under its name.
 */
#ifndef PS_TRAIN_MODEL_IO_H
#define PS_TRAIN_MODEL_IO_H

#include "src/nn/model.h"

/** Where a model comes from. */
struct ps_model_origin {
    char dataset_uuid[40];
    uint64_t split, seed;
};

/** Write @p weights (weight_count) of @p model. Not collective. @return PS_EIO */
PS_MUST ps_status ps_model_save(struct ps_ctx *ctx, const char *path, const struct ps_model *model,
                                const float *weights, const struct ps_model_origin *origin);

/** Shape and origin of a saved model. @return PS_EINPUT */
PS_MUST ps_status ps_model_load_shape(struct ps_ctx *ctx, const char *path,
                                      struct ps_model_shape *shape, struct ps_model_origin *origin);
/** Weights of a saved model into one of that shape. @return PS_EINPUT */
PS_MUST ps_status ps_model_load_weights(struct ps_ctx *ctx, const char *path,
                                        struct ps_model *model);

#endif
