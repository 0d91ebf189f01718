/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

#include "src/train/train.h"

#include <string.h>
#include <unistd.h>

static PS_MUST ps_status check(const struct ps_opts *o)
{
    if (*o->infer.run == '\0')
        PS_FAIL(PS_EUSAGE, "penstock infer needs --run RUN, the directory of a training run");
    if (*o->common.out == '\0')
        PS_FAIL(PS_EUSAGE, "penstock infer needs -o P.h5, the file for the predictions");
    if (!o->common.force && access(o->common.out, F_OK) == 0)
        PS_FAIL(PS_EUSAGE, "%s exists already; give --force to replace it", o->common.out);
    return PS_OK;
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    json_t *report = NULL;
    ps_status st;

    (void)line;
    PS_TRY(ps_told_once(ctx, check(o)));
    st = ps_infer(ctx, o, &report);
    if (st == PS_OK && report != NULL)
        st = ps_report_print(o, report);
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_infer = {
    .usage =
        {PS_CMD_INFER, "infer", "D.ps", "Predict the class of every node with a trained model.",
         "Writes an HDF5 file with orig_id, prediction and probability, one row for each node, in "
         "the order of the original ids. Alone or under mpirun.",
         1, 1},
    .run = run,
};
