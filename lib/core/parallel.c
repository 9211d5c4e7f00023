/* core/parallel.c - a small thread pool: workers sleep on a condition, take task indices from an atomic counter. */
#include "core/parallel.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

/* Rounds follow each other within microseconds in the Gram loop, so a worker spins this many times before sleeping. */
#define SPINS 4000

/* A round waits for workers that have joined it, not for those that the system has not let run yet. */
#define OPEN (1 << 16)

struct neck__pool {
    int32_t workers; /* started so far; the caller is one more */
    int32_t wanted;
    pid_t owner; /* threads do not survive fork */
    pthread_t *threads;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_mutex_t busy; /* held during a run */
    atomic_uint_fast64_t round;
    atomic_int_fast64_t next;
    atomic_int_fast32_t joined; /* workers in the round, plus OPEN while more may join */
    int64_t count;
    neck__task_fn task;
    void *data;
    atomic_int stop;
};

static inline void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static void take_tasks(neck__pool *pool)
{
    int64_t count = pool->count;
    for (;;) {
        int64_t index = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (index >= count) return;
        pool->task(pool->data, index);
    }
}

static uint_fast64_t await_round(neck__pool *pool, uint_fast64_t seen)
{
    for (int i = 0; i < SPINS; i++) {
        uint_fast64_t round = atomic_load_explicit(&pool->round, memory_order_acquire);
        if (round != seen) return round;
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    uint_fast64_t round;
    while ((round = atomic_load_explicit(&pool->round, memory_order_acquire)) == seen)
        pthread_cond_wait(&pool->wake, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
    return round;
}

/* 0 when the round is over. Joining publishes the round's count, task and data. */
static int join(neck__pool *pool)
{
    int_fast32_t joined = atomic_load_explicit(&pool->joined, memory_order_relaxed);
    while (joined & OPEN)
        if (atomic_compare_exchange_weak_explicit(&pool->joined, &joined, joined + 1, memory_order_acquire,
                                                  memory_order_relaxed))
            return 1;
    return 0;
}

static void *work(void *argument)
{
    neck__pool *pool = argument;
    uint_fast64_t seen = 0;
    for (;;) {
        seen = await_round(pool, seen);
        if (atomic_load(&pool->stop)) return NULL;
        if (!join(pool)) continue;
        take_tasks(pool);
        atomic_fetch_sub_explicit(&pool->joined, 1, memory_order_release);
    }
}

static void start_round(neck__pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_fetch_add_explicit(&pool->round, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

/* Workers block every signal: handlers are the host's and belong on its own threads. */
static void start_workers(neck__pool *pool)
{
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    while (pool->workers < pool->wanted) {
        if (pthread_create(&pool->threads[pool->workers], NULL, work, pool) != 0) {
            pool->wanted = pool->workers; /* fewer threads than hoped for: slower, the same result */
            break;
        }
        pool->workers++;
    }
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

neck__pool *neck__pool_create(int32_t threads)
{
    neck__pool *pool = calloc(1, sizeof *pool);
    if (!pool) return NULL;
    pool->wanted = threads - 1;
    pool->owner = getpid();
    pool->threads = calloc((size_t)(threads > 1 ? threads - 1 : 1), sizeof *pool->threads);
    if (!pool->threads) {
        free(pool);
        return NULL;
    }
    pthread_mutex_init(&pool->lock, NULL);
    pthread_mutex_init(&pool->busy, NULL);
    pthread_cond_init(&pool->wake, NULL);
    return pool;
}

void neck__pool_destroy(neck__pool *pool)
{
    if (!pool) return;
    if (pool->owner == getpid()) {
        atomic_store(&pool->stop, 1);
        start_round(pool);
        for (int32_t i = 0; i < pool->workers; i++) pthread_join(pool->threads[i], NULL);
        pthread_cond_destroy(&pool->wake);
        pthread_mutex_destroy(&pool->busy);
        pthread_mutex_destroy(&pool->lock);
    }
    free(pool->threads);
    free(pool);
}

static void run_alone(int64_t count, neck__task_fn task, void *data)
{
    for (int64_t i = 0; i < count; i++) task(data, i);
}

void neck__pool_run(neck__pool *pool, int64_t count, neck__task_fn task, void *data)
{
    if (!pool || count <= 1 || pool->wanted == 0 || pool->owner != getpid() ||
        pthread_mutex_trylock(&pool->busy) != 0) {
        run_alone(count, task, data);
        return;
    }
    if (pool->workers < pool->wanted) start_workers(pool);
    pool->count = count;
    pool->task = task;
    pool->data = data;
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_store_explicit(&pool->joined, OPEN, memory_order_release);
    start_round(pool);
    take_tasks(pool);
    atomic_fetch_sub_explicit(&pool->joined, OPEN, memory_order_relaxed);
    for (int spins = 0; atomic_load_explicit(&pool->joined, memory_order_acquire) > 0; spins++) {
        if (spins < SPINS)
            relax();
        else
            usleep(50);
    }
    pthread_mutex_unlock(&pool->busy);
}
