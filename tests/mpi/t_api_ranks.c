/* SPDX-License-Identifier: Apache-2.0 */
/* The library between real ranks: rows of other ranks' nodes, and one code for all after a
 * failure, with nothing printed. */
#include "tests/ps_test.h"

#include "src/api/graph_impl.h"
#include "tests/ps_dataset.h"

#include <string.h>

enum { NODES = 300, PARTS = 4, DIM = 3 };

static const struct ps_test_shape shape = {
    NODES, PARTS, 6, PS_FEATURES_DENSE, PS_TYPE_F32, DIM, false, false, 3, false, 0, false};
static struct ps_ctx ctx;
static struct ps_opts *opts;
static struct ps_world *world; /* has started MPI, as a caller of the library may have */
static struct ps_test_graph made;
static char dir[PS_TEST_DIR_BYTES], path[PS_TEST_PATH_BYTES];

static struct penstock_graph *open_graph(void)
{
    static const char *const options[] = {"quiet", "yes", "threads", "1", "timeout", "60", NULL};
    struct penstock_graph *g;

    assert_int_equal(penstock_graph_open(&g, path, options), PENSTOCK_OK);
    return g;
}

static void ranks_share_the_graph_and_read_all_of_it(void **state)
{
    struct penstock_graph *g = open_graph();
    const struct penstock_facts *f = penstock_graph_facts(g);
    uint64_t node[NODES], own = f->count, count = NODES - f->rank; /* another number on each rank */
    float row[NODES * DIM];

    (void)state;
    assert_int_equal(f->rank, ps_world_rank(world));
    assert_int_equal(f->ranks, ps_world_ranks(world));
    for (uint64_t i = 0; i < NODES; i++)
        node[i] = (i * 7 + f->rank) % NODES;
    assert_int_equal(penstock_graph_rows(g, node, (uint32_t)count, row), PENSTOCK_OK);
    for (uint64_t i = 0; i < count; i++)
        assert_memory_equal(row + i * DIM, made.features + node[i] * DIM * sizeof *row,
                            DIM * sizeof *row);
    assert_ok(ps_world_sum(world, PS_OK, NULL, 0, NULL, 0, &own, 1));
    assert_int_equal(own, NODES);
    penstock_graph_close(&g);
}

/* Rows of a node that is not there, asked for on the last rank alone. */
static void a_failure_of_one_rank_has_one_code_and_names_the_rank(void **state)
{
    static const uint64_t wrong = NODES;
    struct penstock_graph *g = open_graph();
    uint32_t rank = ps_world_rank(world), last = ps_world_ranks(world) - 1;
    uint64_t node = rank;
    char expected[64];
    float row[DIM];

    (void)state;
    snprintf(expected, sizeof expected, "rank %u failed first", last);
    assert_fails(penstock_graph_rows(g, rank == last ? &wrong : &node, 1, row), PENSTOCK_USAGE,
                 rank == last ? "node 300" : expected);
    penstock_graph_close(&g);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(ranks_share_the_graph_and_read_all_of_it),
        cmocka_unit_test(a_failure_of_one_rank_has_one_code_and_names_the_rank),
    };

    opts = calloc(1, sizeof *opts);
    ps_opts_init(opts);
    opts->comm.timeout = 60;
    ps_ctx_init(&ctx, stderr);
    if (ps_world_open(&world, &ctx, opts) != PS_OK)
        return 1;
    ps_test_graph_make(&made, &shape);
    if (ps_world_rank(world) == 0) {
        ps_test_dir_make(dir);
        ps_test_path(path, dir, "g.ps");
        assert_ok(ps_test_graph_write(&made, &ctx, path, false));
    }
    if (ps_world_broadcast(world, PS_OK, path, sizeof path, 0) != PS_OK ||
        cmocka_run_group_tests(tests, NULL, NULL) != 0)
        ps_comm_abort(ps_world_comm(world), PS_EUSAGE); /* others may be in another call */
    if (ps_world_rank(world) == 0)
        ps_test_dir_remove(dir);
    ps_test_graph_free(&made);
    ps_world_close(&world);
    free(opts);
    return ps_ctx_fini(&ctx) == 0 ? 0 : 1;
}
