/* SPDX-License-Identifier: Apache-2.0 */
/* Whether a dataset is intact: every stored byte against its checksum, every value against its
 * range. */
#include "src/cli/cmd.h"

#include "io/dataset.h"

static PS_MUST ps_status report_on(const struct ps_opts *o, const struct ps_dataset *ds,
                                   const struct ps_verified *v, double seconds)
{
    json_t *report;
    ps_status st;

    report = json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:s}", "path",
                       ps_dataset_path(ds), "result", "intact", "parts", (json_int_t)v->parts,
                       "nodes", (json_int_t)v->nodes, "edges", (json_int_t)v->edges, "arrays",
                       (json_int_t)v->arrays, "blocks", (json_int_t)v->blocks, "bytes",
                       (json_int_t)v->bytes, "seconds", seconds, "checked",
                       "meta.h5; file lengths, types, shapes, extents; the checksum of every "
                       "block; row ends, ids, columns, labels, splits, degrees; no NaN or Inf");
    if (report == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    st = ps_report_print(o, report);
    json_decref(report);
    return st;
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    uint64_t begin = ps_now_ns();
    struct ps_verified seen;
    struct ps_dataset *ds;
    ps_status st = PS_OK;

    (void)line;
    PS_TRY(ps_dataset_open(&ds, ctx, o->positional[0]));
    PS_GO(st, ps_dataset_verify(ds, ctx, &seen));
    ps_log_progress_end(&ctx->log);
    PS_GO(st, report_on(o, ds, &seen, (double)(ps_now_ns() - begin) * 1e-9));
out:
    ps_dataset_close(&ds);
    return st;
}

const struct ps_command ps_cmd_verify = {
    .usage = {PS_CMD_VERIFY, "verify", "D.ps", "Check that a dataset is intact.",
              "Reads every byte of every array, in bounded memory. Exits with 0 if all is well, "
              "and with 2 and one sentence at the first thing that differs.",
              1, 1},
    .run = run,
};
