/* core/parallel.h - our own worker threads. */
#ifndef NECK_CORE_PARALLEL_H
#define NECK_CORE_PARALLEL_H

#include "softneck/context.h"

/* One task of many; index is 0 .. count-1. Must not fail, allocate through the context or call back to the user:
 * errors are left in the caller's data. */
typedef void (*neck__task_fn)(void *data, int64_t index);

/* The same as  for (i = 0; i < count; i++) task(data, i);  with the iterations spread over the context's threads in
 * no particular order; returns when all are done. Results must not depend on who runs what: write to places that
 * belong to the task. Runs on the calling thread alone when the workers are busy (another call on this context, a
 * nested call) or gone (after fork). */
void neck__parallel(neck_context *context, int64_t count, neck__task_fn task, void *data);

/* The pool behind it, owned by a context. */
typedef struct neck__pool neck__pool;
neck__pool *neck__pool_create(int32_t threads);
void neck__pool_destroy(neck__pool *pool);
void neck__pool_run(neck__pool *pool, int64_t count, neck__task_fn task, void *data);

#endif
