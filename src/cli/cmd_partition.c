/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"
#include "src/graph/ingest.h"

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    json_t *report = json_object();
    ps_status st;

    if (report == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    PS_GO(st, ps_partition(ctx, o, o->positional[0], line, report));
    PS_GO(st, ps_report_print(o, report));
out:
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_partition = {
    .usage = {PS_CMD_PARTITION, "partition", "D.ps", "Renumber and split a dataset.",
              "Any number of ranks up to the number of partitions can train on the result. "
              "edge_cut is the share of edges between partitions, balance the largest partition "
              "over the mean one, halo the nodes that partitions need from others, over all nodes.",
              1, 1},
    .run = run,
};
