/* evaluate/evaluation_numbers.c - an evaluation as numbers that add up, part by part. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "evaluate/evaluation_object.h"

/* Part 0. The first three count. */
enum { DOCUMENTS, TOKENS, CORRECT, BYTES, WORDS, NLL_SUM, NLL_SQUARES, SUMS };
enum { COUNTS = 3 };

int64_t neck_evaluation_parts(const neck_evaluation *evaluation)
{
    return evaluation ? 1 + evaluation->watch.count : 0;
}

static const neck__watched_layer *layer_of(const neck_evaluation *evaluation, int64_t part)
{
    return part > 0 ? &evaluation->watch.layers[part - 1] : NULL;
}

static int64_t sample_size(const neck__watched_layer *layer)
{
    return layer->sample.capacity * layer->sample.cols;
}

int64_t neck_evaluation_size(const neck_evaluation *evaluation, int64_t part)
{
    if (part < 0 || part >= neck_evaluation_parts(evaluation)) return 0;
    const neck__watched_layer *layer = layer_of(evaluation, part);
    return layer ? neck_gram_size(layer->gram) + sample_size(layer) : SUMS;
}

static neck_status check(const neck_evaluation *evaluation, int64_t part, const double *numbers)
{
    if (!evaluation || !numbers) return neck__fail(NECK_E_ARGUMENT, "evaluation or numbers is NULL");
    if (part >= 0 && part < neck_evaluation_parts(evaluation)) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "part is %" PRId64 ": there are %" PRId64, part,
                      neck_evaluation_parts(evaluation));
}

neck_status neck_evaluation_get(const neck_evaluation *evaluation, int64_t part, double *numbers)
{
    NECK_TRY(check(evaluation, part, numbers));
    const neck__watched_layer *layer = layer_of(evaluation, part);
    if (!layer) {
        const double sums[SUMS] = {
            [DOCUMENTS] = (double)evaluation->documents, [TOKENS] = (double)evaluation->tokens,
            [CORRECT] = (double)evaluation->correct,     [BYTES] = evaluation->bytes,
            [WORDS] = evaluation->words,                 [NLL_SUM] = evaluation->nll_sum,
            [NLL_SQUARES] = evaluation->nll_squares,
        };
        memcpy(numbers, sums, sizeof sums);
        return NECK_OK;
    }
    NECK_TRY(neck_gram_get(layer->gram, numbers));
    numbers += neck_gram_size(layer->gram);
    for (int64_t i = 0; i < sample_size(layer); i++) numbers[i] = layer->sample.rows[i];
    return NECK_OK;
}

/* ---- back ------------------------------------------------------------------------------------------------------- */

static neck_status set_sums(neck_evaluation *evaluation, const double *numbers)
{
    for (int64_t i = 0; i < SUMS; i++)
        if (!isfinite(numbers[i]))
            return neck__fail(NECK_E_NONFINITE, "number %" PRId64 " of an evaluation is %g", i, numbers[i]);
    for (int64_t i = 0; i < COUNTS; i++)
        if (!(numbers[i] >= 0 && numbers[i] <= 0x1p53 && numbers[i] == floor(numbers[i])))
            return neck__fail(NECK_E_OVERFLOW, "number %" PRId64 " of an evaluation is %g: it counts", i, numbers[i]);
    evaluation->documents = (int64_t)numbers[DOCUMENTS];
    evaluation->tokens = (int64_t)numbers[TOKENS];
    evaluation->correct = (int64_t)numbers[CORRECT];
    evaluation->bytes = numbers[BYTES];
    evaluation->words = numbers[WORDS];
    evaluation->nll_sum = numbers[NLL_SUM];
    evaluation->nll_squares = numbers[NLL_SQUARES];
    return NECK_OK;
}

/* The first number of a gram is its count of rows. */
static neck_status set_layer(const neck__watched_layer *layer, const double *numbers)
{
    const neck__sample *sample = &layer->sample;
    const double *rows = numbers + neck_gram_size(layer->gram);
    if (isfinite(numbers[0]) && numbers[0] != (double)sample->seen)
        return neck__fail(NECK_E_STATE, "numbers of %g rows: %" PRId64 " were run or left to others", numbers[0],
                          sample->seen);
    for (int64_t i = 0; i < sample_size(layer); i++)
        if (!(fabs(rows[i]) <= FLT_MAX))
            return neck__fail(NECK_E_NONFINITE, "number %" PRId64 " of a sample is %g", i, rows[i]);
    NECK_TRY(neck_gram_set(layer->gram, numbers));
    for (int64_t i = 0; i < sample_size(layer); i++) sample->rows[i] = (float)rows[i];
    return NECK_OK;
}

neck_status neck_evaluation_set(neck_evaluation *evaluation, int64_t part, const double *numbers)
{
    NECK_TRY(check(evaluation, part, numbers));
    const neck__watched_layer *layer = layer_of(evaluation, part);
    return layer ? set_layer(layer, numbers) : set_sums(evaluation, numbers);
}
