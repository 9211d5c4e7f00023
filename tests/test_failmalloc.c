/* tests/test_failmalloc.c - computing with every allocation failing. */
#include "failmalloc.h"

static void drop_gram(outputs *out) { neck_gram_destroy(out->gram); }
static void drop_spectrum(outputs *out) { neck_spectrum_destroy(out->spectrum); }

static neck_status make_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_gram_options options = {sizeof options, .shift = shift};
    return neck_gram_create(context, COLS, &options, &out->gram);
}

static neck_status fill_gram(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    return filled_gram(context, &out->gram);
}

/* All or nothing: a failed push leaves the sums of the first one. */
static neck_status push_again(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    double data[COLS * COLS], sum[COLS];
    memcpy(data, neck_gram_data(gram), sizeof data);
    memcpy(sum, neck_gram_sum(gram), sizeof sum);
    int64_t count = neck_gram_count(gram);
    status = neck_gram_push(context, gram, self->matrix);
    if (status != NECK_OK) {
        ck_assert_int_eq(neck_gram_count(gram), count);
        ck_assert_mem_eq(neck_gram_data(gram), data, sizeof data);
        ck_assert_mem_eq(neck_gram_sum(gram), sum, sizeof sum);
        neck_gram_destroy(gram);
        return status;
    }
    out->gram = gram;
    return NECK_OK;
}

static neck_status spectrum_of_gram(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    neck_spectrum_options options = {sizeof options, .variant = self->variant};
    status = neck_gram_spectrum(context, gram, &options, &out->spectrum);
    neck_gram_destroy(gram);
    return status;
}

static neck_status compute_spectrum(neck_context *context, const operation *self, outputs *out)
{
    neck_spectrum_options options = {sizeof options, .method = self->method, .variant = self->variant,
                                     .tolerance = self->method == NECK_METHOD_AUTO ? 1e-15 : 0};
    if (self->variant == NECK_VARIANT_FREQUENCY_CENTERED) options.row_weights = weights;
    return neck_spectrum_compute(context, self->matrix, &options, &out->spectrum);
}

static neck_status take_values(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    static const double values[] = {3, 2, 1};
    return neck_spectrum_from_values(context, values, 3, 10, 3, -1, 0, &out->spectrum);
}

static neck_status evaluate_metrics(neck_context *context, const operation *self, outputs *out)
{
    neck_spectrum_options options = {sizeof options, .method = NECK_METHOD_GRAM};
    neck_spectrum *spectrum;
    neck_status status = neck_spectrum_compute(context, self->matrix, &options, &spectrum);
    if (status != NECK_OK) return status;
    neck_measure measure = {0, 0};
    for (int64_t i = 0; i < neck_metric_count() && status == NECK_OK; i++)
        status = neck_metric_evaluate(i, spectrum, &measure);
    neck_spectrum_destroy(spectrum);
    if (status == NECK_OK) out->measure = measure;
    return status;
}

static neck_status compute_svd(neck_context *context, const operation *self, outputs *out)
{
    int64_t rows = self->matrix->rows, cols = self->matrix->cols, k = rows < cols ? rows : cols;
    double *u = out->numbers, *s = u + rows * k, *vt = s + k;
    neck_svd_options options = {sizeof options, .variant = self->variant};
    return neck_svd_compute(context, self->matrix, &options, u, s, vt, NULL);
}

static neck_status average_columns(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_column_mean(context, self->matrix, weights, out->numbers);
}

static neck_status widen(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_to_f64(context, self->matrix, out->numbers);
}

static neck_status measure_anisotropy(neck_context *context, const operation *self, outputs *out)
{
    return neck_matrix_anisotropy(context, self->matrix, 1, &out->measure);
}

static neck_status measure_isoscore(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_isoscore(context, gram, &out->measure);
    neck_gram_destroy(gram);
    return status;
}

static neck_status measure_partition(neck_context *context, const operation *self, outputs *out)
{
    neck_gram *gram;
    neck_status status = filled_gram(context, &gram);
    if (status != NECK_OK) return status;
    status = neck_partition_isotropy(context, gram, self->matrix, &out->measure);
    neck_gram_destroy(gram);
    return status;
}

static const operation operations[] = {
    {"gram create", make_gram, .finish = drop_gram},
    {"gram fill", fill_gram, .finish = drop_gram},
    {"gram push again", push_again, .finish = drop_gram, .matrix = &half},
    {"gram spectrum", spectrum_of_gram, .finish = drop_spectrum},
    {"gram spectrum centered", spectrum_of_gram, .finish = drop_spectrum, .variant = NECK_VARIANT_CENTERED},
    {"spectrum by gram", compute_spectrum, .finish = drop_spectrum, .matrix = &tall, .method = NECK_METHOD_GRAM},
    {"spectrum by QR", compute_spectrum, .finish = drop_spectrum, .matrix = &tall, .method = NECK_METHOD_QR},
    {"spectrum refined", compute_spectrum, .finish = drop_spectrum, .matrix = &half, .method = NECK_METHOD_AUTO},
    {"spectrum centered", compute_spectrum, .finish = drop_spectrum, .matrix = &tall, .method = NECK_METHOD_GRAM,
     .variant = NECK_VARIANT_CENTERED},
    {"spectrum by frequency", compute_spectrum, .finish = drop_spectrum, .matrix = &tall, .method = NECK_METHOD_QR,
     .variant = NECK_VARIANT_FREQUENCY_CENTERED},
    {"spectrum without top", compute_spectrum, .finish = drop_spectrum, .matrix = &tall, .method = NECK_METHOD_GRAM,
     .variant = NECK_VARIANT_DROP_TOP},
    {"spectrum of wide", compute_spectrum, .finish = drop_spectrum, .matrix = &wide, .method = NECK_METHOD_GRAM},
    {"spectrum of wide by QR", compute_spectrum, .finish = drop_spectrum, .matrix = &wide, .method = NECK_METHOD_QR,
     .variant = NECK_VARIANT_CENTERED},
    {"spectrum from values", take_values, .finish = drop_spectrum},
    {"metrics", evaluate_metrics, .matrix = &tall},
    {"svd", compute_svd, .matrix = &tall},
    {"svd centered", compute_svd, .matrix = &tall, .variant = NECK_VARIANT_CENTERED},
    {"svd of wide", compute_svd, .matrix = &wide},
    {"column mean", average_columns, .matrix = &half},
    {"to f64", widen, .matrix = &half},
    {"anisotropy", measure_anisotropy, .matrix = &tall},
    {"isoscore", measure_isoscore, .finish = NULL},
    {"partition isotropy", measure_partition, .matrix = &tall},
};

int main(void)
{
    return run_failmalloc("failmalloc", failmalloc_case(operations, COUNT(operations), NULL, NULL));
}
