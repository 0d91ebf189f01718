/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What meta.h5 says, any numbers: refused, or every array of every part has a shape of its own
 * size, and what is written with the right checksum is read back as it was.
 */
#include "tests/fuzz/fuzz_graph.h"

#include "io/layout.h"
#include "io/meta.h"

enum { PARTS = 8, SPLITS = 3 };

static void take_scalars(struct fuzz_bytes *b, struct ps_meta *m)
{
    uint64_t bits = fuzz_take(b, 2);

    memset(m, 0, sizeof *m);
    fuzz_text(b, m->name, sizeof m->name);
    fuzz_text(b, m->partitioner, sizeof m->partitioner);
    m->nodes = fuzz_number(b);
    m->edges = fuzz_number(b);
    m->feature_kind = (enum ps_feature_kind)((bits & 3) % 3);
    m->feature_type = (enum ps_feature_type)((bits >> 2 & 3) % 3);
    m->task = (enum ps_task)((bits >> 4 & 3) % 3);
    m->feature_values = (bits & 64) != 0;
    m->symmetrised = (bits & 128) != 0;
    m->weighted = (bits & 256) != 0;
    m->index_bytes = (bits & 512) != 0 ? ps_index_bytes(m->nodes) : (uint32_t)fuzz_take(b, 4);
    m->feature_index_bytes = (bits & 1024) != 0 ? 4 : (bits & 2048) != 0 ? 2 : (uint32_t)bits;
    m->feature_dim = (uint32_t)fuzz_number(b);
    m->classes = (uint32_t)fuzz_number(b);
    m->splits = (uint32_t)fuzz_number(b);
    m->parts = (uint32_t)fuzz_number(b);
    bits = fuzz_number(b);
    memcpy(&m->edge_cut, &bits, sizeof bits);
}

/* Steps and now and then a jump, so that ascending ones are found. */
static void take_offsets(struct fuzz_bytes *b, uint64_t *at, uint64_t ends)
{
    for (uint64_t i = 1; i < ends; i++)
        at[i] = at[i - 1] + fuzz_number(b);
}

static void check_shapes(const struct ps_meta *m, uint64_t edges, uint64_t values)
{
    for (uint32_t k = 0; k < m->parts; k++) {
        uint64_t n = m->part_offsets[k + 1] - m->part_offsets[k], bytes;
        for (int id = 0; id < PS_ARRAY_COUNT; id++) {
            struct ps_h5_shape s;
            if (!ps_layout_has(m, (enum ps_array_id)id))
                continue;
            s = ps_layout_shape(m, (enum ps_array_id)id, n, edges, values);
            PS_ASSERT(id != PS_ARRAY_INDPTR || s.dim[0] > n);
            PS_ASSERT(s.rank == 1 || s.dim[1] > 0 || m->splits > 0);
            (void)ps_h5_shape_bytes(&s, &bytes);
        }
    }
}

static void compare(const struct ps_meta *a, const struct ps_meta *b)
{
    uint64_t ends = (uint64_t)a->parts + 1;

    PS_ASSERT(strcmp(a->name, b->name) == 0 && strcmp(a->uuid, b->uuid) == 0);
    PS_ASSERT(strcmp(a->partitioner, b->partitioner) == 0);
    PS_ASSERT(a->nodes == b->nodes && a->edges == b->edges && a->classes == b->classes);
    PS_ASSERT(a->feature_kind == b->feature_kind && a->feature_type == b->feature_type);
    PS_ASSERT(a->feature_dim == b->feature_dim && a->task == b->task && a->splits == b->splits);
    PS_ASSERT(memcmp(&a->edge_cut, &b->edge_cut, sizeof a->edge_cut) == 0);
    PS_ASSERT(memcmp(a->part_offsets, b->part_offsets, ends * 8) == 0);
    PS_ASSERT(memcmp(a->train_offsets, b->train_offsets, a->splits * ends * 8) == 0);
    PS_ASSERT(memcmp(a->part_checksums, b->part_checksums, a->parts * 8) == 0);
}

static void write_and_read(struct ps_ctx *ctx, struct ps_meta *m)
{
    char path[PS_TEST_PATH_BYTES];
    struct ps_meta twin;
    ps_status st;

    unlink(ps_test_path(path, fuzz_dir(), "meta.h5"));
    st = ps_meta_write(m, ctx, path);
    fuzz_told(st);
    if (st != PS_OK)
        return;
    st = ps_meta_read(&twin, ctx, path);
    fuzz_told(st);
    PS_ASSERT(st == PS_OK);
    compare(m, &twin);
    ps_meta_fini(&twin, &ctx->mem);
}

static void with_arrays(struct ps_ctx *ctx, struct fuzz_bytes *b, struct ps_meta *m)
{
    ps_status st = ps_meta_arrays(m, &ctx->mem);

    PS_ASSERT(st == PS_OK);
    take_offsets(b, m->part_offsets, (uint64_t)m->parts + 1);
    for (uint32_t s = 0; s < m->splits; s++)
        take_offsets(b, m->train_offsets + s * ((uint64_t)m->parts + 1), (uint64_t)m->parts + 1);
    if (m->nodes == 0 && m->index_bytes == 4)
        m->nodes = ps_min(m->part_offsets[m->parts], UINT32_MAX);
    st = ps_meta_check(m, "input");
    fuzz_told(st);
    if (st == PS_OK) {
        check_shapes(m, fuzz_number(b), fuzz_number(b));
        write_and_read(ctx, m);
    }
    ps_meta_fini(m, &ctx->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_bytes b = {data, size};
    struct ps_ctx ctx;
    struct ps_meta m;
    ps_status st;

    fuzz_ctx(&ctx);
    take_scalars(&b, &m);
    st = ps_meta_check(&m, "input");
    fuzz_told(st);
    if (st == PS_OK && m.parts <= PARTS && m.splits <= SPLITS)
        with_arrays(&ctx, &b, &m);
    fuzz_end(&ctx);
    return 0;
}
