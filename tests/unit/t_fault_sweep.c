/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One fault in a short simulated job, at each call in turn: whatever fails and whenever, the job
 * gives the results of an undisturbed one, bit for bit, or ends with an exit code and exactly one
 * sentence. It never hangs, and never gives other numbers.
 *
 * Some calls of each kind, or with the argument `all` every call of every rank.
 *
 * Each run is a child process. How many calls of a kind a rank makes is found by bisection: a
 * fault from call n on ends the job if and only if there is a call n.
 */
#include "tests/ps_test.h"

#include "src/cli/cmd.h"
#include "src/cli/ranks.h"
#include "src/train/train.h"

#include <fcntl.h>
#include <ftw.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { RANKS = 3, AT_ONCE = 4, SECONDS_MAX = 60, SAMPLES = 4, LINE = 512 };

enum edge { NETWORK, DISK, MEMORY };

static const struct kind {
    enum edge edge;
    const char *name;     /* with its time, as in a plan */
    const char *count_by; /* a kind of the same calls that always ends the job */
    bool waits;           /* others will wait for this rank in vain */
    bool unseen;          /* nothing but checksums could tell */
} kinds[] = {
    {NETWORK, "delay:3ms", "refuse", false, false},
    {NETWORK, "lost", "refuse", true, false},
    {NETWORK, "cut", "refuse", false, false},
    {NETWORK, "refuse", "refuse", false, false},
    {NETWORK, "poll", "refuse", false, false},
    {NETWORK, "dead", "refuse", true, false},
    {NETWORK, "init", "init", false, false},
    {DISK, "eio", "dead", false, false},
    {DISK, "short", "dead", false, false},
    {DISK, "eintr", "dead", false, false},
    {DISK, "eagain", "dead", false, false},
    {DISK, "eof", "dead", false, false},
    {DISK, "stall:3ms", "dead", false, false},
    {DISK, "dead", "dead", false, false},
    {DISK, "flip", "dead", false, true},
    {DISK, "enomem", "enomem", false, false},
    {MEMORY, "allocation", "allocation", false, false},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };
static const char *const edge_name[] = {"network", "disk", "memory"};

/* What may come of a run; from OTHER on it must not. */
enum outcome { SAME, TOLD, OTHER, SILENT, MANY, CRASH, HANG, OUTCOMES };
static const char *const outcome_name[OUTCOMES] = {
    "same result",    "one sentence", "other numbers", "no sentence",
    "more sentences", "crash",        "hang",
};

/* A fault at one call, or from it on. */
struct fault {
    const struct kind *kind;
    const char *name;
    uint64_t call;
    uint32_t rank;
    bool on;
};

struct slot {
    pid_t child; /* 0: free */
    uint64_t begin_ns;
    struct fault fault;
};

static struct {
    char dir[256];
    struct slot slot[AT_ONCE];
    char *wanted; /* what an undisturbed run says */
    char *model;  /* and its model.h5 */
    size_t wanted_bytes, model_bytes;
    uint64_t count[KINDS][OUTCOMES];
    char example[KINDS][OUTCOMES][LINE];
    bool last_failed; /* of the run that ended last */
} sweep;

static char *in_dir(char text[LINE], int slot, const char *name)
{
    snprintf(text, LINE, "%s/%d%s%s", sweep.dir, slot, *name ? "/" : "", name);
    return text;
}

static char *read_all(const char *path, size_t *bytes)
{
    FILE *f = fopen(path, "re");
    char *text = calloc(1, 1 << 20);

    *bytes = 0;
    if (f == NULL)
        return text;
    *bytes = fread(text, 1, (1 << 20) - 1, f);
    fclose(f);
    return text;
}

struct work {
    const struct ps_opts *o;
    const struct fault *fault;
};

static ps_status rank_of_job(struct ps_ctx *ctx, void *arg)
{
    const struct work *w = arg;
    json_t *report = NULL;
    ps_status st;

    if (w->fault->kind != NULL && w->fault->kind->edge == MEMORY &&
        w->fault->rank == ctx->fabric_rank)
        ps_mem_fail_after(&ctx->mem, (long long)w->fault->call - 1);
    st = ps_train(ctx, w->o, "sweep", NULL, &report);
    if (st == PS_OK && report != NULL) {
        static const char *const key[] = {"epoch_loss", "test_accuracy", "valid_accuracy",
                                          "samples_fingerprint", "bytes_fingerprint"};
        for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
            json_dumpf(json_object_get(report, key[i]), stdout,
                       JSON_ENCODE_ANY | JSON_REAL_PRECISION(17));
            putchar('\n');
        }
        fflush(stdout);
    }
    json_decref(report);
    return st;
}

static void redirect(int slot, const char *name, int to)
{
    char path[LINE];
    int fd = open(in_dir(path, slot, name), O_CREAT | O_TRUNC | O_WRONLY, 0600);

    if (fd < 0 || dup2(fd, to) < 0)
        _exit(98);
}

static void option(struct ps_opts *o, const char *name, const char *value)
{
    if (ps_opts_set(o, PS_CMD_TRAIN, name, value) != PS_OK) {
        ps_err_print(stderr, 0);
        _exit(97);
    }
}

static void options(struct ps_opts *o, int slot, const struct fault *f, char run[LINE])
{
    static const char *const fixed[][2] = {
        {"quiet", "yes"},     {"network", "sim"},   {"ranks", "3"},       {"io", "sim"},
        {"epochs", "2"},      {"hidden", "4"},      {"batch-size", "40"}, {"fanout", "3,2"},
        {"queue-depth", "4"}, {"read-bytes", "4K"}, {"threads", "1"},
    };
    static char data[LINE];
    char plan[128];

    ps_opts_init(o);
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++)
        option(o, fixed[i][0], fixed[i][1]);
    snprintf(data, sizeof data, "%s/p.ps", sweep.dir);
    o->positional[0] = data;
    o->positional_count = 1;
    option(o, "out", in_dir(run, slot, "run"));
    option(o, "timeout", f->kind != NULL && f->kind->waits ? "0.3" : "30");
    if (f->kind == NULL || f->kind->edge == MEMORY)
        return;
    snprintf(plan, sizeof plan, "%s@%" PRIu64 "%s/%u", f->name, f->call, f->on ? "-" : "", f->rank);
    option(o, f->kind->edge == NETWORK ? "sim-net-faults" : "sim-disk-faults", plan);
}

/* The job as src/cli/cli.c runs it. Never returns. */
static void run_child(int slot, const struct fault *f)
{
    struct ps_opts *o = calloc(1, sizeof *o);
    struct ps_ctx *ctx = calloc(1, sizeof *ctx);
    struct work w = {o, f};
    char run[LINE];
    ps_status st;

    redirect(slot, "out", STDOUT_FILENO);
    redirect(slot, "err", STDERR_FILENO);
    options(o, slot, f, run);
    ps_ctx_init(ctx, stderr);
    ctx->log.quiet = true;
    st = ps_ranks_run(ctx, o, rank_of_job, &w);
    if (st != PS_OK && st != PS_ECANCEL)
        ps_err_print(stderr, 0);
    if (st == PS_ECANCEL)
        st = ctx->job_status;
    if (ps_ctx_fini(ctx) != 0)
        _exit(96);
    fflush(NULL);
    _exit(ps_exit_code(st));
}

/* A command of the program in a child: OpenMP threads of this process would not survive a fork. */
static void command(const char *words)
{
    char text[2 * LINE], *argv[32], *at;
    int argc = 0, status = 0;
    pid_t child;

    fflush(NULL);
    child = fork();
    if (child == 0) {
        if (freopen("/dev/null", "w", stdout) == NULL)
            _exit(98);
        snprintf(text, sizeof text, "%s", words);
        for (at = text; at != NULL && argc < 31; argc++)
            argv[argc] = strsep(&at, " ");
        argv[argc] = NULL;
        _exit(ps_cli_main(argc, argv));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("%s: status %d", words, status);
}

/* "rank 1: ..." is a rank's note about what it got over, no sentence. */
static bool is_note(const char *line)
{
    int after = 0;

    return strncmp(line, "warning:", 8) == 0 || (sscanf(line, "rank %*u: %n", &after), after > 0);
}

static uint32_t sentences(const char *err)
{
    uint32_t n = 0;

    for (const char *p = err; p != NULL && *p != '\0'; p = strchr(p, '\n')) {
        p += *p == '\n';
        n += strncmp(p, "penstock: ", 10) == 0 && !is_note(p + 10);
    }
    return n;
}

static enum outcome judge(int slot, int status, const char *err)
{
    char path[LINE], *out, *model;
    size_t out_bytes, model_bytes;
    enum outcome is;

    if (!WIFEXITED(status))
        return WTERMSIG(status) == SIGKILL ? HANG : CRASH;
    if (WEXITSTATUS(status) >= 96)
        return CRASH;
    if (WEXITSTATUS(status) != 0)
        return sentences(err) == 1 ? TOLD : sentences(err) == 0 ? SILENT : MANY;
    if (sentences(err) > 0)
        return MANY;
    out = read_all(in_dir(path, slot, "out"), &out_bytes);
    model = read_all(in_dir(path, slot, "run/model.h5"), &model_bytes);
    is = out_bytes == sweep.wanted_bytes && memcmp(out, sweep.wanted, out_bytes) == 0 &&
                 model_bytes == sweep.model_bytes && memcmp(model, sweep.model, model_bytes) == 0
             ? SAME
             : OTHER;
    free(out);
    free(model);
    return is;
}

static void note(int slot, int status)
{
    const struct fault *f = &sweep.slot[slot].fault;
    size_t k = (size_t)(f->kind - kinds), bytes;
    char path[LINE], *err = read_all(in_dir(path, slot, "err"), &bytes);
    enum outcome is = judge(slot, status, err);

    sweep.last_failed = is != SAME && is != OTHER;
    sweep.slot[slot].child = 0;
    if (!f->on) {
        if (sweep.count[k][is]++ == 0 || is > TOLD)
            snprintf(sweep.example[k][is], LINE, "%s@%" PRIu64 "/%u: status %#x: %.300s", f->name,
                     f->call, f->rank, (unsigned)status, err);
        if (is > TOLD && !(is == OTHER && f->kind->unseen))
            fprintf(stderr, "%s: %s\n", outcome_name[is], sweep.example[k][is]);
    }
    free(err);
}

/* Wait for one child at least, unless there is none. */
static void reap(void)
{
    static const struct timespec a_moment = {.tv_nsec = 1000000};

    for (;;) {
        int running = 0, ended = 0, status;
        for (int s = 0; s < AT_ONCE; s++) {
            struct slot *x = &sweep.slot[s];
            if (x->child == 0)
                continue;
            running++;
            if (ps_now_ns() - x->begin_ns > SECONDS_MAX * UINT64_C(1000000000))
                kill(x->child, SIGKILL);
            if (waitpid(x->child, &status, WNOHANG) == x->child) {
                note(s, status);
                ended++;
            }
        }
        if (running == 0 || ended > 0)
            return;
        nanosleep(&a_moment, NULL);
    }
}

static void start(const struct fault *f)
{
    int s = 0;

    for (;;) {
        for (s = 0; s < AT_ONCE && sweep.slot[s].child != 0; s++)
            continue;
        if (s < AT_ONCE)
            break;
        reap();
    }
    sweep.slot[s].fault = *f;
    sweep.slot[s].begin_ns = ps_now_ns();
    fflush(NULL);
    sweep.slot[s].child = fork();
    if (sweep.slot[s].child == 0)
        run_child(s, f);
    assert_true(sweep.slot[s].child > 0);
}

static void reap_all(void)
{
    for (int s = 0; s < AT_ONCE; s++)
        while (sweep.slot[s].child != 0)
            reap();
}

/* Does a fault from @p call on end the job? */
static bool ends(const struct kind *k, uint32_t rank, uint64_t call)
{
    struct fault f = {k, k->count_by, call, rank, true};

    reap_all();
    start(&f);
    reap_all();
    return sweep.last_failed;
}

/* How many calls of this kind @p rank makes. */
static uint64_t calls_of(const struct kind *k, uint32_t rank)
{
    uint64_t lo = 0, hi = 64; /* there is a call lo, there is none hi */

    while (ends(k, rank, hi)) {
        lo = hi;
        hi *= 2;
    }
    while (hi - lo > 1) {
        uint64_t middle = lo + (hi - lo) / 2;
        if (ends(k, rank, middle))
            lo = middle;
        else
            hi = middle;
    }
    return lo;
}

static int make_all(void **state)
{
    char words[2 * LINE], path[LINE];
    struct fault none = {0};
    int status = 0;
    pid_t child;

    (void)state;
    snprintf(sweep.dir, sizeof sweep.dir, "%s/penstock-sweep-XXXXXX",
             getenv("TMPDIR") != NULL ? getenv("TMPDIR") : "/tmp");
    assert_non_null(mkdtemp(sweep.dir));
    for (int s = 0; s < AT_ONCE; s++)
        assert_int_equal(mkdir(in_dir(path, s, ""), 0700), 0);
    snprintf(
        words, sizeof words,
        "penstock generate sbm -o %s/g.ps --nodes 240 --mean-degree 4 --features 8 --classes 3 "
        "--train-share 0.4 --valid-share 0.2 --test-share 0.2 --quiet",
        sweep.dir);
    command(words);
    snprintf(words, sizeof words, "penstock partition %s/g.ps -o %s/p.ps --parts 3 --quiet",
             sweep.dir, sweep.dir);
    command(words);
    fflush(NULL);
    child = fork();
    if (child == 0)
        run_child(0, &none);
    assert_int_equal(waitpid(child, &status, 0), child);
    sweep.wanted = read_all(in_dir(path, 0, "out"), &sweep.wanted_bytes);
    sweep.model = read_all(in_dir(path, 0, "run/model.h5"), &sweep.model_bytes);
    assert_int_equal(status, 0);
    assert_true(sweep.wanted_bytes > 50 && sweep.model_bytes > 500);
    return 0;
}

static int unlink_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st, (void)flag, (void)ftw;
    return remove(path);
}

static int clear_all(void **state)
{
    (void)state;
    free(sweep.wanted);
    free(sweep.model);
    return nftw(sweep.dir, unlink_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* @return how many calls of the rank that makes most */
static uint64_t try_kind(const struct kind *k, bool all)
{
    uint64_t calls[RANKS], most = 0;

    for (uint32_t r = 0; r < RANKS; r++) {
        calls[r] = r > 0 && !all ? calls[0] : calls_of(k, r);
        most = ps_max(most, calls[r]);
    }
    for (uint32_t r = 0; r < RANKS; r++) {
        uint64_t step = all ? 1 : ps_max(1, RANKS * calls[r] / SAMPLES);
        for (uint64_t n = all ? 1 : 1 + r * step / RANKS; n <= calls[r]; n += step) {
            struct fault f = {k, k->name, n, r, false};
            start(&f);
        }
    }
    reap_all();
    return most;
}

static bool is_well(size_t k)
{
    uint64_t bad = 0;

    for (int i = OTHER; i < OUTCOMES; i++)
        bad += i == OTHER && kinds[k].unseen ? 0 : sweep.count[k][i];
    return bad == 0;
}

static void print_table(const uint64_t most[KINDS])
{
    puts("| edge | fault | calls of a rank | runs | same result | one sentence | other numbers | "
         "no sentence, more, crash, hang |\n|---|---|--:|--:|--:|--:|--:|--:|");
    for (size_t k = 0; k < KINDS; k++) {
        const uint64_t *n = sweep.count[k];
        printf("| %s | %s | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64 " | %" PRIu64
               " | %" PRIu64 " |\n",
               edge_name[kinds[k].edge], kinds[k].name, most[k],
               n[SAME] + n[TOLD] + n[OTHER] + n[SILENT] + n[MANY] + n[CRASH] + n[HANG], n[SAME],
               n[TOLD], n[OTHER], n[SILENT] + n[MANY] + n[CRASH] + n[HANG]);
    }
}

static bool try_all(bool all)
{
    uint64_t most[KINDS];
    bool well = true;

    for (size_t k = 0; k < KINDS; k++) {
        most[k] = try_kind(&kinds[k], all);
        well = is_well(k) && well;
    }
    print_table(most);
    return well;
}

static void a_fault_is_told_or_changes_nothing(void **state)
{
    (void)state;
    assert_true(try_all(false));
    for (size_t k = 0; k < KINDS; k++)
        assert_true(sweep.count[k][SAME] + sweep.count[k][TOLD] + sweep.count[k][OTHER] > 0);
}

static void each_fault_at_each_call_is_told_or_changes_nothing(void **state)
{
    assert_null(*state);
    assert_true(try_all(true));
}

int main(int argc, char **argv)
{
    const struct CMUnitTest some[] = {cmocka_unit_test(a_fault_is_told_or_changes_nothing)};
    const struct CMUnitTest all[] = {
        cmocka_unit_test(each_fault_at_each_call_is_told_or_changes_nothing)};

    if (argc == 2 && strcmp(argv[1], "all") == 0)
        return cmocka_run_group_tests(all, make_all, clear_all);
    return cmocka_run_group_tests(some, make_all, clear_all);
}
