/* format/shards.h - one model in several files, held together by an index. */
#ifndef NECK_FORMAT_SHARDS_H
#define NECK_FORMAT_SHARDS_H

#include "format/tensors.h"

/* Reads every shard that the index (model.safetensors.index.json, pytorch_model.bin.index.json) names; all must lie
 * in the folder, be of one format and hold exactly the tensors that the index says, each in the shard it says.
 * Errors: NECK_E_IO (a shard is missing, by name), NECK_E_FORMAT, the readers' errors, NECK_E_NOMEM. */
neck_status neck__shards_read(const char *folder, const char *index_path, int allow_trailing, neck__tensors *list,
                              int32_t *format);

#endif
