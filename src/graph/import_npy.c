/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/ingest.h"

#include "src/graph/import_options.h"

ps_status ps_import_npy(struct ps_ctx *ctx, const struct ps_opts *o, const char *command,
                        json_t *report)
{
    struct ps_import im;
    ps_status st;

    if (o->import.edges[0] == '\0')
        PS_FAIL(PS_EUSAGE, "import npy needs --edges FILE.npy");
    PS_TRY(ps_import_check_options(&o->import));
    PS_TRY(ps_import_init(&im, ctx, o, command));
    PS_GO(st, ps_import_edges_npy(&im, o->import.edges));
    PS_GO(st, ps_import_open_options(&im, false));
    PS_GO(st, ps_import_run(&im, report));
out:
    ps_import_fini(&im);
    return st;
}
