/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files, without libFuzzer: each argument is a file or a folder of files.
 * A crash names its file on stderr. Fails where there was nothing to run.
 */
#include "tests/fuzz/fuzz.h"

#include <dirent.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

enum { INPUT_MAX = 1 << 20, NAME_MAX_BYTES = 1024 };

static int run_file(const char *path)
{
    uint8_t *data = malloc(INPUT_MAX);
    FILE *f = fopen(path, "rb");
    size_t n;

    if (f == NULL || data == NULL) {
        fprintf(stderr, "replay: cannot read %s\n", path);
        exit(2);
    }
    n = fread(data, 1, INPUT_MAX, f);
    fclose(f);
    fprintf(stderr, "%s\n", path); /* the last line before a crash */
    data = realloc(data, n + 1);   /* so that one byte beyond is seen */
    (void)LLVMFuzzerTestOneInput(data, n);
    free(data);
    return 1;
}

static int run(const char *path)
{
    char inner[NAME_MAX_BYTES];
    DIR *d = opendir(path);
    struct dirent *e;
    int files = 0;

    if (d == NULL)
        return access(path, F_OK) == 0 ? run_file(path) : 0;
    while ((e = readdir(d)) != NULL)
        if (e->d_name[0] != '.') {
            PS_ASSERT((size_t)snprintf(inner, sizeof inner, "%s/%s", path, e->d_name) <
                      sizeof inner);
            files += run_file(inner);
        }
    closedir(d);
    return files;
}

int main(int argc, char **argv)
{
    int files = 0;

    if (LLVMFuzzerInitialize != NULL)
        LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++)
        files += run(argv[i]);
    printf("%d inputs\n", files);
    return files > 0 ? 0 : 1;
}
