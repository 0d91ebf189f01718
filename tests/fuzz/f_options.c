/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words of a command line and an options file. The first byte is the command; lines to the first
 * empty one are words; the rest is the file, named by --config. What is accepted can be told as
 * JSON, and set again from what was told.
 */
#include "tests/fuzz/fuzz.h"

#include "src/base/opt_row.h"

enum { WORDS = 24, JSON_TEXT = 2048 };

/* A value of the JSON echo as the text that ps_opts_set takes. */
static void text_of(const json_t *j, char *text)
{
    int used = 0;

    text[0] = '\0';
    if (json_is_string(j))
        snprintf(text, JSON_TEXT, "%s", json_string_value(j));
    else if (json_is_boolean(j))
        snprintf(text, JSON_TEXT, "%s", json_is_true(j) ? "yes" : "no");
    else if (json_is_real(j))
        snprintf(text, JSON_TEXT, "%.17g", json_real_value(j));
    else if (json_is_integer(j))
        snprintf(text, JSON_TEXT, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
    for (size_t i = 0; json_is_array(j) && i < json_array_size(j); i++)
        used += snprintf(text + used, JSON_TEXT - (size_t)used, "%s%" JSON_INTEGER_FORMAT,
                         i > 0 ? "," : "", json_integer_value(json_array_get(j, i)));
}

static void told_again(const struct ps_opts *o, struct ps_opts *twin, enum ps_cmd cmd)
{
    json_t *j = ps_opts_json(o, cmd), *j_twin;

    ps_opts_init(twin);
    for (int i = 0; i < ps_opt_row_count; i++) {
        const struct ps_opt_row *r = &ps_opt_rows[i];
        char text[JSON_TEXT];
        ps_status st;
        if (r->name == NULL || (r->cmds & (unsigned)cmd) == 0)
            continue;
        PS_ASSERT(json_object_get(j, r->name) != NULL);
        text_of(json_object_get(j, r->name), text);
        st = ps_opts_set(twin, cmd, r->name, text);
        PS_ASSERT(st == PS_OK);
    }
    j_twin = ps_opts_json(twin, cmd);
    PS_ASSERT(json_equal(j, j_twin));
    json_decref(j);
    json_decref(j_twin);
}

/* Lines to the first empty one, as words. @return how many bytes they took */
static size_t split(char *text, size_t size, char **word, int *words)
{
    size_t at = 0;

    while (at < size && text[at] != '\n') {
        char *end = memchr(text + at, '\n', size - at);
        size_t n = end != NULL ? (size_t)(end - text) - at : size - at;
        text[at + n] = '\0';
        if (*words < WORDS)
            word[(*words)++] = text + at;
        at += ps_min(n + 1, size - at);
    }
    return ps_min(at + 1, size);
}

static void parse(enum ps_cmd cmd, char *text, size_t size)
{
    struct ps_opts *o = calloc(2, sizeof *o);
    struct ps_usage usage = {cmd, "fuzz", "[WORD...]", "Read options.", NULL, 0, 4};
    char config[FUZZ_PATH + 16] = "--config=", name[] = "fuzz", *word[WORDS + 3] = {name, config};
    int words = 1, fd = -1;
    ps_status st;
    size_t used;
    bool help;

    words = 2;
    used = split(text, size, word, &words);
    fd = fuzz_file(text + used, size - used, config + strlen(config));
    word[words] = NULL;
    st = ps_opts_parse(o, &usage, words, word, &help);
    fuzz_told(st);
    if (st == PS_OK && !help)
        told_again(o, o + 1, cmd);
    close(fd);
    free(o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool quiet;
    char *text;

    if (!quiet) /* --help prints */
        quiet = freopen("/dev/null", "w", stdout) != NULL;
    if (size == 0)
        return 0;
    text = malloc(size);
    memcpy(text, data + 1, size - 1);
    text[size - 1] = '\0';
    parse((enum ps_cmd)(1 << (data[0] % 8)), text, size - 1);
    free(text);
    return 0;
}
