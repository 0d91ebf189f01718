/* SPDX-License-Identifier: Apache-2.0 */
#include "src/graph/sort.h"

#include <stdbool.h>
#include <stdlib.h>

enum { SHORT = 32 };

static int compare_ids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return (x > y) - (x < y);
}

void ps_sort_ids(uint64_t *id, uint64_t count)
{
    if (count > SHORT) {
        qsort(id, count, sizeof *id, compare_ids);
        return;
    }
    for (uint64_t i = 1; i < count; i++) {
        uint64_t x = id[i], j = i;
        for (; j > 0 && id[j - 1] > x; j--)
            id[j] = id[j - 1];
        id[j] = x;
    }
}

static bool pair_above(const struct ps_sort_pair *a, const struct ps_sort_pair *b)
{
    return a->id != b->id ? a->id > b->id : a->with > b->with;
}

static int compare_pairs(const void *a, const void *b)
{
    return (int)pair_above(a, b) - (int)pair_above(b, a);
}

void ps_sort_pairs(struct ps_sort_pair *pair, uint64_t count)
{
    if (count > SHORT) {
        qsort(pair, count, sizeof *pair, compare_pairs);
        return;
    }
    for (uint64_t i = 1; i < count; i++) {
        struct ps_sort_pair x = pair[i];
        uint64_t j = i;
        for (; j > 0 && pair_above(&pair[j - 1], &x); j--)
            pair[j] = pair[j - 1];
        pair[j] = x;
    }
}
