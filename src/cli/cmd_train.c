/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

#include "src/train/stop.h"
#include "src/train/train.h"

#include <errno.h>
#include <stdio.h>

/* The result in a few lines, under the table. */
static PS_MUST ps_status say_result(const json_t *report)
{
    static const char *const key[] = {"test_accuracy", "valid_accuracy"};
    size_t runs = json_array_size(json_object_get(report, "runs"));
    char deviation[64];

    for (size_t i = 0; i < sizeof key / sizeof key[0]; i++) {
        const json_t *mean = json_object_get(report, key[i]);
        if (!json_is_real(mean))
            continue;
        printf("%-22s %.4f", key[i], json_real_value(mean));
        snprintf(deviation, sizeof deviation, "%s_deviation", key[i]);
        if (runs > 1)
            printf(" +- %.4f over %zu runs", json_real_value(json_object_get(report, deviation)),
                   runs);
        putchar('\n');
    }
    printf("%-22s %s\n%-22s %s/run.json\n", "samples_fingerprint",
           json_string_value(json_object_get(report, "samples_fingerprint")), "run record",
           json_string_value(json_object_get(report, "out")));
    if (fflush(stdout) != 0 || ferror(stdout))
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write the result to stdout");
    return PS_OK;
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    json_t *report = NULL;
    ps_status st;

    ps_stop_on_signals();
    st = ps_train(ctx, o, line, o->common.json ? NULL : stdout, &report);

    if (st == PS_OK && report != NULL)
        st = o->common.json ? ps_report_print(o, report) : say_result(report);
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_train = {
    .usage =
        {PS_CMD_TRAIN, "train", "D.ps",
         "Train a model on a dataset: the main job, alone or under mpirun.",
         "On more than one rank: mpirun -n 4 penstock train D.ps --out RUN ... The dataset needs "
         "at least as many partitions. RUN gets run.json, metrics.jsonl and model.h5; while the "
         "run "
         "lasts also checkpoint.h5, from which --resume goes on.",
         1, 1},
    .run = run,
};
