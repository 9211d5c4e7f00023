/* linalg/gram_numbers.c - a gram as numbers that add up. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "linalg/gram.h"

/* count, zero_rows, chain, norm_sum, square_sum; sum; unit_sum; the upper triangle of data, row by row. The chain adds
 * up too: as in one process whose pushes come one after another. */
enum { SCALARS = 5, COUNTS = 2 };

int64_t neck_gram_size(const neck_gram *gram)
{
    if (!gram) return 0;
    int64_t n = gram->cols;
    return SCALARS + 2 * n + (gram->data ? n * (n + 1) / 2 : 0);
}

neck_status neck_gram_get(const neck_gram *gram, double *numbers)
{
    if (!gram || !numbers) return neck__fail(NECK_E_ARGUMENT, "gram or numbers is NULL");
    int64_t n = gram->cols;
    const double scalars[SCALARS] = {(double)gram->count, (double)gram->zero_rows, gram->chain, gram->norm_sum,
                                     gram->square_sum};
    memcpy(numbers, scalars, sizeof scalars);
    numbers += SCALARS;
    memcpy(numbers, gram->sum, (size_t)n * sizeof *numbers);
    memcpy(numbers + n, gram->unit_sum, (size_t)n * sizeof *numbers);
    numbers += 2 * n;
    for (int64_t i = 0; i < n && gram->data; numbers += n - i, i++)
        memcpy(numbers, gram->data + i * n + i, (size_t)(n - i) * sizeof *numbers);
    return NECK_OK;
}

static neck_status check(const neck_gram *gram, const double *numbers)
{
    int64_t size = neck_gram_size(gram);
    for (int64_t i = 0; i < size; i++)
        if (!isfinite(numbers[i]))
            return neck__fail(NECK_E_NONFINITE, "number %" PRId64 " of a gram is %g", i, numbers[i]);
    for (int64_t i = 0; i < COUNTS; i++)
        if (!(numbers[i] >= 0 && numbers[i] <= 0x1p53 && numbers[i] == floor(numbers[i])))
            return neck__fail(NECK_E_OVERFLOW, "number %" PRId64 " of a gram is %g: it counts rows", i, numbers[i]);
    for (int64_t i = COUNTS; i < SCALARS; i++)
        if (numbers[i] < 0)
            return neck__fail(NECK_E_ARGUMENT, "number %" PRId64 " of a gram is %g: it cannot be negative", i,
                              numbers[i]);
    return NECK_OK;
}

neck_status neck_gram_set(neck_gram *gram, const double *numbers)
{
    if (!gram || !numbers) return neck__fail(NECK_E_ARGUMENT, "gram or numbers is NULL");
    NECK_TRY(check(gram, numbers));
    int64_t n = gram->cols;
    gram->count = (int64_t)numbers[0];
    gram->zero_rows = (int64_t)numbers[1];
    gram->chain = numbers[2];
    gram->norm_sum = numbers[3];
    gram->square_sum = numbers[4];
    numbers += SCALARS;
    memcpy(gram->sum, numbers, (size_t)n * sizeof *numbers);
    memcpy(gram->unit_sum, numbers + n, (size_t)n * sizeof *numbers);
    numbers += 2 * n;
    for (int64_t i = 0; i < n && gram->data; numbers += n - i, i++)
        memcpy(gram->data + i * n + i, numbers, (size_t)(n - i) * sizeof *numbers);
    gram->mirrored = 0;
    return NECK_OK;
}
