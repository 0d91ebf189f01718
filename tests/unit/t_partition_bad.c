/* SPDX-License-Identifier: Apache-2.0 */
/* What `partition` refuses, with its sentences, and what it leaves behind when it fails: nothing.
 */
#include "tests/whole.h"

#include "src/graph/ingest.h"
#include "src/graph/partition.h"

#include <fcntl.h>

static char dir[PS_TEST_DIR_BYTES], in[PS_TEST_PATH_BYTES];

static const struct ps_test_shape shape = {.nodes = 60,
                                           .parts = 2,
                                           .degree = 7,
                                           .kind = PS_FEATURES_CSR,
                                           .dim = 20,
                                           .values = true,
                                           .classes = 3,
                                           .splits = 2,
                                           .weighted = true};

static void write_input(struct ps_ctx *ctx, bool claims_symmetry)
{
    struct ps_test_graph g;

    ps_test_graph_make(&g, &shape);
    g.meta.symmetrised = claims_symmetry;
    assert_ok(ps_test_graph_write(&g, ctx, ps_test_path(in, dir, "in.ps"), true));
    ps_test_graph_free(&g);
}

/* Fails with this status and sentence, holds no memory and leaves no output. */
static void refused(struct ps_ctx *ctx, const struct ps_opts *o, ps_status st, const char *part)
{
    json_t *r = json_object();

    assert_fails(ps_partition(ctx, o, in, "", r), st, part);
    assert_int_equal(ps_mem_live(&ctx->mem), 0);
    json_decref(r);
}

static void options(struct ps_opts *o, uint64_t parts, uint64_t method)
{
    ps_opts_init(o);
    o->partition.parts = parts;
    o->partition.method = method;
    snprintf(o->common.out, sizeof o->common.out, "%s/out.ps", dir);
}

static void graphs_too_large_for_the_ids_of_metis_are_refused(void **state)
{
    const uint64_t most = INT32_MAX;

    (void)state;
    assert_ok(ps_metis_check(most - 1, most, true));
    assert_ok(ps_metis_check(10, most / 2, false));
    assert_fails(ps_metis_check(most, 1, true), PS_EUSAGE, "2147483647 nodes");
    assert_fails(ps_metis_check(10, most + 1, true), PS_EUSAGE, "2147483648 edges");
    assert_fails(ps_metis_check(10, most / 2 + 1, false), PS_EUSAGE, "--method range");
    assert_fails(ps_metis_check(10, UINT64_MAX, false), PS_EUSAGE, "both directions");
}

static void what_cannot_be_cut_is_refused(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    write_input(&ctx, false);
    for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_HASH; method++) {
        options(o, 61, method);
        refused(&ctx, o, PS_EUSAGE, "60 nodes, too few for 61 partitions");
        options(o, 4, method);
        o->common.out[0] = '\0';
        refused(&ctx, o, PS_EUSAGE, "--out is needed");
        options(o, 4, method);
        snprintf(o->common.out, sizeof o->common.out, "%s", in);
        refused(&ctx, o, PS_EUSAGE, "exists");
        options(o, 4, method);
        ps_test_path(in, dir, "missing.ps");
        refused(&ctx, o, PS_EINPUT, "missing.ps");
        ps_test_path(in, dir, "in.ps");
        snprintf(o->common.out, sizeof o->common.out, "%s/no/such/out.ps", dir);
        refused(&ctx, o, PS_EIO, "no/such");
    }
    options(o, 4, PS_METHOD_METIS);
    atomic_store(&ctx.mem.limit_bytes, 20000);
    refused(&ctx, o, PS_EUSAGE, "--memory has 20000");
    free(o);
}

static void a_dataset_that_says_symmetrised_and_is_not_is_refused_by_metis(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    json_t *r = json_object();

    (void)state;
    ps_ctx_init(&ctx, NULL);
    write_input(&ctx, true);
    options(o, 3, PS_METHOD_METIS);
    refused(&ctx, o, PS_EINPUT, "says that it is symmetrised, but has an edge from");
    options(o, 3, PS_METHOD_RANGE); /* which does not care */
    o->common.force = true;
    assert_ok(ps_partition(&ctx, o, in, "", r));
    json_decref(r);
    free(o);
}

/* Put @p x over item @p at of an array of the first part. */
static void overwrite(struct ps_ctx *ctx, enum ps_array_id id, uint64_t at, uint64_t x)
{
    struct ps_dataset *ds;
    struct ps_part *p;
    const struct ps_array *a;
    int fd;

    assert_ok(ps_dataset_open(&ds, ctx, in));
    assert_ok(ps_part_open(&p, ds, 0));
    a = ps_part_array(p, id);
    fd = open(ps_part_path(p), O_WRONLY);
    assert_int_equal(pwrite(fd, &x, a->item_bytes, (off_t)(a->offset + at * a->item_bytes)),
                     a->item_bytes);
    close(fd);
    ps_part_close(&p);
    ps_dataset_close(&ds);
}

static void ids_and_row_ends_out_of_range_are_found(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_HASH; method++) {
        options(o, 3, method);
        o->common.force = true;
        write_input(&ctx, false);
        overwrite(&ctx, PS_ARRAY_INDICES, 5, 60);
        refused(&ctx, o, PS_EINPUT, "/graph/indices[5] is node 60, expected below 60");
        write_input(&ctx, false);
        overwrite(&ctx, PS_ARRAY_INDPTR, 3, 1000000);
        refused(&ctx, o, PS_EINPUT, "/graph/indptr says that row 2 is [");
        write_input(&ctx, false);
        overwrite(&ctx, PS_ARRAY_FEATURES_INDPTR, 3, 1000000);
        refused(&ctx, o, PS_EINPUT, "/nodes/features_indptr says that row 2 is [");
    }
    free(o);
}

static void every_allocation_may_fail(void **state)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx ctx;
    json_t *r = json_object();

    (void)state;
    ps_ctx_init(&ctx, NULL);
    write_input(&ctx, false);
    for (uint64_t method = PS_METHOD_RANGE; method <= PS_METHOD_HASH; method++) {
        ps_status st = PS_EMEM;
        int failed = -1;
        options(o, 2, method);
        snprintf(o->common.out, sizeof o->common.out, "%s/alloc%d.ps", dir, (int)method);
        for (long long n = 0; st != PS_OK && n < 2000; n++, failed++) {
            ps_mem_fail_after(&ctx.mem, n);
            st = ps_partition(&ctx, o, in, "", r);
            assert_true(st == PS_OK || st == PS_EMEM);
            assert_int_equal(ps_mem_live(&ctx.mem), 0);
            assert_int_equal(access(o->common.out, F_OK), st == PS_OK ? 0 : -1);
        }
        assert_true(st == PS_OK && failed > 50);
        ps_mem_fail_after(&ctx.mem, -1);
    }
    json_decref(r);
    free(o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(graphs_too_large_for_the_ids_of_metis_are_refused),
        cmocka_unit_test(what_cannot_be_cut_is_refused),
        cmocka_unit_test(a_dataset_that_says_symmetrised_and_is_not_is_refused_by_metis),
        cmocka_unit_test(ids_and_row_ends_out_of_range_are_found),
        cmocka_unit_test(every_allocation_may_fail),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
