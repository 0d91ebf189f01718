/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file npy.h
 * @brief Read arrays of NumPy's .npy files, versions 1.0, 2.0 and 3.0, a range at a time.
 *
 * Accepted: little-endian integers of 1 to 8 bytes and floats of 2 to 8 bytes, up to two
 * dimensions, C order or Fortran order. Several files may be one array, their rows one behind the
 * other (ps_npy_open_list). Refused with a sentence: big-endian, pickles,
 * structured types, text, more dimensions, a file shorter than its header promises. Bytes
 * behind the data are ignored, as NumPy does.
 *
 * @par Memory   256 KiB for each open file
 * @par Failure  PS_EINPUT with file, place, expected and found; PS_EIO
 * @par Threads  one file, one thread
 * @par Source   numpy.lib.format of the NumPy manual
 */
#ifndef PS_GRAPH_NPY_H
#define PS_GRAPH_NPY_H

#include "src/base/ctx.h"

/** As NumPy writes it: kind and bytes. */
enum ps_npy_type {
    PS_NPY_I1,
    PS_NPY_U1,
    PS_NPY_I2,
    PS_NPY_U2,
    PS_NPY_I4,
    PS_NPY_U4,
    PS_NPY_I8,
    PS_NPY_U8,
    PS_NPY_F2,
    PS_NPY_F4,
    PS_NPY_F8,
    PS_NPY_TYPE_COUNT
};

/** What the header says. */
struct ps_npy_header {
    enum ps_npy_type type;
    bool fortran;      /**< rank 2: the first index runs fastest in the file */
    uint32_t rank;     /**< 0, 1 or 2 */
    uint64_t shape[2]; /**< (rows, columns); 1 beyond the rank */
};

/** One open file, or the first of several. Read the members, change none. */
struct ps_npy {
    struct ps_ctx *ctx;
    struct ps_npy_header head; /**< of all files together */
    uint64_t items;            /**< product of the shape */
    uint64_t own_items;        /**< of those in this file */
    struct ps_npy *next;       /**< the file that follows; owned */
    uint64_t data_offset;      /**< bytes from the start of the file */
    uint64_t begin;            /**< of the array in the file; 0 unless it was opened within one */
    unsigned char *chunk;      /**< bytes as read, before conversion */
    char *path;
    uint32_t item_bytes;
    int fd;
};

/** Open @p path and check its header against its size. */
PS_MUST ps_status ps_npy_open(struct ps_npy **a, struct ps_ctx *ctx, const char *path);
/** Open "a.npy,b.npy,..." (paths.h) as one array: rows of the first file, then of the second. All
 *  have the type, the dimensions and the columns of the first. */
PS_MUST ps_status ps_npy_open_list(struct ps_npy **a, struct ps_ctx *ctx, const char *list);
/** The path of the file that holds @p *item; *item becomes its number there. @pre *item < items */
const char *ps_npy_place(const struct ps_npy *a, uint64_t *item);

/**
 * An array that is @p bytes bytes of the open file @p fd, from @p begin.
 * @param[in] path   what sentences call it
 * @param[in] fd     closed by ps_npy_close, and on failure here
 * @param[in] head   NULL: a header stands before the data; else the data alone are there
 */
PS_MUST ps_status ps_npy_open_at(struct ps_npy **a, struct ps_ctx *ctx, const char *path, int fd,
                                 uint64_t begin, uint64_t bytes, const struct ps_npy_header *head);
/** Accepts NULL, clears *a. */
void ps_npy_close(struct ps_npy **a);

/**
 * Items [first, first + count) in the order of the file, converted. Integers from
 * unsigned 8-byte ones above INT64_MAX are refused with the item's number.
 * @pre  in range; ps_npy_read_i64: an integer type
 */
PS_MUST ps_status ps_npy_read_i64(struct ps_npy *a, uint64_t first, uint64_t count, int64_t *dst);
/** Exact but for 8-byte integers beyond 2^53, which are rounded. */
PS_MUST ps_status ps_npy_read_f64(struct ps_npy *a, uint64_t first, uint64_t count, double *dst);
/** As stored. */
PS_MUST ps_status ps_npy_read_raw(struct ps_npy *a, uint64_t first, uint64_t count, void *dst);

/** Signed or unsigned, of any size. */
bool ps_npy_is_integer(const struct ps_npy *a);
/** "int32" and so on. Never NULL. */
const char *ps_npy_type_name(enum ps_npy_type type);
/** Bytes of one item. */
uint32_t ps_npy_type_bytes(enum ps_npy_type type);
/** The shape as Python writes it, such as "(3, 4)". @return @p text */
const char *ps_npy_shape_text(const struct ps_npy_header *h, char text[64]);

/** The value of an IEEE 754 binary16; NaN stays NaN. */
double ps_half_value(uint16_t half);

/** Parse the header text, a Python dict of descr, fortran_order and shape. @p path is for the
 *  sentence. For ps_npy_open and its tests. */
PS_MUST ps_status ps_npy_parse(const char *path, const char *text, size_t bytes,
                               struct ps_npy_header *h);

#endif
