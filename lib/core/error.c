/* core/error.c - status names and the thread-local message. */
#include "core/error.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define MESSAGE_CAPACITY 1024

static _Thread_local char message[MESSAGE_CAPACITY];

/* A message is one line whatever a file name or tensor name holds. */
static void keep_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < 0x20 || *text == 0x7f) *text = '?';
}

neck_status neck__fail(neck_status status, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    keep_one_line(message);
    return status;
}

neck_status neck__fail_in(neck_status status, const char *format, ...)
{
    char old[MESSAGE_CAPACITY], prefix[MESSAGE_CAPACITY];
    memcpy(old, message, sizeof old);
    va_list args;
    va_start(args, format);
    vsnprintf(prefix, sizeof prefix, format, args);
    va_end(args);
    size_t used = strlen(prefix);
    if (used > sizeof message / 2) used = sizeof message / 2;
    memcpy(message, prefix, used);
    snprintf(message + used, sizeof message - used, ": %.*s", (int)(sizeof message - used - sizeof ": "), old);
    keep_one_line(message);
    return status;
}

neck_status neck__fail_nomem(const char *what, int64_t bytes)
{
    return neck__fail(NECK_E_NOMEM, "out of memory: %" PRId64 " bytes for %s", bytes, what);
}

neck_status neck_error_set(neck_status status, const char *text)
{
    return neck__fail(status, "%s", text ? text : "");
}

const char *neck_last_error(void)
{
    return message;
}

size_t neck_last_error_copy(char *buffer, size_t capacity)
{
    size_t length = strlen(message);
    if (buffer && capacity > 0) {
        size_t kept = length < capacity - 1 ? length : capacity - 1;
        memcpy(buffer, message, kept);
        buffer[kept] = '\0';
    }
    return length;
}

const char *neck_status_name(neck_status status)
{
    switch (status) {
#define ENTRY(name, number, text) \
    case number: return "NECK_" #name;
        NECK_STATUS_LIST(ENTRY)
#undef ENTRY
    default: return "NECK_E_UNKNOWN";
    }
}

const char *neck_status_text(neck_status status)
{
    switch (status) {
#define ENTRY(name, number, text) \
    case number: return text;
        NECK_STATUS_LIST(ENTRY)
#undef ENTRY
    default: return "unknown status code";
    }
}
