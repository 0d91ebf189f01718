/* SPDX-License-Identifier: Apache-2.0 */
/* Real graphs, imported and cut. They lie beside the source tree; without them this is skipped. */
#include "tests/cut.h"

static char dir[PS_TEST_DIR_BYTES];

static void import(struct ps_ctx *ctx, const char *from)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    json_t *r = json_object();

    ps_opts_init(o);
    o->common.force = true;
    snprintf(o->common.out, sizeof o->common.out, "%s/real.ps", dir);
    assert_ok(ps_import_dir(ctx, o, from, "a test", r));
    json_decref(r);
    free(o);
}

/* Sparse features; ten splits and dense features; ids of a web graph without features. */
static void real_graphs_are_the_input_in_another_order(void **state)
{
    static const char *const name[] = {"cora", "tolokers", "ego-twitter"};
    const char *source = getenv("PS_SOURCE_DIR");
    char from[PS_TEST_PATH_BYTES];
    struct ps_ctx ctx;
    int found = 0;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    for (int i = 0; i < 3; i++) {
        snprintf(from, sizeof from, "%s/../shared/data/%s", source != NULL ? source : ".", name[i]);
        if (access(from, R_OK) != 0) {
            printf("%s is absent: not tested\n", from);
            continue;
        }
        found++;
        import(&ctx, from);
        check_cut(dir, &ctx, "real.ps", 4, PS_METHOD_RANGE);
        check_cut(dir, &ctx, "real.ps", 4, PS_METHOD_METIS);
    }
    if (found == 0) {
        ps_test_dir_remove(dir);
        exit(77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(real_graphs_are_the_input_in_another_order),
    };
    int rc;

    ps_test_dir_make(dir);
    rc = cmocka_run_group_tests(tests, NULL, NULL);
    ps_test_dir_remove(dir);
    return rc;
}
