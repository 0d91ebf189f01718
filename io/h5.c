/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files and arrays; h5_attr.c has the attributes, h5_extent.c byte ranges of arrays. No other
 * unit includes <hdf5.h>.
 *
 * How an array gets a 4 KiB-aligned extent without every piece of metadata being padded to
 * 4 KiB too: H5Pset_alignment knows no difference between the two. So the structure of a file
 * is first built in memory without alignment and with late allocation (some kilobytes), then
 * written, and reopened with alignment; then one item of each array is written, which gives the
 * array its whole extent and allocates nothing else.
 */
#include "io/h5.h"

#include <hdf5.h>
#include <limits.h>
#include <string.h>

enum { IMAGE_STEP = 1 << 16 }; /* a file in memory grows by this */
enum how { HOW_READ, HOW_CREATE, HOW_IMAGE, HOW_REOPEN };

/* A file in memory. */
struct image {
    struct ps_mem *mem;
    unsigned char *bytes; /* (size), room for cap */
    size_t cap, size;
    ps_status st; /* of the allocation that failed */
};

struct ps_h5 {
    struct ps_ctx *ctx;
    hid_t file;
    struct image image;
    enum how how;
    char path[PATH_MAX];
};

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "values are written as they are");

int64_t ps_h5_handle(const struct ps_h5 *f)
{
    PS_DASSERT(ps_h5_is_locked());
    return f->file;
}

struct ps_mem *ps_h5_mem(const struct ps_h5 *f)
{
    return &f->ctx->mem;
}

const char *ps_h5_path(const struct ps_h5 *f)
{
    return f->path;
}

static herr_t keep_first(unsigned n, const H5E_error2_t *e, void *text)
{
    if (n == 0 && e->desc != NULL)
        snprintf(text, PS_H5_TEXT_BYTES, "%s", e->desc);
    return 0;
}

ps_status ps_h5_refused(const struct ps_h5 *f, const char *what, const char *name)
{
    char reason[PS_H5_TEXT_BYTES] = "no reason given";
    ps_status st = f->how == HOW_READ ? PS_EINPUT : PS_EIO;

    if (f->image.st != PS_OK) /* the cause, whose sentence is written already */
        return f->image.st;
    (void)H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, keep_first, reason);
    PS_FAIL(st, "%s: HDF5 cannot %s %s: %s", f->path, what, name, reason);
}

/* An HDF5 type. Half precision is IEEE binary16, which the library does not name. */
static hid_t disk_type(enum ps_h5_type type)
{
    hid_t t;

    switch (type) {
    case PS_H5_U8:
        return H5Tcopy(H5T_STD_U8LE);
    case PS_H5_I8:
        return H5Tcopy(H5T_STD_I8LE);
    case PS_H5_U16:
        return H5Tcopy(H5T_STD_U16LE);
    case PS_H5_I32:
        return H5Tcopy(H5T_STD_I32LE);
    case PS_H5_U32:
        return H5Tcopy(H5T_STD_U32LE);
    case PS_H5_F32:
        return H5Tcopy(H5T_IEEE_F32LE);
    case PS_H5_U64:
        return H5Tcopy(H5T_STD_U64LE);
    case PS_H5_F64:
        return H5Tcopy(H5T_IEEE_F64LE);
    case PS_H5_F16:
        t = H5Tcopy(H5T_IEEE_F32LE);
        PS_ASSERT(H5Tset_fields(t, 15, 10, 5, 0, 10) >= 0 && H5Tset_size(t, 2) >= 0 &&
                  H5Tset_ebias(t, 15) >= 0);
        return t;
    case PS_H5_OTHER:
    default:
        return H5I_INVALID_HID;
    }
}

static enum ps_h5_type type_of(hid_t found)
{
    for (int i = 0; i < PS_H5_OTHER; i++) {
        hid_t t = disk_type((enum ps_h5_type)i);
        bool same = H5Tequal(t, found) > 0;
        H5Tclose(t);
        if (same)
            return (enum ps_h5_type)i;
    }
    return PS_H5_OTHER;
}

/* The library's memory for a file is ours to keep: when it closes the file, the bytes are
 * complete, which those of H5Fget_file_image are not (1.10.8 clears a flag in them and leaves the
 * checksum that covers it). */
static void *image_realloc(void *p, size_t bytes, H5FD_file_image_op_t op, void *udata)
{
    struct image *i = udata;
    size_t keep = bytes < i->size ? bytes : i->size;

    (void)op;
    PS_ASSERT(p == (i->size > 0 ? i->bytes : NULL));
    i->st = PS_GROW(i->mem, PS_MEM_OTHER, i->bytes, i->cap, bytes, keep);
    if (i->st != PS_OK)
        return NULL;
    memset(i->bytes + keep, 0, bytes - keep);
    i->size = bytes;
    return i->bytes;
}

static herr_t image_free(void *p, H5FD_file_image_op_t op, void *udata)
{
    const struct image *i = udata;

    (void)op;
    PS_ASSERT(p == i->bytes); /* freed with the file's own record, or handed over */
    return 0;
}

static void *same_udata(void *udata)
{
    return udata;
}

static herr_t leave_udata(void *udata)
{
    (void)udata;
    return 0;
}

static hid_t access_list(enum how how, struct image *image)
{
    H5FD_file_image_callbacks_t keep = {.image_realloc = image_realloc,
                                        .image_free = image_free,
                                        .udata_copy = same_udata,
                                        .udata_free = leave_udata,
                                        .udata = image};
    hid_t fapl = H5Pcreate(H5P_FILE_ACCESS);
    hbool_t yes = 1;

    (void)H5Pset_libver_bounds(fapl, H5F_LIBVER_V18, H5F_LIBVER_V18);
    (void)H5Pset_fclose_degree(fapl, H5F_CLOSE_STRONG);
    (void)H5Pset_sieve_buf_size(fapl, 0); /* values are written past the library */
#if H5_VERSION_GE(1, 10, 7)
    (void)H5Pset_file_locking(fapl, 0, 1);
#endif
    if (how == HOW_READ) /* h5clear does the same; where it is refused, a cut file is not opened */
        (void)H5Pset(fapl, "skip_eof_check", &yes);
    if (how == HOW_IMAGE) {
        (void)H5Pset_fapl_core(fapl, IMAGE_STEP, 0);
        (void)H5Pset_file_image_callbacks(fapl, &keep);
    }
    if (how == HOW_REOPEN)
        (void)H5Pset_alignment(fapl, 1, 4096);
    return fapl;
}

/* Lists for making files, groups and arrays: no time stamps, links and attributes in the
 * object's own header. */
static hid_t make_list(hid_t class)
{
    hid_t p = H5Pcreate(class);

    (void)H5Pset_obj_track_times(p, 0);
    (void)H5Pset_attr_phase_change(p, 64, 0);
    if (H5Pisa_class(p, H5P_GROUP_CREATE) > 0)
        (void)H5Pset_link_phase_change(p, 64, 0);
    return p;
}

static PS_MUST ps_status open_as(struct ps_h5 **out, struct ps_ctx *ctx, const char *path,
                                 enum how how, uint64_t room)
{
    char name[PATH_MAX + 16];
    hid_t fapl, fcpl;
    struct ps_h5 *f;
    ps_status st = PS_OK;

    PS_DASSERT(ps_h5_is_locked());
    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, f, 1));
    f->ctx = ctx;
    f->how = how;
    f->image.mem = &ctx->mem;
    snprintf(f->path, sizeof f->path, "%s", path);
    if (how == HOW_IMAGE)
        PS_GO(st, PS_GROW(&ctx->mem, PS_MEM_OTHER, f->image.bytes, f->image.cap,
                          ps_align_up(room, IMAGE_STEP) + IMAGE_STEP, 0));
    fapl = access_list(how, &f->image);
    if (how == HOW_READ || how == HOW_REOPEN) {
        f->file = H5Fopen(path, how == HOW_READ ? H5F_ACC_RDONLY : H5F_ACC_RDWR, fapl);
        if (f->file < 0)
            st = ps_h5_refused(f, "open", "the file");
    } else {
        fcpl = make_list(H5P_FILE_CREATE);
        /* The library looks into a file of that name first, even if it makes one in memory: a
         * name that no file has. It must be another for each, or it takes two for the same. */
        snprintf(name, sizeof name, "%s%s", how == HOW_IMAGE ? "/dev/null/" : "", path);
        f->file = H5Fcreate(name, H5F_ACC_TRUNC, fcpl, fapl);
        if (f->file < 0)
            st = ps_h5_refused(f, "create", "the file");
        H5Pclose(fcpl);
    }
    H5Pclose(fapl);
out:
    if (st != PS_OK) {
        ps_mem_free(&ctx->mem, &f->image.bytes);
        ps_mem_free(&ctx->mem, &f);
    }
    *out = f;
    return st;
}

ps_status ps_h5_open(struct ps_h5 **f, struct ps_ctx *ctx, const char *path)
{
    return open_as(f, ctx, path, HOW_READ, 0);
}

ps_status ps_h5_create(struct ps_h5 **f, struct ps_ctx *ctx, const char *path)
{
    return open_as(f, ctx, path, HOW_CREATE, 0);
}

ps_status ps_h5_image(struct ps_h5 **f, struct ps_ctx *ctx, const char *path, uint64_t room)
{
    return open_as(f, ctx, path, HOW_IMAGE, room);
}

ps_status ps_h5_reopen(struct ps_h5 **f, struct ps_ctx *ctx, const char *path)
{
    return open_as(f, ctx, path, HOW_REOPEN, 0);
}

ps_status ps_h5_image_take(struct ps_h5 **f, unsigned char **image, uint64_t *bytes)
{
    struct image *i = &(*f)->image;
    ps_status st = PS_OK;
    ssize_t size = -1;

    *image = NULL;
    PS_ASSERT((*f)->how == HOW_IMAGE);
    if (H5Fflush((*f)->file, H5F_SCOPE_LOCAL) >= 0)
        size = H5Fget_file_image((*f)->file, NULL, 0);
    if (size <= 0)
        PS_GO(st, ps_h5_refused(*f, "lay out", "the file"));
    st = H5Fclose((*f)->file) < 0 ? ps_h5_refused(*f, "close", "the file") : PS_OK;
    (*f)->file = H5I_INVALID_HID;
    if (st == PS_OK) {
        PS_ASSERT(i->bytes != NULL && i->size >= (size_t)size);
        *image = i->bytes;
        *bytes = (uint64_t)size;
        i->bytes = NULL;
    }
out:
    PS_KEEP(st, ps_h5_close(f));
    return st;
}

ps_status ps_h5_close(struct ps_h5 **f)
{
    struct ps_h5 *h = *f;
    ps_status st = PS_OK;

    *f = NULL;
    if (h == NULL)
        return PS_OK;
    PS_DASSERT(ps_h5_is_locked());
    /* nothing left open; other threads may have opened the same file, which the library shares */
    PS_DASSERT(h->file < 0 || H5Fget_obj_count(h->file, H5F_OBJ_ALL | H5F_OBJ_LOCAL) == 1);
    if (h->file >= 0 && H5Fclose(h->file) < 0)
        st = ps_h5_refused(h, "close", "the file");
    ps_mem_free(&h->ctx->mem, &h->image.bytes);
    ps_mem_free(&h->ctx->mem, &h);
    return st;
}

/* Make the groups on the way to @p name. (The library would do it, with time stamps.) */
static PS_MUST ps_status make_groups(struct ps_h5 *f, const char *name)
{
    hid_t gcpl = make_list(H5P_GROUP_CREATE), g;
    char way[PATH_MAX];
    ps_status st = PS_OK;

    snprintf(way, sizeof way, "%s", name);
    for (char *slash = strchr(way + 1, '/'); slash != NULL && st == PS_OK;
         slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (H5Lexists(f->file, way, H5P_DEFAULT) <= 0) {
            g = H5Gcreate2(f->file, way, H5P_DEFAULT, gcpl, H5P_DEFAULT);
            if (g < 0)
                st = ps_h5_refused(f, "create group", way);
            else
                H5Gclose(g);
        }
        *slash = '/';
    }
    H5Pclose(gcpl);
    return st;
}

ps_status ps_h5_add(struct ps_h5 *f, const char *name, const struct ps_h5_shape *shape)
{
    hsize_t dim[PS_H5_RANK_MAX];
    hid_t type, dcpl, space, d;
    ps_status st = PS_OK;

    PS_DASSERT(ps_h5_is_locked());
    PS_ASSERT(shape->rank >= 1 && shape->rank <= PS_H5_RANK_MAX);
    PS_TRY(make_groups(f, name));
    for (uint32_t i = 0; i < shape->rank; i++)
        dim[i] = shape->dim[i];
    type = disk_type(shape->type);
    space = H5Screate_simple((int)shape->rank, dim, NULL);
    dcpl = make_list(H5P_DATASET_CREATE);
    (void)H5Pset_layout(dcpl, H5D_CONTIGUOUS);
    (void)H5Pset_fill_time(dcpl, H5D_FILL_TIME_NEVER);
    (void)H5Pset_alloc_time(dcpl, f->how == HOW_IMAGE ? H5D_ALLOC_TIME_LATE : H5D_ALLOC_TIME_EARLY);
    d = H5Dcreate2(f->file, name, type, space, H5P_DEFAULT, dcpl, H5P_DEFAULT);
    if (d < 0)
        st = ps_h5_refused(f, "create", name);
    else
        H5Dclose(d);
    H5Pclose(dcpl);
    H5Sclose(space);
    H5Tclose(type);
    return st;
}

/* Rows of an array between file and memory. Exactly one of src and dst is given. */
static PS_MUST ps_status transfer(struct ps_h5 *f, const char *name, enum ps_h5_type type,
                                  const uint64_t first[], const uint64_t count[], const void *src,
                                  void *dst)
{
    hsize_t start[PS_H5_RANK_MAX], length[PS_H5_RANK_MAX];
    hid_t d, space = H5I_INVALID_HID, memory = H5I_INVALID_HID, t = disk_type(type);
    ps_status st = PS_OK;
    int rank;

    PS_DASSERT(ps_h5_is_locked());
    d = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (d < 0)
        PS_GO(st, ps_h5_refused(f, "open", name));
    space = H5Dget_space(d);
    rank = H5Sget_simple_extent_ndims(space);
    PS_ASSERT(rank >= 1 && rank <= PS_H5_RANK_MAX);
    H5Sget_simple_extent_dims(space, length, NULL);
    for (int i = 0; i < rank; i++) {
        start[i] = first != NULL ? first[i] : 0;
        length[i] = count[i] < length[i] ? count[i] : length[i];
    }
    memory = H5Screate_simple(rank, length, NULL);
    if (H5Sselect_hyperslab(space, H5S_SELECT_SET, start, NULL, length, NULL) < 0)
        PS_GO(st, ps_h5_refused(f, "select rows of", name));
    if (src != NULL && H5Dwrite(d, t, memory, space, H5P_DEFAULT, src) < 0)
        PS_GO(st, ps_h5_refused(f, "write", name));
    if (dst != NULL && H5Dread(d, t, memory, space, H5P_DEFAULT, dst) < 0)
        PS_GO(st, ps_h5_refused(f, "read", name));
out:
    H5Tclose(t);
    if (memory >= 0)
        H5Sclose(memory);
    if (space >= 0)
        H5Sclose(space);
    if (d >= 0)
        H5Dclose(d);
    return st;
}

ps_status ps_h5_write(struct ps_h5 *f, const char *name, enum ps_h5_type type, uint64_t first,
                      uint64_t count, const void *src)
{
    const uint64_t start[PS_H5_RANK_MAX] = {first};
    const uint64_t length[PS_H5_RANK_MAX] = {count, UINT64_MAX, UINT64_MAX, UINT64_MAX};

    return count == 0 ? PS_OK : transfer(f, name, type, start, length, src, NULL);
}

ps_status ps_h5_read(struct ps_h5 *f, const char *name, enum ps_h5_type type, uint64_t first,
                     uint64_t count, void *dst)
{
    const uint64_t start[PS_H5_RANK_MAX] = {first};
    const uint64_t length[PS_H5_RANK_MAX] = {count, UINT64_MAX, UINT64_MAX, UINT64_MAX};

    return count == 0 ? PS_OK : transfer(f, name, type, start, length, NULL, dst);
}

ps_status ps_h5_place(struct ps_h5 *f, const char *name, uint64_t *offset)
{
    static const uint64_t one[PS_H5_RANK_MAX] = {1, 1, 1, 1};
    const uint64_t zero = 0;
    struct ps_h5_found found;

    PS_ASSERT(f->how == HOW_REOPEN);
    PS_TRY(ps_h5_find(f, name, &found));
    PS_ASSERT(found.present && found.shape.type != PS_H5_OTHER);
    PS_ASSERT(ps_h5_shape_bytes(&found.shape, &found.bytes));
    if (found.bytes > 0) {
        PS_TRY(transfer(f, name, found.shape.type, NULL, one, &zero, NULL));
        PS_TRY(ps_h5_find(f, name, &found));
        PS_ASSERT(found.contiguous && found.offset % 4096 == 0);
    }
    *offset = found.offset;
    return PS_OK;
}

/* Whether every link on the way to @p name is there. */
static bool is_there(hid_t file, const char *name)
{
    char way[PATH_MAX];

    snprintf(way, sizeof way, "%s", name);
    for (char *slash = strchr(way + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (H5Lexists(file, way, H5P_DEFAULT) <= 0)
            return false;
        *slash = '/';
    }
    return H5Lexists(file, way, H5P_DEFAULT) > 0;
}

ps_status ps_h5_find(struct ps_h5 *f, const char *name, struct ps_h5_found *found)
{
    hsize_t dim[H5S_MAX_RANK] = {0};
    hid_t d, space, type, dcpl;
    haddr_t at;
    int rank;

    PS_DASSERT(ps_h5_is_locked());
    memset(found, 0, sizeof *found);
    if (!is_there(f->file, name))
        return PS_OK;
    d = H5Dopen2(f->file, name, H5P_DEFAULT);
    if (d < 0)
        return ps_h5_refused(f, "open", name);
    space = H5Dget_space(d);
    type = H5Dget_type(d);
    dcpl = H5Dget_create_plist(d);
    rank = H5Sget_simple_extent_dims(space, dim, NULL);
    found->present = true;
    found->shape.type = type_of(type);
    found->shape.rank = rank > 0 ? (uint32_t)rank : 0;
    for (int i = 0; i < rank && i < PS_H5_RANK_MAX; i++)
        found->shape.dim[i] = dim[i];
    found->bytes = H5Dget_storage_size(d);
    at = H5Dget_offset(d);
    found->offset = at != HADDR_UNDEF ? at : 0;
    found->contiguous = H5Pget_layout(dcpl) == H5D_CONTIGUOUS && H5Pget_external_count(dcpl) == 0 &&
                        (found->bytes == 0 || at != HADDR_UNDEF);
    H5Pclose(dcpl);
    H5Tclose(type);
    H5Sclose(space);
    H5Dclose(d);
    return PS_OK;
}
