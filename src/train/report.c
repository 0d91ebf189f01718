/* SPDX-License-Identifier: Apache-2.0 */
/* At the end: the report of a job as JSON, run.json, and the table for a person. */
#include "src/train/record.h"

#include <math.h>
#include <string.h>
#include <unistd.h>

void ps_rank_facts(struct ps_rank_facts *f, struct ps_world *w, const struct ps_trainer *t)
{
    struct ps_ctx *ctx = ps_world_ctx(w);

    memset(f, 0, sizeof *f);
    if (gethostname(f->host, sizeof f->host - 1) != 0)
        f->host[0] = '?';
    f->peak_rss_bytes = ps_mem_peak_rss();
    f->threads = (uint64_t)ctx->threads;
    f->counts = ps_trainer_counts(t);
    f->fetch = ps_world_fetch_counts(w);
    ps_comm_sent_bytes(ps_world_comm(w), f->sent_bytes);
    f->mem_peak_bytes = ctx->mem.peak_bytes;
    for (int c = 0; c < PS_MEM_CAT_COUNT; c++)
        f->mem_cat_peak_bytes[c] = ctx->mem.cat_peak_bytes[c];
    ps_trace_totals(&ctx->trace, f->total);
}

static json_t *whole(uint64_t x)
{
    return json_integer((json_int_t)x);
}

static json_t *hex(uint64_t x)
{
    return json_sprintf("%016" PRIx64, x);
}

static json_t *real_or_null(bool there, double x)
{
    return there ? json_real(x) : json_null();
}

static json_t *run_json(const struct ps_run *run)
{
    json_t *j = json_object(), *loss = json_array(), *seconds = json_array();

    for (uint64_t e = 0; e < run->epoch_count; e++) {
        json_array_append_new(loss, json_real(run->epoch[e].loss));
        json_array_append_new(seconds, json_real(run->epoch[e].seconds));
    }
    json_object_set_new(j, "seed", whole(run->seed));
    json_object_set_new(j, "split", whole(run->split));
    json_object_set_new(j, "test_accuracy", real_or_null(run->has_test, run->test_accuracy));
    json_object_set_new(j, "valid_accuracy", real_or_null(run->has_valid, run->valid_accuracy));
    json_object_set_new(j, "epochs", whole(run->epoch_count));
    json_object_set_new(j, "best_epoch", whole(run->best_epoch + 1));
    json_object_set_new(j, "train_loss", json_real(run->epoch[run->epoch_count - 1].loss));
    json_object_set_new(j, "epoch_loss", loss);
    json_object_set_new(j, "epoch_seconds", seconds);
    json_object_set_new(j, "eval_seconds", json_real(run->eval_seconds));
    return j;
}

/* A number of every run: mean and deviation, or null where a run has none. */
static void put_statistics(json_t *j, const struct ps_record *r, const char *name,
                           const char *deviation_name, bool is_test)
{
    double mean = 0, square = 0, n = r->run_count;
    bool there = true;

    for (uint32_t i = 0; i < r->run_count; i++) {
        const struct ps_run *run = &r->run[i];
        there &= is_test ? run->has_test : run->has_valid;
        mean += (is_test ? run->test_accuracy : run->valid_accuracy) / n;
    }
    for (uint32_t i = 0; i < r->run_count; i++) {
        double x = is_test ? r->run[i].test_accuracy : r->run[i].valid_accuracy;
        square += (x - mean) * (x - mean);
    }
    json_object_set_new(j, name, real_or_null(there, mean));
    json_object_set_new(j, deviation_name, real_or_null(there, n > 1 ? sqrt(square / (n - 1)) : 0));
}

static void put_results(json_t *j, const struct ps_record *r)
{
    json_t *runs = json_array(), *loss = json_array(), *seconds = json_array();
    double train_loss = 0, eval_seconds = 0;
    uint64_t epochs = 0;

    put_statistics(j, r, "test_accuracy", "test_accuracy_deviation", true);
    put_statistics(j, r, "valid_accuracy", "valid_accuracy_deviation", false);
    for (uint32_t i = 0; i < r->run_count; i++) {
        const struct ps_run *run = &r->run[i];
        json_array_append_new(runs, run_json(run));
        for (uint64_t e = 0; e < run->epoch_count; e++) {
            json_array_append_new(loss, json_real(run->epoch[e].loss));
            json_array_append_new(seconds, json_real(run->epoch[e].seconds));
        }
        epochs += run->epoch_count;
        eval_seconds += run->eval_seconds;
        train_loss += run->epoch[run->epoch_count - 1].loss / r->run_count;
    }
    json_object_set_new(j, "train_loss", json_real(train_loss));
    json_object_set_new(j, "epochs", whole(epochs));
    json_object_set_new(j, "epoch_seconds", seconds);
    json_object_set_new(j, "epoch_loss", loss);
    json_object_set_new(j, "eval_seconds", json_real(eval_seconds));
    json_object_set_new(j, "runs", runs);
}

/* Sums over ranks. */
struct sums {
    uint64_t sent[PS_TRAFFIC_COUNT], sent_all, read, wanted, requests, extents, edges;
    uint64_t samples, bytes;
    struct ps_row_counts rows;
};

static struct sums sum_up(const struct ps_rank_facts *fact, uint32_t ranks)
{
    struct sums s;

    memset(&s, 0, sizeof s);
    for (uint32_t r = 0; r < ranks; r++) {
        for (int t = 0; t < PS_TRAFFIC_COUNT; t++) {
            s.sent[t] += fact[r].sent_bytes[t];
            s.sent_all += fact[r].sent_bytes[t];
        }
        s.read += fact[r].fetch.read_bytes;
        s.wanted += fact[r].fetch.wanted_bytes;
        s.requests += fact[r].fetch.requests;
        s.extents += fact[r].fetch.extents;
        s.edges += fact[r].counts.sampled_edges;
        s.samples += fact[r].counts.samples_fingerprint;
        s.bytes += fact[r].counts.bytes_fingerprint;
        s.rows.rows += fact[r].counts.rows.rows;
        s.rows.stored_bytes += fact[r].counts.rows.stored_bytes;
        s.rows.heard_bytes += fact[r].counts.rows.heard_bytes;
        s.rows.raw_bytes += fact[r].counts.rows.raw_bytes;
    }
    return s;
}

static void put_ranks(json_t *j, const struct ps_rank_facts *fact, uint32_t ranks)
{
    json_t *rss = json_array(), *seeds = json_array(), *mem = json_array();

    for (uint32_t r = 0; r < ranks; r++) {
        json_array_append_new(rss, whole(fact[r].peak_rss_bytes));
        json_array_append_new(seeds, whole(fact[r].counts.seeds));
        json_array_append_new(mem, whole(fact[r].mem_peak_bytes));
    }
    json_object_set_new(j, "peak_rss_bytes", rss);
    json_object_set_new(j, "peak_counted_bytes", mem);
    json_object_set_new(j, "seeds_per_rank", seeds);
}

json_t *ps_record_report(const struct ps_record *r, const struct ps_world *w,
                         const struct ps_rank_facts *fact)
{
    uint32_t ranks = ps_world_ranks(w);
    struct sums s = sum_up(fact, ranks);
    double values = (double)s.rows.rows * r->feature_dim;
    json_t *j = json_object(), *by = json_object();

    if (j == NULL || by == NULL)
        return NULL;
    put_results(j, r);
    put_ranks(j, fact, ranks);
    for (int t = 0; t < PS_TRAFFIC_COUNT; t++)
        json_object_set_new(by, ps_traffic_name((enum ps_traffic)t), whole(s.sent[t]));
    json_object_set_new(j, "bytes_sent_by", by);
    json_object_set_new(j, "bytes_sent", whole(s.sent_all));
    json_object_set_new(j, "bytes_sent_raw",
                        whole(s.sent_all - s.rows.heard_bytes + s.rows.raw_bytes));
    json_object_set_new(j, "bytes_read", whole(s.read));
    json_object_set_new(j, "bytes_wanted", whole(s.wanted));
    json_object_set_new(j, "read_requests", whole(s.requests));
    json_object_set_new(j, "merge_ratio",
                        json_real(s.requests > 0 ? (double)s.extents / (double)s.requests : 0));
    json_object_set_new(j, "sampled_edges", whole(s.edges));
    json_object_set_new(j, "avg_bits",
                        json_real(values > 0 ? 8.0 * (double)s.rows.stored_bytes / values : 0));
    json_object_set_new(j, "samples_fingerprint", hex(s.samples));
    json_object_set_new(j, "bytes_fingerprint", hex(s.bytes));
    json_object_set_new(j, "resumed", whole(r->resumed));
    json_object_set_new(j, "ranks", whole(ranks));
    json_object_set_new(j, "ranks_per_process", whole(r->ctx->fabric != NULL ? ranks : 1));
    json_object_set_new(j, "threads", whole(fact[0].threads));
    json_object_set_new(j, "io_engine", json_string(ps_world_io_name(w)));
    json_object_set_new(j, "network", json_string(ps_comm_name(ps_world_comm(w))));
    json_object_set_new(j, "out", json_string(r->dir));
    return j;
}
