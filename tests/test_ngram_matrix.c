/* The n-gram matrix against numpy's dense SVD of it, and its products against plain loops; what it refuses. */
#include <check.h>
#include <math.h>

#include "constructed.h"
#include "core/context.h"
#include "format/json.h"
#include "format_support.h"
#include "ngram/ngram_matrix.h"
#include "spectrum/operator.h"

#define MUST(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

static json_t *golden;

static void load_golden(void)
{
    neck__mapping *file = map_source("tests/golden/ngram_matrix.json");
    MUST(neck__json_parse(file->data, file->size, 32, file->size, &golden));
    neck__mapping_close(file);
}
static void drop_golden(void) { json_decref(golden); }

/* ---- texts ---- */

static int64_t number(const json_t *test, const char *key)
{
    return json_integer_value(json_object_get(test, key));
}

static neck_ngrams *count_case(const json_t *test)
{
    const json_t *tokens = json_object_get(test, "tokens"), *ends = json_object_get(test, "ends");
    int64_t count = (int64_t)json_array_size(tokens), documents = (int64_t)json_array_size(ends);
    int32_t *ids = malloc((size_t)count * sizeof *ids);
    int64_t *at = malloc((size_t)documents * sizeof *at);
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)json_integer_value(json_array_get(tokens, (size_t)i));
    for (int64_t i = 0; i < documents; i++) at[i] = json_integer_value(json_array_get(ends, (size_t)i));
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_count(NULL, ids, count, at, documents, number(test, "vocabulary"), (int32_t)number(test, "order"),
                           &ngrams));
    free(ids);
    free(at);
    return ngrams;
}

/* Tokens that Zipf would know: token t about as often as 1 / (t + 1). */
static neck_ngrams *count_random(int64_t count, int32_t vocabulary, int32_t order)
{
    uint64_t state = 3;
    int32_t *ids = malloc((size_t)count * sizeof *ids);
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)pow(vocabulary, 0.4999 * (next_number(&state) + 1)) - 1;
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_count(NULL, ids, count, NULL, 0, vocabulary, order, &ngrams));
    free(ids);
    return ngrams;
}

static neck_ngram_matrix *matrix_of(neck_ngrams *ngrams, int32_t weight)
{
    neck_ngram_matrix *matrix = NULL;
    MUST(neck_ngram_matrix_create(NULL, ngrams, weight, &matrix));
    return matrix;
}

static neck_ngram_matrix_info described(const neck_ngram_matrix *matrix)
{
    neck_ngram_matrix_info info = {.struct_size = sizeof info};
    MUST(neck_ngram_matrix_describe(matrix, &info));
    return info;
}

static neck_spectrum *spectrum_of(const neck_ngram_matrix *matrix)
{
    neck_spectrum *spectrum = NULL;
    MUST(neck_ngram_matrix_spectrum(NULL, matrix, 0, &spectrum));
    return spectrum;
}

/* ---- the spectrum ---- */

static const char *const weight_names[] = {"uniform", "count", "root_count"};

static void check_against_numpy(const json_t *test, int32_t weight)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    const json_t *expected = json_object_get(json_object_get(test, "weights"), weight_names[weight]);
    const json_t *s = json_object_get(expected, "values"), *errors = json_object_get(expected, "w_error");
    neck_ngrams *ngrams = count_case(test);
    neck_ngram_matrix *matrix = matrix_of(ngrams, weight);
    neck_ngrams_destroy(ngrams); /* nothing of it is kept */
    neck_spectrum *spectrum = spectrum_of(matrix);
    int64_t count = neck_spectrum_count(spectrum);
    ck_assert_int_eq(count, (int64_t)json_array_size(s));
    ck_assert_int_eq(neck_spectrum_rows(spectrum), number(test, "contexts"));
    ck_assert_int_eq(neck_spectrum_cols(spectrum), number(test, "vocabulary"));
    ck_assert_int_eq(neck_spectrum_method(spectrum), NECK_METHOD_PARTS);
    double largest = json_real_value(json_array_get(s, 0)), squares = 0;
    for (int64_t i = 0; i < count; i++) {
        double value = neck_spectrum_values(spectrum)[i], bound = neck_spectrum_error_bounds(spectrum)[i];
        double truth = json_real_value(json_array_get(s, (size_t)i));
        double numpy = 1e-14 * largest; /* what numpy's own SVD may be wrong by */
        ck_assert_msg(fabs(value - truth) <= bound + numpy, "%s, %s: value %lld is %.17g, not %.17g", name,
                      weight_names[weight], (long long)i, value, truth);
        ck_assert_msg(fabs(value - truth) <= 1e-10 * truth + numpy && bound <= 1e-10 * largest, "%s: value %lld", name,
                      (long long)i);
        squares += truth * truth;
        neck_measure error;
        MUST(neck_w_error(spectrum, i, &error));
        ck_assert_double_eq_tol(error.value, json_real_value(json_array_get(errors, (size_t)i)), 1e-12);
    }
    ck_assert_double_eq_tol(neck_spectrum_frobenius_squared(spectrum), squares, 1e-13 * squares);
    neck_spectrum_destroy(spectrum);
    neck_ngram_matrix_destroy(matrix);
}

START_TEST(values_are_numpys)
{
    for (size_t i = 0; i < json_array_size(golden); i++) check_against_numpy(json_array_get(golden, i), _i);
}
END_TEST

static const json_t *find_case(const char *name)
{
    for (size_t i = 0; i < json_array_size(golden); i++)
        if (strcmp(json_string_value(json_object_get(json_array_get(golden, i), "name")),
                   name) == 0) return json_array_get(golden, i);
    ck_abort_msg("no case '%s'", name);
    return NULL;
}

typedef struct structure {
    const char *name;
    int64_t coupled, parts, largest, rows, entries;
} structure;

/* What can be read off the texts in make_ngram_matrix.py. */
static const structure structures[] = {
    {"one_hot", 0, 0, 0, 0, 0},
    {"one_context", 3, 1, 3, 1, 3},
    {"equal_rows", 2, 1, 2, 2, 4},
    {"two_parts", 5, 2, 3, 3, 7},
    {"more_columns_than_rows", 9, 1, 9, 1, 9},
};

START_TEST(structure_is_found)
{
    const structure *expected = &structures[_i];
    neck_ngrams *ngrams = count_case(find_case(expected->name));
    neck_ngram_matrix *matrix = matrix_of(ngrams, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix_info info = described(matrix);
    ck_assert_int_eq(info.coupled, expected->coupled);
    ck_assert_int_eq(info.parts, expected->parts);
    ck_assert_int_eq(info.largest_part, expected->largest);
    ck_assert_int_eq(info.coupled_rows, expected->rows);
    ck_assert_int_eq(info.coupled_entries, expected->entries);
    ck_assert((neck_ngram_matrix_part(matrix, NULL) != NULL) == (expected->parts > 0));
    neck_ngram_matrix_destroy(matrix);
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(planted_values)
{
    /* Two contexts of the same fair coin are one direction of length 1; a third tosses 2 : 1. */
    neck_ngrams *ngrams = count_case(find_case("equal_rows"));
    neck_ngram_matrix *matrix = matrix_of(ngrams, NECK_WEIGHT_UNIFORM);
    neck_spectrum *spectrum = spectrum_of(matrix);
    double trace = 1.0 + 5.0 / 9, determinant = 1.0 / 18; /* of the 2 x 2 matrix W^T W */
    double root = sqrt(trace * trace / 4 - determinant);
    ck_assert_int_eq(neck_spectrum_count(spectrum), 3);
    ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[0], sqrt(trace / 2 + root), 1e-15);
    ck_assert_double_eq_tol(neck_spectrum_values(spectrum)[1], sqrt(trace / 2 - root), 1e-15);
    ck_assert(neck_spectrum_values(spectrum)[2] == 0 && neck_spectrum_error_bounds(spectrum)[2] == 0);
    neck_spectrum_destroy(spectrum);
    neck_ngram_matrix_destroy(matrix);
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* [sqrt(D); R], from its products with the unit vectors. */
static double *dense_of(const neck_operator *op)
{
    int64_t rows = neck_operator_rows(op), cols = neck_operator_cols(op);
    double *unit = calloc((size_t)(cols * cols), sizeof *unit), *dense = malloc((size_t)(rows * cols) * sizeof *dense);
    for (int64_t j = 0; j < cols; j++) unit[j * cols + j] = 1;
    MUST(neck_operator_apply(NULL, op, 0, cols, unit, dense));
    free(unit);
    return dense;
}

START_TEST(the_gram_route_agrees_with_qr)
{
    /* Enough rows that the largest part goes by its Gram matrix. */
    neck_ngrams *ngrams = count_random(40000, 700, 3);
    neck_ngram_matrix *matrix = matrix_of(ngrams, NECK_WEIGHT_UNIFORM);
    neck_ngram_matrix_info info = described(matrix);
    ck_assert_msg((double)info.coupled_rows * (double)info.largest_part * (double)info.largest_part > 2e9,
                  "QR would be taken");
    neck_spectrum *spectrum = spectrum_of(matrix), *other = NULL;
    const neck_operator *op = neck_ngram_matrix_operator(matrix);
    double *dense = dense_of(op);
    neck_matrix view = {.data = dense, .rows = neck_operator_rows(op), .cols = neck_operator_cols(op),
                        .dtype = NECK_F64};
    neck_spectrum_options options = {sizeof options, .method = NECK_METHOD_QR};
    MUST(neck_spectrum_compute(NULL, &view, &options, &other));
    const double *got = neck_spectrum_values(spectrum), *bounds = neck_spectrum_error_bounds(spectrum);
    const double *truth = neck_spectrum_values(other), *slack = neck_spectrum_error_bounds(other);
    for (int64_t i = 0; i < neck_spectrum_count(spectrum); i++) {
        ck_assert_msg(fabs(got[i] - truth[i]) <= bounds[i] + slack[i], "value %lld: %.17g, not %.17g", (long long)i,
                      got[i], truth[i]);
        ck_assert_msg(truth[i] < 0.02 * truth[0] || bounds[i] < 1e-9 * truth[i], "value %lld: bound %g", (long long)i,
                      bounds[i]);
    }
    free(dense);
    neck_spectrum_destroy(other);
    neck_spectrum_destroy(spectrum);
    neck_ngram_matrix_destroy(matrix);
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(rest_and_largest_part_are_everything)
{
    for (size_t i = 0; i < json_array_size(golden); i++) {
        neck_ngrams *ngrams = count_case(json_array_get(golden, i));
        neck_ngram_matrix *matrix = matrix_of(ngrams, NECK_WEIGHT_ROOT_COUNT);
        neck_ngram_matrix_info info = described(matrix);
        int64_t count = info.cols - info.largest_part;
        double values[64], bounds[64], squares = 0;
        ck_assert_int_le(count, 64);
        MUST(neck_ngram_matrix_rest(NULL, matrix, values, bounds));
        for (int64_t k = 0; k < count; k++) {
            ck_assert(k == 0 || values[k] <= values[k - 1]);
            ck_assert(bounds[k] >= 0 && bounds[k] <= 1e-12);
            squares += values[k] * values[k];
        }
        const neck_operator *part = neck_ngram_matrix_part(matrix, NULL);
        if (part) squares += neck_operator_frobenius_squared(part);
        ck_assert_double_eq_tol(squares, info.frobenius_squared, 1e-12 * info.frobenius_squared);
        neck_ngram_matrix_destroy(matrix);
        neck_ngrams_destroy(ngrams);
    }
}
END_TEST

/* ---- products ---- */

/* G = W^T W, straight from the counts: cols x cols. */
static double *plain_gram(const neck_ngrams *ngrams, int32_t weight)
{
    neck_ngrams_info info = {.struct_size = sizeof info};
    MUST(neck_ngrams_describe(ngrams, &info));
    double *gram = calloc((size_t)(info.vocab_size * info.vocab_size), sizeof *gram);
    int32_t successors[1000];
    int64_t counts[1000], starts[2];
    for (int64_t i = 0; i < info.contexts; i++) {
        MUST(neck_ngrams_read(ngrams, i, 1, NULL, starts, successors, counts));
        double total = 0;
        for (int64_t a = 0; a < starts[1]; a++) total += (double)counts[a];
        double scale = weight == NECK_WEIGHT_UNIFORM ? 1 / total : weight == NECK_WEIGHT_COUNT ? 1 : 1 / sqrt(total);
        for (int64_t a = 0; a < starts[1]; a++)
            for (int64_t b = 0; b < starts[1]; b++)
                gram[successors[a] * info.vocab_size + successors[b]] += (double)counts[a] * scale * (double)counts[b] * scale;
    }
    return gram;
}

/* A^T A x both ways must be G x; tokens: which column of G each of op's columns is. */
static void check_products(const neck_operator *op, const double *gram, int64_t vocabulary, const int32_t *tokens,
                           int64_t count)
{
    int64_t rows = neck_operator_rows(op), cols = neck_operator_cols(op);
    double *x = random_matrix(cols, count, 9), *between = malloc((size_t)(rows * count) * sizeof *between);
    double *twice = malloc((size_t)(cols * count) * sizeof *twice),
        *once = malloc((size_t)(cols * count) * sizeof *once);
    MUST(neck_operator_apply(NULL, op, 0, count, x, between));
    MUST(neck_operator_apply(NULL, op, 1, count, between, twice));
    MUST(neck__operator_gram(NULL, op, count, x, once));
    for (int64_t i = 0; i < cols; i++)
        for (int64_t c = 0; c < count; c++) {
            double sum = 0, scale = 0;
            for (int64_t j = 0; j < cols; j++) {
                double entry = gram[(tokens ? tokens[i] : i) * vocabulary + (tokens ? tokens[j] : j)];
                sum += entry * x[j * count + c];
                scale += entry;
            }
            ck_assert_double_eq_tol(twice[i * count + c], sum, 1e-13 * scale + 1e-300);
            ck_assert_double_eq_tol(once[i * count + c], sum, 1e-13 * scale + 1e-300);
        }
    free(x);
    free(between);
    free(twice);
    free(once);
}

START_TEST(products_are_those_of_w)
{
    enum { VOCABULARY = 130 };
    neck_ngrams *ngrams = count_random(3000, VOCABULARY, 4);
    for (int32_t weight = 0; weight < 3; weight++) {
        double *gram = plain_gram(ngrams, weight), trace = 0;
        for (int64_t j = 0; j < VOCABULARY; j++) trace += gram[j * VOCABULARY + j];
        neck_ngram_matrix *matrix = matrix_of(ngrams, weight);
        ck_assert_double_eq_tol(described(matrix).frobenius_squared, trace, 1e-13 * trace);
        int32_t tokens[VOCABULARY];
        const neck_operator *part = neck_ngram_matrix_part(matrix, tokens);
        ck_assert_ptr_nonnull(part);
        double squares[VOCABULARY];
        MUST(neck_ngram_matrix_part_squares(matrix, squares));
        for (int64_t j = 0; j < described(matrix).largest_part; j++)
            ck_assert_double_eq_tol(squares[j], gram[tokens[j] * (VOCABULARY + 1)], 1e-13 * trace);
        for (int64_t count = 1; count <= 9; count += 4) {
            check_products(neck_ngram_matrix_operator(matrix), gram, VOCABULARY, NULL, count);
            check_products(part, gram, VOCABULARY, tokens, count);
        }
        free(gram);
        neck_ngram_matrix_destroy(matrix);
    }
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(bits_do_not_depend_on_threads)
{
    neck_ngrams *ngrams = count_random(30000, 300, 3);
    static double first[300], values[300], x[300 * 3], y[300 * 3], y_first[300 * 3];
    uint64_t state = 1;
    for (int i = 0; i < 900; i++) x[i] = next_number(&state);
    for (int32_t threads = 1; threads <= 4; threads++) {
        neck_context_options options = {sizeof options, .threads = threads};
        neck_context *context;
        MUST(neck_context_create(&options, &context));
        neck_ngram_matrix *matrix = NULL;
        MUST(neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_UNIFORM, &matrix));
        MUST(neck_ngram_matrix_rest(context, matrix, values, NULL));
        MUST(neck__operator_gram(context, neck_ngram_matrix_operator(matrix), 3, x, y));
        if (threads == 1) {
            memcpy(first, values, sizeof first);
            memcpy(y_first, y, sizeof y);
        }
        ck_assert_int_eq(memcmp(first, values, sizeof first), 0);
        ck_assert_int_eq(memcmp(y_first, y, sizeof y), 0);
        neck_ngram_matrix_destroy(matrix);
        neck_context_destroy(context);
    }
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* ---- refusals ---- */

START_TEST(what_is_refused)
{
    neck_ngrams *ngrams = count_case(find_case("coupled"));
    neck_ngram_matrix *matrix = NULL;
    neck_spectrum *spectrum = NULL;
    ck_assert_int_eq(neck_ngram_matrix_create(NULL, NULL, 0, &matrix), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_matrix_create(NULL, ngrams, 0, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_matrix_create(NULL, ngrams, 3, &matrix), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_matrix_create(NULL, ngrams, -1, &matrix), NECK_E_ARGUMENT);
    ck_assert_ptr_null(matrix);
    matrix = matrix_of(ngrams, NECK_WEIGHT_UNIFORM);
    int64_t bytes = 0;
    double operations = 0;
    MUST(neck_ngram_matrix_cost(matrix, &bytes, &operations));
    ck_assert_int_ge(bytes, 40 * 40 * 8);
    ck_assert_double_ge(operations, 4.0 / 3 * 40 * 40 * 40);
    ck_assert_int_eq(neck_ngram_matrix_spectrum(NULL, matrix, bytes - 1, &spectrum), NECK_E_NOMEM);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "40 connected columns"));
    ck_assert_int_eq(neck_ngram_matrix_spectrum(NULL, matrix, -1, &spectrum), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_matrix_spectrum(NULL, NULL, 0, &spectrum), NECK_E_ARGUMENT);
    ck_assert_ptr_null(spectrum);
    MUST(neck_ngram_matrix_spectrum(NULL, matrix, bytes, &spectrum));
    neck_spectrum_destroy(spectrum);
    neck_ngram_matrix_info info = {0};
    ck_assert_int_eq(neck_ngram_matrix_describe(matrix, &info), NECK_E_ARGUMENT);
    ck_assert_ptr_null(neck_ngram_matrix_operator(NULL));
    neck_ngram_matrix_destroy(NULL);

    neck_ngrams *one_hot = count_case(find_case("one_hot"));
    neck_ngram_matrix *alone = matrix_of(one_hot, NECK_WEIGHT_UNIFORM);
    ck_assert_int_eq(neck_ngram_matrix_spectrum(NULL, alone, 1, &spectrum), NECK_E_NOMEM);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "0 connected columns"));
    neck_ngram_matrix_destroy(alone);
    neck_ngrams_destroy(one_hot);
    neck_ngram_matrix_destroy(matrix);
    neck_ngrams_destroy(ngrams);
}
END_TEST

static int32_t countdown(void *user, const neck_progress *progress)
{
    ck_assert(progress->done >= 0 && progress->done <= progress->total);
    return --*(int64_t *)user < 0;
}

START_TEST(cancelled_at_any_moment)
{
    neck_ngrams *ngrams = count_random(40000, 700, 3);
    int64_t calls = 0;
    for (neck_status status = NECK_E_CANCELLED; status != NECK_OK; calls++) {
        int64_t left = calls;
        neck_context_options options = {sizeof options, .progress = countdown, .progress_user = &left};
        neck_context *context;
        MUST(neck_context_create(&options, &context));
        neck_ngram_matrix *matrix = NULL;
        neck_spectrum *spectrum = NULL;
        status = neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_UNIFORM, &matrix);
        ck_assert((status == NECK_OK) == (matrix != NULL));
        if (status == NECK_OK) status = neck_ngram_matrix_spectrum(context, matrix, 0, &spectrum);
        ck_assert(status == (spectrum ? NECK_OK : NECK_E_CANCELLED));
        neck_spectrum_destroy(spectrum);
        neck_ngram_matrix_destroy(matrix);
        neck_context_destroy(context);
    }
    ck_assert_int_ge(calls, 6); /* blocks of contexts, columns of the Gram matrix, parts */
    neck_ngrams_destroy(ngrams);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("ngram_matrix");
    TCase *tests = tcase_create("ngram_matrix");
    tcase_set_timeout(tests, 120);
    tcase_add_unchecked_fixture(tests, load_golden, drop_golden);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, values_are_numpys, 0, 3);
    tcase_add_loop_test(tests, structure_is_found, 0, (int)(sizeof structures / sizeof *structures));
    tcase_add_test(tests, planted_values);
    tcase_add_test(tests, the_gram_route_agrees_with_qr);
    tcase_add_test(tests, rest_and_largest_part_are_everything);
    tcase_add_test(tests, products_are_those_of_w);
    tcase_add_test(tests, bits_do_not_depend_on_threads);
    tcase_add_test(tests, what_is_refused);
    tcase_add_test(tests, cancelled_at_any_moment);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
