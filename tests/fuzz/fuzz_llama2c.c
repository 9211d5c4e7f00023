/* Any bytes as a llama2.c checkpoint, strictly and with trailing bytes allowed. */
#include "touch.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    NECK_FUZZ_READ(data, size, neck__llama2c_looks_like(file) ? neck__llama2c_read(file, 0, list) : NECK_E_FORMAT);
    NECK_FUZZ_READ(data, size, neck__llama2c_read(file, 1, list));
    return 0;
}
