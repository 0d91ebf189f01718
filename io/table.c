/* SPDX-License-Identifier: Apache-2.0 */
#include "io/table.h"

#include "io/checksum.h"
#include "io/file.h"
#include "io/h5.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum {
    SLACK_BYTES = 1 << 16, /* reserved beyond the last array, for what HDF5 adds */
    PIECE_BYTES = 1 << 20, /* rows read at once for a checksum */
};

struct ps_table {
    struct ps_ctx *ctx;
    struct ps_h5 *h5;
    int fd;            /* of the file that is written, or -1 */
    bool is_written;   /* and not read */
    bool is_in_memory; /* until finish */
    char **name;
    size_t names, name_cap; /* of the arrays added */
    char path[PATH_MAX], aside[PATH_MAX];
};

static enum ps_h5_type type_of(enum ps_column type)
{
    static const enum ps_h5_type row[] = {[PS_COLUMN_F32] = PS_H5_F32,
                                          [PS_COLUMN_F64] = PS_H5_F64,
                                          [PS_COLUMN_I32] = PS_H5_I32,
                                          [PS_COLUMN_U32] = PS_H5_U32,
                                          [PS_COLUMN_U64] = PS_H5_U64};
    return row[type];
}

static PS_MUST ps_status table_new(struct ps_table **t, struct ps_ctx *ctx, const char *path)
{
    *t = NULL;
    if (strlen(path) > PATH_MAX - 64)
        PS_FAIL(PS_EUSAGE, "a path of %zu characters is too long, %d are the most", strlen(path),
                PATH_MAX - 64);
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, *t, 1));
    (*t)->ctx = ctx;
    (*t)->fd = -1;
    memcpy((*t)->path, path, strlen(path) + 1);
    return PS_OK;
}

static PS_MUST ps_status open_aside(struct ps_table *t)
{
    const char *slash = strrchr(t->path, '/'), *name = slash != NULL ? slash + 1 : t->path;
    int n = snprintf(t->aside, PATH_MAX, "%.*s.%s.tmp-%ld", (int)(name - t->path), t->path, name,
                     (long)getpid());

    PS_ASSERT(n > 0 && n < PATH_MAX); /* table_new left room */
    return ps_file_open(t->aside, O_RDWR | O_CREAT | O_TRUNC, &t->fd);
}

ps_status ps_table_create_in_memory(struct ps_table **t, struct ps_ctx *ctx, const char *path,
                                    uint64_t room)
{
    ps_status st;

    PS_TRY(table_new(t, ctx, path));
    (*t)->is_written = (*t)->is_in_memory = true;
    ps_h5_enter();
    st = ps_h5_image(&(*t)->h5, ctx, path, room);
    ps_h5_leave();
    if (st != PS_OK)
        ps_table_close(t);
    return st;
}

ps_status ps_table_create(struct ps_table **t, struct ps_ctx *ctx, const char *path)
{
    ps_status st = PS_OK;

    PS_TRY(table_new(t, ctx, path));
    (*t)->is_written = true;
    PS_GO(st, open_aside(*t));
    ps_h5_enter();
    st = ps_h5_create(&(*t)->h5, ctx, (*t)->aside);
    ps_h5_leave();
out:
    if (st != PS_OK)
        ps_table_close(t);
    return st;
}

/* Remember an array for its checksum. */
static PS_MUST ps_status keep_name(struct ps_table *t, const char *name)
{
    struct ps_mem *m = &t->ctx->mem;
    size_t bytes = strlen(name) + 1;

    PS_TRY(PS_GROW(m, PS_MEM_OTHER, t->name, t->name_cap, t->names + 1, t->names));
    PS_TRY(ps_mem_new(m, PS_MEM_OTHER, &t->name[t->names], bytes, 1));
    memcpy(t->name[t->names++], name, bytes);
    return PS_OK;
}

ps_status ps_table_add(struct ps_table *t, const char *name, enum ps_column type, uint64_t rows,
                       uint64_t cols)
{
    struct ps_h5_shape shape = {type_of(type), cols > 0 ? 2 : 1, {rows, cols}};
    struct ps_h5_found found;
    ps_status st = PS_OK;
    uint64_t bytes;

    PS_ASSERT(t->is_written);
    if (!ps_h5_shape_bytes(&shape, &bytes) || bytes > INT64_MAX / 2)
        PS_FAIL(PS_EUSAGE, "%s: %s is larger than a file can be", t->path, name);
    PS_TRY(keep_name(t, name));
    ps_h5_enter();
    PS_GO(st, ps_h5_add(t->h5, name, &shape));
    PS_GO(st, ps_h5_put_u64(t->h5, name, "checksum", 0));
    if (t->is_in_memory)
        goto out;
    PS_GO(st, ps_h5_find(t->h5, name, &found));
    PS_GO(st, ps_file_reserve(t->fd, t->aside, found.offset + bytes + SLACK_BYTES));
out:
    ps_h5_leave();
    return st;
}

/* An array that must be there; tables have one or two dimensions. */
static PS_MUST ps_status find(struct ps_table *t, const char *name, struct ps_h5_shape *shape)
{
    struct ps_h5_found found;

    PS_TRY(ps_h5_find(t->h5, name, &found));
    if (!found.present)
        PS_FAIL(PS_EINPUT, "%s: array %s is not there", t->path, name);
    if (found.shape.rank < 1 || found.shape.rank > 2)
        PS_FAIL(PS_EINPUT, "%s: %s: 1 or 2 dimensions expected, found %" PRIu32, t->path, name,
                found.shape.rank);
    *shape = found.shape;
    return PS_OK;
}

ps_status ps_table_put(struct ps_table *t, const char *name, uint64_t first, uint64_t count,
                       const void *data)
{
    struct ps_h5_shape shape;
    ps_status st = PS_OK;

    ps_h5_enter();
    PS_GO(st, find(t, name, &shape));
    PS_ASSERT(first <= shape.dim[0] && count <= shape.dim[0] - first);
    PS_GO(st, ps_h5_write(t->h5, name, shape.type, first, count, data));
out:
    ps_h5_leave();
    return st;
}

ps_status ps_table_put_text(struct ps_table *t, const char *name, const char *text)
{
    ps_status st;

    ps_h5_enter();
    st = ps_h5_put_text(t->h5, "/", name, text);
    ps_h5_leave();
    return st;
}

ps_status ps_table_put_u64(struct ps_table *t, const char *name, uint64_t x)
{
    ps_status st;

    ps_h5_enter();
    st = ps_h5_put_u64(t->h5, "/", name, x);
    ps_h5_leave();
    return st;
}

ps_status ps_table_put_f64(struct ps_table *t, const char *name, double x)
{
    ps_status st;

    ps_h5_enter();
    st = ps_h5_put_f64(t->h5, "/", name, x);
    ps_h5_leave();
    return st;
}

/* Rows may have come in any order: the array is read back, a piece at a time. */
static PS_MUST ps_status put_checksum(struct ps_table *t, const char *name,
                                      struct ps_hash_stream *hash)
{
    struct ps_mem *m = &t->ctx->mem;
    struct ps_h5_shape shape;
    uint64_t row_bytes, rows, n;
    unsigned char *piece = NULL;
    ps_status st = PS_OK;

    PS_TRY(find(t, name, &shape));
    row_bytes = ps_h5_type_bytes(shape.type) * (shape.rank == 2 ? shape.dim[1] : 1);
    rows = ps_max(1, PIECE_BYTES / ps_max(1, row_bytes));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, piece, rows * row_bytes));
    ps_hash_reset(hash);
    for (uint64_t at = 0; at < shape.dim[0]; at += n) {
        n = ps_min(rows, shape.dim[0] - at);
        PS_GO(st, ps_h5_read(t->h5, name, shape.type, at, n, piece));
        ps_hash_add(hash, piece, n * row_bytes);
    }
    st = ps_h5_put_u64(t->h5, name, "checksum", ps_hash_value(hash));
out:
    ps_mem_free(m, &piece);
    return st;
}

/* What was made in memory goes to disk in one piece. */
static PS_MUST ps_status write_image(struct ps_table *t, const unsigned char *image, uint64_t bytes)
{
    PS_TRY(open_aside(t));
    PS_TRY(ps_file_reserve(t->fd, t->aside, bytes));
    return ps_file_write(t->fd, t->aside, 0, bytes, image);
}

static PS_MUST ps_status finish(struct ps_table *t)
{
    struct ps_hash_stream *hash = NULL;
    unsigned char *image = NULL;
    char parent[PATH_MAX];
    ps_status st = PS_OK;
    uint64_t bytes = 0;

    PS_TRY(ps_hash_new(&hash, &t->ctx->mem));
    ps_h5_enter();
    for (size_t i = 0; i < t->names && st == PS_OK; i++)
        st = put_checksum(t, t->name[i], hash);
    if (st == PS_OK && t->is_in_memory)
        st = ps_h5_image_take(&t->h5, &image, &bytes);
    PS_KEEP(st, ps_h5_close(&t->h5));
    ps_h5_leave();
    ps_mem_free(&t->ctx->mem, &hash);
    if (st == PS_OK && t->is_in_memory)
        st = write_image(t, image, bytes);
    ps_mem_free(&t->ctx->mem, &image);
    if (st != PS_OK)
        return st;
    PS_TRY(ps_file_sync(t->fd, t->aside));
    PS_TRY(ps_file_rename(t->aside, t->path));
    t->aside[0] = '\0';
    ps_dir_of(t->path, parent);
    return ps_dir_sync(parent);
}

ps_status ps_table_finish(struct ps_table **t)
{
    ps_status st;

    PS_ASSERT((*t)->is_written);
    st = finish(*t);
    ps_table_close(t);
    return st;
}

void ps_table_close(struct ps_table **t)
{
    struct ps_table *x = *t;
    struct ps_mem *m;

    if (x == NULL)
        return;
    m = &x->ctx->mem;
    ps_err_hold(1); /* reading cannot fail here, and given-up writing need not be told */
    ps_h5_enter();
    if (ps_h5_close(&x->h5) != PS_OK)
        ps_err_note(__FILE__, __LINE__, NULL);
    ps_h5_leave();
    ps_err_hold(-1);
    if (x->fd >= 0)
        close(x->fd);
    if (x->aside[0] != '\0')
        (void)unlink(x->aside);
    for (size_t i = 0; i < x->names; i++)
        ps_mem_free(m, &x->name[i]);
    ps_mem_free(m, &x->name);
    ps_mem_free(m, t);
}

ps_status ps_table_open(struct ps_table **t, struct ps_ctx *ctx, const char *path)
{
    ps_status st = PS_OK;
    uint64_t bytes;
    int fd;

    PS_TRY(table_new(t, ctx, path));
    PS_GO(st, ps_file_open_regular(path, &fd, &bytes));
    close(fd);
    ps_h5_enter();
    st = ps_h5_open(&(*t)->h5, ctx, path);
    ps_h5_leave();
out:
    if (st != PS_OK)
        ps_table_close(t);
    return st;
}

ps_status ps_table_shape(struct ps_table *t, const char *name, uint64_t *rows, uint64_t *cols)
{
    struct ps_h5_shape shape;
    ps_status st;

    ps_h5_enter();
    st = find(t, name, &shape);
    ps_h5_leave();
    if (st != PS_OK)
        return st;
    *rows = shape.dim[0];
    *cols = shape.rank == 2 ? shape.dim[1] : 0;
    return PS_OK;
}

ps_status ps_table_get(struct ps_table *t, const char *name, enum ps_column type, void *dst)
{
    struct ps_h5_shape shape;
    uint64_t bytes, want, found;
    ps_status st = PS_OK;

    ps_h5_enter();
    PS_GO(st, find(t, name, &shape));
    if (shape.type != type_of(type))
        PS_GO_FAIL(st, PS_EINPUT, "%s: %s: %s expected, found %s", t->path, name,
                   ps_h5_type_name(type_of(type)), ps_h5_type_name(shape.type));
    if (!ps_h5_shape_bytes(&shape, &bytes))
        PS_GO_FAIL(st, PS_EINPUT, "%s: %s is larger than 64 bits can tell", t->path, name);
    PS_GO(st, ps_h5_read(t->h5, name, shape.type, 0, shape.dim[0], dst));
    PS_GO(st, ps_h5_get_u64(t->h5, name, "checksum", &want));
    found = ps_hash64(dst, bytes);
    if (found != want)
        PS_GO_FAIL(st, PS_EINPUT, "%s: %s: checksum 0x%016" PRIx64 " expected, found 0x%016" PRIx64,
                   t->path, name, want, found);
out:
    ps_h5_leave();
    return st;
}

ps_status ps_table_get_text(struct ps_table *t, const char *name, char *dst, size_t bytes)
{
    char *text = NULL;
    ps_status st;
    size_t length;

    ps_h5_enter();
    st = ps_h5_get_text(t->h5, "/", name, &text);
    ps_h5_leave();
    if (st != PS_OK)
        return st;
    length = strlen(text);
    if (length < bytes)
        memcpy(dst, text, length + 1);
    ps_mem_free(&t->ctx->mem, &text);
    if (length >= bytes)
        PS_FAIL(PS_EINPUT, "%s: attribute '%s': at most %zu characters expected, found %zu",
                t->path, name, bytes - 1, length);
    return PS_OK;
}

ps_status ps_table_get_u64(struct ps_table *t, const char *name, uint64_t *x)
{
    ps_status st;

    ps_h5_enter();
    st = ps_h5_get_u64(t->h5, "/", name, x);
    ps_h5_leave();
    return st;
}

ps_status ps_table_get_f64(struct ps_table *t, const char *name, double *x)
{
    ps_status st;

    ps_h5_enter();
    st = ps_h5_get_f64(t->h5, "/", name, x);
    ps_h5_leave();
    return st;
}
