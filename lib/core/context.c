/* core/context.c - contexts: create, destroy, the default one, progress and log. */
#include "core/context.h"

#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "core/cpus.h"
#include "core/error.h"
#include "core/options.h"
#include "core/parallel.h"

struct neck_context {
    neck__pool *pool;
    int32_t threads;
    uint64_t seed;
    neck_progress_fn progress;
    void *progress_user;
    neck_log_fn log;
    void *log_user;
    neck__allocator allocator;
};

/* Blocks from LARGE on begin at a huge page and ask for such pages: matrices are walked at strides that need many
 * entries of the address cache, and what a call takes and gives back is otherwise faulted in 4 KB at a time, each time.
 * What does not fill its last huge page stays in small ones, so that nothing is resident beyond the block. */
#define HUGE_PAGE ((size_t)2 << 20)
#define LARGE (2 * HUGE_PAGE)

static void *libc_alloc(void *user, size_t alignment, size_t size)
{
    (void)user;
#ifdef MADV_HUGEPAGE
    if (size >= LARGE) {
        void *memory; /* size is no multiple of the alignment, as aligned_alloc wants it */
        if (posix_memalign(&memory, HUGE_PAGE, size) != 0) return NULL;
        madvise(memory, size / HUGE_PAGE * HUGE_PAGE, MADV_HUGEPAGE);
        return memory;
    }
#endif
    return aligned_alloc(alignment, size);
}

static void libc_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

static const neck__allocator libc_allocator = {libc_alloc, libc_release, NULL};

static neck_context default_context;
static pthread_once_t default_once = PTHREAD_ONCE_INIT;

/* When the pool cannot be had the context computes on the calling thread: a default context never fails. */
static void make_default(void)
{
    default_context.threads = neck__default_threads();
    default_context.allocator = libc_allocator;
    default_context.pool = neck__pool_create(default_context.threads);
}

neck_context *neck__context(neck_context *context)
{
    if (context) return context;
    pthread_once(&default_once, make_default);
    return &default_context;
}

static neck_status check_options(const neck_context_options *options)
{
    if (options->threads < 0 || options->threads > NECK_MAX_THREADS)
        return neck__fail(NECK_E_ARGUMENT, "threads is %d: it must be 0 (default) to %d", options->threads,
                          NECK_MAX_THREADS);
    if (options->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_context_options.reserved must be 0");
    if (!options->alloc != !options->release)
        return neck__fail(NECK_E_ARGUMENT, "alloc and release must be given together");
    return NECK_OK;
}

neck_status neck_context_create(const neck_context_options *options, neck_context **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_context_options, given, options);
    NECK_TRY(check_options(&given));
    neck__allocator allocator = libc_allocator;
    if (given.alloc) allocator = (neck__allocator){given.alloc, given.release, given.alloc_user};
    neck_context *context = neck__calloc(&allocator, 1, sizeof *context, "a context");
    if (!context) return NECK_E_NOMEM;
    context->threads = given.threads ? given.threads : neck__default_threads();
    context->seed = given.seed;
    context->progress = given.progress;
    context->progress_user = given.progress_user;
    context->log = given.log;
    context->log_user = given.log_user;
    context->allocator = allocator;
    context->pool = neck__pool_create(context->threads);
    if (!context->pool) {
        neck__release(&allocator, context);
        return neck__fail(NECK_E_NOMEM, "out of memory: no room for %d threads", given.threads);
    }
    *out = context;
    return NECK_OK;
}

void neck_context_destroy(neck_context *context)
{
    if (!context) return;
    neck__pool_destroy(context->pool);
    neck__allocator allocator = context->allocator;
    neck__release(&allocator, context);
}

int32_t neck_context_threads(neck_context *context)
{
    return neck__context(context)->threads;
}

neck__allocator neck__allocator_of(const neck_context *context)
{
    return context ? context->allocator : libc_allocator;
}

uint64_t neck__context_seed(const neck_context *context)
{
    return context ? context->seed : 0;
}

void neck__parallel(neck_context *context, int64_t count, neck__task_fn task, void *data)
{
    neck__pool_run(neck__context(context)->pool, count, task, data);
}

neck_status neck__progress(neck_context *context, const char *task, const char *unit, int64_t done, int64_t total)
{
    if (!context || !context->progress) return NECK_OK;
    neck_progress told = {sizeof told, task, unit, done, total};
    if (context->progress(context->progress_user, &told) != 0)
        return neck__fail(NECK_E_CANCELLED, "%s was cancelled after %lld of %lld %s", task, (long long)done,
                          (long long)total, unit);
    return NECK_OK;
}

void neck__log(neck_context *context, int32_t level, const char *format, ...)
{
    if (!context || !context->log) return;
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    context->log(context->log_user, level, text);
}
