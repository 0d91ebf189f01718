/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file part.h
 * @brief What an open part holds: for dataset.c, which opens it, and dataset_verify.c.
 *
 * @par Internal  to io/
 */
#ifndef IO_PART_H
#define IO_PART_H

#include "io/dataset.h"

struct ps_dataset {
    struct ps_ctx *ctx;
    char path[PATH_MAX];
    struct ps_meta meta;
};

/** Where the checksums of an array lie. */
struct ps_sums {
    uint64_t offset, blocks;
    uint64_t hash; /**< of the checksums */
};

struct ps_part {
    struct ps_ctx *ctx;
    int fd;
    uint32_t index;
    uint64_t first, nodes, edges, values, file_bytes;
    struct ps_array array[PS_ARRAY_COUNT];
    struct ps_sums sums[PS_ARRAY_COUNT];
    char path[PATH_MAX];
};

#endif
