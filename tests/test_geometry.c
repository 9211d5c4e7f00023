/* Geometry of row sets: references, invariances, edges. */
#include <string.h>

#include "test_metrics_support.h"

#define OK(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())
#define ROWS 60
#define COLS 7

static neck_measure measure;

static neck_matrix f64_view(const double *data, int64_t rows, int64_t cols)
{
    return (neck_matrix){.data = data, .rows = rows, .cols = cols, .dtype = NECK_F64};
}

static neck_gram *gram_of(const neck_matrix *matrix, const double *shift)
{
    neck_gram_options options = {.struct_size = sizeof options, .shift = shift};
    neck_gram *gram = NULL;
    OK(neck_gram_create(NULL, matrix->cols, &options, &gram));
    OK(neck_gram_push(NULL, gram, matrix));
    return gram;
}

static double isoscore_of(const double *data, int64_t rows, int64_t cols)
{
    neck_matrix matrix = f64_view(data, rows, cols);
    neck_gram *gram = gram_of(&matrix, NULL);
    OK(neck_isoscore(NULL, gram, &measure));
    neck_gram_destroy(gram);
    return measure.value;
}

static neck_measure partition_of(neck_context *context, const double *data, int64_t rows, int64_t cols,
                                 const double *shift)
{
    neck_matrix matrix = f64_view(data, rows, cols);
    neck_gram *gram = gram_of(&matrix, shift);
    OK(neck_partition_isotropy(context, gram, &matrix, &measure));
    neck_gram_destroy(gram);
    return measure;
}

/* Rows of unequal spread along the axes, away from the origin. */
static void fill_cloud(double *data, uint64_t seed)
{
    for (int i = 0; i < ROWS * COLS; i++) data[i] = gaussian_next(&seed) * (1 + i % COLS) + (i % COLS == 2 ? 5 : 0);
}

static double *golden_rows(const json_t *entry, int64_t *rows, int64_t *cols)
{
    const json_t *list = json_object_get(entry, "rows");
    *rows = (int64_t)json_array_size(list);
    double *data = NULL;
    for (int64_t i = 0; i < *rows; i++) {
        double *row = golden_numbers(json_array_get(list, (size_t)i), cols);
        if (!data) data = malloc((size_t)(*rows * *cols) * sizeof *data);
        ck_assert_ptr_nonnull(data);
        memcpy(data + i * *cols, row, (size_t)*cols * sizeof *row);
        free(row);
    }
    return data;
}

static void assert_within(neck_measure actual, double expected, const char *what)
{
    assert_close(actual.value, expected, 1e-9, what);
    ck_assert_double_ge(actual.error, 0);
    ck_assert_double_le(actual.error, 1e-9 * fabs(expected) + 1e-9);
}

START_TEST(geometry_matches_references)
{
    json_t *sets = golden_load("geometry"), *entry;
    const char *name;
    json_object_foreach(sets, name, entry) {
        int64_t rows = 0, cols = 0;
        double *data = golden_rows(entry, &rows, &cols);
        neck_matrix matrix = f64_view(data, rows, cols);
        neck_gram *gram = gram_of(&matrix, NULL);
        OK(neck_anisotropy(gram, &measure));
        assert_within(measure, golden_number(entry, "anisotropy"), name);
        OK(neck_matrix_anisotropy(NULL, &matrix, 0, &measure));
        assert_within(measure, golden_number(entry, "anisotropy"), name);
        OK(neck_matrix_anisotropy(NULL, &matrix, 1, &measure));
        assert_within(measure, golden_number(entry, "centered_anisotropy"), name);
        OK(neck_mean_norm(gram, &measure));
        assert_within(measure, golden_number(entry, "mean_norm"), name);
        OK(neck_isoscore(NULL, gram, &measure));
        assert_within(measure, golden_number(entry, "isoscore"), name);
        OK(neck_partition_isotropy(NULL, gram, &matrix, &measure));
        double expected = golden_number(entry, "partition_isotropy");
        ck_assert_double_le(fabs(measure.value - expected), measure.error + 1e-9 * expected);
        neck_gram_destroy(gram);
        free(data);
    }
    ck_assert_uint_ge(json_object_size(sets), 5);
    json_decref(sets);
}
END_TEST

START_TEST(anisotropy_extremes)
{
    static const double same[] = {1, 2, 2, 4, 3, 6, 0.5, 1}, opposite[] = {3, 4, -6, -8, 0, 0};
    neck_matrix matrix = f64_view(same, 4, 2);
    OK(neck_matrix_anisotropy(NULL, &matrix, 0, &measure));
    assert_close(measure.value, 1, 1e-15, "one direction");
    matrix = f64_view(opposite, 3, 2);
    OK(neck_matrix_anisotropy(NULL, &matrix, 0, &measure));
    assert_close(measure.value, -1, 1e-15, "two opposite rows and a zero row");
    neck_gram *gram = gram_of(&matrix, NULL);
    OK(neck_mean_norm(gram, &measure));
    assert_close(measure.value, 5, 1e-15, "the zero row counts in the mean norm");
    neck_gram_destroy(gram);
}
END_TEST

START_TEST(isoscore_extremes_and_invariances)
{
    double data[ROWS * COLS], other[ROWS * COLS], axes[2 * COLS * COLS] = {0};
    for (int j = 0; j < COLS; j++) {
        axes[j * COLS + j] = 4;
        axes[(COLS + j) * COLS + j] = -4;
    }
    assert_close(isoscore_of(axes, 2 * COLS, COLS), 1, 1e-14, "the axes and their opposites");
    assert_close(isoscore_of(axes, COLS, COLS), (COLS - 2.0) / (COLS - 1), 1e-12, "a simplex misses one dimension");
    for (int i = 0; i < ROWS * COLS; i++) data[i] = (i / COLS) * 0.25 * (1 + i % COLS);
    assert_close(isoscore_of(data, ROWS, COLS), 0, 0, "one direction");

    fill_cloud(data, 11);
    double score = isoscore_of(data, ROWS, COLS);
    for (int i = 0; i < ROWS * COLS; i++) other[i] = -0.125 * data[i] + 3 * (i % COLS);
    assert_close(isoscore_of(other, ROWS, COLS), score, 1e-11, "scale and mean");
    memcpy(other, data, sizeof other);
    for (int turn = 0; turn < 40; turn++) { /* rotate two coordinates at a time */
        int a = turn % COLS, b = (turn * 3 + 1 + turn % COLS) % COLS;
        if (a == b) continue;
        for (int i = 0; i < ROWS; i++) {
            double x = other[i * COLS + a], y = other[i * COLS + b];
            other[i * COLS + a] = cos(turn + 1) * x - sin(turn + 1) * y;
            other[i * COLS + b] = sin(turn + 1) * x + cos(turn + 1) * y;
        }
    }
    assert_close(isoscore_of(other, ROWS, COLS), score, 1e-11, "rotation");
}
END_TEST

START_TEST(partition_isotropy_ignores_signs_and_never_overflows)
{
    double data[ROWS * COLS], other[ROWS * COLS], shift[COLS];
    fill_cloud(data, 12);
    neck_measure isotropy = partition_of(NULL, data, ROWS, COLS, NULL);
    ck_assert(isotropy.value > 0 && isotropy.value < 1);
    for (int i = 0; i < ROWS * COLS; i++) other[i] = -data[i];
    assert_close(partition_of(NULL, other, ROWS, COLS, NULL).value, isotropy.value, 1e-12, "W and -W");
    for (int j = 0; j < COLS; j++) shift[j] = 0.5 - j;
    for (int i = 0; i < ROWS * COLS; i++) other[i] = data[i] - shift[i % COLS];
    assert_close(partition_of(NULL, data, ROWS, COLS, shift).value, partition_of(NULL, other, ROWS, COLS, NULL).value,
                 1e-10, "the gram's shift");
    for (int i = 0; i < ROWS * COLS; i++) other[i] = 1e4 * data[i];
    isotropy = partition_of(NULL, other, ROWS, COLS, NULL);
    ck_assert(isotropy.value == 0 && isotropy.error == 0); /* exp(-10^5), where exp(10^5) would be infinite */
    memset(other, 0, sizeof other);
    ck_assert(partition_of(NULL, other, ROWS, COLS, NULL).value == 1);
}
END_TEST

/* A double eigenvalue: any pair of directions would do, and the error says it. */
START_TEST(partition_isotropy_admits_what_it_cannot_know)
{
    static const double square[] = {1, 1, -1, 1, 1, -1, -1, -1, 2, 2, -2, -2, 2, -2, -2, 2};
    neck_measure isotropy = partition_of(NULL, square, 8, 2, NULL);
    ck_assert_double_ge(isotropy.error, 0.1);
    ck_assert_double_le(isotropy.error, 1);
}
END_TEST

START_TEST(threads_do_not_change_a_bit)
{
    enum { MANY = 700, WIDE = 400 };
    double *data = malloc(sizeof *data * MANY * WIDE);
    ck_assert_ptr_nonnull(data);
    uint64_t seed = 1;
    for (int i = 0; i < MANY * WIDE; i++) data[i] = 0.1 * gaussian_next(&seed);
    neck_context_options options = {.struct_size = sizeof options, .threads = 3};
    neck_context *context = NULL;
    OK(neck_context_create(&options, &context));
    neck_measure alone, shared;
    options.threads = 1;
    neck_context *single = NULL;
    OK(neck_context_create(&options, &single));
    alone = partition_of(single, data, MANY, WIDE, NULL);
    shared = partition_of(context, data, MANY, WIDE, NULL);
    ck_assert(alone.value == shared.value && alone.error == shared.error);
    neck_context_destroy(single);
    neck_context_destroy(context);
    free(data);
}
END_TEST

START_TEST(what_cannot_be_answered_is_refused)
{
    double data[6] = {1, 2, 3, 4, 5, 7};
    neck_matrix matrix = f64_view(data, 1, 3), column = f64_view(data, 6, 1), equal = f64_view(data, 2, 3);
    neck_gram *gram = gram_of(&matrix, NULL), *narrow = gram_of(&column, NULL);
    measure = (neck_measure){8, 9};
    ck_assert_int_eq(neck_anisotropy(gram, &measure), NECK_E_STATE);
    ck_assert_int_eq(neck_isoscore(NULL, gram, &measure), NECK_E_STATE);
    ck_assert_int_eq(neck_isoscore(NULL, narrow, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_partition_isotropy(NULL, gram, &column, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_partition_isotropy(NULL, gram, NULL, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_anisotropy(NULL, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_anisotropy(gram, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_mean_norm(NULL, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_isoscore(NULL, NULL, &measure), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_matrix_anisotropy(NULL, NULL, 1, &measure), NECK_E_ARGUMENT);
    neck_gram_destroy(gram);
    neck_gram_destroy(narrow);

    memcpy(data + 3, data, 3 * sizeof *data);
    gram = gram_of(&equal, NULL);
    ck_assert_int_eq(neck_isoscore(NULL, gram, &measure), NECK_E_ARGUMENT);
    data[4] = NAN;
    ck_assert_int_eq(neck_partition_isotropy(NULL, gram, &equal, &measure), NECK_E_NONFINITE);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "(1, 1)"));
    ck_assert_int_eq(neck_matrix_anisotropy(NULL, &equal, 1, &measure), NECK_E_NONFINITE);
    neck_gram_destroy(gram);

    neck_gram_options moments = {.struct_size = sizeof moments, .moments_only = 1};
    OK(neck_gram_create(NULL, 3, &moments, &gram));
    ck_assert_int_eq(neck_mean_norm(gram, &measure), NECK_E_STATE);
    OK(neck_gram_push(NULL, gram, &matrix));
    ck_assert_int_eq(neck_partition_isotropy(NULL, gram, &matrix, &measure), NECK_E_STATE);
    neck_gram_destroy(gram);
    ck_assert(measure.value == 8 && measure.error == 9);
}
END_TEST

static int64_t allocations_left;

static void *scarce_alloc(void *user, size_t alignment, size_t size)
{
    (void)user;
    return allocations_left-- > 0 ? aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment) : NULL;
}

static void scarce_release(void *user, void *memory)
{
    (void)user;
    free(memory);
}

START_TEST(every_failing_allocation_is_survived)
{
    double data[ROWS * COLS];
    fill_cloud(data, 3);
    neck_matrix matrix = f64_view(data, ROWS, COLS);
    neck_gram *gram = gram_of(&matrix, NULL);
    neck_context_options options = {
        .struct_size = sizeof options, .threads = 1, .alloc = scarce_alloc, .release = scarce_release};
    neck_context *context = NULL;
    allocations_left = INT64_MAX;
    OK(neck_context_create(&options, &context));
    for (int task = 0; task < 3; task++) {
        neck_status status = NECK_E_NOMEM;
        int64_t granted = 0;
        for (; status == NECK_E_NOMEM; granted++) {
            measure = (neck_measure){1, 2};
            allocations_left = granted;
            status = task == 0   ? neck_partition_isotropy(context, gram, &matrix, &measure)
                     : task == 1 ? neck_isoscore(context, gram, &measure)
                                 : neck_matrix_anisotropy(context, &matrix, 1, &measure);
            if (status == NECK_E_NOMEM) ck_assert(measure.value == 1 && measure.error == 2);
        }
        ck_assert_msg(status == NECK_OK, "%s", neck_last_error());
        ck_assert_int_gt(granted, 1);
    }
    neck_context_destroy(context);
    neck_gram_destroy(gram);
}
END_TEST

int main(void)
{
    TCase *cases[] = {tcase_create("values"), tcase_create("refusals")};
    tcase_add_test(cases[0], geometry_matches_references);
    tcase_add_test(cases[0], anisotropy_extremes);
    tcase_add_test(cases[0], isoscore_extremes_and_invariances);
    tcase_add_test(cases[0], partition_isotropy_ignores_signs_and_never_overflows);
    tcase_add_test(cases[0], partition_isotropy_admits_what_it_cannot_know);
    tcase_add_test(cases[0], threads_do_not_change_a_bit);
    tcase_add_test(cases[1], what_cannot_be_answered_is_refused);
    tcase_add_test(cases[1], every_failing_allocation_is_survived);
    return run_cases("geometry", cases, 2);
}
