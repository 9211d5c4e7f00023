/* linalg/reduction_factors.c - what lies between a panel's reflections and the update they ask for: tall, thin
 * products. */
#include <string.h>

#include "core/parallel.h"
#include "linalg/reduction_job.h"
#include "linalg/reflector_panel.h"

static int64_t rows_of(const neck__reduction *job, int64_t block)
{
    return job->padded - block * BLOCK < BLOCK ? job->padded - block * BLOCK : BLOCK;
}

/* The block's share of V^T times a tall matrix. */
static void times_tall(const neck__reduction *job, int64_t block, const double *tall)
{
    const double *v = job->panel + BAND + block * BLOCK;
    double *sum = job->sums + block * BAND * BAND;
    for (int64_t c = 0; c < BAND; c += job->strip) {
        const double *right = tall + c * job->padded + block * BLOCK * job->strip;
        for (int64_t r = 0; r < BAND; r += job->group)
            job->kernels->reflect.tile(rows_of(job, block), v + r * job->line, job->line, 1, right, sum + r * BAND + c,
                                       BAND, 0);
    }
}

static double *total(const neck__reduction *job)
{
    for (int64_t block = 1; block < job->blocks; block++)
        job->kernels->add_scaled(BAND * BAND, 1, job->sums + block * BAND * BAND, job->sums);
    return job->sums;
}

/* V from the panel's rows. */
static void prepare_task(void *data, int64_t block)
{
    const neck__reduction *job = data;
    int64_t strip = job->strip, first = block * BLOCK;
    for (int64_t c = 0; c < BAND; c += strip) {
        double *to = job->v + c * job->padded;
        for (int64_t i = first; i < first + rows_of(job, block); i++)
            for (int64_t j = 0; j < strip; j++) to[i * strip + j] = job->panel[(c + j) * job->line + BAND + i];
    }
    times_tall(job, block, job->v);
}

void neck__reduction_prepare(neck_context *context, neck__reduction *job)
{
    neck__parallel(context, job->blocks, prepare_task, job);
    neck__panel_factor_t(BAND, job->tau, total(job), job->t);
}

static void sum_task(void *data, int64_t block)
{
    const neck__reduction *job = data;
    neck__reduction_sum_x(job, block);
    times_tall(job, block, job->x);
}

static void as_strips(const neck__reduction *job, double factor, const double *a, double *to)
{
    for (int64_t c = 0; c < BAND; c += job->strip)
        for (int64_t k = 0; k < BAND; k++)
            for (int64_t j = 0; j < job->strip; j++) *to++ = factor * a[k * BAND + c + j];
}

/* c = op(a) b, all BAND x BAND. */
static void small_product(const neck__reduction *job, int transposed, const double *a, const double *b, double *c)
{
    double strips[BAND * BAND];
    int64_t lda = transposed ? 1 : BAND, step = transposed ? BAND : 1;
    as_strips(job, 1, b, strips);
    for (int64_t j = 0; j < BAND; j += job->strip)
        for (int64_t i = 0; i < BAND; i += job->group)
            job->kernels->reflect.tile(BAND, a + i * lda, lda, step, strips + j * BAND, c + i * BAND + j, BAND, 0);
}

/* BAND rows of -Z = X of_x + V of_v, from row `row` beyond the panel on. */
static void find_z(const neck__reduction *job, int64_t row, double *z)
{
    const neck__reflect *loops = &job->kernels->reflect;
    int64_t strip = job->strip;
    for (int64_t c = 0; c < BAND; c += strip) {
        const double *of_x = job->of_x + c * BAND, *of_v = job->of_v + c * BAND;
        for (int64_t r = 0; r < BAND; r += job->group) {
            double *to = z + r * BAND + c;
            for (int64_t k = 0; k < BAND; k += strip)
                loops->tile(strip, job->x + k * job->padded + (row + r) * strip, strip, 1, of_x + k * strip, to, BAND,
                            k > 0);
            loops->tile(BAND, job->panel + BAND + row + r, 1, job->line, of_v, to, BAND, 1);
        }
    }
}

/* Rows become columns of the update's strips. */
static void update_task(void *data, int64_t block)
{
    const neck__reduction *job = data;
    double z[BAND * BAND];
    int64_t strip = job->strip, first = block * BLOCK;
    for (int64_t row = first; row < first + rows_of(job, block); row += BAND) {
        find_z(job, row, z);
        for (int64_t s = 0; s < BAND; s += strip) {
            double *to = job->update + 3 * BAND * (row + s);
            for (int64_t k = 0; k < BAND; k++) {
                const double *v = job->panel + k * job->line + BAND + row + s;
                memcpy(to + k * strip, v, (size_t)strip * sizeof *to);
                memcpy(to + (2 * BAND + k) * strip, v, (size_t)strip * sizeof *to);
                for (int64_t j = 0; j < strip; j++) to[(BAND + k) * strip + j] = z[(s + j) * BAND + k];
            }
        }
    }
}

void neck__reduction_finish(neck_context *context, neck__reduction *job)
{
    double half[BAND * BAND], product[BAND * BAND];
    neck__parallel(context, job->blocks, sum_task, job);
    small_product(job, 0, total(job), job->t, half);
    small_product(job, 1, job->t, half, product);
    as_strips(job, -1, job->t, job->of_x);
    as_strips(job, 0.5, product, job->of_v);
    neck__parallel(context, job->blocks, update_task, job);
}
