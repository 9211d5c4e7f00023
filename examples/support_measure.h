/* support_measure.h - one checkpoint measured: its head found, the spectrum computed, every metric evaluated. */
#ifndef SUPPORT_MEASURE_H
#define SUPPORT_MEASURE_H

#include <softneck.h>
#include <softneck/frequency.h>

/* Which matrix of a checkpoint, and how its spectrum is computed. */
typedef struct measure_request {
    const char *tensor; /* NULL: the LM head */
    neck_spectrum_options spectrum;
    int64_t weight_count; /* of spectrum.row_weights */
    const double *counts; /* how often each token occurs, or NULL: then there is no frequency to compare with */
    int64_t count_count;  /* of counts */
    int counts_of_tokens; /* counted by tokens' numbers, so that a head that was padded may have more rows */
    int64_t components;   /* how many to compare; cut to what the matrix has */
    int together;         /* all ranks call with the same checkpoint, and share its rows; components are rank 0's */
} measure_request;

enum { MEASURE_NOT_TOLD = -1 };

/* One row of a table. */
typedef struct measured {
    char *path;
    char *tensor;
    int32_t format;
    int32_t dtype;
    int32_t tied; /* 1, 0, or MEASURE_NOT_TOLD when the tensor was named */
    int64_t rows;
    int64_t cols;
    int64_t step; /* -1: none */
    neck_spectrum *spectrum;
    neck_measure *metrics; /* neck_metric_count(); value NaN where a metric is undefined for this spectrum */
    neck_frequency_component *frequency; /* components of them, or NULL */
    int64_t components;
    int64_t counted;       /* tokens that occur */
} measured;

/* A sentence on what went wrong, for one line on standard error. */
typedef struct measure_error {
    neck_status status;
    char text[6144]; /* room for the longest path */
} measure_error;

/* measure_checkpoint - step: the training step as its series tells it. Returns 1 and fills out (free it with
 * measured_free), or 0 and fills error. */
int measure_checkpoint(neck_context *context, const char *path, int64_t step, const measure_request *request,
                       measured *out, measure_error *error);
void measured_free(measured *row);

/* measure_weights - the numbers of a .npy file of one dimension (or one column), of a floating or integer dtype.
 * Returns them (release with free) and their count, or NULL and fills error. */
double *measure_weights(neck_context *context, const char *path, int64_t *count, measure_error *error);

/* measure_compare_tokens - a note, once, when a tokenizer of that many tokens is hardly that of a model with this
 * vocabulary. */
void measure_compare_tokens(int64_t tokens, int64_t vocabulary);

/* measure_agree - good on all ranks, or on none: then error tells of the first that failed, or of this one. All
 * ranks call it together. Returns whether all are good. */
int measure_agree(int good, measure_error *error);

/* measure_fail - writes status and neck_last_error() into error, after path unless the message names it. Returns 0. */
int measure_fail(measure_error *error, neck_status status, const char *path);

#endif
