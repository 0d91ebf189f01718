/* SPDX-License-Identifier: Apache-2.0 */
/* Graphs whose edges come as text: lists of edges, and Matrix Market. */
#include "src/graph/ingest.h"

#include "src/graph/import_options.h"

static PS_MUST ps_status check_options(const struct ps_opts_import *o, const char *kind)
{
    if (o->edges[0] != '\0')
        PS_FAIL(PS_EUSAGE,
                "--edges belongs to import npy; import %s takes its files without an "
                "option",
                kind);
    return ps_import_check_options(o);
}

/* One line if there is something in the file that the dataset will not have. */
static void say_what_is_left_out(struct ps_import *im)
{
    if (im->edges->more_fields > 0)
        ps_log(&im->ctx->log,
               "%s: values behind source and target are left out; edges have no "
               "weights",
               im->edges->name);
}

ps_status ps_import_edges(struct ps_ctx *ctx, const struct ps_opts *o, const char *const *path,
                          uint32_t count, const char *command, json_t *report)
{
    struct ps_import im;
    ps_status st;

    PS_TRY(check_options(&o->import, "edges"));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    PS_GO(st, ps_import_check_output(&im));
    PS_GO(st, ps_edge_source_text(&im.edges, ctx, path, count));
    for (uint32_t k = 0; k < count; k++)
        PS_GO(st, ps_import_note(&im, path[k]));
    PS_GO(st, ps_import_open_options(&im, true));
    PS_GO(st, ps_import_run(&im, report));
    say_what_is_left_out(&im);
out:
    ps_import_fini(&im);
    return st;
}

ps_status ps_import_mtx(struct ps_ctx *ctx, const struct ps_opts *o, const char *path,
                        const char *command, json_t *report)
{
    struct ps_import im;
    ps_status st;

    PS_TRY(check_options(&o->import, "mtx"));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    PS_GO(st, ps_import_check_output(&im));
    PS_GO(st, ps_edge_source_mtx(&im.edges, ctx, path, &im.nodes));
    if (o->import.nodes != 0 && o->import.nodes != im.nodes)
        PS_GO_FAIL(st, PS_EUSAGE, "--num-nodes %" PRIu64 ", but %s tells of %" PRIu64 " rows",
                   o->import.nodes, path, im.nodes);
    PS_GO(st, ps_import_note(&im, path));
    im.undirected = im.edges->symmetric;
    PS_GO(st, ps_import_open_options(&im, true));
    PS_GO(st, ps_import_run(&im, report));
    say_what_is_left_out(&im);
out:
    ps_import_fini(&im);
    return st;
}
