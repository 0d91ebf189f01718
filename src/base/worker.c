/* SPDX-License-Identifier: Apache-2.0 */
#include "src/base/worker.h"

#include <pthread.h>

struct ps_worker {
    struct ps_mem *mem;
    bool is_inline;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    /* Under the lock. A job is handed over when fn is set, over when done is. */
    ps_job_fn *fn;
    void *arg;
    bool done, stop;
    ps_status st;
    struct ps_err_record why;
};

static void *serve(void *arg)
{
    struct ps_worker *w = arg;

    pthread_mutex_lock(&w->lock);
    for (;;) {
        while (w->fn == NULL && !w->stop)
            pthread_cond_wait(&w->changed, &w->lock);
        if (w->fn == NULL)
            break;
        pthread_mutex_unlock(&w->lock);
        ps_status st = w->fn(w->arg);
        pthread_mutex_lock(&w->lock);
        w->st = st;
        ps_err_take(&w->why);
        w->fn = NULL;
        w->done = true;
        pthread_cond_broadcast(&w->changed);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

ps_status ps_worker_new(struct ps_worker **out, struct ps_mem *m, bool is_inline)
{
    struct ps_worker *w;
    int err;

    *out = NULL;
    PS_TRY(PS_NEW(m, PS_MEM_OTHER, w, 1));
    w->mem = m;
    w->is_inline = is_inline;
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->changed, NULL);
    err = is_inline ? 0 : pthread_create(&w->thread, NULL, serve, w);
    if (err != 0) {
        pthread_cond_destroy(&w->changed);
        pthread_mutex_destroy(&w->lock);
        ps_mem_free(m, &w);
        PS_FAIL_SYS(err, "cannot start the thread that talks to disk and network");
    }
    *out = w;
    return PS_OK;
}

void ps_worker_free(struct ps_worker **out)
{
    struct ps_worker *w = *out;

    if (w == NULL)
        return;
    if (!w->is_inline) {
        pthread_mutex_lock(&w->lock);
        PS_ASSERT(w->fn == NULL);
        w->stop = true;
        pthread_cond_broadcast(&w->changed);
        pthread_mutex_unlock(&w->lock);
        pthread_join(w->thread, NULL);
    }
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    ps_mem_free(w->mem, &w);
    *out = NULL;
}

void ps_worker_begin(struct ps_worker *w, ps_job_fn *fn, void *arg)
{
    if (w->is_inline) {
        w->st = fn(arg);
        w->done = true;
        return;
    }
    pthread_mutex_lock(&w->lock);
    PS_ASSERT(w->fn == NULL && !w->done);
    w->arg = arg;
    w->fn = fn;
    pthread_cond_broadcast(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

ps_status ps_worker_end(struct ps_worker *w)
{
    ps_status st;

    if (!w->is_inline) {
        pthread_mutex_lock(&w->lock);
        while (!w->done)
            pthread_cond_wait(&w->changed, &w->lock);
        if (w->st != PS_OK)
            ps_err_give(&w->why);
        pthread_mutex_unlock(&w->lock);
    }
    PS_ASSERT(w->done);
    w->done = false;
    st = w->st;
    return st;
}

bool ps_worker_is_inline(const struct ps_worker *w)
{
    return w->is_inline;
}

bool ps_worker_inside(const struct ps_worker *w)
{
    return !w->is_inline && pthread_equal(pthread_self(), w->thread);
}

ps_status ps_worker_call(struct ps_worker *w, ps_job_fn *fn, void *arg)
{
    if (w->is_inline || ps_worker_inside(w))
        return fn(arg);
    ps_worker_begin(w, fn, arg);
    return ps_worker_end(w);
}
