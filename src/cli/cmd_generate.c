/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"
#include "src/graph/ingest.h"

#include <string.h>

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    const char *kind = o->positional[0];
    bool rmat = strcmp(kind, "rmat") == 0;
    json_t *report;
    ps_status st;

    if (!rmat && strcmp(kind, "sbm") != 0)
        PS_FAIL(PS_EUSAGE, "'%s' is no kind of graph that can be generated; there are sbm and rmat",
                kind);
    if (!rmat && o->import.symmetrise)
        PS_FAIL(PS_EUSAGE, "--symmetrise is for generate rmat; sbm makes directed graphs");
    report = json_object();
    if (report == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    PS_GO(st,
          rmat ? ps_generate_rmat(ctx, o, line, report) : ps_generate_sbm(ctx, o, line, report));
    PS_GO(st, ps_report_print(o, report));
out:
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_generate = {
    .usage =
        {PS_CMD_GENERATE, "generate", "sbm|rmat", "Make a graph of any size.",
         "sbm, a stochastic block model with planted communities and classes: in-degrees are "
         "Pareto, sources lie in the community of the target, near it in id, or anywhere; features "
         "are the centre of the class plus noise.\n"
         "rmat, a recursive matrix with the parameters of Graph500, ids permuted, loops and equal "
         "edges kept unless dropped: labels and features are random, there is nothing to learn; "
         "nodes without in-edges do not train.\n"
         "The same seed gives the same graph for any number of threads and any memory.",
         1, 1},
    .run = run,
};
