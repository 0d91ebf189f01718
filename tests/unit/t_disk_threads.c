/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks can be threads of one process: each has engines of its own, of any kind, and those that go
 * through the HDF5 library share its lock. */
#include "tests/disk_test.h"

#include <pthread.h>

enum { THREADS = 6, ROUNDS = 8, PIECES = 16 };
#define FILE_BYTES (PIECES * BLOCK)

static struct test_file t[2];

struct job {
    pthread_t thread;
    const struct ps_io_ops *ops;
    int good; /* rounds whose bytes were right; assertions belong to the main thread */
};

static bool read_all(struct ps_io *io, const struct ps_io_ops *ops, const struct test_file *file,
                     unsigned char *dst)
{
    struct ps_io_req req[PIECES], *ptr[PIECES], *done[PIECES];
    uint32_t number, next = 0, total = 0, n;

    if (ps_io_add_file(io, file->path, &number) != PS_OK)
        return false;
    for (uint32_t i = 0; i < PIECES; i++) {
        req[i] = (struct ps_io_req){
            .file = number, .len = BLOCK, .offset = i * BLOCK, .dst = dst + i * BLOCK};
        ptr[i] = &req[i];
    }
    while (total < PIECES) {
        if (ps_io_submit(io, ptr + next, PIECES - next, &n) != PS_OK)
            return false;
        next += n;
        if (ps_io_reap(io, 1, PIECES, done, &n) != PS_OK)
            return false;
        total += n;
    }
    return memcmp(dst, seen_by(ops, file), FILE_BYTES) == 0;
}

static void *reader(void *arg)
{
    struct ps_opts_io o = io_opts(4, BLOCK);
    unsigned char *dst = aligned_alloc(BLOCK, FILE_BYTES);
    struct job *j = arg;

    for (int round = 0; round < ROUNDS && dst != NULL; round++) {
        struct ps_io *io = NULL;
        struct ps_ctx ctx;

        ps_ctx_init(&ctx, NULL);
        if (ps_io_new_with(&io, &ctx, j->ops, &o, NULL) == PS_OK)
            j->good += read_all(io, j->ops, &t[0], dst) && read_all(io, j->ops, &t[1], dst);
        ps_io_free(&io);
        if (ps_ctx_fini(&ctx) != 0)
            j->good = -ROUNDS;
    }
    free(dst);
    return NULL;
}

static void threads_read_the_same_files_at_the_same_time(void **state)
{
    const struct ps_opts_io o = io_opts(4, BLOCK);

    (void)state;
    for (int e = 0; ps_io_engines[e] != NULL; e++) {
        struct job job[THREADS] = {{0}};
        struct ps_ctx ctx;
        struct ps_io *io;

        ps_ctx_init(&ctx, NULL);
        if (!started(&io, &ctx, ps_io_engines[e], &o))
            continue;
        ps_io_free(&io);
        for (int i = 0; i < THREADS; i++) {
            /* some of them hdf5 in any case, which is where a lock could be missing */
            job[i].ops = i % 3 == 2 ? &ps_io_hdf5 : ps_io_engines[e];
            assert_int_equal(pthread_create(&job[i].thread, NULL, reader, &job[i]), 0);
        }
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(pthread_join(job[i].thread, NULL), 0);
        for (int i = 0; i < THREADS; i++)
            assert_int_equal(job[i].good, ROUNDS);
    }
}

static int setup(void **state)
{
    (void)state;
    make_h5_file(&t[0], FILE_BYTES, 71);
    make_h5_file(&t[1], FILE_BYTES, 72);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    drop_file(&t[0]);
    drop_file(&t[1]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_read_the_same_files_at_the_same_time),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
