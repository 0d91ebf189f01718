/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

#include "comm/comm.h"
#include "src/cli/ranks.h"
#include "src/cli/texts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

const struct ps_command *const ps_commands[] = {
    &ps_cmd_import, &ps_cmd_generate, &ps_cmd_partition, &ps_cmd_info, &ps_cmd_verify,
    &ps_cmd_train,  &ps_cmd_infer,    &ps_cmd_bench,     NULL,
};

static void print_help(FILE *out)
{
    fputs("penstock trains graph neural networks on graphs that are larger than memory.\n\n"
          "usage: penstock COMMAND [ARGUMENT...] [OPTION...]\n\n",
          out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++)
        fprintf(out, "  %-10s %s\n", (*c)->usage.name, (*c)->usage.summary);
    fputs("\npenstock COMMAND --help tells the options of a command.\n", out);
}

static PS_MUST ps_status find_command(const char *name, const struct ps_command **out)
{
    const char *near = NULL;
    size_t near_by = 4;

    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++) {
        size_t by = ps_edit_distance(name, (*c)->usage.name);
        if (by == 0) {
            *out = *c;
            return PS_OK;
        }
        if (by < near_by) {
            near_by = by;
            near = (*c)->usage.name;
        }
    }
    if (near != NULL)
        PS_FAIL(PS_EUSAGE, "no command is called '%s'; did you mean '%s'?", name, near);
    PS_FAIL(PS_EUSAGE, "no command is called '%s'; see penstock --help", name);
}

/* The command line as one text, as it was typed: parsing moves arguments. The caller frees it.
 * Records are JSON, so names that are not UTF-8 could not be told in them. */
static PS_MUST ps_status join(int argc, char **argv, char **line)
{
    size_t bytes = 1;
    json_t *text;
    char *p;

    for (int i = 0; i < argc; i++)
        bytes += strlen(argv[i]) + 1;
    *line = p = malloc(bytes);
    if (p == NULL)
        PS_FAIL(PS_EMEM, "out of memory reading the command line");
    *p = '\0';
    for (int i = 0; i < argc; i++) {
        text = json_string(argv[i]);
        if (text == NULL)
            PS_FAIL(PS_EUSAGE, "argument %d of the command line is not UTF-8", i);
        json_decref(text);
        p = stpcpy(stpcpy(p, i > 0 ? " " : ""), argv[i]);
    }
    return PS_OK;
}

/* A rank has a file open for each of its partitions; the usual soft limit is 1024. */
static void allow_open_files(void)
{
    struct rlimit r;

    if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
        r.rlim_cur = r.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &r); /* if not, opening tells */
    }
}

ps_status ps_told_once(struct ps_ctx *ctx, ps_status st)
{
    static const struct timespec a_moment = {.tv_nsec = 300000000};

    if (st == PS_OK || ps_comm_launch_rank(ctx) == 0)
        return st;
    ctx->job_status = st;
    if (ctx->fabric == NULL)
        nanosleep(&a_moment, NULL); /* a launcher may end rank 0 as soon as another has left */
    return PS_ECANCEL;
}

/* Below this not even the exchange has its buffers, and ranks could not agree on who tells. */
enum { MEMORY_MIN = 1 << 20 };

static PS_MUST ps_status set_budget(struct ps_ctx *ctx, uint64_t bytes)
{
    if (bytes != 0 && bytes < MEMORY_MIN)
        PS_FAIL(PS_EMEM,
                "the memory budget of %" PRIu64 " bytes is too small for anything; --memory takes "
                "%d or more, or 0 for none",
                bytes, MEMORY_MIN);
    atomic_store(&ctx->mem.limit_bytes, bytes);
    return PS_OK;
}

/* What each rank does. */
struct work {
    const struct ps_command *c;
    const struct ps_opts *o;
    const char *line;
};

static ps_status run_rank(struct ps_ctx *ctx, void *arg)
{
    const struct work *w = arg;

    return w->c->run(ctx, w->o, w->line);
}

static PS_MUST ps_status check_network(const struct ps_opts_comm *o)
{
    bool sim = o->network == PS_NETWORK_SIM;

    if (sim && o->ranks == 0)
        PS_FAIL(PS_EUSAGE, "--network sim needs --ranks N, the number of ranks in this process");
    if (!sim && o->ranks != 0)
        PS_FAIL(PS_EUSAGE,
                "--ranks goes with --network sim; otherwise the launcher says how many "
                "ranks there are, as in mpirun -n %" PRIu64,
                o->ranks);
    if (sim && ps_comm_launched())
        PS_FAIL(PS_EUSAGE, "--network sim makes all ranks in one process; start it without mpirun "
                           "or another launcher");
    return PS_OK;
}

static PS_MUST ps_status run_command(struct ps_ctx *ctx, int argc, char **argv)
{
    const struct ps_command *c = NULL;
    struct ps_opts *o;
    ps_status st = PS_OK;
    struct work w;
    char *line = NULL;
    bool help;

    if (strcmp(argv[1], "texts") == 0)
        return ps_texts_print(argc, argv);
    PS_TRY(ps_told_once(ctx, find_command(argv[1], &c)));
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, o, 1));
    PS_GO(st, ps_told_once(ctx, join(argc, argv, &line)));
    PS_GO(st, ps_told_once(ctx, ps_opts_parse(o, &c->usage, argc - 1, argv + 1, &help)));
    if (help)
        goto out;
    ctx->log.quiet = o->common.quiet;
    PS_GO(st, ps_told_once(ctx, set_budget(ctx, o->common.memory)));
    PS_GO(st, ps_told_once(ctx, check_network(&o->comm)));
    w = (struct work){c, o, line};
    if (o->comm.network == PS_NETWORK_SIM)
        PS_GO(st, ps_ranks_run(ctx, o, run_rank, &w));
    else
        PS_GO(st, run_rank(ctx, &w));
out:
    free(line);
    ps_mem_free(&ctx->mem, &o);
    return st;
}

int ps_cli_main(int argc, char **argv)
{
    struct ps_ctx *ctx;
    long long live;
    ps_status st;

    signal(SIGXFSZ, SIG_IGN); /* a file at the limit of ulimit -f is an error with a sentence */
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? 1 : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("penstock " PS_VERSION);
        return 0;
    }
    ctx = calloc(1, sizeof *ctx);
    if (ctx == NULL)
        return ps_exit_code(PS_EMEM);
    ps_ctx_init(ctx, stderr);
    allow_open_files();
    st = run_command(ctx, argc, argv);
    ps_log_progress_end(&ctx->log);
    if (st != PS_OK && st != PS_ECANCEL)
        ps_err_print(stderr, 0);
    if (st == PS_ECANCEL)
        st = ctx->job_status;
    live = ps_ctx_fini(ctx);
    PS_DASSERT(live == 0); /* whatever happened, all was given back */
    free(ctx);
    return ps_exit_code(st);
}
