/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A part file comes to be in four steps:
 *   1. its structure is laid out in memory: some kilobytes;
 *   2. space for all of it is reserved, so that a full disk shows before the first row and
 *      HDF5 never meets one, and the structure is written;
 *   3. it is reopened to give each array an aligned extent;
 *   4. values go to the extents by pwrite, through one buffer for each array, and their
 *      checksums are taken on the way; the checksums go through HDF5 at the end.
 */
#include "io/dataset_write.h"

#include "io/aside.h"
#include "io/checksum.h"
#include "io/file.h"
#include "io/layout.h"
#include "io/meta.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { BUFFER_BYTES = 1 << 20, STRUCTURE_BYTES = 1 << 16 };

/* Bytes on their way to one array, or to one plane of the splits. */
struct stream {
    unsigned char *buf;
    uint64_t cap, used;
    uint64_t at;  /* where in the array the buffer goes */
    uint64_t end; /* where in the array the stream ends */
};

struct out_array {
    bool present;
    struct ps_h5_shape shape;
    uint64_t offset, bytes;
    uint32_t *sum;         /* (ps_block_count(bytes)) */
    struct stream *stream; /* (streams) */
    uint32_t streams;
};

struct ps_dataset_writer {
    struct ps_ctx *ctx;
    struct ps_aside aside;
    struct ps_meta meta; /* its provenance is the caller's */
    uint32_t part;       /* the one being written, or the next */
    bool in_part;
    uint64_t nodes; /* of the part */
    struct ps_h5 *h5;
    int fd;
    char path[PATH_MAX];
    uint64_t file_bytes;
    struct out_array array[PS_ARRAY_COUNT];
};

/* What the nodes alone take, in all parts together. */
static uint64_t least_bytes(const struct ps_meta *m)
{
    uint64_t sum = 0, bytes;

    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        struct ps_h5_shape shape = ps_layout_shape(m, (enum ps_array_id)i, m->nodes, 0, 0);
        if (ps_layout_has(m, (enum ps_array_id)i) &&
            (!ps_h5_shape_bytes(&shape, &bytes) || __builtin_add_overflow(sum, bytes, &sum)))
            return UINT64_MAX;
    }
    return sum;
}

ps_status ps_dataset_create(struct ps_dataset_writer **out, struct ps_ctx *ctx, const char *path,
                            bool force, const struct ps_meta *meta)
{
    struct ps_dataset_writer *w;
    struct ps_mem *m = &ctx->mem;
    struct ps_meta checked = *meta;
    ps_status st = PS_OK;

    *out = NULL;
    checked.index_bytes = ps_index_bytes(meta->nodes);
    checked.train_offsets = NULL;
    PS_ASSERT(meta->part_offsets != NULL);
    PS_TRY(ps_meta_check(&checked, path));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, w, 1));
    w->ctx = ctx;
    w->fd = -1;
    w->meta = checked;
    PS_GO(st, ps_meta_arrays(&w->meta, m));
    memcpy(w->meta.part_offsets, meta->part_offsets,
           ((uint64_t)meta->parts + 1) * sizeof *meta->part_offsets);
    w->meta.edges = 0;
    PS_GO(st, ps_aside_begin(&w->aside, path, force));
    PS_GO(st, ps_dir_has_room(w->aside.dir, path, least_bytes(&w->meta)));
    *out = w;
    return PS_OK;
out:
    ps_dataset_abort(&w);
    return st;
}

struct ps_meta *ps_dataset_writer_meta(struct ps_dataset_writer *w)
{
    return &w->meta;
}

static void part_fini(struct ps_dataset_writer *w)
{
    struct ps_mem *m = &w->ctx->mem;

    if (w->fd >= 0)
        close(w->fd);
    w->fd = -1;
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        struct out_array *a = &w->array[i];
        for (uint32_t s = 0; a->stream != NULL && s < a->streams; s++)
            ps_mem_free(m, &a->stream[s].buf);
        ps_mem_free(m, &a->stream);
        ps_mem_free(m, &a->sum);
        memset(a, 0, sizeof *a);
    }
    w->in_part = false;
}

/* Memory for one array of the part. */
static PS_MUST ps_status array_init(struct ps_dataset_writer *w, enum ps_array_id id,
                                    uint64_t edges, uint64_t values)
{
    struct ps_mem *m = &w->ctx->mem;
    struct out_array *a = &w->array[id];
    uint64_t piece;

    a->present = ps_layout_has(&w->meta, id);
    if (!a->present)
        return PS_OK;
    a->shape = ps_layout_shape(&w->meta, id, w->nodes, edges, values);
    if (!ps_h5_shape_bytes(&a->shape, &a->bytes) || a->bytes > INT64_MAX / 2)
        PS_FAIL(PS_EUSAGE, "%s: %s is larger than a file can be", w->path, ps_array_name(id));
    a->streams = id == PS_ARRAY_SPLIT ? w->meta.splits : 1;
    PS_TRY(PS_NEW(m, PS_MEM_STAGING, a->sum, ps_block_count(a->bytes)));
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, a->stream, a->streams));
    piece = a->bytes / a->streams;
    for (uint32_t s = 0; s < a->streams; s++) {
        struct stream *t = &a->stream[s];
        t->cap = ps_min(ps_align_up(piece, PS_BLOCK_BYTES), BUFFER_BYTES / a->streams);
        t->cap = ps_align_up(ps_max(t->cap, 1), PS_BLOCK_BYTES);
        t->at = s * piece;
        t->end = t->at + piece;
        PS_TRY(PS_NEW(m, PS_MEM_STAGING, t->buf, t->cap));
    }
    return PS_OK;
}

static struct ps_h5_shape sum_shape(const struct out_array *a)
{
    return (struct ps_h5_shape){PS_H5_U32, 1, {ps_block_count(a->bytes)}};
}

/* Arrays, their checksums and the attributes; numbers that are not known yet are 0. */
static PS_MUST ps_status lay_out(struct ps_dataset_writer *w, unsigned char **image,
                                 uint64_t *bytes)
{
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    PS_GO(st, ps_h5_image(&f, w->ctx, w->path, STRUCTURE_BYTES));
    PS_GO(st, ps_h5_put_u64(f, "/", "format_version", PS_FORMAT_VERSION));
    PS_GO(st, ps_h5_put_u64(f, "/", "part", w->part));
    PS_GO(st, ps_h5_put_u64(f, "/", "file_bytes", 0));
    PS_GO(st, ps_h5_put_u64(f, "/", "checksum", 0));
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        struct ps_h5_shape sums = sum_shape(&w->array[i]);
        const char *name = ps_layout_checksum_name((enum ps_array_id)i);
        if (!w->array[i].present)
            continue;
        PS_GO(st, ps_h5_add(f, ps_array_name((enum ps_array_id)i), &w->array[i].shape));
        PS_GO(st, ps_h5_add(f, name, &sums));
        PS_GO(st, ps_h5_put_u64(f, name, "checksum", 0));
    }
    PS_GO(st, ps_h5_image_take(&f, image, bytes));
out:
    PS_KEEP(st, ps_h5_close(&f));
    return st;
}

/* Reserve space for everything at most, then write the structure and place the arrays. */
static PS_MUST ps_status place(struct ps_dataset_writer *w, const unsigned char *image,
                               uint64_t image_bytes)
{
    uint64_t most = ps_align_up(image_bytes, PS_BLOCK_BYTES), end = image_bytes, at;

    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        most += ps_align_up(w->array[i].bytes, PS_BLOCK_BYTES) +
                ps_align_up(ps_block_count(w->array[i].bytes) * sizeof(uint32_t), PS_BLOCK_BYTES);
    PS_TRY(ps_file_open(w->path, O_RDWR | O_CREAT | O_EXCL, &w->fd));
    PS_TRY(ps_file_reserve(w->fd, w->path, most));
    PS_TRY(ps_file_write(w->fd, w->path, 0, image_bytes, image));
    PS_TRY(ps_h5_reopen(&w->h5, w->ctx, w->path));
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        struct out_array *a = &w->array[i];
        if (!a->present)
            continue;
        PS_TRY(ps_h5_place(w->h5, ps_array_name((enum ps_array_id)i), &a->offset));
        end = ps_max(end, a->offset + a->bytes);
        PS_TRY(ps_h5_place(w->h5, ps_layout_checksum_name((enum ps_array_id)i), &at));
        end = ps_max(end, at + ps_block_count(a->bytes) * sizeof(uint32_t));
    }
    w->file_bytes = ps_align_up(end, PS_BLOCK_BYTES);
    PS_ASSERT(w->file_bytes <= most);
    return PS_OK;
}

ps_status ps_dataset_part_begin(struct ps_dataset_writer *w, uint32_t k, uint64_t edges,
                                uint64_t feature_count)
{
    unsigned char *image = NULL;
    uint64_t image_bytes;
    ps_status st = PS_OK;

    PS_ASSERT(!w->in_part && k == w->part && k < w->meta.parts);
    PS_ASSERT(feature_count == 0 || w->meta.feature_kind == PS_FEATURES_CSR);
    w->in_part = true;
    w->nodes = w->meta.part_offsets[k + 1] - w->meta.part_offsets[k];
    PS_TRY(ps_path_part(w->aside.dir, k, w->path));
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        PS_TRY(array_init(w, (enum ps_array_id)i, edges, feature_count));
    ps_h5_enter();
    PS_GO(st, lay_out(w, &image, &image_bytes));
    PS_GO(st, place(w, image, image_bytes));
    w->meta.edges += edges;
out:
    ps_h5_leave();
    ps_mem_free(&w->ctx->mem, &image);
    return st;
}

static PS_MUST ps_status flush(struct ps_dataset_writer *w, struct out_array *a, struct stream *t)
{
    PS_TRY(ps_file_write(w->fd, w->path, a->offset + t->at, t->used, t->buf));
    if (a->streams == 1) /* else blocks span planes: summed at the end */
        ps_block_sums(t->buf, t->used, a->sum + t->at / PS_BLOCK_BYTES);
    t->at += t->used;
    t->used = 0;
    return PS_OK;
}

static void narrow(uint32_t *dst, const uint64_t *src, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++)
        dst[i] = ps_u32(src[i]);
}

/* Training nodes of split @p s in this part. */
static void count_training(struct ps_dataset_writer *w, uint32_t s, const unsigned char *split,
                           uint64_t count)
{
    uint64_t ends = (uint64_t)w->meta.parts + 1, n = 0;

    for (uint64_t i = 0; i < count; i++)
        n += split[i] == PS_SPLIT_TRAIN;
    w->meta.train_offsets[s * ends + w->part + 1] += n;
}

ps_status ps_dataset_write(struct ps_dataset_writer *w, enum ps_array_id id, uint32_t plane,
                           const void *items, uint64_t count)
{
    struct out_array *a = &w->array[id];
    const unsigned char *src = items;
    uint64_t item = ps_h5_type_bytes(a->shape.type), wide = item;
    struct stream *t;

    PS_ASSERT(w->in_part && a->present && plane < a->streams);
    t = &a->stream[plane];
    PS_ASSERT(count <= (t->end - t->at - t->used) / item);
    if (id == PS_ARRAY_INDICES)
        wide = sizeof(uint64_t);
    if (id == PS_ARRAY_SPLIT)
        count_training(w, plane, src, count);
    while (count > 0) {
        uint64_t n = ps_min(count, (t->cap - t->used) / item);
        if (wide == item)
            memcpy(t->buf + t->used, src, n * item);
        else
            narrow((uint32_t *)(void *)(t->buf + t->used), (const uint64_t *)(const void *)src, n);
        t->used += n * item;
        src += n * wide;
        count -= n;
        if (t->used == t->cap || t->at + t->used == t->end)
            PS_TRY(flush(w, a, t));
    }
    return PS_OK;
}

/* Checksums of an array that was written in planes: read back through its first buffer. */
static PS_MUST ps_status sum_planes(struct ps_dataset_writer *w, struct out_array *a)
{
    struct stream *t = &a->stream[0];

    for (uint64_t at = 0; at < a->bytes; at += t->cap) {
        uint64_t n = ps_min(t->cap, a->bytes - at);
        PS_TRY(ps_file_read(w->fd, w->path, a->offset + at, n, t->buf));
        ps_block_sums(t->buf, n, a->sum + at / PS_BLOCK_BYTES);
    }
    return PS_OK;
}

static PS_MUST ps_status write_sums(struct ps_dataset_writer *w)
{
    uint64_t hash[PS_ARRAY_COUNT], hashes = 0, all;

    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        struct out_array *a = &w->array[i];
        const char *name = ps_layout_checksum_name((enum ps_array_id)i);
        uint64_t blocks = ps_block_count(a->bytes);
        if (!a->present)
            continue;
        if (a->streams > 1)
            PS_TRY(sum_planes(w, a));
        hash[hashes] = ps_hash64(a->sum, blocks * sizeof *a->sum);
        PS_TRY(ps_h5_write(w->h5, name, PS_H5_U32, 0, blocks, a->sum));
        PS_TRY(ps_h5_put_u64(w->h5, name, "checksum", hash[hashes++]));
    }
    all = ps_hash64(hash, hashes * sizeof *hash);
    PS_TRY(ps_h5_put_u64(w->h5, "/", "checksum", all));
    PS_TRY(ps_h5_put_u64(w->h5, "/", "file_bytes", w->file_bytes));
    w->meta.part_checksums[w->part] = all;
    return PS_OK;
}

ps_status ps_dataset_part_end(struct ps_dataset_writer *w)
{
    uint64_t ends = (uint64_t)w->meta.parts + 1, bytes;
    ps_status st = PS_OK;

    PS_ASSERT(w->in_part);
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        for (uint32_t s = 0; s < w->array[i].streams; s++)
            PS_ASSERT(w->array[i].stream[s].at == w->array[i].stream[s].end);
    ps_h5_enter();
    PS_GO(st, write_sums(w));
out:
    PS_KEEP(st, ps_h5_close(&w->h5)); /* cuts the file to what HDF5 knows of */
    ps_h5_leave();
    if (st != PS_OK)
        return st;
    PS_TRY(ps_file_reserve(w->fd, w->path, w->file_bytes));
    PS_TRY(ps_file_size(w->fd, w->path, &bytes));
    PS_ASSERT(bytes == w->file_bytes);
    PS_TRY(ps_file_sync(w->fd, w->path));
    part_fini(w);
    for (uint32_t s = 0; s < w->meta.splits; s++)
        w->meta.train_offsets[s * ends + w->part + 1] += w->meta.train_offsets[s * ends + w->part];
    w->part++;
    return PS_OK;
}

ps_status ps_dataset_finish(struct ps_dataset_writer **w)
{
    struct ps_dataset_writer *x = *w;
    char path[PATH_MAX];
    ps_status st = PS_OK;

    PS_ASSERT(!x->in_part && x->part == x->meta.parts);
    PS_GO(st, ps_path_join(x->aside.dir, "meta.h5", path));
    PS_GO(st, ps_meta_write(&x->meta, x->ctx, path));
    PS_GO(st, ps_aside_commit(&x->aside));
out:
    ps_dataset_abort(w); /* frees; removes only what has no final name */
    return st;
}

void ps_dataset_abort(struct ps_dataset_writer **w)
{
    struct ps_dataset_writer *x = *w;
    struct ps_mem *m;

    if (x == NULL)
        return;
    m = &x->ctx->mem;
    ps_err_hold(1); /* the sentence of the first failure stays */
    if (x->h5 != NULL) {
        ps_h5_enter();
        if (ps_h5_close(&x->h5) != PS_OK)
            ps_err_note(__FILE__, __LINE__, NULL);
        ps_h5_leave();
    }
    ps_err_hold(-1);
    part_fini(x);
    ps_aside_drop(&x->aside);
    x->meta.provenance = NULL; /* the caller's */
    ps_meta_fini(&x->meta, m);
    ps_mem_free(m, &x);
    *w = NULL;
}
