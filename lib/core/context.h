/* core/context.h - what a context is inside the library. */
#ifndef NECK_CORE_CONTEXT_H
#define NECK_CORE_CONTEXT_H

#include "core/memory.h"
#include "softneck/context.h"

/* NULL becomes the default context. Never fails. */
neck_context *neck__context(neck_context *context);

/* Tells the progress callback; NECK_E_CANCELLED when it says stop. Calling thread only. */
neck_status neck__progress(neck_context *context, const char *task, const char *unit, int64_t done, int64_t total);

/* Sends a note to the log callback. level: 0 debug, 1 info, 2 warning. */
void neck__log(neck_context *context, int32_t level, const char *format, ...) __attribute__((format(printf, 3, 4)));

uint64_t neck__context_seed(const neck_context *context);

#endif
