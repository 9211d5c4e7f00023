/* core/error.h - how a call fails: set the thread's message, return the code. */
#ifndef NECK_CORE_ERROR_H
#define NECK_CORE_ERROR_H

#include "softneck/status.h"

/* Formats the thread's message and returns status, so that `return neck__fail(...)` reads as one step. The message
 * is one line: what is wrong with which input, without repeating what the caller knows. Never allocates. */
neck_status neck__fail(neck_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the current message: for the caller that knows the file's name. Returns status. */
neck_status neck__fail_in(neck_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Out of memory for bytes of what. */
neck_status neck__fail_nomem(const char *what, int64_t bytes);

/* Forwards a failure to the caller. */
#define NECK_TRY(expression)                       \
    do {                                           \
        neck_status try_status_ = (expression);    \
        if (try_status_ != NECK_OK) return try_status_; \
    } while (0)

/* The same in functions that clean up: needs a neck_status named status and a label done. */
#define NECK_GOTO_DONE(expression)              \
    do {                                        \
        status = (expression);                  \
        if (status != NECK_OK) goto done;       \
    } while (0)

#endif
