/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Labels and node numbers in text files: a line for each. They are laid down once in a temporary
 * file beside the result and are arrays like others from there on.
 *
 * Labels come as "label", a line for each node in order, or as "node label" in any order; nodes
 * that have no line then have no label. The first line says which.
 */
#include "src/graph/import_options.h"

#include "src/graph/paths.h"
#include "src/graph/spool.h"

#include <string.h>

enum { LABELS_MAX = 1 << 20 };

struct lines {
    struct ps_import *im;
    struct ps_paths paths;
    struct ps_text *text; /* the file in hand */
    struct ps_spool spool;
    uint64_t count; /* items in the spool */
    int32_t *label; /* (N) of pairs; none yet: INT32_MIN */
};

/* A ps_status function for one line of the file in hand. */
typedef ps_status line_fn(struct lines *l);

static void lines_fini(struct lines *l)
{
    ps_text_close(&l->text);
    ps_spool_fini(&l->spool);
    ps_paths_fini(&l->paths);
    ps_mem_free(&l->im->ctx->mem, &l->label);
}

static PS_MUST ps_status lines_init(struct lines *l, struct ps_import *im, const char *list)
{
    *l = (struct lines){.im = im};
    PS_TRY(ps_import_check_output(im)); /* the spool lies beside it */
    PS_TRY(ps_paths_split(&l->paths, im->ctx, list));
    return ps_spool_init(&l->spool, im->ctx, l->paths.item[0], im->beside, 0);
}

/* Call @p fn for each line of each file. */
static PS_MUST ps_status each_line(struct lines *l, line_fn *fn)
{
    bool more;

    for (uint32_t k = 0; k < l->paths.count; k++) {
        PS_TRY(ps_text_open(&l->text, l->im->ctx, l->paths.item[k]));
        for (;;) {
            PS_TRY(ps_text_next(l->text, &more));
            if (!more)
                break;
            PS_TRY(fn(l));
        }
        ps_text_close(&l->text);
        PS_TRY(ps_import_note(l->im, l->paths.item[k]));
    }
    return PS_OK;
}

static PS_MUST ps_status put(struct lines *l, int64_t x)
{
    l->count++;
    return ps_spool_put(&l->spool, &x, sizeof x);
}

/* What was put becomes the array. */
static PS_MUST ps_status finish(struct lines *l, struct ps_npy **a)
{
    const struct ps_npy_header head = {.type = PS_NPY_I8, .rank = 1, .shape = {l->count, 1}};

    return ps_spool_end(&l->spool, &head, a);
}

static PS_MUST ps_status take_label(struct lines *l, int64_t *x)
{
    int64_t end = l->im->classes != 0 ? (int64_t)l->im->classes : LABELS_MAX;

    PS_TRY(ps_text_i64(l->text, "a label", x));
    if (*x < -1 || *x >= end)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 " has label %" PRId64 ", expected -1 (none) to %" PRId64,
                l->text->path, l->text->line, *x, end - 1);
    return PS_OK;
}

static ps_status put_label(struct lines *l)
{
    int64_t x;

    PS_TRY(take_label(l, &x));
    PS_TRY(ps_text_end(l->text, "one label, as in the first line"));
    return put(l, x);
}

static ps_status put_node(struct lines *l)
{
    int64_t x;

    PS_TRY(ps_text_i64(l->text, "a node number", &x));
    if (x < 0 || (uint64_t)x >= l->im->nodes)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 " has node %" PRId64 ", expected 0 to %" PRIu64 " (%" PRIu64
                " nodes)",
                l->text->path, l->text->line, x, l->im->nodes - 1, l->im->nodes);
    PS_TRY(ps_text_end(l->text, "one node number"));
    return put(l, x);
}

static ps_status set_label(struct lines *l)
{
    struct ps_text *t = l->text;
    uint64_t node;
    int64_t x;

    PS_TRY(ps_text_u64(t, "a node number", &node));
    PS_TRY(take_label(l, &x));
    PS_TRY(ps_text_end(t, "a node number and its label"));
    if (node >= l->im->nodes)
        PS_FAIL(PS_EINPUT,
                "%s: line %" PRIu64 " has node %" PRIu64 ", expected 0 to %" PRIu64 " (%" PRIu64
                " nodes)",
                t->path, t->line, node, l->im->nodes - 1, l->im->nodes);
    if (l->label[node] != INT32_MIN)
        PS_FAIL(PS_EINPUT, "%s: line %" PRIu64 ": node %" PRIu64 " has a label already", t->path,
                t->line, node);
    l->label[node] = (int32_t)x; /* below LABELS_MAX */
    return PS_OK;
}

ps_status ps_import_text_labels_form(struct ps_import *im, const char *list, bool *pairs)
{
    struct lines l;
    int64_t unused;
    bool more;
    ps_status st;

    *pairs = false;
    l = (struct lines){.im = im};
    PS_GO(st, ps_paths_split(&l.paths, im->ctx, list));
    PS_GO(st, ps_text_open(&l.text, im->ctx, l.paths.item[0]));
    PS_GO(st, ps_text_next(l.text, &more));
    if (!more)
        PS_GO_FAIL(st, PS_EINPUT, "%s: expected a label in each line, found no line", l.text->path);
    PS_GO(st, ps_text_i64(l.text, "a label, or a node number and its label", &unused));
    PS_GO(st, ps_text_more(l.text, pairs));
out:
    lines_fini(&l);
    return st;
}

static PS_MUST ps_status read_pairs(struct lines *l)
{
    PS_TRY(PS_NEW(&l->im->ctx->mem, PS_MEM_TOPOLOGY, l->label, l->im->nodes));
    for (uint64_t v = 0; v < l->im->nodes; v++)
        l->label[v] = INT32_MIN;
    PS_TRY(each_line(l, set_label));
    for (uint64_t v = 0; v < l->im->nodes; v++)
        PS_TRY(put(l, l->label[v] == INT32_MIN ? -1 : l->label[v]));
    return PS_OK;
}

ps_status ps_import_text_labels(struct ps_import *im, const char *list, bool pairs,
                                struct ps_npy **a)
{
    struct lines l;
    ps_status st;

    PS_GO(st, lines_init(&l, im, list));
    PS_GO(st, pairs ? read_pairs(&l) : each_line(&l, put_label));
    PS_GO(st, finish(&l, a));
out:
    lines_fini(&l);
    return st;
}

ps_status ps_import_text_nodes(struct ps_import *im, const char *list, struct ps_npy **a)
{
    struct lines l;
    ps_status st;

    PS_GO(st, lines_init(&l, im, list));
    PS_GO(st, each_line(&l, put_node));
    PS_GO(st, finish(&l, a));
out:
    lines_fini(&l);
    return st;
}

ps_status ps_import_is_text(struct ps_import *im, const char *list, bool *text)
{
    struct ps_paths paths;
    struct ps_stream *s = NULL;
    unsigned char b[1] = {0};
    size_t n, got;
    ps_status st;

    PS_TRY(ps_paths_split(&paths, im->ctx, list));
    n = strlen(paths.item[0]);
    *text = n < 4 || strcmp(paths.item[0] + n - 4, ".npy") != 0;
    if (*text) { /* an array of another name */
        PS_GO(st, ps_stream_open(&s, im->ctx, paths.item[0]));
        PS_GO(st, ps_stream_read(s, b, sizeof b, &got));
        *text = b[0] != 0x93;
    }
    st = PS_OK;
out:
    ps_stream_close(&s);
    ps_paths_fini(&paths);
    return st;
}
