/* linalg/reflector_panel.c - reflections are found a few at a time, in rows that fit the second-level cache, and
 * applied together to the rows below. */
#include "linalg/reflector_panel.h"

#include <math.h>
#include <string.h>

#include "core/parallel.h"
#include "kernels/kernels.h"

enum { BAND = NECK__BAND, FEW = NECK__REFLECTIONS, CHUNK = 1152 };

typedef struct panel {
    const neck__kernels *kernels;
    int64_t count, ld, first; /* of the reflections in hand: row and column */
    double *rows, *sums;
    double factors[FEW * BAND];
} panel;

static int64_t chunks_of(int64_t count)
{
    return (count + CHUNK - 1) / CHUNK;
}

int64_t neck__panel_scratch(int64_t count)
{
    return chunks_of(count) * FEW * BAND;
}

/* Row r becomes v_r, with a head of one. */
static double reflection(const panel *p, int64_t r, double *l)
{
    double *row = p->rows + r * p->ld, head = row[r];
    double tail = p->kernels->sum_squares(p->count - r - 1, row + r + 1), length = sqrt(head * head + tail);
    double beta = tail > 0 ? (head > 0 ? -length : length) : head;
    memcpy(l + r * BAND, row, (size_t)r * sizeof *l);
    l[r * BAND + r] = beta;
    memset(row, 0, (size_t)r * sizeof *row);
    row[r] = 1;
    neck__update scale = {.keep = tail > 0 ? 1 / (head - beta) : 0};
    void *const data[4] = {row + r + 1};
    p->kernels->update[1][NECK__SCALE](p->count - r - 1, &scale, data);
    return tail > 0 ? (beta - head) / beta : 0;
}

/* The reflections of FEW rows. Columns before the first of them are not theirs. */
static void factor_few(const panel *p, double *l, double *tau)
{
    const neck__reflect *loops = &p->kernels->reflect;
    for (int64_t i = 0; i < FEW; i++) {
        int64_t r = p->first + i, below = FEW - 1 - i, count = p->count - p->first;
        double *row = p->rows + r * p->ld + p->first, dots[FEW];
        tau[r] = reflection(p, r, l);
        loops->dots(count, 1, row, p->ld, below, row + p->ld, p->ld, dots);
        for (int64_t j = 0; j < below; j++) dots[j] *= tau[r];
        loops->subtract(count, 1, row, p->ld, below, row + p->ld, p->ld, dots);
    }
}

static int64_t chunk_columns(const panel *p, int64_t chunk)
{
    int64_t left = p->count - p->first - chunk * CHUNK;
    return left < CHUNK ? left : CHUNK;
}

/* Products of the reflections with each other and with the rows below. */
static void dots_task(void *data, int64_t chunk)
{
    const panel *p = data;
    const double *x = p->rows + p->first * p->ld + p->first + chunk * CHUNK;
    p->kernels->reflect.dots(chunk_columns(p, chunk), FEW, x, p->ld, BAND - p->first, x, p->ld,
                             p->sums + chunk * FEW * BAND);
}

static void subtract_task(void *data, int64_t chunk)
{
    const panel *p = data;
    double *x = p->rows + p->first * p->ld + p->first + chunk * CHUNK;
    p->kernels->reflect.subtract(chunk_columns(p, chunk), FEW, x, p->ld, BAND - p->first - FEW, x + FEW * p->ld, p->ld,
                                 p->factors);
}

void neck__panel_factor_t(int64_t n, const double *tau, const double *gram, double *t)
{
    memset(t, 0, (size_t)(n * n) * sizeof *t);
    for (int64_t r = 0; r < n; r++) {
        for (int64_t i = 0; i < r; i++) {
            double sum = 0;
            for (int64_t k = i; k < r; k++) sum += t[i * n + k] * gram[k * n + r];
            t[i * n + r] = -tau[r] * sum;
        }
        t[r * n + r] = tau[r];
    }
}

/* Factors of the reflections in the rows below: T^T times the products. */
static void find_factors(panel *p, int64_t chunks, const double *tau)
{
    int64_t width = BAND - p->first, below = width - FEW;
    double *sums = p->sums, gram[FEW * FEW], t[FEW * FEW];
    for (int64_t c = 1; c < chunks; c++)
        for (int64_t i = 0; i < FEW * width; i++) sums[i] += sums[c * FEW * BAND + i];
    for (int64_t i = 0; i < FEW; i++) memcpy(gram + i * FEW, sums + i * width, sizeof gram / FEW);
    neck__panel_factor_t(FEW, tau + p->first, gram, t);
    memset(p->factors, 0, sizeof p->factors);
    for (int64_t i = 0; i < FEW; i++)
        for (int64_t k = 0; k <= i; k++)
            for (int64_t j = 0; j < below; j++) p->factors[i * below + j] += t[k * FEW + i] * sums[k * width + FEW + j];
}

void neck__panel_factor(neck_context *context, int64_t count, double *rows, int64_t ld, double *l, double *tau,
                        double *scratch)
{
    panel p = {.kernels = neck__kernels_get(), .count = count, .ld = ld, .rows = rows, .sums = scratch};
    memset(l, 0, BAND * BAND * sizeof *l);
    for (; p.first < BAND; p.first += FEW) {
        factor_few(&p, l, tau);
        if (p.first + FEW == BAND) return;
        int64_t chunks = chunks_of(count - p.first);
        neck__parallel(context, chunks, dots_task, &p);
        find_factors(&p, chunks, tau);
        neck__parallel(context, chunks, subtract_task, &p);
    }
}
