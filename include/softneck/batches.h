/* softneck/batches.h - batches of a token file to train and evaluate on, each known by its step number alone. */
#ifndef SOFTNECK_BATCHES_H
#define SOFTNECK_BATCHES_H

#include "token_file.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NECK_BATCHES_RANDOM = 0,    /* windows that begin anywhere, independent of each other */
    NECK_BATCHES_SEQUENTIAL = 1 /* window after window; behind the last one the first: every token but the first and
                                   what does not fill a window is a target once a round */
};

/* Which part of the file: the validation part is its end. */
enum { NECK_PART_ALL = 0, NECK_PART_TRAINING = 1, NECK_PART_VALIDATION = 2 };

typedef struct neck_batches_options {
    size_t struct_size;
    int64_t batch;           /* rows; required */
    int64_t context_length;  /* tokens in a row; required */
    int32_t order;           /* NECK_BATCHES_* */
    int32_t part;            /* NECK_PART_* */
    double validation_share; /* of the tokens, in [0, 1): the last floor(share * count) are the validation part */
    uint64_t seed;           /* of RANDOM */
} neck_batches_options;

/* Immutable: any number of threads may use one. The file is borrowed and must outlive it. */
typedef struct neck_batches neck_batches;

/* neck_batches_create - a row is context_length tokens and as many targets, each token's successor, so a part needs
 * context_length + 1 tokens. Rows pay no heed to where documents end.
 * Errors: NECK_E_ARGUMENT (a part too short for the context says how long it is), NECK_E_NOMEM. */
NECK_API neck_status neck_batches_create(neck_context *context, const neck_token_file *file,
                                         const neck_batches_options *options, neck_batches **out);
NECK_API void neck_batches_destroy(neck_batches *batches);

/* neck_batches_windows - how many windows SEQUENTIAL has before it begins again; of RANDOM, how many there are to draw
 *                        from.
 * neck_batches_tokens  - tokens of the part. */
NECK_API int64_t neck_batches_windows(const neck_batches *batches);
NECK_API int64_t neck_batches_tokens(const neck_batches *batches);

/* neck_batches_fill - the batch of a step (>= 0): tokens and targets are batch x context_length, row-major. It depends
 * on file, options and step only: a resumed run that goes on at its step number sees what it would have seen.
 * Errors: NECK_E_ARGUMENT, NECK_E_FORMAT (as neck_token_file_read). */
NECK_API neck_status neck_batches_fill(const neck_batches *batches, int64_t step, int32_t *tokens, int32_t *targets);

#ifdef __cplusplus
}
#endif
#endif
