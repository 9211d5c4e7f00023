/* format/system_error.h - failures of the operating system, with the path and the system's reason. */
#ifndef NECK_FORMAT_SYSTEM_ERROR_H
#define NECK_FORMAT_SYSTEM_ERROR_H

#include "softneck/status.h"

/* "cannot ACTION 'PATH': REASON" as NECK_E_IO; error is an errno value. */
neck_status neck__fail_system(const char *action, const char *path, int error);

#endif
