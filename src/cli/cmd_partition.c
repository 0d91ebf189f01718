/* SPDX-License-Identifier: Apache-2.0 */
/* placeholder: replaced by the piece that brings the command */
#include "src/cli/cmd.h"

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    (void)ctx, (void)o, (void)line;
    PS_FAIL(PS_EUSAGE, "partition is being written");
}

const struct ps_command ps_cmd_partition = {
    .usage = {PS_CMD_PARTITION, "partition", "", "", NULL, 0, PS_POSITIONALS_MAX},
    .run = run,
};
