/* tests/test_matmul.c - products of strided matrices against plain sums: every edge, layout and precision; threads do
 * not show. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "linalg/matmul.h"

static const int64_t sizes[][3] = {{1, 1, 1},   {3, 5, 7},       {8, 48, 16},  {9, 49, 257},  {50, 40, 600},
                                   {193, 97, 511}, {16, 300, 3}, {17, 1000, 33}, {1, 300, 300}, {400, 1, 2}};
enum { SIZES = sizeof sizes / sizeof *sizes, PAD = 3 };

/* Element (i, j) of an m x n matrix stored either way, with room after each line. */
static int64_t line_of(int transposed, int64_t m, int64_t n) { return (transposed ? m : n) + PAD; }
static int64_t place(int transposed, int64_t line, int64_t i,
                     int64_t j) { return transposed ? j * line + i : i * line + j; }

static void *stored(const double *exact, int64_t m, int64_t n, int transposed, int32_t dtype)
{
    int64_t line = line_of(transposed, m, n), lines = transposed ? n : m;
    double *all = calloc((size_t)(line * lines), sizeof *all);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n; j++) all[place(transposed, line, i, j)] = exact[i * n + j];
    void *out = as_dtype(all, line * lines, dtype);
    free(all);
    return out;
}

static void multiply(neck_context *context, const int64_t *size, int layout, int32_t dtype, const void *a,
                     const void *b, void *c, int accumulate)
{
    int ta = layout & 1, tb = layout >> 1;
    int64_t m = size[0], n = size[1], k = size[2], la = line_of(ta, m, k), lb = line_of(tb, k, n);
    neck_status status = dtype == NECK_F32
        ? neck__matmul_f32(context, m, n, k, a, ta ? 1 : la, ta ? la : 1, b, tb ? 1 : lb, tb ? lb : 1, c, n + PAD,
                           accumulate)
        : neck__matmul_f64(context, m, n, k, a, ta ? 1 : la, ta ? la : 1, b, tb ? 1 : lb, tb ? lb : 1, c, n + PAD,
                           accumulate);
    ck_assert_int_eq(status, NECK_OK);
}

static double at(const void *c, int64_t i, int32_t dtype)
{
    return dtype == NECK_F32 ? (double)((const float *)c)[i] : ((const double *)c)[i];
}

static void check_size(const int64_t *size, int layout, int32_t dtype)
{
    int64_t m = size[0], n = size[1], k = size[2];
    double *a = exact_matrix(m, k, 1), *b = exact_matrix(k, n, 2), *seven = malloc((size_t)(m * (n + PAD)) * 8);
    for (int64_t i = 0; i < m * (n + PAD); i++) seven[i] = 7;
    void *left = stored(a, m, k, layout & 1, dtype), *right = stored(b, k, n, layout >> 1, dtype),
        *c = as_dtype(seven, m * (n + PAD), dtype);
    multiply(NULL, size, layout, dtype, left, right, c, 0);
    multiply(NULL, size, layout, dtype, left, right, c, 1);
    for (int64_t i = 0; i < m; i++)
        for (int64_t j = 0; j < n + PAD; j++) {
            double sum = 0; /* multiples of 1/256 far below 2^24 of them: exact in any order */
            for (int64_t l = 0; l < k && j < n; l++) sum += a[i * k + l] * b[l * n + j];
            ck_assert_double_eq(at(c, i * (n + PAD) + j, dtype), j < n ? 2 * sum : 7);
        }
    free(a), free(b), free(seven), free(left), free(right), free(c);
}

START_TEST(products_are_exact)
{
    for (int layout = 0; layout < 4; layout++) {
        check_size(sizes[_i], layout, NECK_F32);
        check_size(sizes[_i], layout, NECK_F64);
    }
}
END_TEST

START_TEST(threads_do_not_show)
{
    const int64_t size[3] = {700, 330, 900};
    double *numbers = random_matrix(900, 1000, 3);
    float *a = as_dtype(numbers, 900 * 1000, NECK_F32), *first = NULL;
    for (int32_t threads = 1; threads < 5; threads++) {
        neck_context *context;
        neck_context_options options = {.struct_size = sizeof options, .threads = threads};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        size_t bytes = (size_t)(size[0] * (size[1] + PAD)) * sizeof(float);
        float *c = calloc(1, bytes);
        multiply(context, size, 1, NECK_F32, a, a, c, 0);
        if (!first)
            first = c;
        else {
            ck_assert_mem_eq(c, first, bytes);
            free(c);
        }
        neck_context_destroy(context);
    }
    free(first), free(a), free(numbers);
}
END_TEST

START_TEST(too_large_is_refused)
{
    float x = 0;
    ck_assert_int_eq(neck__matmul_f32(NULL, 1, INT64_MAX / 4, INT64_MAX / 4, &x, 1, 1, &x, 1, 1, &x, 1, 0),
                     NECK_E_OVERFLOW);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("matmul");
    TCase *all = tcase_create("all");
    tcase_add_loop_test(all, products_are_exact, 0, SIZES);
    tcase_add_test(all, threads_do_not_show);
    tcase_add_test(all, too_large_is_refused);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
