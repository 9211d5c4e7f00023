/* Any bytes as a .npy file. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NECK_FUZZ_READ(data, size, neck__npy_read(file, list));
    return 0;
}
