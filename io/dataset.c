/* SPDX-License-Identifier: Apache-2.0 */
/* Opening: everything that can be checked without reading values is checked here. */
#include "io/dataset.h"

#include "io/aside.h"
#include "io/checksum.h"
#include "io/file.h"
#include "io/h5.h"
#include "io/layout.h"
#include "io/meta.h"
#include "io/part.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static PS_MUST ps_status check_folder(const char *path)
{
    struct stat s;

    if (stat(path, &s) != 0 && errno == ENOENT)
        PS_FAIL(PS_EINPUT, "%s is not there", path);
    if (stat(path, &s) != 0)
        PS_FAIL_SYS(errno, "cannot look at %s", path);
    if (!S_ISDIR(s.st_mode))
        PS_FAIL(PS_EINPUT, "%s: a dataset's folder expected, found a file", path);
    return PS_OK;
}

ps_status ps_dataset_open(struct ps_dataset **out, struct ps_ctx *ctx, const char *path)
{
    struct ps_dataset *ds;
    char meta[PATH_MAX];
    ps_status st = PS_OK;
    uint64_t bytes;
    int fd;

    *out = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, ds, 1));
    ds->ctx = ctx;
    PS_GO(st, ps_path_trim(path, ds->path));
    PS_GO(st, check_folder(ds->path));
    PS_GO(st, ps_path_join(ds->path, "meta.h5", meta));
    PS_GO(st, ps_file_open_regular(meta, &fd, &bytes));
    close(fd);
    PS_GO(st, ps_meta_read(&ds->meta, ctx, meta));
    *out = ds;
    return PS_OK;
out:
    ps_mem_free(&ctx->mem, &ds);
    return st;
}

void ps_dataset_close(struct ps_dataset **ds)
{
    struct ps_mem *m;

    if (*ds == NULL)
        return;
    m = &(*ds)->ctx->mem;
    ps_meta_fini(&(*ds)->meta, m);
    ps_mem_free(m, ds);
}

const struct ps_meta *ps_dataset_meta(const struct ps_dataset *ds)
{
    return &ds->meta;
}

const char *ps_dataset_path(const struct ps_dataset *ds)
{
    return ds->path;
}

/* The length of a one-dimensional array, which the file itself decides. */
static PS_MUST ps_status length_of(struct ps_h5 *f, enum ps_array_id id, uint64_t *items)
{
    struct ps_h5_found found;

    PS_TRY(ps_h5_find(f, ps_array_name(id), &found));
    *items = found.present && found.shape.rank == 1 ? found.shape.dim[0] : 0;
    return PS_OK;
}

/* An array of the file: there, of the type and shape wanted, in one extent inside the file. */
static PS_MUST ps_status find_extent(struct ps_h5 *f, const char *path, uint64_t file_bytes,
                                     const char *name, const struct ps_h5_shape *shape,
                                     struct ps_h5_found *found)
{
    char want[PS_H5_TEXT_BYTES], got[PS_H5_TEXT_BYTES];
    uint64_t bytes;

    PS_TRY(ps_h5_find(f, name, found));
    ps_h5_shape_text(shape, want);
    ps_h5_shape_text(&found->shape, got);
    if (!found->present)
        PS_FAIL(PS_EINPUT, "%s: %s: %s expected, found nothing", path, name, want);
    if (strcmp(want, got) != 0)
        PS_FAIL(PS_EINPUT, "%s: %s: %s expected, found %s", path, name, want, got);
    if (!ps_h5_shape_bytes(shape, &bytes) || !found->contiguous || found->bytes != bytes)
        PS_FAIL(PS_EINPUT, "%s: %s: one contiguous extent expected, found another layout", path,
                name);
    if (bytes > 0 && found->offset % PS_BLOCK_BYTES != 0)
        PS_FAIL(PS_EINPUT, "%s: %s: an offset that is a multiple of %d expected, found %" PRIu64,
                path, name, PS_BLOCK_BYTES, found->offset);
    if (found->offset > file_bytes || bytes > file_bytes - found->offset)
        PS_FAIL(PS_EINPUT,
                "%s: %s: %" PRIu64 " bytes at %" PRIu64
                " expected, found the end of the file at %" PRIu64,
                path, name, bytes, found->offset, file_bytes);
    return PS_OK;
}

static PS_MUST ps_status find_array(struct ps_part *p, const struct ps_meta *m, struct ps_h5 *f,
                                    enum ps_array_id id)
{
    struct ps_h5_shape shape = ps_layout_shape(m, id, p->nodes, p->edges, p->values);
    const char *sums_name = ps_layout_checksum_name(id);
    struct ps_array *a = &p->array[id];
    struct ps_h5_shape sums = {PS_H5_U32, 1, {0}};
    struct ps_h5_found found;

    if (!ps_layout_has(m, id)) {
        PS_TRY(ps_h5_find(f, ps_array_name(id), &found));
        if (found.present)
            PS_FAIL(PS_EINPUT, "%s: %s is there, and by meta.h5 it should not be", p->path,
                    ps_array_name(id));
        return PS_OK;
    }
    PS_TRY(find_extent(f, p->path, p->file_bytes, ps_array_name(id), &shape, &found));
    a->present = true;
    a->item_bytes = ps_h5_type_bytes(shape.type);
    a->rows = shape.dim[0];
    a->cols = shape.rank == 2 ? shape.dim[1] : 1;
    a->offset = found.offset;
    a->bytes = found.bytes;
    sums.dim[0] = ps_block_count(a->bytes);
    PS_TRY(find_extent(f, p->path, p->file_bytes, sums_name, &sums, &found));
    p->sums[id].offset = found.offset;
    p->sums[id].blocks = sums.dim[0];
    return ps_h5_get_u64(f, sums_name, "checksum", &p->sums[id].hash);
}

/* The part belongs to this meta.h5 and has its full length. */
static PS_MUST ps_status check_part(const struct ps_part *p, const struct ps_meta *m,
                                    struct ps_h5 *f)
{
    uint64_t hash[PS_ARRAY_COUNT], hashes = 0, found, want = m->part_checksums[p->index];

    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        if (p->array[i].present)
            hash[hashes++] = p->sums[i].hash;
    found = ps_hash64(hash, hashes * sizeof *hash);
    if (found != want)
        PS_FAIL(PS_EINPUT,
                "%s: meta.h5 expects checksum 0x%016" PRIx64 ", found 0x%016" PRIx64
                ": the part is damaged or of another dataset",
                p->path, want, found);
    PS_TRY(ps_h5_get_u64(f, "/", "checksum", &found));
    if (found != want)
        PS_FAIL(PS_EINPUT,
                "%s: attribute 'checksum': 0x%016" PRIx64 " expected, found 0x%016" PRIx64, p->path,
                want, found);
    PS_TRY(ps_h5_get_u64(f, "/", "file_bytes", &want));
    if (p->file_bytes != want)
        PS_FAIL(PS_EINPUT, "%s: %" PRIu64 " bytes expected, found %" PRIu64, p->path, want,
                p->file_bytes);
    return PS_OK;
}

static PS_MUST ps_status find_arrays(struct ps_part *p, const struct ps_meta *m)
{
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;
    uint64_t index;

    ps_h5_enter();
    PS_GO(st, ps_h5_open(&f, p->ctx, p->path));
    PS_GO(st, ps_meta_check_version(f, p->path));
    PS_GO(st, ps_h5_get_u64(f, "/", "part", &index));
    if (index != p->index)
        PS_GO_FAIL(st, PS_EINPUT, "%s: part %" PRIu32 " expected, found part %" PRIu64, p->path,
                   p->index, index);
    PS_GO(st, length_of(f, PS_ARRAY_INDICES, &p->edges));
    if (m->feature_kind == PS_FEATURES_CSR)
        PS_GO(st, length_of(f, PS_ARRAY_FEATURES_INDICES, &p->values));
    for (int i = 0; i < PS_ARRAY_COUNT; i++)
        PS_GO(st, find_array(p, m, f, (enum ps_array_id)i));
    PS_GO(st, check_part(p, m, f));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    return st;
}

/* Others rely on an indptr from 0 to the number of items. */
static PS_MUST ps_status check_ends(const struct ps_part *p, enum ps_array_id id, uint64_t items)
{
    uint64_t first, last;

    if (!p->array[id].present)
        return PS_OK;
    PS_TRY(ps_part_read(p, id, 0, 1, &first));
    PS_TRY(ps_part_read(p, id, p->nodes, 1, &last));
    if (first != 0 || last != items)
        PS_FAIL(PS_EINPUT, "%s: %s: 0 to %" PRIu64 " expected, found %" PRIu64 " to %" PRIu64,
                p->path, ps_array_name(id), items, first, last);
    return PS_OK;
}

ps_status ps_part_open(struct ps_part **out, const struct ps_dataset *ds, uint32_t k)
{
    struct ps_span span = ps_span_begin(PS_EV_h5_open);
    const struct ps_meta *m = &ds->meta;
    struct ps_part *p;
    ps_status st = PS_OK;

    *out = NULL;
    PS_ASSERT(k < m->parts);
    PS_TRY(PS_NEW(&ds->ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ds->ctx;
    p->fd = -1;
    p->index = k;
    p->first = m->part_offsets[k];
    p->nodes = m->part_offsets[k + 1] - p->first;
    PS_GO(st, ps_path_part(ds->path, k, p->path));
    PS_GO(st, ps_file_open_regular(p->path, &p->fd, &p->file_bytes));
    PS_GO(st, find_arrays(p, m));
    PS_GO(st, check_ends(p, PS_ARRAY_INDPTR, p->edges));
    PS_GO(st, check_ends(p, PS_ARRAY_FEATURES_INDPTR, p->values));
    *out = p;
    ps_span_end(&ds->ctx->trace, &span, 1);
    return PS_OK;
out:
    ps_part_close(&p);
    return st;
}

void ps_part_close(struct ps_part **p)
{
    if (*p == NULL)
        return;
    if ((*p)->fd >= 0)
        close((*p)->fd);
    ps_mem_free(&(*p)->ctx->mem, p);
}

const char *ps_part_path(const struct ps_part *p)
{
    return p->path;
}
uint64_t ps_part_first_node(const struct ps_part *p)
{
    return p->first;
}
uint64_t ps_part_nodes(const struct ps_part *p)
{
    return p->nodes;
}
uint64_t ps_part_edges(const struct ps_part *p)
{
    return p->edges;
}
uint64_t ps_part_features(const struct ps_part *p)
{
    return p->values;
}
uint64_t ps_part_file_bytes(const struct ps_part *p)
{
    return p->file_bytes;
}
const struct ps_array *ps_part_array(const struct ps_part *p, enum ps_array_id id)
{
    return &p->array[id];
}

ps_status ps_part_read(const struct ps_part *p, enum ps_array_id id, uint64_t first, uint64_t count,
                       void *dst)
{
    const struct ps_array *a = &p->array[id];

    PS_ASSERT(a->present && first <= a->rows * a->cols && count <= a->rows * a->cols - first);
    PS_TRY(ps_file_read(p->fd, p->path, a->offset + first * a->item_bytes, count * a->item_bytes,
                        dst));
    return PS_OK;
}

ps_status ps_part_read_indices(const struct ps_part *p, uint64_t first, uint64_t count,
                               uint64_t *dst)
{
    PS_TRY(ps_part_read(p, PS_ARRAY_INDICES, first, count, dst));
    if (p->array[PS_ARRAY_INDICES].item_bytes == sizeof *dst)
        return PS_OK;
    for (uint64_t i = count; i-- > 0;) { /* from the end: in place */
        uint32_t narrow;
        memcpy(&narrow, (const char *)dst + i * sizeof narrow, sizeof narrow);
        dst[i] = narrow;
    }
    return PS_OK;
}
