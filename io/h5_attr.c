/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scalar attributes: u64, f64 and text. Text has a fixed length: it lies in the object's header,
 * which has a checksum. Text of variable length lies in a heap without one, and a flipped bit
 * there can make the library read wild.
 */
#include "io/h5.h"

#include <hdf5.h>
#include <string.h>

/* UTF-8 of this many bytes, the zero at the end included. */
static hid_t text_type(size_t bytes)
{
    hid_t t = H5Tcopy(H5T_C_S1);

    (void)H5Tset_size(t, bytes);
    (void)H5Tset_cset(t, H5T_CSET_UTF8);
    return t;
}

/* An attribute that is there already can be written again in its own type only. */
static bool has_type(hid_t object, const char *name, hid_t type)
{
    hid_t a = H5Aopen(object, name, H5P_DEFAULT), found = H5Aget_type(a);
    bool same = H5Tequal(found, type) > 0;

    H5Tclose(found);
    H5Aclose(a);
    return same;
}

static PS_MUST ps_status put(struct ps_h5 *f, const char *object, const char *name, hid_t type,
                             const void *x)
{
    hid_t o, a = H5I_INVALID_HID, space = H5Screate(H5S_SCALAR);
    ps_status st = PS_OK;

    /* through the open object: HDF5 1.10.8 loses what is written to an attribute that was
     * opened by the name of its object */
    o = H5Oopen(ps_h5_handle(f), object, H5P_DEFAULT);
    if (o >= 0 && H5Aexists(o, name) > 0 && !has_type(o, name, type))
        (void)H5Adelete(o, name); /* such as a text of another length */
    if (o >= 0)
        a = H5Aexists(o, name) > 0 ? H5Aopen(o, name, H5P_DEFAULT)
                                   : H5Acreate2(o, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0)
        st = ps_h5_refused(f, "create attribute", name);
    else if (H5Awrite(a, type, x) < 0)
        st = ps_h5_refused(f, "write attribute", name);
    if (a >= 0)
        H5Aclose(a);
    if (o >= 0)
        H5Oclose(o);
    H5Sclose(space);
    return st;
}

ps_status ps_h5_put_u64(struct ps_h5 *f, const char *object, const char *name, uint64_t x)
{
    return put(f, object, name, H5T_STD_U64LE, &x);
}

ps_status ps_h5_put_f64(struct ps_h5 *f, const char *object, const char *name, double x)
{
    return put(f, object, name, H5T_IEEE_F64LE, &x);
}

ps_status ps_h5_put_text(struct ps_h5 *f, const char *object, const char *name, const char *text)
{
    hid_t t;
    ps_status st;

    if (strlen(text) > PS_H5_ATTR_TEXT_MAX)
        PS_FAIL(PS_EUSAGE, "%s: attribute '%s': at most %d characters expected, found %zu",
                ps_h5_path(f), name, PS_H5_ATTR_TEXT_MAX, strlen(text));
    t = text_type(strlen(text) + 1);
    st = put(f, object, name, t, text);
    H5Tclose(t);
    return st;
}

/* Open an attribute and check that it is one value of the type. */
static PS_MUST ps_status open_checked(struct ps_h5 *f, const char *object, const char *name,
                                      hid_t want, const char *want_name, hid_t *out)
{
    hid_t file = ps_h5_handle(f), a, type, space;
    bool is_text, same;
    hssize_t count;
    size_t bytes;

    if (H5Aexists_by_name(file, object, name, H5P_DEFAULT) <= 0)
        PS_FAIL(PS_EINPUT, "%s: attribute '%s' of %s is not there", ps_h5_path(f), name, object);
    a = H5Aopen_by_name(file, object, name, H5P_DEFAULT, H5P_DEFAULT);
    if (a < 0)
        return ps_h5_refused(f, "open attribute", name);
    type = H5Aget_type(a);
    space = H5Aget_space(a);
    count = H5Sget_simple_extent_npoints(space);
    is_text = H5Tget_class(type) == H5T_STRING && H5Tis_variable_str(type) == 0;
    same = want >= 0 ? H5Tequal(type, want) > 0 : is_text;
    bytes = H5Tget_size(type);
    H5Sclose(space);
    H5Tclose(type);
    *out = a;
    if (same && count == 1)
        return PS_OK;
    H5Aclose(a);
    PS_FAIL(PS_EINPUT,
            "%s: attribute '%s' of %s: one value of type %s expected, found %lld of %s of %zu "
            "bytes",
            ps_h5_path(f), name, object, want_name, (long long)count,
            same      ? want_name
            : is_text ? "text"
                      : "another type",
            bytes);
}

static PS_MUST ps_status get(struct ps_h5 *f, const char *object, const char *name, hid_t type,
                             const char *type_name, void *x)
{
    hid_t a = H5I_INVALID_HID;
    ps_status st = PS_OK;

    PS_TRY(open_checked(f, object, name, type, type_name, &a));
    if (H5Aread(a, type, x) < 0)
        st = ps_h5_refused(f, "read attribute", name);
    H5Aclose(a);
    return st;
}

ps_status ps_h5_get_u64(struct ps_h5 *f, const char *object, const char *name, uint64_t *x)
{
    return get(f, object, name, H5T_STD_U64LE, "u64", x);
}

ps_status ps_h5_get_f64(struct ps_h5 *f, const char *object, const char *name, double *x)
{
    return get(f, object, name, H5T_IEEE_F64LE, "f64", x);
}

ps_status ps_h5_get_text(struct ps_h5 *f, const char *object, const char *name, char **text)
{
    hid_t a = H5I_INVALID_HID, t;
    ps_status st = PS_OK;

    *text = NULL;
    PS_TRY(open_checked(f, object, name, H5I_INVALID_HID, "text of fixed length", &a));
    t = H5Aget_type(a); /* as stored: the library does not convert ASCII to UTF-8 */
    PS_GO(st, ps_mem_new(ps_h5_mem(f), PS_MEM_OTHER, text, H5Tget_size(t) + 1, 1));
    if (H5Aread(a, t, *text) < 0)
        PS_GO(st, ps_h5_refused(f, "read attribute", name));
out:
    if (st != PS_OK)
        ps_mem_free(ps_h5_mem(f), text);
    H5Tclose(t);
    H5Aclose(a);
    return st;
}
