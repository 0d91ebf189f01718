/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file opt.h
 * @brief The options of a run: one table, many readers.
 *
 * Order of authority, lowest first: default, --config file, command line. The
 * run record repeats every value. An unknown name is an error that suggests
 * the nearest known one. Abbreviations are not accepted.
 *
 * A module is handed its own group (`const struct ps_opts_io *`) and cannot
 * see the others. It never reads the command line.
 */
#ifndef PS_BASE_OPT_H
#define PS_BASE_OPT_H

#include "src/base/err.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/** Commands, as bits: each row says which commands know it. */
enum ps_cmd {
    PS_CMD_IMPORT = 1 << 0,
    PS_CMD_GENERATE = 1 << 1,
    PS_CMD_PARTITION = 1 << 2,
    PS_CMD_INFO = 1 << 3,
    PS_CMD_VERIFY = 1 << 4,
    PS_CMD_TRAIN = 1 << 5,
    PS_CMD_INFER = 1 << 6,
    PS_CMD_DOCTOR = 1 << 7,
    PS_CMD_BENCH = 1 << 8,
    PS_CMD_ALL = (1 << 9) - 1,
};

enum { PS_TEXT_BYTES = 1024, PS_LIST_MAX = 16, PS_POSITIONALS_MAX = 64 };

struct ps_list {
    int64_t item[PS_LIST_MAX];
    uint32_t count;
};

/* What a row becomes in the struct. Plain data: copy it, compare it, send it. */
#define PS_FIELD_BOOL(n) bool n;
#define PS_FIELD_COUNT(n) uint64_t n;
#define PS_FIELD_BYTES(n) uint64_t n;
#define PS_FIELD_TIME(n) double n; /* seconds */
#define PS_FIELD_REAL(n) double n;
#define PS_FIELD_ENUM(n) uint64_t n; /* index into the choices */
#define PS_FIELD_TEXT(n) char n[PS_TEXT_BYTES];
#define PS_FIELD_LIST(n) struct ps_list n;

#define PS_GROUP(g, title) struct ps_opts_##g {
#define PS_OPT(g, f, name, type, dfl, lo, hi, unit, cmds, help) PS_FIELD_##type(f)
#define PS_GROUP_END(g)                                                                            \
    }                                                                                              \
    ;
#include "src/base/opt_table.def"
#undef PS_GROUP
#undef PS_OPT
#undef PS_GROUP_END

struct ps_opts {
#define PS_GROUP(g, title) struct ps_opts_##g g;
#define PS_OPT(g, f, name, type, dfl, lo, hi, unit, cmds, help)
#define PS_GROUP_END(g)
#include "src/base/opt_table.def"
#undef PS_GROUP
#undef PS_OPT
#undef PS_GROUP_END
    /** Words that are no options, in order; borrowed from argv. */
    const char *positional[PS_POSITIONALS_MAX];
    int positional_count;
};

/** Values of ENUM rows, in the order of their choices. */
enum { PS_IO_AUTO, PS_IO_URING, PS_IO_PREAD, PS_IO_HDF5, PS_IO_SIM };
enum { PS_NETWORK_AUTO, PS_NETWORK_MPI, PS_NETWORK_SELF, PS_NETWORK_SIM };
enum { PS_NORMALISE_NONE, PS_NORMALISE_ROW, PS_NORMALISE_STANDARD };
enum { PS_METHOD_RANGE, PS_METHOD_METIS, PS_METHOD_HASH };
enum { PS_GENERATE_F32, PS_GENERATE_F16 };
enum { PS_NEAR_DISTANCE, PS_NEAR_DEGREE };
enum { PS_MODEL_GCN, PS_MODEL_SAGE };
enum { PS_OPTIMIZER_ADAM, PS_OPTIMIZER_SGD };
enum { PS_EVAL_EXACT, PS_EVAL_NONE };
enum { PS_SELECT_LOSS, PS_SELECT_ACCURACY };
enum { PS_BENCH_ALL, PS_BENCH_SEQUENTIAL, PS_BENCH_RANDOM };
enum { PS_BENCH_ANY_CACHE, PS_BENCH_DIRECT, PS_BENCH_BUFFERED };

/** Fill with defaults. Cannot fail: a test parses every default. */
void ps_opts_init(struct ps_opts *o);

/** Set "batch-size" from text such as "64"; @p cmd says which rows count.
 *  @return PS_EUSAGE with a suggestion for an unknown name */
PS_MUST ps_status ps_opts_set(struct ps_opts *o, enum ps_cmd cmd, const char *name,
                              const char *text);

/** Read `name = value` lines; sections are allowed and ignored. Rows of other
 *  commands are allowed too, so one file can serve several. @return PS_EUSAGE
 *  with file and line */
PS_MUST ps_status ps_opts_load(struct ps_opts *o, enum ps_cmd cmd, const char *path);

/** What a command line is about, for --help. */
struct ps_usage {
    enum ps_cmd cmd;
    const char *name;        /**< "train" */
    const char *positionals; /**< "D.ps" */
    const char *summary;     /**< one sentence */
    const char *more;        /**< text after the options, or NULL */
    int positional_min, positional_max;
};

/**
 * Parse argv[1..argc) of a command: defaults, --config, then the rest. -o is
 * --out. With --help it prints help on stdout and sets *help.
 * @param[in] argv  (argc) argv[0] is the name of the command
 */
PS_MUST ps_status ps_opts_parse(struct ps_opts *o, const struct ps_usage *u, int argc, char **argv,
                                bool *help);

/** Every row of @p cmd with its value, as text that ps_opts_set takes back where it
 *  is no number. The caller owns the reference. NULL if memory is out. */
json_t *ps_opts_json(const struct ps_opts *o, enum ps_cmd cmd);

/** The choice that an ENUM row has, such as "uring". @p name is the row's. Never NULL. */
const char *ps_opts_choice(const struct ps_opts *o, const char *name);

/** How many single-character edits apart; SIZE_MAX for words above 64 characters. */
size_t ps_edit_distance(const char *a, const char *b);

#endif
