/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/import_options.h"

#include "src/graph/paths.h"

ps_status ps_import_check_options(const struct ps_opts_import *o)
{
    bool roles = o->train[0] != '\0' || o->valid[0] != '\0' || o->test[0] != '\0';

    if (o->splits[0] != '\0' && roles)
        PS_FAIL(PS_EUSAGE, "--splits is in place of --train, --valid and --test; give one or the "
                           "others");
    if (o->classes != 0 && o->labels[0] == '\0')
        PS_FAIL(PS_EUSAGE, "--num-classes is about the classes of --labels, which is not given");
    return PS_OK;
}

/* An option that may be empty, as one array. */
static PS_MUST ps_status open_arrays(struct ps_import *im, struct ps_npy **a, const char *list)
{
    struct ps_paths paths;
    ps_status st;

    if (list[0] == '\0')
        return PS_OK;
    PS_TRY(ps_npy_open_list(a, im->ctx, list));
    PS_TRY(ps_paths_split(&paths, im->ctx, list));
    for (uint32_t i = 0; i < paths.count; i++)
        PS_GO(st, ps_import_note(im, paths.item[i]));
    st = PS_OK;
out:
    ps_paths_fini(&paths);
    return st;
}

/* What was said, else the length of what there is one of for each node; 0: nothing tells. */
static void find_nodes(struct ps_import *im, uint64_t said)
{
    if (im->nodes == 0)
        im->nodes = said;
    if (im->nodes == 0 && im->dense != NULL)
        im->nodes = im->dense->head.shape[0];
    if (im->nodes == 0 && im->labels != NULL)
        im->nodes = im->labels->head.shape[0];
    if (im->nodes == 0 && im->splits != NULL)
        im->nodes = im->splits->head.shape[1];
}

static PS_MUST ps_status scan_edges(struct ps_import *im)
{
    PS_TRY(ps_edge_source_scan(im->edges, &im->nodes));
    if (im->nodes == 0)
        PS_FAIL(PS_EINPUT, "%s: expected edges, found none; --num-nodes tells of nodes without",
                im->edges->name);
    return PS_OK;
}

static PS_MUST ps_status open_role(struct ps_import *im, struct ps_npy **a, const char *list)
{
    bool text;

    if (list[0] == '\0')
        return PS_OK;
    PS_TRY(ps_import_is_text(im, list, &text));
    return text ? ps_import_text_nodes(im, list, a) : open_arrays(im, a, list);
}

ps_status ps_import_open_options(struct ps_import *im, bool scan)
{
    const struct ps_opts_import *o = &im->o->import;
    bool text = false, pairs = false;

    im->classes = o->classes;
    PS_TRY(open_arrays(im, &im->dense, o->features));
    PS_TRY(open_arrays(im, &im->splits, o->splits));
    if (o->labels[0] != '\0')
        PS_TRY(ps_import_is_text(im, o->labels, &text));
    if (text)
        PS_TRY(ps_import_text_labels_form(im, o->labels, &pairs));
    if (text && !pairs)
        PS_TRY(ps_import_text_labels(im, o->labels, false, &im->labels));
    else if (!text)
        PS_TRY(open_arrays(im, &im->labels, o->labels));
    find_nodes(im, o->nodes);
    if (im->nodes == 0 && !scan)
        PS_FAIL(PS_EUSAGE, "--num-nodes is needed where no features, labels or splits tell it");
    if (im->nodes == 0)
        PS_TRY(scan_edges(im));
    if (pairs)
        PS_TRY(ps_import_text_labels(im, o->labels, true, &im->labels));
    PS_TRY(open_role(im, &im->role[PS_IMPORT_TRAIN], o->train));
    PS_TRY(open_role(im, &im->role[PS_IMPORT_VALID], o->valid));
    return open_role(im, &im->role[PS_IMPORT_TEST], o->test);
}
