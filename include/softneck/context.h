/* softneck/context.h - threads, memory, progress and seed of everything that computes. */
#ifndef SOFTNECK_CONTEXT_H
#define SOFTNECK_CONTEXT_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A context is the first argument of every call that computes. NULL means the default context: threads as
 * described below, the C allocator, no callbacks, seed 0.
 *
 * Thread rule: a context may be shared between threads. While one thread's call has the context's worker
 * threads, a second thread's call on the same context runs on its own thread alone; results do not depend on
 * the number of threads (but for LAPACK's part, on the threads of the BLAS: see spectrum.h). Callbacks always run
 * on the thread that made the call, never on a worker, and never while the library holds a lock. */
typedef struct neck_context neck_context;

/* What a progress callback is told. The library owns the struct and its strings; they live for the call.
 * Fields may be appended in later versions: read only those within struct_size. */
typedef struct neck_progress {
    size_t struct_size;
    const char *task; /* what is being done, e.g. "gram" */
    const char *unit; /* of done and total, e.g. "rows" */
    int64_t done;     /* 0 <= done <= total */
    int64_t total;    /* -1 when it is not known */
} neck_progress;

/* Return 0 to go on, anything else to cancel: the call then stops at the next safe point, returns
 * NECK_E_CANCELLED and leaves its outputs untouched. */
typedef int32_t (*neck_progress_fn)(void *user, const neck_progress *progress);

/* Receives notes that are not errors ("refining by QR"). level: 0 debug, 1 info, 2 warning. */
typedef void (*neck_log_fn)(void *user, int32_t level, const char *message);

/* Allocator. alloc returns at least size bytes aligned to alignment (a power of two) or NULL; release gets
 * what alloc returned. Both may be called from the calling thread only. */
typedef void *(*neck_alloc_fn)(void *user, size_t alignment, size_t size);
typedef void (*neck_release_fn)(void *user, void *memory);

/* Options structs all follow one rule. struct_size must be sizeof the struct as the caller compiled it; a zero
 * field, or a field beyond struct_size, means its default; bytes beyond what this library knows must be zero
 * (otherwise NECK_E_ARGUMENT: the caller asks for something this version cannot do). A NULL options pointer
 * means all defaults. Fields are only ever appended. */
typedef struct neck_context_options {
    size_t struct_size;
    int32_t threads;           /* worker threads incl. the caller; 0: SOFTNECK_NUM_THREADS, else the CPUs this
                                  process may run on (affinity mask and cgroup quota) */
    int32_t reserved;          /* must be 0 */
    uint64_t seed;             /* of everything random */
    neck_progress_fn progress; /* NULL: none */
    void *progress_user;
    neck_log_fn log; /* NULL: none */
    void *log_user;
    neck_alloc_fn alloc; /* NULL: the C library's; alloc and release must be given together */
    neck_release_fn release;
    void *alloc_user;
} neck_context_options;

/* neck_context_create - makes a context; destroy it with neck_context_destroy. Worker threads start at first
 * use. Create contexts after fork(): a child that inherits one computes on its own thread alone.
 * Errors: NECK_E_ARGUMENT (threads < 0 or > 1024, alloc without release), NECK_E_NOMEM. */
NECK_API neck_status neck_context_create(const neck_context_options *options, neck_context **out);

/* neck_context_destroy - stops the workers and frees the context. NULL is a no-op. Objects made with a custom
 * allocator must be destroyed before their context; no call may be running on it. */
NECK_API void neck_context_destroy(neck_context *context);

/* neck_context_threads - how many threads calls with this context use at most. NULL: the default context's. */
NECK_API int32_t neck_context_threads(neck_context *context);

#ifdef __cplusplus
}
#endif
#endif
