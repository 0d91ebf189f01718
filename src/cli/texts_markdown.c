/* SPDX-License-Identifier: Apache-2.0 */
/* docs/options.md: a table for each group of each command. */
#include "src/cli/texts.h"

#include <string.h>

/* Text for a cell of a table. */
static void put(FILE *out, const char *text)
{
    for (const char *p = text; *p != '\0'; p++) {
        if (strchr("|<*_\\", *p) != NULL)
            fputc('\\', out);
        fputc(*p, out);
    }
}

static void put_choices(FILE *out, const char *rest)
{
    const char *comma = "", *word;
    size_t bytes;

    while ((word = ps_texts_word(&rest, &bytes)) != NULL) {
        fprintf(out, "%s`%.*s`", comma, (int)bytes, word);
        comma = ", ";
    }
}

/* What may be given, in words. */
static void put_type(FILE *out, const struct ps_opt_row *r)
{
    static const char *const word[] = {
        [PS_TYPE_BOOL] = "flag",   [PS_TYPE_COUNT] = "whole number",
        [PS_TYPE_BYTES] = "size",  [PS_TYPE_TIME] = "time",
        [PS_TYPE_REAL] = "number", [PS_TYPE_ENUM] = "one of ",
        [PS_TYPE_TEXT] = "text",   [PS_TYPE_LIST] = "whole numbers, with commas",
    };

    fputs(word[r->type], out);
    if (r->type == PS_TYPE_ENUM) {
        put_choices(out, r->unit);
    } else if (*r->unit != '\0') {
        fputs(", ", out);
        put(out, r->unit);
    }
}

static void put_option(FILE *out, const struct ps_opt_row *r)
{
    char limits[PS_TEXTS_LIMITS_BYTES];

    ps_texts_limits(r, limits);
    fprintf(out, "| %s`--%s` | ", strcmp(r->name, "out") == 0 ? "`-o`, " : "", r->name);
    put_type(out, r);
    fputs(" | ", out);
    if (r->type != PS_TYPE_BOOL && *r->dfl != '\0')
        fprintf(out, "`%s`", r->dfl);
    fprintf(out, " | %s | ", limits);
    put(out, r->help);
    fputs(" |\n", out);
}

static void put_command(FILE *out, const struct ps_usage *u)
{
    struct ps_texts_walk walk = {.cmds = (unsigned)u->cmd};
    const struct ps_opt_row *r;
    const char *title;

    fprintf(out, "\n## %s\n\n`penstock %s %s [OPTION...]`\n\n", u->name, u->name, u->positionals);
    put(out, u->summary);
    fputc('\n', out);
    if (u->more != NULL) {
        fputc('\n', out);
        put(out, u->more);
        fputc('\n', out);
    }
    while ((r = ps_texts_next(&walk, &title)) != NULL) {
        if (title != NULL)
            fprintf(out,
                    "\n### %s: %s\n\n| option | value | default | limits | what |\n"
                    "|---|---|---|---|---|\n",
                    u->name, title);
        put_option(out, r);
    }
}

void ps_texts_markdown(FILE *out)
{
    fputs(
        "# Options\n\n<!-- Written by scripts/make-texts.sh from src/base/opt_table.def; do not "
        "edit. -->\n\nEvery option of every command, as `penstock COMMAND --help` has it. "
        "Names are written in full;\n`--name VALUE` and `--name=VALUE` are the same. Whole numbers "
        "take K, M,\nG and T (powers of 1000), sizes the same (powers of 1024), times take us, ms, "
        "s, m\nand h. With `--config FILE.ini` any option can be set in a file as "
        "`name = value`; the\ncommand line wins.\n\n| command | what |\n|---|---|\n",
        out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++) {
        fprintf(out, "| [%s](#%s) | ", (*c)->usage.name, (*c)->usage.name);
        put(out, (*c)->usage.summary);
        fputs(" |\n", out);
    }
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++)
        put_command(out, &(*c)->usage);
    fputs("\n## Exit codes\n\n| code | meaning | what helps |\n|---|---|---|\n", out);
    for (const struct ps_texts_code *c = ps_texts_codes; c->meaning != NULL; c++)
        fprintf(out, "| %d | %s | %s |\n", c->code, c->meaning, c->remedy);
    fputs("\n## Environment\n\nOptions are never taken from the environment.\n\n"
          "| variable | what |\n|---|---|\n",
          out);
    for (const struct ps_texts_variable *v = ps_texts_variables; v->name != NULL; v++)
        fprintf(out, "| `%s` | %s |\n", v->name, v->meaning);
}
