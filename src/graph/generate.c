/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/generate.h"

#include "src/graph/note.h"
#include "src/kern/half.h"

#include <math.h>
#include <sched.h>
#include <string.h>

enum { CHUNK_NODES_MAX = 1 << 16, SLOTS = 2 };

int ps_generate_threads(uint64_t asked)
{
    cpu_set_t set;

    if (asked > 0)
        return ps_int(asked);
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    return CPU_COUNT(&set);
}

ps_status ps_split_sizes_set(struct ps_split_sizes *s, const struct ps_opts_generate *g)
{
    double n = (double)g->nodes;

    if (g->train_share + g->valid_share + g->test_share > 1 + 1e-12)
        PS_FAIL(PS_EUSAGE,
                "--train-share %.6g, --valid-share %.6g and --test-share %.6g add up to more "
                "than 1",
                g->train_share, g->valid_share, g->test_share);
    s->train = ps_min(g->nodes, (uint64_t)llround(g->train_share * n));
    s->valid = ps_min(g->nodes - s->train, (uint64_t)llround(g->valid_share * n));
    s->test = ps_min(g->nodes - s->train - s->valid, (uint64_t)llround(g->test_share * n));
    return PS_OK;
}

ps_status ps_generate_meta(struct ps_meta *meta, const struct ps_opts *o, uint64_t offsets[2])
{
    offsets[0] = 0;
    offsets[1] = o->generate.nodes;
    *meta = (struct ps_meta){
        .nodes = o->generate.nodes,
        .feature_kind = PS_FEATURES_DENSE,
        .feature_type = o->generate.feature_type == PS_GENERATE_F16 ? PS_TYPE_F16 : PS_TYPE_F32,
        .feature_dim = ps_u32(o->generate.features),
        .classes = ps_u32(o->generate.classes),
        .task = PS_TASK_SINGLE_LABEL,
        .splits = 1,
        .parts = 1,
        .partitioner = "none",
        .part_offsets = offsets,
    };
    return ps_note_name(o->import.name[0] != '\0' ? o->import.name : o->common.out, meta->name,
                        sizeof meta->name);
}

/* One chunk of nodes; there are two, so that one is made while the other is written. */
struct chunk {
    uint64_t first, count;
    float *rows;    /* (chunk_nodes, dim) */
    int32_t *label; /* (chunk_nodes) */
    uint64_t *id;   /* (chunk_nodes) */
    uint8_t *split; /* (chunk_nodes) */
};

struct nodes_job {
    struct ps_ctx *ctx;
    struct ps_dataset_writer *w;
    const struct ps_node_maker *maker;
    uint64_t nodes, chunk_nodes;
    size_t dim;
    bool halves; /* of the features: each row holds dim of them, then as many bytes of nothing */
    struct chunk chunk[SLOTS];
    int threads;
};

static PS_MUST ps_status take_chunks(struct nodes_job *j)
{
    struct ps_mem *m = &j->ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), used = atomic_load(&m->used_bytes);
    uint64_t bytes = limit == 0 ? UINT64_C(64) << 20 : (limit - ps_min(limit, used)) / 2;
    uint64_t node_bytes = j->dim * sizeof(float) + sizeof(int32_t) + sizeof(uint64_t) + 1;

    j->chunk_nodes = ps_min(j->nodes, ps_min(bytes / SLOTS / node_bytes, CHUNK_NODES_MAX));
    j->chunk_nodes = ps_max(1, j->chunk_nodes);
    for (int i = 0; i < SLOTS; i++) {
        PS_TRY(PS_NEW(m, PS_MEM_ROWS, j->chunk[i].rows, j->chunk_nodes * j->dim));
        PS_TRY(PS_NEW(m, PS_MEM_OTHER, j->chunk[i].label, j->chunk_nodes));
        PS_TRY(PS_NEW(m, PS_MEM_OTHER, j->chunk[i].id, j->chunk_nodes));
        PS_TRY(PS_NEW(m, PS_MEM_OTHER, j->chunk[i].split, j->chunk_nodes));
    }
    return PS_OK;
}

static void give_chunks(struct nodes_job *j)
{
    struct ps_mem *m = &j->ctx->mem;

    for (int i = 0; i < SLOTS; i++) {
        ps_mem_free(m, &j->chunk[i].rows);
        ps_mem_free(m, &j->chunk[i].label);
        ps_mem_free(m, &j->chunk[i].id);
        ps_mem_free(m, &j->chunk[i].split);
    }
}

/* In place, ascending: half d lies where floats d / 2 and below lay. */
static void to_halves(float *row, size_t dim)
{
    unsigned char *p = (unsigned char *)row;

    for (size_t d = 0; d < dim; d++) {
        uint16_t h = ps_half_of(row[d]);
        memcpy(p + d * sizeof h, &h, sizeof h);
    }
}

static void make_node(const struct nodes_job *j, const struct chunk *c, uint64_t i)
{
    const struct ps_node_maker *m = j->maker;
    uint64_t v = c->first + i;

    m->row(m->arg, v, c->rows + i * j->dim);
    if (j->halves)
        to_halves(c->rows + i * j->dim, j->dim);
    c->label[i] = m->label(m->arg, v);
    c->split[i] = m->split(m->arg, v);
    c->id[i] = v;
}

static PS_MUST ps_status write_chunk(const struct nodes_job *j, const struct chunk *c)
{
    for (uint64_t i = 0; j->halves && i < c->count; i++)
        PS_TRY(ps_dataset_write(j->w, PS_ARRAY_FEATURES, 0, c->rows + i * j->dim, j->dim));
    if (!j->halves)
        PS_TRY(ps_dataset_write(j->w, PS_ARRAY_FEATURES, 0, c->rows, c->count * j->dim));
    PS_TRY(ps_dataset_write(j->w, PS_ARRAY_LABELS, 0, c->label, c->count));
    PS_TRY(ps_dataset_write(j->w, PS_ARRAY_SPLIT, 0, c->split, c->count));
    return ps_dataset_write(j->w, PS_ARRAY_ORIG_ID, 0, c->id, c->count);
}

/* Make @p next while the calling thread, whose record a failure belongs to, writes @p ready and
 * then helps. */
static PS_MUST ps_status make_and_write(const struct nodes_job *j, const struct chunk *next,
                                        const struct chunk *ready)
{
    ps_status st = PS_OK;

#pragma omp parallel num_threads(j->threads) default(none) shared(j, next, ready, st)
    {
#pragma omp master
        st = write_chunk(j, ready);
#pragma omp for schedule(dynamic, 16)
        for (uint64_t i = 0; i < next->count; i++)
            make_node(j, next, i);
    }
    return st;
}

ps_status ps_generate_nodes(struct ps_ctx *ctx, struct ps_dataset_writer *w, int threads,
                            const struct ps_node_maker *maker)
{
    struct nodes_job j = {.ctx = ctx, .w = w, .maker = maker, .threads = threads};
    uint64_t first = 0;
    ps_status st;

    j.nodes = ps_dataset_writer_meta(w)->nodes;
    j.dim = ps_dataset_writer_meta(w)->feature_dim;
    j.halves = ps_dataset_writer_meta(w)->feature_type == PS_TYPE_F16;
    PS_GO(st, take_chunks(&j));
    for (unsigned turn = 0; first < j.nodes || j.chunk[(turn + 1) % SLOTS].count > 0; turn++) {
        struct chunk *next = &j.chunk[turn % SLOTS];
        next->first = first;
        next->count = ps_min(j.chunk_nodes, j.nodes - first);
        first += next->count;
        PS_GO(st, make_and_write(&j, next, &j.chunk[(turn + 1) % SLOTS]));
    }
out:
    give_chunks(&j);
    return st;
}
