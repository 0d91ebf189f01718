/* SPDX-License-Identifier: Apache-2.0 */
/* As sort_u64.c, for pairs: insertion for short rows, heapsort for the rest. */
#include "src/graph/sort_pairs.h"

#include <stdbool.h>

enum { INSERTION_MAX = 32 };

static bool above(const struct ps_sort_pair *a, const struct ps_sort_pair *b)
{
    return a->id != b->id ? a->id > b->id : a->with > b->with;
}

static void insertion(struct ps_sort_pair *pair, uint64_t count)
{
    for (uint64_t i = 1; i < count; i++) {
        struct ps_sort_pair x = pair[i];
        uint64_t j = i;
        for (; j > 0 && above(&pair[j - 1], &x); j--)
            pair[j] = pair[j - 1];
        pair[j] = x;
    }
}

/* Let pair[at] sink to its place in the heap pair[0..count). */
static void sink(struct ps_sort_pair *pair, uint64_t at, uint64_t count)
{
    struct ps_sort_pair x = pair[at];

    for (uint64_t child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && above(&pair[child + 1], &pair[child]))
            child++;
        if (!above(&pair[child], &x))
            break;
        pair[at] = pair[child];
    }
    pair[at] = x;
}

void ps_sort_pairs(struct ps_sort_pair *pair, uint64_t count)
{
    if (count <= INSERTION_MAX) {
        insertion(pair, count);
        return;
    }
    for (uint64_t i = count / 2; i-- > 0;)
        sink(pair, i, count);
    for (uint64_t end = count - 1; end > 0; end--) {
        struct ps_sort_pair largest = pair[0];
        pair[0] = pair[end];
        pair[end] = largest;
        sink(pair, 0, end);
    }
}
