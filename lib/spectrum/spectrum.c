/* spectrum/spectrum.c - neck_spectrum_compute: which method, which variant, in the caller's units. */
#include "softneck/spectrum.h"

#include <float.h>
#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "spectrum/finish.h"
#include "spectrum/solve.h"
#include "spectrum/spectrum_object.h"
#include "spectrum/variant.h"

/* AUTO takes QR at once below this many multiplications (length * order^2): ten milliseconds or so buy every digit. */
#define CHEAP_QR 67108864.0

static neck_status check_options(const neck_spectrum_options *options)
{
    if (options->method < NECK_METHOD_AUTO || options->method > NECK_METHOD_QR)
        return neck__fail(NECK_E_ARGUMENT, "method %d is not AUTO, GRAM or QR", options->method);
    if (!(options->tolerance >= 0) || isinf(options->tolerance))
        return neck__fail(NECK_E_ARGUMENT, "tolerance is %g: it must be a finite number >= 0", options->tolerance);
    if (options->tolerance > 0 && options->method != NECK_METHOD_AUTO)
        return neck__fail(NECK_E_ARGUMENT, "tolerance chooses a method, so it needs method AUTO");
    return NECK_OK;
}

int32_t neck_method_for(int64_t rows, int64_t cols)
{
    double order = (double)(rows < cols ? rows : cols), length = (double)(rows < cols ? cols : rows);
    return length * order * order <= CHEAP_QR ? NECK_METHOD_QR : NECK_METHOD_GRAM;
}

int32_t neck_spectrum_within(const neck_spectrum *spectrum, double tolerance)
{
    double long_side = (double)(spectrum->rows > spectrum->cols ? spectrum->rows : spectrum->cols);
    double threshold = long_side * DBL_EPSILON * spectrum->values[0];
    for (int64_t i = 0; i < spectrum->count; i++)
        if (spectrum->values[i] + spectrum->bounds[i] > threshold &&
            spectrum->bounds[i] > tolerance * fmax(spectrum->values[i], threshold))
            return 0;
    return 1;
}

static neck_status solve(neck_context *context, const neck__variant *variant, int32_t method, neck_spectrum *spectrum)
{
    const neck__source *source = &variant->source;
    neck__solution solution = {.values = spectrum->values, .bounds = spectrum->bounds};
    NECK_TRY(method == NECK_METHOD_QR ? neck__solve_by_qr(context, source, &solution)
                                      : neck__solve_by_gram(context, source, &solution));
    spectrum->method = method;
    spectrum->frobenius_squared = solution.frobenius_squared;
    double error = neck__variant_error(variant, solution.frobenius_squared);
    spectrum->resolution = solution.resolution + error;
    for (int64_t i = 0; i < spectrum->count; i++) spectrum->bounds[i] += error;
    return NECK_OK;
}

static neck_status solve_to_tolerance(neck_context *context, const neck__variant *variant,
                                      const neck_spectrum_options *options, neck_spectrum *spectrum)
{
    int32_t first =
        options->method == NECK_METHOD_AUTO ? neck_method_for(spectrum->rows, spectrum->cols) : options->method;
    NECK_TRY(solve(context, variant, first, spectrum));
    if (options->tolerance == 0 || first == NECK_METHOD_QR || neck_spectrum_within(spectrum, options->tolerance))
        return NECK_OK;
    neck__log(context, 1, "the Gram matrix resolves values above %.3g only; refining by QR", spectrum->resolution);
    return solve(context, variant, NECK_METHOD_QR, spectrum);
}

neck_status neck_spectrum_compute(neck_context *context, const neck_matrix *matrix,
                                  const neck_spectrum_options *options, neck_spectrum **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_spectrum_options, given, options);
    NECK_TRY(check_options(&given));
    neck__variant variant;
    NECK_TRY(neck__variant_open(context, matrix, given.variant, given.row_weights, &variant));
    neck_spectrum *spectrum = NULL;
    neck_status status = neck__spectrum_new(context, neck__source_order(&variant.source), &spectrum);
    if (status == NECK_OK) {
        spectrum->rows = variant.source.view.rows;
        spectrum->cols = variant.source.view.cols;
        spectrum->variant = given.variant;
        status = solve_to_tolerance(context, &variant, &given, spectrum);
    }
    if (status == NECK_OK) status = neck__spectrum_finish(spectrum, variant.source.scale);
    neck__variant_close(&variant);
    if (status == NECK_OK)
        *out = spectrum;
    else
        neck_spectrum_destroy(spectrum);
    return status;
}
