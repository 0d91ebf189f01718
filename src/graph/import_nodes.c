/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels, splits and ids: what a node has beside edges and features.
 *
 * Splits come as files of node numbers (train, valid, test), as a matrix (a row for each
 * split), or as both. With both: where the node numbers say the same as some row, the rows
 * are the splits; else the node numbers are split 0 and the rows follow as 1 to S. The matrix
 * codes 0 train, 1 valid, 2 test, 3 none; the dataset 0 none, 1 train, 2 valid, 3 test.
 */
#include "src/graph/import_core.h"

#include <string.h>

enum { CHUNK_ITEMS = 32 * 1024, CLASSES_MAX = 1 << 20 };

static ps_status check_labels(struct ps_import *im, const int64_t *label, uint64_t first, size_t n,
                              int64_t *largest)
{
    for (size_t i = 0; i < n; i++) {
        int64_t end = im->classes != 0 ? (int64_t)im->classes : CLASSES_MAX;
        uint64_t item = first + i;
        if (label[i] < -1 || label[i] >= end)
            PS_FAIL(PS_EINPUT,
                    "%s: the label of node %" PRIu64 " is %" PRId64
                    ", expected -1 (none) to %" PRId64,
                    ps_npy_place(im->labels, &item), first + i, label[i], end - 1);
        *largest = label[i] > *largest ? label[i] : *largest;
    }
    return PS_OK;
}

ps_status ps_import_scan_labels(struct ps_import *im)
{
    struct ps_npy *a = im->labels;
    int64_t *label = NULL, largest = -1;
    char text[64];
    ps_status st;

    if (a == NULL) {
        im->classes = 0;
        return PS_OK;
    }
    PS_TRY(ps_import_want(a, a->head.rank == 2 && a->head.shape[1] == 1 ? 2 : 1, true,
                          "one label for each node"));
    if (a->items != im->nodes)
        PS_FAIL(PS_EINPUT, "%s: expected %" PRIu64 " labels, one for each node, found shape %s",
                a->path, im->nodes, ps_npy_shape_text(&a->head, text));
    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_STAGING, label, CHUNK_ITEMS));
    for (uint64_t i = 0; i < a->items; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, a->items - i);
        PS_GO(st, ps_npy_read_i64(a, i, n, label));
        PS_GO(st, check_labels(im, label, i, n, &largest));
    }
    if (im->classes == 0)
        im->classes = (uint64_t)(largest + 1);
    st = PS_OK;
out:
    ps_mem_free(&im->ctx->mem, &label);
    return st;
}

ps_status ps_import_write_labels(struct ps_import *im)
{
    int64_t *label = NULL, largest = -1;
    int32_t *out = NULL;
    ps_status st = PS_OK;

    if (im->classes == 0)
        return PS_OK;
    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, label, CHUNK_ITEMS));
    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, out, CHUNK_ITEMS));
    for (uint64_t i = 0; i < im->nodes; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, im->nodes - i);
        PS_GO(st, ps_npy_read_i64(im->labels, i, n, label));
        PS_GO(st, check_labels(im, label, i, n, &largest)); /* the file may have changed */
        for (size_t k = 0; k < n; k++)
            out[k] = (int32_t)label[k];
        PS_GO(st, ps_dataset_write(im->w, PS_ARRAY_LABELS, 0, out, n));
    }
out:
    ps_mem_free(&im->ctx->mem, &label);
    ps_mem_free(&im->ctx->mem, &out);
    return st;
}

/* Enter one file of node numbers into index_split. */
static PS_MUST ps_status mark_role(struct ps_import *im, unsigned role, int64_t *node)
{
    struct ps_npy *a = im->role[role];

    for (uint64_t i = 0; i < a->items; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, a->items - i);
        PS_TRY(ps_npy_read_i64(a, i, n, node));
        for (size_t k = 0; k < n; k++) {
            uint64_t item = i + k;
            const char *path = ps_npy_place(a, &item);
            uint8_t *mark;
            if (node[k] < 0 || (uint64_t)node[k] >= im->nodes)
                PS_FAIL(PS_EINPUT,
                        "%s: item %" PRIu64 " is node %" PRId64 ", expected 0 to %" PRIu64, path,
                        item, node[k], im->nodes - 1);
            mark = &im->index_split[node[k]];
            if (*mark == role + 1)
                PS_FAIL(PS_EINPUT, "%s: node %" PRId64 " is there twice", path, node[k]);
            if (*mark != 0)
                PS_FAIL(PS_EINPUT, "node %" PRId64 " is in two splits: %s and %s", node[k],
                        im->role[*mark - 1]->path, a->path);
            *mark = (uint8_t)(role + 1);
        }
    }
    im->role_count[role] = a->items;
    return PS_OK;
}

static PS_MUST ps_status mark_roles(struct ps_import *im)
{
    int64_t *node = NULL;
    ps_status st;

    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_TOPOLOGY, im->index_split, im->nodes));
    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_STAGING, node, CHUNK_ITEMS));
    for (unsigned r = 0; r < PS_IMPORT_ROLES; r++)
        if (im->role[r] != NULL) {
            PS_GO(st, ps_import_want(im->role[r], 1, true, "node numbers"));
            PS_GO(st, mark_role(im, r, node));
        }
    st = PS_OK;
out:
    ps_mem_free(&im->ctx->mem, &node);
    return st;
}

/* A piece of one row of the matrix, in the codes of the dataset. */
static PS_MUST ps_status read_splits(struct ps_import *im, uint64_t row, uint64_t first, size_t n,
                                     int64_t *code, uint8_t *out)
{
    static const uint8_t stored[4] = {PS_SPLIT_TRAIN, PS_SPLIT_VALID, PS_SPLIT_TEST, PS_SPLIT_NONE};

    PS_TRY(ps_npy_read_i64(im->splits, row * im->nodes + first, n, code));
    for (size_t i = 0; i < n; i++) {
        if (code[i] < 0 || code[i] > 3)
            PS_FAIL(PS_EINPUT,
                    "%s: row %" PRIu64 ", node %" PRIu64
                    ": expected 0 (train), 1 (valid), 2 (test) or 3 (none), found %" PRId64,
                    im->splits->path, row, first + i, code[i]);
        out[i] = stored[code[i]];
    }
    return PS_OK;
}

/* Check a row; is it the same as index_split, and how large are its roles? */
static PS_MUST ps_status scan_row(struct ps_import *im, uint64_t row, int64_t *code, uint8_t *split,
                                  bool *same, uint64_t count[4])
{
    *same = im->index_split != NULL;
    memset(count, 0, 4 * sizeof *count);
    for (uint64_t i = 0; i < im->nodes; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, im->nodes - i);
        PS_TRY(read_splits(im, row, i, n, code, split));
        *same = *same && memcmp(split, im->index_split + i, n) == 0;
        for (size_t k = 0; k < n; k++)
            count[split[k]]++;
    }
    return PS_OK;
}

static PS_MUST ps_status scan_rows(struct ps_import *im)
{
    int64_t *code = NULL;
    uint8_t *split = NULL;
    uint64_t rows = im->splits->head.shape[0], count[4], of_row_0[4] = {0};
    bool same, any_same = false;
    ps_status st;

    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, code, CHUNK_ITEMS));
    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, split, CHUNK_ITEMS));
    for (uint64_t r = 0; r < rows; r++) {
        PS_GO(st, scan_row(im, r, code, split, &same, count));
        any_same = any_same || same;
        if (r == 0)
            memcpy(of_row_0, count, sizeof count);
    }
    im->split_count = ps_u32(rows);
    if (im->index_split != NULL && !any_same) {
        im->split_count++;
        goto out;
    }
    ps_mem_free(&im->ctx->mem, &im->index_split); /* a row says the same */
    for (unsigned role = 0; role < PS_IMPORT_ROLES; role++)
        im->role_count[role] = of_row_0[role + 1];
out:
    ps_mem_free(&im->ctx->mem, &code);
    ps_mem_free(&im->ctx->mem, &split);
    return st;
}

ps_status ps_import_scan_splits(struct ps_import *im)
{
    struct ps_npy *a = im->splits;
    char text[64];

    im->split_count = 1;
    if (im->role[0] != NULL || im->role[1] != NULL || im->role[2] != NULL)
        PS_TRY(mark_roles(im));
    if (a == NULL)
        return PS_OK;
    PS_TRY(ps_import_want(a, 2, true, "a row for each split"));
    PS_TRY(ps_import_want_c_order(a));
    if (a->head.shape[1] != im->nodes || a->head.shape[0] == 0 || a->head.shape[0] > UINT16_MAX)
        PS_FAIL(PS_EINPUT,
                "%s: expected 1 to 65535 rows of %" PRIu64 " columns, one for each node, found "
                "shape %s",
                a->path, im->nodes, ps_npy_shape_text(&a->head, text));
    return scan_rows(im);
}

/* Split 0 is index_split if there is one; without any split all nodes are in none. */
ps_status ps_import_write_splits(struct ps_import *im)
{
    uint32_t plane = 0;
    int64_t *code = NULL;
    uint8_t *split = NULL;
    ps_status st;

    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, code, CHUNK_ITEMS));
    PS_GO(st, PS_NEW(&im->ctx->mem, PS_MEM_STAGING, split, CHUNK_ITEMS));
    if (im->index_split != NULL)
        PS_GO(st, ps_dataset_write(im->w, PS_ARRAY_SPLIT, plane++, im->index_split, im->nodes));
    for (uint64_t row = 0; plane < im->split_count; plane++, row++)
        for (uint64_t i = 0; i < im->nodes; i += CHUNK_ITEMS) {
            size_t n = ps_min(CHUNK_ITEMS, im->nodes - i);
            if (im->splits != NULL)
                PS_GO(st, read_splits(im, row, i, n, code, split));
            PS_GO(st, ps_dataset_write(im->w, PS_ARRAY_SPLIT, plane, split, n));
        }
out:
    ps_mem_free(&im->ctx->mem, &code);
    ps_mem_free(&im->ctx->mem, &split);
    return st;
}

/* The ids of the input are its node numbers. */
ps_status ps_import_write_ids(struct ps_import *im)
{
    uint64_t *id = NULL;
    ps_status st;

    PS_TRY(PS_NEW(&im->ctx->mem, PS_MEM_STAGING, id, CHUNK_ITEMS));
    for (uint64_t i = 0; i < im->nodes; i += CHUNK_ITEMS) {
        size_t n = ps_min(CHUNK_ITEMS, im->nodes - i);
        for (size_t k = 0; k < n; k++)
            id[k] = i + k;
        PS_GO(st, ps_dataset_write(im->w, PS_ARRAY_ORIG_ID, 0, id, n));
    }
    st = PS_OK;
out:
    ps_mem_free(&im->ctx->mem, &id);
    return st;
}
