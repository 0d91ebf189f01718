/* SPDX-License-Identifier: Apache-2.0 */
#include "src/api/session.h"

#include "src/api/penstock.h"

#include <stdlib.h>
#include <string.h>

static PS_MUST ps_status set_option(struct ps_session *s, enum ps_cmd cmd, const char *name,
                                    const char *value)
{
    if (value == NULL)
        PS_FAIL(PS_EUSAGE, "the option '%s' has no value: options are names and values in turn",
                name);
    return ps_opts_set(&s->opts, cmd, name, value);
}

/* As on the command line: defaults, then the file, then the rest. */
static PS_MUST ps_status set_options(struct ps_session *s, enum ps_cmd cmd,
                                     const char *const *options)
{
    if (options == NULL)
        return PS_OK;
    for (const char *const *o = options; o[0] != NULL && o[1] != NULL; o += 2)
        if (strcmp(o[0], "config") == 0)
            PS_TRY(ps_opts_load(&s->opts, cmd, o[1]));
    for (const char *const *o = options; o[0] != NULL; o += 2)
        PS_TRY(set_option(s, cmd, o[0], o[1]));
    return PS_OK;
}

/* "path --name value ...", for provenance. The record is JSON, so it must be UTF-8. */
static PS_MUST ps_status join(struct ps_session *s, const char *path, const char *const *options)
{
    size_t bytes = strlen("libpenstock ") + strlen(path) + 1;
    json_t *text;
    char *p;

    for (const char *const *o = options; o != NULL && *o != NULL; o++)
        bytes += strlen(*o) + strlen(" --");
    PS_TRY(PS_NEW(&s->ctx.mem, PS_MEM_OTHER, s->line, bytes));
    p = stpcpy(stpcpy(s->line, "libpenstock "), path);
    for (const char *const *o = options; o != NULL && *o != NULL; o++)
        p = stpcpy(stpcpy(p, (o - options) % 2 == 0 ? " --" : " "), *o);
    text = json_string(s->line);
    if (text == NULL)
        PS_FAIL(PS_EUSAGE, "the dataset's path or an option is not UTF-8");
    json_decref(text);
    return PS_OK;
}

ps_status ps_session_new(struct ps_session **out, enum ps_cmd cmd, const char *path,
                         const char *const *options)
{
    struct ps_session *s = calloc(1, sizeof *s);
    ps_status st;

    *out = NULL;
    if (s == NULL)
        PS_FAIL(PS_EMEM, "out of memory for %zu bytes of options", sizeof *s);
    ps_ctx_init(&s->ctx, stderr);
    s->ctx.caller_tells = true;
    ps_opts_init(&s->opts);
    if (path == NULL)
        PS_GO_FAIL(st, PS_EUSAGE, "the path of the dataset is NULL");
    s->opts.positional[s->opts.positional_count++] = path;
    PS_GO(st, set_options(s, cmd, options));
    PS_GO(st, join(s, path, options));
    s->ctx.log.quiet = s->opts.common.quiet;
    atomic_store(&s->ctx.mem.limit_bytes, s->opts.common.memory);
    *out = s;
    return PS_OK;
out:
    (void)ps_session_end(&s, st);
    return st;
}

int ps_session_code(const struct ps_session *s, ps_status st)
{
    return ps_exit_code(st == PS_ECANCEL && s->ctx.job_status != PS_OK ? s->ctx.job_status : st);
}

int ps_session_end(struct ps_session **out, ps_status st)
{
    struct ps_session *s = *out;
    long long live;
    int code;

    if (s == NULL)
        return ps_exit_code(st);
    code = ps_session_code(s, st);
    ps_log_progress_end(&s->ctx.log);
    ps_mem_free(&s->ctx.mem, &s->line);
    live = ps_ctx_fini(&s->ctx);
    PS_DASSERT(live == 0); /* whatever happened, all was given back */
    free(s);
    *out = NULL;
    return code;
}

const char *penstock_version(void)
{
    return PS_VERSION;
}

const char *penstock_sentence(void)
{
    return ps_err_sentence();
}
