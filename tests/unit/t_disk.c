/* SPDX-License-Identifier: Apache-2.0 */
/* One list of promises, held against every engine of the disk edge. (What the generic layer makes
 * of faults is in t_disk_faults.c and t_disk_sim.c; extents and their sentences in t_fetch.c.) */
#include "tests/disk_test.h"

#include <signal.h>
#include <sys/wait.h>

enum { FILE_BYTES = 1 << 20, TAIL = 1696 };
#define SHORT_BYTES (24 * BLOCK + TAIL)

static struct test_file whole, cut; /* a multiple of the block; not one */

#define EACH_ENGINE(e)                                                                             \
    const struct ps_io_ops *const *e = ps_io_engines;                                              \
    *e != NULL;                                                                                    \
    e++

/* Read the whole file in pieces of @p piece bytes, offering all at once. */
static void read_whole(struct ps_io *io, uint32_t file, const struct test_file *t,
                       const unsigned char *bytes, uint32_t piece)
{
    uint32_t n = ps_u32(ps_div_up(t->size, piece)), next = 0, total = 0, taken, got;
    struct ps_io_req *req = calloc(n, sizeof *req), **ptr = calloc(n, sizeof *ptr);
    struct ps_io_req **done = calloc(n, sizeof *done);
    unsigned char *dst = aligned((size_t)n * piece);

    for (uint32_t i = 0; i < n; i++) {
        req[i] = (struct ps_io_req){.file = file,
                                    .len = piece,
                                    .offset = (uint64_t)i * piece,
                                    .dst = dst + (size_t)i * piece};
        ptr[i] = &req[i];
    }
    while (total < n) {
        assert_ok(ps_io_submit(io, ptr + next, n - next, &taken));
        next += taken;
        assert_true(ps_io_in_flight(io) <= ps_io_queue_depth(io));
        assert_int_equal(ps_io_in_flight(io), next - total);
        assert_ok(ps_io_reap(io, 1, n, done, &got));
        assert_true(got >= 1);
        for (uint32_t i = 0; i < got; i++)
            assert_true(done[i]->sys == 0 ? done[i]->done == piece
                                          : done[i]->sys == ENODATA && done[i] == &req[n - 1]);
        total += got;
    }
    assert_int_equal(ps_io_in_flight(io), 0);
    assert_memory_equal(dst, bytes, t->size);
    free(dst), free(done), free(ptr), free(req);
}

static void every_engine_reads_what_is_in_the_file_at_any_depth_and_size(void **state)
{
    static const uint32_t depth[] = {1, 2, 64, 1024}, piece[] = {BLOCK, 3 * BLOCK, 256 * KIB};

    (void)state;
    for (EACH_ENGINE(e))
        for (int d = 0; d < 4; d++)
            for (int p = 0; p < 3; p++) {
                struct ps_opts_io o = io_opts(depth[d], 256 * KIB);
                struct ps_io *io;
                struct ps_ctx ctx;
                uint32_t a, b;

                ps_ctx_init(&ctx, NULL);
                if (!started(&io, &ctx, *e, &o))
                    return;
                assert_ok(ps_io_add_file(io, whole.path, &a));
                assert_ok(ps_io_add_file(io, cut.path, &b));
                assert_string_equal(ps_io_path(io, b), cut.path);
                read_whole(io, a, &whole, seen_by(*e, &whole), piece[p]);
                read_whole(io, b, &cut, seen_by(*e, &cut), piece[p]);
                assert_int_equal(ps_io_counts(io).bytes, whole.size + cut.size);
                assert_int_equal(ps_io_counts(io).requests,
                                 ps_div_up(whole.size, piece[p]) + ps_div_up(cut.size, piece[p]));
                ps_io_free(&io);
                assert_null(io);
                assert_int_equal(ps_ctx_fini(&ctx), 0);
            }
}

static void a_full_queue_is_no_failure_and_takes_nothing(void **state)
{
    struct ps_opts_io o = io_opts(4, BLOCK);
    unsigned char *dst = aligned(8 * BLOCK);

    (void)state;
    for (EACH_ENGINE(e)) {
        struct ps_io_req req[8], *ptr[8], *done[8];
        struct ps_ctx ctx;
        struct ps_io *io;
        uint32_t file, taken, all = 0, n;

        ps_ctx_init(&ctx, NULL);
        if (!started(&io, &ctx, *e, &o))
            continue;
        assert_ok(ps_io_add_file(io, whole.path, &file));
        for (uint32_t i = 0; i < 8; i++) {
            req[i] = (struct ps_io_req){
                .file = file, .len = BLOCK, .offset = i * BLOCK, .dst = dst + i * BLOCK};
            ptr[i] = &req[i];
        }
        while (all < 4) { /* an engine may take fewer than there is room for, but some */
            assert_ok(ps_io_submit(io, ptr + all, 8 - all, &taken));
            assert_true(taken >= 1 && taken <= 4 - all);
            all += taken;
        }
        assert_ok(ps_io_submit(io, ptr + 4, 4, &taken));
        assert_int_equal(taken, 0);
        assert_ok(ps_io_reap(io, 4, 8, done, &n)); /* waits for all four */
        assert_int_equal(n, 4);
        assert_ok(ps_io_reap(io, 0, 8, done, &n)); /* nothing there, and no waiting */
        assert_int_equal(n, 0);
        assert_ok(ps_io_submit(io, ptr + 4, 1, &taken));
        assert_int_equal(taken, 1);
        assert_ok(ps_io_reap(io, 1, 1, done, &n));
        assert_ptr_equal(done[0], &req[4]);
        assert_memory_equal(dst, seen_by(*e, &whole), 5 * BLOCK);
        ps_io_free(&io);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    free(dst);
}

enum { MANY = 200 };

static void one_engine_reads_many_files_at_once(void **state)
{
    static struct test_file t[MANY];
    struct ps_opts_io o = io_opts(64, BLOCK);
    unsigned char *dst = aligned(MANY * BLOCK);

    (void)state;
    for (uint64_t i = 0; i < MANY; i++)
        make_h5_file(&t[i], BLOCK, i + 100);
    for (EACH_ENGINE(e)) {
        struct ps_io_req req[MANY], *ptr[MANY], *done[MANY];
        struct ps_ctx ctx;
        struct ps_io *io;
        uint32_t next = 0, total = 0, n;

        ps_ctx_init(&ctx, NULL);
        if (!started(&io, &ctx, *e, &o))
            continue;
        memset(dst, 0, MANY * BLOCK);
        for (uint32_t i = 0; i < MANY; i++) {
            req[i] = (struct ps_io_req){.len = BLOCK, .dst = dst + i * BLOCK};
            ptr[i] = &req[i];
            assert_ok(ps_io_add_file(io, t[i].path, &req[i].file));
        }
        assert_int_equal(ps_io_file_count(io), MANY);
        while (total < MANY) {
            assert_ok(ps_io_submit(io, ptr + next, MANY - next, &n));
            next += n;
            assert_ok(ps_io_reap(io, 1, MANY, done, &n));
            total += n;
        }
        for (uint32_t i = 0; i < MANY; i++)
            assert_memory_equal(dst + i * BLOCK, seen_by(*e, &t[i]), BLOCK);
        ps_io_free(&io);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    for (int i = 0; i < MANY; i++)
        drop_file(&t[i]);
    free(dst);
}

/* One read; its request is returned as the engine left it. */
static struct ps_io_req read_one(struct ps_io *io, uint32_t file, uint64_t offset, uint32_t len,
                                 void *dst)
{
    struct ps_io_req r = {.file = file, .len = len, .offset = offset, .dst = dst}, *p = &r, *d;
    uint32_t n;

    assert_ok(ps_io_submit(io, &p, 1, &n));
    assert_int_equal(n, 1);
    assert_ok(ps_io_reap(io, 1, 1, &d, &n));
    assert_ptr_equal(d, &r);
    return r;
}

static void the_end_of_a_file_is_reported_with_what_came_before_it(void **state)
{
    struct ps_opts_io o = io_opts(8, 64 * KIB);
    unsigned char *dst = aligned(64 * KIB);

    (void)state;
    for (EACH_ENGINE(e)) {
        struct ps_ctx ctx;
        struct ps_io *io;
        struct ps_io_req r;
        uint32_t a, b;

        ps_ctx_init(&ctx, NULL);
        if (!started(&io, &ctx, *e, &o))
            continue;
        assert_ok(ps_io_add_file(io, cut.path, &a));
        assert_ok(ps_io_add_file(io, whole.path, &b));
        r = read_one(io, a, SHORT_BYTES - TAIL, BLOCK, dst);
        assert_true(r.sys == ENODATA && r.done == TAIL);
        assert_memory_equal(dst, cut.bytes + SHORT_BYTES - TAIL, TAIL);
        r = read_one(io, a, SHORT_BYTES - TAIL - 3 * BLOCK, 64 * KIB, dst);
        assert_true(r.sys == ENODATA && r.done == 3 * BLOCK + TAIL);
        r = read_one(io, a, SHORT_BYTES - TAIL + BLOCK, BLOCK, dst);
        assert_true(r.sys == ENODATA && r.done == 0);
        r = read_one(io, b, FILE_BYTES - BLOCK, 2 * BLOCK, dst); /* ends with a block */
        assert_true(r.sys == ENODATA && r.done == BLOCK);
        r = read_one(io, b, FILE_BYTES, BLOCK, dst);
        assert_true(r.sys == ENODATA && r.done == 0);
        r = read_one(io, b, 0, BLOCK, dst); /* and the engine goes on */
        assert_true(r.sys == 0 && r.done == BLOCK);
        ps_io_free(&io);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    free(dst);
}

static void what_is_no_readable_file_is_named(void **state)
{
    struct ps_opts_io o = io_opts(8, BLOCK);
    static const char *const pipe_path = "/tmp/penstock-t-disk-pipe";

    (void)state;
    unlink(pipe_path);
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    for (EACH_ENGINE(e)) {
        struct ps_ctx ctx;
        struct ps_io *io;
        uint32_t file;

        ps_ctx_init(&ctx, NULL);
        if (!started(&io, &ctx, *e, &o))
            continue;
        assert_fails(ps_io_add_file(io, "/nonexistent/a.h5", &file), PS_EINPUT,
                     "/nonexistent/a.h5: there is no such file");
        assert_fails(ps_io_add_file(io, "/tmp", &file), PS_EINPUT, "/tmp: expected a regular file");
        assert_fails(ps_io_add_file(io, pipe_path, &file), PS_EINPUT, pipe_path);
        assert_int_equal(ps_io_file_count(io), 0);
        ps_io_free(&io);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
    unlink(pipe_path);
}

/* Files of /proc are regular and refuse O_DIRECT at open, on any machine. */
static void a_file_system_without_direct_reads_is_read_through_the_page_cache(void **state)
{
    struct ps_opts_io o = io_opts(8, BLOCK);
    unsigned char *dst = aligned(BLOCK);

    (void)state;
    for (EACH_ENGINE(e)) {
        char text[512] = "";
        FILE *log = fmemopen(text, sizeof text, "w");
        struct ps_ctx ctx;
        struct ps_io *io;
        struct ps_io_req r;
        uint32_t file;

        ps_ctx_init(&ctx, log);
        if (*e == &ps_io_hdf5) { /* no HDF5 file: said, and nothing is left open */
            assert_true(started(&io, &ctx, *e, &o));
            assert_fails(ps_io_add_file(io, "/proc/version", &file), PS_EINPUT,
                         "/proc/version: HDF5 cannot open the file");
            ps_io_free(&io);
        } else if (started(&io, &ctx, *e, &o)) {
            assert_ok(ps_io_add_file(io, "/proc/version", &file));
            assert_ok(ps_io_add_file(io, "/proc/version", &file));
            r = read_one(io, file, 0, BLOCK, dst);
            assert_true(r.sys == ENODATA && r.done > 5);
            assert_memory_equal(dst, "Linux", 5);
            ps_io_free(&io);
            assert_string_equal(text, (*e)->direct /* one line for both */
                                          ? "penstock: /proc/version: its file system refuses "
                                            "O_DIRECT; read through the page cache\n"
                                          : "");
        }
        assert_int_equal(ps_ctx_fini(&ctx), 0);
        fclose(log);
    }
    free(dst);
}

static ps_status start_add_stop(struct ps_ctx *ctx, const struct ps_io_ops *ops)
{
    struct ps_opts_io o = io_opts(8, BLOCK);
    struct ps_io *io;
    uint32_t file;
    ps_status st;

    PS_GO(st, ps_io_new_with(&io, ctx, ops, &o, NULL));
    PS_GO(st, ps_io_add_file(io, whole.path, &file));
    PS_GO(st, ps_io_add_file(io, cut.path, &file));
out:
    ps_io_free(&io);
    return st;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (EACH_ENGINE(e)) {
        ps_status st = PS_EMEM;
        struct ps_ctx ctx;
        int n = 0;

        ps_ctx_init(&ctx, NULL);
        for (; st == PS_EMEM; n++) {
            ps_mem_fail_after(&ctx.mem, n);
            st = start_add_stop(&ctx, *e);
            assert_int_equal(ps_mem_live(&ctx.mem), 0);
        }
        if (st == PS_EUNSUPP)
            print_message("# skipped for %s: %s\n", (*e)->name, ps_err_sentence());
        else
            assert_ok(st);
        assert_true(n >= 4);
        ps_mem_fail_after(&ctx.mem, -1);
        assert_int_equal(ps_ctx_fini(&ctx), 0);
    }
}

static void options_choose_the_engine(void **state)
{
    static const char *const name[] = {"", "uring", "pread", "hdf5", "sim"};
    char text[512] = "";
    FILE *log = fmemopen(text, sizeof text, "w");
    struct ps_opts_io o = io_opts(8, 6000);
    struct ps_ctx ctx;
    struct ps_io *io;

    (void)state;
    ps_ctx_init(&ctx, log);
    for (uint64_t i = PS_IO_URING; i <= PS_IO_SIM; i++) {
        o.engine = i;
        assert_fails(ps_io_new(&io, &ctx, &o, NULL), PS_EUSAGE, "--read-bytes is 6000");
        o.read_bytes = BLOCK;
        if (ps_io_new(&io, &ctx, &o, NULL) == PS_OK)
            assert_string_equal(ps_io_name(io), name[i]);
        else
            assert_non_null(strstr(ps_err_sentence(), "--io pread"));
        ps_io_free(&io);
        o.read_bytes = 6000;
    }
    assert_string_equal(text, ""); /* who asks by name is not lectured */
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    fclose(log);
}

/* A request that breaks the contract, one way for each @p how. */
static void misuse(struct ps_io *io, uint32_t file, void *dst, int how)
{
    struct ps_io_req r = {.file = file, .len = BLOCK, .dst = dst}, *p = &r;
    uint32_t n;

    r.file += how == 0;
    r.len = how == 1 ? 0 : how == 2 ? BLOCK / 2 : how == 3 ? 5 * BLOCK : BLOCK;
    r.offset = how == 4 ? 512 : how == 5 ? (uint64_t)INT64_MAX + 1 - BLOCK : 0;
    r.dst = (char *)dst + (how == 6 ? 512 : 0);
    if (how == 7) /* more than there is */
        (void)!ps_io_reap(io, 1, 1, &p, &n);
    else
        (void)!ps_io_submit(io, &p, 1, &n);
}

enum { MISUSES = 8 };

static void wrong_use_stops_the_program_before_any_engine_sees_it(void **state)
{
    struct ps_opts_io o = io_opts(8, 4 * BLOCK);
    void *dst = aligned(8 * BLOCK);

    (void)state;
    for (EACH_ENGINE(e))
        for (int how = 0; how < MISUSES; how++) {
            struct ps_ctx ctx;
            struct ps_io *io;
            uint32_t file;
            pid_t child;
            int status;

            fflush(NULL);
            child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                ps_ctx_init(&ctx, NULL);
                signal(SIGABRT, SIG_DFL);
                if (freopen("/dev/null", "w", stderr) == NULL ||
                    ps_io_new_with(&io, &ctx, *e, &o, NULL) != PS_OK ||
                    ps_io_add_file(io, whole.path, &file) != PS_OK)
                    _exit(77);
                misuse(io, file, dst, how);
                _exit(0);
            }
            assert_int_equal(waitpid(child, &status, 0), child);
            if (WIFEXITED(status) && WEXITSTATUS(status) == 77 && *e == &ps_io_uring)
                continue;
            assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
        }
    free(dst);
}

/* Its reads come back as they are, or say where it ends now; the engine goes on. */
static void a_file_cut_while_it_is_open_ends_where_it_is_cut(void **state)
{
    struct ps_opts_io o = io_opts(8, 64 * KIB);
    unsigned char *dst = aligned(64 * KIB);

    (void)state;
    for (EACH_ENGINE(e)) {
        struct test_file t;
        struct ps_ctx ctx;
        struct ps_io *io;
        struct ps_io_req r;
        uint32_t file;

        make_h5_file(&t, 40 * BLOCK, 50);
        ps_ctx_init(&ctx, NULL);
        if (started(&io, &ctx, *e, &o)) {
            assert_ok(ps_io_add_file(io, t.path, &file));
            assert_int_equal(truncate(t.path, 20 * BLOCK + 77), 0);
            r = read_one(io, file, 16 * BLOCK, 16 * BLOCK, dst);
            assert_true(r.sys == ENODATA && r.done == 4 * BLOCK + 77);
            assert_memory_equal(dst, seen_by(*e, &t) + 16 * BLOCK, 4 * BLOCK + 77);
            r = read_one(io, file, 30 * BLOCK, BLOCK, dst);
            assert_true(r.sys == ENODATA && r.done == 0);
            r = read_one(io, file, 0, BLOCK, dst);
            assert_true(r.sys == 0);
            assert_int_equal(ps_io_counts(io).requests, 3);
            ps_io_free(&io);
        }
        assert_int_equal(ps_ctx_fini(&ctx), 0);
        drop_file(&t);
    }
    free(dst);
}

static int setup(void **state)
{
    (void)state;
    make_h5_file(&whole, FILE_BYTES, 1);
    make_h5_file(&cut, SHORT_BYTES, 2);
    return 0;
}
static int teardown(void **state)
{
    (void)state;
    drop_file(&whole);
    drop_file(&cut);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_engine_reads_what_is_in_the_file_at_any_depth_and_size),
        cmocka_unit_test(a_full_queue_is_no_failure_and_takes_nothing),
        cmocka_unit_test(one_engine_reads_many_files_at_once),
        cmocka_unit_test(the_end_of_a_file_is_reported_with_what_came_before_it),
        cmocka_unit_test(what_is_no_readable_file_is_named),
        cmocka_unit_test(a_file_system_without_direct_reads_is_read_through_the_page_cache),
        cmocka_unit_test(wrong_use_stops_the_program_before_any_engine_sees_it),
        cmocka_unit_test(a_file_cut_while_it_is_open_ends_where_it_is_cut),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(options_choose_the_engine),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
