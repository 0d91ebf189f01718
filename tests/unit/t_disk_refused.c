/* SPDX-License-Identifier: Apache-2.0 */
/* Where io_uring is forbidden: auto says so once and reads with pread; by name
 * it is a failure with a remedy. A seccomp filter in a child does the forbidding,
 * as the ones of containers do. */
#include "tests/disk_test.h"

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Numbers are the same on all architectures. */
enum { SETUP = 425, ENTER = 426, SKIPPED = 77 };

static struct test_file t;

/* From now on system call @p nr fails with @p sys. @return false if that cannot be had */
static bool forbid(uint32_t nr, uint32_t sys)
{
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | sys),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof code / sizeof code[0], .filter = code};

    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

#define MUST(cond) ((cond) ? (void)0 : child_failed(#cond, __LINE__))
__attribute__((noreturn)) static void child_failed(const char *what, int line)
{
    fprintf(stderr, "line %d: not true: %s; last failure: %s\n", line, what, ps_err_sentence());
    _exit(1);
}

static void read_and_compare(struct ps_io *io)
{
    unsigned char *dst = aligned(2 * BLOCK);
    struct ps_io_req r = {.len = 2 * BLOCK, .offset = BLOCK, .dst = dst}, *p = &r;
    uint32_t n;

    MUST(ps_io_add_file(io, t.path, &r.file) == PS_OK);
    MUST(ps_io_submit(io, &p, 1, &n) == PS_OK && n == 1);
    MUST(ps_io_reap(io, 1, 1, &p, &n) == PS_OK && n == 1);
    MUST(r.sys == 0 && memcmp(dst, t.bytes + BLOCK, 2 * BLOCK) == 0);
    free(dst);
}

static int lines(const char *text)
{
    int n = 0;

    for (; *text != '\0'; text++)
        n += *text == '\n';
    return n;
}

/* The ranks of a job stand for themselves; what they say is put together. */
static void auto_falls_back(int sys)
{
    struct ps_opts_io o = io_opts(8, 2 * BLOCK);
    char text[2048] = "";
    FILE *log = fmemopen(text, sizeof text, "w");

    MUST(log != NULL);
    for (int rank = 0; rank < 4; rank++) {
        struct ps_ctx ctx;
        struct ps_io *io;

        ps_ctx_init(&ctx, log);
        ctx.log.rank = rank;
        ctx.log.quiet = true; /* not even --quiet hides it */
        MUST(ps_io_new(&io, &ctx, &o, NULL) == PS_OK);
        MUST(strcmp(ps_io_name(io), "pread") == 0);
        read_and_compare(io);
        ps_io_free(&io);
        MUST(ps_ctx_fini(&ctx) == 0);
    }
    MUST(lines(text) == 1);
    MUST(strstr(text, strerror(sys)) != NULL);
    MUST(strstr(text, "reading with pread") != NULL);
    fclose(log);
}

static void by_name_is_refused(int sys)
{
    struct ps_opts_io o = io_opts(8, 2 * BLOCK);
    struct ps_ctx ctx;
    struct ps_io *io;

    ps_ctx_init(&ctx, NULL);
    o.engine = PS_IO_URING;
    MUST(ps_io_new(&io, &ctx, &o, NULL) == PS_EUNSUPP);
    MUST(io == NULL);
    MUST(strstr(ps_err_sentence(), "--io uring") != NULL);
    MUST(strstr(ps_err_sentence(), strerror(sys)) != NULL);
    MUST(strstr(ps_err_sentence(), "--io pread") != NULL);
    MUST(strstr(ps_err_sentence(), "kernel.io_uring_disabled=0") != NULL);
    MUST(ps_ctx_fini(&ctx) == 0);
}

static void in_a_child_without(uint32_t nr, int sys)
{
    pid_t child;
    int status;

    fflush(NULL);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (!forbid(nr, (uint32_t)sys))
            _exit(SKIPPED);
        auto_falls_back(sys);
        by_name_is_refused(sys);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == SKIPPED) {
        print_message("# skipped: this machine lets no process filter its own system calls\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void without_permission_auto_says_so_once_and_a_name_is_refused(void **state)
{
    (void)state;
    in_a_child_without(SETUP, EPERM);
}
static void without_the_call_auto_says_so_once_and_a_name_is_refused(void **state)
{
    (void)state;
    in_a_child_without(SETUP, ENOSYS);
}
static void a_ring_that_can_be_made_but_not_entered_is_refused_at_the_start(void **state)
{
    struct ps_opts_io o = io_opts(8, BLOCK);
    struct ps_ctx ctx;
    struct ps_io *io;

    (void)state;
    ps_ctx_init(&ctx, NULL);
    if (!started(&io, &ctx, &ps_io_uring, &o))
        skip(); /* refused for another reason already */
    ps_io_free(&io);
    in_a_child_without(ENTER, EPERM);
}

static int setup(void **state)
{
    (void)state;
    make_file(&t, 4 * BLOCK, 4);
    return 0;
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
        cmocka_unit_test(without_permission_auto_says_so_once_and_a_name_is_refused),
        cmocka_unit_test(without_the_call_auto_says_so_once_and_a_name_is_refused),
        cmocka_unit_test(a_ring_that_can_be_made_but_not_entered_is_refused_at_the_start),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
