/* SPDX-License-Identifier: Apache-2.0 */
/* The split in use: who is trained on, selected on, tested on. */
#include "src/graph/shard.h"

static PS_MUST ps_status read_split(struct ps_shard *s, uint32_t k)
{
    for (uint32_t i = 0; i < s->part_count; i++) {
        const struct ps_shard_part *p = &s->part[i];
        struct ps_extent e = {.file = p->file,
                              .offset = p->split_offset + (uint64_t)k * p->count,
                              .bytes = p->count,
                              .dst = s->split + p->first};
        PS_TRY(ps_world_fetch(s->world, &e, 1));
    }
    return PS_OK;
}

/* A node that counts must have a label that the model can give. */
static PS_MUST ps_status check_node(const struct ps_shard *s, uint64_t v, uint32_t k)
{
    if (s->split[v] > PS_SPLIT_TEST)
        PS_FAIL(PS_EINPUT, "%s: split %u of node %" PRIu64 " is %u, expected 0 to %d",
                ps_dataset_path(s->dataset), k, s->first + v, s->split[v], PS_SPLIT_TEST);
    if (s->split[v] == PS_SPLIT_NONE)
        return PS_OK;
    if (s->label[v] < 0 || (uint32_t)s->label[v] >= s->meta->classes)
        PS_FAIL(PS_EINPUT,
                "%s: node %" PRIu64 " is in split %u but has the label %d, expected 0 to %u",
                ps_dataset_path(s->dataset), s->first + v, k, s->label[v],
                s->meta->classes == 0 ? 0 : s->meta->classes - 1);
    return PS_OK;
}

static PS_MUST ps_status list_training(struct ps_shard *s, uint32_t k)
{
    uint32_t rank = ps_world_rank(s->world);
    uint64_t want = s->train_begin[rank + 1] - s->train_begin[rank], n = 0;

    PS_TRY(PS_GROW(&ps_world_ctx(s->world)->mem, PS_MEM_TOPOLOGY, s->train_node, s->train_cap, want,
                   0));
    for (uint64_t v = 0; v < s->count; v++) {
        PS_TRY(check_node(s, v, k));
        if (s->split[v] == PS_SPLIT_TRAIN && n++ < want)
            s->train_node[n - 1] = ps_u32(v);
    }
    if (n != want)
        PS_FAIL(PS_EINPUT,
                "%s: split %u has %" PRIu64 " training nodes in nodes %" PRIu64 " to %" PRIu64
                ", expected %" PRIu64 " by train_offsets of meta.h5",
                ps_dataset_path(s->dataset), k, n, s->first, s->first + s->count, want);
    return PS_OK;
}

static PS_MUST ps_status use_split(struct ps_shard *s, uint32_t k)
{
    uint32_t ranks = ps_world_ranks(s->world), first, count;
    const uint64_t *train;

    if (k >= s->meta->splits)
        PS_FAIL(PS_EUSAGE, "%s has %u splits: --split takes 0 to %u or all, found %u",
                ps_dataset_path(s->dataset), s->meta->splits,
                s->meta->splits == 0 ? 0 : s->meta->splits - 1, k);
    train = s->meta->train_offsets + (uint64_t)k * (s->meta->parts + 1);
    for (uint32_t r = 0; r < ranks; r++) {
        ps_shard_parts_of(s->meta->parts, ranks, r, &first, &count);
        s->train_begin[r] = train[first];
    }
    s->train_begin[ranks] = train[s->meta->parts];
    PS_TRY(read_split(s, k));
    PS_TRY(list_training(s, k));
    s->split_index = k;
    return PS_OK;
}

ps_status ps_shard_use_split(struct ps_shard *s, uint32_t k)
{
    return ps_world_agree(s->world, use_split(s, k));
}
