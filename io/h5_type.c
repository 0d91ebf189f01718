/* SPDX-License-Identifier: Apache-2.0 */
/* Types and shapes, as words and bytes. */
#include "io/h5.h"

#include <string.h>

static const struct {
    const char *name;
    uint32_t bytes;
} type_row[PS_H5_OTHER] = {
    [PS_H5_U8] = {"u8", 1},   [PS_H5_I8] = {"i8", 1},   [PS_H5_U16] = {"u16", 2},
    [PS_H5_F16] = {"f16", 2}, [PS_H5_I32] = {"i32", 4}, [PS_H5_U32] = {"u32", 4},
    [PS_H5_F32] = {"f32", 4}, [PS_H5_U64] = {"u64", 8}, [PS_H5_F64] = {"f64", 8},
};

uint32_t ps_h5_type_bytes(enum ps_h5_type type)
{
    return type < PS_H5_OTHER ? type_row[type].bytes : 0;
}

const char *ps_h5_type_name(enum ps_h5_type type)
{
    return type < PS_H5_OTHER ? type_row[type].name : "another type";
}

void ps_h5_shape_text(const struct ps_h5_shape *s, char text[PS_H5_TEXT_BYTES])
{
    size_t used;

    snprintf(text, PS_H5_TEXT_BYTES, "%s [", ps_h5_type_name(s->type));
    for (uint32_t i = 0; i < s->rank; i++) {
        used = strlen(text);
        if (i >= PS_H5_RANK_MAX) {
            snprintf(text + used, PS_H5_TEXT_BYTES - used, ",...");
            break;
        }
        snprintf(text + used, PS_H5_TEXT_BYTES - used, "%s%" PRIu64, i > 0 ? "," : "", s->dim[i]);
    }
    used = strlen(text);
    snprintf(text + used, PS_H5_TEXT_BYTES - used, "]");
}

bool ps_h5_shape_bytes(const struct ps_h5_shape *s, uint64_t *bytes)
{
    *bytes = ps_h5_type_bytes(s->type);
    for (uint32_t i = 0; i < s->rank && i < PS_H5_RANK_MAX; i++)
        if (__builtin_mul_overflow(*bytes, s->dim[i], bytes))
            return false;
    return true;
}
