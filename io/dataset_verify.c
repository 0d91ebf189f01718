/* SPDX-License-Identifier: Apache-2.0 */
/* Checksums first, then values: a value that is wrong under a right checksum was written wrong. */
#include "io/checksum.h"
#include "io/file.h"
#include "io/part.h"

#include <string.h>

/* Items of up to 8 bytes held at once; a multiple of the items of a block. */
enum { ITEMS = 1 << 16, BUFFER_BYTES = ITEMS * 8, BUFFER_BLOCKS = BUFFER_BYTES / PS_BLOCK_BYTES };

struct verifier {
    const struct ps_part *p;
    const struct ps_meta *m;
    struct ps_mem *mem;
    struct ps_hash_stream *hash;
    unsigned char *bytes; /* (BUFFER_BYTES) */
    uint64_t *end;        /* (ITEMS + 1) of an indptr */
    uint32_t *sum;        /* (2, BUFFER_BLOCKS): expected, found */
    struct ps_verified *seen;
};

static PS_MUST ps_status verifier_init(struct verifier *v, struct ps_mem *mem)
{
    v->mem = mem;
    PS_TRY(ps_hash_new(&v->hash, mem));
    PS_TRY(PS_NEW(mem, PS_MEM_STAGING, v->bytes, BUFFER_BYTES));
    PS_TRY(PS_NEW(mem, PS_MEM_STAGING, v->end, ITEMS + 1));
    PS_TRY(PS_NEW(mem, PS_MEM_STAGING, v->sum, (size_t)2 * BUFFER_BLOCKS));
    return PS_OK;
}

static void verifier_fini(struct verifier *v)
{
    ps_mem_free(v->mem, &v->sum);
    ps_mem_free(v->mem, &v->end);
    ps_mem_free(v->mem, &v->bytes);
    ps_mem_free(v->mem, &v->hash);
}

/* The checksums of an array against the hash over them. */
static PS_MUST ps_status verify_sums(struct verifier *v, enum ps_array_id id)
{
    const struct ps_sums *s = &v->p->sums[id];
    uint64_t at = 0, bytes = s->blocks * sizeof(uint32_t), n, found;

    ps_hash_reset(v->hash);
    for (; at < bytes; at += n) {
        n = ps_min(BUFFER_BYTES, bytes - at);
        PS_TRY(ps_file_read(v->p->fd, v->p->path, s->offset + at, n, v->bytes));
        ps_hash_add(v->hash, v->bytes, n);
    }
    found = ps_hash_value(v->hash);
    if (found != s->hash)
        PS_FAIL(PS_EINPUT,
                "%s: the checksums of %s are damaged: 0x%016" PRIx64
                " expected over them, found 0x%016" PRIx64,
                v->p->path, ps_array_name(id), s->hash, found);
    return PS_OK;
}

/* Blocks of an array against its checksums. */
static PS_MUST ps_status verify_blocks(struct verifier *v, enum ps_array_id id)
{
    const struct ps_array *a = &v->p->array[id];
    const uint32_t *want = v->sum, *found = v->sum + BUFFER_BLOCKS;
    uint64_t n, blocks;

    for (uint64_t at = 0; at < a->bytes; at += n) {
        uint64_t first = at / PS_BLOCK_BYTES;
        n = ps_min(BUFFER_BYTES, a->bytes - at);
        blocks = ps_block_count(n);
        PS_TRY(ps_file_read(v->p->fd, v->p->path, a->offset + at, n, v->bytes));
        PS_TRY(ps_file_read(v->p->fd, v->p->path, v->p->sums[id].offset + first * sizeof *v->sum,
                            blocks * sizeof *v->sum, v->sum));
        ps_block_sums(v->bytes, n, v->sum + BUFFER_BLOCKS);
        for (uint64_t b = 0; b < blocks; b++)
            if (want[b] != found[b])
                PS_FAIL(PS_EINPUT,
                        "%s: %s: block %" PRIu64 " (bytes %" PRIu64 " to %" PRIu64
                        " of the array, %" PRIu64 " of the file): checksum 0x%08" PRIx32
                        " expected, found 0x%08" PRIx32,
                        v->p->path, ps_array_name(id), first + b, (first + b) * PS_BLOCK_BYTES,
                        ps_min((first + b + 1) * PS_BLOCK_BYTES, a->bytes) - 1,
                        a->offset + (first + b) * PS_BLOCK_BYTES, want[b], found[b]);
        v->seen->blocks += blocks;
        v->seen->bytes += n;
    }
    v->seen->arrays++;
    return PS_OK;
}

/* Item @p i of a buffer of 2, 4 or 8 bytes each. */
static uint64_t item_at(const unsigned char *bytes, uint32_t item_bytes, uint64_t i)
{
    uint64_t x = 0;

    memcpy(&x, bytes + i * item_bytes, item_bytes); /* little-endian */
    return x;
}

/* A CSR structure: what is checked, and where the walk stands. */
struct walk {
    enum ps_array_id indptr, indices;
    uint64_t items, bound;
    bool once; /* an item may stand in a row once only */
    uint64_t row, previous;
    bool row_begun;
};

/* Items [first, last) of rows whose ends are end[1..]; end[0] is where row @p base begins. */
static PS_MUST ps_status walk_items(struct verifier *v, struct walk *w, uint64_t base,
                                    uint64_t first, uint64_t last)
{
    uint32_t item_bytes = v->p->array[w->indices].item_bytes;
    uint64_t n;

    for (uint64_t at = first; at < last; at += n) {
        n = ps_min(ITEMS, last - at);
        PS_TRY(ps_part_read(v->p, w->indices, at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++) {
            uint64_t x = item_at(v->bytes, item_bytes, i);
            while (at + i >= v->end[w->row - base + 1]) {
                w->row++;
                w->row_begun = false;
            }
            if (x >= w->bound)
                PS_FAIL(PS_EINPUT,
                        "%s: %s[%" PRIu64 "]: below %" PRIu64 " expected, found %" PRIu64,
                        v->p->path, ps_array_name(w->indices), at + i, w->bound, x);
            if (w->row_begun && (x < w->previous || (w->once && x == w->previous)))
                PS_FAIL(PS_EINPUT,
                        "%s: %s[%" PRIu64 "] in row %" PRIu64 ": %s %" PRIu64
                        " expected, found %" PRIu64,
                        v->p->path, ps_array_name(w->indices), at + i, w->row,
                        w->once ? "more than" : "at least", w->previous, x);
            w->previous = x;
            w->row_begun = true;
        }
    }
    return PS_OK;
}

static PS_MUST ps_status verify_csr(struct verifier *v, struct walk w)
{
    uint64_t rows;

    if (!v->p->array[w.indptr].present)
        return PS_OK;
    for (uint64_t base = 0; base < v->p->nodes; base += rows) {
        rows = ps_min(ITEMS, v->p->nodes - base);
        PS_TRY(ps_part_read(v->p, w.indptr, base, rows + 1, v->end));
        for (uint64_t r = 0; r <= rows; r++) {
            uint64_t least = r > 0 ? v->end[r - 1] : base > 0 ? v->end[0] : 0;
            if (v->end[r] < least || v->end[r] > w.items)
                PS_FAIL(PS_EINPUT,
                        "%s: %s[%" PRIu64 "]: %" PRIu64 " to %" PRIu64 " expected, found %" PRIu64,
                        v->p->path, ps_array_name(w.indptr), base + r, least, w.items, v->end[r]);
        }
        w.row = base;
        w.row_begun = false;
        PS_TRY(walk_items(v, &w, base, v->end[0], v->end[rows]));
    }
    return PS_OK;
}

static bool is_finite(const unsigned char *bytes, uint32_t item_bytes, uint64_t i)
{
    uint64_t x = item_at(bytes, item_bytes, i);

    /* all ones in the exponent: NaN or infinity, of binary16 or binary32 */
    return item_bytes == 2 ? (x & 0x7C00) != 0x7C00 : (x & 0x7F800000) != 0x7F800000;
}

static PS_MUST ps_status verify_finite(struct verifier *v, enum ps_array_id id)
{
    const struct ps_array *a = &v->p->array[id];
    uint64_t items = a->rows * a->cols, n;

    if (!a->present || a->item_bytes == 1) /* i8 is always finite */
        return PS_OK;
    for (uint64_t at = 0; at < items; at += n) {
        n = ps_min(ITEMS, items - at);
        PS_TRY(ps_part_read(v->p, id, at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++)
            if (!is_finite(v->bytes, a->item_bytes, i))
                PS_FAIL(PS_EINPUT,
                        "%s: %s, row %" PRIu64 ", column %" PRIu64
                        ": a finite number expected, found NaN or infinity",
                        v->p->path, ps_array_name(id), (at + i) / a->cols, (at + i) % a->cols);
    }
    return PS_OK;
}

static PS_MUST ps_status verify_single_labels(struct verifier *v)
{
    uint64_t n;

    for (uint64_t at = 0; at < v->p->nodes; at += n) {
        n = ps_min(ITEMS, v->p->nodes - at);
        PS_TRY(ps_part_read(v->p, PS_ARRAY_LABELS, at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++) {
            int32_t x;
            memcpy(&x, v->bytes + i * sizeof x, sizeof x);
            if (x < -1 || (x >= 0 && (uint32_t)x >= v->m->classes))
                PS_FAIL(PS_EINPUT,
                        "%s: %s[%" PRIu64 "]: -1 to %" PRIu32 " expected, found %" PRId32,
                        v->p->path, ps_array_name(PS_ARRAY_LABELS), at + i, v->m->classes - 1, x);
        }
    }
    return PS_OK;
}

/* Bits behind the last class are zero. */
static PS_MUST ps_status verify_multi_labels(struct verifier *v)
{
    uint64_t cols = v->p->array[PS_ARRAY_LABELS].cols, items = v->p->nodes * cols, n;
    unsigned spare = 0xFFu << (v->m->classes % 8) & 0xFFu;

    if (v->m->classes % 8 == 0)
        return PS_OK;
    for (uint64_t at = 0; at < items; at += n) {
        n = ps_min(BUFFER_BYTES, items - at);
        PS_TRY(ps_part_read(v->p, PS_ARRAY_LABELS, at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++)
            if ((at + i) % cols == cols - 1 && (v->bytes[i] & spare) != 0)
                PS_FAIL(PS_EINPUT,
                        "%s: %s, row %" PRIu64 ": bits of %" PRIu32
                        " classes expected, found byte 0x%02x at the end",
                        v->p->path, ps_array_name(PS_ARRAY_LABELS), (at + i) / cols, v->m->classes,
                        v->bytes[i]);
    }
    return PS_OK;
}

static PS_MUST ps_status verify_split(struct verifier *v, uint32_t s)
{
    uint64_t ends = (uint64_t)v->m->parts + 1, n, train = 0, want;
    const uint64_t *offset = v->m->train_offsets + s * ends + v->p->index;

    for (uint64_t at = 0; at < v->p->nodes; at += n) {
        n = ps_min(BUFFER_BYTES, v->p->nodes - at);
        PS_TRY(ps_part_read(v->p, PS_ARRAY_SPLIT, s * v->p->nodes + at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++) {
            train += v->bytes[i] == PS_SPLIT_TRAIN;
            if (v->bytes[i] > PS_SPLIT_TEST)
                PS_FAIL(PS_EINPUT,
                        "%s: %s, split %" PRIu32 ", node %" PRIu64 ": 0 to 3 expected, found %d",
                        v->p->path, ps_array_name(PS_ARRAY_SPLIT), s, at + i, v->bytes[i]);
        }
    }
    want = offset[1] - offset[0];
    if (train != want)
        PS_FAIL(PS_EINPUT,
                "%s: %s, split %" PRIu32 ": %" PRIu64
                " training nodes expected by meta.h5, found %" PRIu64,
                v->p->path, ps_array_name(PS_ARRAY_SPLIT), s, want, train);
    return PS_OK;
}

static PS_MUST ps_status add_out_degrees(struct verifier *v)
{
    uint64_t n;

    for (uint64_t at = 0; at < v->p->nodes; at += n) {
        n = ps_min(ITEMS, v->p->nodes - at);
        PS_TRY(ps_part_read(v->p, PS_ARRAY_OUT_DEGREE, at, n, v->bytes));
        for (uint64_t i = 0; i < n; i++)
            v->seen->out_degree += item_at(v->bytes, sizeof(uint32_t), i);
    }
    return PS_OK;
}

static PS_MUST ps_status verify_values(struct verifier *v)
{
    PS_TRY(verify_csr(v, (struct walk){.indptr = PS_ARRAY_INDPTR,
                                       .indices = PS_ARRAY_INDICES,
                                       .items = v->p->edges,
                                       .bound = v->m->nodes}));
    PS_TRY(verify_csr(v, (struct walk){.indptr = PS_ARRAY_FEATURES_INDPTR,
                                       .indices = PS_ARRAY_FEATURES_INDICES,
                                       .items = v->p->values,
                                       .bound = v->m->feature_dim,
                                       .once = true}));
    PS_TRY(verify_finite(v, PS_ARRAY_WEIGHTS));
    PS_TRY(verify_finite(v, PS_ARRAY_FEATURES));
    PS_TRY(verify_finite(v, PS_ARRAY_FEATURES_VALUES));
    if (v->m->task == PS_TASK_SINGLE_LABEL)
        PS_TRY(verify_single_labels(v));
    if (v->m->task == PS_TASK_MULTI_LABEL)
        PS_TRY(verify_multi_labels(v));
    for (uint32_t s = 0; s < v->m->splits; s++)
        PS_TRY(verify_split(v, s));
    return add_out_degrees(v);
}

static PS_MUST ps_status verify_part(const struct ps_part *p, struct ps_ctx *ctx,
                                     const struct ps_dataset *ds, struct ps_verified *seen)
{
    struct verifier v = {.p = p, .m = ps_dataset_meta(ds), .seen = seen};
    ps_status st = PS_OK;

    PS_GO(st, verifier_init(&v, &ctx->mem));
    for (int i = 0; i < PS_ARRAY_COUNT; i++) {
        if (!p->array[i].present)
            continue;
        PS_GO(st, verify_sums(&v, (enum ps_array_id)i));
        PS_GO(st, verify_blocks(&v, (enum ps_array_id)i));
    }
    PS_GO(st, verify_values(&v));
    seen->parts++;
    seen->nodes += p->nodes;
    seen->edges += p->edges;
    seen->feature_values += p->values;
out:
    verifier_fini(&v);
    return st;
}

ps_status ps_part_verify(const struct ps_part *p, struct ps_ctx *ctx, const struct ps_dataset *ds)
{
    struct ps_verified seen = {0};

    return verify_part(p, ctx, ds, &seen);
}

ps_status ps_dataset_verify(const struct ps_dataset *ds, struct ps_ctx *ctx,
                            struct ps_verified *seen)
{
    const struct ps_meta *m = ps_dataset_meta(ds);
    uint64_t told = ps_now_ns();
    struct ps_part *p;
    ps_status st;

    memset(seen, 0, sizeof *seen);
    for (uint32_t k = 0; k < m->parts; k++) {
        if (ps_now_ns() - told > 1000000000u) {
            told = ps_now_ns();
            ps_log_progress(&ctx->log, "verified %" PRIu32 " of %" PRIu32 " parts, %.1f GB", k,
                            m->parts, (double)seen->bytes / 1e9);
        }
        PS_TRY(ps_part_open(&p, ds, k));
        st = verify_part(p, ctx, ds, seen);
        ps_part_close(&p);
        PS_TRY(st);
    }
    if (seen->edges != m->edges)
        PS_FAIL(PS_EINPUT,
                "%s: %" PRIu64 " edges expected by meta.h5, found %" PRIu64 " in all parts",
                ds->path, m->edges, seen->edges);
    if (seen->out_degree != m->edges)
        PS_FAIL(PS_EINPUT,
                "%s: out-degrees that add up to %" PRIu64 " edges expected, found %" PRIu64,
                ds->path, m->edges, seen->out_degree);
    return PS_OK;
}
