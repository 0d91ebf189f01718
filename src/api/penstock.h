/* SPDX-License-Identifier: Apache-2.0 */
/**
 * @file penstock.h
 * @brief penstock as a library: sample neighbourhoods of a disk-resident graph, read feature
 *        rows, train and predict.
 *
 *     struct penstock_graph *g;
 *     if (penstock_graph_open(&g, "graph.ps", NULL) != PENSTOCK_OK)
 *         fprintf(stderr, "%s\n", penstock_sentence());
 *
 * This is all that the library exports; docs/library.md tells the whole story and docs/example
 * is a program that uses it. Datasets are made by the program: penstock import, generate,
 * partition.
 *
 * @par Options     NULL-terminated names and values in turn, as on the command line without
 *                  dashes: {"epochs", "10", "io", "pread", NULL}; flags take yes or no. NULL
 *                  for none. docs/options.md lists them; "quiet" is one of them.
 * @par Failure     a function that can fail returns PENSTOCK_OK or the exit code that the
 *                  program would have; penstock_sentence tells why, in one sentence. Where a
 *                  collective function fails on one rank it fails on all, with that code; the
 *                  others' sentence names the rank. The graph can then only be closed.
 *                  Nothing is printed but warnings and progress, to stderr.
 * @par Ownership   what an open or new function gives is closed or freed by its counterpart,
 *                  which accepts the address of NULL and clears the pointer. `const` results are
 *                  borrowed until the next call with the same object, if no more is said.
 * @par Collective  under mpirun every rank calls the functions marked so, in the same order.
 *                  The first object starts MPI (MPI_THREAD_SERIALIZED) and ends it when it is
 *                  closed, unless the caller has started MPI before; so keep one graph open
 *                  around everything, or start MPI yourself.
 * @par Threads     one at a time for each object; the library has threads of its own
 * @par Versions    while the major version is 0, a new minor version may change any of this; the
 *                  library's soname has both numbers
 */
#ifndef PENSTOCK_H
#define PENSTOCK_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PENSTOCK_API __attribute__((visibility("default")))

/** What functions return: the exit codes of the program. */
enum penstock_status {
    PENSTOCK_OK = 0,
    PENSTOCK_USAGE = 1,   /**< an option or argument is wrong */
    PENSTOCK_INPUT = 2,   /**< a file is not there, or its bytes are wrong */
    PENSTOCK_IO = 3,      /**< the operating system said no */
    PENSTOCK_MEMORY = 4,  /**< no memory, or the budget of "memory" is used up */
    PENSTOCK_PEER = 5,    /**< MPI or another rank failed */
    PENSTOCK_STOPPED = 75 /**< stopped in time and resumable */
};

/** "0.1.0". */
PENSTOCK_API const char *penstock_version(void);

/** Why the last call of this thread failed: one sentence, lower case, without newline. Borrowed
 *  until the next failure of this thread; "" if there was none. */
PENSTOCK_API const char *penstock_sentence(void);

/* ---- graphs ---------------------------------------------------------------------------- */

/** One rank's share of a dataset: topology, labels and split in memory, features on disk. */
struct penstock_graph;

/** What is in it. The rank owns the nodes [first, first + count). */
struct penstock_facts {
    const char *name;     /**< of the dataset */
    uint64_t nodes;       /**< N, of the whole graph */
    uint64_t edges;       /**< of the whole graph */
    uint32_t feature_dim; /**< D: columns of a feature row; 0 without features */
    uint32_t classes;     /**< labels are 0 to classes - 1, or -1 for none */
    uint32_t splits;      /**< how many splits there are; one is in use */
    uint32_t parts;       /**< partitions; there can be as many ranks */
    uint32_t rank, ranks; /**< of the job; 0 and 1 without mpirun */
    uint64_t first;       /**< of this rank's nodes */
    uint64_t count;       /**< of this rank's nodes: n */
};

/** Values of a split. */
enum { PENSTOCK_UNUSED = 0, PENSTOCK_TRAIN = 1, PENSTOCK_VALID = 2, PENSTOCK_TEST = 3 };

/**
 * Open a dataset and read this rank's share. Split 0 is in use, where there is one. Collective.
 * @param[in] options  of train: "io", "memory", "threads", "timeout", "quiet" and so on
 */
PENSTOCK_API int penstock_graph_open(struct penstock_graph **g, const char *path,
                                     const char *const *options);
/** Collective. */
PENSTOCK_API void penstock_graph_close(struct penstock_graph **g);

/** Valid until the graph is closed. */
PENSTOCK_API const struct penstock_facts *penstock_graph_facts(const struct penstock_graph *g);

/** (n) Label of each own node, -1 for none. Valid until the graph is closed. */
PENSTOCK_API const int32_t *penstock_graph_labels(const struct penstock_graph *g);

/** (n) PENSTOCK_TRAIN and so on, of each own node in the split in use; all PENSTOCK_UNUSED where
 *  there is no split. Valid until the graph is closed; another split is written over it. */
PENSTOCK_API const uint8_t *penstock_graph_split(const struct penstock_graph *g);

/** Use split @p k, from 0. Collective. */
PENSTOCK_API int penstock_graph_use_split(struct penstock_graph *g, uint32_t k);

/** In-edges of own node @p v, counted from 0. 0 for v >= n. Not collective. */
PENSTOCK_API uint64_t penstock_graph_in_degree(const struct penstock_graph *g, uint64_t v);

/** Ids that own nodes [first, first + count), counted from 0, had in the input. Not collective.
 *  @param[out] id  (count) */
PENSTOCK_API int penstock_graph_input_ids(const struct penstock_graph *g, uint64_t first,
                                          uint64_t count, uint64_t *id);

/**
 * Feature rows of any nodes, own or of other ranks, as float32; bags of words are written out.
 * Each row is read once by its owner. Collective; the number of nodes may differ and be 0.
 * @param[in]  node  (count) ids, all different
 * @param[out] row   (count, D) row-major
 */
PENSTOCK_API int penstock_graph_rows(struct penstock_graph *g, const uint64_t *node, uint32_t count,
                                     float *row);

/* ---- samples --------------------------------------------------------------------------- */

/** One hop of a sample: the first N of the M source nodes are the destinations. Nodes have local
 *  numbers, in the order in which they were first met; the seeds are the first. */
struct penstock_block {
    uint32_t dst_count;        /**< N */
    uint32_t src_count;        /**< M */
    uint64_t edge_count;       /**< E */
    const uint64_t *row_begin; /**< (N+1) first edge of each destination */
    const uint32_t *col;       /**< (E) local number of each edge's source */
    const uint32_t *in_degree; /**< (N) in the graph, which may be above the edges drawn */
};

/** Blocks of a batch, the outermost hop first: block[hops - 1] has the seeds as destinations. */
struct penstock_sample {
    uint32_t hops;
    const struct penstock_block *block; /**< (hops) */
    uint32_t node_count;                /**< M of block[0] */
    const uint64_t *node;               /**< (node_count) global ids by local number */
};

struct penstock_sampler;

/**
 * A uniform neighbour sampler without replacement. Not collective.
 * @param[in] g       must outlive the sampler
 * @param[in] fanout  (hops) neighbours at each hop, from the seeds outward; -1 for all. 1 to 16
 * hops
 */
PENSTOCK_API int penstock_sampler_new(struct penstock_sampler **s, struct penstock_graph *g,
                                      const int64_t *fanout, uint32_t hops);
/** Not collective. */
PENSTOCK_API void penstock_sampler_free(struct penstock_sampler **s);

/**
 * Sample around @p seed. The draw of a node depends on (key, epoch, batch, hop, node) only: not on
 * who asks, on ranks or threads. Collective; the number of seeds may differ and be 0.
 * @param[in]  seed    (count) ids of any nodes, all different on this rank
 * @param[out] sample  valid until the next call with this sampler
 */
PENSTOCK_API int penstock_sampler_run(struct penstock_sampler *s, uint64_t key, uint64_t epoch,
                                      uint64_t batch, const uint64_t *seed, uint32_t count,
                                      struct penstock_sample *sample);

/* ---- jobs ------------------------------------------------------------------------------ */

/** The results of a job: what `--json` prints, docs/guide.md names the keys. */
struct penstock_report;

/** The job of penstock train D.ps. Collective. @param[in] options  of train; "out" is the run
 *  directory. @param[out] report  on rank 0; NULL on other ranks and after a failure */
PENSTOCK_API int penstock_train(const char *dataset, const char *const *options,
                                struct penstock_report **report);

/** The job of penstock infer D.ps. Collective. @param[in] options  of infer; "run" and "out" are
 *  needed, and a file of that name is replaced only with "force", "yes". Report as above. */
PENSTOCK_API int penstock_infer(const char *dataset, const char *const *options,
                                struct penstock_report **report);

/** The report as JSON. Valid until it is freed. */
PENSTOCK_API const char *penstock_report_json(const struct penstock_report *r);

/** A number of the report. @return PENSTOCK_USAGE where @p key is not there or is no number */
PENSTOCK_API int penstock_report_number(const struct penstock_report *r, const char *key,
                                        double *value);
/** Not collective. */
PENSTOCK_API void penstock_report_free(struct penstock_report **r);

#ifdef __cplusplus
}
#endif

#endif
