/* format/pickle.h - what a Python pickle describes, without Python: a stack machine that only builds data.
 *
 * Pickles are programs. This machine runs the few instructions that describe data (of protocols 2 to 5) and refuses
 * all others; classes and functions are looked up in the client's list, never called. Values refer to each other by
 * number and every instruction makes at most one, so memory stays in proportion to the pickle whatever it says. */
#ifndef NECK_FORMAT_PICKLE_H
#define NECK_FORMAT_PICKLE_H

#include "core/memory.h"

/* A value by number, within one neck__pickle. */
typedef uint32_t neck__ref;

enum {
    NECK__PICKLE_NONE,
    NECK__PICKLE_BOOL,   /* integer */
    NECK__PICKLE_INT,    /* integer */
    NECK__PICKLE_TEXT,   /* text, UTF-8 not checked */
    NECK__PICKLE_TUPLE,  /* items */
    NECK__PICKLE_LIST,   /* items */
    NECK__PICKLE_DICT,   /* items: key, value, key, value ... in the order they were set */
    NECK__PICKLE_GLOBAL, /* tag: the client's number */
    NECK__PICKLE_OBJECT, /* what the client made of a call: tag and args are the client's */
    NECK__PICKLE_OPAQUE, /* floats, bytes, sets, huge integers: data that nobody asks for */
};

typedef struct neck__value {
    int32_t kind;
    int32_t tag;
    union {
        int64_t integer;
        neck__ref args;
        struct {
            const char *bytes; /* into the pickle */
            int64_t length;
        } text;
        struct {
            neck__ref *refs;
            int64_t count;
        } items;
    } as;
    int64_t capacity; /* of items */
} neck__value;

typedef struct neck__pickle {
    neck__allocator allocator;
    neck__value *values;
    int64_t count, capacity;
    neck__ref root;
} neck__pickle;

/* What the machine asks of whoever knows the classes. */
typedef struct neck__pickle_client {
    /* The client's number (> 0) of a class or function, or 0: refused. */
    int32_t (*find_global)(const char *module, size_t module_length, const char *name, size_t name_length);
    /* Stands for calling that global with a tuple of arguments: checks them and makes a value, or finds one. */
    neck_status (*call)(neck__pickle *pickle, int32_t global, neck__ref args, neck__ref *result);
    /* The object behind a persistent id. */
    neck_status (*load)(neck__pickle *pickle, neck__ref id, neck__ref *result);
    /* May target have this state? The state is dropped. */
    neck_status (*build)(neck__pickle *pickle, neck__ref target, neck__ref state);
} neck__pickle_client;

/* Runs the pickle, which must fill its bytes exactly and outlive *out. Errors: NECK_E_FORMAT, NECK_E_UNSUPPORTED (an
 * instruction, class or function that is not on the lists, by name), NECK_E_NOMEM; then there is nothing to clear. */
neck_status neck__pickle_read(const neck__allocator *allocator, const unsigned char *data, int64_t size,
                              const neck__pickle_client *client, neck__pickle *out);
void neck__pickle_clear(neck__pickle *pickle);

/* For reading: the value of a number. Valid until the next value is added. */
const neck__value *neck__pickle_value(const neck__pickle *pickle, neck__ref ref);
/* The k-th item of a tuple, list or dict. */
const neck__value *neck__pickle_item(const neck__pickle *pickle, const neck__value *container, int64_t k);

/* For building: adds a value; appends items to a container. */
neck_status neck__pickle_add(neck__pickle *pickle, neck__value value, neck__ref *out);
neck_status neck__pickle_append(neck__pickle *pickle, neck__ref container, const neck__ref *refs, int64_t count);

#endif
