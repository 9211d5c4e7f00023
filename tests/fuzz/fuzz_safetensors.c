/* Any bytes as a safetensors file, strictly and with trailing bytes allowed, and its metadata. */
#include "format/safetensors.h"
#include "touch.h"

static neck_status read_metadata(const neck__mapping *file)
{
    json_t *metadata = NULL;
    neck_status status = neck__safetensors_metadata(file, &metadata);
    json_decref(metadata);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NECK_FUZZ_READ(data, size, neck__safetensors_read(file, 0, list));
    NECK_FUZZ_READ(data, size, neck__safetensors_read(file, 1, list) == NECK_OK ? neck__tensors_check_unique(list)
                                                                                : NECK_E_FORMAT);
    NECK_FUZZ_READ(data, size, read_metadata(file));
    return 0;
}
