/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file h5.h
 * @brief The HDF5 library, behind one unit: what penstock needs of it and no more.
 *
 * Files are opened without locks (parallel file systems refuse them), in the format of HDF5
 * 1.8 (checksummed metadata, any library since reads it), without time stamps, so that equal
 * contents give equal bytes. The library's own error printing is off; its innermost reason is
 * part of our sentence.
 *
 * @par Internal  to io/ (h5.c, h5_attr.c, h5_extent.c, h5_lock.c)
 * @par Threads   every call, and every run of calls on one file, stands between ps_h5_enter and
 *                ps_h5_leave: one lock for the process, because the library has global state
 *                and is not thread-safe in every build
 * @par Failure   PS_EINPUT when reading, PS_EIO when writing
 */
#ifndef IO_H5_H
#define IO_H5_H

#include "src/base/ctx.h"

/** Little-endian types on disk, native in memory. */
enum ps_h5_type {
    PS_H5_U8,
    PS_H5_I8,
    PS_H5_U16,
    PS_H5_F16,
    PS_H5_I32,
    PS_H5_U32,
    PS_H5_F32,
    PS_H5_U64,
    PS_H5_F64,
    PS_H5_OTHER, /**< found in a file; none of these */
};
uint32_t ps_h5_type_bytes(enum ps_h5_type type);   /**< 0 for PS_H5_OTHER */
const char *ps_h5_type_name(enum ps_h5_type type); /**< "u32" */

enum { PS_H5_RANK_MAX = 4, PS_H5_TEXT_BYTES = 128, PS_H5_ATTR_TEXT_MAX = 60000 };

/** Type and shape of an array. */
struct ps_h5_shape {
    enum ps_h5_type type;
    uint32_t rank; /**< dimensions beyond PS_H5_RANK_MAX are not kept */
    uint64_t dim[PS_H5_RANK_MAX];
};
/** "u32 [3,4]" */
void ps_h5_shape_text(const struct ps_h5_shape *s, char text[PS_H5_TEXT_BYTES]);
/** Product of dimensions and item size. @return false beyond 64 bits */
bool ps_h5_shape_bytes(const struct ps_h5_shape *s, uint64_t *bytes);

/** An array as found. */
struct ps_h5_found {
    bool present;
    bool contiguous; /**< one extent in this file, or no bytes at all */
    struct ps_h5_shape shape;
    uint64_t offset, bytes; /**< of the extent; 0 and 0 without bytes */
};

struct ps_h5; /* an open file */

/** Take and release the library's lock. */
void ps_h5_enter(void);
void ps_h5_leave(void);
/** For PS_DASSERT: somebody holds it; with one thread at work, that is the caller. */
bool ps_h5_is_locked(void);

/** Open for reading. A file that is shorter than its metadata says can be opened, so that the
 *  caller can tell which array is cut. */
PS_MUST ps_status ps_h5_open(struct ps_h5 **f, struct ps_ctx *ctx, const char *path);
/** A new file on disk. */
PS_MUST ps_status ps_h5_create(struct ps_h5 **f, struct ps_ctx *ctx, const char *path);
/** A new file in memory; @p path is for sentences. Arrays that are not written get no space.
 *  @param[in] room  bytes it will about have: taken at once, because the library does not
 *                   clean up after an allocation that fails later */
PS_MUST ps_status ps_h5_image(struct ps_h5 **f, struct ps_ctx *ctx, const char *path,
                              uint64_t room);
/** Close it and hand over its bytes. Clears *f, even on failure.
 *  @param[out] image  (bytes) the caller's, from ctx->mem; NULL on failure */
PS_MUST ps_status ps_h5_image_take(struct ps_h5 **f, unsigned char **image, uint64_t *bytes);
/** Reopen such a file, now on disk, to give its arrays space, aligned to 4 KiB. */
PS_MUST ps_status ps_h5_reopen(struct ps_h5 **f, struct ps_ctx *ctx, const char *path);
/** Accepts NULL, clears *f. */
PS_MUST ps_status ps_h5_close(struct ps_h5 **f);

/** Make an array; groups in @p name are made. On disk (ps_h5_create) it has its space at once. */
PS_MUST ps_status ps_h5_add(struct ps_h5 *f, const char *name, const struct ps_h5_shape *shape);
/** Give an array of a reopened file its space. @param[out] offset  0 for an array without bytes */
PS_MUST ps_status ps_h5_place(struct ps_h5 *f, const char *name, uint64_t *offset);
/** Not being there is no failure. */
PS_MUST ps_status ps_h5_find(struct ps_h5 *f, const char *name, struct ps_h5_found *found);
/** Rows [first, first + count) through the library. @p type is that of @p src. */
PS_MUST ps_status ps_h5_write(struct ps_h5 *f, const char *name, enum ps_h5_type type,
                              uint64_t first, uint64_t count, const void *src);
PS_MUST ps_status ps_h5_read(struct ps_h5 *f, const char *name, enum ps_h5_type type,
                             uint64_t first, uint64_t count, void *dst);

/** One array of numbers and where its bytes are. */
struct ps_h5_extent {
    char name[256]; /**< "/graph/indptr" */
    struct ps_h5_shape shape;
    uint64_t offset, bytes; /**< in the file */
};
/** All contiguous arrays with bytes, of 1 to PS_H5_RANK_MAX dimensions and a type other than
 *  PS_H5_OTHER. @param[out] x  (n) ascending by offset; the caller's, from ctx->mem */
PS_MUST ps_status ps_h5_extents(struct ps_h5 *f, struct ps_h5_extent **x, uint64_t *n);
/** Bytes [from, from + bytes) of an array's extent by H5Dread of the items that they lie in, as
 *  they are in the file. @pre they lie in the extent */
PS_MUST ps_status ps_h5_read_bytes(struct ps_h5 *f, const struct ps_h5_extent *x, uint64_t from,
                                   uint64_t bytes, void *dst);

/** Scalar attributes of @p object ("/" is the file itself); put replaces. @return PS_EUSAGE for
 *  a text of more than PS_H5_ATTR_TEXT_MAX characters: an object's header holds 64 KiB */
PS_MUST ps_status ps_h5_put_u64(struct ps_h5 *f, const char *object, const char *name, uint64_t x);
PS_MUST ps_status ps_h5_put_f64(struct ps_h5 *f, const char *object, const char *name, double x);
PS_MUST ps_status ps_h5_put_text(struct ps_h5 *f, const char *object, const char *name,
                                 const char *text);
/** @return PS_EINPUT if it is not there or of another type */
PS_MUST ps_status ps_h5_get_u64(struct ps_h5 *f, const char *object, const char *name, uint64_t *x);
PS_MUST ps_status ps_h5_get_f64(struct ps_h5 *f, const char *object, const char *name, double *x);
/** @param[out] text  the caller's, from ctx->mem */
PS_MUST ps_status ps_h5_get_text(struct ps_h5 *f, const char *object, const char *name,
                                 char **text);

/** For h5_attr.c and h5_extent.c. The library refused: say what, where, and its innermost reason.
 * To be called before any other call of the library, which would forget the reason. */
PS_MUST ps_status ps_h5_refused(const struct ps_h5 *f, const char *what, const char *name);
int64_t ps_h5_handle(const struct ps_h5 *f);
struct ps_mem *ps_h5_mem(const struct ps_h5 *f);
const char *ps_h5_path(const struct ps_h5 *f);

#endif
