/* format/pickle_machine.h - the machine between the loop that decodes a pickle and the instructions it runs. */
#ifndef NECK_FORMAT_PICKLE_MACHINE_H
#define NECK_FORMAT_PICKLE_MACHINE_H

#include "format/pickle.h"

typedef struct neck__machine {
    neck__pickle *pickle;
    const neck__pickle_client *client;
    const unsigned char *data;
    int64_t size, at;
    neck__ref *stack; /* room for one value per byte of pickle: no instruction pushes more */
    int64_t depth;
    int64_t *marks; /* stack depths */
    int64_t mark_count;
    int64_t *memo; /* refs, or -1; room for one entry per byte of pickle */
    int64_t memo_count;
    int stopped;
} neck__machine;

/* An instruction's argument, in whichever form its kind has. */
typedef struct neck__argument {
    int64_t number;
    const char *bytes, *more; /* more: the second line of GLOBAL */
    int64_t length, more_length;
} neck__argument;

enum {
    NECK__NO_ARGUMENT,
    NECK__UNSIGNED_1,
    NECK__UNSIGNED_2,
    NECK__UNSIGNED_4,
    NECK__UNSIGNED_8,
    NECK__SIGNED_4,
    NECK__BYTES_1, /* the number of bytes, then the bytes */
    NECK__BYTES_4,
    NECK__BYTES_8,
    NECK__TWO_LINES
};

typedef struct neck__instruction {
    const char *name; /* NULL: unknown */
    int32_t argument;
    neck_status (*run)(neck__machine *m, const neck__argument *a); /* NULL: refused */
} neck__instruction;

/* By code. */
extern const neck__instruction neck__instructions[256];

#endif
