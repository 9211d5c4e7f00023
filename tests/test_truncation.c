/* tests/test_truncation.c - the best heads of every rank against numpy's SVD, and what makes them the best. */
#include "bottleneck_support.h"
#include "study/rows.h"

static const struct {
    const char *name;
    int32_t kind, centered;
} kinds[] = {{"plain", NECK_TRUNCATE_PLAIN, 0},
             {"plain_centered", NECK_TRUNCATE_PLAIN, 1},
             {"weighted", NECK_TRUNCATE_WEIGHTED, 0},
             {"weighted_centered", NECK_TRUNCATE_WEIGHTED, 1}};
enum { KINDS = sizeof kinds / sizeof *kinds };

static neck_truncation *truncation_of_kind(const neck_matrix *weights, const neck_gram *moments, int i)
{
    return truncation_of(weights, kinds[i].kind, kinds[i].centered,
                         kinds[i].kind == NECK_TRUNCATE_WEIGHTED ? moments : NULL);
}

/* The truncated head, multiplied out. */
static double *reduced_head(const neck_truncation *truncation, int64_t vocabulary, int64_t width, int64_t rank)
{
    double *a = malloc((size_t)(vocabulary * rank) * sizeof *a), *b = malloc((size_t)(rank * width) * sizeof *b);
    ck_assert_msg(neck_head_truncate(NULL, truncation, rank, a, b) == NECK_OK, "%s", neck_last_error());
    double *reduced = plain_product(vocabulary, width, rank, a, b, 0);
    free(a);
    free(b);
    return reduced;
}

static double norm(int64_t count, const double *x)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sqrt(sum);
}

/* sqrt(mean_i |D x_i|^2), summed over the states themselves. */
static double weighted_norm(const double *difference, int64_t vocabulary, const double *states, int64_t count,
                            int64_t width)
{
    double *moved = plain_product(count, vocabulary, width, states, difference, 1);
    double value = norm(count * vocabulary, moved) / sqrt((double)count);
    free(moved);
    return value;
}

static double *centered_copy(const double *weights, int64_t vocabulary, int64_t width)
{
    double *out = malloc((size_t)(vocabulary * width) * sizeof *out);
    for (int64_t j = 0; j < width; j++) {
        double mean = 0;
        for (int64_t v = 0; v < vocabulary; v++) mean += weights[v * width + j] / (double)vocabulary;
        for (int64_t v = 0; v < vocabulary; v++) out[v * width + j] = weights[v * width + j] - mean;
    }
    return out;
}

START_TEST(truncations_match_numpy)
{
    golden_head g = golden_head_load();
    neck_gram *moments = moments_of(&g.states_view);
    neck_truncation *truncation = truncation_of_kind(&g.weights_view, moments, _i);
    json_t *expected = json_object_get(json_object_get(g.all, "truncation"), kinds[_i].name);
    int64_t size;
    double *tails = golden_numbers(expected, "tails", &size), made[64];
    ck_assert_int_eq(size, g.width + 1);
    ck_assert_int_eq(neck_truncation_tails(truncation, made), NECK_OK);
    for (int64_t r = 0; r <= g.width; r++)
        ck_assert_msg(fabs(made[r] - tails[r]) <= 1e-12 * tails[0], "%s: tail %d is %.17g instead of %.17g",
                      kinds[_i].name, (int)r, made[r], tails[r]);
    double *numbers = golden_numbers(expected, "reduced", &size);
    double *reduced = reduced_head(truncation, g.vocabulary, g.width, (int64_t)golden_number(g.all, "rank"));
    ck_assert_int_eq(size, g.vocabulary * g.width);
    for (int64_t i = 0; i < size; i++) ck_assert_double_eq_tol(reduced[i], numbers[i], 1e-11);
    free(tails);
    free(numbers);
    free(reduced);
    neck_truncation_destroy(truncation);
    neck_gram_destroy(moments);
    golden_head_free(&g);
}
END_TEST

/* x - y into x. */
static double *minus(int64_t count, double *x, const double *y)
{
    for (int64_t i = 0; i < count; i++) x[i] -= y[i];
    return x;
}

/* What is left of target at a rank: |W_r - W|_F, or sqrt(mean_i |(W_r - W) x_i|^2). */
static double left_over(const neck_truncation *truncation, const neck_matrix *target, const neck_matrix *states,
                        int64_t rank, int32_t kind)
{
    int64_t size = target->rows * target->cols;
    double *difference = minus(size, reduced_head(truncation, target->rows, target->cols, rank), target->data);
    double value = kind == NECK_TRUNCATE_PLAIN
                       ? norm(size, difference)
                       : weighted_norm(difference, target->rows, states->data, states->rows, target->cols);
    free(difference);
    return value;
}

/* What a tail says is what the head of that rank leaves, measured entry by entry or state by state; it falls with the
 * rank, and nothing is left at full rank. The head is of more than one block, and of every dtype. */
START_TEST(tails_are_what_is_left)
{
    enum { V = 6100, D = 90, N = 100 };
    static const int64_t ranks[] = {1, 17, 89, 90};
    static const int32_t dtypes[] = {NECK_F64, NECK_F32, NECK_F16, NECK_BF16};
    double *weights = exact_matrix(V, D, 1), *states = random_matrix(N, D, 2), tails[D + 1];
    for (int64_t i = 0; i < V * D; i++) weights[i] = weights[i] / 2 + (double)(i % D % 8); /* columns have means */
    for (int64_t i = 0; i < N * D; i++) states[i] *= pow(0.9, (double)(i % D));
    void *stored = as_dtype(weights, V * D, dtypes[_i]);
    neck_matrix view = {stored, V, D, 0, dtypes[_i], 0}, states_view = view_of(states, N, D);
    ck_assert_int_eq(neck_matrix_to_f64(NULL, &view, weights), NECK_OK);
    neck_gram *moments = moments_of(&states_view);
    neck_truncation *truncation = truncation_of_kind(&view, moments, _i);
    double *centered = centered_copy(weights, V, D);
    neck_matrix target = view_of(kinds[_i].centered ? centered : weights, V, D);
    neck_truncation_tails(truncation, tails);
    for (int i = 0; i < 4; i++)
        ck_assert_double_eq_tol(left_over(truncation, &target, &states_view, ranks[i], kinds[_i].kind), tails[ranks[i]],
                                1e-10 * tails[0]);
    for (int r = 0; r < D; r++) ck_assert_double_ge(tails[r], tails[r + 1]);
    ck_assert_double_eq(tails[D], 0);
    neck_truncation_destroy(truncation);
    neck_gram_destroy(moments);
    free(weights);
    free(states);
    free(stored);
    free(centered);
}
END_TEST

/* Each kind is the best there is by its own measure, at every rank. */
START_TEST(each_kind_wins_its_own_game)
{
    golden_head g = golden_head_load();
    neck_gram *moments = moments_of(&g.states_view);
    neck_truncation *plain = truncation_of_kind(&g.weights_view, moments, 0);
    neck_truncation *weighted = truncation_of_kind(&g.weights_view, moments, 2);
    for (int64_t r = 1; r < g.width; r++) {
        double by_plain = left_over(plain, &g.weights_view, &g.states_view, r, NECK_TRUNCATE_WEIGHTED);
        double by_weighted = left_over(weighted, &g.weights_view, &g.states_view, r, NECK_TRUNCATE_WEIGHTED);
        ck_assert_double_lt(by_weighted, 0.999 * by_plain); /* the states are far from isotropic */
        by_plain = left_over(plain, &g.weights_view, &g.states_view, r, NECK_TRUNCATE_PLAIN);
        by_weighted = left_over(weighted, &g.weights_view, &g.states_view, r, NECK_TRUNCATE_PLAIN);
        ck_assert_double_lt(by_plain, 0.999 * by_weighted);
    }
    neck_truncation_destroy(plain);
    neck_truncation_destroy(weighted);
    neck_gram_destroy(moments);
    golden_head_free(&g);
}
END_TEST

/* States that span K of D directions: from rank K on the head is W for all of them, the tail is 0, and rank D is W. */
START_TEST(states_of_low_dimension)
{
    enum { V = 50, D = 12, K = 4, N = 30 };
    double *weights = random_matrix(V, D, 3), *within = random_matrix(N, K, 4), *across = random_matrix(K, D, 5),
        tails[D + 1];
    double *states = plain_product(N, D, K, within, across, 0);
    neck_matrix view = view_of(weights, V, D), states_view = view_of(states, N, D);
    neck_gram *moments = moments_of(&states_view);
    neck_truncation *truncation = truncation_of(&view, NECK_TRUNCATE_WEIGHTED, 0, moments);
    neck_truncation_tails(truncation, tails);
    ck_assert_double_gt(tails[K - 1], 0.01 * tails[0]);
    for (int r = K; r <= D; r++) {
        ck_assert_double_eq(tails[r], 0);
        ck_assert_double_le(left_over(truncation, &view, &states_view, r, NECK_TRUNCATE_WEIGHTED), 1e-12 * tails[0]);
    }
    ck_assert_double_le(left_over(truncation, &view, &states_view, D, NECK_TRUNCATE_PLAIN),
                        1e-12 * norm(V * D, weights));
    neck_truncation_destroy(truncation);
    neck_gram_destroy(moments);
    free(weights);
    free(within);
    free(across);
    free(states);
}
END_TEST

/* Known singular values, down to where squares lose them: an absolute error of about 1e-8 of the whole. */
START_TEST(tails_of_a_steep_head)
{
    enum { V = 200, D = 16 };
    double values[D], tails[D + 1];
    for (int i = 0; i < D; i++) values[i] = pow(10, -i);
    double *weights = constructed(V, D, values, 6);
    neck_matrix view = view_of(weights, V, D);
    neck_truncation *truncation = truncation_of(&view, NECK_TRUNCATE_PLAIN, 0, NULL);
    neck_truncation_tails(truncation, tails);
    for (int r = 0; r < D; r++) {
        double expected = norm(D - r, values + r);
        ck_assert_double_eq_tol(tails[r], expected, fmin(1e-14 / expected + 1e-15, 3e-8));
    }
    neck_truncation_destroy(truncation);
    free(weights);
}
END_TEST

/* Columns of A come by decreasing norm, the singular values; rows of B are orthonormal for PLAIN, signs fixed. */
START_TEST(factors_are_ordered)
{
    golden_head g = golden_head_load();
    neck_gram *moments = moments_of(&g.states_view);
    neck_truncation *truncation = truncation_of_kind(&g.weights_view, moments, _i);
    int64_t d = g.width;
    double *a = malloc((size_t)(g.vocabulary * d) * sizeof *a), b[64], tails[64];
    neck_truncation_tails(truncation, tails);
    ck_assert_int_eq(neck_head_truncate(NULL, truncation, d, a, b), NECK_OK);
    for (int64_t j = 0; j < d; j++) {
        double square = 0, top = 0;
        for (int64_t v = 0; v < g.vocabulary; v++) square += a[v * d + j] * a[v * d + j];
        ck_assert_double_eq_tol(square, tails[j] * tails[j] - tails[j + 1] * tails[j + 1], 1e-12 * tails[0] * tails[0]);
        for (int64_t k = 0; k < d; k++) top = fabs(b[j * d + k]) > fabs(top) ? b[j * d + k] : top;
        ck_assert_double_gt(top, 0);
    }
    for (int64_t i = 0; i < d && kinds[_i].kind == NECK_TRUNCATE_PLAIN; i++)
        for (int64_t j = 0; j < d; j++) {
            double dot = 0;
            for (int64_t k = 0; k < d; k++) dot += b[i * d + k] * b[j * d + k];
            ck_assert_double_eq_tol(dot, i == j, 1e-13);
        }
    free(a);
    neck_truncation_destroy(truncation);
    neck_gram_destroy(moments);
    golden_head_free(&g);
}
END_TEST

/* Rows wider than the pieces they are read in, by number and in order, with something subtracted. */
START_TEST(rows_are_read_whole)
{
    enum { ROWS = 9, COLS = 1300, COUNT = 4 };
    static const int64_t index[COUNT] = {8, 0, 3, 3};
    double *data = exact_matrix(ROWS, COLS, 8), *minus_row = exact_matrix(1, COLS, 9), wide[COUNT * COLS];
    float narrow[COUNT * COLS];
    neck_matrix view = {data, ROWS, COLS, COLS, NECK_F64, 0};
    neck__rows_read(NULL, &(neck__rows){&view, index, 0, COUNT, minus_row}, NECK_F64, wide);
    neck__rows_read(NULL, &(neck__rows){&view, NULL, 5, COUNT, NULL}, NECK_F32, narrow);
    for (int64_t i = 0; i < COUNT; i++)
        for (int64_t j = 0; j < COLS; j++) {
            ck_assert_double_eq(wide[i * COLS + j], data[index[i] * COLS + j] - minus_row[j]);
            ck_assert_double_eq((double)narrow[i * COLS + j], data[(5 + i) * COLS + j]);
        }
    free(data);
    free(minus_row);
}
END_TEST

/* Fewer tokens than directions, one token, one direction, all zeros. */
START_TEST(small_and_empty_heads)
{
    static const int64_t shapes[][2] = {{3, 8}, {1, 5}, {9, 1}, {1, 1}, {6, 6}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int zero = 0; zero < 2; zero++) {
            int64_t v = shapes[i][0], d = shapes[i][1];
            double *weights = zero ? calloc((size_t)(v * d), sizeof *weights) : random_matrix(v, d, i);
            neck_matrix view = view_of(weights, v, d);
            neck_gram *moments = moments_of(&view);
            for (int k = 0; k < KINDS; k += 2) {
                neck_truncation *truncation = truncation_of_kind(&view, moments, k);
                ck_assert_double_le(left_over(truncation, &view, &view, d, NECK_TRUNCATE_PLAIN), 1e-14);
                neck_truncation_destroy(truncation);
            }
            neck_gram_destroy(moments);
            free(weights);
        }
}
END_TEST

static void assert_refused(neck_status expected, const neck_matrix *weights, const neck_truncate_options *options,
                           const char *why)
{
    neck_truncation *truncation = NULL;
    ck_assert_int_eq(neck_truncation_create(NULL, weights, options, &truncation), expected);
    ck_assert_msg(strstr(neck_last_error(), why) != NULL, "%s", neck_last_error());
    ck_assert_ptr_null(truncation);
}

START_TEST(refusals)
{
    enum { V = 5, D = 3 };
    double *weights = random_matrix(V, D, 7), bad[V * D], out[V * D], shift[D] = {1, 0, 0};
    memcpy(bad, weights, sizeof bad);
    bad[7] = INFINITY;
    neck_matrix view = view_of(weights, V, D), bad_view = view_of(bad, V, D);
    neck_gram *moments = moments_of(&view), *empty, *narrow, *shifted, *flat;
    neck_gram_options with_shift = {sizeof with_shift, .shift = shift},
        without_matrix = {sizeof without_matrix, .moments_only = 1};
    neck_gram_create(NULL, D, NULL, &empty);
    neck_gram_create(NULL, D - 1, NULL, &narrow);
    neck_gram_create(NULL, D, &with_shift, &shifted);
    neck_gram_create(NULL, D, &without_matrix, &flat);
    neck_gram_push(NULL, narrow, &(neck_matrix){weights, V, D - 1, D, NECK_F64, 0});
    neck_truncate_options options = {.struct_size = sizeof options, .kind = 2};
    assert_refused(NECK_E_ARGUMENT, &view, &options, "kind is 2");
    options.kind = NECK_TRUNCATE_WEIGHTED;
    assert_refused(NECK_E_ARGUMENT, &view, &options, "needs the moments");
    options.moments = empty;
    assert_refused(NECK_E_STATE, &view, &options, "no states");
    options.moments = narrow;
    assert_refused(NECK_E_STATE, &view, &options, "states of 2 numbers");
    options.moments = shifted;
    assert_refused(NECK_E_ARGUMENT, &view, &options, "without a shift");
    options.moments = flat;
    assert_refused(NECK_E_ARGUMENT, &view, &options, "not moments_only");
    options.moments = moments;
    options.kind = NECK_TRUNCATE_PLAIN;
    assert_refused(NECK_E_ARGUMENT, &view, &options, "takes no moments");
    assert_refused(NECK_E_NONFINITE, &bad_view, NULL, "(2, 1)");
    assert_refused(NECK_E_ARGUMENT, NULL, NULL, "");
    ck_assert_int_eq(neck_truncation_create(NULL, &view, NULL, NULL), NECK_E_ARGUMENT);
    neck_truncation *truncation = truncation_of(&view, NECK_TRUNCATE_PLAIN, 0, NULL);
    ck_assert_int_eq(neck_head_truncate(NULL, truncation, 0, out, out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_head_truncate(NULL, truncation, D + 1, out, out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_head_truncate(NULL, truncation, 1, NULL, out), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_truncation_tails(truncation, NULL), NECK_E_ARGUMENT);
    neck_truncation_destroy(truncation);
    neck_truncation_destroy(NULL);
    neck_gram *grams[] = {moments, empty, narrow, shifted, flat};
    for (int i = 0; i < 5; i++) neck_gram_destroy(grams[i]);
    free(weights);
}
END_TEST

static void add(TCase *tests)
{
    tcase_add_loop_test(tests, truncations_match_numpy, 0, KINDS);
    tcase_add_loop_test(tests, tails_are_what_is_left, 0, KINDS);
    tcase_add_test(tests, each_kind_wins_its_own_game);
    tcase_add_test(tests, states_of_low_dimension);
    tcase_add_test(tests, tails_of_a_steep_head);
    tcase_add_loop_test(tests, factors_are_ordered, 0, KINDS);
    tcase_add_test(tests, rows_are_read_whole);
    tcase_add_test(tests, small_and_empty_heads);
    tcase_add_test(tests, refusals);
}

int main(void) { return run_suite("truncation", add, 60); }
