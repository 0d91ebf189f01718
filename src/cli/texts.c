/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/texts.h"

#include <errno.h>
#include <math.h>
#include <string.h>

const struct ps_texts_code ps_texts_codes[] = {
    {0, "done", ""},
    {1, "usage: an option or argument is wrong", "mend the command"},
    {2, "input: a file is missing or its bytes are wrong", "penstock verify, import again"},
    {3, "input or output: the operating system said no", "see the sentence"},
    {4, "memory: there is no more, or the budget is used up",
     "a larger --memory, more ranks, a smaller batch or fan-out"},
    {5, "peer: MPI or another rank failed", "see the other rank's sentence; submit again"},
    {75, "stopped in time and resumable", "submit again"},
    {0, NULL, NULL},
};

const struct ps_texts_variable ps_texts_variables[] = {
    {"OMPI_COMM_WORLD_RANK, PMIX_RANK, PMI_RANK, MV2_COMM_WORLD_RANK",
     "Set by mpirun and srun; one of them tells penstock that it is a rank of a job, and which. "
     "Without them it runs as one process and does not start MPI."},
    {"OMP_WAIT_POLICY",
     "Read by the OpenMP library. passive keeps waiting threads from spinning where there are "
     "fewer cores than ranks times threads."},
    {"OPENBLAS_CORETYPE",
     "Read by OpenBLAS. Unset, penstock corrects a wrong choice of older versions; set, it is "
     "left alone."},
    {NULL, NULL},
};

const struct ps_opt_row *ps_texts_next(struct ps_texts_walk *w, const char **title)
{
    while (w->at < ps_opt_row_count) {
        const struct ps_opt_row *r = &ps_opt_rows[w->at++];
        if (r->name == NULL) {
            w->title = r->title;
        } else if ((r->cmds & w->cmds) != 0) {
            *title = w->title;
            w->title = NULL;
            return r;
        }
    }
    return NULL;
}

const char *ps_texts_value(const struct ps_opt_row *r)
{
    if (r->type == PS_TYPE_BOOL)
        return "";
    return *r->unit != '\0' ? r->unit : "N";
}

/* 16777216 as 16M; what no unit divides as it is. */
static const char *bytes_text(double x, char out[32])
{
    static const char unit[] = "KMGT";
    int u = -1;

    while (x >= 1024 && x == floor(x / 1024) * 1024 && u < 3) {
        x /= 1024;
        u++;
    }
    snprintf(out, 32, u < 0 ? "%.15g" : "%.15g%c", x, u < 0 ? 0 : unit[u]);
    return out;
}

void ps_texts_limits(const struct ps_opt_row *r, char out[PS_TEXTS_LIMITS_BYTES])
{
    char lo[32], hi[32];

    switch (r->type) {
    case PS_TYPE_BYTES:
        snprintf(out, PS_TEXTS_LIMITS_BYTES, "%s to %s", bytes_text(r->lo, lo),
                 bytes_text(r->hi, hi));
        return;
    case PS_TYPE_TIME:
        snprintf(out, PS_TEXTS_LIMITS_BYTES, "%.15g to %.15g s", r->lo, r->hi);
        return;
    case PS_TYPE_COUNT:
    case PS_TYPE_REAL:
    case PS_TYPE_LIST:
        snprintf(out, PS_TEXTS_LIMITS_BYTES, "%.15g to %.15g", r->lo, r->hi);
        return;
    case PS_TYPE_BOOL:
    case PS_TYPE_ENUM:
    case PS_TYPE_TEXT:
        break;
    }
    out[0] = '\0';
}

const char *ps_texts_word(const char **rest, size_t *bytes)
{
    const char *word = *rest + strspn(*rest, " |");

    *bytes = strcspn(word, "|");
    *rest = word + *bytes;
    return *bytes > 0 ? word : NULL;
}

ps_status ps_texts_print(int argc, char **argv)
{
    const char *which = argc == 3 ? argv[2] : "";

    if (strcmp(which, "man") == 0)
        ps_texts_man(stdout);
    else if (strcmp(which, "bash") == 0)
        ps_texts_bash(stdout);
    else if (strcmp(which, "markdown") == 0)
        ps_texts_markdown(stdout);
    else
        PS_FAIL(PS_EUSAGE, "texts knows one word of man, bash and markdown, found '%s'", which);
    if (fflush(stdout) != 0 || ferror(stdout))
        PS_FAIL_SYS(errno ? errno : EIO, "cannot write the %s text to stdout", which);
    return PS_OK;
}
