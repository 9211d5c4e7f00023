/* head/logit_map.h - an elementwise function of logits, before their softmax. */
#ifndef NECK_HEAD_LOGIT_MAP_H
#define NECK_HEAD_LOGIT_MAP_H

#include <stdint.h>

/* apply    - y = f(z); y may be z.
 * backward - dy, the gradient with respect to y, becomes that with respect to z: dy f'(z). What the map sums for its
 *            own parameters is added to gradient (parameters numbers; NULL: not wanted).
 * Calls may run side by side on different arrays. */
typedef struct neck__logit_map {
    void (*apply_f32)(const void *self, int64_t count, const float *z, float *y);
    void (*apply_f64)(const void *self, int64_t count, const double *z, double *y);
    void (*backward_f32)(const void *self, int64_t count, const float *z, float *dy, double *gradient);
    void (*backward_f64)(const void *self, int64_t count, const double *z, double *dy, double *gradient);
    const void *self;
    int64_t parameters;
} neck__logit_map;

#endif
