/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table of attributes drives writing, reading and the checksum. The checksum covers the
 * values, not the bytes of the file, so any program can recompute it through HDF5.
 */
#include "io/meta.h"

#include "io/checksum.h"
#include "io/file.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char format_name[] = "penstock dataset";
static const char *const feature_kinds[] = {"none", "dense", "csr", NULL};
static const char *const feature_types[] = {"f32", "f16", "i8", NULL};
static const char *const tasks[] = {"none", "single-label", "multi-label", NULL};

const char *ps_feature_kind_name(enum ps_feature_kind kind)
{
    return feature_kinds[kind];
}
const char *ps_feature_type_name(enum ps_feature_type type)
{
    return feature_types[type];
}
const char *ps_task_name(enum ps_task task)
{
    return tasks[task];
}

enum kind { IS_U64, IS_U32, IS_BOOL, IS_F64, IS_TEXT, IS_WORD, IS_LONG_TEXT };

/* In the order of the checksum: never reorder within a format version. */
static const struct row {
    const char *name;
    enum kind kind;
    bool in_uuid; /* part of what the dataset is, not of how it came to be */
    size_t at, bytes;
    const char *const *words;
} table[] = {
#define AT(field) offsetof(struct ps_meta, field), sizeof(((struct ps_meta *)0)->field)
    {"name", IS_TEXT, false, AT(name), NULL},
    {"uuid", IS_TEXT, false, AT(uuid), NULL},
    {"partitioner", IS_TEXT, true, AT(partitioner), NULL},
    {"nodes", IS_U64, true, AT(nodes), NULL},
    {"edges", IS_U64, true, AT(edges), NULL},
    {"feature_kind", IS_WORD, true, AT(feature_kind), feature_kinds},
    {"feature_type", IS_WORD, true, AT(feature_type), feature_types},
    {"feature_dim", IS_U32, true, AT(feature_dim), NULL},
    {"feature_index_bytes", IS_U32, true, AT(feature_index_bytes), NULL},
    {"feature_values", IS_BOOL, true, AT(feature_values), NULL},
    {"classes", IS_U32, true, AT(classes), NULL},
    {"task", IS_WORD, true, AT(task), tasks},
    {"symmetrised", IS_BOOL, true, AT(symmetrised), NULL},
    {"weighted", IS_BOOL, true, AT(weighted), NULL},
    {"index_bytes", IS_U32, true, AT(index_bytes), NULL},
    {"splits", IS_U32, true, AT(splits), NULL},
    {"parts", IS_U32, true, AT(parts), NULL},
    {"edge_cut", IS_F64, true, AT(edge_cut), NULL},
    {"provenance", IS_LONG_TEXT, false, AT(provenance), NULL},
#undef AT
};
enum { ROWS = sizeof table / sizeof table[0], ARRAYS = 3, STRUCTURE_BYTES = 1 << 16 };

/* An array of the file; its values are in struct ps_meta. */
struct array {
    const char *name;
    struct ps_h5_shape shape;
    uint64_t items;
    uint64_t **values;
};

static void arrays_of(struct ps_meta *m, struct array a[ARRAYS])
{
    uint64_t ends = (uint64_t)m->parts + 1;

    a[0] = (struct array){"part_offsets", {PS_H5_U64, 1, {ends}}, ends, &m->part_offsets};
    a[1] = (struct array){
        "train_offsets", {PS_H5_U64, 2, {m->splits, ends}}, m->splits * ends, &m->train_offsets};
    a[2] =
        (struct array){"part_checksums", {PS_H5_U64, 1, {m->parts}}, m->parts, &m->part_checksums};
}

ps_status ps_meta_arrays(struct ps_meta *m, struct ps_mem *mem)
{
    struct array a[ARRAYS];

    arrays_of(m, a);
    for (int i = 0; i < ARRAYS; i++)
        *a[i].values = NULL;
    for (int i = 0; i < ARRAYS; i++)
        PS_TRY(ps_mem_new(mem, PS_MEM_TOPOLOGY, a[i].values, a[i].items, sizeof **a[i].values));
    return PS_OK;
}

void ps_meta_fini(struct ps_meta *m, struct ps_mem *mem)
{
    ps_mem_free(mem, &m->part_offsets);
    ps_mem_free(mem, &m->train_offsets);
    ps_mem_free(mem, &m->part_checksums);
    ps_mem_free(mem, &m->provenance);
}

static bool ascends(const uint64_t *x, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++)
        if (x[i] < x[i - 1])
            return false;
    return x[0] == 0;
}

static PS_MUST ps_status check_features(const struct ps_meta *m, const char *where)
{
    bool none = m->feature_kind == PS_FEATURES_NONE;

    if (none != (m->feature_dim == 0))
        PS_FAIL(PS_EINPUT, "%s: features of kind %s cannot have %" PRIu32 " columns", where,
                ps_feature_kind_name(m->feature_kind), m->feature_dim);
    if (m->feature_kind != PS_FEATURES_CSR)
        return PS_OK;
    if (m->feature_index_bytes != 2 && m->feature_index_bytes != 4)
        PS_FAIL(PS_EINPUT, "%s: feature_index_bytes: 2 or 4 expected, found %" PRIu32, where,
                m->feature_index_bytes);
    if (m->feature_index_bytes == 2 && m->feature_dim > 65536)
        PS_FAIL(PS_EINPUT, "%s: %" PRIu32 " feature columns do not fit feature_index_bytes 2",
                where, m->feature_dim);
    return PS_OK;
}

ps_status ps_meta_check(const struct ps_meta *m, const char *where)
{
    uint64_t ends = (uint64_t)m->parts + 1;

    if (m->parts < 1 || m->parts > PS_PARTS_MAX)
        PS_FAIL(PS_EINPUT, "%s: parts: 1 to %d expected, found %" PRIu32, where, PS_PARTS_MAX,
                m->parts);
    if (m->splits > PS_SPLITS_MAX)
        PS_FAIL(PS_EINPUT, "%s: splits: at most %d expected, found %" PRIu32, where, PS_SPLITS_MAX,
                m->splits);
    if (m->nodes > INT64_MAX || m->edges > INT64_MAX)
        PS_FAIL(PS_EINPUT,
                "%s: at most %" PRId64 " nodes and edges expected, found %" PRIu64 " and %" PRIu64,
                where, INT64_MAX, m->nodes, m->edges);
    if (m->index_bytes != ps_index_bytes(m->nodes))
        PS_FAIL(PS_EINPUT,
                "%s: index_bytes: %" PRIu32 " expected for %" PRIu64 " nodes, found %" PRIu32,
                where, ps_index_bytes(m->nodes), m->nodes, m->index_bytes);
    PS_TRY(check_features(m, where));
    if ((m->task == PS_TASK_NONE) != (m->classes == 0))
        PS_FAIL(PS_EINPUT, "%s: task %s cannot have %" PRIu32 " classes", where,
                ps_task_name(m->task), m->classes);
    if (m->classes > INT32_MAX)
        PS_FAIL(PS_EINPUT, "%s: classes: at most %d expected, found %" PRIu32, where, INT32_MAX,
                m->classes);
    if (!(m->edge_cut >= 0 && m->edge_cut <= 1))
        PS_FAIL(PS_EINPUT, "%s: edge_cut: 0 to 1 expected, found %g", where, m->edge_cut);
    if (m->part_offsets == NULL) /* while reading, before the arrays */
        return PS_OK;
    if (!ascends(m->part_offsets, ends) || m->part_offsets[m->parts] != m->nodes)
        PS_FAIL(PS_EINPUT,
                "%s: part_offsets: ascending from 0 to %" PRIu64 " nodes expected, found %" PRIu64
                " to %" PRIu64,
                where, m->nodes, m->part_offsets[0], m->part_offsets[m->parts]);
    for (uint32_t s = 0; s < m->splits && m->train_offsets != NULL; s++)
        if (!ascends(m->train_offsets + s * ends, ends) ||
            m->train_offsets[s * ends + m->parts] > m->nodes)
            PS_FAIL(PS_EINPUT,
                    "%s: train_offsets of split %" PRIu32 ": ascending from 0 to at most %" PRIu64
                    " nodes expected, found %" PRIu64 " to %" PRIu64,
                    where, s, m->nodes, m->train_offsets[s * ends],
                    m->train_offsets[s * ends + m->parts]);
    return PS_OK;
}

/* The value of a row that is a number; words are their index. */
static uint64_t number_of(const struct ps_meta *m, const struct row *r)
{
    const char *p = (const char *)m + r->at;
    uint64_t x = 0;

    PS_ASSERT(r->bytes <= sizeof x);
    memcpy(&x, p, r->bytes); /* little-endian: checked in h5.c */
    return x;
}

static const char *text_of(const struct ps_meta *m, const struct row *r)
{
    if (r->kind == IS_WORD)
        return r->words[number_of(m, r)];
    if (r->kind == IS_LONG_TEXT)
        return m->provenance != NULL ? m->provenance : "";
    return (const char *)m + r->at;
}

static bool is_text(const struct row *r)
{
    return r->kind == IS_TEXT || r->kind == IS_WORD || r->kind == IS_LONG_TEXT;
}

/* The logical content as bytes: each attribute and each array as name, zero byte, value, in
 * the order of the tables. @p out may be NULL, to learn the size. */
static uint64_t serialise(struct ps_meta *m, bool for_uuid, unsigned char *out)
{
    struct array a[ARRAYS];
    uint64_t used = 0;
#define PUT(src, n)                                                                                \
    do {                                                                                           \
        if (out != NULL && (n) > 0)                                                                \
            memcpy(out + used, (src), (n));                                                        \
        used += (n);                                                                               \
    } while (0)

    for (int i = 0; i < ROWS; i++) {
        const struct row *r = &table[i];
        if (for_uuid && !r->in_uuid)
            continue;
        PUT(r->name, strlen(r->name) + 1);
        if (is_text(r)) {
            const char *text = text_of(m, r);
            PUT(text, strlen(text) + 1);
        } else {
            uint64_t x = number_of(m, r);
            PUT(&x, sizeof x);
        }
    }
    arrays_of(m, a);
    for (int i = 0; i < ARRAYS; i++) {
        PUT(a[i].name, strlen(a[i].name) + 1);
        PUT(*a[i].values, a[i].items * sizeof **a[i].values);
    }
#undef PUT
    return used;
}

static PS_MUST ps_status content_hash(struct ps_meta *m, struct ps_mem *mem, bool for_uuid,
                                      uint64_t *hash, unsigned char uuid[16])
{
    uint64_t bytes = serialise(m, for_uuid, NULL);
    unsigned char *content;

    PS_TRY(PS_NEW(mem, PS_MEM_OTHER, content, bytes));
    (void)serialise(m, for_uuid, content);
    if (for_uuid)
        ps_hash128(content, bytes, uuid);
    else
        *hash = ps_hash64(content, bytes);
    ps_mem_free(mem, &content);
    return PS_OK;
}

/* A name-based uuid of the vendor's own kind (RFC 9562, version 8): equal contents, equal
 * uuid. It covers the values of all parts through part_checksums. */
static PS_MUST ps_status set_uuid(struct ps_meta *m, struct ps_mem *mem)
{
    unsigned char u[16];
    size_t used = 0;

    PS_TRY(content_hash(m, mem, true, NULL, u));
    u[6] = (unsigned char)((u[6] & 0x0F) | 0x80);
    u[8] = (unsigned char)((u[8] & 0x3F) | 0x80);
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            m->uuid[used++] = '-';
        snprintf(m->uuid + used, sizeof m->uuid - used, "%02x", u[i]);
        used += 2;
    }
    return PS_OK;
}

/* Of any length, and so an array. */
static PS_MUST ps_status put_long_text(struct ps_h5 *f, const char *name, const char *text)
{
    struct ps_h5_shape shape = {PS_H5_U8, 1, {strlen(text)}};

    PS_TRY(ps_h5_add(f, name, &shape));
    return ps_h5_write(f, name, PS_H5_U8, 0, shape.dim[0], text);
}

static PS_MUST ps_status put_row(struct ps_h5 *f, const struct ps_meta *m, const struct row *r)
{
    if (r->kind == IS_LONG_TEXT)
        return put_long_text(f, r->name, text_of(m, r));
    if (is_text(r))
        return ps_h5_put_text(f, "/", r->name, text_of(m, r));
    if (r->kind == IS_F64)
        return ps_h5_put_f64(f, "/", r->name, m->edge_cut);
    return ps_h5_put_u64(f, "/", r->name, number_of(m, r));
}

static PS_MUST ps_status fill(struct ps_h5 *f, struct ps_meta *m, uint64_t checksum)
{
    struct array a[ARRAYS];

    PS_TRY(ps_h5_put_text(f, "/", "format", format_name));
    PS_TRY(ps_h5_put_u64(f, "/", "format_version", PS_FORMAT_VERSION));
    for (int i = 0; i < ROWS; i++)
        PS_TRY(put_row(f, m, &table[i]));
    PS_TRY(ps_h5_put_u64(f, "/", "checksum", checksum));
    arrays_of(m, a);
    for (int i = 0; i < ARRAYS; i++) {
        PS_TRY(ps_h5_add(f, a[i].name, &a[i].shape));
        if (a[i].items > 0)
            PS_TRY(ps_h5_write(f, a[i].name, PS_H5_U64, 0, a[i].shape.dim[0], *a[i].values));
    }
    return PS_OK;
}

ps_status ps_meta_write(struct ps_meta *m, struct ps_ctx *ctx, const char *path)
{
    uint64_t checksum = 0, bytes;
    unsigned char *image = NULL;
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;
    int fd = -1;

    PS_TRY(ps_meta_check(m, path));
    PS_TRY(set_uuid(m, &ctx->mem));
    PS_TRY(content_hash(m, &ctx->mem, false, &checksum, NULL));
    ps_h5_enter();
    PS_GO(st, ps_h5_image(&f, ctx, path, serialise(m, false, NULL) + STRUCTURE_BYTES));
    PS_GO(st, fill(f, m, checksum));
    PS_GO(st, ps_h5_image_take(&f, &image, &bytes));
    PS_GO(st, ps_file_open(path, O_RDWR | O_CREAT | O_EXCL, &fd));
    PS_GO(st, ps_file_write(fd, path, 0, bytes, image));
    PS_GO(st, ps_file_sync(fd, path));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    ps_mem_free(&ctx->mem, &image);
    if (fd >= 0)
        close(fd);
    return st;
}

ps_status ps_meta_check_version(struct ps_h5 *f, const char *path)
{
    uint64_t version;

    PS_TRY(ps_h5_get_u64(f, "/", "format_version", &version));
    if (version != PS_FORMAT_VERSION)
        PS_FAIL(PS_EINPUT, "%s: format version %d expected, found %" PRIu64 "%s", path,
                PS_FORMAT_VERSION, version,
                version > PS_FORMAT_VERSION ? ": written by a later penstock" : "");
    return PS_OK;
}

static PS_MUST ps_status take_number(struct ps_meta *m, const struct row *r, const char *path,
                                     uint64_t x)
{
    uint64_t most = r->kind == IS_BOOL ? 1 : r->kind == IS_U32 ? UINT32_MAX : UINT64_MAX;

    if (x > most)
        PS_FAIL(PS_EINPUT, "%s: attribute '%s': at most %" PRIu64 " expected, found %" PRIu64, path,
                r->name, most, x);
    memcpy((char *)m + r->at, &x, r->bytes);
    return PS_OK;
}

static PS_MUST ps_status take_text(struct ps_meta *m, const struct row *r, const char *path,
                                   const char *text)
{
    uint64_t i = 0;

    if (r->kind == IS_TEXT) {
        if (strlen(text) >= r->bytes)
            PS_FAIL(PS_EINPUT, "%s: attribute '%s': at most %zu characters expected, found %zu",
                    path, r->name, r->bytes - 1, strlen(text));
        memcpy((char *)m + r->at, text, strlen(text) + 1);
        return PS_OK;
    }
    while (r->words[i] != NULL && strcmp(r->words[i], text) != 0)
        i++;
    if (r->words[i] == NULL)
        PS_FAIL(PS_EINPUT, "%s: attribute '%s': '%s', '%s' or '%s' expected, found '%.40s'", path,
                r->name, r->words[0], r->words[1], r->words[2], text);
    memcpy((char *)m + r->at, &i, r->bytes);
    return PS_OK;
}

static PS_MUST ps_status get_long_text(struct ps_h5 *f, const char *name, const char *path,
                                       char **text)
{
    char got[PS_H5_TEXT_BYTES];
    struct ps_h5_found found;

    PS_TRY(ps_h5_find(f, name, &found));
    ps_h5_shape_text(&found.shape, got);
    if (!found.present || found.shape.type != PS_H5_U8 || found.shape.rank != 1)
        PS_FAIL(PS_EINPUT, "%s: %s: u8 of one dimension expected, found %s", path, name,
                found.present ? got : "nothing");
    PS_TRY(ps_mem_new(ps_h5_mem(f), PS_MEM_OTHER, text, found.shape.dim[0] + 1, 1));
    return ps_h5_read(f, name, PS_H5_U8, 0, found.shape.dim[0], *text);
}

static PS_MUST ps_status get_row(struct ps_h5 *f, struct ps_meta *m, const struct row *r,
                                 const char *path)
{
    char *text = NULL;
    ps_status st;
    uint64_t x;

    if (r->kind == IS_LONG_TEXT)
        return get_long_text(f, r->name, path, &m->provenance);
    if (r->kind == IS_F64)
        return ps_h5_get_f64(f, "/", r->name, &m->edge_cut);
    if (!is_text(r)) {
        PS_TRY(ps_h5_get_u64(f, "/", r->name, &x));
        return take_number(m, r, path, x);
    }
    PS_TRY(ps_h5_get_text(f, "/", r->name, &text));
    st = take_text(m, r, path, text);
    ps_mem_free(ps_h5_mem(f), &text);
    return st;
}

static PS_MUST ps_status get_arrays(struct ps_h5 *f, struct ps_meta *m, const char *path)
{
    char want[PS_H5_TEXT_BYTES], got[PS_H5_TEXT_BYTES];
    struct ps_h5_found found;
    struct array a[ARRAYS];

    arrays_of(m, a);
    for (int i = 0; i < ARRAYS; i++) {
        PS_TRY(ps_h5_find(f, a[i].name, &found));
        ps_h5_shape_text(&a[i].shape, want);
        ps_h5_shape_text(&found.shape, got);
        if (!found.present || strcmp(want, got) != 0)
            PS_FAIL(PS_EINPUT, "%s: %s: %s expected, found %s", path, a[i].name, want,
                    found.present ? got : "nothing");
    }
    PS_TRY(ps_meta_arrays(m, ps_h5_mem(f)));
    for (int i = 0; i < ARRAYS; i++)
        if (a[i].items > 0)
            PS_TRY(ps_h5_read(f, a[i].name, PS_H5_U64, 0, a[i].shape.dim[0], *a[i].values));
    return PS_OK;
}

ps_status ps_meta_read(struct ps_meta *m, struct ps_ctx *ctx, const char *path)
{
    uint64_t want = 0, found = 0;
    struct ps_h5 *f = NULL;
    ps_status st = PS_OK;

    memset(m, 0, sizeof *m);
    ps_h5_enter();
    PS_GO(st, ps_h5_open(&f, ctx, path));
    PS_GO(st, ps_meta_check_version(f, path));
    for (int i = 0; i < ROWS; i++)
        PS_GO(st, get_row(f, m, &table[i], path));
    PS_GO(st, ps_meta_check(m, path));
    PS_GO(st, get_arrays(f, m, path));
    PS_GO(st, ps_h5_get_u64(f, "/", "checksum", &want));
    PS_GO(st, content_hash(m, &ctx->mem, false, &found, NULL));
    if (want != found)
        PS_GO_FAIL(st, PS_EINPUT,
                   "%s: checksum 0x%016" PRIx64 " expected, found 0x%016" PRIx64
                   " over its attributes and offsets",
                   path, want, found);
    PS_GO(st, ps_meta_check(m, path));
out:
    PS_KEEP(st, ps_h5_close(&f));
    ps_h5_leave();
    if (st != PS_OK)
        ps_meta_fini(m, &ctx->mem);
    return st;
}
