/* tests/test_hidden_size.c - the width of models from their logits: constructed ones with every kind of last norm, and
 * one of this library's models. */
#include <check.h>
#include <stdio.h>

#include "constructed.h"
#include "softneck/hidden_size.h"

enum { NORM_RMS = 0, NORM_LAYER_BIAS, NORM_LAYER_PLAIN };

/* Logits of n random states behind a last norm, vocabulary V, width d; optionally with a bias of the head, as
 * log-probabilities, and rounded to float. */
typedef struct made_model {
    int64_t n, vocabulary, d;
    int norm, head_bias, log_probabilities, as_float;
} made_model;

static double *logits_of(const made_model *model)
{
    int64_t n = model->n, vocabulary = model->vocabulary, d = model->d;
    uint64_t state = 9;
    double *w = random_matrix(vocabulary, d, 1), *z = calloc((size_t)(n * vocabulary), 8), *x = malloc((size_t)d * 8);
    double *offset = random_matrix(1, d, 2), *bias = random_matrix(1, vocabulary, 3);
    for (int64_t v = 0; v < vocabulary; v++) w[v * d] = 3 * w[v * d] + 2; /* a direction all rows share */
    for (int64_t i = 0; i < n; i++) {
        double mean = 0, square = 0;
        for (int64_t k = 0; k < d; k++) {
            x[k] = next_number(&state);
            mean += x[k] / (double)d;
        }
        for (int64_t k = 0; k < d; k++) {
            x[k] -= model->norm == NORM_RMS ? 0 : mean;
            square += x[k] * x[k];
        }
        for (int64_t k = 0; k < d; k++)
            x[k] = x[k] / sqrt(square / (double)d) + (model->norm == NORM_LAYER_BIAS ? offset[k] : 0);
        double sum = 0, *row = z + i * vocabulary;
        for (int64_t v = 0; v < vocabulary; v++) {
            row[v] = model->head_bias ? 5 * bias[v] : 0;
            for (int64_t k = 0; k < d; k++) row[v] += w[v * d + k] * x[k];
            sum += exp(row[v]);
        }
        for (int64_t v = 0; v < vocabulary; v++) {
            if (model->log_probabilities) row[v] -= log(sum);
            if (model->as_float) row[v] = (float)row[v];
        }
    }
    free(w);
    free(x);
    free(offset);
    free(bias);
    return z;
}

static neck_hidden_size size_of(const double *z, int64_t n, int64_t vocabulary, double *values)
{
    neck_matrix logits = {z, n, vocabulary, 0, NECK_F64, 0};
    neck_hidden_size size = {.struct_size = sizeof size};
    ck_assert_msg(neck_hidden_size_measure(NULL, &logits, values, &size) == NECK_OK, "%s", neck_last_error());
    return size;
}

START_TEST(constructed_models_have_their_width)
{
    static const struct {
        made_model model;
        int64_t rank, centered, width, alternative;
    } cases[] = {
        {{80, 300, 24, NORM_RMS, 0, 0, 0}, 24, 24, 24, 25},
        {{80, 300, 24, NORM_RMS, 0, 1, 1}, 24, 24, 24, 25},
        {{80, 300, 24, NORM_RMS, 1, 0, 1}, 25, 24, 25, 24},
        {{80, 300, 24, NORM_LAYER_BIAS, 0, 0, 1}, 24, 23, 24, 23},
        {{80, 300, 24, NORM_LAYER_BIAS, 0, 1, 0}, 24, 23, 24, 23},
        {{80, 300, 24, NORM_LAYER_PLAIN, 0, 1, 1}, 23, 23, 23, 24},
        {{300, 60, 16, NORM_RMS, 0, 0, 1}, 16, 16, 16, 17}, /* more vectors than tokens */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const made_model *model = &cases[i].model;
        double *z = logits_of(model), values[300];
        neck_hidden_size size = size_of(z, model->n, model->vocabulary, values);
        ck_assert_msg(size.determined && size.rank == cases[i].rank && size.centered_rank == cases[i].centered &&
                          size.hidden_size == cases[i].width && size.alternative == cases[i].alternative,
                      "case %d: rank %d (gap %g, %g at %d), centered %d (gap %g, %g at %d), determined %d", (int)i,
                      (int)size.rank, size.gap, size.runner_up_gap, (int)size.runner_up, (int)size.centered_rank,
                      size.centered_gap, size.centered_runner_up_gap, (int)size.centered_runner_up, size.determined);
        ck_assert(size.vectors == model->n && size.vocabulary == model->vocabulary && size.gap > 4);
        for (int64_t k = 1; k < model->n; k++) ck_assert(values[k] <= values[k - 1] && values[k] >= 0);
        free(z);
    }
}
END_TEST

START_TEST(too_few_vectors_determine_nothing)
{
    static const int64_t counts[] = {8, 16, 23, 24, 25};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        made_model model = {counts[i], 300, 24, NORM_RMS, 0, 0, 1};
        double *z = logits_of(&model);
        ck_assert_msg(!size_of(z, model.n, model.vocabulary, NULL).determined, "%d vectors", (int)counts[i]);
        free(z);
    }
    double *noise = random_matrix(50, 200, 4), *equal = calloc(50 * 200, 8);
    ck_assert(!size_of(noise, 50, 200, NULL).determined);
    ck_assert(!size_of(equal, 50, 200, NULL).determined);
    free(noise);
    free(equal);
}
END_TEST

START_TEST(a_model_tells_its_width)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    neck_model *model;
    snprintf(path, sizeof path, "%s/examples/data/stories260K/stories260K.bin", root ? root : ".");
    ck_assert_msg(neck_model_open(NULL, path, NULL, &model) == NECK_OK, "%s", neck_last_error());
    enum { N = 200, V = 512 };
    int32_t tokens[N];
    uint64_t state = 3;
    for (int i = 0; i < N; i++) tokens[i] = i ? (int32_t)(next_bits(&state) % V) : 1;
    float *z = malloc(sizeof(float[N * V]));
    ck_assert_msg(neck_model_logits(NULL, model, tokens, 1, N, NULL, z) == NECK_OK, "%s", neck_last_error());
    neck_matrix logits = {z, N, V, 0, NECK_F32, 0};
    neck_hidden_size size = {.struct_size = sizeof size};
    ck_assert(neck_hidden_size_measure(NULL, &logits, NULL, &size) == NECK_OK);
    ck_assert_msg(size.determined && size.hidden_size == 64, "%d, gap %g, runner-up %g", (int)size.hidden_size,
                  size.gap, size.runner_up_gap);
    logits.rows = 60; /* fewer than it is wide */
    ck_assert(neck_hidden_size_measure(NULL, &logits, NULL, &size) == NECK_OK);
    ck_assert_msg(!size.determined, "%d, gap %g, runner-up %g", (int)size.hidden_size, size.gap, size.runner_up_gap);
    free(z);
    neck_model_destroy(model);
}
END_TEST

START_TEST(what_makes_no_sense_is_refused)
{
    double z[64] = {0};
    neck_matrix logits = {z, 8, 8, 0, NECK_F64, 0}, few = {z, 3, 8, 0, NECK_F64, 0};
    neck_hidden_size size = {.struct_size = sizeof size, .rank = 5}, no_size = {0};
    ck_assert_int_eq(neck_hidden_size_measure(NULL, &few, NULL, &size), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_hidden_size_measure(NULL, NULL, NULL, &size), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_hidden_size_measure(NULL, &logits, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_hidden_size_measure(NULL, &logits, NULL, &no_size), NECK_E_ARGUMENT);
    z[9] = INFINITY;
    ck_assert_int_eq(neck_hidden_size_measure(NULL, &logits, NULL, &size), NECK_E_NONFINITE);
    ck_assert_int_eq(size.rank, 5);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("hidden_size");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, constructed_models_have_their_width);
    tcase_add_test(tests, too_few_vectors_determine_nothing);
    tcase_add_test(tests, a_model_tells_its_width);
    tcase_add_test(tests, what_makes_no_sense_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
