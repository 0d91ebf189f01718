/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/note.h"

#include <inttypes.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

ps_status ps_note_json(json_t *report, const char *key, json_t *value)
{
    if (json_object_set_new(report, key, value) != 0)
        PS_FAIL(PS_EMEM, "out of memory noting %s", key);
    return PS_OK;
}

ps_status ps_note_u64(json_t *report, const char *key, uint64_t x)
{
    PS_ASSERT(x <= (uint64_t)INT64_MAX);
    return ps_note_json(report, key, json_integer((json_int_t)x));
}

ps_status ps_note_real(json_t *report, const char *key, double x)
{
    return ps_note_json(report, key, json_real(x));
}

ps_status ps_note_text(json_t *report, const char *key, const char *text)
{
    json_t *value = json_string(text);

    if (value == NULL) /* a path may hold any bytes; JSON holds UTF-8 */
        value = json_string("(no UTF-8)");
    return ps_note_json(report, key, value);
}

ps_status ps_note_name(const char *path, char *name, size_t bytes)
{
    size_t end = strlen(path), begin;

    while (end > 1 && path[end - 1] == '/')
        end--;
    for (begin = end; begin > 0 && path[begin - 1] != '/'; begin--)
        ;
    if (end - begin > 3 && memcmp(path + end - 3, ".ps", 3) == 0)
        end -= 3;
    if (end - begin >= bytes)
        PS_FAIL(PS_EUSAGE,
                "the name '%.*s' has %zu bytes, expected at most %zu; choose with --name",
                (int)(end - begin), path + begin, end - begin, bytes - 1);
    memcpy(name, path + begin, end - begin);
    name[end - begin] = '\0';
    return PS_OK;
}

ps_status ps_note_free_path(const char *path, int force)
{
    if (path[0] == '\0')
        PS_FAIL(PS_EUSAGE, "--out is needed: where the dataset is to be written");
    if (!force && access(path, F_OK) == 0)
        PS_FAIL(PS_EUSAGE, "%s exists; --force replaces it", path);
    return PS_OK;
}
