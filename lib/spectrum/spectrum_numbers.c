/* spectrum/spectrum_numbers.c - a spectrum as numbers that can be stored or sent. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "spectrum/spectrum_object.h"

/* What stands before the values. */
enum { COUNT, SIZE, ROWS, COLS, FROBENIUS, RESOLUTION, METHOD, VARIANT, HEAD };

int64_t neck_spectrum_numbers(const neck_spectrum *spectrum)
{
    return spectrum ? HEAD + 2 * spectrum->count : 0;
}

neck_status neck_spectrum_get(const neck_spectrum *spectrum, double *numbers)
{
    if (!spectrum || !numbers) return neck__fail(NECK_E_ARGUMENT, "spectrum or numbers is NULL");
    const double head[HEAD] = {
        [COUNT] = (double)spectrum->count, [SIZE] = (double)spectrum->size,
        [ROWS] = (double)spectrum->rows,   [COLS] = (double)spectrum->cols,
        [FROBENIUS] = spectrum->frobenius_squared, [RESOLUTION] = spectrum->resolution,
        [METHOD] = spectrum->method,       [VARIANT] = spectrum->variant,
    };
    size_t bytes = (size_t)spectrum->count * sizeof *numbers;
    memcpy(numbers, head, sizeof head);
    memcpy(numbers + HEAD, spectrum->values, bytes);
    memcpy(numbers + HEAD + spectrum->count, spectrum->bounds, bytes);
    return NECK_OK;
}

/* ---- back ------------------------------------------------------------------------------------------------------- */

static int is_whole(double number, double least, double most)
{
    return number >= least && number <= most && number == floor(number);
}

static neck_status check_head(const double *numbers, int64_t length)
{
    const double largest = 0x1p53;
    if (length < HEAD || !is_whole(numbers[COUNT], 1, (double)(length - HEAD) / 2) ||
        HEAD + 2 * (int64_t)numbers[COUNT] != length)
        return neck__fail(NECK_E_ARGUMENT, "%" PRId64 " numbers are not as many as a spectrum has", length);
    if (!is_whole(numbers[SIZE], numbers[COUNT], largest) || !is_whole(numbers[ROWS], 1, largest) ||
        !is_whole(numbers[COLS], 1, largest) || numbers[SIZE] > fmin(numbers[ROWS], numbers[COLS]))
        return neck__fail(NECK_E_ARGUMENT, "numbers tell of %g of %g singular values of a %g x %g matrix",
                          numbers[COUNT], numbers[SIZE], numbers[ROWS], numbers[COLS]);
    if (!(numbers[FROBENIUS] >= 0) || !(numbers[RESOLUTION] >= 0))
        return neck__fail(NECK_E_ARGUMENT, "numbers tell of a squared norm of %g and a resolution of %g",
                          numbers[FROBENIUS], numbers[RESOLUTION]);
    if (!is_whole(numbers[METHOD], NECK_METHOD_GRAM, NECK_METHOD_PARTS) ||
        !is_whole(numbers[VARIANT], 0, NECK_VARIANT_DROP_TOP))
        return neck__fail(NECK_E_ARGUMENT, "numbers tell of method %g and variant %g", numbers[METHOD],
                          numbers[VARIANT]);
    return NECK_OK;
}

static neck_status check_values(const double *values, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        double bound = values[count + i];
        if (!(values[i] >= 0) || isinf(values[i]) || (i > 0 && values[i] > values[i - 1]) || !(bound >= 0))
            return neck__fail(NECK_E_ARGUMENT,
                              "value %" PRId64 " is %g, its bound %g: values decrease, and none is negative", i,
                              values[i], bound);
    }
    return NECK_OK;
}

neck_status neck_spectrum_from_numbers(neck_context *context, const double *numbers, int64_t length,
                                       neck_spectrum **out)
{
    if (!numbers || !out) return neck__fail(NECK_E_ARGUMENT, "numbers or out is NULL");
    NECK_TRY(check_head(numbers, length));
    int64_t count = (int64_t)numbers[COUNT];
    NECK_TRY(check_values(numbers + HEAD, count));
    neck_spectrum *spectrum;
    NECK_TRY(neck__spectrum_new(context, count, &spectrum));
    spectrum->size = (int64_t)numbers[SIZE];
    spectrum->rows = (int64_t)numbers[ROWS];
    spectrum->cols = (int64_t)numbers[COLS];
    spectrum->frobenius_squared = numbers[FROBENIUS];
    spectrum->resolution = numbers[RESOLUTION];
    spectrum->method = (int32_t)numbers[METHOD];
    spectrum->variant = (int32_t)numbers[VARIANT];
    memcpy(spectrum->values, numbers + HEAD, 2 * (size_t)count * sizeof *numbers); /* bounds follow values here too */
    *out = spectrum;
    return NECK_OK;
}
