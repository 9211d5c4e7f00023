/* Top-k singular triplets: values within their own bounds whatever the spectrum, vectors orthonormal, refusals,
 * callbacks. */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "softneck/truncated.h"

#include "constructed.h"
#include "runs.h"

static const int32_t methods[] = {NECK_METHOD_AUTO, NECK_METHOD_GRAM, NECK_METHOD_KRYLOV, NECK_METHOD_RANDOMIZED};
enum { METHODS = 4, CASES = 1000, GROUPS = 4 };

/* ---- spectra ---- */

static double uniform(uint64_t *state) { return (next_number(state) + 1) / 2; }

static int decreasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

enum { SPREAD, GEOMETRIC, HALF_RANK, REPEATED, CLUSTERED, STEEP, KINDS };

static double *spectrum_of_kind(int kind, int64_t count, uint64_t *state)
{
    double *values = calloc((size_t)count, sizeof *values);
    for (int64_t i = 0; i < count; i++) {
        double u = uniform(state);
        values[i] = kind == SPREAD      ? u
                    : kind == GEOMETRIC ? pow(0.5, (double)i)
                    : kind == HALF_RANK ? (i < count / 2 ? 1 : 0)
                    : kind == REPEATED  ? floor(4 * u)
                    : kind == CLUSTERED ? 1 + 1e-9 * u
                                        : (i < 3 ? 10 - (double)i : 1e-3 * u);
    }
    qsort(values, (size_t)count, sizeof *values, decreasing);
    return values;
}

/* ---- what every answer must satisfy ---- */

typedef struct answer {
    int64_t rows, cols, k;
    double *values, *left, *right, *residuals, *bounds;
    neck_truncated_report report;
} answer;

static answer room_for(int64_t rows, int64_t cols, int64_t k)
{
    answer a = {.rows = rows, .cols = cols, .k = k, .report = {.struct_size = sizeof a.report}};
    a.values = malloc((size_t)(3 * k) * sizeof(double));
    a.residuals = a.values + k;
    a.bounds = a.residuals + k;
    a.left = malloc((size_t)(rows * k) * sizeof(double));
    a.right = malloc((size_t)(k * cols) * sizeof(double));
    return a;
}

static void release(answer *a)
{
    free(a->values);
    free(a->left);
    free(a->right);
}

static neck_status solve(neck_context *context, const neck_operator *op, const neck_truncated_options *options,
                         answer *a)
{
    return neck_truncated_svd(context, op, a->k, options, a->values, a->left, a->right, a->residuals, a->bounds,
                              &a->report);
}

static void assert_orthonormal(const answer *a)
{
    for (int64_t i = 0; i < a->k; i++)
        for (int64_t j = 0; j <= i; j++) {
            double u = 0, v = 0;
            for (int64_t l = 0; l < a->rows; l++) u += a->left[l * a->k + i] * a->left[l * a->k + j];
            for (int64_t l = 0; l < a->cols; l++) v += a->right[i * a->cols + l] * a->right[j * a->cols + l];
            ck_assert_double_le(fabs(u - (i == j)), 1e-12);
            ck_assert_double_le(fabs(v - (i == j)), 1e-12);
        }
}

/* Residuals as reported, from the matrix itself. */
static void assert_residuals(const answer *a, const double *matrix)
{
    for (int64_t i = 0; i < a->k; i++) {
        double squares = 0;
        for (int64_t r = 0; r < a->rows; r++) {
            double sum = -a->values[i] * a->left[r * a->k + i];
            for (int64_t c = 0; c < a->cols; c++) sum += matrix[r * a->cols + c] * a->right[i * a->cols + c];
            squares += sum * sum;
        }
        for (int64_t c = 0; c < a->cols; c++) {
            double sum = -a->values[i] * a->right[i * a->cols + c];
            for (int64_t r = 0; r < a->rows; r++) sum += matrix[r * a->cols + c] * a->left[r * a->k + i];
            squares += sum * sum;
        }
        ck_assert_double_le(fabs(sqrt(squares / 2) - a->residuals[i]), 1e-12 * (1 + a->values[0]));
    }
}

static void assert_within_bounds(const answer *a, const double *truth, double truth_error)
{
    for (int64_t i = 0; i < a->k; i++) {
        ck_assert_msg(fabs(a->values[i] - truth[i]) <= a->bounds[i] + truth_error,
                      "value %lld of %lld x %lld, k %lld, method %d: %.17g, true %.17g, bound %g", (long long)i,
                      (long long)a->rows, (long long)a->cols, (long long)a->k,
                      a->report.method, a->values[i], truth[i], a->bounds[i]);
        if (i > 0) ck_assert_double_le(a->values[i], a->values[i - 1]);
    }
}

/* ---- a thousand random cases ---- */

static void one_case(int number)
{
    uint64_t state = (uint64_t)number * 7919 + 1;
    double a = uniform(&state), b = uniform(&state), c = uniform(&state);
    int64_t rows = 1 + (int64_t)(a * a * 150), cols = 1 + (int64_t)(b * b * 150), size = rows < cols ? rows : cols;
    int64_t k = 1 + (int64_t)(c * c * (double)(size - 1));
    double *values = spectrum_of_kind(number % KINDS, size, &state);
    double *matrix = constructed(rows, cols, values, (uint64_t)number + 5);
    neck_matrix view = {matrix, rows, cols, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(rows, cols, k);
    for (int m = 0; m < METHODS; m++) {
        neck_truncated_options options = {.struct_size = sizeof options, .method = methods[m],
                                          .block = (int32_t)(next_bits(&state) % 9)};
        ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "case %d, method %d: %s", number, methods[m],
                      neck_last_error());
        assert_within_bounds(&found, values, 2e-15 * sqrt((double)(rows + cols)) * values[0]);
        assert_orthonormal(&found);
        assert_residuals(&found, matrix);
        if (methods[m] == NECK_METHOD_RANDOMIZED) continue;
        for (int64_t i = 0; i < k; i++) ck_assert_double_le(found.bounds[i], 1e-6 * values[0] + 1e-300);
        if (values[k - 1] > 1e-5 * values[0])
            for (int64_t i = 0; i < k; i++) ck_assert_double_le(found.residuals[i], 1.01e-10 * values[0]);
    }
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
    free(values);
}

START_TEST(values_lie_within_their_bounds)
{
    for (int i = _i; i < runs_of(CASES); i += GROUPS) one_case(i);
}
END_TEST

/* ---- vectors found in single precision ---- */

/* Whatever single precision does, what is said of its vectors holds: bounds, residuals within the tolerance,
 * orthonormal sides. */
static void one_rough_case(int number)
{
    enum { LONG = 260, SHORT = 220, K = 5 };
    int64_t rows = number % 2 ? LONG : SHORT, cols = number % 2 ? SHORT : LONG;
    uint64_t state = (uint64_t)number * 104729 + 1;
    double *values = spectrum_of_kind(number % KINDS, SHORT, &state);
    double *matrix = constructed(rows, cols, values, (uint64_t)number + 5);
    neck_matrix view = {matrix, rows, cols, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(rows, cols, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = NECK_METHOD_KRYLOV, .tolerance = 1e-6};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "case %d: %s", number, neck_last_error());
    assert_within_bounds(&found, values, 1e-13 * values[0]);
    assert_orthonormal(&found);
    assert_residuals(&found, matrix);
    for (int i = 0; i < K; i++) {
        ck_assert_double_le(found.residuals[i], 1.01e-6 * values[0]);
        ck_assert_double_le(found.bounds[i], 1e-5 * values[0]);
    }
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
    free(values);
}

START_TEST(single_precision_keeps_the_bounds)
{
    for (int i = 0; i < 90; i++) one_rough_case(i);
}
END_TEST

/* Blocks of sixteen tell that single precision was used; entries that it cannot hold, and tolerances it cannot meet,
 * rule it out. */
START_TEST(single_precision_is_used_where_it_serves)
{
    static const struct {
        double tolerance, scale;
        int32_t dtype, block;
    } cases[] = {{1e-6, 1, NECK_F32, 16}, {1e-6, 1, NECK_F64, 16}, {1e-7, 1, NECK_F32, 8}, {0, 1, NECK_F32, 8},
                 {1e-6, 1e12, NECK_F64, 8}, {1e-6, 1e-13, NECK_F64, 8}};
    enum { ROWS = 300, COLS = 250, K = 5 };
    float *narrow = malloc(ROWS * COLS * sizeof *narrow);
    double *wide = malloc(ROWS * COLS * sizeof *wide), truth[COLS];
    uint64_t state = 3;
    for (int i = 0; i < ROWS * COLS; i++)
        wide[i] = (narrow[i] = (float)(next_number(&state) * pow(0.97, i % COLS))) * cases[_i].scale;
    neck_matrix view = {wide, ROWS, COLS, 0, NECK_F64, 0};
    ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, truth, NULL, NULL), NECK_OK);
    view.dtype = cases[_i].dtype;
    if (view.dtype == NECK_F32) view.data = narrow;
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(ROWS, COLS, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = NECK_METHOD_KRYLOV,
                                      .tolerance = cases[_i].tolerance};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(found.report.block, cases[_i].block);
    assert_within_bounds(&found, truth, 1e-13 * truth[0]);
    release(&found);
    neck_operator_destroy(op);
    free(narrow);
    free(wide);
}
END_TEST

/* ---- where restarts happen ---- */

/* A basis much smaller than the matrix, and values that repeat more often than a block has vectors. */
START_TEST(restarts_keep_what_was_found)
{
    enum { ROWS = 700, COLS = 600, K = 20 };
    double values[COLS];
    for (int i = 0; i < COLS; i++) values[i] = _i ? (i < 30 ? 2 : 1.0 / (1 + 0.01 * i)) : 1 - 5e-4 * (double)i;
    double *matrix = constructed(ROWS, COLS, values, 3);
    neck_matrix view = {matrix, ROWS, COLS, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(ROWS, COLS, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = NECK_METHOD_KRYLOV, .block = 2,
                                      .basis = K + 1};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_gt(found.report.restarts, 0);
    ck_assert_int_eq(found.report.method, NECK_METHOD_KRYLOV);
    ck_assert_double_le(found.report.missed_probability, 1e-9);
    assert_within_bounds(&found, values, 1e-13);
    assert_orthonormal(&found);
    for (int i = 0; i < K; i++) ck_assert_double_le(found.residuals[i], 1.01e-10 * values[0]);

    /* Their own right vectors as starts: there is little left to do. */
    double starts[COLS * K];
    for (int i = 0; i < K; i++)
        for (int j = 0; j < COLS; j++) starts[j * K + i] = found.right[i * COLS + j];
    int64_t before = found.report.products;
    options.start = starts;
    options.start_count = K;
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_lt(found.report.products, before);
    assert_within_bounds(&found, values, 1e-13);

    options.max_products = 100;
    ck_assert_int_eq(solve(NULL, op, &options, &found), NECK_E_CONVERGENCE);
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

/* A search is what tells that values were overlooked: here the only starts given span an invariant subspace of small
 * ones. */
START_TEST(a_bad_start_is_noticed)
{
    enum { N = 200, K = 4 };
    double *matrix = calloc(N * N, sizeof *matrix), starts[N * 8] = {0}, truth[K];
    for (int i = 0; i < N; i++) matrix[i * N + i] = i < 100 ? 1 + (double)i : 500 + (double)i;
    for (int i = 0; i < 8; i++) starts[i * 8 + i] = 1;
    for (int i = 0; i < K; i++) truth[i] = 699 - i;
    neck_matrix view = {matrix, N, N, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(N, N, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = NECK_METHOD_KRYLOV, .start = starts,
                                      .start_count = 8};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    assert_within_bounds(&found, truth, 1e-11);
    for (int i = 0; i < K; i++) ck_assert_double_le(found.bounds[i], 1e-6);
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

/* ---- edges ---- */

START_TEST(any_scale)
{
    static const double scales[] = {1e-320, 1e-290, 1e-150, 1e-120, 1e120, 1e140};
    enum { ROWS = 60, COLS = 40, K = 5 };
    double values[COLS], truth[K];
    for (int i = 0; i < COLS; i++) values[i] = 40 - i;
    double *matrix = constructed(ROWS, COLS, values, 9), scale = scales[_i / METHODS];
    for (int i = 0; i < ROWS * COLS; i++) matrix[i] *= scale;
    for (int i = 0; i < K; i++) truth[i] = values[i] * scale;
    neck_matrix view = {matrix, ROWS, COLS, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(ROWS, COLS, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = methods[_i % METHODS]};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    assert_within_bounds(&found, truth, 1e-12 * truth[0] + 5e-322 * ROWS);
    assert_orthonormal(&found);
    if (methods[_i % METHODS] != NECK_METHOD_RANDOMIZED)
        for (int i = 0; i < K; i++) ck_assert_double_le(found.bounds[i], 1e-9 * truth[0] + 5e-322 * ROWS);
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

START_TEST(zero_matrix)
{
    static const int64_t shapes[][2] = {{1, 1}, {1, 9}, {9, 1}, {30, 20}, {20, 30}};
    int64_t rows = shapes[_i / METHODS][0], cols = shapes[_i / METHODS][1], k = rows < cols ? rows : cols;
    double *matrix = calloc((size_t)(rows * cols), sizeof *matrix);
    neck_matrix view = {matrix, rows, cols, 0, NECK_F64, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    answer found = room_for(rows, cols, k);
    neck_truncated_options options = {.struct_size = sizeof options, .method = methods[_i % METHODS]};
    ck_assert_msg(solve(NULL, op, &options, &found) == NECK_OK, "%s", neck_last_error());
    for (int64_t i = 0; i < k; i++) {
        ck_assert_double_eq(found.values[i], 0);
        ck_assert_double_le(found.bounds[i], 1e-300);
    }
    assert_orthonormal(&found);
    release(&found);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

/* ---- callbacks ---- */

typedef struct given {
    const double *matrix;
    int64_t rows, cols;
    int64_t calls, stop_at; /* stop_at 0: never */
    int lie;                /* 1: NaN, 2: the transpose of another matrix */
} given;

static int32_t multiply(void *user, int32_t transposed, int64_t count, const double *x, double *y)
{
    given *g = user;
    int64_t in = transposed ? g->rows : g->cols, out = transposed ? g->cols : g->rows;
    if (++g->calls == g->stop_at) return 1;
    memset(y, 0, (size_t)(out * count) * sizeof *y);
    for (int64_t i = 0; i < out; i++)
        for (int64_t l = 0; l < in; l++)
            for (int64_t j = 0; j < count; j++)
                y[i * count + j] += g->matrix[transposed ? l * g->cols + i : i * g->cols + l] * x[l * count + j];
    if (g->lie == 1 && g->calls > 2) y[0] = NAN;
    if (g->lie == 2 && transposed)
        for (int64_t j = 0; j < out * count; j++) y[j] *= 1.5;
    return 0;
}

START_TEST(callbacks_may_stop_and_lie)
{
    enum { ROWS = 120, COLS = 150, K = 6 };
    double *matrix = random_matrix(ROWS, COLS, 4);
    given user = {matrix, ROWS, COLS, 0, 0, 0};
    neck_operator *op;
    ck_assert_int_eq(neck_operator_callback(NULL, ROWS, COLS, multiply, &user, -1, &op), NECK_OK);
    answer found = room_for(ROWS, COLS, K), fixed = room_for(ROWS, COLS, K);
    neck_truncated_options options = {.struct_size = sizeof options, .method = methods[_i]};
    ck_assert_msg(solve(NULL, op, &options, &fixed) == NECK_OK, "%s", neck_last_error());
    double truth[ROWS];
    neck_matrix view = {matrix, ROWS, COLS, 0, NECK_F64, 0};
    ck_assert_int_eq(neck_svd_compute(NULL, &view, NULL, NULL, truth, NULL, NULL), NECK_OK);
    assert_within_bounds(&fixed, truth, 1e-13);
    ck_assert_double_lt(fixed.report.frobenius_squared, 0);
    int64_t all = user.calls;
    for (int64_t stop = 1; stop <= all; stop += 1 + all / 20) { /* outputs stay as they were */
        memset(found.values, 0x5a, K * sizeof(double));
        user.calls = 0;
        user.stop_at = stop;
        ck_assert_int_eq(solve(NULL, op, &options, &found), NECK_E_CANCELLED);
        for (size_t i = 0; i < K * sizeof(double); i++) ck_assert_int_eq(((unsigned char *)found.values)[i], 0x5a);
    }
    user = (given){matrix, ROWS, COLS, 0, 0, 1};
    ck_assert_int_eq(solve(NULL, op, &options, &found), NECK_E_NONFINITE);
    user.lie = 2;
    ck_assert_int_eq(solve(NULL, op, &options, &found), NECK_E_ARGUMENT);
    release(&found);
    release(&fixed);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

/* ---- threads ---- */

START_TEST(same_bits_for_any_threads)
{
    enum { ROWS = 900, COLS = 300, K = 10 };
    double *matrix = random_matrix(ROWS, COLS, 8);
    neck_matrix view = {matrix, ROWS, COLS, 0, NECK_F64, 0};
    answer one = room_for(ROWS, COLS, K), more = room_for(ROWS, COLS, K);
    for (int32_t threads = 1; threads <= 4; threads++) {
        neck_context_options options = {.struct_size = sizeof options, .threads = threads, .seed = 5};
        neck_context *context;
        neck_operator *op;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        ck_assert_int_eq(neck_operator_dense(context, &view, &op), NECK_OK);
        neck_truncated_options wanted = {.struct_size = sizeof wanted, .method = methods[_i % METHODS]};
        wanted.tolerance = _i < METHODS ? 0 : 1e-6;
        answer *to = threads == 1 ? &one : &more;
        ck_assert_int_eq(solve(context, op, &wanted, to), NECK_OK);
        neck_operator_destroy(op);
        neck_context_destroy(context);
        if (threads == 1) continue;
        ck_assert_mem_eq(one.values, more.values, 3 * K * sizeof(double));
        ck_assert_mem_eq(one.left, more.left, ROWS * K * sizeof(double));
        ck_assert_mem_eq(one.right, more.right, K * COLS * sizeof(double));
    }
    release(&one);
    release(&more);
    free(matrix);
}
END_TEST

/* ---- as a spectrum, and what is refused ---- */

START_TEST(part_of_a_spectrum)
{
    enum { ROWS = 80, COLS = 30, K = 7 };
    double values[COLS];
    for (int i = 0; i < COLS; i++) values[i] = 1 / (1 + (double)i);
    double *matrix = constructed(ROWS, COLS, values, 2);
    neck_matrix view = {matrix, ROWS, COLS, 0, NECK_F64, 0};
    given user = {matrix, ROWS, COLS, 0, 0, 0};
    neck_operator *op, *unknown;
    neck_spectrum *all, *part;
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    ck_assert_int_eq(neck_truncated_spectrum(NULL, op, K, NULL, &part), NECK_OK);
    ck_assert_int_eq(neck_spectrum_compute(NULL, &view, NULL, &all), NECK_OK);
    ck_assert_int_eq(neck_spectrum_count(part), K);
    ck_assert_int_eq(neck_spectrum_size(part), COLS);
    ck_assert_str_eq(neck_method_name(neck_spectrum_method(part)), "gram");
    for (int64_t d = 0; d <= K; d++) {
        neck_measure whole, some;
        ck_assert_int_eq(neck_w_error(all, d, &whole), NECK_OK);
        ck_assert_int_eq(neck_w_error(part, d, &some), NECK_OK);
        ck_assert_double_eq_tol(whole.value, some.value, 1e-12);
    }
    ck_assert_int_eq(neck_operator_callback(NULL, ROWS, COLS, multiply, &user, -1, &unknown), NECK_OK);
    ck_assert_int_eq(neck_truncated_spectrum(NULL, unknown, K, NULL, &part), NECK_E_ARGUMENT);
    neck_operator_destroy(unknown);
    neck_spectrum_destroy(all);
    neck_spectrum_destroy(part);
    neck_operator_destroy(op);
    free(matrix);
}
END_TEST

START_TEST(refusals)
{
    double matrix[6] = {1, 2, 3, 4, 5, 6}, values[3], start[3] = {1, NAN, 1};
    neck_matrix view = {matrix, 2, 3, 0, NECK_F64, 0};
    neck_operator *op;
    neck_truncated_report report = {0};
    ck_assert_int_eq(neck_operator_dense(NULL, &view, &op), NECK_OK);
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 0, NULL, values, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 3, NULL, values, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_truncated_svd(NULL, NULL, 1, NULL, values, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 1, NULL, values, NULL, NULL, NULL, NULL, &report), NECK_E_ARGUMENT);
    const neck_truncated_options bad[] = {
        {.struct_size = sizeof bad[0], .method = NECK_METHOD_QR},  {.struct_size = sizeof bad[0], .tolerance = -1},
        {.struct_size = sizeof bad[0], .tolerance = NAN},          {.struct_size = sizeof bad[0], .block = -1},
        {.struct_size = sizeof bad[0], .start_count = 1},          {.struct_size = sizeof bad[0], .oversampling = -1},
        {.struct_size = sizeof bad[0], .max_products = -1},        {.struct_size = 0},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        ck_assert_int_eq(neck_truncated_svd(NULL, op, 1, &bad[i], values, NULL, NULL, NULL, NULL, NULL),
                         NECK_E_ARGUMENT);
    neck_truncated_options options = {.struct_size = sizeof options, .start = start, .start_count = 1};
    ck_assert_int_eq(neck_truncated_svd(NULL, op, 1, &options, values, NULL, NULL, NULL, NULL, NULL), NECK_E_NONFINITE);
    neck_operator_destroy(op);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("truncated");
    TCase *cases = tcase_create("truncated");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, values_lie_within_their_bounds, 0, GROUPS);
    tcase_add_test(cases, single_precision_keeps_the_bounds);
    tcase_add_loop_test(cases, single_precision_is_used_where_it_serves, 0, 6);
    tcase_add_loop_test(cases, restarts_keep_what_was_found, 0, 2);
    tcase_add_test(cases, a_bad_start_is_noticed);
    tcase_add_loop_test(cases, any_scale, 0, 6 * METHODS);
    tcase_add_loop_test(cases, zero_matrix, 0, 5 * METHODS);
    tcase_add_loop_test(cases, callbacks_may_stop_and_lie, 0, METHODS);
    tcase_add_loop_test(cases, same_bits_for_any_threads, 0, 2 * METHODS);
    tcase_add_test(cases, part_of_a_spectrum);
    tcase_add_test(cases, refusals);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
