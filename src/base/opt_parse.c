/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line through argp, and configuration files through inih.
 *
 * argp prints its own sentence about an unknown option and accepts
 * abbreviations; ours must suggest and must not guess. So names are checked
 * against the table first, and argp sees only what is known.
 */
#include "src/base/opt_row.h"

#include <argp.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BASE = 1000, ROWS_MAX = 128, LINE_BYTES = 512, KEY_HELP = '?' };

struct parse {
    struct ps_opts *o;
    const struct ps_usage *usage;
    ps_status st;
    bool help;
};

/* Long name of argv[i] without dashes and value; false if it is no long option. */
static bool long_name(const char *word, char name[LINE_BYTES], bool *has_value)
{
    size_t n;

    if (word[0] != '-' || word[1] != '-' || word[2] == '\0')
        return false;
    n = strcspn(word + 2, "=");
    *has_value = word[2 + n] == '=';
    if (n >= LINE_BYTES)
        n = LINE_BYTES - 1;
    memcpy(name, word + 2, n);
    name[n] = '\0';
    return true;
}

static PS_MUST ps_status check_word(const struct ps_usage *u, int argc, char **argv, int *i)
{
    char name[LINE_BYTES];
    bool has_value;
    const struct ps_opt_row *r;

    if (!long_name(argv[*i], name, &has_value)) {
        if (argv[*i][0] == '-' && argv[*i][1] == 'o') {
            *i += argv[*i][2] == '\0';
            if (*i >= argc)
                PS_FAIL(PS_EUSAGE, "-o needs a value: PATH");
        } else if (argv[*i][0] == '-' && argv[*i][1] != '\0' && argv[*i][1] != '?') {
            PS_FAIL(PS_EUSAGE, "no option is called %s; see --help", argv[*i]);
        }
        return PS_OK;
    }
    if (strcmp(name, "help") == 0 || strcmp(name, "usage") == 0)
        return PS_OK;
    r = ps_opt_row_find((unsigned)u->cmd, name);
    if (r == NULL)
        return ps_opt_unknown((unsigned)u->cmd, name);
    if (r->type == PS_TYPE_BOOL) {
        if (has_value)
            PS_FAIL(PS_EUSAGE, "--%s is a flag and takes no value", name);
    } else if (!has_value && ++*i >= argc) {
        PS_FAIL(PS_EUSAGE, "--%s needs a value%s%s", name, *r->unit != '\0' ? ": " : "", r->unit);
    }
    return PS_OK;
}

static PS_MUST ps_status check_names(const struct ps_usage *u, int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        PS_TRY(check_word(u, argc, argv, &i));
    }
    return PS_OK;
}

static error_t on_option(int key, char *arg, struct argp_state *state)
{
    struct parse *p = state->input;

    if (p->st != PS_OK)
        return 0;
    if (key == 'o')
        p->st = ps_opts_set(p->o, p->usage->cmd, "out", arg);
    else if (key == KEY_HELP)
        p->help = true;
    else if (key >= KEY_BASE && key < KEY_BASE + ps_opt_row_count)
        p->st = ps_opt_row_set(p->o, &ps_opt_rows[key - KEY_BASE], arg != NULL ? arg : "yes");
    else if (key == ARGP_KEY_ARG && p->o->positional_count < PS_POSITIONALS_MAX)
        p->o->positional[p->o->positional_count++] = arg;
    else if (key == ARGP_KEY_ARG)
        ps_err_set(p->st = PS_EUSAGE, 0, __FILE__, __LINE__, "more than %d words: %s",
                   PS_POSITIONALS_MAX, arg);
    else
        return ARGP_ERR_UNKNOWN;
    return 0;
}

/* The help of a row with its default, as argp wants it: one string. */
static void doc_of(const struct ps_opt_row *r, char out[LINE_BYTES])
{
    const char *dfl = r->type == PS_TYPE_BOOL ? "" : r->dfl;

    snprintf(out, LINE_BYTES, "%s%s%s%s", r->help, *dfl ? " [" : "", dfl, *dfl ? "]" : "");
}

struct help_table {
    struct argp_option option[ROWS_MAX + 4];
    char doc[ROWS_MAX][LINE_BYTES];
};

/* argp options from the rows that @p cmd knows; a group without rows is left out. */
static void build_table(struct help_table *t, enum ps_cmd cmd)
{
    int n = 0, group = 0;
    const char *title = NULL;
    bool has_out = ps_opt_row_find((unsigned)cmd, "out") != NULL;

    for (int i = 0; i < ps_opt_row_count; i++) {
        const struct ps_opt_row *r = &ps_opt_rows[i];
        if (r->name == NULL) {
            title = r->title;
            continue;
        }
        if ((r->cmds & (unsigned)cmd) == 0)
            continue;
        PS_ASSERT(n < ROWS_MAX);
        if (title != NULL) {
            group++;
            t->option[n++] = (struct argp_option){.doc = title, .group = group};
        }
        title = NULL;
        doc_of(r, t->doc[i % ROWS_MAX]);
        t->option[n++] = (struct argp_option){
            .name = r->name,
            .key = has_out && strcmp(r->name, "out") == 0 ? 'o' : KEY_BASE + i,
            .arg = r->type == PS_TYPE_BOOL ? NULL
                   : *r->unit              ? r->unit
                                           : "N",
            .doc = t->doc[i % ROWS_MAX],
            .group = group,
        };
    }
    t->option[n++] = (struct argp_option){
        .name = "help", .key = KEY_HELP, .doc = "Print this list.", .group = group + 1};
    t->option[n] = (struct argp_option){0};
}

static PS_MUST ps_status run_argp(struct parse *p, int argc, char **argv)
{
    char doc[2048], name[64];
    struct help_table *table = calloc(1, sizeof *table);
    struct argp argp = {.parser = on_option, .args_doc = p->usage->positionals, .doc = doc};

    if (table == NULL)
        PS_FAIL(PS_EMEM, "out of memory reading the command line");
    build_table(table, p->usage->cmd);
    argp.options = table->option;
    snprintf(doc, sizeof doc, "%s%s%s", p->usage->summary, p->usage->more != NULL ? "\v" : "",
             p->usage->more != NULL ? p->usage->more : "");
    /* argp is not thread-safe; there is one thread while the command line is read.
     * NOLINTBEGIN(concurrency-mt-unsafe) */
    if (argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS | ARGP_NO_HELP, NULL, p) != 0 &&
        p->st == PS_OK) {
        ps_err_set(p->st = PS_EUSAGE, 0, __FILE__, __LINE__,
                   "the command line of penstock %s cannot be read; see --help", p->usage->name);
    }
    if (p->help && p->st == PS_OK) {
        snprintf(name, sizeof name, "penstock %s", p->usage->name);
        argp_help(&argp, stdout, ARGP_HELP_STD_HELP & ~(unsigned)ARGP_HELP_EXIT_OK, name);
    }
    /* NOLINTEND(concurrency-mt-unsafe) */
    free(table);
    return p->st;
}

struct ini {
    struct ps_opts *o;
    enum ps_cmd cmd;
    const char *path;
    bool told; /* why a line was refused is recorded */
};

/* inih wants 1 for success; its return value of ini_parse is the first bad line. */
static int on_ini(void *user, const char *section, const char *name, const char *value)
{
    struct ini *ini = user;
    const struct ps_opt_row *r = ps_opt_row_find((unsigned)ini->cmd, name);
    char why[PS_ERR_TEXT_BYTES];

    (void)section;
    if (r == NULL && ps_opt_row_find(PS_CMD_ALL, name) != NULL)
        return 1; /* meant for another command */
    if (ps_opts_set(ini->o, ini->cmd, name, value) == PS_OK)
        return 1;
    snprintf(why, sizeof why, "%s", ps_err_sentence());
    ps_err_set(PS_EUSAGE, 0, __FILE__, __LINE__, "%s: %.900s", ini->path, why);
    ini->told = true;
    return 0;
}

ps_status ps_opts_load(struct ps_opts *o, enum ps_cmd cmd, const char *path)
{
    struct ini ini = {o, cmd, path, false};
    char why[PS_ERR_TEXT_BYTES];
    FILE *f = fopen(path, "re");
    bool whole = f != NULL;
    int line = 0;

    if (f != NULL) {
        line = ini_parse_file(f, on_ini, &ini);
        whole = !ferror(f); /* a folder, or the disk: inih takes both for the end */
        fclose(f);
    }
    if (!whole)
        PS_FAIL(PS_EINPUT, "cannot read the options file %s", path);
    if (line == 0)
        return PS_OK;
    if (ini.told) {
        snprintf(why, sizeof why, "%s", ps_err_sentence());
        PS_FAIL(PS_EUSAGE, "%.900s (line %d)", why, line);
    }
    PS_FAIL(PS_EUSAGE, "%s: line %d is not `name = value`", path, line);
}

/* Where --config stands on the command line, or NULL. The last one counts. */
static const char *config_of(const struct ps_usage *u, int argc, char **argv)
{
    const char *path = NULL;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--config=", 9) == 0)
            path = argv[i] + 9;
        else if (strcmp(argv[i], "--config") == 0 && i + 1 < argc)
            path = argv[++i];
        else if (check_word(u, argc, argv, &i) != PS_OK)
            return path;
    }
    return path;
}

ps_status ps_opts_parse(struct ps_opts *o, const struct ps_usage *u, int argc, char **argv,
                        bool *help)
{
    struct parse p = {.o = o, .usage = u, .st = PS_OK};
    const char *config;

    *help = false;
    ps_opts_init(o);
    PS_TRY(check_names(u, argc, argv));
    config = config_of(u, argc, argv);
    if (config != NULL)
        PS_TRY(ps_opts_load(o, u->cmd, config));
    PS_TRY(run_argp(&p, argc, argv));
    *help = p.help;
    if (p.help)
        return PS_OK;
    if (o->positional_count < u->positional_min || o->positional_count > u->positional_max)
        PS_FAIL(PS_EUSAGE, "usage: penstock %s %s [OPTION...]; see penstock %s --help", u->name,
                u->positionals, u->name);
    return PS_OK;
}
