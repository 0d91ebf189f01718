/* SPDX-License-Identifier: Apache-2.0 */
/* The network edge with one rank: no launcher, no MPI, the same promises. */
#include "tests/ps_test.h"

#include "comm/backend.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const launcher_variables[] = {
    "OMPI_COMM_WORLD_SIZE", "PMIX_RANK",           "PMI_RANK", "PMI_SIZE",
    "MPI_LOCALNRANKS",      "MV2_COMM_WORLD_SIZE",
};
enum { VARIABLES = sizeof launcher_variables / sizeof launcher_variables[0] };

struct world {
    struct ps_ctx ctx;
    struct ps_comm *c;
};

static int join(void **state)
{
    static const struct ps_opts_comm o = {.timeout = 5};
    struct world *w = calloc(1, sizeof *w);

    ps_ctx_init(&w->ctx, NULL);
    assert_ok(ps_comm_new(&w->c, &w->ctx, &o));
    *state = w;
    return 0;
}

static int leave(void **state)
{
    struct world *w = *state;

    ps_comm_free(&w->c);
    assert_null(w->c);
    ps_comm_free(&w->c);
    assert_int_equal(ps_ctx_fini(&w->ctx), 0);
    free(w);
    return 0;
}

static void without_a_launcher_there_is_one_rank(void **state)
{
    struct world *w = *state;

    assert_false(ps_comm_launched());
    assert_string_equal(ps_comm_name(w->c), "self");
    assert_int_equal(ps_comm_rank(w->c), 0);
    assert_int_equal(ps_comm_ranks(w->c), 1);
    assert_int_equal(ps_comm_local_ranks(w->c), 1);
    assert_true(ps_comm_any_thread(w->c));
}

static void a_launcher_is_known_by_its_variables_and_a_batch_shell_is_none(void **state)
{
    (void)state;
    setenv("SLURM_JOB_ID", "17", 1);
    setenv("SLURM_STEP_ID", "0", 1);
    setenv("SLURM_PROCID", "0", 1);
    assert_false(ps_comm_launched());
    for (int i = 0; i < VARIABLES; i++) {
        setenv(launcher_variables[i], "", 1);
        assert_false(ps_comm_launched());
        setenv(launcher_variables[i], "1", 1);
        assert_true(ps_comm_launched());
        unsetenv(launcher_variables[i]);
    }
}

static void a_part_to_oneself_arrives_and_is_not_counted(void **state)
{
    static unsigned char data[200001];
    struct world *w = *state;
    const void *part = data;
    uint64_t bytes, sent[PS_TRAFFIC_COUNT];
    struct ps_inbox in;

    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (unsigned char)(i * 7 + i / 251);
    assert_ok(ps_inbox_init(&in, w->c));
    for (bytes = 0; bytes < sizeof data; bytes = bytes * 3 + 1) {
        assert_ok(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, &part, &bytes, &in));
        assert_int_equal(in.bytes[0], bytes);
        assert_int_equal(in.begin[1], ps_align_up(bytes, 8));
        assert_memory_equal(in.data, data, bytes);
    }
    ps_inbox_fini(&in, w->c);
    ps_inbox_fini(&in, w->c);
    ps_comm_sent_bytes(w->c, sent);
    for (int t = 0; t < PS_TRAFFIC_COUNT; t++)
        assert_int_equal(sent[t], 0);
}

static void sums_gathers_and_broadcasts_of_one_are_the_thing_itself(void **state)
{
    struct world *w = *state;
    float real[3] = {1.5f, -0.0f, 3e38f}, real_was[3];
    double wide = 0.1;
    uint64_t whole = UINT64_MAX;
    char word[6] = "river", all[6] = "";

    memcpy(real_was, real, sizeof real);
    assert_ok(ps_comm_sum(w->c, PS_OK, real, 3, &wide, 1, &whole, 1));
    assert_memory_equal(real, real_was, sizeof real);
    assert_true(wide == 0.1 && whole == UINT64_MAX);
    assert_ok(ps_comm_gather(w->c, PS_OK, word, sizeof word, all));
    assert_string_equal(all, "river");
    assert_ok(ps_comm_broadcast(w->c, PS_OK, word, sizeof word, 0));
    assert_string_equal(word, "river");
}

static ps_status own_failure(void)
{
    PS_FAIL(PS_EIO, "cannot read meta.h5");
}

static void ones_own_failure_comes_back_with_its_sentence(void **state)
{
    struct world *w = *state;
    uint32_t first = 9;
    ps_status told = PS_OK;

    assert_false(ps_comm_first_failure(w->c, &first, &told));
    for (int i = 0; i < 5; i++) {
        ps_status st = own_failure();
        st = i == 0   ? ps_comm_agree(w->c, st)
             : i == 1 ? ps_comm_gather(w->c, st, NULL, 5, NULL)
             : i == 2 ? ps_comm_broadcast(w->c, st, NULL, 5, 0)
             : i == 3 ? ps_comm_sum(w->c, st, NULL, 5, NULL, 5, NULL, 5)
                      : ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, st, NULL, NULL, NULL);
        assert_int_equal(st, PS_EIO);
        assert_string_equal(ps_err_sentence(), "cannot read meta.h5");
        assert_true(ps_comm_first_failure(w->c, &first, &told));
        assert_int_equal(first, 0);
        assert_int_equal(told, PS_EIO);
    }
    assert_ok(ps_comm_agree(w->c, PS_OK));
}

static void an_inbox_that_cannot_grow_is_a_failure_like_others(void **state)
{
    static unsigned char data[100000];
    struct world *w = *state;
    const void *part = data;
    uint64_t bytes = sizeof data;
    struct ps_inbox in;

    assert_ok(ps_inbox_init(&in, w->c));
    ps_mem_fail_after(&w->ctx.mem, 0);
    assert_fails(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, &part, &bytes, &in), PS_EMEM,
                 "out of memory");
    ps_mem_fail_after(&w->ctx.mem, -1);
    assert_ok(ps_comm_alltoall(w->c, PS_TRAFFIC_ROWS, PS_OK, &part, &bytes, &in));
    ps_inbox_fini(&in, w->c);
}

static ps_status join_and_leave(struct ps_ctx *ctx)
{
    static const struct ps_opts_comm o = {.timeout = 5};
    struct ps_comm *c;
    struct ps_inbox in;
    ps_status st;

    PS_TRY(ps_comm_new(&c, ctx, &o));
    st = ps_inbox_init(&in, c);
    ps_inbox_fini(&in, c);
    ps_comm_free(&c);
    return st;
}

static void every_allocation_of_joining_may_fail(void **state)
{
    struct ps_ctx ctx;
    int failures = 0;
    ps_status st;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    do {
        ps_mem_fail_after(&ctx.mem, failures);
        st = join_and_leave(&ctx);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&ctx.mem), 0);
    } while (st != PS_OK && ++failures < 100);
    assert_true(failures >= 8);
    assert_int_equal(ps_ctx_fini(&ctx), 0);
}

static void a_backend_of_another_version_or_without_a_function_is_refused(void **state)
{
    static const struct ps_opts_comm o = {.timeout = 5};
    struct ps_comm_ops ops = ps_comm_self;
    struct world *w = *state;
    struct ps_comm *c;

    ops.version++;
    assert_fails(ps_comm_new_with(&c, &w->ctx, &o, &ops), PS_EUNSUPP, "version");
    ops = ps_comm_self;
    ops.poll = NULL;
    assert_fails(ps_comm_new_with(&c, &w->ctx, &o, &ops), PS_EUNSUPP, "lacks");
    assert_null(c);
}

static void an_abort_prints_the_sentence_and_exits_with_its_code(void **state)
{
    struct world *w = *state;
    char text[256] = "";
    int fd[2], status = 0;
    pid_t child;

    assert_int_equal(pipe(fd), 0);
    fflush(NULL);
    child = fork();
    if (child == 0) {
        dup2(fd[1], STDERR_FILENO);
        ps_comm_abort(w->c, own_failure());
    }
    close(fd[1]);
    assert_true(read(fd[0], text, sizeof text - 1) > 0);
    close(fd[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_string_equal(text, "penstock: cannot read meta.h5\n");
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 3);
}

#define WITH_A_JOB(f) cmocka_unit_test_setup_teardown(f, join, leave)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_A_JOB(without_a_launcher_there_is_one_rank),
        cmocka_unit_test(a_launcher_is_known_by_its_variables_and_a_batch_shell_is_none),
        WITH_A_JOB(a_part_to_oneself_arrives_and_is_not_counted),
        WITH_A_JOB(sums_gathers_and_broadcasts_of_one_are_the_thing_itself),
        WITH_A_JOB(ones_own_failure_comes_back_with_its_sentence),
        WITH_A_JOB(an_inbox_that_cannot_grow_is_a_failure_like_others),
        cmocka_unit_test(every_allocation_of_joining_may_fail),
        WITH_A_JOB(a_backend_of_another_version_or_without_a_function_is_refused),
        WITH_A_JOB(an_abort_prints_the_sentence_and_exits_with_its_code),
    };

    for (int i = 0; i < VARIABLES; i++)
        unsetenv(launcher_variables[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
