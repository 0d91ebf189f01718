/* SPDX-License-Identifier: Apache-2.0 */
#include "src/train/identity.h"

#include "src/base/opt_row.h"

#include <stdlib.h>
#include <string.h>

/* Options that change where, how fast and how loudly, but not what is computed. */
static const char *const free_option[] = {
    "json",
    "quiet",
    "config",
    "out",
    "force",
    "memory",
    "threads",
    "trace",
    "stage",
    "resume",
    "ranks",
    "log-every",
    "checkpoint-every",
    "checkpoint-steps",
    "max-hours",
    "window",
    "no-overlap",
};

/* Groups of options that say how edges of the program work, not what goes over them. */
static const struct {
    size_t begin, bytes;
} free_group[] = {
    {offsetof(struct ps_opts, io), sizeof(struct ps_opts_io)},
    {offsetof(struct ps_opts, comm), sizeof(struct ps_opts_comm)},
    {offsetof(struct ps_opts, sim), sizeof(struct ps_opts_sim)},
};

static bool is_free(const struct ps_opt_row *r)
{
    for (size_t i = 0; i < sizeof free_group / sizeof free_group[0]; i++)
        if (r->offset - free_group[i].begin < free_group[i].bytes)
            return true;
    for (size_t i = 0; i < sizeof free_option / sizeof free_option[0]; i++)
        if (strcmp(r->name, free_option[i]) == 0)
            return true;
    return false;
}

json_t *ps_identity(const struct ps_opts *o)
{
    json_t *all = ps_opts_json(o, PS_CMD_TRAIN);

    for (int i = 0; all != NULL && i < ps_opt_row_count; i++)
        if (ps_opt_rows[i].name != NULL && (ps_opt_rows[i].cmds & PS_CMD_TRAIN) != 0 &&
            is_free(&ps_opt_rows[i]))
            (void)json_object_del(all, ps_opt_rows[i].name);
    return all;
}

/* As text with the 15 digits that a run record has, so that a value read back is the same. The
 * caller frees it. */
static char *text_of(const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(15));
    size_t n = text != NULL ? strlen(text) : 0;

    /* as it would be typed: a list without brackets */
    if (n >= 2 && text[0] == '[') {
        memmove(text, text + 1, n - 2);
        text[n - 2] = '\0';
    }
    return text;
}

static PS_MUST ps_status compare(const char *name, const json_t *then, const json_t *now,
                                 const char *where)
{
    char *a = then != NULL ? text_of(then) : NULL, *b = text_of(now);
    ps_status st = PS_OK;

    if (b == NULL || (then != NULL && a == NULL))
        PS_GO_FAIL(st, PS_EMEM, "out of memory comparing --%s with %s", name, where);
    if (a == NULL)
        PS_GO_FAIL(st, PS_EUSAGE,
                   "%s was written by a version without --%s (%s now): begin anew with another "
                   "--out",
                   where, name, b);
    if (strcmp(a, b) != 0)
        PS_GO_FAIL(st, PS_EUSAGE,
                   "--%s was %s in the run of %s, and is %s now: a run resumes with the options it "
                   "began with",
                   name, a, where, b);
out:
    free(a);
    free(b);
    return st;
}

ps_status ps_identity_check(const struct ps_opts *o, const json_t *then, const char *where)
{
    json_t *now = ps_identity(o), *value;
    ps_status st = PS_OK;
    const char *name;

    if (now == NULL)
        PS_FAIL(PS_EMEM, "out of memory comparing the options with %s", where);
    json_object_foreach(now, name, value)
    {
        st = compare(name, json_object_get(then, name), value, where);
        if (st != PS_OK)
            break;
    }
    json_decref(now);
    return st;
}
