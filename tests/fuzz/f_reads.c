/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record of reads: refused with a sentence, or reads that an engine would take. */
#include "tests/fuzz/fuzz.h"

#include "io/read_trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ps_read_list l;
    char path[FUZZ_PATH];
    struct ps_ctx ctx;
    ps_status st;
    int fd;

    fuzz_ctx(&ctx);
    fd = fuzz_file(data, size, path);
    st = ps_read_list_load(&l, &ctx, path);
    fuzz_told(st);
    for (uint64_t i = 0; st == PS_OK && i < l.count; i++) {
        const struct ps_read_item *r = &l.item[i];

        PS_ASSERT(r->file < l.files && r->bytes > 0 && r->bytes <= l.largest);
        PS_ASSERT((r->offset | r->bytes) % 4096 == 0);
        PS_ASSERT(r->offset <= (uint64_t)INT64_MAX - r->bytes);
    }
    for (uint32_t i = 0; st == PS_OK && i < l.files; i++)
        PS_ASSERT(strchr(l.name[i], '/') == NULL && strlen(l.name[i]) > 0);
    ps_read_list_free(&l, &ctx);
    close(fd);
    fuzz_end(&ctx);
    return 0;
}
