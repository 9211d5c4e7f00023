/* format/file_read.h - one file of tensors, whichever format it has. */
#ifndef NECK_FORMAT_FILE_READ_H
#define NECK_FORMAT_FILE_READ_H

#include "format/tensors.h"

/* Maps the file at path and reads its tensors; the list owns the mapping. */
neck_status neck__file_read(const char *path, int allow_trailing, neck__tensors *list, int32_t *format);

#endif
