/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/err.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct ps_err_record last;
static _Thread_local int held;

static const char *const status_name[PS_STATUS_COUNT] = {
    "ok", "usage", "input", "io", "memory", "peer", "unsupported", "stopped", "cancelled",
};

static const int exit_code[PS_STATUS_COUNT] = {0, 1, 2, 3, 4, 5, 3, 75, 5};

const char *ps_status_name(ps_status st)
{
    return (unsigned)st < PS_STATUS_COUNT ? status_name[st] : "unknown";
}

int ps_exit_code(ps_status st)
{
    return (unsigned)st < PS_STATUS_COUNT ? exit_code[st] : 5;
}

/* What a file or a command line holds may stand in the sentence: it stays one line, and nothing in
 * it steers a terminal. */
static void make_one_line(char *text)
{
    for (; *text != '\0'; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = '?';
}

void ps_err_set(ps_status st, int sys, const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    char why[128];
    size_t used;

    PS_ASSERT(st != PS_OK);
    if (held > 0)
        return;
    last.st = st;
    last.sys = sys;
    last.hop_count = 0;
    va_start(ap, fmt);
    vsnprintf(last.text, sizeof last.text, fmt, ap);
    va_end(ap);
    if (sys != 0) {
        used = strlen(last.text);
        snprintf(last.text + used, sizeof last.text - used, ": %s",
                 strerror_r(sys, why, sizeof why));
    }
    make_one_line(last.text);
    ps_err_note(file, line, NULL);
}

void ps_err_note(const char *file, int line, const char *call)
{
    if (held > 0)
        return;
    if (last.hop_count < PS_ERR_HOPS)
        last.hop[last.hop_count++] = (struct ps_err_hop){file, call, line};
}

void ps_err_hold(int by)
{
    held += by;
    PS_ASSERT(held >= 0);
}

void ps_err_take(struct ps_err_record *r)
{
    *r = last;
}

void ps_err_give(const struct ps_err_record *r)
{
    if (held == 0)
        last = *r;
}

const char *ps_err_sentence(void)
{
    return last.st == PS_OK ? "" : last.text;
}

void ps_err_print(FILE *out, int way)
{
    if (last.st == PS_OK)
        return;
    fprintf(out, "penstock: %s\n", last.text);
    for (int i = 0; way && i < last.hop_count; i++)
        fprintf(out, "  at %s:%d %s\n", last.hop[i].file, last.hop[i].line,
                last.hop[i].call ? last.hop[i].call : "");
}

void ps_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "penstock: broken invariant at %s:%d: %s\n", file, line, cond);
    abort();
}
