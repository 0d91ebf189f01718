/* SPDX-License-Identifier: Apache-2.0 */
/* A JSON file that Python may have written: refused with a sentence, or a value that can be
 * written and read again. */
#include "tests/fuzz/fuzz.h"

#include "src/graph/python_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[FUZZ_PATH], *text;
    int fd = fuzz_file(data, size, path), twin_fd;
    struct ps_ctx ctx;
    json_t *j, *twin;
    ps_status st;

    fuzz_ctx(&ctx);
    st = ps_python_json_load(&ctx, path, &j);
    fuzz_told(st);
    PS_ASSERT((st == PS_OK) == (j != NULL));
    close(fd);
    if (st == PS_OK) {
        text = json_dumps(j, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
        PS_ASSERT(text != NULL);
        twin_fd = fuzz_file(text, strlen(text), path);
        st = ps_python_json_load(&ctx, path, &twin);
        PS_ASSERT(st == PS_OK && json_equal(j, twin));
        close(twin_fd);
        free(text);
        json_decref(twin);
    }
    json_decref(j);
    fuzz_end(&ctx);
    return 0;
}
