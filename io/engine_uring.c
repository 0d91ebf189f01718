/* SPDX-License-Identifier: Apache-2.0 */
/*
 * io_uring: reads are put into a ring that the kernel shares, and one system
 * call hands over a whole batch. One ring serves all files of a handle.
 *
 * Works from Linux 5.10 on; what newer kernels do better is asked for and
 * given up flag by flag where it is refused:
 *   6.1   DEFER_TASKRUN  completions are processed when we ask, not by interrupting us
 *   6.0   SINGLE_ISSUER  one thread submits: fewer locks (DEFER_TASKRUN needs it)
 *   5.19  COOP_TASKRUN   no interrupt to a running thread
 *   5.19  TASKRUN_FLAG   a look into the ring tells that completions wait in the kernel
 *   5.19  registered files, from an empty table   no look-up and count of the file for each read
 *   5.1   registered memory   pages are found and held once, not for each read
 * Both registrations are for speed alone: a file or a buffer without one is read all the same.
 *
 * The completion queue cannot overflow: it is twice as long as the submission queue, which has
 * room for all reads that are ours (held <= queue depth), and each read completes once.
 */
#include "io/engine.h"

#include <errno.h>
#include <liburing.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { CHUNK = 64, FUTILE_MAX = 1000 };
enum { FILES = 1024 };          /* room for registered files; later ones go without */
enum { PIN_BYTES_MIN = 65536 }; /* less registered memory than that is not worth having */
enum { LOCK_SHARE = 8 };        /* a rank takes this part of what its user may lock */

struct state {
    struct io_uring ring;
    uint32_t held;        /* requests that are ours, in the ring or in the kernel */
    uint32_t files;       /* places in the table of registered files */
    uint32_t files_known; /* of these, in use: files below this number are registered */
    const char *pinned;   /* (pinned_bytes) registered memory, or NULL */
    size_t pinned_bytes;
};

/* What kernel.io_uring_disabled says (1: for the unprivileged, 2: for all);
 * 0 where there is no such switch, before Linux 6.6. */
static int disabled_by_sysctl(void)
{
    FILE *f = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int level = f != NULL ? fgetc(f) - '0' : 0;

    if (f != NULL)
        fclose(f);
    return level == 1 || level == 2 ? level : 0;
}

static PS_MUST ps_status refused(int sys)
{
    char why[96], text[128] = "";
    int level = disabled_by_sysctl();

    if ((sys == EPERM || sys == EACCES) && level != 0)
        snprintf(text, sizeof text, " (kernel.io_uring_disabled is %d)", level);
    else if (sys == EPERM || sys == EACCES || sys == ENOSYS)
        snprintf(text, sizeof text,
                 " (no such call in this kernel, or a seccomp filter forbids it)");
    else if (sys == ENOMEM)
        snprintf(text, sizeof text, " (the limit of locked memory, ulimit -l, may be too low)");
    PS_FAIL(PS_EUNSUPP, "io_uring is refused: %s%s", strerror_r(sys, why, sizeof why), text);
}

static int make_ring(struct io_uring *ring, uint32_t queue_depth)
{
    static const unsigned flags[] = {
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG,
        0,
    };
    int rc = -EINVAL;

    for (size_t i = 0; i < sizeof flags / sizeof flags[0] && rc == -EINVAL; i++)
        rc = io_uring_queue_init(queue_depth, ring, flags[i]);
    return rc;
}

/* A ring that can be made may still be of no use: a filter can forbid
 * io_uring_enter alone, and IORING_OP_READ came later than the ring. A read of
 * no file must come back as EBADF. @return 0, or the positive errno in the way */
static int try_ring(struct io_uring *ring)
{
    char byte; /* nothing is ever put there */
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    struct io_uring_cqe *cqe;
    int rc;

    PS_ASSERT(sqe != NULL);
    io_uring_prep_read(sqe, -1, &byte, 1, 0);
    do
        rc = io_uring_submit_and_wait(ring, 1);
    while (rc == -EINTR);
    if (rc < 0)
        return -rc;
    rc = io_uring_peek_cqe(ring, &cqe);
    if (rc != 0)
        return -rc;
    rc = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return rc == -EBADF ? 0 : ENOSYS;
}

/* Room in the table, as far as the limit of open files allows, which counts it. */
static uint32_t make_file_table(struct io_uring *ring)
{
    struct rlimit limit;
    uint32_t n = FILES;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < n)
        n = (uint32_t)limit.rlim_cur;
    return n > 0 && io_uring_register_files_sparse(ring, n) == 0 ? n : 0;
}

static ps_status uring_open(void *state, struct ps_ctx *ctx, const struct ps_io_setup *setup)
{
    struct state *s = state;
    int rc = make_ring(&s->ring, setup->queue_depth);

    (void)ctx;
    if (rc < 0)
        return refused(-rc);
    rc = try_ring(&s->ring);
    if (rc != 0) {
        io_uring_queue_exit(&s->ring);
        return refused(rc);
    }
    s->files = make_file_table(&s->ring);
    return PS_OK;
}

/* After one that cannot be registered none is: a number tells whether a file is. */
static ps_status uring_add_file(void *state, struct ps_ctx *ctx, uint32_t file, int fd,
                                const char *path)
{
    struct state *s = state;

    (void)ctx, (void)path;
    if (file < s->files && io_uring_register_files_update(&s->ring, file, &fd, 1) == 1)
        s->files_known = file + 1;
    else if (file < s->files)
        s->files = s->files_known = file;
    return PS_OK;
}

/* How much memory may be locked here. The limit is one for all processes of a user, and since
 * Linux 6.14 rings count too: whoever took all would leave none to the other ranks of a node. */
static size_t lockable(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {{0, 0, 0}, {0, 0, 0}};
    struct rlimit limit;

    if (syscall(SYS_capget, &head, data) == 0 && (data[0].effective >> CAP_IPC_LOCK & 1) != 0)
        return SIZE_MAX;
    if (getrlimit(RLIMIT_MEMLOCK, &limit) != 0)
        return 0;
    return limit.rlim_cur == RLIM_INFINITY ? SIZE_MAX : (size_t)limit.rlim_cur / LOCK_SHARE;
}

/* As much as may be locked: all, or half of it, and so on. */
static size_t uring_pin(void *state, struct ps_ctx *ctx, void *base, size_t bytes)
{
    struct state *s = state;
    size_t most = lockable();
    struct iovec v = {.iov_base = base, .iov_len = bytes < most ? bytes : most};
    char why[96];
    int rc = -ENOMEM;

    if (bytes < PIN_BYTES_MIN)
        return 0;
    for (; rc == -ENOMEM && v.iov_len >= PIN_BYTES_MIN; v.iov_len /= 2) {
        rc = io_uring_register_buffers(&s->ring, &v, 1);
        if (rc == 0) {
            s->pinned = base;
            s->pinned_bytes = v.iov_len;
            return v.iov_len;
        }
    }
    ps_log(&ctx->log,
           "io_uring may not lock memory for its buffers: %s; raise ulimit -l to spare CPU time",
           strerror_r(-rc, why, sizeof why));
    return 0;
}

static void uring_unpin(void *state)
{
    struct state *s = state;

    if (s->pinned != NULL)
        (void)io_uring_unregister_buffers(&s->ring); /* closing the ring does it too */
    s->pinned = NULL;
    s->pinned_bytes = 0;
}

static bool is_busy(int rc)
{
    return rc == -EAGAIN || rc == -EBUSY;
}

/* Hand what is in the ring to the kernel: one call, unless it took a part only.
 * What a busy kernel leaves behind is handed over by the next reap. */
static PS_MUST ps_status push(struct state *s)
{
    int futile = 0;

    while (io_uring_sq_ready(&s->ring) > 0) {
        int rc = io_uring_submit(&s->ring);

        if (rc >= 0 || rc == -EINTR)
            continue;
        if (is_busy(rc) && s->held > io_uring_sq_ready(&s->ring))
            return PS_OK;
        if (!is_busy(rc) || ++futile == FUTILE_MAX)
            PS_FAIL_SYS(-rc, "io_uring_enter: cannot hand over %u reads",
                        io_uring_sq_ready(&s->ring));
    }
    return PS_OK;
}

/* Put one attempt into the ring. */
static void prepare(const struct state *s, struct io_uring_sqe *sqe, int fd, struct ps_io_req *r)
{
    char *dst = (char *)r->dst + r->from;
    size_t at = (uintptr_t)dst - (uintptr_t)s->pinned;
    uint32_t len = r->len - r->from;
    bool is_known = r->file < s->files_known;

    if (is_known)
        fd = (int)r->file;
    if (s->pinned != NULL && at < s->pinned_bytes && len <= s->pinned_bytes - at)
        io_uring_prep_read_fixed(sqe, fd, dst, len, r->offset + r->from, 0);
    else
        io_uring_prep_read(sqe, fd, dst, len, r->offset + r->from);
    if (is_known)
        io_uring_sqe_set_flags(sqe, IOSQE_FIXED_FILE);
    io_uring_sqe_set_data(sqe, r);
}

static ps_status uring_submit(void *state, const int *fd, struct ps_io_req *const *req, uint32_t n,
                              uint32_t *taken)
{
    struct state *s = state;
    struct io_uring_sqe *sqe;

    for (*taken = 0; *taken < n && (sqe = io_uring_get_sqe(&s->ring)) != NULL; ++*taken) {
        prepare(s, sqe, fd[req[*taken]->file], req[*taken]);
    }
    s->held += *taken;
    return push(s);
}

/* Take up to @p max completions that are there already. */
static uint32_t collect(struct state *s, uint32_t max, struct ps_io_req **req)
{
    struct io_uring_cqe *cqe[CHUNK];
    uint32_t n = 0, got;

    do {
        got = io_uring_peek_batch_cqe(&s->ring, cqe, max - n < CHUNK ? max - n : CHUNK);
        for (uint32_t i = 0; i < got; i++) {
            req[n + i] = io_uring_cqe_get_data(cqe[i]);
            req[n + i]->result = cqe[i]->res;
        }
        io_uring_cq_advance(&s->ring, got);
        n += got;
    } while (got == CHUNK && n < max);
    PS_ASSERT(n <= s->held);
    s->held -= n;
    return n;
}

static PS_MUST ps_status wait_for(struct state *s, uint32_t n)
{
    struct io_uring_cqe *cqe;
    int rc = io_uring_submit_and_wait(&s->ring, n);

    /* Too busy to take more reads, so the call did not wait either. */
    if (is_busy(rc) && s->held == io_uring_sq_ready(&s->ring))
        return push(s);
    if (is_busy(rc))
        rc = io_uring_wait_cqe(&s->ring, &cqe);
    if (rc < 0 && rc != -EINTR && !is_busy(rc))
        PS_FAIL_SYS(-rc, "io_uring_enter: cannot wait for %u reads", s->held);
    return PS_OK;
}

static ps_status uring_reap(void *state, uint32_t min, uint32_t max, struct ps_io_req **req,
                            uint32_t *n)
{
    struct state *s = state;

    *n = max > 0 ? collect(s, max, req) : 0;
    while (*n < min) {
        PS_TRY(wait_for(s, min - *n));
        *n += collect(s, max - *n, req + *n);
    }
    return PS_OK;
}

static void uring_close(void *state, struct ps_ctx *ctx)
{
    struct state *s = state;

    (void)ctx;
    io_uring_queue_exit(&s->ring);
}

const struct ps_io_ops ps_io_uring = {
    .version = PS_IO_OPS_VERSION,
    .name = "uring",
    .state_bytes = sizeof(struct state),
    .direct = true,
    .is_real = true,
    .open = uring_open,
    .add_file = uring_add_file,
    .pin = uring_pin,
    .unpin = uring_unpin,
    .submit = uring_submit,
    .reap = uring_reap,
    .close = uring_close,
};
