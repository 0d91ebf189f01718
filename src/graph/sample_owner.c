/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/sample_owner.h"

#include "src/graph/draw.h"

#include <omp.h>
#include <xxhash.h>

/* A mark beside the number of askers. */
#define COUNTED (UINT32_C(1) << 31)

enum { HASHED_WORDS = 4 };

ps_status ps_sample_owner_init(struct ps_sample_owner *o, struct ps_shard *shard)
{
    struct ps_mem *m = &ps_world_ctx(shard->world)->mem;
    uint32_t ranks = ps_world_ranks(shard->world);

    memset(o, 0, sizeof *o);
    o->shard = shard;
    o->id_bytes = shard->index32 != NULL ? 4 : 8;
    PS_TRY(PS_NEW(m, PS_MEM_TOPOLOGY, o->asked, shard->count));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, o->bytes, ranks));
    PS_TRY(PS_NEW(m, PS_MEM_EXCHANGE, o->next, ranks));
    return PS_NEW(m, PS_MEM_EXCHANGE, o->part, ranks);
}

void ps_sample_owner_fini(struct ps_sample_owner *o)
{
    struct ps_mem *m;

    if (o->shard == NULL)
        return;
    m = &ps_world_ctx(o->shard->world)->mem;
    ps_mem_free(m, &o->asked);
    ps_mem_free(m, &o->bytes);
    ps_mem_free(m, &o->part);
    ps_mem_free(m, &o->next);
    ps_mem_free(m, &o->reply);
    ps_mem_free(m, &o->list_at);
    ps_mem_free(m, &o->word);
    memset(o, 0, sizeof *o);
}

static uint64_t header_bytes(uint64_t n)
{
    return ps_align_up(3 * n * sizeof(uint32_t), 8);
}

static uint64_t answer_bytes(uint64_t n, uint64_t ids, size_t id_bytes)
{
    return header_bytes(n) + ps_align_up(ids * id_bytes, 8);
}

ps_status ps_answer_parse(struct ps_answer *a, const unsigned char *data, uint64_t left, uint64_t n,
                          size_t id_bytes, uint32_t rank, uint64_t *bytes)
{
    const uint32_t *word = (const uint32_t *)(const void *)data;
    uint64_t ids = 0;

    if (left >= header_bytes(n)) {
        *a = (struct ps_answer){word, word + n, word + 2 * n, data + header_bytes(n)};
        for (uint64_t i = 0; i < n; i++)
            ids += a->count[i];
    }
    *bytes = answer_bytes(n, ids, id_bytes);
    if (left < *bytes)
        PS_FAIL(PS_EPEER,
                "rank %u answered %" PRIu64 " questions with %" PRIu64 " bytes, expected %" PRIu64,
                rank, n, left, *bytes);
    return PS_OK;
}

/* Check what was heard; the sizes of all answers, and the longest list and the most questions
 * of a rank in one batch. */
static PS_MUST ps_status measure(struct ps_sample_owner *o, const struct ps_ask *ask,
                                 int64_t fanout, uint64_t *questions, uint64_t *longest)
{
    const struct ps_shard *g = o->shard;
    uint32_t ranks = ps_world_ranks(g->world);

    *questions = *longest = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        o->bytes[r] = 0;
        for (uint32_t b = 0; b < ask->groups; b++) {
            uint64_t n, ids = 0;
            const uint64_t *id = ps_ask_heard_group(ask, r, b, &n);
            for (uint64_t i = 0; i < n; i++) {
                uint64_t v = id[i] - g->first, k;
                if (v >= g->count)
                    PS_FAIL(PS_EPEER,
                            "rank %u asked rank %u for node %" PRIu64 ", which it does not own", r,
                            ps_world_rank(g->world), id[i]);
                k = ps_draw_count(ps_shard_degree(g, v), fanout);
                ids += k;
                *longest = ps_max(*longest, k);
            }
            o->bytes[r] += answer_bytes(n, ids, o->id_bytes);
            *questions = ps_max(*questions, n);
        }
    }
    return PS_OK;
}

/* By how many ranks each node of batch @p b is asked for; 0 again with @p by 0. */
static void count_askers(struct ps_sample_owner *o, const struct ps_ask *ask, uint32_t b,
                         uint32_t by)
{
    for (uint32_t r = 0; r < ps_world_ranks(o->shard->world); r++) {
        uint64_t n;
        const uint64_t *id = ps_ask_heard_group(ask, r, b, &n);
        for (uint64_t i = 0; i < n; i++) {
            uint32_t *asked = &o->asked[id[i] - o->shard->first];
            *asked = by == 0 ? 0 : *asked + by;
        }
    }
}

static void put_id(unsigned char *p, size_t width, uint64_t id)
{
    uint32_t narrow = (uint32_t)id; /* fits: id_bytes is 4 only where all ids do */

    if (width == sizeof narrow)
        memcpy(p, &narrow, sizeof narrow);
    else
        memcpy(p, &id, sizeof id);
}

/* One question: draw, write the list at @p p. @p word (4 + count) is room to hash in.
 * @return its part of the fingerprint */
static uint64_t answer_one(const struct ps_sample_owner *o, const struct ps_batch_id *id,
                           uint32_t hop, struct ps_key key, uint64_t v, uint64_t k,
                           unsigned char *p, uint64_t *word)
{
    const struct ps_shard *g = o->shard;
    uint64_t *list = word + HASHED_WORDS;

    ps_draw_positions(key, g->first + v, ps_shard_degree(g, v), k, list);
    for (uint64_t i = 0; i < k; i++) {
        list[i] = ps_shard_source(g, g->indptr[v] + list[i]);
        put_id(p + i * o->id_bytes, o->id_bytes, list[i]);
    }
    word[0] = id->epoch;
    word[1] = id->index;
    word[2] = hop;
    word[3] = g->first + v;
    return XXH3_64bits(word, (HASHED_WORDS + k) * sizeof *word);
}

/* Answer one rank in one batch. Its questions are distinct, so threads touch different marks.
 * @return where the answer ends */
static unsigned char *answer_rank(struct ps_sample_owner *o, const uint64_t *id, uint64_t n,
                                  unsigned char *reply, struct ps_sample *sample, uint32_t hop,
                                  int64_t fanout)
{
    const struct ps_batch_id *batch = &sample->id;
    const struct ps_shard *g = o->shard;
    uint32_t *degree = (uint32_t *)(void *)reply, *count = degree + n, *multiplicity = count + n;
    unsigned char *list = reply + header_bytes(n);
    struct ps_key key = ps_draw_key(batch->seed, batch->epoch, batch->index, hop);
    uint64_t sum = 0, *list_at = o->list_at, *word = o->word;
    int threads = ps_world_ctx(g->world)->threads;
    size_t word_max = o->word_cap / (size_t)threads;

    list_at[0] = 0;
    for (uint64_t i = 0; i < n; i++) {
        uint64_t d = ps_shard_degree(g, id[i] - g->first);
        degree[i] = d > UINT32_MAX ? UINT32_MAX : (uint32_t)d;
        count[i] = ps_u32(ps_draw_count(d, fanout));
        list_at[i + 1] = list_at[i] + count[i];
    }
#pragma omp parallel for num_threads(threads) schedule(static) default(none) reduction(+ : sum)    \
    firstprivate(o, g, batch, hop, key, id, n, count, list, list_at, word, word_max, multiplicity)
    for (uint64_t i = 0; i < n; i++) {
        uint64_t v = id[i] - g->first;
        uint64_t part = answer_one(o, batch, hop, key, v, count[i], list + list_at[i] * o->id_bytes,
                                   word + (size_t)omp_get_thread_num() * word_max);
        multiplicity[i] = o->asked[v] & ~COUNTED;
        if ((o->asked[v] & COUNTED) == 0) /* drawn for an earlier rank: the same, counted there */
            sum += part;
        o->asked[v] |= COUNTED;
    }
    sample->fingerprint += sum; /* integers modulo 2^64: the order does not matter */
    return reply + answer_bytes(n, list_at[n], o->id_bytes);
}

static bool same_batch(const struct ps_sample *a, const struct ps_sample *b)
{
    return memcmp(&a->id, &b->id, sizeof a->id) == 0;
}

ps_status ps_sample_owner_answer(struct ps_sample_owner *o, const struct ps_ask *ask,
                                 struct ps_sample *batch, uint32_t hop, int64_t fanout)
{
    struct ps_ctx *ctx = ps_world_ctx(o->shard->world);
    uint32_t ranks = ps_world_ranks(o->shard->world);
    uint64_t questions, longest, total = 0, n;

    PS_TRY(measure(o, ask, fanout, &questions, &longest));
    for (uint32_t r = 0; r < ranks; r++)
        total += o->bytes[r];
    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_EXCHANGE, o->reply, o->reply_cap, total, 0));
    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_BLOCKS, o->list_at, o->list_cap, questions + 1, 0));
    PS_TRY(PS_GROW(&ctx->mem, PS_MEM_BLOCKS, o->word, o->word_cap,
                   (HASHED_WORDS + longest) * (size_t)ctx->threads, 0));
    total = 0;
    for (uint32_t r = 0; r < ranks; r++) {
        o->part[r] = o->next[r] = o->reply + total;
        total += o->bytes[r];
    }
    for (uint32_t b = 0, end; b < ask->groups; b = end) {
        for (end = b; end < ask->groups && same_batch(&batch[b], &batch[end]); end++)
            count_askers(o, ask, end, 1);
        for (uint32_t part = b; part < end; part++)
            for (uint32_t r = 0; r < ranks; r++) {
                const uint64_t *id = ps_ask_heard_group(ask, r, part, &n);
                o->next[r] = answer_rank(o, id, n, o->next[r], &batch[part], hop, fanout);
            }
        for (uint32_t part = b; part < end; part++)
            count_askers(o, ask, part, 0);
    }
    return PS_OK;
}
