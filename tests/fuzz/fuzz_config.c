/* tests/fuzz/fuzz_config.c - config.json of model folders: whatever the text, a configuration that makes sense or one
 * line. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "model/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* exactly as long as it is: over-reads show */
    neck__config *config = malloc(sizeof *config);
    if (text && config) {
        memcpy(text, data, size);
        text[size] = '\0';
        if (neck__config_from_json(text, config) == NECK_OK && neck__config_check(config) == NECK_OK) {
            /* What the model will multiply must not overflow. */
            int64_t heads = config->heads * config->head_size, weights = config->hidden * config->inner;
            if (heads <= 0 || weights <= 0 || config->kv_heads > config->heads) abort();
        }
    }
    free(config);
    free(text);
    return 0;
}
