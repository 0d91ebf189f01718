/* SPDX-License-Identifier: Apache-2.0 */
/* The man page, in the man macros of groff; mandoc reads it too. */
#include "src/cli/texts.h"

#include <ctype.h>
#include <string.h>

/* Text for roff: backslashes, a full stop or quote that would begin a request, and the dashes of
 * options and negative numbers, which must stay ASCII so that they can be copied. */
static void put(FILE *out, const char *text)
{
    bool word_begins = true, option = false;

    for (const char *p = text; *p != '\0'; p++) {
        if (word_begins)
            option = *p == '-';
        if (p == text && (*p == '.' || *p == '\''))
            fputs("\\&", out);
        if (*p == '\\')
            fputs("\\e", out);
        else if (*p == '-' && option)
            fputs("\\-", out);
        else
            fputc(*p, out);
        word_begins = strchr(" (|[,;", *p) != NULL;
    }
}

static void put_option(FILE *out, const struct ps_opt_row *r)
{
    char limits[PS_TEXTS_LIMITS_BYTES];
    bool is_out = strcmp(r->name, "out") == 0;

    fprintf(out, ".TP\n%s\\fB\\-\\-", is_out ? "\\fB\\-o\\fR, " : "");
    for (const char *p = r->name; *p != '\0'; p++)
        fputs(*p == '-' ? "\\-" : (char[2]){*p, '\0'}, out);
    fputs("\\fR", out);
    if (r->type != PS_TYPE_BOOL) {
        fputs(" \\fI", out);
        put(out, ps_texts_value(r));
        fputs("\\fR", out);
    }
    fputc('\n', out);
    put(out, r->help);
    ps_texts_limits(r, limits);
    if (*limits != '\0') {
        fputs("\nFrom ", out);
        put(out, limits);
        fputc('.', out);
    }
    if (r->type != PS_TYPE_BOOL && *r->dfl != '\0') {
        fputs("\nDefault: ", out);
        put(out, r->dfl);
        fputc('.', out);
    }
    fputc('\n', out);
}

static void put_command(FILE *out, const struct ps_usage *u)
{
    struct ps_texts_walk walk = {.cmds = (unsigned)u->cmd};
    const struct ps_opt_row *r;
    const char *title;

    fputs(".SH ", out);
    for (const char *p = u->name; *p != '\0'; p++)
        fputc(toupper((unsigned char)*p), out);
    fprintf(out, "\n\\fBpenstock %s\\fR \\fI", u->name);
    put(out, u->positionals);
    fputs("\\fR [\\fIOPTION\\fR...]\n.PP\n", out);
    put(out, u->summary);
    if (u->more != NULL) {
        fputc('\n', out);
        put(out, u->more);
    }
    fputc('\n', out);
    while ((r = ps_texts_next(&walk, &title)) != NULL) {
        if (title != NULL)
            fprintf(out, ".SS \"%s\"\n", title);
        put_option(out, r);
    }
}

static void put_head(FILE *out)
{
    fputs(".\\\" SPDX-License-Identifier: Apache-2.0\n"
          ".\\\" Written by scripts/make-texts.sh from the options table; do not edit.\n"
          ".TH PENSTOCK 1 \"\" \"penstock " PS_VERSION "\" \"User Commands\"\n"
          ".nh\n.ad l\n"
          ".SH NAME\n"
          "penstock \\- train graph neural networks on graphs that are larger than memory\n"
          ".SH SYNOPSIS\n"
          "\\fBpenstock\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...] [\\fIOPTION\\fR...]\n"
          ".br\n"
          "\\fBmpirun \\-n\\fR \\fIRANKS\\fR \\fBpenstock train\\fR \\fID.ps\\fR "
          "[\\fIOPTION\\fR...]\n"
          ".SH DESCRIPTION\n"
          "Partitions of the graph and their features lie in HDF5 files, a directory "
          "\\fID.ps\\fR.\n"
          "Each rank streams what it needs from disk and exchanges rows with other ranks over "
          "MPI.\n"
          ".PP\n"
          "Options are written in full; \\fB\\-\\-name\\fR \\fIVALUE\\fR and "
          "\\fB\\-\\-name=\\fR\\fIVALUE\\fR are the same.\n"
          "Whole numbers take K, M, G and T (powers of 1000), sizes the same (powers of 1024), "
          "times take us, ms, s, m and h.\n"
          "With \\fB\\-\\-config\\fR, any option can be set in a file as \\fIname = value\\fR;\n"
          "the command line wins.\n"
          ".PP\nCommands:\n",
          out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", (*c)->usage.name);
        put(out, (*c)->usage.summary);
        fputc('\n', out);
    }
}

static void put_tail(FILE *out)
{
    fputs(".SH \"EXIT STATUS\"\n", out);
    for (const struct ps_texts_code *c = ps_texts_codes; c->meaning != NULL; c++) {
        fprintf(out, ".TP\n\\fB%d\\fR\n", c->code);
        put(out, c->meaning);
        fputs(*c->remedy != '\0' ? " (" : "", out);
        put(out, c->remedy);
        fputs(*c->remedy != '\0' ? ").\n" : ".\n", out);
    }
    fputs("A failure is told in one sentence on stderr, by one rank.\n"
          ".SH ENVIRONMENT\nOptions are never taken from the environment.\n",
          out);
    for (const struct ps_texts_variable *v = ps_texts_variables; v->name != NULL; v++) {
        fprintf(out, ".TP\n\\fB%s\\fR\n", v->name);
        put(out, v->meaning);
        fputc('\n', out);
    }
    fputs(".SH EXAMPLES\n.nf\n.RS\n"
          "penstock generate sbm \\-\\-nodes 100000 \\-o big.ps\n"
          "penstock partition big.ps \\-\\-parts 4 \\-o big4.ps\n"
          "mpirun \\-n 4 penstock train big4.ps \\-\\-epochs 10 \\-o run\n"
          "mpirun \\-n 4 penstock infer big4.ps \\-\\-run run \\-o predictions.h5\n"
          ".RE\n.fi\n"
          ".SH \"SEE ALSO\"\n.BR mpirun (1),\nthe guide and the format of datasets in the folder "
          "of the documentation.\n",
          out);
}

void ps_texts_man(FILE *out)
{
    put_head(out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++)
        put_command(out, &(*c)->usage);
    put_tail(out);
}
