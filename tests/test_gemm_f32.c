/* tests/test_gemm_f32.c - packed products against plain loops: every edge and dtype; threads do not show. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "linalg/gemm_f32.h"

static const int64_t sizes[][3] = {{1, 1, 1},    {3, 5, 7},     {8, 48, 16},   {9, 49, 257},  {200, 300, 64},
                                   {193, 97, 511}, {385, 289, 3}, {17, 1000, 33}, {1, 700, 300}};
enum { SIZES = sizeof sizes / sizeof *sizes };

START_TEST(products_are_exact)
{
    int64_t m = sizes[_i][0], n = sizes[_i][1], k = sizes[_i][2], lda = k + 3, ldc = n + 5;
    double *a_exact = exact_matrix(m, lda, 1), *w_exact = exact_matrix(n, k, 2),
        *w_transposed = malloc((size_t)(n * k) * 8);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < k; j++) w_transposed[j * n + i] = w_exact[i * k + j];
    float *a = as_dtype(a_exact, m * lda, NECK_F32), *c = malloc((size_t)(m * ldc) * sizeof *c);
    for (int32_t dtype = NECK_F32; dtype <= NECK_BF16; dtype++)
        for (int32_t transposed = 0; transposed < 2; transposed++) {
            void *data = as_dtype(transposed ? w_transposed : w_exact, n * k, dtype);
            neck_matrix w = {data, transposed ? k : n, transposed ? n : k, 0, dtype, 0};
            neck__packed *packed;
            ck_assert_int_eq(neck__gemm_pack(NULL, &w, transposed, &packed), NECK_OK);
            free(data);
            ck_assert_int_eq(neck__packed_outputs(packed), n);
            ck_assert_int_eq(neck__packed_inputs(packed), k);
            for (int64_t i = 0; i < m * ldc; i++) c[i] = 1000;
            neck__gemm_f32(NULL, m, a, lda, packed, 0, c, ldc);
            neck__gemm_f32(NULL, m, a, lda, packed, 1, c, ldc);
            for (int64_t i = 0; i < m; i++)
                for (int64_t j = 0; j < ldc; j++) {
                    double sum = 0; /* multiples of 1/256 far below 2^24 of them: exact in f32 in any order */
                    for (int64_t l = 0; l < k && j < n; l++) sum += a_exact[i * lda + l] * w_exact[j * k + l];
                    ck_assert_double_eq(c[i * ldc + j], j < n ? 2 * sum : 1000);
                }
            neck__packed_destroy(packed);
        }
    free(a_exact);
    free(w_exact);
    free(w_transposed);
    free(a);
    free(c);
}
END_TEST

START_TEST(the_number_of_threads_does_not_show)
{
    enum { M = 500, N = 700, K = 600 };
    double *numbers = random_matrix(N, K, 4);
    float *a = as_dtype(numbers, M * K, NECK_F32), *first = malloc(M * N * sizeof *first),
        *other = malloc(M * N * sizeof *other);
    neck_matrix w = {numbers, N, K, 0, NECK_F64, 0};
    neck__packed *packed;
    ck_assert_int_eq(neck__gemm_pack(NULL, &w, 0, &packed), NECK_OK);
    for (int32_t threads = 1; threads <= 4; threads++) {
        neck_context_options options = {sizeof options, .threads = threads};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        neck__gemm_f32(context, M, a, K, packed, 0, threads == 1 ? first : other, N);
        if (threads > 1) ck_assert_mem_eq(first, other, M * N * sizeof *first);
        neck_context_destroy(context);
    }
    neck__packed_destroy(packed);
    free(numbers);
    free(a);
    free(first);
    free(other);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("gemm_f32");
    TCase *tests = tcase_create("gemm_f32");
    suite_add_tcase(suite, tests);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, products_are_exact, 0, SIZES);
    tcase_add_test(tests, the_number_of_threads_does_not_show);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
