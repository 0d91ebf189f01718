/* SPDX-License-Identifier: Apache-2.0 */
/* The completion for bash: one case for each command, then what all of them share. */
#include "src/cli/texts.h"

#include <ctype.h>
#include <string.h>

/* Before the commands. bash takes `--name=value` for three words. */
static const char head[] =
    "# SPDX-License-Identifier: Apache-2.0\n"
    "# shellcheck shell=bash\n"
    "# Completion of penstock for bash. Written by scripts/make-texts.sh from the options table; "
    "do not edit.\n"
    "_penstock() {\n"
    "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
    "    local command=${COMP_WORDS[1]-} value='' options='' kinds='' word\n"
    "    if [ \"$cur\" = = ]; then\n"
    "        cur=''\n"
    "    elif [ \"$prev\" = = ] && [ \"$COMP_CWORD\" -ge 3 ]; then\n"
    "        prev=${COMP_WORDS[COMP_CWORD - 2]}\n"
    "    fi\n"
    "    COMPREPLY=()\n";

/* After them. `value` is what the option before the cursor wants: words, "files" as @files, or
 * @other for what cannot be guessed. The kind comes first, files follow it. */
static const char tail[] =
    "    if [ \"$value\" = @other ]; then\n"
    "        return 0\n"
    "    elif [ -n \"$value\" ] && [ \"$value\" != @files ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$value\" -- \"$cur\")\n"
    "        return 0\n"
    "    elif [ -z \"$value\" ] && [ \"${cur:0:1}\" = - ]; then\n"
    "        mapfile -t COMPREPLY < <(compgen -W \"$options --help\" -- \"$cur\")\n"
    "        return 0\n"
    "    fi\n"
    "    if [ -z \"$value\" ] && [ -n \"$kinds\" ]; then\n"
    "        for word in \"${COMP_WORDS[@]:2:COMP_CWORD-2}\"; do\n"
    "            case \" $kinds \" in *\" $word \"*) kinds='' ;; esac\n"
    "        done\n"
    "        if [ -n \"$kinds\" ]; then\n"
    "            mapfile -t COMPREPLY < <(compgen -W \"$kinds\" -- \"$cur\")\n"
    "            return 0\n"
    "        fi\n"
    "    fi\n"
    "    compopt -o filenames 2>/dev/null\n"
    "    mapfile -t COMPREPLY < <(compgen -f -- \"$cur\")\n"
    "    return 0\n"
    "}\n"
    "complete -F _penstock penstock\n";

/* A TEXT option whose value is a name of the user's own cannot be completed; all others with a
 * word in capitals are paths: FILE.npy, PATH, RUN, DIR. */
static bool wants_files(const struct ps_opt_row *r)
{
    return r->type == PS_TYPE_TEXT && isupper((unsigned char)r->unit[0]) &&
           strcmp(r->unit, "NAME") != 0 && strchr(r->unit, '|') == NULL;
}

/* TEXT with alternatives such as "K|all": the words in small letters can be offered. */
static bool has_words(const struct ps_opt_row *r)
{
    return r->type == PS_TYPE_ENUM || (r->type == PS_TYPE_TEXT && strchr(r->unit, '|') != NULL);
}

/* Each of the alternatives that begins with a word in small letters: that word. */
static void put_words(FILE *out, const char *rest)
{
    const char *space = "", *word;
    size_t bytes;

    while ((word = ps_texts_word(&rest, &bytes)) != NULL) {
        size_t n = 0;
        while (n < bytes && (islower((unsigned char)word[n]) || isdigit((unsigned char)word[n]) ||
                             strchr("-_:", word[n]) != NULL))
            n++;
        if (n == 0 || (n < bytes && word[n] != ' '))
            continue;
        fprintf(out, "%s%.*s", space, (int)n, word);
        space = " ";
    }
}

static void put_names(FILE *out, unsigned cmds)
{
    struct ps_texts_walk walk = {.cmds = cmds};
    const struct ps_opt_row *r;
    const char *title, *space = "";

    while ((r = ps_texts_next(&walk, &title)) != NULL) {
        fprintf(out, "%s--%s", space, r->name);
        space = " ";
    }
}

static void put_command(FILE *out, const struct ps_usage *u)
{
    struct ps_texts_walk walk = {.cmds = (unsigned)u->cmd};
    const struct ps_opt_row *r;
    const char *title;

    fprintf(out, "    %s)\n        options='", u->name);
    put_names(out, (unsigned)u->cmd);
    fputs("'\n        kinds='", out);
    put_words(out, u->positionals);
    fputs("'\n        case $prev in\n", out);
    while ((r = ps_texts_next(&walk, &title)) != NULL) {
        if (r->type == PS_TYPE_BOOL)
            continue;
        fprintf(out, "        --%s%s) value='", r->name,
                strcmp(r->name, "out") == 0 ? " | -o" : "");
        if (has_words(r))
            put_words(out, r->unit);
        else
            fputs(wants_files(r) ? "@files" : "@other", out);
        fputs("' ;;\n", out);
    }
    fputs("        esac\n        ;;\n", out);
}

void ps_texts_bash(FILE *out)
{
    const char *space = "";

    fputs(head, out);
    fputs("    if [ \"$COMP_CWORD\" -le 1 ]; then\n        mapfile -t COMPREPLY < <(compgen -W '",
          out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++) {
        fprintf(out, "%s%s", space, (*c)->usage.name);
        space = " ";
    }
    fputs(" --help --version' -- \"$cur\")\n        return 0\n    fi\n    case $command in\n", out);
    for (const struct ps_command *const *c = ps_commands; *c != NULL; c++)
        put_command(out, &(*c)->usage);
    fputs("    *) return 0 ;;\n    esac\n", out);
    fputs(tail, out);
}
