/* tests/test_two_stage.c - eigenvalues of symmetric matrices against LAPACK's dsyevd, numpy's and formulas: every
 * edge of panels, blocks and chunks, and matrices that are hard in their ways. */
#include <cblas.h>
#include <check.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "linalg/lapack.h"
#include "linalg/two_stage.h"

enum { PAD = 3 };

/* ---- matrices
 * ------------------------------------------------------------------------------------------------------ */

typedef void (*make_fn)(int64_t n, double *a, uint64_t seed);

static void random_entries(int64_t n, double *a, uint64_t seed)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) a[i * n + j] = next_number(&seed);
}

/* A diagonal between random reflections, the same on both sides. */
static void planted(int64_t n, const double *values, double *a, uint64_t seed)
{
    memset(a, 0, (size_t)(n * n) * sizeof *a);
    for (int64_t i = 0; i < n; i++) a[i * n + i] = values[i];
    for (int pass = 0; pass < 3; pass++) {
        uint64_t again = seed;
        reflect_rows(n, n, a, &seed);
        reflect_columns(n, n, a, &again);
    }
}

static void with_values(int64_t n, double *a, uint64_t seed, double (*value)(int64_t i, int64_t n))
{
    double *values = malloc((size_t)n * sizeof *values);
    for (int64_t i = 0; i < n; i++) values[i] = value(i, n);
    planted(n, values, a, seed);
    free(values);
}

static double two_clusters(int64_t i, int64_t n) { return (2 * i < n ? 1 : -1) + 1e-15 * (double)i; }
static double falling(int64_t i, int64_t n) { return pow(10, -20.0 * (double)i / (double)n); }
static double few(int64_t i, int64_t n) { return i < n / 10 + 1 ? 1 + (double)i : 0; }
static void clustered(int64_t n, double *a, uint64_t seed) { with_values(n, a, seed, two_clusters); }
static void decaying(int64_t n, double *a, uint64_t seed) { with_values(n, a, seed, falling); }
static void rank_deficient(int64_t n, double *a, uint64_t seed) { with_values(n, a, seed, few); }
static void zero(int64_t n, double *a, uint64_t seed) { (void)seed, memset(a, 0, (size_t)(n * n) * sizeof *a); }

/* Entries, not values, that fall: downwards or upwards. */
static void graded(int64_t n, double *a, uint64_t seed)
{
    random_entries(n, a, seed);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++)
            a[i * n + j] *= pow(10, (seed % 2 ? -1.0 : 1.0) * (double)(i + j) * 30 / (double)n - 15);
}

static void banded(int64_t n, double *a, int64_t width)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i + width + 1; j < n; j++) a[i * n + j] = 0;
}
static void diagonal(int64_t n, double *a, uint64_t seed) { random_entries(n, a, seed), banded(n, a, 0); }
static void tridiagonal(int64_t n, double *a, uint64_t seed) { random_entries(n, a, seed), banded(n, a, 1); }
static void inside_the_band(int64_t n, double *a, uint64_t seed) { random_entries(n, a, seed), banded(n, a, 48); }
static void beyond_the_band(int64_t n, double *a, uint64_t seed) { random_entries(n, a, seed), banded(n, a, 49); }

/* Pairs of eigenvalues that agree to many digits. */
static void wilkinson(int64_t n, double *a, uint64_t seed)
{
    zero(n, a, seed);
    for (int64_t i = 0; i < n; i++) {
        a[i * n + i] = fabs((double)i - 0.5 * (double)(n - 1));
        if (i + 1 < n) a[i * n + i + 1] = 1;
    }
}

/* Nothing but the first row: a panel all of whose rows but one are zero. */
static void arrow(int64_t n, double *a, uint64_t seed)
{
    zero(n, a, seed);
    for (int64_t j = 0; j < n; j++) a[j] = next_number(&seed);
}

static const make_fn makers[] = {random_entries, clustered, decaying, rank_deficient, zero, graded, diagonal,
                                 tridiagonal, inside_the_band, beyond_the_band, wilkinson, arrow};
enum { MAKERS = sizeof makers / sizeof *makers };

/* ---- comparing
 * ----------------------------------------------------------------------------------------------------- */

/* Only the upper triangle may be read, and nothing else written. */
static double *framed(int64_t n, const double *a)
{
    int64_t lda = n + PAD;
    double *framed = malloc((size_t)(n * lda) * sizeof *framed);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < lda; j++) framed[i * lda + j] = j >= i && j < n ? a[i * n + j] : NAN;
    return framed;
}

static double *eigenvalues(neck_context *context, int64_t n, const double *a)
{
    double *copy = framed(n, a), *values = malloc((size_t)n * sizeof *values);
    ck_assert_int_eq(neck__two_stage_eigenvalues(context, n, copy, n + PAD, values), NECK_OK);
    int64_t written = 0, out_of_order = 0; /* an assertion costs a system call */
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < n + PAD; j++) written += (j < i || j >= n) && !isnan(copy[i * (n + PAD) + j]);
    for (int64_t i = 1; i < n; i++) out_of_order += !(values[i] >= values[i - 1]);
    ck_assert_int_eq(written, 0);
    ck_assert_int_eq(out_of_order, 0);
    free(copy);
    return values;
}

static double largest(int64_t n, const double *values) { return fmax(fabs(values[0]), fabs(values[n - 1])); }

static void assert_close(int64_t n, const double *values, const double *expected)
{
    double worst = 0;
    for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(values[i] - expected[i]));
    ck_assert_double_le(worst, (8 + (double)n) * DBL_EPSILON * largest(n, expected));
}

static void compare(int64_t n, make_fn make, uint64_t seed)
{
    double *a = malloc((size_t)(n * n) * sizeof *a), *expected = malloc((size_t)n * sizeof *expected);
    make(n, a, seed);
    double *values = eigenvalues(NULL, n, a);
    openblas_set_num_threads(1); /* many small matrices */
    ck_assert_int_eq(neck__symmetric_eigen(NULL, n, a, expected), NECK_OK);
    assert_close(n, values, expected);
    free(a), free(expected), free(values);
}

START_TEST(small_orders)
{
    for (int64_t n = 1; n <= 200; n++) compare(n, random_entries, (uint64_t)n);
}
END_TEST

/* Around panels (48), blocks (144), shares of blocks, and groups of sweeps. */
START_TEST(edges)
{
    static const int64_t orders[] = {239, 240, 241, 287, 288, 289, 335, 336, 337, 338, 383, 385, 480, 481, 579, 721};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) compare(orders[i], random_entries, 1);
}
END_TEST

START_TEST(hard_matrices)
{
    static const int64_t orders[] = {1, 2, 3, 40, 48, 49, 50, 97, 144, 200, 393};
    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
        for (uint64_t seed = 1; seed <= 2; seed++) compare(orders[i], makers[_i], seed);
}
END_TEST

START_TEST(far_scales)
{
    static const double scales[] = {1e-320, 1e-305, 1e-200, 1e-100, 1e100, 1e200, 1e306};
    const int64_t n = 150;
    double *a = malloc((size_t)(n * n) * sizeof *a), *scaled = malloc((size_t)(n * n) * sizeof *a);
    random_entries(n, a, 5);
    double *expected = eigenvalues(NULL, n, a), scale = scales[_i], worst = 0;
    for (int64_t i = 0; i < n * n; i++) scaled[i] = a[i] * scale;
    double *values = eigenvalues(NULL, n, scaled);
    for (int64_t i = 0; i < n; i++) worst = fmax(worst, fabs(values[i] - expected[i] * scale));
    double rounding = (double)n * 0x1p-1074; /* of the scaled entries */
    ck_assert_double_le(worst, 20 * (double)n * DBL_EPSILON * largest(n, expected) * scale + rounding);
    free(a), free(scaled), free(expected), free(values);
}
END_TEST

/* min(i, j) + 1 has the eigenvalues 1 / (4 sin^2((2 k - 1) pi / (4 n + 2))), k = 1 .. n. */
START_TEST(a_formula)
{
    const int64_t n = 700;
    double *a = malloc((size_t)(n * n) * sizeof *a), *expected = malloc((size_t)n * sizeof *expected);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) a[i * n + j] = (double)(i + 1);
    for (int64_t k = 1; k <= n; k++) {
        double s = 2 * sin((2 * (double)k - 1) * 3.14159265358979323846 / (4 * (double)n + 2));
        expected[n - k] = 1 / (s * s);
    }
    double *values = eigenvalues(NULL, n, a);
    assert_close(n, values, expected);
    free(a), free(expected), free(values);
}
END_TEST

/* ---- numpy
 * --------------------------------------------------------------------------------------------------------- */

static void check_golden(FILE *file, int64_t n, int64_t step)
{
    double *a = malloc((size_t)(n * n) * sizeof *a);
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = i; j < n; j++) a[i * n + j] = (double)((7 * i * i + 7 * j * j + 13 * i * j) % 1009 - 504);
    double *values = malloc((size_t)n * sizeof *values), expected, worst = 0;
    ck_assert_int_eq(neck__symmetric_eigenvalues(NULL, n, a, n, values), NECK_OK);
    for (int64_t i = 0; i < n; i += step) {
        ck_assert_int_eq(fscanf(file, "%lf", &expected), 1);
        worst = fmax(worst, fabs(values[i] - expected));
    }
    ck_assert_double_le(worst, (double)n * DBL_EPSILON * largest(n, values));
    free(a), free(values);
}

START_TEST(numpy_agrees)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/eigenvalues.txt", root ? root : ".");
    FILE *file = fopen(path, "r");
    ck_assert_ptr_nonnull(file);
    long n, step;
    int matrices = 0;
    for (; fscanf(file, "%ld %ld", &n, &step) == 2; matrices++) check_golden(file, n, step);
    ck_assert_int_eq(matrices, 2);
    fclose(file);
}
END_TEST

/* ---- how it runs
 * --------------------------------------------------------------------------------------------------- */

START_TEST(threads_do_not_show)
{
    const int64_t n = 800;
    double *a = malloc((size_t)(n * n) * sizeof *a), *first = NULL;
    random_entries(n, a, 11);
    for (int32_t threads = 1; threads < 5; threads++) {
        neck_context *context;
        neck_context_options options = {.struct_size = sizeof options, .threads = threads};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        double *values = eigenvalues(context, n, a);
        if (first) ck_assert_mem_eq(values, first, (size_t)n * sizeof *values);
        if (!first) first = values;
        else free(values);
        neck_context_destroy(context);
    }
    free(a), free(first);
}
END_TEST

typedef struct listener {
    int64_t calls, done, total, stop_at;
} listener;

static int32_t listen(void *user, const neck_progress *progress)
{
    listener *seen = user;
    ck_assert_str_eq(progress->task, "eigenvalues");
    ck_assert_int_ge(progress->done, seen->done);
    ck_assert(seen->total == 0 || seen->total == progress->total);
    seen->done = progress->done;
    seen->total = progress->total;
    return seen->calls++ == seen->stop_at;
}

/* Stops at every call there is, then never. */
START_TEST(progress_and_cancelling)
{
    const int64_t n = 600;
    int64_t bytes, operations;
    double *a = malloc((size_t)(n * n) * sizeof *a), *values = malloc((size_t)n * sizeof *values);
    random_entries(n, a, 12);
    neck__symmetric_eigenvalues_cost(n, &bytes, &operations);
    neck_status status = NECK_E_CANCELLED;
    int64_t calls = 0, touched = 0;
    for (int64_t stop = 0; status == NECK_E_CANCELLED; stop++) {
        listener seen = {.stop_at = stop};
        neck_context_options options = {.struct_size = sizeof options, .progress = listen, .progress_user = &seen};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        double *copy = framed(n, a);
        for (int64_t i = 0; i < n; i++) values[i] = 7;
        status = neck__symmetric_eigenvalues(context, n, copy, n + PAD, values);
        ck_assert(status == NECK_E_CANCELLED || status == NECK_OK);
        for (int64_t i = 0; i < n && status != NECK_OK; i++) touched += values[i] != 7;
        if (status == NECK_OK) ck_assert_int_eq(seen.done, seen.total);
        ck_assert_int_eq(seen.total, operations);
        calls = seen.calls;
        free(copy);
        neck_context_destroy(context);
    }
    ck_assert_int_eq(status, NECK_OK);
    ck_assert_int_eq(touched, 0);
    ck_assert_int_ge(calls, 14);
    free(a), free(values);
}
END_TEST

typedef struct limited {
    int64_t allowed, live, bytes, most;
} limited;

/* The size stands before what is returned. */
static void *limited_alloc(void *user, size_t alignment, size_t size)
{
    limited *heap = user;
    if (heap->allowed-- <= 0) return NULL;
    size_t before = alignment < 64 ? 64 : alignment;
    char *memory = aligned_alloc(before, (before + size + before - 1) / before * before);
    memcpy(memory + before - sizeof size, &size, sizeof size);
    memcpy(memory + before - 2 * sizeof size, &before, sizeof before);
    heap->live++;
    heap->bytes += (int64_t)size;
    if (heap->bytes > heap->most) heap->most = heap->bytes;
    return memory + before;
}

static void limited_release(void *user, void *memory)
{
    limited *heap = user;
    size_t size, before;
    if (!memory) return;
    memcpy(&size, (char *)memory - sizeof size, sizeof size);
    memcpy(&before, (char *)memory - 2 * sizeof size, sizeof before);
    heap->live--;
    heap->bytes -= (int64_t)size;
    free((char *)memory - before);
}

/* Every allocation fails once; all that is taken is what was said. */
START_TEST(memory_fails_and_is_counted)
{
    const int64_t n = 1000;
    double *a = malloc((size_t)(n * n) * sizeof *a), *values = malloc((size_t)n * sizeof *values);
    int64_t allowed = 0, bytes, operations;
    random_entries(n, a, 13);
    neck__symmetric_eigenvalues_cost(n, &bytes, &operations);
    neck_status status = NECK_E_NOMEM;
    for (; status == NECK_E_NOMEM; allowed++) {
        limited heap = {.allowed = allowed};
        neck_context_options options = {.struct_size = sizeof options, .alloc = limited_alloc,
                                        .release = limited_release, .alloc_user = &heap, .threads = 1};
        neck_context *context;
        neck_status created = neck_context_create(&options, &context);
        if (created == NECK_OK) {
            int64_t own = heap.bytes;
            double *copy = framed(n, a);
            status = neck__symmetric_eigenvalues(context, n, copy, n + PAD, values);
            free(copy);
            neck_context_destroy(context);
            if (status == NECK_OK) {
                ck_assert_int_le(heap.most - own, bytes - 8 * n * n + 1024);
                ck_assert_int_ge(heap.most - own, (bytes - 8 * n * n) * 9 / 10);
            }
        }
        ck_assert_int_eq(heap.live, 0);
    }
    ck_assert_int_eq(status, NECK_OK);
    ck_assert_int_ge(allowed, 5);
    free(a), free(values);
}
END_TEST

START_TEST(costs_grow_and_do_not_wrap)
{
    int64_t bytes, operations, last_bytes = 0, last_operations = 0;
    for (int64_t n = 1; n < INT64_MAX / 4; n *= 2) {
        neck__symmetric_eigenvalues_cost(n, &bytes, &operations);
        ck_assert_int_ge(bytes, last_bytes);
        ck_assert_int_ge(operations, last_operations);
        last_bytes = bytes;
        last_operations = operations;
    }
    ck_assert_int_eq(last_bytes, INT64_MAX);
    ck_assert_int_eq(last_operations, INT64_MAX);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("two stages");
    TCase *all = tcase_create("all");
    tcase_set_timeout(all, 60);
    tcase_add_test(all, small_orders);
    tcase_add_test(all, edges);
    tcase_add_loop_test(all, hard_matrices, 0, MAKERS);
    tcase_add_loop_test(all, far_scales, 0, 7);
    tcase_add_test(all, a_formula);
    tcase_add_test(all, numpy_agrees);
    tcase_add_test(all, threads_do_not_show);
    tcase_add_test(all, progress_and_cancelling);
    tcase_add_test(all, memory_fails_and_is_counted);
    tcase_add_test(all, costs_grow_and_do_not_wrap);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
