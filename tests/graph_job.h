/* SPDX-License-Identifier: Apache-2.0 */
/* A world, a small graph in several shapes, and batches: for the tests of sampling and rows. */
#ifndef TESTS_GRAPH_JOB_H
#define TESTS_GRAPH_JOB_H

#include "tests/ps_test.h"

#include "src/graph/sample.h"
#include "tests/ps_dataset.h"

#include <string.h>

enum { NODES = 700, PARTS = 5, SEEDS = 23, HOPS = 3 };

static struct ps_ctx ctx;
static struct ps_opts *opts;
static struct ps_world *world;
static char dir[PS_TEST_DIR_BYTES];

static const struct ps_test_shape shapes[] = {
    {NODES, PARTS, 9, PS_FEATURES_DENSE, PS_TYPE_F32, 7, false, false, 3, false, 1, false},
    {NODES, PARTS, 40, PS_FEATURES_CSR, PS_TYPE_F32, 90, false, false, 3, false, 1, false},
    {NODES, PARTS, 3, PS_FEATURES_CSR, PS_TYPE_F32, 70000, true, true, 3, false, 1, false},
    {NODES, PARTS, 5, PS_FEATURES_DENSE, PS_TYPE_I8, 5, false, false, 3, false, 1, false},
};
enum { SHAPES = sizeof shapes / sizeof shapes[0] };

/* Rank 0 writes; all open. */
static inline struct ps_shard *open_graph(struct ps_test_graph *g, int shape)
{
    char path[PS_TEST_PATH_BYTES], name[16];
    struct ps_shard *shard = NULL;

    ps_test_graph_make(g, &shapes[shape]);
    snprintf(name, sizeof name, "g%d.ps", shape);
    ps_test_path(path, dir, name);
    if (ps_world_rank(world) == 0)
        assert_ok(ps_test_graph_write(g, &ctx, path, true));
    assert_ok(ps_world_agree(world, PS_OK));
    assert_ok(ps_shard_open(&shard, world, path));
    return shard;
}

/* The seeds of rank r: distinct, other ones for other ranks, some owned elsewhere. */
static inline void seeds_of(uint32_t r, uint64_t node[SEEDS])
{
    struct ps_key key = ps_key_make(5, PS_FOR_TEST, 0, 0, 0);

    for (uint64_t i = 0; i < SEEDS; i++)
        node[i] = ps_permute(key, r * SEEDS + i, NODES);
}

enum { TOGETHER = 5 };

static inline void batches_new(struct ps_sample *batch)
{
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_sample_init(&batch[b], &ctx.mem);
}

static inline void batches_free(struct ps_sample *batch)
{
    for (uint32_t b = 0; b < TOGETHER; b++)
        ps_sample_fini(&batch[b]);
}

static inline int run_job(const struct CMUnitTest *tests, size_t count)
{
    opts = calloc(1, sizeof *opts);
    ps_opts_init(opts);
    opts->comm.timeout = 60;
    ps_ctx_init(&ctx, stderr);
    if (ps_world_open(&world, &ctx, opts) != PS_OK)
        return 1;
    if (ps_world_rank(world) == 0)
        ps_test_dir_make(dir);
    if (ps_world_broadcast(world, PS_OK, dir, sizeof dir, 0) != PS_OK ||
        _cmocka_run_group_tests("tests", tests, count, NULL, NULL) != 0)
        ps_comm_abort(ps_world_comm(world), PS_EUSAGE); /* others may be in another call */
    if (ps_world_rank(world) == 0)
        ps_test_dir_remove(dir);
    ps_world_close(&world);
    free(opts);
    return ps_ctx_fini(&ctx) == 0 ? 0 : 1;
}

#endif
