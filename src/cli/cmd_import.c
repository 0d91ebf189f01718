/* SPDX-License-Identifier: Apache-2.0 */
#include "src/cli/cmd.h"

#include "src/graph/ingest.h"

#include <string.h>

static PS_MUST ps_status import(struct ps_ctx *ctx, const struct ps_opts *o, const char *line,
                                json_t *report)
{
    const char *kind = o->positional[0];

    if (o->import.ogb_split[0] != '\0' && strcmp(kind, "ogb") != 0)
        PS_FAIL(PS_EUSAGE, "--ogb-split belongs to import ogb");
    if (strcmp(kind, "dir") == 0) {
        if (o->positional_count != 2)
            PS_FAIL(PS_EUSAGE, "import dir needs the folder to import");
        return ps_import_dir(ctx, o, o->positional[1], line, report);
    }
    if (strcmp(kind, "npy") == 0) {
        if (o->positional_count != 1)
            PS_FAIL(PS_EUSAGE, "import npy takes its files by options, found '%s'",
                    o->positional[1]);
        return ps_import_npy(ctx, o, line, report);
    }
    if (strcmp(kind, "edges") == 0) {
        if (o->positional_count < 2)
            PS_FAIL(PS_EUSAGE, "import edges needs the files to import");
        return ps_import_edges(ctx, o, o->positional + 1, (uint32_t)o->positional_count - 1, line,
                               report);
    }
    if (strcmp(kind, "mtx") == 0) {
        if (o->positional_count != 2)
            PS_FAIL(PS_EUSAGE, "import mtx needs the one file to import");
        return ps_import_mtx(ctx, o, o->positional[1], line, report);
    }
    if (strcmp(kind, "ogb") == 0) {
        if (o->positional_count != 2)
            PS_FAIL(PS_EUSAGE, "import ogb needs the folder to import");
        return ps_import_ogb(ctx, o, o->positional[1], line, report);
    }
    PS_FAIL(PS_EUSAGE, "import knows 'dir', 'npy', 'edges', 'mtx' and 'ogb', found '%s'", kind);
}

static ps_status run(struct ps_ctx *ctx, const struct ps_opts *o, const char *line)
{
    json_t *report = json_object();
    ps_status st;

    if (report == NULL)
        PS_FAIL(PS_EMEM, "out of memory for the report");
    PS_GO(st, import(ctx, o, line, report));
    PS_GO(st, ps_report_print(o, report));
out:
    json_decref(report);
    return st;
}

const struct ps_command ps_cmd_import = {
    .usage = {PS_CMD_IMPORT, "import", "dir PATH | npy | edges FILE... | mtx FILE | ogb PATH",
              "Make a dataset of one partition from arrays, tables, lists of edges or a matrix.",
              "import dir PATH reads a folder of edges.npy, labels.npy, train.npy, valid.npy, "
              "test.npy or splits.npy, features.npy or features_bits.npy or feat_indptr.npy with "
              "feat_indices.npy and feat_values.npy, and meta.json. import npy takes its files by "
              "--edges and the other options marked npy, where a.npy,b.npy is one array in two "
              "files. import edges FILE... reads text, plain or gzip: source and target in each "
              "line; # and % begin comments, numbers behind the two are left out. import mtx FILE "
              "reads a coordinate file of Matrix Market, plain or gzip: entry (i, j) is the edge "
              "from i to j. Both take the options marked edges and mtx. import ogb PATH reads a "
              "folder of Open Graph Benchmark (node property prediction) as it is after unpacking. "
              "Edges go from source to target; --symmetrise does not double a loop, and equal "
              "edges stay unless --dedupe is given.",
              1, PS_POSITIONALS_MAX},
    .run = run,
};
