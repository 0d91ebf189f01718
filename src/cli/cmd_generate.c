/* SPDX-License-Identifier: Apache-2.0 */
/* placeholder: replaced by the piece that brings the command */
#include "src/cli/cmd.h"

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    (void)ctx, (void)o, (void)line;
    PS_FAIL(PS_EUSAGE, "generate is being written");
}

const struct ps_command ps_cmd_generate = {
    .usage = {PS_CMD_GENERATE, "generate", "", "", NULL, 0, PS_POSITIONALS_MAX},
    .run = run,
};
