/* format/safetensors.h - what the safetensors reader and writer share, and a file's metadata. */
#ifndef NECK_FORMAT_SAFETENSORS_H
#define NECK_FORMAT_SAFETENSORS_H

#include "format/json.h"
#include "format/mapping.h"
#include "softneck/checkpoint.h"

#define NECK__SAFETENSORS_PREFIX 8               /* the header's length, little-endian */
#define NECK__SAFETENSORS_HEADER_MAX 100000000   /* the limit of the format's reference implementation */
#define NECK__SAFETENSORS_METADATA "__metadata__" /* the one header member that is no tensor */

/* The header's metadata, an object of strings; NULL in *out when the file has none. json_decref it. */
neck_status neck__safetensors_metadata(const neck__mapping *file, json_t **out);

/* The bytes of tensors[index], when their turn comes. */
typedef neck_status (*neck__safetensors_fetch_fn)(void *user, int64_t index, const void **data);

/* neck_safetensors_write with data fetched one tensor after the other (data of tensors is not read then, but must not
 * be NULL); fetch NULL: as it lies. */
neck_status neck__safetensors_write(neck_context *context, const char *path, const neck_tensor *tensors, int64_t count,
                                    const char *const *keys, const char *const *values, int64_t metadata_count,
                                    neck__safetensors_fetch_fn fetch, void *user);

#endif
