/* study/argmax_object.h - verdicts on the tokens of a head, and how they are put there. */
#ifndef NECK_STUDY_ARGMAX_OBJECT_H
#define NECK_STUDY_ARGMAX_OBJECT_H

#include "core/memory.h"
#include "softneck/unargmaxable.h"

typedef struct neck__argmax_entry {
    int32_t verdict, proof;
    int64_t twin;
    int64_t first, count; /* its mean: where in the object's lists */
    double margin, state_norm, residual, slack, probability_bound;
} neck__argmax_entry;

struct neck_argmax {
    neck__allocator allocator;
    int64_t size, width;
    neck__argmax_entry *entries;
    int64_t listed, capacity; /* of all means, one behind the other */
    int64_t *tokens;
    double *shares;
    double *witnesses; /* size x width, or NULL */
};

neck_status neck__argmax_create(const neck__allocator *allocator, int64_t size, int64_t width, int keep_witnesses,
                                neck_argmax **out);

/* Room for count more numbers of means, so that filling them in cannot fail: tokens and shares of the new mean. */
neck_status neck__argmax_list(neck_argmax *argmax, int64_t count, int64_t **tokens, double **shares);

/* Verdicts on a head of that fingerprint (weights, bias and options), as a file and back. Reading: the object is as it
 * was when that fails. */
neck_status neck__argmax_save(neck_context *context, const neck_argmax *argmax, uint64_t fingerprint, const char *path);
neck_status neck__argmax_load(neck_context *context, neck_argmax *argmax, uint64_t fingerprint, const char *path);

#endif
