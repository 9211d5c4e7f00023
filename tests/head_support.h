/* tests/head_support.h - small heads of every kind, and states for them. */
#ifndef TESTS_HEAD_SUPPORT_H
#define TESTS_HEAD_SUPPORT_H

#include <math.h>

#include "constructed.h"
#include "format_support.h"

enum { FIRST_KIND = NECK_HEAD_DENSE, LAST_KIND = NECK_HEAD_PLIF };

/* A tied head's arrays, V x d doubles or floats: the largest that these tests need. */
static double tied_weights[4096], tied_gradient[4096];

/* Sizes that each kind needs; the rest is the caller's. */
static inline neck_head_options head_options(int32_t kind, int32_t dtype, int64_t vocabulary, int64_t hidden_size)
{
    neck_head_options o = {sizeof o, .kind = kind, .dtype = dtype, .vocabulary = vocabulary,
                           .hidden_size = hidden_size};
    if (kind == NECK_HEAD_FACTORED) o.rank = (hidden_size + 1) / 2;
    if (kind == NECK_HEAD_MOS) {
        o.rank = hidden_size + 1;
        o.components = 3;
    }
    if (kind == NECK_HEAD_PLIF) {
        o.knots = 9;
        o.range = 1.5;
    }
    if (kind == NECK_HEAD_TIED) {
        o.tied_weights = tied_weights;
        o.tied_gradient = tied_gradient;
    }
    return o;
}

static inline double number_at(const void *data, int32_t dtype, int64_t i)
{
    return dtype == NECK_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

static inline void put_number(void *data, int32_t dtype, int64_t i, double value)
{
    if (dtype == NECK_F64)
        ((double *)data)[i] = value;
    else
        ((float *)data)[i] = (float)value;
}

/* Every parameter uniform in [-spread, spread): biases and slopes too. Rounded to f32, so that both precisions
 * agree. */
static inline void randomise(neck_head *head, double spread, uint64_t seed)
{
    int64_t count;
    const neck_parameter *p = neck_head_parameters(head, &count);
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++)
            put_number(p[k].data, p[k].dtype, i, (double)(float)(spread * next_number(&seed)));
}

static inline neck_head *made_head(const neck_head_options *options, double spread, uint64_t seed)
{
    neck_head *head = NULL;
    ck_assert_msg(neck_head_create(NULL, options, &head) == NECK_OK, "%s", neck_last_error());
    if (spread > 0) randomise(head, spread, seed);
    return head;
}

/* n x d numbers, rounded to f32. */
static inline neck_matrix made_states(void *data, int32_t dtype, int64_t n, int64_t d, uint64_t seed)
{
    for (int64_t i = 0; i < n * d; i++) put_number(data, dtype, i, (double)(float)next_number(&seed));
    return (neck_matrix){data, n, d, 0, dtype, 0};
}

#define ASSERT_OK(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

#define ASSERT_FAILS(call, code, fragment) assert_fails(call, code, fragment, #call)

#endif
