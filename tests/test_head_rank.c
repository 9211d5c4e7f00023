/* tests/test_head_rank.c - the rank of log-probabilities against rank_limit, and heads cut to a rank. */
#include "head_support.h"

enum { N = 40, V = 30, D = 5 };

/* Of an n x V matrix of log-probabilities: singular values above the rounding of their sums. */
static int64_t numerical_rank(const double *values)
{
    neck_matrix matrix = {values, N, V, 0, NECK_F64, 0};
    neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_QR};
    neck_spectrum *spectrum = NULL;
    ASSERT_OK(neck_spectrum_compute(NULL, &matrix, &options, &spectrum));
    const double *s = neck_spectrum_values(spectrum);
    int64_t rank = 0, count = neck_spectrum_count(spectrum);
    while (rank < count && s[rank] > 1e-12 * s[0]) rank++;
    ck_assert(rank == count || s[rank] < 1e-14 * s[0]); /* a gap, so that the count means something */
    neck_spectrum_destroy(spectrum);
    return rank;
}

static int64_t rank_of(neck_head *head)
{
    double data[N * D];
    static double out[N * V];
    neck_matrix states = made_states(data, NECK_F64, N, D, 21);
    ASSERT_OK(neck_head_log_probabilities(NULL, head, &states, out));
    for (int i = 0; i < N; i++) {
        double sum = 0;
        for (int v = 0; v < V; v++) sum += exp(out[i * V + v]);
        ck_assert_double_eq_tol(sum, 1, 1e-13);
    }
    return numerical_rank(out);
}

/* Linear heads reach d + 1 (r + 1), one more with a bias, and no more. */
START_TEST(linear_heads_reach_their_limit_and_stop)
{
    static const int32_t kinds[] = {NECK_HEAD_DENSE, NECK_HEAD_TIED, NECK_HEAD_FACTORED};
    int32_t kind = kinds[_i / 2];
    neck_head_options o = head_options(kind, NECK_F64, V, D);
    o.bias = _i % 2;
    neck_head *head = made_head(&o, 2, 9);
    int64_t width = kind == NECK_HEAD_FACTORED ? 3 : D;
    ck_assert_int_eq(neck_head_rank_limit(head), width + 1 + o.bias);
    ck_assert_int_eq(rank_of(head), width + 1 + o.bias);
    neck_head_destroy(head);
}
END_TEST

static int64_t rank_of_options(const neck_head_options *options, int64_t limit)
{
    neck_head *head = made_head(options, 2, 9);
    ck_assert_int_eq(neck_head_rank_limit(head), limit);
    int64_t rank = rank_of(head);
    neck_head_destroy(head);
    return rank;
}

START_TEST(others_exceed_it)
{
    static const int32_t kinds[] = {NECK_HEAD_MOS, NECK_HEAD_SIGSOFTMAX, NECK_HEAD_PLIF};
    neck_head_options o = head_options(kinds[_i], NECK_F64, V, D);
    ck_assert_int_eq(rank_of_options(&o, V), V);
}
END_TEST

START_TEST(a_soft_cap_exceeds_it_and_one_component_does_not)
{
    neck_head_options capped = head_options(NECK_HEAD_DENSE, NECK_F64, V, D),
        one = head_options(NECK_HEAD_MOS, NECK_F64, V, D);
    capped.soft_cap = 2;
    one.components = 1;
    one.rank = 3;
    ck_assert_int_eq(rank_of_options(&capped, V), V);
    ck_assert_int_eq(rank_of_options(&one, 4), 4);
    neck_head_options narrow = head_options(NECK_HEAD_DENSE, NECK_F64, 4, D);
    neck_head *head = made_head(&narrow, 2, 9);
    ck_assert_int_eq(neck_head_rank_limit(head), 4);
    neck_head_destroy(head);
}
END_TEST

/* ---- a factored head from weights ---- */

static void multiply(const neck_head *head, double *out)
{
    const neck_parameter *p = neck_head_parameters(head, NULL);
    for (int64_t i = 0; i < p[0].rows; i++)
        for (int64_t j = 0; j < p[1].cols; j++) {
            out[i * p[1].cols + j] = 0;
            for (int64_t k = 0; k < p[0].cols; k++)
                out[i * p[1].cols + j] += number_at(p[0].data, p[0].dtype, i * p[0].cols + k) *
                                          number_at(p[1].data, p[1].dtype, k * p[1].cols + j);
        }
}

/* The error of the best approximation is the tail of the singular values, and A and B share the values between them. */
START_TEST(a_cut_head_is_the_best_of_its_rank)
{
    static const double values[D] = {9, 7, 2, 0.5, 0.1};
    double *w = constructed(V, D, values, 4), product[V * D];
    neck_matrix weights = {w, V, D, 0, NECK_F64, 0};
    for (int64_t rank = 1; rank <= D; rank++) {
        neck_head_options o = {sizeof o, .kind = NECK_HEAD_FACTORED, .dtype = NECK_F64, .vocabulary = V,
                               .hidden_size = D, .rank = rank, .weights = &weights};
        neck_head *head = made_head(&o, 0, 0);
        double error = 0, tail = 0;
        multiply(head, product);
        for (int i = 0; i < V * D; i++) error += (product[i] - w[i]) * (product[i] - w[i]);
        for (int64_t k = rank; k < D; k++) tail += values[k] * values[k];
        ck_assert_double_eq_tol(sqrt(error), sqrt(tail), 1e-12);
        const neck_parameter *p = neck_head_parameters(head, NULL);
        for (int64_t k = 0; k < rank; k++) {
            double a = 0, b = 0;
            for (int i = 0; i < V; i++) a += pow(((double *)p[0].data)[i * rank + k], 2);
            for (int j = 0; j < D; j++) b += pow(((double *)p[1].data)[k * D + j], 2);
            ck_assert_double_eq_tol(a, values[rank - 1 - k], 1e-10);
            ck_assert_double_eq_tol(b, values[rank - 1 - k], 1e-10);
        }
        neck_head_destroy(head);
    }
    free(w);
}
END_TEST

/* Of rank d, from weights with a direction that is zero, in both precisions. */
START_TEST(a_cut_head_of_full_rank_has_the_dense_loss)
{
    int32_t dtype = _i ? NECK_F64 : NECK_F32, targets[N];
    static const double values[D] = {9, 7, 2, 0.5, 0};
    double *w = constructed(V, D, values, 4), data[N * D];
    neck_matrix weights = {w, V, D, 0, NECK_F64, 0}, states = made_states(data, dtype, N, D, 5);
    for (int i = 0; i < N; i++) targets[i] = i % V;
    neck_head_options o = {sizeof o, .kind = NECK_HEAD_FACTORED, .dtype = dtype, .vocabulary = V, .hidden_size = D,
                           .rank = D, .weights = &weights};
    neck_head *cut = made_head(&o, 0, 0);
    o.kind = NECK_HEAD_DENSE;
    o.rank = 0;
    neck_head *dense = made_head(&o, 0, 0);
    neck_cross_entropy_result of_cut = {.struct_size = sizeof of_cut}, of_dense = of_cut;
    ASSERT_OK(neck_head_loss(NULL, cut, &states, targets, NULL, &of_cut));
    ASSERT_OK(neck_head_loss(NULL, dense, &states, targets, NULL, &of_dense));
    ck_assert_double_eq_tol(of_cut.loss, of_dense.loss, dtype == NECK_F64 ? 1e-13 : 1e-6);
    const neck_parameter *b = neck_head_parameters(cut, NULL) + 1;
    for (int k = 0; k < D; k++) { /* no dead direction: training can use them all */
        double norm = 0;
        for (int j = 0; j < D; j++) norm += pow(number_at(b->data, dtype, k * D + j), 2);
        ck_assert(norm > 0.09);
    }
    neck_head_destroy(cut);
    neck_head_destroy(dense);
    free(w);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_rank");
    tcase_add_loop_test(tests, linear_heads_reach_their_limit_and_stop, 0, 6);
    tcase_add_loop_test(tests, others_exceed_it, 0, 3);
    tcase_add_test(tests, a_soft_cap_exceeds_it_and_one_component_does_not);
    tcase_add_test(tests, a_cut_head_is_the_best_of_its_rank);
    tcase_add_loop_test(tests, a_cut_head_of_full_rank_has_the_dense_loss, 0, 2);
    return run_suite("head_rank", tests);
}
