/* spectrum/spectrum_object.c - making, reading and naming spectra. */
#include "spectrum/spectrum_object.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"

neck_status neck__spectrum_new(neck_context *context, int64_t count, neck_spectrum **out)
{
    neck__allocator allocator = neck__allocator_of(context);
    neck_spectrum *spectrum = neck__calloc(&allocator, 1, sizeof *spectrum, "a spectrum");
    if (!spectrum) return NECK_E_NOMEM;
    spectrum->values = neck__calloc(&allocator, count, 2 * sizeof(double), "singular values");
    if (!spectrum->values) {
        neck__release(&allocator, spectrum);
        return NECK_E_NOMEM;
    }
    spectrum->bounds = spectrum->values + count;
    spectrum->allocator = allocator;
    spectrum->count = spectrum->size = count;
    *out = spectrum;
    return NECK_OK;
}

void neck_spectrum_destroy(neck_spectrum *spectrum)
{
    if (!spectrum) return;
    neck__allocator allocator = spectrum->allocator;
    neck__release(&allocator, spectrum->values);
    neck__release(&allocator, spectrum);
}

static int decreasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static neck_status check_given(const double *values, int64_t count, int64_t rows, int64_t cols,
                               double frobenius_squared, double error_bound)
{
    if (!values) return neck__fail(NECK_E_ARGUMENT, "values is NULL");
    if (rows < 1 || cols < 1)
        return neck__fail(NECK_E_ARGUMENT, "a %lld x %lld matrix has no singular values", (long long)rows,
                          (long long)cols);
    int64_t size = rows < cols ? rows : cols;
    if (count < 1 || count > size)
        return neck__fail(NECK_E_ARGUMENT, "count is %lld: a %lld x %lld matrix has 1 to %lld singular values",
                          (long long)count, (long long)rows, (long long)cols, (long long)size);
    if (isnan(frobenius_squared) || isinf(frobenius_squared) || !(error_bound >= 0) || isinf(error_bound))
        return neck__fail(NECK_E_ARGUMENT, "frobenius_squared and error_bound must be finite, error_bound >= 0");
    if (frobenius_squared < 0 && count < size)
        return neck__fail(NECK_E_ARGUMENT, "frobenius_squared is needed: only %lld of %lld values are given",
                          (long long)count, (long long)size);
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(values[i]))
            return neck__fail(NECK_E_NONFINITE, "values[%lld] is %g", (long long)i, values[i]);
        if (values[i] < 0)
            return neck__fail(NECK_E_ARGUMENT, "values[%lld] is %g: singular values are not negative", (long long)i,
                              values[i]);
    }
    return NECK_OK;
}

neck_status neck_spectrum_from_values(neck_context *context, const double *values, int64_t count, int64_t rows,
                                      int64_t cols, double frobenius_squared, double error_bound, neck_spectrum **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_TRY(check_given(values, count, rows, cols, frobenius_squared, error_bound));
    neck_spectrum *spectrum;
    NECK_TRY(neck__spectrum_new(context, count, &spectrum));
    spectrum->size = rows < cols ? rows : cols;
    spectrum->rows = rows;
    spectrum->cols = cols;
    spectrum->method = NECK_METHOD_GIVEN;
    spectrum->resolution = error_bound;
    memcpy(spectrum->values, values, (size_t)count * sizeof(double));
    qsort(spectrum->values, (size_t)count, sizeof(double), decreasing);
    double sum = 0;
    for (int64_t i = count - 1; i >= 0; i--) { /* smallest first */
        sum += spectrum->values[i] * spectrum->values[i];
        spectrum->bounds[i] = error_bound;
    }
    spectrum->frobenius_squared = frobenius_squared >= 0 ? frobenius_squared : sum;
    *out = spectrum;
    return NECK_OK;
}

neck_status neck__sort_with_bounds(neck_context *context, int64_t count, double *values, double *bounds)
{
    neck__allocator allocator = neck__allocator_of(context);
    double *low = neck__alloc(&allocator, count, 2 * sizeof *low, "ends of intervals"), *high = low + count;
    if (!low) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++) {
        low[i] = values[i] - bounds[i];
        high[i] = values[i] + bounds[i];
    }
    qsort(values, (size_t)count, sizeof *values, decreasing);
    qsort(low, (size_t)count, sizeof *low, decreasing);
    qsort(high, (size_t)count, sizeof *high, decreasing);
    for (int64_t i = 0; i < count; i++) bounds[i] = fmax(high[i] - values[i], values[i] - low[i]);
    neck__release(&allocator, low);
    return NECK_OK;
}

neck_status neck_spectrum_from_estimates(neck_context *context, const double *values, const double *error_bounds,
                                         int64_t count, int64_t rows, int64_t cols, double frobenius_squared,
                                         double resolution, int32_t method, neck_spectrum **out)
{
    if (!error_bounds || frobenius_squared < 0)
        return neck__fail(NECK_E_ARGUMENT, "error_bounds is NULL, or frobenius_squared negative");
    if (method < 0 || method > NECK_METHOD_PARTS) return neck__fail(NECK_E_ARGUMENT, "method is %d", method);
    for (int64_t i = 0; i < count; i++)
        if (!(error_bounds[i] >= 0) || isinf(error_bounds[i]))
            return neck__fail(NECK_E_ARGUMENT, "error_bounds[%lld] is %g", (long long)i, error_bounds[i]);
    neck_spectrum *spectrum;
    NECK_TRY(neck_spectrum_from_values(context, values, count, rows, cols, frobenius_squared, resolution, &spectrum));
    memcpy(spectrum->values, values, (size_t)count * sizeof *values);
    memcpy(spectrum->bounds, error_bounds, (size_t)count * sizeof *values);
    spectrum->method = method;
    neck_status status = neck__sort_with_bounds(context, count, spectrum->values, spectrum->bounds);
    if (status == NECK_OK)
        *out = spectrum;
    else
        neck_spectrum_destroy(spectrum);
    return status;
}

const double *neck_spectrum_values(const neck_spectrum *spectrum) { return spectrum->values; }
const double *neck_spectrum_error_bounds(const neck_spectrum *spectrum) { return spectrum->bounds; }
int64_t neck_spectrum_count(const neck_spectrum *spectrum) { return spectrum->count; }
int64_t neck_spectrum_size(const neck_spectrum *spectrum) { return spectrum->size; }
int64_t neck_spectrum_rows(const neck_spectrum *spectrum) { return spectrum->rows; }
int64_t neck_spectrum_cols(const neck_spectrum *spectrum) { return spectrum->cols; }
double neck_spectrum_frobenius_squared(const neck_spectrum *spectrum) { return spectrum->frobenius_squared; }
double neck_spectrum_resolution(const neck_spectrum *spectrum) { return spectrum->resolution; }
int32_t neck_spectrum_method(const neck_spectrum *spectrum) { return spectrum->method; }
int32_t neck_spectrum_variant(const neck_spectrum *spectrum) { return spectrum->variant; }

const char *neck_method_name(int32_t method)
{
    static const char *const names[] = {"auto", "gram", "qr", "given", "krylov", "randomized", "parts"};
    return method >= 0 && method <= NECK_METHOD_PARTS ? names[method] : "?";
}

static const char *const variant_names[] = {"raw", "centered", "frequency_centered", "drop_top"};

const char *neck_variant_name(int32_t variant)
{
    return variant >= 0 && variant <= NECK_VARIANT_DROP_TOP ? variant_names[variant] : "?";
}

neck_status neck_variant_find(const char *name, int32_t *variant)
{
    if (!name || !variant) return neck__fail(NECK_E_ARGUMENT, "name or variant is NULL");
    for (int32_t i = 0; i <= NECK_VARIANT_DROP_TOP; i++)
        if (strcmp(name, variant_names[i]) == 0) {
            *variant = i;
            return NECK_OK;
        }
    return neck__fail(NECK_E_NOT_FOUND, "no variant '%s': raw, centered, frequency_centered or drop_top", name);
}
