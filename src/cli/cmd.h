/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file cmd.h
 * @brief A command: options, one call, one report.
 */
#ifndef PS_CLI_CMD_H
#define PS_CLI_CMD_H

#include "src/base/ctx.h"
#include "src/base/opt.h"

/** One command; each lives in a file of its own, cmd_NAME.c. */
struct ps_command {
    struct ps_usage usage;
    /** @param[in] line  the command line as one text, for provenance and run record */
    ps_status (*run)(struct ps_ctx *ctx, const struct ps_opts *o, const char *line);
};

extern const struct ps_command ps_cmd_import, ps_cmd_generate, ps_cmd_partition, ps_cmd_info,
    ps_cmd_verify, ps_cmd_train, ps_cmd_infer, ps_cmd_bench;

/** NULL-terminated, in the order of --help. */
extern const struct ps_command *const ps_commands[];

/** Print a report on stdout: with --json as one JSON object, else a line for each key.
 *  @return PS_EIO if stdout cannot be written */
PS_MUST ps_status ps_report_print(const struct ps_opts *o, const json_t *report);

/** A failure that every rank finds in the same way before the job begins, such as a wrong
 *  option: @p st on rank 0, which tells it; PS_ECANCEL on the others. PS_OK stays PS_OK. */
ps_status ps_told_once(struct ps_ctx *ctx, ps_status st);

/** The whole program behind main: 0 or an exit code. */
int ps_cli_main(int argc, char **argv);

#endif
