/* SPDX-License-Identifier: Apache-2.0 */
/* A fault plan of any text: refused with a sentence, or an answer for every call of every rank. */
#include "tests/fuzz/fuzz.h"

#include "io/sim_disk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t call[] = {1, 2, 17, UINT64_MAX};
    struct ps_fault_plan plan;
    char text[PS_TEXT_BYTES];
    size_t n = ps_min(size, sizeof text - 1);
    ps_status st;

    memcpy(text, data, n);
    text[n] = '\0';
    st = ps_fault_plan_parse(&plan, "--x", text, ps_disk_fault_kinds);
    fuzz_told(st);
    if (st != PS_OK)
        return 0;
    PS_ASSERT(plan.count <= PS_FAULTS_MAX);
    for (uint32_t i = 0; i < plan.count; i++) {
        const struct ps_fault *f = &plan.fault[i];
        PS_ASSERT(f->probability > 0 || (f->first >= 1 && f->first <= f->last));
        PS_ASSERT(f->probability >= 0 && f->probability <= 1 && f->seconds >= 0);
    }
    for (uint64_t i = 0; i < 4; i++) {
        const struct ps_fault *f = ps_fault_at(&plan, ps_key_make(1, PS_FOR_SEED_ORDER, 0, 0, 0),
                                               i % 2, call[i], UINT32_MAX);
        PS_ASSERT(f == NULL || (f >= plan.fault && f < plan.fault + plan.count));
    }
    return 0;
}
