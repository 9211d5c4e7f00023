/* spectrum/truncated_spectrum.c - the largest values of an operator as a spectrum, for the metrics. */
#include <string.h>

#include "core/error.h"
#include "softneck/truncated.h"
#include "spectrum/operator.h"
#include "spectrum/spectrum_object.h"

neck_status neck_truncated_spectrum(neck_context *context, const neck_operator *op, int64_t k,
                                    const neck_truncated_options *options, neck_spectrum **out)
{
    if (!op || !out) return neck__fail(NECK_E_ARGUMENT, "op or out is NULL");
    if (op->frobenius_squared < 0)
        return neck__fail(NECK_E_ARGUMENT,
                          "the operator's Frobenius norm is not known: metrics of part of a spectrum need it");
    int64_t size = op->rows < op->cols ? op->rows : op->cols;
    if (k < 1 || k > size)
        return neck__fail(NECK_E_ARGUMENT, "k is %lld: a %lld x %lld operator has 1 to %lld singular values",
                          (long long)k, (long long)op->rows, (long long)op->cols, (long long)size);
    neck_truncated_report report = {.struct_size = sizeof report};
    neck_spectrum *spectrum;
    NECK_TRY(neck__spectrum_new(context, k, &spectrum));
    neck_status status = neck_truncated_svd(context, op, k, options, spectrum->values, NULL, NULL, NULL,
                                            spectrum->bounds, &report);
    if (status != NECK_OK) {
        neck_spectrum_destroy(spectrum);
        return status;
    }
    spectrum->size = size;
    spectrum->rows = op->rows;
    spectrum->cols = op->cols;
    spectrum->frobenius_squared = op->frobenius_squared;
    spectrum->method = report.method;
    for (int64_t i = 0; i < k; i++)
        if (spectrum->bounds[i] > spectrum->resolution) spectrum->resolution = spectrum->bounds[i];
    *out = spectrum;
    return NECK_OK;
}
