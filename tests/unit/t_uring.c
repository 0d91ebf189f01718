/* SPDX-License-Identifier: Apache-2.0 */
/* What is registered with io_uring for speed: reads bring the same with it, with a part of it and
 * without it. Limits are tried in a child, as an ordinary user. */
#include "tests/disk_test.h"

#include "io/fetch.h"

#include <sys/resource.h>
#include <sys/wait.h>

enum { FILE_BLOCKS = 96, USER = 65531, SKIPPED = 77 };
/* From Linux 6.14 on the rings themselves count as locked memory; nothing is left beside them. */
enum { RING_ONLY = 48 * 1024 };
static struct test_file t;

#define MUST(cond) ((cond) ? (void)0 : child_failed(#cond, __LINE__))
__attribute__((noreturn)) static void child_failed(const char *what, int line)
{
    fprintf(stderr, "line %d: not true: %s; last failure: %s\n", line, what, ps_err_sentence());
    _exit(1);
}

struct rig {
    struct ps_ctx ctx;
    struct ps_io *io;
    FILE *log;
    char text[1024];
};

static void rig_start(struct rig *r, uint64_t depth, uint64_t bytes)
{
    struct ps_opts_io o = io_opts(depth, bytes);

    memset(r, 0, sizeof *r);
    r->log = fmemopen(r->text, sizeof r->text, "w");
    ps_ctx_init(&r->ctx, r->log);
    if (ps_io_new_with(&r->io, &r->ctx, &ps_io_uring, &o, NULL) == PS_EUNSUPP)
        _exit(SKIPPED);
    MUST(r->io != NULL);
}

static void rig_stop(struct rig *r)
{
    ps_io_free(&r->io);
    MUST(ps_ctx_fini(&r->ctx) == 0);
    fclose(r->log);
}

/* Blocks of 4 KiB from all over the file, each at another place of @p dst, all in flight at once.
 */
static void read_blocks(struct ps_io *io, uint32_t file, unsigned char *dst)
{
    struct ps_io_req req[FILE_BLOCKS], *ptr[FILE_BLOCKS], *done[FILE_BLOCKS];
    uint32_t next = 0, total = 0, n;

    memset(dst, 0xA5, FILE_BLOCKS * BLOCK);
    for (uint32_t i = 0; i < FILE_BLOCKS; i++) {
        uint64_t from = i * 7 % FILE_BLOCKS;
        req[i] = (struct ps_io_req){
            .file = file, .len = BLOCK, .offset = from * BLOCK, .dst = dst + from * BLOCK};
        ptr[i] = &req[i];
    }
    while (total < FILE_BLOCKS) {
        MUST(ps_io_submit(io, ptr + next, FILE_BLOCKS - next, &n) == PS_OK);
        next += n;
        MUST(ps_io_reap(io, 1, FILE_BLOCKS, done, &n) == PS_OK);
        for (uint32_t i = 0; i < n; i++)
            MUST(done[i]->sys == 0 && done[i]->done == BLOCK);
        total += n;
    }
    MUST(memcmp(dst, t.bytes, FILE_BLOCKS * BLOCK) == 0);
}

/* Run @p body in a child as an ordinary user who may lock @p bytes; the log is looked at there. */
static void as_a_user_who_may_lock(uint64_t bytes, void (*body)(uint64_t bytes))
{
    static uid_t calls;
    /* Memory is counted for each user, and given back some time after a ring is closed: another
     * user for each call, and for each program that runs at the same time. */
    const uid_t user = USER + (uid_t)getpid() % 4096 * 8 + calls++ % 8;
    struct rlimit limit = {bytes, bytes};
    pid_t child;
    int status;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        MUST(setrlimit(RLIMIT_MEMLOCK, &limit) == 0);
        if (geteuid() == 0)
            MUST(setresgid(user, user, user) == 0 && setresuid(user, user, user) == 0);
        body(bytes);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("# skipped: io_uring is refused here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void pin_and_read(uint64_t limit)
{
    unsigned char *dst = aligned(FILE_BLOCKS * BLOCK);
    struct rig r;
    uint32_t file;
    size_t got;

    rig_start(&r, 64, BLOCK);
    MUST(ps_io_add_file(r.io, t.path, &file) == PS_OK);
    for (int round = 0; round < 2; round++) {
        got = ps_io_pin(r.io, dst, FILE_BLOCKS * BLOCK);
        MUST(got <= limit / 8);
        MUST(limit == RING_ONLY ? got == 0
             : limit > 1 << 20  ? got == FILE_BLOCKS * BLOCK
                                : got > 0);
        if (got > 0)
            MUST(ps_io_pin(r.io, dst, BLOCK) == 0); /* one at a time */
        read_blocks(r.io, file, dst);
        if (got > 0)
            ps_io_unpin(r.io);
        read_blocks(r.io, file, dst);
        fflush(r.log);
        if (round == 0 && limit == RING_ONLY)
            MUST(strncmp(r.text, "penstock: io_uring may not lock memory for its buffers: ", 56) ==
                     0 &&
                 strstr(r.text, "ulimit -l") != NULL);
        else
            MUST(limit == RING_ONLY || r.text[0] == '\0');
    }
    rig_stop(&r);
    free(dst);
}

static void memory_is_registered_as_far_as_its_limit_allows_and_all_is_read(void **state)
{
    (void)state;
    as_a_user_who_may_lock(RING_ONLY, pin_and_read);
    as_a_user_who_may_lock(1 << 20, pin_and_read); /* a part: reads on both sides of its end */
    as_a_user_who_may_lock(4 << 20, pin_and_read);
}

/* The same through a fetch, whose staging is larger than the limit. */
static void fetch_whole(uint64_t limit)
{
    struct ps_opts_io o = io_opts(64, 64 * KIB);
    unsigned char *dst = calloc(1, t.size);
    struct ps_extent e = {.offset = 0, .bytes = t.size, .dst = dst};
    struct ps_fetch *f;
    struct rig r;

    rig_start(&r, 64, 64 * KIB);
    MUST(dst != NULL && ps_io_add_file(r.io, t.path, &e.file) == PS_OK);
    MUST(ps_fetch_new(&f, &r.ctx, r.io, &o) == PS_OK);
    for (int i = 0; i < 3; i++) {
        memset(dst, 0, t.size);
        MUST(ps_fetch_run(f, &e, 1) == PS_OK);
        MUST(memcmp(dst, t.bytes, t.size) == 0);
    }
    fflush(r.log);
    MUST((limit == RING_ONLY) == (strstr(r.text, "ulimit -l") != NULL));
    ps_fetch_free(&f);
    rig_stop(&r);
    free(dst);
}

static void a_fetch_works_with_any_limit_and_says_so_once(void **state)
{
    (void)state;
    as_a_user_who_may_lock(RING_ONLY, fetch_whole);
    as_a_user_who_may_lock(1 << 20, fetch_whole);
    as_a_user_who_may_lock(6 << 20, fetch_whole);
}

/* Files are added at any time; the table of registered ones holds fewer than there are. */
static void files_beyond_the_table(uint64_t limit)
{
    struct rlimit few = {20, 0}, more;
    unsigned char *dst = aligned(FILE_BLOCKS * BLOCK);
    struct rig r;
    uint32_t file;

    (void)limit;
    MUST(getrlimit(RLIMIT_NOFILE, &more) == 0);
    few.rlim_max = more.rlim_max;
    MUST(setrlimit(RLIMIT_NOFILE, &few) == 0); /* the table is made now */
    rig_start(&r, 16, BLOCK);
    MUST(setrlimit(RLIMIT_NOFILE, &more) == 0);
    for (uint32_t i = 0; i < 30; i++) {
        MUST(ps_io_add_file(r.io, "/nonexistent/a", &file) ==
             PS_EINPUT); /* the number stays free */
        MUST(ps_io_add_file(r.io, t.path, &file) == PS_OK && file == i);
        read_blocks(r.io, file, dst);
        read_blocks(r.io, 0, dst);
    }
    rig_stop(&r);
    free(dst);
}

static void files_are_added_while_others_are_read_and_beyond_the_table(void **state)
{
    (void)state;
    as_a_user_who_may_lock(1 << 20, files_beyond_the_table);
}

/* A number whose file could not be kept is given to the next one: that one must be read. */
static void a_number_that_is_given_again_reads_the_new_file(void **state)
{
    unsigned char *dst = aligned(FILE_BLOCKS * BLOCK);
    struct ps_opts_io o = io_opts(16, BLOCK);
    struct test_file other;
    struct ps_ctx ctx;
    struct ps_io *io;
    ps_status st = PS_EMEM;
    uint32_t file;

    (void)state;
    make_file(&other, t.size, 77);
    ps_ctx_init(&ctx, NULL);
    for (int n = 0; st == PS_EMEM && started(&io, &ctx, &ps_io_uring, &o); n++) {
        ps_mem_fail_after(&ctx.mem, n);
        st = ps_io_add_file(io, other.path, &file);
        ps_mem_fail_after(&ctx.mem, -1);
        if (st == PS_EMEM) {
            assert_ok(ps_io_add_file(io, t.path, &file));
            assert_int_equal(file, 0);
            read_blocks(io, file, dst);
        }
        ps_io_free(&io);
    }
    assert_int_equal(ps_ctx_fini(&ctx), 0);
    drop_file(&other);
    free(dst);
}

static int setup(void **state)
{
    (void)state;
    make_file(&t, FILE_BLOCKS * BLOCK, 4);
    return chmod(t.path, 0644);
}
static int teardown(void **state)
{
    (void)state;
    drop_file(&t);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_registered_as_far_as_its_limit_allows_and_all_is_read),
        cmocka_unit_test(a_fetch_works_with_any_limit_and_says_so_once),
        cmocka_unit_test(files_are_added_while_others_are_read_and_beyond_the_table),
        cmocka_unit_test(a_number_that_is_given_again_reads_the_new_file),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
