/* linalg/gram.h - what a neck_gram is inside the library. */
#ifndef NECK_LINALG_GRAM_H
#define NECK_LINALG_GRAM_H

#include <pthread.h>

#include "core/memory.h"
#include "softneck/gram.h"

struct neck_gram {
    neck__allocator allocator;
    int64_t cols, count, zero_rows;
    double norm_sum, square_sum; /* sum |y|, sum |y|^2 */
    double chain;                /* length of the longest chain of roundings behind an entry of data */
    double *sum, *unit_sum;      /* cols each, one allocation with shift */
    double *shift;               /* cols, or NULL */
    double *data;                /* cols x cols, or NULL when moments_only; the upper triangle is the truth */
    int32_t mirrored;            /* the lower triangle is up to date */
    pthread_mutex_t mirror_lock; /* readers may run side by side */
};

#endif
