/* SPDX-License-Identifier: Apache-2.0 */
/* Training and inference as calls. */
#include "src/api/penstock.h"
#include "src/api/session.h"
#include "src/train/train.h"

#include <stdlib.h>
#include <unistd.h>

struct penstock_report {
    json_t *json;
    char *text;
};

static PS_MUST ps_status new_report(struct penstock_report **out, json_t *json)
{
    struct penstock_report *r;

    if (json == NULL)
        return PS_OK; /* another rank than 0 */
    r = calloc(1, sizeof *r);
    if (r == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    r->json = json_incref(json);
    r->text = json_dumps(json, JSON_INDENT(2));
    *out = r;
    if (r->text == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    return PS_OK;
}

int penstock_train(const char *dataset, const char *const *options, struct penstock_report **report)
{
    struct ps_session *s;
    json_t *json = NULL;
    ps_status st;

    *report = NULL;
    st = ps_session_new(&s, PS_CMD_TRAIN, dataset, options);
    if (st == PS_OK)
        st = ps_train(&s->ctx, &s->opts, s->line, NULL, &json);
    if (st == PS_OK)
        st = new_report(report, json);
    if (st != PS_OK)
        penstock_report_free(report);
    json_decref(json);
    return ps_session_end(&s, st);
}

static PS_MUST ps_status check_infer(const struct ps_opts *o)
{
    if (*o->infer.run == '\0' || *o->common.out == '\0')
        PS_FAIL(PS_EUSAGE, "inference needs the options run, the directory of a training run, and "
                           "out, the file for the predictions");
    if (!o->common.force && access(o->common.out, F_OK) == 0)
        PS_FAIL(PS_EUSAGE, "%s exists already; the option force replaces it", o->common.out);
    return PS_OK;
}

int penstock_infer(const char *dataset, const char *const *options, struct penstock_report **report)
{
    struct ps_session *s;
    json_t *json = NULL;
    ps_status st;

    *report = NULL;
    st = ps_session_new(&s, PS_CMD_INFER, dataset, options);
    if (st == PS_OK)
        st = check_infer(&s->opts);
    if (st == PS_OK)
        st = ps_infer(&s->ctx, &s->opts, &json);
    if (st == PS_OK)
        st = new_report(report, json);
    if (st != PS_OK)
        penstock_report_free(report);
    json_decref(json);
    return ps_session_end(&s, st);
}

const char *penstock_report_json(const struct penstock_report *r)
{
    return r->text;
}

static PS_MUST ps_status number(const struct penstock_report *r, const char *key, double *value)
{
    const json_t *j = json_object_get(r->json, key);

    if (j == NULL)
        PS_FAIL(PS_EUSAGE, "the report has no key '%s'", key);
    if (!json_is_number(j))
        PS_FAIL(PS_EUSAGE, "'%s' of the report is no number", key);
    *value = json_number_value(j);
    return PS_OK;
}

int penstock_report_number(const struct penstock_report *r, const char *key, double *value)
{
    return ps_exit_code(number(r, key, value));
}

void penstock_report_free(struct penstock_report **out)
{
    struct penstock_report *r = *out;

    if (r == NULL)
        return;
    json_decref(r->json);
    free(r->text);
    free(r);
    *out = NULL;
}
