/* SPDX-License-Identifier: Apache-2.0 */
/* A checkpoint comes back as it was, to the bit, or is told to be damaged; never something
 * in between. */
#include "tests/ps_dataset.h"

#include "src/train/checkpoint.h"

#include <dirent.h>
#include <signal.h>
#include <sys/resource.h>

enum { WEIGHTS = 700, RUNS = 3, EPOCHS = 5, RANKS = 3, WORDS = 11 };

/* What a job would hold. */
struct numbers {
    float weights[WEIGHTS], best[WEIGHTS], m[WEIGHTS], v[WEIGHTS];
    struct ps_run run[RUNS];
    struct ps_epoch epoch[RUNS][EPOCHS];
    uint64_t sums[RANKS * WORDS];
};

struct env {
    struct ps_ctx ctx;
    struct ps_opts o;
    struct numbers was, got;
    char dir[PS_TEST_DIR_BYTES], newest[PS_TEST_PATH_BYTES], previous[PS_TEST_PATH_BYTES];
};

static void fill(struct numbers *n)
{
    for (int i = 0; i < WEIGHTS; i++) {
        n->weights[i] = 0.1f * (float)i - 3;
        n->best[i] = 1.0f / (float)(i + 1);
        n->m[i] = 1e-20f * (float)i;
        n->v[i] = 1e20f * (float)i;
    }
    for (int i = 0; i < RANKS * WORDS; i++)
        n->sums[i] = UINT64_MAX / (uint64_t)(i + 1);
    for (int r = 0; r < 2; r++) {
        n->run[r] = (struct ps_run){.epoch_count = r == 0 ? EPOCHS : 2,
                                    .best_epoch = (uint64_t)r,
                                    .has_valid = true,
                                    .has_test = r == 0,
                                    .valid_accuracy = 1.0 / 3,
                                    .test_accuracy = 0.1,
                                    .valid_loss = 0.7 + r,
                                    .test_loss = 0.3,
                                    .eval_seconds = 1.25};
        for (uint64_t e = 0; e < n->run[r].epoch_count; e++)
            n->epoch[r][e] = (struct ps_epoch){.loss = 0.1 * (double)(e + 1),
                                               .train_accuracy = 0.5,
                                               .valid_accuracy = 1.0 / (double)(e + 3),
                                               .valid_loss = 2.0 / (double)(e + 3),
                                               .seconds = 0.01,
                                               .eval_seconds = 0.02,
                                               .evaluated = e != 1,
                                               .best = e == 0};
    }
}

static struct ps_checkpoint over(const struct env *e, struct numbers *n)
{
    for (int r = 0; r < RUNS; r++)
        n->run[r].epoch = n->epoch[r];
    return (struct ps_checkpoint){
        .o = &e->o,
        .dataset_uuid = "01234567-89ab-8def-8123-456789abcdef",
        .state = {WEIGHTS, n->weights, n->best, n->m, n->v},
        .runs = n->run,
        .run_count = RUNS,
        .epochs_max = EPOCHS,
        .words = WORDS,
    };
}

static ps_status save_at(struct env *e, uint64_t batch)
{
    struct ps_checkpoint c = over(e, &e->was);

    c.run = 1;
    c.at = (struct ps_position){2, batch, 40 + batch, {0.1 + 0.2, 300, 123}, 0.625};
    c.saved_accuracy = 1.0 / 3;
    c.resumed = 4;
    c.seconds = 99.5;
    c.sums = e->was.sums;
    c.ranks = RANKS;
    return ps_checkpoint_save(&e->ctx, e->dir, &c);
}

/* Load, and if that succeeds all must be as it was. */
static ps_status load_from(struct env *e, const char *path, uint64_t batch)
{
    struct ps_checkpoint c;
    ps_status st;

    memset(&e->got, 0, sizeof e->got);
    c = over(e, &e->got);
    st = ps_checkpoint_load(&e->ctx, path, &c);
    if (st != PS_OK) {
        assert_null(c.sums);
        return st;
    }
    assert_true(c.run == 1 && c.at.epoch == 2 && c.at.batch == batch && c.at.steps == 40 + batch);
    assert_true(c.at.sums.loss == 0.1 + 0.2 && c.at.sums.seeds == 300 && c.at.sums.correct == 123);
    assert_true(c.at.seconds == 0.625 && c.saved_accuracy == 1.0 / 3 && c.resumed == 4);
    assert_true(c.seconds == 99.5 && c.ranks == RANKS);
    assert_memory_equal(e->was.weights, e->got.weights, sizeof e->was.weights);
    assert_memory_equal(e->was.best, e->got.best, sizeof e->was.best);
    assert_memory_equal(e->was.m, e->got.m, sizeof e->was.m);
    assert_memory_equal(e->was.v, e->got.v, sizeof e->was.v);
    assert_memory_equal(e->was.sums, c.sums, sizeof e->was.sums);
    for (int r = 0; r < 2; r++) {
        const struct ps_run *a = &e->was.run[r], *b = &e->got.run[r];
        assert_true(a->epoch_count == b->epoch_count && a->best_epoch == b->best_epoch &&
                    a->has_valid == b->has_valid && a->has_test == b->has_test &&
                    a->valid_accuracy == b->valid_accuracy && a->valid_loss == b->valid_loss &&
                    a->test_accuracy == b->test_accuracy && a->test_loss == b->test_loss &&
                    a->eval_seconds == b->eval_seconds);
        for (uint64_t i = 0; i < a->epoch_count; i++) {
            const struct ps_epoch *x = &e->was.epoch[r][i], *y = &e->got.epoch[r][i];
            assert_true(x->loss == y->loss && x->train_accuracy == y->train_accuracy &&
                        x->valid_accuracy == y->valid_accuracy && x->valid_loss == y->valid_loss &&
                        x->seconds == y->seconds && x->eval_seconds == y->eval_seconds &&
                        x->evaluated == y->evaluated && x->best == y->best);
        }
    }
    ps_mem_free(&e->ctx.mem, &c.sums);
    return PS_OK;
}

static int set_up(void **state)
{
    struct env *e = ps_test_bytes(sizeof *e);

    memset(e, 0, sizeof *e);
    ps_ctx_init(&e->ctx, NULL);
    ps_opts_init(&e->o);
    fill(&e->was);
    ps_test_dir_make(e->dir);
    (void)ps_test_path(e->newest, e->dir, PS_CHECKPOINT_NEWEST);
    (void)ps_test_path(e->previous, e->dir, PS_CHECKPOINT_PREVIOUS);
    *state = e;
    return 0;
}

static int tear_down(void **state)
{
    struct env *e = *state;

    ps_test_dir_remove(e->dir);
    assert_int_equal(ps_ctx_fini(&e->ctx), 0);
    free(e);
    return 0;
}

static int names_in(const char *dir)
{
    DIR *d = opendir(dir);
    int count = -2; /* . and .. */

    assert_non_null(d);
    while (readdir(d) != NULL)
        count++;
    closedir(d);
    return count;
}

static void what_was_saved_is_loaded(void **state)
{
    struct env *e = *state;

    assert_ok(save_at(e, 7));
    assert_ok(load_from(e, e->newest, 7));
    assert_int_equal(names_in(e->dir), 1);
}

static void the_one_before_is_kept_and_no_more(void **state)
{
    struct env *e = *state;

    assert_ok(save_at(e, 7));
    assert_ok(save_at(e, 8));
    assert_ok(save_at(e, 9));
    assert_ok(load_from(e, e->newest, 9));
    assert_ok(load_from(e, e->previous, 8));
    assert_int_equal(names_in(e->dir), 2);
}

static void other_options_and_datasets_are_refused_by_name(void **state)
{
    struct env *e = *state;
    struct ps_checkpoint c = over(e, &e->got);

    assert_ok(save_at(e, 7));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "lr", "0.02"));
    assert_fails(load_from(e, e->newest, 7), PS_EUSAGE, "--lr was 0.01 in the run of");
    assert_non_null(strstr(ps_err_sentence(), "and is 0.02 now"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "lr", "0.01"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "fanout", "5,-1"));
    assert_fails(load_from(e, e->newest, 7), PS_EUSAGE, "--fanout was  in the run of");
    assert_non_null(strstr(ps_err_sentence(), "is 5,-1 now"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "fanout", ""));
    /* where, how fast and how loudly may change */
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "threads", "7"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "io", "pread"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "memory", "1G"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "timeout", "5"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "resume", "yes"));
    assert_ok(ps_opts_set(&e->o, PS_CMD_TRAIN, "max-hours", "3"));
    assert_ok(load_from(e, e->newest, 7));
    c.dataset_uuid = "ffffffff-ffff-8fff-8fff-ffffffffffff";
    assert_fails(ps_checkpoint_load(&e->ctx, e->newest, &c), PS_EUSAGE,
                 "is of a run on dataset 01234567");
}

static void another_shape_is_told(void **state)
{
    struct env *e = *state;
    struct ps_checkpoint c = over(e, &e->got);

    assert_ok(save_at(e, 7));
    c.state.count--;
    assert_fails(ps_checkpoint_load(&e->ctx, e->newest, &c), PS_EINPUT, "weights is 700 x 0");
    c = over(e, &e->got);
    c.words++;
    assert_fails(ps_checkpoint_load(&e->ctx, e->newest, &c), PS_EUSAGE,
                 "11 sums for each of 3 ranks found, 12 expected");
    c = over(e, &e->got);
    c.run_count = 1;
    assert_fails(ps_checkpoint_load(&e->ctx, e->newest, &c), PS_EINPUT, "run 1, epoch 2 found");
    assert_fails(load_from(e, e->previous, 7), PS_EINPUT, "checkpoint.prev.h5 is not there");
}

static unsigned char *slurp(const char *path, size_t *bytes)
{
    unsigned char *all = ps_test_bytes(1 << 20);
    FILE *f = fopen(path, "rb");

    assert_non_null(f);
    *bytes = fread(all, 1, 1 << 20, f);
    assert_true(*bytes > 4096 && *bytes < 1 << 20);
    fclose(f);
    return all;
}

static void spill(const char *path, const unsigned char *all, size_t bytes)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(all, 1, bytes, f), bytes);
    assert_int_equal(fclose(f), 0);
}

/* Room between arrays, and what HDF5 leaves behind the last one, means nothing: damage there
 * may go unseen, but then all that is loaded is right, which load_from checks. */
static bool is_told(struct env *e)
{
    ps_status st = load_from(e, e->newest, 7);

    if (st == PS_OK)
        return false;
    assert_true(st == PS_EINPUT || st == PS_EIO || st == PS_EUSAGE);
    assert_true(strlen(ps_err_sentence()) > 0);
    return true;
}

static void damage_in_any_block_is_told_or_harmless(void **state)
{
    struct env *e = *state;
    size_t bytes, blocks = 0, told = 0;
    unsigned char *all;

    assert_ok(save_at(e, 7));
    all = slurp(e->newest, &bytes);
    for (size_t at = 0; at < bytes; at += 4096, blocks++) {
        size_t n = at + 4096 < bytes ? 4096 : bytes - at;
        for (size_t i = at; i < at + n; i++)
            all[i] ^= 0xff;
        spill(e->newest, all, bytes);
        told += is_told(e);
        for (size_t i = at; i < at + n; i++)
            all[i] ^= 0xff;
    }
    print_message("%zu of %zu damaged blocks are told\n", told, blocks);
    assert_true(told >= 4 * WEIGHTS * sizeof(float) / 4096 + 1);
    free(all);
}

static void a_flipped_bit_is_told_or_harmless(void **state)
{
    struct env *e = *state;
    size_t bytes, tried = 0, told = 0;
    unsigned char *all;

    assert_ok(save_at(e, 7));
    all = slurp(e->newest, &bytes);
    for (size_t at = 0; at < bytes; at += 61, tried++) {
        all[at] ^= (unsigned char)(1 << (at % 8));
        spill(e->newest, all, bytes);
        told += is_told(e);
        all[at] ^= (unsigned char)(1 << (at % 8));
    }
    print_message("%zu of %zu flipped bits are told\n", told, tried);
    assert_true(told > 4 * WEIGHTS * sizeof(float) / 61);
    free(all);
}

static void a_cut_file_is_told_or_whole_in_what_counts(void **state)
{
    struct env *e = *state;
    size_t bytes, tried = 0, told = 0;
    unsigned char *all;

    assert_ok(save_at(e, 7));
    all = slurp(e->newest, &bytes);
    for (size_t n = 0; n < bytes; n += 509, tried++) {
        spill(e->newest, all, n);
        told += is_told(e);
    }
    print_message("%zu of %zu cuts are told\n", told, tried);
    assert_true(told > 4 * WEIGHTS * sizeof(float) / 509);
    spill(e->newest, all, bytes);
    assert_ok(load_from(e, e->newest, 7));
    free(all);
}

static void every_allocation_may_fail(void **state)
{
    struct env *e = *state;
    ps_status st = PS_EMEM;
    long long n;

    assert_ok(save_at(e, 7));
    for (n = 0; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = save_at(e, 8);
        ps_mem_fail_after(&e->ctx.mem, -1);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
        assert_int_equal(names_in(e->dir), st == PS_OK ? 2 : 1);
        assert_ok(load_from(e, e->newest, st == PS_OK ? 8 : 7));
    }
    assert_true(st == PS_OK && n > 10);
    for (n = 0, st = PS_EMEM; st != PS_OK && n < 1000; n++) {
        ps_mem_fail_after(&e->ctx.mem, n);
        st = load_from(e, e->newest, 8);
        assert_true(st == PS_OK || st == PS_EMEM);
        assert_int_equal(ps_mem_live(&e->ctx.mem), 0);
    }
    ps_mem_fail_after(&e->ctx.mem, -1);
    assert_true(st == PS_OK && n > 5);
}

static void a_full_disk_leaves_the_earlier_ones(void **state)
{
    struct env *e = *state;
    struct rlimit was, less;

    signal(SIGXFSZ, SIG_IGN);
    assert_ok(save_at(e, 7));
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    less = was;
    for (less.rlim_cur = 0; less.rlim_cur < 12 << 10; less.rlim_cur += 2 << 10) {
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &less), 0);
        assert_int_equal(save_at(e, 8), PS_EIO);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(names_in(e->dir), 1);
        assert_ok(load_from(e, e->newest, 7));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
        T(what_was_saved_is_loaded),
        T(the_one_before_is_kept_and_no_more),
        T(other_options_and_datasets_are_refused_by_name),
        T(another_shape_is_told),
        T(damage_in_any_block_is_told_or_harmless),
        T(a_flipped_bit_is_told_or_harmless),
        T(a_cut_file_is_told_or_whole_in_what_counts),
        T(every_allocation_may_fail),
        T(a_full_disk_leaves_the_earlier_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
