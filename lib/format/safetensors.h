/* format/safetensors.h - what the safetensors reader and writer share, and a file's metadata. */
#ifndef NECK_FORMAT_SAFETENSORS_H
#define NECK_FORMAT_SAFETENSORS_H

#include "format/json.h"
#include "format/mapping.h"

#define NECK__SAFETENSORS_PREFIX 8               /* the header's length, little-endian */
#define NECK__SAFETENSORS_HEADER_MAX 100000000   /* the limit of the format's reference implementation */
#define NECK__SAFETENSORS_METADATA "__metadata__" /* the one header member that is no tensor */

/* The header's metadata, an object of strings; NULL in *out when the file has none. json_decref it. */
neck_status neck__safetensors_metadata(const neck__mapping *file, json_t **out);

#endif
