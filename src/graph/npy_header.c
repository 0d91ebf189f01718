/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The header of a .npy file is a Python dict:
 *   {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
 * followed by spaces and a newline. This reads that language and nothing more: a
 * header comes from outside, so every character is checked.
 */
#include "src/graph/npy.h"

#include <string.h>

struct cursor {
    const char *path, *text;
    size_t at, end; /* bytes */
};

static const struct {
    const char *code, *name;
    uint32_t bytes;
} type_table[PS_NPY_TYPE_COUNT] = {
    [PS_NPY_I1] = {"i1", "int8", 1},    [PS_NPY_U1] = {"u1", "uint8", 1},
    [PS_NPY_I2] = {"i2", "int16", 2},   [PS_NPY_U2] = {"u2", "uint16", 2},
    [PS_NPY_I4] = {"i4", "int32", 4},   [PS_NPY_U4] = {"u4", "uint32", 4},
    [PS_NPY_I8] = {"i8", "int64", 8},   [PS_NPY_U8] = {"u8", "uint64", 8},
    [PS_NPY_F2] = {"f2", "float16", 2}, [PS_NPY_F4] = {"f4", "float32", 4},
    [PS_NPY_F8] = {"f8", "float64", 8},
};

const char *ps_npy_type_name(enum ps_npy_type type)
{
    return (unsigned)type < PS_NPY_TYPE_COUNT ? type_table[type].name : "unknown";
}

uint32_t ps_npy_type_bytes(enum ps_npy_type type)
{
    PS_ASSERT((unsigned)type < PS_NPY_TYPE_COUNT);
    return type_table[type].bytes;
}

const char *ps_npy_shape_text(const struct ps_npy_header *h, char text[64])
{
    if (h->rank == 0)
        snprintf(text, 64, "()");
    else if (h->rank == 1)
        snprintf(text, 64, "(%" PRIu64 ",)", h->shape[0]);
    else
        snprintf(text, 64, "(%" PRIu64 ", %" PRIu64 ")", h->shape[0], h->shape[1]);
    return text;
}

static PS_MUST ps_status unexpected(const struct cursor *c, const char *expected)
{
    unsigned char found = c->at < c->end ? (unsigned char)c->text[c->at] : 0;

    if (c->at >= c->end)
        PS_FAIL(PS_EINPUT, "%s: the header ends where %s is expected", c->path, expected);
    PS_FAIL(PS_EINPUT, "%s: expected %s at byte %zu of the header, found 0x%02x", c->path, expected,
            c->at, (unsigned)found);
}

static void skip_space(struct cursor *c)
{
    while (c->at < c->end && strchr(" \t\n\r", c->text[c->at]) != NULL && c->text[c->at] != '\0')
        c->at++;
}

static bool take(struct cursor *c, char want)
{
    skip_space(c);
    if (c->at >= c->end || c->text[c->at] != want)
        return false;
    c->at++;
    return true;
}

static PS_MUST ps_status quoted(struct cursor *c, const char *expected, char *word, size_t bytes)
{
    char quote;
    size_t n = 0;

    skip_space(c);
    if (c->at >= c->end || (c->text[c->at] != '\'' && c->text[c->at] != '"'))
        return unexpected(c, expected);
    quote = c->text[c->at++];
    while (c->at < c->end && c->text[c->at] != quote) {
        if (n + 1 >= bytes)
            return unexpected(c, expected);
        word[n++] = c->text[c->at++];
    }
    word[n] = '\0';
    if (c->at >= c->end)
        return unexpected(c, "a closing quote");
    c->at++;
    return PS_OK;
}

static PS_MUST ps_status read_descr(struct cursor *c, struct ps_npy_header *h)
{
    char descr[16];

    skip_space(c);
    if (c->at < c->end && c->text[c->at] == '[')
        PS_FAIL(PS_EINPUT, "%s: rows of a structured type are not accepted; one number per item is",
                c->path);
    PS_TRY(quoted(c, "a type such as '<f4'", descr, sizeof descr));
    if (strchr(descr, 'O') != NULL)
        PS_FAIL(PS_EINPUT, "%s: holds pickled Python objects, which are not accepted", c->path);
    if (descr[0] == '>')
        PS_FAIL(PS_EINPUT, "%s: type '%s' is big-endian; expected little-endian", c->path, descr);
    for (unsigned t = 0; t < PS_NPY_TYPE_COUNT; t++)
        if (strcmp(descr + (descr[0] != '\0'), type_table[t].code) == 0 &&
            (descr[0] == '<' || (descr[0] == '|' && type_table[t].bytes == 1))) {
            h->type = (enum ps_npy_type)t;
            return PS_OK;
        }
    PS_FAIL(PS_EINPUT,
            "%s: expected integers of 1 to 8 bytes or floats of 2 to 8 bytes, found type '%s'",
            c->path, descr);
}

static PS_MUST ps_status read_bool(struct cursor *c, bool *value)
{
    skip_space(c);
    if (c->end - c->at >= 4 && memcmp(c->text + c->at, "True", 4) == 0) {
        *value = true;
        c->at += 4;
        return PS_OK;
    }
    if (c->end - c->at >= 5 && memcmp(c->text + c->at, "False", 5) == 0) {
        *value = false;
        c->at += 5;
        return PS_OK;
    }
    return unexpected(c, "True or False");
}

static PS_MUST ps_status read_count(struct cursor *c, uint64_t *count)
{
    skip_space(c);
    if (c->at >= c->end || c->text[c->at] < '0' || c->text[c->at] > '9')
        return unexpected(c, "a length");
    *count = 0;
    while (c->at < c->end && c->text[c->at] >= '0' && c->text[c->at] <= '9') {
        uint64_t digit = (uint64_t)(c->text[c->at++] - '0');
        if (__builtin_mul_overflow(*count, UINT64_C(10), count) ||
            __builtin_add_overflow(*count, digit, count))
            PS_FAIL(PS_EINPUT, "%s: a length in the shape is beyond 64 bits", c->path);
    }
    if (c->at < c->end && c->text[c->at] == 'L') /* Python 2 */
        c->at++;
    return PS_OK;
}

static PS_MUST ps_status read_shape(struct cursor *c, struct ps_npy_header *h)
{
    h->rank = 0;
    h->shape[0] = h->shape[1] = 1;
    if (!take(c, '('))
        return unexpected(c, "a shape in round brackets");
    while (!take(c, ')')) {
        if (h->rank == 2)
            PS_FAIL(PS_EINPUT, "%s: expected at most 2 dimensions, found more", c->path);
        PS_TRY(read_count(c, &h->shape[h->rank++]));
        if (!take(c, ',')) {
            if (!take(c, ')'))
                return unexpected(c, "',' or ')'");
            break;
        }
    }
    return PS_OK;
}

/* Key number @p k, which must not have come before. */
static PS_MUST ps_status read_value(struct cursor *c, const char *key, unsigned *seen,
                                    struct ps_npy_header *h)
{
    static const char *const known[] = {"descr", "fortran_order", "shape"};
    unsigned k = 0;

    while (k < 3 && strcmp(key, known[k]) != 0)
        k++;
    if (k == 3 || (*seen & 1u << k) != 0)
        PS_FAIL(PS_EINPUT, "%s: %s key '%s' in the header", c->path,
                k == 3 ? "unknown" : "a second", key);
    *seen |= 1u << k;
    if (!take(c, ':'))
        return unexpected(c, "':'");
    if (k == 0)
        return read_descr(c, h);
    return k == 1 ? read_bool(c, &h->fortran) : read_shape(c, h);
}

ps_status ps_npy_parse(const char *path, const char *text, size_t bytes, struct ps_npy_header *h)
{
    struct cursor c = {path, text, 0, bytes};
    unsigned seen = 0;
    char key[24];

    if (!take(&c, '{'))
        return unexpected(&c, "'{'");
    while (!take(&c, '}')) {
        PS_TRY(quoted(&c, "a key in quotes", key, sizeof key));
        PS_TRY(read_value(&c, key, &seen, h));
        if (!take(&c, ',')) {
            if (!take(&c, '}'))
                return unexpected(&c, "',' or '}'");
            break;
        }
    }
    skip_space(&c);
    if (c.at < c.end)
        return unexpected(&c, "the end");
    if (seen != 7)
        PS_FAIL(PS_EINPUT, "%s: the header has no '%s'", path,
                !(seen & 1) ? "descr" : (!(seen & 2) ? "fortran_order" : "shape"));
    return PS_OK;
}
