/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/log.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1200 };

void ps_log_init(struct ps_log *log, FILE *out)
{
    memset(log, 0, sizeof *log);
    log->out = out;
    log->is_terminal = out != NULL && isatty(fileno(out));
}

/* One write per line, so that lines of several ranks do not mix. */
__attribute__((format(printf, 3, 0))) static void say(struct ps_log *log, const char *prefix,
                                                      const char *fmt, va_list ap)
{
    char line[LINE_BYTES];
    int n;

    ps_log_progress_end(log);
    n = snprintf(line, sizeof line, "penstock: %s", prefix);
    vsnprintf(line + n, sizeof line - (size_t)n, fmt, ap);
    fprintf(log->out, "%s\n", line);
    fflush(log->out);
}

void ps_log(struct ps_log *log, const char *fmt, ...)
{
    va_list ap;

    if (log->out == NULL || log->rank != 0 || log->quiet)
        return;
    va_start(ap, fmt);
    say(log, "", fmt, ap);
    va_end(ap);
}

void ps_warn(struct ps_log *log, const char *fmt, ...)
{
    va_list ap;

    if (log->out == NULL || log->rank != 0)
        return;
    va_start(ap, fmt);
    say(log, "warning: ", fmt, ap);
    va_end(ap);
}

void ps_log_here(struct ps_log *log, const char *fmt, ...)
{
    char prefix[32];
    va_list ap;

    if (log->out == NULL)
        return;
    snprintf(prefix, sizeof prefix, "rank %d: ", log->rank);
    va_start(ap, fmt);
    say(log, prefix, fmt, ap);
    va_end(ap);
}

void ps_log_progress(struct ps_log *log, const char *fmt, ...)
{
    char line[LINE_BYTES];
    va_list ap;

    if (log->out == NULL || log->rank != 0 || log->quiet)
        return;
    va_start(ap, fmt);
    vsnprintf(line, sizeof line, fmt, ap);
    va_end(ap);
    if (log->is_terminal)
        fprintf(log->out, "\r\033[K%s", line);
    else
        fprintf(log->out, "%s\n", line);
    log->progress_open = log->is_terminal;
    fflush(log->out);
}

void ps_log_progress_end(struct ps_log *log)
{
    if (log->progress_open)
        fputc('\n', log->out);
    log->progress_open = false;
}
