/* evaluate/sample.h - a uniform random sample of the rows that stream by. */
#ifndef NECK_EVALUATE_SAMPLE_H
#define NECK_EVALUATE_SAMPLE_H

#include "core/memory.h"
#include "softneck/metrics.h"

/* Reservoir sampling: every row seen so far is among the kept ones with the same probability. Which ones depends on the
 * seed and the rows' numbers alone, so samples of different layers hold the same positions. */
typedef struct neck__sample {
    neck__allocator allocator;
    uint64_t seed;
    int64_t capacity;
    int64_t cols;
    int64_t seen;
    float *rows; /* capacity; zeros where a row was left out, or none has been yet */
} neck__sample;

neck_status neck__sample_init(const neck__allocator *allocator, int64_t capacity, int64_t cols, uint64_t seed,
                              neck__sample *out);
void neck__sample_free(neck__sample *sample);

/* Offers rows of cols floats, row_stride apart. */
void neck__sample_push(neck__sample *sample, const float *rows, int64_t count, int64_t row_stride);

/* The next count rows are seen, but lie elsewhere: samples of parts of the rows, each leaving out the others', add
 * up to the sample of all. */
void neck__sample_leave_out(neck__sample *sample, int64_t count);

/* Mean cosine between two different rows after subtracting center, of the kept rows; *standard_error is that of an
 * estimate for all rows seen, 0 when all are kept. NECK_E_STATE for fewer than two rows that differ from center. */
neck_status neck__sample_anisotropy(const neck__sample *sample, const double *center, neck_measure *out,
                                    double *standard_error);

#endif
