/* core/options.h - reading a caller's options struct, whichever version of the header it was compiled with. */
#ifndef NECK_CORE_OPTIONS_H
#define NECK_CORE_OPTIONS_H

#include "softneck/status.h"

/* Copies the caller's struct into ours: ours (size bytes) is zeroed, then filled with the min(size, caller's
 * struct_size) bytes the caller has. Non-zero bytes beyond what this library knows are an error: they ask for
 * something it cannot do. NULL options leave ours all zero, that is, default. */
neck_status neck__options_read(const char *type, const void *options, void *ours, size_t size);

/* The common case: declares `type name` filled from pointer. */
#define NECK_OPTIONS(type, name, pointer) \
    type name;                            \
    NECK_TRY(neck__options_read(#type, pointer, &name, sizeof name))

#endif
