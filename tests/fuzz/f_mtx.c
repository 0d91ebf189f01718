/* SPDX-License-Identifier: Apache-2.0 */
/* A Matrix Market file of any bytes, plain or gzip: refused with a sentence, or as many edges as
 * its header says, with the same ones at each reading. */
#include "tests/fuzz/fuzz_edges.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t nodes = 0, edges;
    struct ps_edge_source *s;
    struct ps_ctx ctx;
    ps_status st;

    fuzz_ctx(&ctx);
    st = ps_edge_source_mtx_memory(&s, &ctx, "input", data, size, &nodes);
    fuzz_told(st);
    PS_ASSERT((st == PS_OK) == (s != NULL));
    if (st == PS_OK) {
        edges = s->edges;
        PS_ASSERT(edges != PS_EDGES_UNKNOWN);
        s->nodes = nodes;
        st = fuzz_edges(s);
        PS_ASSERT(st != PS_OK || s->edges == edges);
    }
    ps_edge_source_close(&s);
    fuzz_end(&ctx);
    return 0;
}
