/* metrics/isoscore.c - IsoScore from the covariance of a gram. */
#include "core/error.h"
#include "softneck/geometry.h"

neck_status neck_isoscore(neck_context *context, const neck_gram *gram, neck_measure *out)
{
    if (!gram || !out) return neck__fail(NECK_E_ARGUMENT, "isoscore: gram or out is NULL");
    int64_t cols = neck_gram_cols(gram);
    if (cols < 2) return neck__fail(NECK_E_ARGUMENT, "isoscore needs at least two dimensions");
    if (neck_gram_count(gram) < 2)
        return neck__fail(NECK_E_STATE, "isoscore needs at least two rows: the gram holds %lld",
                          (long long)neck_gram_count(gram));
    neck_spectrum_options options = {.struct_size = sizeof options, .variant = NECK_VARIANT_CENTERED};
    neck_spectrum *spectrum;
    NECK_TRY(neck_gram_spectrum(context, gram, &options, &spectrum));
    /* delta^2 (d - sqrt(d)) = d - sqrt(d) |s|_1/|s|_2, so the published score is (|s|_1^2/|s|_2^2 - 1) / (d - 1).
     * With fewer rows than dimensions the eigenvalues missing from the spectrum are zeros and add nothing. */
    neck_measure ratio;
    neck_status status = neck_participation_ratio(spectrum, &ratio);
    neck_spectrum_destroy(spectrum);
    if (status != NECK_OK) return neck__fail(status, "isoscore: the rows are all the same, without any variance");
    double span = (double)(cols - 1);
    *out = (neck_measure){(ratio.value - 1) / span, ratio.error / span};
    return NECK_OK;
}
