/* spectrum/gram_spectrum.c - singular values of everything pushed into a gram. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "linalg/gram.h"
#include "spectrum/finish.h"
#include "spectrum/solve.h"
#include "spectrum/spectrum_object.h"

static neck_status check(const neck_gram *gram, const neck_spectrum_options *options)
{
    if (options->method != NECK_METHOD_AUTO && options->method != NECK_METHOD_GRAM)
        return neck__fail(NECK_E_ARGUMENT, "method %d: a gram keeps no rows, so its spectrum is by GRAM",
                          options->method);
    if (options->tolerance != 0 || options->row_weights)
        return neck__fail(NECK_E_ARGUMENT, "tolerance and row_weights need the rows, which a gram does not keep");
    if (options->variant != NECK_VARIANT_RAW && options->variant != NECK_VARIANT_CENTERED &&
        options->variant != NECK_VARIANT_DROP_TOP)
        return neck__fail(NECK_E_ARGUMENT, "variant %d: a gram has RAW, CENTERED and DROP_TOP", options->variant);
    if (gram->count == 0) return neck__fail(NECK_E_STATE, "nothing was pushed into the gram: it has no spectrum");
    if (!gram->data) return neck__fail(NECK_E_STATE, "the gram holds only moments: it has no spectrum");
    return NECK_OK;
}

/* sum (y - m)(y - m)^T = sum y y^T - s s^T / n. What this cancels is in the returned bound on the error of c. */
static double subtract_mean(const neck_gram *gram, double *c)
{
    double squares = 0, count = (double)gram->count;
    for (int64_t i = 0; i < gram->cols; i++) {
        squares += gram->sum[i] * gram->sum[i];
        for (int64_t j = i; j < gram->cols; j++) c[i * gram->cols + j] -= gram->sum[i] * gram->sum[j] / count;
    }
    /* Each sum has up to `chain` roundings of its own; two enter every product. */
    return (2 * gram->chain + 4) * (DBL_EPSILON / 2) * fmax(gram->square_sum, squares / count);
}

static neck_status fill(neck_context *context, const neck_gram *gram, double *c, neck_spectrum *spectrum)
{
    int64_t n = gram->cols;
    /* Roundings; and what products of small numbers lose that no double can hold. */
    double delta = gram->chain * (DBL_EPSILON / 2) * gram->square_sum + (double)gram->count * (double)n * DBL_TRUE_MIN;
    memcpy(c, gram->data, (size_t)(n * n) * sizeof *c);
    spectrum->frobenius_squared = gram->square_sum;
    if (spectrum->variant == NECK_VARIANT_CENTERED) {
        delta += subtract_mean(gram, c);
        spectrum->frobenius_squared = 0;
        for (int64_t i = 0; i < n; i++) spectrum->frobenius_squared += fmax(c[i * n + i], 0);
    }
    neck__solution solution = {.values = spectrum->values, .bounds = spectrum->bounds};
    NECK_TRY(neck__solve_eigen(context, n, c, delta, spectrum->count, &solution));
    spectrum->resolution = solution.resolution;
    return neck__spectrum_finish(spectrum, 1);
}

neck_status neck_gram_spectrum(neck_context *context, const neck_gram *gram, const neck_spectrum_options *options,
                               neck_spectrum **out)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "gram or out is NULL");
    NECK_OPTIONS(neck_spectrum_options, given, options);
    NECK_TRY(check(gram, &given));
    neck__allocator allocator = neck__allocator_of(context);
    neck_spectrum *spectrum;
    NECK_TRY(neck__spectrum_new(context, gram->count < gram->cols ? gram->count : gram->cols, &spectrum));
    spectrum->rows = gram->count;
    spectrum->cols = gram->cols;
    spectrum->method = NECK_METHOD_GRAM;
    spectrum->variant = given.variant;
    double *c = neck__alloc(&allocator, gram->cols * gram->cols, sizeof *c, "a Gram matrix");
    neck_status status = c ? fill(context, gram, c, spectrum) : NECK_E_NOMEM;
    neck__release(&allocator, c);
    if (status == NECK_OK)
        *out = spectrum;
    else
        neck_spectrum_destroy(spectrum);
    return status;
}
