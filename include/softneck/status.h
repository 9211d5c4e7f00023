/* softneck/status.h - export macro, status codes, error messages, versions at run time. */
#ifndef SOFTNECK_STATUS_H
#define SOFTNECK_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "version.h"

#if defined(__GNUC__) || defined(__clang__)
#define NECK_API __attribute__((visibility("default")))
#else
#define NECK_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Every call that can fail returns a neck_status: NECK_OK (0) or one of these negative codes.
 * Numbers are fixed for ever and never reused. On failure every output argument keeps the value it
 * had before the call, and neck_last_error() says in one line what is wrong with which input. */
typedef int32_t neck_status;

#define NECK_STATUS_LIST(X)                                                              \
    X(OK, 0, "success")                                                                  \
    X(E_ARGUMENT, -1, "invalid argument")                                                \
    X(E_NOMEM, -2, "out of memory")                                                      \
    X(E_NONFINITE, -3, "input holds NaN or infinity")                                    \
    X(E_CANCELLED, -4, "cancelled by the progress callback")                             \
    X(E_IO, -5, "the operating system refused a file operation")                         \
    X(E_FORMAT, -6, "malformed or truncated file")                                       \
    X(E_UNSUPPORTED, -7, "well formed, but not supported")                               \
    X(E_NOT_FOUND, -8, "no such tensor, file or name")                                   \
    X(E_OVERFLOW, -9, "a size or value exceeds what can be represented")                 \
    X(E_CONVERGENCE, -10, "an iterative solver did not converge")                        \
    X(E_TRAILING_DATA, -11, "well formed, but followed by bytes that belong to nothing") \
    X(E_STATE, -12, "the object is not in a state that allows this call")                \
    X(E_INTERNAL, -13, "internal error: please report it")

enum {
#define NECK_STATUS_ENTRY(name, number, text) NECK_##name = number,
    NECK_STATUS_LIST(NECK_STATUS_ENTRY)
#undef NECK_STATUS_ENTRY
};

/* neck_status_name - the constant's name, e.g. "NECK_E_NONFINITE"; "NECK_E_UNKNOWN" for other numbers.
 * neck_status_text - one general sentence for the code.
 * Both return static strings, never NULL. Thread-safe. */
NECK_API const char *neck_status_name(neck_status status);
NECK_API const char *neck_status_text(neck_status status);

/* neck_last_error - the message of the latest failed call on this thread, "" if none failed yet.
 * Owned by the library; valid until the next failing call on the same thread. A successful call
 * leaves it alone: the returned status is the truth, the message is extra. Thread-safe. */
NECK_API const char *neck_last_error(void);

/* neck_last_error_copy - copies that message into buffer (capacity bytes, always NUL-terminated when
 * capacity > 0; cut if too long) and returns the full message length in bytes without the NUL. For foreign
 * callers that cannot keep a thread-local pointer. buffer may be NULL when capacity is 0. Thread-safe. */
NECK_API size_t neck_last_error_copy(char *buffer, size_t capacity);

/* neck_error_set - sets this thread's message (text, one line; NULL: none) and returns status: for callbacks that fail,
 * and for libraries built on this one. Thread-safe. */
NECK_API neck_status neck_error_set(neck_status status, const char *text);

/* neck_version_number - NECK_VERSION_NUMBER of the library that is running; compare with the header's.
 * neck_version_string - the same as text, e.g. "0.1.0".
 * neck_abi_version    - NECK_ABI_VERSION of the library that is running. */
NECK_API int32_t neck_version_number(void);
NECK_API const char *neck_version_string(void);
NECK_API int32_t neck_abi_version(void);

/* neck_build_info - one line on how this library was built and what it runs on: version, compiler,
 * kernel level chosen for this CPU, the BLAS in use. Static string, never NULL. Thread-safe. */
NECK_API const char *neck_build_info(void);

#ifdef __cplusplus
}
#endif
#endif
