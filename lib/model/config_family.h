/* model/config_family.h - what config.json says differently from one family to another. */
#ifndef NECK_MODEL_CONFIG_FAMILY_H
#define NECK_MODEL_CONFIG_FAMILY_H

#include "format/json.h"
#include "model/config.h"

/* What families call the same number, and what it is when the file does not say. NULL: the family has no such key. */
typedef struct neck__family {
    const char *type;
    const struct neck__layout *layout;
    const char *hidden, *layers, *heads, *kv_heads, *head_size, *inner, *context, *activation, *epsilon;
    const char *default_activation;
    double default_epsilon;
    int64_t default_context;
    int32_t tied;
    neck_status (*read)(const json_t *root, neck__config *config);
} neck__family;

/* Errors: NECK_E_UNSUPPORTED. */
neck_status neck__family_find(const char *type, const neck__family **out);

#endif
