/* SPDX-License-Identifier: Apache-2.0 */
#include "io/read_trace.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char first_line[] = "# penstock reads 1\n";

struct ps_read_trace {
    struct ps_ctx *ctx;
    FILE *out;
    uint32_t files; /* whose names are written */
    uint64_t count;
    char path[PS_TEXT_BYTES + 16];
};

ps_status ps_read_trace_new(struct ps_read_trace **t, struct ps_ctx *ctx, const char *path)
{
    struct ps_read_trace *p;
    ps_status st;

    *t = NULL;
    PS_TRY(PS_NEW(&ctx->mem, PS_MEM_OTHER, p, 1));
    p->ctx = ctx;
    if (strlen(path) >= PS_TEXT_BYTES)
        PS_GO_FAIL(st, PS_EUSAGE, "the name of the record of reads, %.64s..., is too long", path);
    if (ctx->log.rank == 0)
        snprintf(p->path, sizeof p->path, "%s", path);
    else
        snprintf(p->path, sizeof p->path, "%s.%d", path, ctx->log.rank);
    p->out = fopen(p->path, "we");
    if (p->out == NULL || fputs(first_line, p->out) == EOF) {
        ps_err_set(st = PS_EIO, errno, __FILE__, __LINE__, "cannot write the record of reads %s",
                   p->path);
        goto out;
    }
    *t = p;
    return PS_OK;
out:
    if (p->out != NULL)
        fclose(p->out);
    ps_mem_free(&ctx->mem, &p);
    return st;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash != NULL ? slash + 1 : path;
}

void ps_read_trace_put(struct ps_read_trace *t, const struct ps_io *io, const struct ps_io_req *r)
{
    for (; t->files <= r->file; t->files++)
        (void)fprintf(t->out, "file %" PRIu32 " %s\n", t->files,
                      base_name(ps_io_path(io, t->files)));
    t->count++;
    (void)fprintf(t->out, "%" PRIu32 " %" PRIu64 " %" PRIu32 "\n", r->file, r->offset, r->len);
}

void ps_read_trace_end(struct ps_read_trace **t)
{
    struct ps_read_trace *p = *t;
    bool bad;

    if (p == NULL)
        return;
    bad = ferror(p->out) || fprintf(p->out, "end %" PRIu64 "\n", p->count) < 0;
    bad = fclose(p->out) != 0 || bad;
    if (bad)
        ps_log_here(&p->ctx->log, "cannot write the end of %s: the record of reads is not whole",
                    p->path);
    ps_mem_free(&p->ctx->mem, t);
}

/* A record while it is read. */
struct reading {
    struct ps_read_list *list;
    struct ps_ctx *ctx;
    const char *path;
    uint64_t line;
    bool ended;
};

/* A whole number and what follows it. @return false if there is none up to @p max */
static bool number(const char **p, uint64_t max, uint64_t *x)
{
    char *end;

    if (**p < '0' || **p > '9')
        return false;
    errno = 0;
    *x = strtoull(*p, &end, 10);
    if (errno != 0 || *x > max || (*end != ' ' && *end != '\0'))
        return false;
    *p = *end == ' ' ? end + 1 : end;
    return true;
}

static PS_MUST ps_status bad_line(const struct reading *r, const char *what)
{
    PS_FAIL(PS_EINPUT, "%s, line %" PRIu64 ": expected %s", r->path, r->line, what);
}

static PS_MUST ps_status take_file(struct reading *r, const char *text)
{
    struct ps_read_list *l = r->list;
    uint64_t k;

    if (!number(&text, PS_IO_FILES_MAX - 1, &k) || k != l->files || *text == '\0' ||
        strlen(text) >= PS_READ_NAME_BYTES || strchr(text, '/') != NULL)
        return bad_line(r, "`file NUMBER NAME`, numbers from 0 up, a name without folder");
    PS_TRY(PS_GROW(&r->ctx->mem, PS_MEM_OTHER, l->name, l->name_cap, l->files + 1, l->files));
    memcpy(l->name[l->files++], text, strlen(text) + 1);
    return PS_OK;
}

static PS_MUST ps_status take_read(struct reading *r, const char *text)
{
    struct ps_read_list *l = r->list;
    uint64_t file, offset, bytes;

    if (!number(&text, PS_IO_FILES_MAX - 1, &file) || file >= l->files ||
        !number(&text, INT64_MAX / 2, &offset) || !number(&text, INT32_MAX, &bytes) ||
        *text != '\0' || bytes == 0 || (offset | bytes) % 4096 != 0)
        return bad_line(r, "`FILE OFFSET BYTES`, a file named above, multiples of 4096");
    PS_TRY(PS_GROW(&r->ctx->mem, PS_MEM_OTHER, l->item, l->item_cap, l->count + 1, l->count));
    l->item[l->count++] = (struct ps_read_item){ps_u32(file), ps_u32(bytes), offset};
    l->largest = bytes > l->largest ? ps_u32(bytes) : l->largest;
    return PS_OK;
}

static PS_MUST ps_status take_line(struct reading *r, const char *text)
{
    uint64_t n;

    if (r->ended)
        return bad_line(r, "nothing behind the line of the end");
    if (strncmp(text, "file ", 5) == 0)
        return take_file(r, text + 5);
    if (strncmp(text, "end ", 4) != 0)
        return take_read(r, text);
    text += 4;
    if (!number(&text, UINT64_MAX, &n) || *text != '\0' || n != r->list->count)
        return bad_line(r, "`end COUNT` with the count of the reads above");
    r->ended = true;
    return PS_OK;
}

static PS_MUST ps_status take_all(struct reading *r, FILE *in)
{
    char text[PS_READ_NAME_BYTES + 64];

    if (fgets(text, sizeof text, in) == NULL || strcmp(text, first_line) != 0)
        PS_FAIL(PS_EINPUT, "%s: expected a record of reads, which begins with `%.18s`", r->path,
                first_line);
    for (r->line = 2; fgets(text, sizeof text, in) != NULL; r->line++) {
        size_t n = strlen(text);
        if (n == 0 || text[n - 1] != '\n')
            return bad_line(r, "a line that ends with a newline");
        text[n - 1] = '\0';
        PS_TRY(take_line(r, text));
    }
    if (ferror(in))
        PS_FAIL_SYS(errno, "cannot read %s", r->path);
    if (!r->ended)
        PS_FAIL(PS_EINPUT, "%s: there is no line `end COUNT`: the record is not whole", r->path);
    return PS_OK;
}

ps_status ps_read_list_load(struct ps_read_list *l, struct ps_ctx *ctx, const char *path)
{
    struct reading r = {.list = l, .ctx = ctx, .path = path};
    FILE *in = fopen(path, "re");
    ps_status st;

    memset(l, 0, sizeof *l);
    if (in == NULL)
        PS_FAIL(PS_EINPUT, "cannot open the record of reads %s", path);
    st = take_all(&r, in);
    fclose(in);
    if (st != PS_OK)
        ps_read_list_free(l, ctx);
    return st;
}

void ps_read_list_free(struct ps_read_list *l, struct ps_ctx *ctx)
{
    ps_mem_free(&ctx->mem, &l->name);
    ps_mem_free(&ctx->mem, &l->item);
    memset(l, 0, sizeof *l);
}
