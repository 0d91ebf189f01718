/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/ingest.h"

#include "src/graph/import_core.h"

/* An option that may be empty. */
static PS_MUST ps_status open_option(struct ps_import *im, struct ps_npy **a, const char *path)
{
    return path[0] != '\0' ? ps_import_open(im, a, path) : PS_OK;
}

static PS_MUST ps_status check_options(const struct ps_opts_import *o)
{
    bool roles = o->train[0] != '\0' || o->valid[0] != '\0' || o->test[0] != '\0';

    if (o->edges[0] == '\0')
        PS_FAIL(PS_EUSAGE, "import npy needs --edges FILE.npy");
    if (o->splits[0] != '\0' && roles)
        PS_FAIL(PS_EUSAGE, "--splits is in place of --train, --valid and --test; give one or the "
                           "others");
    if (o->classes != 0 && o->labels[0] == '\0')
        PS_FAIL(PS_EUSAGE, "--num-classes is about the classes of --labels, which is not given");
    return PS_OK;
}

static PS_MUST ps_status open_all(struct ps_import *im, const struct ps_opts_import *o)
{
    PS_TRY(ps_import_edges_npy(im, o->edges));
    PS_TRY(open_option(im, &im->dense, o->features));
    PS_TRY(open_option(im, &im->labels, o->labels));
    PS_TRY(open_option(im, &im->role[PS_IMPORT_TRAIN], o->train));
    PS_TRY(open_option(im, &im->role[PS_IMPORT_VALID], o->valid));
    PS_TRY(open_option(im, &im->role[PS_IMPORT_TEST], o->test));
    return open_option(im, &im->splits, o->splits);
}

/* What was said, else the length of what there is one of for each node. */
static PS_MUST ps_status find_nodes(struct ps_import *im, uint64_t said)
{
    im->nodes = said;
    if (said == 0 && im->dense != NULL)
        im->nodes = im->dense->head.shape[0];
    else if (said == 0 && im->labels != NULL)
        im->nodes = im->labels->head.shape[0];
    else if (said == 0 && im->splits != NULL)
        im->nodes = im->splits->head.shape[1];
    else if (said == 0)
        PS_FAIL(PS_EUSAGE, "--num-nodes is needed where no features, labels or splits tell it");
    return PS_OK;
}

ps_status ps_import_npy(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                        json_t *report)
{
    struct ps_import im;
    ps_status st;

    PS_TRY(check_options(&o->import));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    im.classes = o->import.classes;
    PS_GO(st, open_all(&im, &o->import));
    PS_GO(st, find_nodes(&im, o->import.nodes));
    PS_GO(st, ps_import_run(&im, report));
out:
    ps_import_fini(&im);
    return st;
}
