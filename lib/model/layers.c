/* model/layers.c - norms, linear maps and activations, parallel over rows. */
#include "model/layers.h"

#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "core/parallel.h"

/* Rows of one task. */
enum { ROWS = 16 };

static int64_t task_count(int64_t rows)
{
    return (rows + ROWS - 1) / ROWS;
}

static int64_t task_end(int64_t index, int64_t rows)
{
    return (index + 1) * ROWS < rows ? (index + 1) * ROWS : rows;
}

typedef struct norming {
    const neck__kernels *kernels;
    const neck__config *config;
    const neck__norm *norm;
    int64_t rows, width;
    const float *x;
    float *out;
    atomic_int faulty;
} norming;

/* The mean is subtracted before squaring: two passes, so that a large mean does not drown the variance. */
static int norm_row(const norming *job, const float *x, float *out)
{
    const float *weight = job->norm->weight, *bias = job->norm->bias;
    double n = (double)job->width, sum, squares, mean = 0;
    job->kernels->moments_f32(job->width, x, 0, &sum, &squares);
    if (job->config->norm == NECK__NORM_LAYER) {
        mean = sum / n;
        job->kernels->moments_f32(job->width, x, mean, &sum, &squares);
    }
    float center = (float)mean, scale = (float)(1 / sqrt(squares / n + job->config->norm_epsilon));
    if (bias)
        for (int64_t i = 0; i < job->width; i++) out[i] = (x[i] - center) * scale * weight[i] + bias[i];
    else
        for (int64_t i = 0; i < job->width; i++) out[i] = (x[i] - center) * scale * weight[i];
    return isfinite(squares);
}

static void norm_task(void *data, int64_t index)
{
    norming *job = data;
    int finite = 1;
    for (int64_t row = index * ROWS; row < task_end(index, job->rows); row++)
        finite &= norm_row(job, job->x + row * job->width, job->out + row * job->width);
    if (!finite) atomic_store_explicit(&job->faulty, 1, memory_order_relaxed);
}

void neck__norm_apply(neck_context *context, const neck__config *config, const neck__norm *norm, int64_t rows,
                      int64_t width, const float *x, float *out, int32_t *faulty)
{
    norming job = {neck__kernels_get(), config, norm, rows, width, x, out, 0};
    neck__parallel(context, task_count(rows), norm_task, &job);
    *faulty |= atomic_load(&job.faulty);
}

typedef struct biasing {
    const float *bias;
    int64_t rows, width, stride;
    int32_t accumulate;
    float *out;
} biasing;

static void bias_task(void *data, int64_t index)
{
    const biasing *job = data;
    for (int64_t row = index * ROWS; row < task_end(index, job->rows); row++) {
        float *out = job->out + row * job->stride;
        if (!job->accumulate) memcpy(out, job->bias, (size_t)job->width * sizeof *out);
        for (int64_t i = 0; job->accumulate && i < job->width; i++) out[i] += job->bias[i];
    }
}

/* The bias goes first, so that the product adds itself to it on the way out of its registers. */
void neck__linear_apply(neck_context *context, const neck__linear *linear, int64_t rows, const float *x,
                        int32_t accumulate, float *out, int64_t stride)
{
    biasing job = {linear->bias, rows, neck__packed_outputs(linear->weight), stride, accumulate, out};
    if (linear->bias) neck__parallel(context, task_count(rows), bias_task, &job);
    neck__gemm_f32(context, rows, x, neck__packed_inputs(linear->weight), linear->weight,
                   accumulate || linear->bias != NULL, out, stride);
}

typedef struct activating {
    void (*activate)(int64_t count, float *x);
    int64_t rows, width;
    float *gate, *up;
} activating;

static void activate_task(void *data, int64_t index)
{
    const activating *job = data;
    int64_t first = index * ROWS * job->width, count = task_end(index, job->rows) * job->width - first;
    float *gate = job->gate ? job->gate + first : NULL, *up = job->up + first;
    job->activate(count, gate ? gate : up);
    for (int64_t i = 0; gate && i < count; i++) up[i] *= gate[i];
}

void neck__activate(neck_context *context, int32_t activation, int64_t rows, int64_t width, float *gate, float *up)
{
    activating job = {neck__kernels_get()->activate_f32[activation], rows, width, gate, up};
    neck__parallel(context, task_count(rows), activate_task, &job);
}

typedef struct adding {
    int64_t rows, width;
    const float *from;
    float *to;
} adding;

static void add_task(void *data, int64_t index)
{
    const adding *job = data;
    for (int64_t i = index * ROWS * job->width; i < task_end(index, job->rows) * job->width; i++)
        job->to[i] += job->from[i];
}

void neck__rows_add(neck_context *context, int64_t rows, int64_t width, const float *from, float *to)
{
    adding job = {rows, width, from, to};
    neck__parallel(context, task_count(rows), add_task, &job);
}
