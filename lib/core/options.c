/* core/options.c - sized options structs. */
#include "core/options.h"

#include <string.h>

#include "core/error.h"

/* More than any options struct will ever need; a larger struct_size is an uninitialised one. */
#define LARGEST_PLAUSIBLE 4096

neck_status neck__options_read(const char *type, const void *options, void *ours, size_t size)
{
    memset(ours, 0, size);
    if (!options) return NECK_OK;
    size_t theirs;
    memcpy(&theirs, options, sizeof theirs);
    if (theirs < sizeof theirs || theirs > LARGEST_PLAUSIBLE)
        return neck__fail(NECK_E_ARGUMENT, "%s.struct_size is %zu: set it to sizeof(%s)", type, theirs, type);
    for (size_t i = size; i < theirs; i++)
        if (((const unsigned char *)options)[i])
            return neck__fail(NECK_E_ARGUMENT,
                              "%s: byte %zu is set, but this library (%s) knows only %zu bytes of that struct", type, i,
                              neck_version_string(), size);
    memcpy(ours, options, theirs < size ? theirs : size);
    return NECK_OK;
}
