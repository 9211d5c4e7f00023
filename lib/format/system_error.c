/* format/system_error.c - errno values as text. */
#include "format/system_error.h"

#include <stdio.h>
#include <string.h>

#include "core/error.h"

neck_status neck__fail_system(const char *action, const char *path, int error)
{
    char reason[128];
    if (strerror_r(error, reason, sizeof reason) != 0) snprintf(reason, sizeof reason, "system error %d", error);
    return neck__fail(NECK_E_IO, "cannot %s '%s': %s", action, path, reason);
}
