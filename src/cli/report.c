/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A value on one line: lists and objects as compact JSON. */
static void print_value(const json_t *v)
{
    char *text;

    if (json_is_string(v)) {
        fputs(json_string_value(v), stdout);
        return;
    }
    if (json_is_real(v)) {
        printf("%.6g", json_real_value(v));
        return;
    }
    text = json_dumps(v, JSON_ENCODE_ANY | JSON_REAL_PRECISION(6));
    fputs(text != NULL ? text : "?", stdout);
    free(text);
}

ps_status ps_report_print(const struct ps_opts *o, const json_t *report)
{
    const char *key;
    json_t *value;

    if (o->common.json) {
        json_dumpf(report, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
        fputc('\n', stdout);
    } else {
        /* jansson iterates over objects that may be changed;
         * NOLINTNEXTLINE(performance-no-int-to-ptr) */
        json_object_foreach((json_t *)(uintptr_t)report, key, value)
        {
            printf("%-22s ", key);
            print_value(value);
            fputc('\n', stdout);
        }
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write the report to stdout");
    return PS_OK;
}
