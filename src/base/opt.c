/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/opt.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/num.h"
#include "src/base/opt_row.h"

const struct ps_opt_row ps_opt_rows[] = {
#define PS_GROUP(g, title) {NULL, title, "", "", "", 0, 0, 0, 0, PS_TYPE_TEXT},
#define PS_OPT(g, f, name, type, dfl, lo, hi, unit, cmds, help)                                    \
    {name,                                                                                         \
     NULL,                                                                                         \
     dfl,                                                                                          \
     unit,                                                                                         \
     help,                                                                                         \
     (double)(lo),                                                                                 \
     (double)(hi),                                                                                 \
     offsetof(struct ps_opts, g.f),                                                                \
     (unsigned)(cmds),                                                                             \
     PS_TYPE_##type},
#define PS_GROUP_END(g)
#include "src/base/opt_table.def"
#undef PS_GROUP
#undef PS_OPT
#undef PS_GROUP_END
};

const int ps_opt_row_count = (int)(sizeof ps_opt_rows / sizeof ps_opt_rows[0]);

struct scale {
    const char *suffix;
    double factor;
};

static const struct scale byte_scale[] = {
    {"", 1},         {"K", 0x1p10},   {"M", 0x1p20},   {"G", 0x1p30},   {"T", 0x1p40},
    {"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {NULL, 0},
};
static const struct scale time_scale[] = {
    {"", 1}, {"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {NULL, 0},
};
static const struct scale count_scale[] = {
    {"", 1}, {"K", 1e3}, {"M", 1e6}, {"G", 1e9}, {"T", 1e12}, {NULL, 0},
};
static const struct scale no_scale[] = {{"", 1}, {NULL, 0}};

static PS_MUST ps_status parse_number(const struct ps_opt_row *r, const char *text,
                                      const struct scale *scale, double *out)
{
    char *end;
    double x;

    errno = 0;
    x = strtod(text, &end);
    if (end == text || errno != 0 || !isfinite(x))
        PS_FAIL(PS_EUSAGE, "--%s: '%s' is not a number", r->name, text);
    while (scale->suffix != NULL && strcmp(scale->suffix, end) != 0)
        scale++;
    if (scale->suffix == NULL)
        PS_FAIL(PS_EUSAGE, "--%s: the unit '%s' of '%s' is not known here", r->name, end, text);
    *out = x * scale->factor;
    if (*out < r->lo || *out > r->hi)
        PS_FAIL(PS_EUSAGE, "--%s: %s is outside %.15g to %.15g", r->name, text, r->lo, r->hi);
    return PS_OK;
}

static PS_MUST ps_status parse_whole(const struct ps_opt_row *r, const char *text,
                                     const struct scale *scale, uint64_t *out)
{
    double x;

    PS_TRY(parse_number(r, text, scale, &x));
    if (x != floor(x))
        PS_FAIL(PS_EUSAGE, "--%s: %s is not a whole number", r->name, text);
    *out = (uint64_t)x;
    return PS_OK;
}

static PS_MUST ps_status parse_choice(const struct ps_opt_row *r, const char *text, uint64_t *out)
{
    size_t len = strlen(text);
    const char *c = r->unit;

    for (uint64_t i = 0;; i++) {
        size_t n = strcspn(c, "|");
        if (n == len && memcmp(c, text, n) == 0) {
            *out = i;
            return PS_OK;
        }
        if (c[n] == '\0')
            break;
        c += n + 1;
    }
    PS_FAIL(PS_EUSAGE, "--%s: '%s' is not one of %s", r->name, text, r->unit);
}

static PS_MUST ps_status parse_bool(const struct ps_opt_row *r, const char *text, bool *out)
{
    *out = strcmp(text, "yes") == 0 || strcmp(text, "true") == 0 || strcmp(text, "1") == 0;
    if (!*out && strcmp(text, "no") != 0 && strcmp(text, "false") != 0 && strcmp(text, "0") != 0)
        PS_FAIL(PS_EUSAGE, "--%s: '%s' is not yes or no", r->name, text);
    return PS_OK;
}

static PS_MUST ps_status parse_list(const struct ps_opt_row *r, const char *text,
                                    struct ps_list *out)
{
    struct ps_list list = {.count = 0};
    const char *p = text;

    while (*p != '\0') {
        char *end;
        long long x;

        errno = 0;
        x = strtoll(p, &end, 10);
        if (end == p || errno != 0 || (*end != ',' && *end != '\0') || (*end == ',' && !end[1]))
            PS_FAIL(PS_EUSAGE, "--%s: '%s' is not a list of whole numbers", r->name, text);
        if ((double)x < r->lo || (double)x > r->hi)
            PS_FAIL(PS_EUSAGE, "--%s: %lld is outside %.15g to %.15g", r->name, x, r->lo, r->hi);
        if (list.count == PS_LIST_MAX)
            PS_FAIL(PS_EUSAGE, "--%s: more than %d numbers", r->name, PS_LIST_MAX);
        list.item[list.count++] = x;
        p = *end == ',' ? end + 1 : end;
    }
    *out = list;
    return PS_OK;
}

static PS_MUST ps_status parse_text(const struct ps_opt_row *r, const char *text, char *out)
{
    json_t *told;

    if (strlen(text) >= PS_TEXT_BYTES)
        PS_FAIL(PS_EUSAGE, "--%s: longer than %d bytes", r->name, PS_TEXT_BYTES - 1);
    told = json_string(text); /* as ps_opts_json will tell it */
    if (told == NULL)
        PS_FAIL(PS_EUSAGE, "--%s: the text is not UTF-8", r->name);
    json_decref(told);
    memcpy(out, text, strlen(text) + 1);
    return PS_OK;
}

ps_status ps_opt_row_set(struct ps_opts *o, const struct ps_opt_row *r, const char *text)
{
    void *field = (char *)o + r->offset;

    switch (r->type) {
    case PS_TYPE_BOOL:
        return parse_bool(r, text, field);
    case PS_TYPE_COUNT:
        return parse_whole(r, text, count_scale, field);
    case PS_TYPE_BYTES:
        return parse_whole(r, text, byte_scale, field);
    case PS_TYPE_TIME:
        return parse_number(r, text, time_scale, field);
    case PS_TYPE_REAL:
        return parse_number(r, text, no_scale, field);
    case PS_TYPE_ENUM:
        return parse_choice(r, text, field);
    case PS_TYPE_TEXT:
        return parse_text(r, text, field);
    case PS_TYPE_LIST:
        return parse_list(r, text, field);
    }
    PS_ASSERT(false);
    return PS_EUSAGE;
}

size_t ps_edit_distance(const char *a, const char *b)
{
    enum { MAX = 64 };
    size_t d[MAX + 1], na = strlen(a), nb = strlen(b);

    if (na > MAX || nb > MAX)
        return SIZE_MAX;
    for (size_t j = 0; j <= nb; j++)
        d[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = d[0];
        d[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = d[j];
            best = d[j] + 1 < best ? d[j] + 1 : best;
            d[j] = d[j - 1] + 1 < best ? d[j - 1] + 1 : best;
        }
    }
    return d[nb];
}

const struct ps_opt_row *ps_opt_row_find(unsigned cmds, const char *name)
{
    for (int i = 0; i < ps_opt_row_count; i++)
        if (ps_opt_rows[i].name != NULL && (ps_opt_rows[i].cmds & cmds) != 0 &&
            strcmp(ps_opt_rows[i].name, name) == 0)
            return &ps_opt_rows[i];
    return NULL;
}

ps_status ps_opt_unknown(unsigned cmds, const char *name)
{
    const char *near = NULL;
    size_t near_by = ps_min(3, strlen(name) / 2) + 1; /* farther is another word */

    for (int i = 0; i < ps_opt_row_count; i++) {
        size_t by;
        if (ps_opt_rows[i].name == NULL || (ps_opt_rows[i].cmds & cmds) == 0)
            continue;
        by = ps_edit_distance(name, ps_opt_rows[i].name);
        if (by < near_by) {
            near_by = by;
            near = ps_opt_rows[i].name;
        }
    }
    if (near != NULL)
        PS_FAIL(PS_EUSAGE, "no option is called --%s; did you mean --%s?", name, near);
    PS_FAIL(PS_EUSAGE, "no option is called --%s; see --help", name);
}

ps_status ps_opts_set(struct ps_opts *o, enum ps_cmd cmd, const char *name, const char *text)
{
    const struct ps_opt_row *r = ps_opt_row_find((unsigned)cmd, name);

    return r != NULL ? ps_opt_row_set(o, r, text) : ps_opt_unknown((unsigned)cmd, name);
}

void ps_opts_init(struct ps_opts *o)
{
    memset(o, 0, sizeof *o);
    for (int i = 0; i < ps_opt_row_count; i++)
        if (ps_opt_rows[i].name != NULL)
            PS_ASSERT(ps_opt_row_set(o, &ps_opt_rows[i], ps_opt_rows[i].dfl) == PS_OK);
}

static const char *choice(const struct ps_opt_row *r, const struct ps_opts *o, size_t *len)
{
    const char *c = r->unit;

    for (uint64_t i = *(const uint64_t *)(const void *)((const char *)o + r->offset); i > 0; i--)
        c += strcspn(c, "|") + 1;
    *len = strcspn(c, "|");
    return c;
}

static json_t *row_json(const struct ps_opt_row *r, const struct ps_opts *o)
{
    const void *field = (const char *)o + r->offset;
    const struct ps_list *list = field;
    size_t len;
    const char *c;
    json_t *array;

    switch (r->type) {
    case PS_TYPE_BOOL:
        return json_boolean(*(const bool *)field);
    case PS_TYPE_TIME:
    case PS_TYPE_REAL:
        return json_real(*(const double *)field);
    case PS_TYPE_TEXT:
        return json_string(field);
    case PS_TYPE_ENUM:
        c = choice(r, o, &len);
        return json_stringn(c, len);
    case PS_TYPE_LIST:
        array = json_array();
        for (uint32_t i = 0; array != NULL && i < list->count; i++)
            json_array_append_new(array, json_integer(list->item[i]));
        return array;
    case PS_TYPE_COUNT:
    case PS_TYPE_BYTES:
        break;
    }
    return json_integer((json_int_t) * (const uint64_t *)field);
}

json_t *ps_opts_json(const struct ps_opts *o, enum ps_cmd cmd)
{
    json_t *all = json_object();

    for (int i = 0; all != NULL && i < ps_opt_row_count; i++)
        if (ps_opt_rows[i].name != NULL && (ps_opt_rows[i].cmds & (unsigned)cmd) != 0)
            json_object_set_new(all, ps_opt_rows[i].name, row_json(&ps_opt_rows[i], o));
    return all;
}

const char *ps_opts_choice(const struct ps_opts *o, const char *name)
{
    static const char *const word[] = {
        "auto",  "uring",      "pread",  "hdf5",   "sim",     "none", "row",      "standard",
        "range", "metis",      "hash",   "gcn",    "sage",    "adam", "sgd",      "exact",
        "loss",  "accuracy",   "mpi",    "self",   "f32",     "f16",  "distance", "degree",
        "all",   "sequential", "random", "direct", "buffered"};
    const struct ps_opt_row *r = ps_opt_row_find(PS_CMD_ALL, name);
    size_t len;
    const char *c;

    PS_ASSERT(r != NULL && r->type == PS_TYPE_ENUM);
    c = choice(r, o, &len);
    for (size_t i = 0; i < sizeof word / sizeof word[0]; i++)
        if (strlen(word[i]) == len && memcmp(word[i], c, len) == 0)
            return word[i];
    PS_ASSERT(false);
    return "";
}
