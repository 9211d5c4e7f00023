/* test_spectrum.c - the spectrum of rows that lie on many ranks against that of all rows in one process; evaluations
 * that add up. */
#include "mpi_test.h"

#include <math.h>
#include <stdint.h>

#include "constructed.h"

/* Half of the rows on the last rank, the rest shared by the others: with few rows some have none. */
static void own_rows(int64_t rows, int64_t *first, int64_t *count)
{
    int64_t half = ranks > 1 ? rows / 2 : 0;
    *first = half * rank / (ranks > 1 ? ranks - 1 : 1);
    *count = rank == ranks - 1 ? rows - half : half * (rank + 1) / (ranks - 1) - *first;
    if (rank == ranks - 1) *first = half;
}

static neck_spectrum *alone(const double *a, int64_t rows, int64_t cols, const neck_spectrum_options *options)
{
    neck_matrix whole = {.data = a, .rows = rows, .cols = cols, .dtype = NECK_F64};
    neck_spectrum *spectrum = NULL;
    EXPECT_OK(neck_spectrum_compute(NULL, &whole, options, &spectrum));
    return spectrum;
}

static neck_spectrum *together(const double *a, int64_t rows, int64_t cols, const neck_spectrum_options *options)
{
    int64_t first, count;
    neck_spectrum *spectrum = NULL;
    neck_spectrum_options mine = *options;
    own_rows(rows, &first, &count);
    neck_matrix own = {.data = a + first * cols, .rows = count, .cols = cols, .dtype = NECK_F64};
    if (mine.row_weights) mine.row_weights = count > 0 ? mine.row_weights + first : NULL;
    EXPECT_OK(neck_mpi_spectrum_compute(NULL, team, count > 0 ? &own : NULL, &mine, &spectrum));
    return spectrum;
}

static void compare(const neck_spectrum *one, const neck_spectrum *many, double tolerance)
{
    if (!one || !many) return;
    int64_t count = neck_spectrum_count(one);
    EXPECT(neck_spectrum_count(many) == count && neck_spectrum_size(many) == neck_spectrum_size(one), "%lld values",
           (long long)neck_spectrum_count(many));
    EXPECT(neck_spectrum_rows(many) == neck_spectrum_rows(one) && neck_spectrum_cols(many) == neck_spectrum_cols(one),
           "shape");
    EXPECT(neck_spectrum_method(many) == neck_spectrum_method(one), "method %s, not %s",
           neck_method_name(neck_spectrum_method(many)), neck_method_name(neck_spectrum_method(one)));
    EXPECT(neck_spectrum_variant(many) == neck_spectrum_variant(one), "variant");
    EXPECT(fabs(neck_spectrum_frobenius_squared(many) / neck_spectrum_frobenius_squared(one) - 1) < 1e-12,
           "squared norm");
    for (int64_t i = 0; i < count && i < neck_spectrum_count(many); i++) {
        double x = neck_spectrum_values(one)[i], y = neck_spectrum_values(many)[i];
        EXPECT(fabs(x - y) <= tolerance * x, "value %lld: %.17g alone, %.17g together", (long long)i, x, y);
        EXPECT(fabs(x - y) <= neck_spectrum_error_bounds(one)[i] + neck_spectrum_error_bounds(many)[i],
               "value %lld is beyond its bound", (long long)i);
    }
}

static void same_on_all_ranks(const neck_spectrum *spectrum)
{
    int64_t length = neck_spectrum_numbers(spectrum);
    double *numbers = malloc((size_t)length * sizeof *numbers), *first = malloc((size_t)length * sizeof *first);
    EXPECT_OK(neck_spectrum_get(spectrum, numbers));
    memcpy(first, numbers, (size_t)length * sizeof *first);
    EXPECT_OK(neck_mpi_broadcast(team, first, length * (int64_t)sizeof *first, 0));
    EXPECT(memcmp(first, numbers, (size_t)length * sizeof *first) == 0, "spectra differ between ranks");
    free(numbers);
    free(first);
}

static void values_are_those_of_one_process(void)
{
    static const int64_t shapes[][2] = {{1, 3}, {3, 1}, {2, 5}, {9, 4}, {40, 40}, {700, 33}};
    static const int32_t methods[] = {NECK_METHOD_AUTO, NECK_METHOD_GRAM, NECK_METHOD_QR};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        int64_t rows = shapes[s][0], cols = shapes[s][1];
        double *a = random_matrix(rows, cols, 77 + s), *weights = malloc((size_t)rows * sizeof *weights);
        for (int64_t i = 0; i < rows * cols; i++) a[i] += 0.3 * (double)(i % cols == 0); /* a mean to subtract */
        for (int64_t i = 0; i < rows; i++) weights[i] = (double)(i % 4 + (rows == 1));
        for (int m = 0; m < 3; m++)
            for (int32_t variant = NECK_VARIANT_RAW; variant <= NECK_VARIANT_DROP_TOP; variant++) {
                int centered = variant == NECK_VARIANT_CENTERED || variant == NECK_VARIANT_FREQUENCY_CENTERED;
                if (rows <= cols && (centered || methods[m] == NECK_METHOD_GRAM))
                    continue; /* values that are 0 but for rounding */
                if (variant == NECK_VARIANT_DROP_TOP && (rows == 1 || cols == 1)) continue;
                neck_spectrum_options options = {
                    .struct_size = sizeof options, .method = methods[m], .variant = variant};
                if (variant == NECK_VARIANT_FREQUENCY_CENTERED) options.row_weights = weights;
                neck_spectrum *one = alone(a, rows, cols, &options), *many = together(a, rows, cols, &options);
                compare(one, many, 1e-12);
                if (many) same_on_all_ranks(many);
                neck_spectrum_destroy(one);
                neck_spectrum_destroy(many);
            }
        free(weights);
        free(a);
    }
}

/* Rows that are all alike: what is left without their mean is its rounding alone, and the bounds say so. */
static void bounds_hold_the_rounding_of_the_mean_row(void)
{
    enum { ROWS = 3001, COLS = 3 };
    static const int32_t methods[] = {NECK_METHOD_GRAM, NECK_METHOD_QR};
    double *a = malloc(sizeof(double[ROWS * COLS])), *weights = malloc(sizeof(double[ROWS]));
    for (int i = 0; i < ROWS; i++) weights[i] = 1 / (3.0 + i % 7);
    for (int i = 0; i < ROWS * COLS; i++) a[i] = 1 / (3.0 + i % COLS);
    for (int m = 0; m < 4; m++) {
        neck_spectrum_options options = {.struct_size = sizeof options, .method = methods[m % 2],
                                         .variant = m < 2 ? NECK_VARIANT_CENTERED : NECK_VARIANT_FREQUENCY_CENTERED,
                                         .row_weights = m < 2 ? NULL : weights};
        neck_spectrum *many = together(a, ROWS, COLS, &options);
        if (many)
            EXPECT(neck_spectrum_values(many)[0] <= neck_spectrum_error_bounds(many)[0], "%g, +- %g: it is 0",
                   neck_spectrum_values(many)[0], neck_spectrum_error_bounds(many)[0]);
        if (many) EXPECT(neck_spectrum_error_bounds(many)[0] < 1e-9, "the bound is %g", neck_spectrum_error_bounds(many)[0]);
        neck_spectrum_destroy(many);
    }
    free(weights);
    free(a);
}

/* Large enough that AUTO begins with GRAM; values that only QR resolves. */
static void a_tolerance_refines_together(void)
{
    enum { ROWS = 9000, COLS = 90 };
    double values[COLS];
    for (int i = 0; i < COLS; i++) values[i] = pow(10, -9.0 * i / COLS);
    double *a = constructed(ROWS, COLS, values, 9);
    for (int t = 0; t < 2; t++) {
        neck_spectrum_options options = {.struct_size = sizeof options, .tolerance = t ? 1e-5 : 0};
        neck_spectrum *one = alone(a, ROWS, COLS, &options), *many = together(a, ROWS, COLS, &options);
        EXPECT(neck_spectrum_method(one) == (t ? NECK_METHOD_QR : NECK_METHOD_GRAM), "%d", neck_spectrum_method(one));
        compare(one, many, t ? 1e-5 : 10); /* what the smallest values allow */
        for (int i = 0; i < COLS && neck_spectrum_values(one)[i] > 1e-2; i++)
            EXPECT(fabs(neck_spectrum_values(many)[i] / neck_spectrum_values(one)[i] - 1) < 1e-12, "value %d", i);
        neck_spectrum_destroy(one);
        neck_spectrum_destroy(many);
    }
    free(a);
}

static void refuses(const neck_matrix *own, const neck_spectrum_options *options, neck_status wanted,
                    const char *fragment)
{
    neck_spectrum *out = NULL;
    neck_status status = neck_mpi_spectrum_compute(NULL, team, own, options, &out);
    EXPECT(status == wanted && !out && strstr(neck_last_error(), fragment), "%s: %s", neck_status_name(status),
           neck_last_error());
}

static void wrong_matrices_are_refused(void)
{
    double a[12] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    neck_matrix own = {.data = a, .rows = 4, .cols = 3, .dtype = NECK_F64},
                wide = {.data = a, .rows = 3, .cols = 4, .dtype = NECK_F64};
    neck_spectrum_options options = {.struct_size = sizeof options};
    int last = rank == ranks - 1;
    refuses(NULL, NULL, NECK_E_ARGUMENT, "no rank has a row");
    if (ranks > 1) refuses(last ? &wide : &own, NULL, NECK_E_ARGUMENT, "columns");
    options.method = last && ranks > 1 ? NECK_METHOD_GRAM : NECK_METHOD_QR;
    if (ranks > 1) refuses(&own, &options, NECK_E_ARGUMENT, "differs from rank 0's");
    options.method = 7;
    refuses(&own, &options, NECK_E_ARGUMENT, "method 7");
    options = (neck_spectrum_options){.struct_size = sizeof options, .variant = NECK_VARIANT_FREQUENCY_CENTERED};
    refuses(&own, &options, NECK_E_ARGUMENT, "needs row_weights");
    double none[4] = {0};
    options.row_weights = none;
    refuses(&own, &options, NECK_E_ARGUMENT, "weights are 0");
    if (last) a[5] = NAN;
    refuses(&own, NULL, NECK_E_NONFINITE, "(1, 2)");
    EXPECT(neck_mpi_spectrum_compute(NULL, team, &own, NULL, NULL) == NECK_E_ARGUMENT, "no out");
    EXPECT(neck_mpi_spectrum_compute(NULL, NULL, &own, NULL, NULL) == NECK_E_ARGUMENT, "no team");
}

/* ---- evaluations ------------------------------------------------------------------------------------------------- */

enum { DOCUMENTS = 3, TOKENS = 120 };

static neck_evaluation *evaluation_of(neck_model *model, int from, int of)
{
    neck_evaluation_options options = {
        .struct_size = sizeof options, .context_length = 16, .batch_tokens = 32, .sample_rows = 30, .watch_layers = 1};
    neck_evaluation *evaluation;
    int32_t ids[TOKENS];
    EXPECT_OK(neck_evaluation_create(NULL, model, &options, &evaluation));
    for (int d = 0; d < DOCUMENTS; d++) {
        int64_t count = TOKENS - 50 * d, batches = neck_evaluation_batches(evaluation, count),
                first = batches * from / of;
        for (int i = 0; i < TOKENS; i++) ids[i] = (i * 53 + d * 11 + i * i % 7) % 500;
        EXPECT_OK(
            neck_evaluation_push_part(NULL, evaluation, ids, count, 100, 10, first, batches * (from + 1) / of - first));
    }
    return evaluation;
}

static void evaluations_add_up(void)
{
    char path[4096];
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    neck_model *model;
    snprintf(path, sizeof path, "%s/examples/data/stories260K/stories260K.bin", root ? root : ".");
    EXPECT_OK(neck_model_open(NULL, path, NULL, &model));
    neck_evaluation *whole = evaluation_of(model, 0, 1), *own = evaluation_of(model, rank, ranks);
    EXPECT_OK(neck_mpi_evaluation_sum(team, own));
    neck_text_loss x = {.struct_size = sizeof x}, y = {.struct_size = sizeof y};
    EXPECT_OK(neck_evaluation_loss(whole, &x));
    EXPECT_OK(neck_evaluation_loss(own, &y));
    EXPECT(x.tokens == y.tokens && x.correct == y.correct && x.documents == y.documents, "%lld tokens",
           (long long)y.tokens);
    EXPECT(fabs(x.loss / y.loss - 1) < 1e-13 && fabs(x.bytes - y.bytes) < 1e-9, "loss %.17g, %.17g", x.loss, y.loss);
    for (int64_t layer = 0; layer < neck_evaluation_layers(whole); layer++) {
        neck_spectrum *one, *many;
        neck_measure p, q;
        EXPECT_OK(neck_gram_spectrum(NULL, neck_evaluation_gram(whole, layer), NULL, &one));
        EXPECT_OK(neck_gram_spectrum(NULL, neck_evaluation_gram(own, layer), NULL, &many));
        for (int64_t i = 0; i < neck_spectrum_count(one); i++)
            EXPECT(fabs(neck_spectrum_values(one)[i] - neck_spectrum_values(many)[i]) <=
                       1e-12 * neck_spectrum_values(one)[0],
                   "%lld", (long long)i);
        EXPECT_OK(neck_evaluation_centered_anisotropy(NULL, whole, layer, &p, NULL));
        EXPECT_OK(neck_evaluation_centered_anisotropy(NULL, own, layer, &q, NULL));
        EXPECT(fabs(p.value - q.value) < 1e-13, "layer %lld: %.17g, %.17g", (long long)layer, p.value, q.value);
        neck_spectrum_destroy(one);
        neck_spectrum_destroy(many);
    }
    neck_evaluation_destroy(whole);
    neck_evaluation_destroy(own);
    neck_model_destroy(model);
    EXPECT(neck_mpi_evaluation_sum(team, NULL) == NECK_E_ARGUMENT, "no evaluation");
}

static const mpi_test_fn tests[] = {values_are_those_of_one_process, bounds_hold_the_rounding_of_the_mean_row,
                                    a_tolerance_refines_together,
                                    wrong_matrices_are_refused, evaluations_add_up};
MPI_TEST_MAIN(tests)
