/* SPDX-License-Identifier: Apache-2.0 */
/* Cutting with METIS_PartGraphKway under up to three constraints; see partition.h. */
#include "src/graph/metis_graph.h"

#include "src/base/rng.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 1 << 15, CONSTRAINTS = 3 };

/* METIS's own memory, from above: peak RSS less ours, over generated graphs of 20,000 to 2,000,000
 * nodes with mean degrees of 2 to 100, cut in 4 to 64. */
enum { METIS_BYTES_PER_ENTRY = 42, METIS_BYTES_PER_NODE = 140 };

ps_status ps_metis_check(uint64_t nodes, uint64_t edges, bool symmetrised)
{
    uint64_t most = IDX_MAX, entries = symmetrised ? edges : 2 * ps_min(edges, UINT64_MAX / 2);

    if (nodes >= most)
        PS_FAIL(PS_EUSAGE,
                "%" PRIu64 " nodes are more than the ids of METIS hold, %" PRIu64
                "; use --method range",
                nodes, most - 1);
    if (entries > most)
        PS_FAIL(PS_EUSAGE,
                "%" PRIu64 " edges are up to %" PRIu64
                " once each is there in both directions, more than the ids of METIS hold, %" PRIu64
                "; use --method range",
                edges, entries, most);
    return PS_OK;
}

static PS_MUST ps_status check_budget(const struct ps_source *s)
{
    const struct ps_mem *m = &s->ctx->mem;
    uint64_t limit = atomic_load(&m->limit_bytes), used = atomic_load(&m->used_bytes);
    uint64_t entries = s->meta->symmetrised ? s->meta->edges : 2 * s->meta->edges;
    uint64_t ours = entries * 4 + s->meta->nodes * 40;
    uint64_t its = entries * METIS_BYTES_PER_ENTRY + s->meta->nodes * METIS_BYTES_PER_NODE;

    if (limit != 0 && used + ours + its > limit)
        PS_FAIL(PS_EUSAGE,
                "cutting %" PRIu64 " nodes and %" PRIu64 " edges with METIS takes about %" PRIu64
                " bytes, and --memory has %" PRIu64 "; give it more or use --method range",
                s->meta->nodes, s->meta->edges, used + ours + its, limit);
    return PS_OK;
}

ps_status ps_cut_training(struct ps_source *s, uint64_t first, uint64_t count, uint8_t *any,
                          uint8_t *scratch)
{
    memset(any, 0, count);
    for (uint32_t plane = 0; plane < s->meta->splits; plane++) {
        PS_TRY(ps_source_split(s, plane, first, count, scratch));
        for (uint64_t i = 0; i < count; i++)
            any[i] |= scratch[i] == PS_SPLIT_TRAIN;
    }
    return PS_OK;
}

/* What METIS is asked to balance. */
struct balance {
    idx_t *weight; /* (nodes, count) */
    idx_t count;   /* constraints; those that are zero everywhere are left out */
};

static PS_MUST ps_status load_weights(struct ps_source *s, struct balance *b)
{
    struct ps_mem *m = &s->ctx->mem;
    uint64_t *degree = NULL, sum[CONSTRAINTS] = {0, 0, 0}, n = s->meta->nodes;
    uint8_t *any = NULL, *scratch = NULL;
    idx_t *out;
    ps_status st;

    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, b->weight, n * CONSTRAINTS));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, degree, PIECE));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, any, PIECE));
    PS_GO(st, PS_NEW(m, PS_MEM_STAGING, scratch, PIECE));
    for (uint64_t v = 0, count; v < n; v += count) {
        count = ps_min(PIECE, n - v);
        PS_GO(st, ps_source_lengths(s, PS_ARRAY_INDPTR, v, count, degree));
        PS_GO(st, ps_cut_training(s, v, count, any, scratch));
        for (uint64_t i = 0; i < count; i++) {
            const uint64_t w[CONSTRAINTS] = {1, degree[i], any[i]};
            for (int c = 0; c < CONSTRAINTS; c++) {
                b->weight[(v + i) * CONSTRAINTS + (uint64_t)c] = (idx_t)w[c]; /* E <= IDX_MAX */
                sum[c] += w[c];
            }
        }
    }
    out = b->weight; /* close up over constraints without weight, in place */
    for (uint64_t i = 0; i < n * CONSTRAINTS; i++)
        if (sum[i % CONSTRAINTS] > 0)
            *out++ = b->weight[i];
    for (int c = 0; c < CONSTRAINTS; c++)
        b->count += sum[c] > 0;
out:
    ps_mem_free(m, &degree);
    ps_mem_free(m, &any);
    ps_mem_free(m, &scratch);
    return st;
}

/* METIS prints on stdout that a small graph has too few nodes, and stdout belongs to the report:
 * it goes nowhere meanwhile. @p saved: where it went */
static PS_MUST ps_status stdout_off(int *saved)
{
    int nowhere, rc;

    fflush(stdout);
    *saved = dup(STDOUT_FILENO);
    nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
    rc = *saved < 0 || nowhere < 0 ? -1 : dup2(nowhere, STDOUT_FILENO);
    if (rc < 0)
        ps_err_set(PS_EIO, errno, __FILE__, __LINE__, "cannot keep METIS from printing on stdout");
    if (rc < 0 && *saved >= 0)
        close(*saved);
    if (nowhere >= 0)
        close(nowhere);
    return rc < 0 ? PS_EIO : PS_OK;
}

static void stdout_on(int saved)
{
    fflush(stdout);
    PS_ASSERT(dup2(saved, STDOUT_FILENO) >= 0);
    close(saved);
}

static PS_MUST ps_status call_metis(struct ps_metis_graph *g, const struct ps_opts *o,
                                    const struct balance *b, idx_t *part)
{
    idx_t options[METIS_NOPTIONS], parts = (idx_t)o->partition.parts, count = b->count, cut;
    struct ps_key key = ps_key_make(o->common.seed, PS_FOR_PARTITION, 0, 0, 0);
    real_t most[CONSTRAINTS];
    int rc, saved;

    METIS_SetDefaultOptions(options);
    options[METIS_OPTION_NUMBERING] = 0;
    options[METIS_OPTION_SEED] = (idx_t)(key.k[0] & INT32_MAX);
    for (int c = 0; c < CONSTRAINTS; c++)
        most[c] = (real_t)(1 + o->partition.imbalance);
    PS_TRY(stdout_off(&saved));
    rc = METIS_PartGraphKway(&g->nodes, &count, g->xadj, g->adjncy, b->weight, NULL, NULL, &parts,
                             NULL, most, options, &cut, part);
    stdout_on(saved);
    if (rc == METIS_ERROR_MEMORY)
        PS_FAIL(PS_EMEM, "METIS ran out of memory on %lld nodes and %lld entries",
                (long long)g->nodes, (long long)g->xadj[g->nodes]);
    if (rc != METIS_OK)
        PS_FAIL(PS_EUSAGE,
                "METIS failed with code %d on %lld nodes in %lld partitions; use "
                "--method range",
                rc, (long long)g->nodes, (long long)parts);
    return PS_OK;
}

/* METIS leaves partitions empty where the graph is small or its weights are coarse: each gets
 * the last node of the largest one. @p size (parts) */
static void fill_empty(const struct ps_metis_graph *g, idx_t *part, uint64_t *size, uint32_t parts)
{
    for (uint32_t k = 0; k < parts; k++) {
        uint32_t largest = 0;
        idx_t v = g->nodes - 1;
        if (size[k] > 0)
            continue;
        for (uint32_t j = 1; j < parts; j++)
            if (size[j] > size[largest])
                largest = j;
        while (part[v] != (idx_t)largest)
            v--;
        part[v] = (idx_t)k;
        size[largest]--;
        size[k]++;
    }
}

static PS_MUST ps_status set_offsets(struct ps_source *s, const struct ps_metis_graph *g,
                                     idx_t *part, struct ps_cut *c)
{
    struct ps_mem *m = &s->ctx->mem;
    uint64_t *size = NULL;

    PS_TRY(PS_NEW(m, PS_MEM_OTHER, size, c->parts));
    for (idx_t v = 0; v < g->nodes; v++)
        size[part[v]]++;
    fill_empty(g, part, size, c->parts);
    for (uint32_t k = 0; k < c->parts; k++)
        c->offsets[k + 1] = c->offsets[k] + size[k];
    ps_mem_free(m, &size);
    return PS_OK;
}

ps_status ps_cut_metis(struct ps_source *s, const struct ps_opts *o, struct ps_cut *c)
{
    struct ps_mem *m = &s->ctx->mem;
    struct ps_metis_graph g = {0};
    struct balance b = {0};
    size_t n = s->meta->nodes;
    idx_t *part = NULL;
    ps_status st;

    memset(c, 0, sizeof *c);
    c->parts = ps_u32(o->partition.parts);
    PS_TRY(ps_metis_check(n, s->meta->edges, s->meta->symmetrised));
    PS_TRY(check_budget(s));
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, c->offsets, (size_t)c->parts + 1));
    PS_GO(st, PS_NEW(m, PS_MEM_OTHER, part, n));
    PS_GO(st, ps_metis_graph_load(&g, s));
    if (c->parts > 1) { /* METIS divides by the logarithm of the number of partitions */
        PS_GO(st, load_weights(s, &b));
        PS_GO(st, call_metis(&g, o, &b, part));
        ps_mem_free(m, &b.weight);
    }
    PS_GO(st, set_offsets(s, &g, part, c));
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, c->old_of, n));
    PS_GO(st, PS_NEW(m, PS_MEM_TOPOLOGY, c->new_of, n));
    ps_metis_order(&g, part, c);
out:
    ps_mem_free(m, &b.weight);
    ps_mem_free(m, &part);
    ps_metis_graph_fini(m, &g);
    return st;
}
