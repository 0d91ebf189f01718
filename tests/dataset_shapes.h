/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file dataset_shapes.h
 * @brief Small datasets of every kind, for tests that go over all of them.
 */
#ifndef TESTS_DATASET_SHAPES_H
#define TESTS_DATASET_SHAPES_H

#include "tests/ps_dataset.h"

/** Every kind of array, empty parts, no nodes, no edges. */
static const struct ps_test_shape shapes[] = {
    {.nodes = 3000,
     .parts = 1,
     .degree = 9,
     .kind = PS_FEATURES_DENSE,
     .dim = 33,
     .classes = 7,
     .splits = 1},
    {.nodes = 2500,
     .parts = 5,
     .degree = 6,
     .kind = PS_FEATURES_DENSE,
     .type = PS_TYPE_F16,
     .dim = 5,
     .classes = 40,
     .multi_label = true,
     .splits = 10,
     .weighted = true},
    {.nodes = 700,
     .parts = 3,
     .degree = 4,
     .kind = PS_FEATURES_DENSE,
     .type = PS_TYPE_I8,
     .dim = 1,
     .classes = 2,
     .splits = 3},
    {.nodes = 2000,
     .parts = 4,
     .degree = 5,
     .kind = PS_FEATURES_CSR,
     .dim = 300,
     .classes = 3,
     .splits = 1},
    {.nodes = 900,
     .parts = 2,
     .degree = 5,
     .kind = PS_FEATURES_CSR,
     .dim = 70000,
     .values = true,
     .wide = true,
     .classes = 3,
     .splits = 2},
    {.nodes = 10, .parts = 7, .degree = 3, .kind = PS_FEATURES_CSR, .dim = 20, .values = true},
    {.nodes = 5,
     .parts = 9,
     .degree = 0,
     .kind = PS_FEATURES_DENSE,
     .dim = 4,
     .splits = 1,
     .classes = 2},
    {.nodes = 0, .parts = 2},
    {.nodes = 1, .parts = 1, .kind = PS_FEATURES_CSR, .dim = 1},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

#endif
