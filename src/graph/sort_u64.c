/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of neighbours are short and mostly sorted when they arrive, with a few very long
 * ones (hubs). So: a look whether there is anything to do, insertion for short rows,
 * heapsort for the rest, which has no bad case and needs no memory. glibc's qsort takes
 * memory that no budget knows of.
 */
#include "src/graph/sort_u64.h"

enum { INSERTION_MAX = 32 };

static void insertion(uint64_t *x, size_t n)
{
    for (size_t i = 1; i < n; i++) {
        uint64_t v = x[i];
        size_t k = i;
        for (; k > 0 && x[k - 1] > v; k--)
            x[k] = x[k - 1];
        x[k] = v;
    }
}

/* Let x[at] sink to its place in the heap x[0..n). */
static void sink(uint64_t *x, size_t at, size_t n)
{
    uint64_t v = x[at];

    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        if (child + 1 < n && x[child + 1] > x[child])
            child++;
        if (x[child] <= v)
            break;
        x[at] = x[child];
    }
    x[at] = v;
}

void ps_sort_u64(uint64_t *x, size_t n)
{
    size_t sorted = 1;

    while (sorted < n && x[sorted - 1] <= x[sorted])
        sorted++;
    if (sorted >= n)
        return;
    if (n <= INSERTION_MAX) {
        insertion(x, n);
        return;
    }
    for (size_t i = n / 2; i-- > 0;)
        sink(x, i, n);
    for (size_t end = n - 1; end > 0; end--) {
        uint64_t largest = x[0];
        x[0] = x[end];
        x[end] = largest;
        sink(x, 0, end);
    }
}
