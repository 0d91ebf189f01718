/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/fault.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Where reading stands. */
struct text {
    const char *option, *all, *at;
};

static PS_MUST ps_status expected(const struct text *t, const char *what)
{
    size_t found = strcspn(t->at, ",");

    PS_FAIL(PS_EUSAGE, "%s: at character %zu of '%.300s': expected %s, found '%.*s'", t->option,
            (size_t)(t->at - t->all) + 1, t->all, what, (int)(found < 40 ? found : 40), t->at);
}

static bool take(struct text *t, char c)
{
    if (*t->at != c)
        return false;
    t->at++;
    return true;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static PS_MUST ps_status parse_kind(struct text *t, const struct ps_fault_kind *kinds,
                                    uint32_t *kind)
{
    size_t n = strcspn(t->at, ":@,");
    char names[256] = "one of";

    for (*kind = 0; kinds[*kind].name != NULL; ++*kind) {
        size_t used = strlen(names);

        PS_ASSERT(*kind < PS_FAULT_KINDS_MAX);
        if (strlen(kinds[*kind].name) == n && memcmp(kinds[*kind].name, t->at, n) == 0) {
            t->at += n;
            return PS_OK;
        }
        snprintf(names + used, sizeof names - used, " %s", kinds[*kind].name);
    }
    return expected(t, names);
}

/* A number that is not negative, with or without a point. */
static PS_MUST ps_status parse_real(struct text *t, double *x)
{
    char *end;

    if (!is_digit(*t->at))
        return expected(t, "a number");
    *x = strtod(t->at, &end);
    if (!isfinite(*x))
        return expected(t, "a smaller number");
    t->at = end;
    return PS_OK;
}

static PS_MUST ps_status parse_whole(struct text *t, uint64_t *x)
{
    char *end;

    if (!is_digit(*t->at))
        return expected(t, "a whole number");
    errno = 0;
    *x = strtoull(t->at, &end, 10);
    if (errno != 0 || *x == UINT64_MAX)
        return expected(t, "a smaller number");
    t->at = end;
    return PS_OK;
}

static PS_MUST ps_status parse_time(struct text *t, double *seconds)
{
    static const struct {
        const char *unit;
        double seconds;
    } scale[] = {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}, {"", 1}};
    size_t n;

    PS_TRY(parse_real(t, seconds));
    n = strcspn(t->at, "@,");
    for (size_t i = 0; i < sizeof scale / sizeof scale[0]; i++)
        if (strlen(scale[i].unit) == n && memcmp(scale[i].unit, t->at, n) == 0) {
            t->at += n;
            *seconds *= scale[i].seconds;
            return PS_OK;
        }
    return expected(t, "'us', 'ms' or 's'");
}

static PS_MUST ps_status parse_when(struct text *t, struct ps_fault *f)
{
    const struct text begin = *t;
    double share;

    PS_TRY(parse_real(t, &share));
    if (take(t, '%')) {
        f->probability = share / 100;
        return f->probability > 0 && f->probability <= 1
                   ? PS_OK
                   : expected(&begin, "a probability above 0% and at most 100%");
    }
    *t = begin;
    PS_TRY(parse_whole(t, &f->first));
    if (f->first == 0)
        return expected(&begin, "a call number from 1 or a probability such as 0.1%");
    f->last = f->first;
    if (!take(t, '-'))
        return PS_OK;
    if (!is_digit(*t->at)) {
        f->last = UINT64_MAX;
        return PS_OK;
    }
    PS_TRY(parse_whole(t, &f->last));
    return f->last >= f->first ? PS_OK
                               : expected(&begin, "a range that does not end before it begins");
}

static PS_MUST ps_status parse_fault(struct text *t, const struct ps_fault_kind *kinds,
                                     struct ps_fault *f)
{
    *f = (struct ps_fault){.rank = PS_FAULT_ANY_RANK};
    PS_TRY(parse_kind(t, kinds, &f->kind));
    if (kinds[f->kind].takes_time) {
        if (!take(t, ':'))
            return expected(t, "':' and a time such as 2s");
        PS_TRY(parse_time(t, &f->seconds));
    }
    if (!take(t, '@'))
        return expected(t, "'@' and a call number or a probability");
    PS_TRY(parse_when(t, f));
    if (take(t, '/'))
        PS_TRY(parse_whole(t, &f->rank));
    if (*t->at != ',' && *t->at != '\0')
        return expected(t, "',' or the end");
    return PS_OK;
}

ps_status ps_fault_plan_parse(struct ps_fault_plan *plan, const char *option, const char *text,
                              const struct ps_fault_kind *kinds)
{
    struct text t = {option, text, text};

    memset(plan, 0, sizeof *plan);
    if (*text == '\0')
        return PS_OK;
    do {
        if (plan->count == PS_FAULTS_MAX)
            PS_FAIL(PS_EUSAGE, "%s: expected at most %d faults, found more in '%.300s'", option,
                    PS_FAULTS_MAX, text);
        PS_TRY(parse_fault(&t, kinds, &plan->fault[plan->count]));
        plan->count++;
    } while (take(&t, ','));
    return PS_OK;
}

const struct ps_fault *ps_fault_at(const struct ps_fault_plan *plan, struct ps_key key,
                                   uint64_t rank, uint64_t call, uint32_t among)
{
    PS_ASSERT(call > 0);
    for (uint32_t i = 0; i < plan->count; i++) {
        const struct ps_fault *f = &plan->fault[i];
        struct ps_draw d;

        if ((among >> f->kind & 1) == 0 || (f->rank != PS_FAULT_ANY_RANK && f->rank != rank))
            continue;
        if (f->probability == 0 && call >= f->first && call <= f->last)
            return f;
        if (f->probability == 0)
            continue;
        d = ps_draw_at(key, call, i);
        if (ps_unit(ps_draw_u64(&d, 0)) < f->probability)
            return f;
    }
    return NULL;
}
