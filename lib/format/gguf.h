/* format/gguf.h - what a GGUF file says besides its tensors: a table of typed values under unique keys.
 *
 * Everything here was checked when the file was read: types, lengths and counts lie within the file, booleans are 0 or
 * 1, and no value holds arrays of arrays. Pointers lead into the file's mapping and live as long as its checkpoint. */
#ifndef NECK_FORMAT_GGUF_H
#define NECK_FORMAT_GGUF_H

#include <stddef.h>

#include "softneck/checkpoint.h"

/* Types of values, with the format's numbers. */
enum {
    NECK__GGUF_U8 = 0,
    NECK__GGUF_I8 = 1,
    NECK__GGUF_U16 = 2,
    NECK__GGUF_I16 = 3,
    NECK__GGUF_U32 = 4,
    NECK__GGUF_I32 = 5,
    NECK__GGUF_F32 = 6,
    NECK__GGUF_BOOL = 7,
    NECK__GGUF_STRING = 8,
    NECK__GGUF_ARRAY = 9,
    NECK__GGUF_U64 = 10,
    NECK__GGUF_I64 = 11,
    NECK__GGUF_F64 = 12,
    NECK__GGUF_TYPES
};

typedef struct neck__gguf_value {
    const char *key; /* UTF-8 without NUL bytes, but not NUL-terminated */
    int64_t key_length;
    int32_t type;  /* NECK__GGUF_* */
    int32_t item;  /* an array's type of items, else the same as type */
    int64_t count; /* of items; 1 for anything but an array */
    const unsigned char *data; /* the items, one behind the other; a string is its length in 8 bytes, then its bytes */
    int64_t size;
} neck__gguf_value;

typedef struct neck__gguf {
    int32_t version;
    int64_t count;
    neck__gguf_value values[]; /* sorted by key */
} neck__gguf;

/* The table of a checkpoint, or NULL when it is not GGUF. */
const neck__gguf *neck__checkpoint_gguf(const neck_checkpoint *checkpoint);

/* The value of a key, or NULL. */
const neck__gguf_value *neck__gguf_find(const neck__gguf *gguf, const char *key);

/* Single values by key, with one line about what is missing or of the wrong type. An integer of any width will do for
 * an integer, any number for a real. A string's bytes are neither NUL-terminated nor known to be UTF-8.
 * Errors: NECK_E_NOT_FOUND, NECK_E_FORMAT (another type; an integer beyond int64). */
neck_status neck__gguf_integer(const neck__gguf *gguf, const char *key, int64_t *out);
neck_status neck__gguf_real(const neck__gguf *gguf, const char *key, double *out);
neck_status neck__gguf_boolean(const neck__gguf *gguf, const char *key, int *out);
neck_status neck__gguf_string(const neck__gguf *gguf, const char *key, const char **bytes, int64_t *length);

/* The array under a key whose items have that type. Errors as above. */
neck_status neck__gguf_array(const neck__gguf *gguf, const char *key, int32_t item, const neck__gguf_value **out);

/* The index-th item of a value (0 for a single one) as a number. Errors: NECK_E_FORMAT (no number; beyond int64),
 * NECK_E_ARGUMENT (index). */
neck_status neck__gguf_item_integer(const neck__gguf_value *value, int64_t index, int64_t *out);
neck_status neck__gguf_item_real(const neck__gguf_value *value, int64_t index, double *out);

/* Strings lie one behind the other, so they are visited in order:
 *   for (neck__gguf_strings s = neck__gguf_strings_of(value); neck__gguf_next_string(&s, &bytes, &length);) ...
 * A value that holds no strings is visited as an empty array. */
typedef struct neck__gguf_strings {
    const unsigned char *at;
    int64_t left;
} neck__gguf_strings;

neck__gguf_strings neck__gguf_strings_of(const neck__gguf_value *value);
int neck__gguf_next_string(neck__gguf_strings *strings, const char **bytes, int64_t *length);

/* "U8", "STRING" ...; "?" for an unknown type. */
const char *neck__gguf_type_name(int32_t type);

#endif
