/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A program that uses penstock as a library: what is in a dataset, neighbourhoods of some training
 * nodes with their features, then a model and its accuracy.
 *
 *     cc train.c $(pkg-config --cflags --libs penstock) -o train
 *     ./train graph.ps run                    # or: mpirun -n 2 ./train graph.ps run
 *
 * penstock generate sbm --nodes 5000 -o one.ps; penstock partition one.ps -o graph.ps makes a
 * graph to try it on.
 */
#include <penstock/penstock.h>

#include <stdio.h>
#include <stdlib.h>

enum { SEEDS = 64 };

/* The first training nodes of this rank. Ids of the whole graph begin at facts->first here. */
static uint32_t find_seeds(const struct penstock_graph *g, uint64_t seed[SEEDS])
{
    const struct penstock_facts *facts = penstock_graph_facts(g);
    const uint8_t *split = penstock_graph_split(g);
    uint32_t n = 0;

    for (uint64_t v = 0; v < facts->count && n < SEEDS; v++)
        if (split[v] == PENSTOCK_TRAIN)
            seed[n++] = facts->first + v;
    return n;
}

/* Of the edges into the seeds whose source is a node of this rank: how many join one class? */
static void compare_classes(const struct penstock_graph *g, const struct penstock_sample *sample)
{
    const struct penstock_facts *facts = penstock_graph_facts(g);
    const struct penstock_block *last = &sample->block[sample->hops - 1]; /* into the seeds */
    const int32_t *label = penstock_graph_labels(g);
    uint64_t same = 0, seen = 0;

    for (uint32_t d = 0; d < last->dst_count; d++)
        for (uint64_t e = last->row_begin[d]; e < last->row_begin[d + 1]; e++) {
            uint64_t source = sample->node[last->col[e]] - facts->first;
            if (source >= facts->count) /* of another rank, which knows its label */
                continue;
            seen++;
            same += label[source] == label[sample->node[d] - facts->first];
        }
    printf("rank %u: %u seeds, %u nodes within 2 hops, %llu of %llu neighbours of the same class\n",
           facts->rank, last->dst_count, sample->node_count, (unsigned long long)same,
           (unsigned long long)seen);
}

/* Draw 10 neighbours of each seed and 10 of each of those, and read the features of all. */
static int look_around(struct penstock_graph *g)
{
    static const int64_t fanout[] = {10, 10};
    const struct penstock_facts *facts = penstock_graph_facts(g);
    struct penstock_sampler *sampler = NULL;
    struct penstock_sample sample = {0};
    uint64_t seed[SEEDS];
    uint32_t count = find_seeds(g, seed);
    size_t items = 0;
    float *row = NULL;
    double sum = 0;
    int rc = penstock_sampler_new(&sampler, g, fanout, 2);

    if (rc == PENSTOCK_OK)
        rc = penstock_sampler_run(sampler, 1, 0, 0, seed, count, &sample);
    if (rc == PENSTOCK_OK) {
        compare_classes(g, &sample);
        items = (size_t)sample.node_count * facts->feature_dim;
        row = calloc(items + 1, sizeof *row);
        /* Other ranks count on this one: without memory it takes part with no nodes. */
        rc = penstock_graph_rows(g, sample.node, row != NULL ? sample.node_count : 0, row);
        if (rc == PENSTOCK_OK && row == NULL)
            rc = PENSTOCK_MEMORY;
    }
    if (rc == PENSTOCK_OK) {
        for (size_t i = 0; i < items; i++)
            sum += row[i];
        printf("rank %u: mean feature %.4f over %zu numbers\n", facts->rank,
               items > 0 ? sum / (double)items : 0, items);
    }
    free(row);
    penstock_sampler_free(&sampler);
    return rc;
}

/* Every option of `penstock train` works here, by its name. */
static int train(const char *dataset, const char *run)
{
    const char *const options[] = {"out",   run,      "epochs", "10",     "batch-size",
                                   "256",   "hidden", "32",     "fanout", "10,10",
                                   "quiet", "yes",    NULL};
    struct penstock_report *report = NULL;
    double accuracy = 0;
    int rc = penstock_train(dataset, options, &report);

    if (rc == PENSTOCK_OK && report != NULL) { /* only rank 0 has it */
        rc = penstock_report_number(report, "test_accuracy", &accuracy);
        if (rc == PENSTOCK_OK)
            printf("test accuracy %.4f\n", accuracy);
    }
    penstock_report_free(&report);
    return rc;
}

int main(int argc, char **argv)
{
    struct penstock_graph *g = NULL;
    int rc;

    if (argc != 3) {
        fprintf(stderr, "usage: %s D.ps RUN\n", argv[0]);
        return PENSTOCK_USAGE;
    }
    rc = penstock_graph_open(&g, argv[1], NULL);
    if (rc == PENSTOCK_OK) {
        const struct penstock_facts *facts = penstock_graph_facts(g);
        if (facts->rank == 0)
            printf("%s: %llu nodes, %llu edges, %u features, %u classes\n", facts->name,
                   (unsigned long long)facts->nodes, (unsigned long long)facts->edges,
                   facts->feature_dim, facts->classes);
        rc = look_around(g);
    }
    if (rc == PENSTOCK_OK)
        rc = train(argv[1], argv[2]); /* the graph stays open: it has started MPI */
    if (rc != PENSTOCK_OK)
        fprintf(stderr, "%s: %s\n", argv[0], penstock_sentence());
    penstock_graph_close(&g);
    return rc;
}
