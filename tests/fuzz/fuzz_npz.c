/* Any bytes as a .npz file. */
#include "use.h"

static neck_status read_and_use(const neck__mapping *file, neck__tensors *list)
{
    neck_status status = neck__npz_read(file, list);
    if (status == NECK_OK) use_tensors(list);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NECK_FUZZ_READ(data, size, read_and_use(file, list));
    return 0;
}
