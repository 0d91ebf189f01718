/* SPDX-License-Identifier: Apache-2.0 */
/* A text file of any bytes, plain or gzip: as numbers of the kinds that the first byte says, and as
 * edges, twice: the second reading gives what the first gave. */
#include "tests/fuzz/fuzz_edges.h"

enum { LINES = 300 };

static ps_status take_words(struct ps_text *t, unsigned kinds)
{
    char shown[PS_TEXT_SHOWN];
    uint64_t u;
    int64_t i;
    double f;
    bool more;

    for (;; kinds >>= 2) {
        PS_ASSERT(t->at <= t->stop && *t->stop == '\0');
        PS_ASSERT(strlen(ps_text_shown(t, shown)) < sizeof shown);
        PS_TRY(ps_text_more(t, &more));
        if (!more)
            return ps_text_end(t, "nothing");
        switch (kinds & 3) {
        case 0:
            PS_TRY(ps_text_u64(t, "a count", &u));
            break;
        case 1:
            PS_TRY(ps_text_i64(t, "a number", &i));
            break;
        case 2:
            PS_TRY(ps_text_f64(t, "a number", &f));
            break;
        default:
            return ps_text_end(t, "fewer words");
        }
    }
}

static ps_status read_numbers(struct ps_ctx *ctx, const uint8_t *data, size_t size, unsigned kinds)
{
    struct ps_text *t;
    ps_status st = PS_OK;
    bool more = true;

    PS_TRY(ps_text_memory(&t, ctx, "input", data, size));
    for (int i = 0; i < LINES && more && st == PS_OK; i++) {
        st = i % 8 == 7 ? ps_text_line(t, &more) : ps_text_next(t, &more);
        if (st == PS_OK && more && i % 8 != 7)
            st = take_words(t, kinds);
    }
    ps_text_close(&t);
    return st;
}

static void read_edges(struct ps_ctx *ctx, const uint8_t *data, size_t size)
{
    struct ps_edge_source *s;
    ps_status st = ps_edge_source_text_memory(&s, ctx, "input", data, size);

    fuzz_told(st);
    if (st != PS_OK)
        return;
    fuzz_edges(s);
    ps_edge_source_close(&s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_ctx ctx;

    if (size == 0)
        return 0;
    fuzz_ctx(&ctx);
    fuzz_told(read_numbers(&ctx, data + 1, size - 1, data[0]));
    read_edges(&ctx, data + 1, size - 1);
    fuzz_end(&ctx);
    return 0;
}
