/* tests/test_cross_entropy.c - the fused head and loss: PyTorch's numbers, finite differences, every cut of the work,
 * the filter's bound, refusals. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"

/* ---- a problem --------------------------------------------------------------------------------------------------- */

typedef struct problem {
    int64_t rows, vocabulary, width;
    double *states, *weights, *bias;
    int32_t *targets;
    neck_matrix states_view, weights_view, bias_view;
    neck_cross_entropy_options options;
    void *d_states, *d_weights, *d_bias;
    neck_cross_entropy_gradients gradients;
} problem;

static double *drawn(int64_t count, double scale, uint64_t *state)
{
    double *x = malloc((size_t)count * sizeof *x);
    for (int64_t i = 0; i < count; i++) x[i] = scale * next_number(state);
    return x;
}

static void point_at(problem *p, int32_t dtype, void *states, void *weights, void *bias)
{
    p->states_view = (neck_matrix){states, p->rows, p->width, 0, dtype, 0};
    p->weights_view = (neck_matrix){weights, p->vocabulary, p->width, 0, dtype, 0};
    p->bias_view = (neck_matrix){bias, 1, p->vocabulary, 0, dtype, 0};
}

static problem *made(int64_t rows, int64_t vocabulary, int64_t width, double states_scale, double weights_scale,
                     uint64_t seed)
{
    problem *p = calloc(1, sizeof *p);
    *p = (problem){.rows = rows, .vocabulary = vocabulary, .width = width};
    p->states = drawn(rows * width, states_scale, &seed);
    p->weights = drawn(vocabulary * width, weights_scale, &seed);
    p->bias = drawn(vocabulary, 1, &seed);
    p->targets = malloc((size_t)rows * sizeof *p->targets);
    for (int64_t i = 0; i < rows; i++) p->targets[i] = (int32_t)((next_number(&seed) + 1) / 2 * (double)vocabulary);
    p->d_states = calloc((size_t)(rows * width), 8);
    p->d_weights = calloc((size_t)(vocabulary * width), 8);
    p->d_bias = calloc((size_t)vocabulary, 8);
    point_at(p, NECK_F64, p->states, p->weights, p->bias);
    p->options.struct_size = sizeof p->options;
    p->gradients = (neck_cross_entropy_gradients){sizeof p->gradients, p->d_states, p->d_weights, p->d_bias};
    return p;
}

static void unmade(problem *p)
{
    free(p->states), free(p->weights), free(p->bias), free(p->targets), free(p->d_states), free(p->d_weights),
        free(p->d_bias);
    free(p);
}

static neck_cross_entropy_result run(neck_context *context, problem *p)
{
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ck_assert_msg(neck_cross_entropy(context, &p->states_view, &p->weights_view, p->targets, &p->options, &p->gradients,
                                     &result) ==
                      NECK_OK, "%s", neck_last_error());
    return result;
}

static double element(const void *data, int64_t i, int32_t dtype)
{
    return dtype == NECK_F64 ? ((const double *)data)[i] : (double)((const float *)data)[i];
}

/* ---- goldens ----------------------------------------------------------------------------------------------------- */

static json_t *cases;

static void load_cases(void)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/cross_entropy.json", root ? root : ".");
    cases = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(cases);
}
static void drop_cases(void) { json_decref(cases); }

static double field(const json_t *entry, const char *key)
{
    return json_number_value(json_object_get(entry, key)); /* 0 when it is not there: the option's default */
}

static problem *golden_problem(const json_t *entry)
{
    double states_scale = field(entry, "states_scale"), weights_scale = field(entry, "weights_scale");
    problem *p = made((int64_t)field(entry, "rows"), (int64_t)field(entry, "vocabulary"),
                      (int64_t)field(entry, "width"), states_scale > 0 ? states_scale : 1,
                      weights_scale > 0 ? weights_scale : 1, (uint64_t)field(entry, "seed"));
    for (int64_t i = 0; i < p->rows; i++)
        p->targets[i] = (int32_t)json_integer_value(json_array_get(json_object_get(entry, "targets"), (size_t)i));
    p->options.logit_scale = field(entry, "logit_scale");
    p->options.soft_cap = field(entry, "soft_cap");
    p->options.label_smoothing = field(entry, "label_smoothing");
    p->options.z_loss = field(entry, "z_loss");
    p->options.reduction = json_object_get(entry, "reduction") ? NECK_REDUCTION_SUM : NECK_REDUCTION_MEAN;
    p->options.accuracy = 1;
    return p;
}

static void compare(const json_t *expected, const void *found, int64_t count, int32_t dtype, double tolerance,
                    int digest)
{
    double largest = 1e-300;
    size_t shown = json_array_size(expected);
    ck_assert_uint_eq(shown, digest ? 16 : (size_t)count);
    for (size_t i = 0; i < shown; i++) largest = fmax(largest, fabs(json_number_value(json_array_get(expected, i))));
    for (size_t i = 0; i < shown; i++) {
        double value = 0;
        uint64_t seed = 1000 + i;
        for (int64_t j = 0; digest && j < count; j++) value += element(found, j, dtype) * next_number(&seed);
        if (!digest) value = element(found, (int64_t)i, dtype);
        double truth = json_number_value(json_array_get(expected, i));
        ck_assert_double_le(fabs(value - truth), tolerance * largest + 1e-37); /* exp stops there in f32 */
    }
}

static void check_golden(const json_t *entry, int32_t dtype, double tolerance)
{
    problem *p = golden_problem(entry);
    void *states = as_dtype(p->states, p->rows * p->width, dtype),
        *weights = as_dtype(p->weights, p->vocabulary * p->width, dtype);
    void *bias = as_dtype(p->bias, p->vocabulary, dtype);
    double *loss = malloc((size_t)p->rows * 8), *lse = malloc((size_t)p->rows * 8), *norm = malloc((size_t)p->rows * 8),
        sum = 0;
    int32_t *best = malloc((size_t)p->rows * 4);
    int digest = json_is_true(json_object_get(entry, "digest")), large = field(entry, "states_scale") > 0;
    point_at(p, dtype, states, weights, bias);
    if (json_object_get(entry, "bias")) p->options.bias = &p->bias_view;
    p->options.token_loss = loss, p->options.log_normalizer = lse, p->options.gradient_norm = norm,
        p->options.best = best;
    neck_cross_entropy_result r = run(NULL, p);
    if (large && dtype == NECK_F32) tolerance *= 1e3; /* logits of 1e4 are good to 1e-3 in f32 */
    ck_assert_double_le(fabs(r.loss - field(entry, "loss")), tolerance * fmax(1, field(entry, "loss")));
    ck_assert_int_eq(r.tokens, (int64_t)field(entry, "tokens"));
    ck_assert_int_eq(r.correct, (int64_t)field(entry, "correct"));
    for (int64_t i = 0; i < p->rows; i++) {
        sum += loss[i];
        ck_assert_int_eq(best[i], json_integer_value(json_array_get(json_object_get(entry, "best"), (size_t)i)));
    }
    double whole = p->options.reduction == NECK_REDUCTION_SUM ? r.loss : r.loss * (double)r.tokens;
    ck_assert_double_le(fabs(sum - whole), 1e-9 * fmax(1, fabs(sum)));
    compare(json_object_get(entry, "log_normalizer"), lse, p->rows, NECK_F64, tolerance, 0);
    compare(json_object_get(entry, "gradient_norm"), norm, p->rows, NECK_F64, 10 * tolerance, 0);
    compare(json_object_get(entry, "d_states"), p->d_states, p->rows * p->width, dtype, 5 * tolerance, digest);
    compare(json_object_get(entry, "d_weights"), p->d_weights, p->vocabulary * p->width, dtype, 5 * tolerance, digest);
    if (p->options.bias)
        compare(json_object_get(entry, "d_bias"), p->d_bias, p->vocabulary, dtype, 5 * tolerance, digest);
    free(states), free(weights), free(bias), free(loss), free(lse), free(norm), free(best);
    unmade(p);
}

START_TEST(torch_agrees)
{
    size_t index;
    json_t *entry;
    json_array_foreach(cases, index, entry) {
        check_golden(entry, NECK_F64, 1e-12);
        check_golden(entry, NECK_F32, 2e-6);
    }
}
END_TEST

/* ---- finite differences ------------------------------------------------------------------------------------------ */

static double loss_of(problem *p)
{
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ck_assert_int_eq(neck_cross_entropy(NULL, &p->states_view, &p->weights_view, p->targets, &p->options, NULL,
                                        &result), NECK_OK);
    return result.loss;
}

static void check_differences(problem *p, double *x, const double *gradient, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const double step = 1e-5, kept = x[i];
        x[i] = kept + step;
        double above = loss_of(p);
        x[i] = kept - step;
        double below = loss_of(p);
        x[i] = kept;
        ck_assert_double_le(fabs((above - below) / (2 * step) - gradient[i]), 2e-9);
    }
}

START_TEST(finite_differences_agree)
{
    problem *p = made(6, 23, 4, 1, 1, (uint64_t)_i);
    p->options.bias = &p->bias_view;
    p->options.logit_scale = 1.25;
    p->options.soft_cap = _i & 1 ? 3 : 0;
    p->options.label_smoothing = _i & 2 ? 0.2 : 0;
    p->options.z_loss = _i & 4 ? 0.05 : 0;
    p->options.use_ignore_index = 1;
    p->options.ignore_index = p->targets[2];
    run(NULL, p);
    check_differences(p, p->states, p->d_states, p->rows * p->width);
    check_differences(p, p->weights, p->d_weights, p->vocabulary * p->width);
    check_differences(p, p->bias, p->d_bias, p->vocabulary);
    unmade(p);
}
END_TEST

/* ---- how the work is cut ----------------------------------------------------------------------------------------- */

static problem *made_f32(int64_t rows, int64_t vocabulary, int64_t width, double scale, uint64_t seed)
{
    problem *p = made(rows, vocabulary, width, 1, scale, seed);
    void *states = as_dtype(p->states, rows * width, NECK_F32),
        *weights = as_dtype(p->weights, vocabulary * width, NECK_F32);
    free(p->states), free(p->weights);
    p->states = states, p->weights = weights;
    point_at(p, NECK_F32, states, weights, NULL);
    return p;
}

START_TEST(memory_cap_changes_rounding_alone)
{
    problem *p = made_f32(333, 4001, 37, 1, 5);
    neck_cross_entropy_result whole = run(NULL, p);
    float *d_states = malloc((size_t)(333 * 37) * 4), *d_weights = malloc((size_t)(4001 * 37) * 4);
    memcpy(d_states, p->d_states, (size_t)(333 * 37) * 4);
    memcpy(d_weights, p->d_weights, (size_t)(4001 * 37) * 4);
    p->options.memory_cap = 1;
    neck_cross_entropy_result part = run(NULL, p);
    ck_assert_int_lt(part.memory, whole.memory / 3);
    ck_assert_double_le(fabs(part.loss - whole.loss), 1e-12 * whole.loss);
    for (int64_t i = 0; i < 333 * 37; i++) /* rows never meet */
        ck_assert_float_eq(((float *)p->d_states)[i], d_states[i]);
    for (int64_t i = 0; i < 4001 * 37; i++) ck_assert_float_le(fabsf(((float *)p->d_weights)[i] - d_weights[i]), 2e-8f);
    free(d_states), free(d_weights);
    unmade(p);
}
END_TEST

START_TEST(threads_do_not_show)
{
    problem *p = made_f32(130, 6007, 50, 1, 6);
    float *first = NULL;
    double loss = 0;
    for (int32_t threads = 1; threads <= 5; threads += 2) {
        neck_context *context;
        neck_context_options options = {.struct_size = sizeof options, .threads = threads};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        neck_cross_entropy_result r = run(context, p);
        size_t bytes = (size_t)(6007 * 50) * 4;
        if (!first) {
            first = malloc(bytes + 130 * 50 * 4);
            memcpy(first, p->d_weights, bytes);
            memcpy(first + 6007 * 50, p->d_states, 130 * 50 * 4);
            loss = r.loss;
        }
        ck_assert_double_eq(r.loss, loss);
        ck_assert_mem_eq(first, p->d_weights, bytes);
        ck_assert_mem_eq(first + 6007 * 50, p->d_states, 130 * 50 * 4);
        neck_context_destroy(context);
    }
    free(first);
    unmade(p);
}
END_TEST

START_TEST(gradients_accumulate)
{
    problem *p = made_f32(60, 700, 11, 1, 7);
    run(NULL, p);
    float *once = malloc((size_t)(700 * 11) * 4);
    memcpy(once, p->d_weights, (size_t)(700 * 11) * 4);
    p->options.accumulate = 1;
    run(NULL, p);
    for (int64_t i = 0; i < 700 * 11; i++) ck_assert_float_le(fabsf(((float *)p->d_weights)[i] - 2 * once[i]), 1e-7f);
    free(once);
    unmade(p);
}
END_TEST

START_TEST(half_precision_inputs_are_widened_exactly)
{
    int64_t rows = 50, vocabulary = 600, width = 70;
    problem *p = made_f32(rows, vocabulary, width, 1, 8);
    double *states = exact_matrix(rows, width, 81), *weights = exact_matrix(vocabulary, width, 82);
    float *wide_states = as_dtype(states, rows * width, NECK_F32),
        *wide_weights = as_dtype(weights, vocabulary * width, NECK_F32);
    float *d_weights = malloc((size_t)(vocabulary * width) * 4);
    p->options.logit_scale = 0.125;
    point_at(p, NECK_F32, wide_states, wide_weights, NULL);
    double loss = run(NULL, p).loss;
    memcpy(d_weights, p->d_weights, (size_t)(vocabulary * width) * 4);
    for (int32_t dtype = NECK_F16; dtype <= NECK_BF16; dtype++) {
        void *narrow_states = as_dtype(states, rows * width, dtype),
            *narrow_weights = as_dtype(weights, vocabulary * width, dtype);
        point_at(p, dtype, narrow_states, narrow_weights, NULL);
        ck_assert_double_eq(run(NULL, p).loss, loss);
        ck_assert_mem_eq(p->d_weights, d_weights, (size_t)(vocabulary * width) * 4);
        free(narrow_states), free(narrow_weights);
    }
    free(wide_states), free(wide_weights), free(d_weights);
    free(states), free(weights);
    unmade(p);
}
END_TEST

START_TEST(strides_are_honoured)
{
    int64_t rows = 20, vocabulary = 300, width = 13;
    problem *p = made_f32(rows, vocabulary, width, 1, 9);
    float *wide = malloc((size_t)(vocabulary * (width + 3)) * 4);
    for (int64_t i = 0; i < vocabulary * (width + 3); i++) wide[i] = NAN;
    for (int64_t i = 0; i < vocabulary; i++)
        memcpy(wide + i * (width + 3), (float *)p->weights + i * width, (size_t)width * 4);
    double packed = run(NULL, p).loss;
    p->weights_view.data = wide;
    p->weights_view.row_stride = width + 3;
    ck_assert_double_eq(run(NULL, p).loss, packed);
    free(wide);
    unmade(p);
}
END_TEST

START_TEST(ties_go_to_the_lowest_token)
{
    problem *p = made_f32(40, 5000, 3, 0, 10); /* every logit is 0 */
    int32_t best[40];
    p->options.best = best;
    p->options.accuracy = 1;
    for (int i = 0; i < 40; i++) p->targets[i] = i == 7 ? 0 : i + 1;
    neck_cross_entropy_result r = run(NULL, p);
    for (int i = 0; i < 40; i++) ck_assert_int_eq(best[i], 0);
    ck_assert_int_eq(r.correct, 1);
    ck_assert_double_le(fabs(r.loss - log(5000)), 1e-12);
    unmade(p);
}
END_TEST

/* Three tokens, the target ahead by a margin: what is left of the gradient keeps its digits. */
START_TEST(small_gradients_have_a_norm)
{
    for (int precision = 0; precision < 2; precision++)
        for (double margin = 1; margin < 36; margin += 8) {
            problem *p = precision ? made(1, 3, 1, 1, 1, 1) : made_f32(1, 3, 1, 1, 1);
            double w[3] = {margin, 0, 0}, one = 1, norm, others = 2 / (exp(margin) + 2), each = others / 2;
            void *states = as_dtype(&one, 1, precision ? NECK_F64 : NECK_F32),
                *weights = as_dtype(w, 3, precision ? NECK_F64 : NECK_F32);
            point_at(p, precision ? NECK_F64 : NECK_F32, states, weights, NULL);
            p->targets[0] = 0;
            p->options.gradient_norm = &norm;
            run(NULL, p);
            ck_assert_double_le(fabs(norm / sqrt(others * others + 2 * each * each) - 1), precision ? 1e-14 : 1e-6);
            free(states), free(weights);
            unmade(p);
        }
}
END_TEST

/* ---- the filter -------------------------------------------------------------------------------------------------- */

static double distance(const float *a, const float *b, int64_t count)
{
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]);
    return sqrt(sum);
}

/* A peaked head: a few tokens share nearly all probability. */
START_TEST(filtered_gradients_keep_their_bound)
{
    int64_t rows = 200, vocabulary = 9000, width = 24;
    problem *p = made_f32(rows, vocabulary, width, 1, 11);
    double tolerance = pow(10, -1 - _i);
    for (int64_t v = 0; v < vocabulary; v++)
        for (int64_t j = 0; j < width; j++) ((float *)p->weights)[v * width + j] *= v % 100 == 3 ? 6 : 0.5f;
    p->options.reduction = _i & 1;
    run(NULL, p);
    float *d_states = p->d_states, *d_weights = p->d_weights;
    p->d_states = p->gradients.states = calloc((size_t)(rows * width), 8);
    p->d_weights = p->gradients.weights = calloc((size_t)(vocabulary * width), 8);
    p->options.filter_tolerance = tolerance;
    neck_cross_entropy_result r = run(NULL, p);
    double states = distance(d_states, p->d_states, rows * width),
        weights = distance(d_weights, p->d_weights, vocabulary * width);
    double noise = 1e-6;
    ck_assert_double_le(states, r.states_error + noise * r.states_norm);
    ck_assert_double_le(weights, r.weights_error + noise * r.weights_norm);
    ck_assert_double_gt(states, 0);
    ck_assert_double_lt(r.kept_fraction, 1);
    /* |error of logits' gradients|_1 <= tolerance |g|_1, times the largest row */
    ck_assert_double_le(r.weights_error,
                        tolerance * 2 * sqrt((double)width) * (p->options.reduction ? (double)rows : 1) * 1.01);
    if (_i == 0) ck_assert_double_lt(r.kept_fraction, 0.2);
    free(d_states), free(d_weights);
    unmade(p);
}
END_TEST

/* ---- refusals ---------------------------------------------------------------------------------------------------- */

static void refused(problem *p, neck_status status, const char *says)
{
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = 5};
    ck_assert_int_eq(neck_cross_entropy(NULL, &p->states_view, &p->weights_view, p->targets, &p->options, &p->gradients,
                                        &result), status);
    ck_assert_msg(strstr(neck_last_error(), says), "%s", neck_last_error());
    ck_assert_double_eq(result.loss, 5);
    ck_assert_double_eq(((double *)p->d_weights)[0], 0);
}

START_TEST(bad_input_is_refused)
{
    problem *p = made(4, 9, 3, 1, 1, 12), *kept = malloc(sizeof *kept);
    *kept = *p;
#define REFUSED(change, status, says) (change, refused(p, status, says), *p = *kept)
    REFUSED(p->weights_view.cols = 2, NECK_E_ARGUMENT, "states have 3 columns, weights 2");
    REFUSED(p->states_view.rows = 0, NECK_E_ARGUMENT, "");
    REFUSED(p->weights_view.dtype = NECK_F32, NECK_E_ARGUMENT, "weights are F32");
    REFUSED(p->options.label_smoothing = 1, NECK_E_ARGUMENT, "label_smoothing is 1");
    REFUSED(p->options.label_smoothing = NAN, NECK_E_ARGUMENT, "label_smoothing");
    REFUSED(p->options.soft_cap = -1, NECK_E_ARGUMENT, "soft_cap");
    REFUSED(p->options.z_loss = INFINITY, NECK_E_ARGUMENT, "z_loss");
    REFUSED(p->options.logit_scale = NAN, NECK_E_ARGUMENT, "logit_scale");
    REFUSED(p->options.filter_tolerance = 1, NECK_E_ARGUMENT, "filter_tolerance");
    REFUSED(p->options.reduction = 2, NECK_E_ARGUMENT, "reduction 2");
    REFUSED(p->options.memory_cap = -1, NECK_E_ARGUMENT, "memory_cap");
    REFUSED((p->bias_view.cols = 8, p->options.bias = &p->bias_view), NECK_E_ARGUMENT, "bias is 1 x 8, not 1 x 9");
    int32_t target = p->targets[2];
    p->targets[2] = 9;
    refused(p, NECK_E_ARGUMENT, "target 9 of row 2");
    p->targets[2] = -7;
    refused(p, NECK_E_ARGUMENT, "target -7 of row 2");
    p->targets[2] = target;
    p->states[5] = NAN;
    refused(p, NECK_E_NONFINITE, "(1, 2) of the 4 x 3");
    p->states[5] = 1e308;
    p->weights[3] = INFINITY;
    refused(p, NECK_E_NONFINITE, "");
    p->weights[3] = 0;
    for (int i = 0; i < 27; i++) p->weights[i] = 1e308;
    neck_cross_entropy_result result = {.struct_size = sizeof result, .loss = 5};
    p->options.logit_scale = 10;
    ck_assert_int_eq(neck_cross_entropy(NULL, &p->states_view, &p->weights_view, p->targets, &p->options, NULL,
                                        &result), NECK_E_NONFINITE);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "overflow"));
    ck_assert_int_eq(neck_cross_entropy(NULL, NULL, &p->weights_view, p->targets, NULL, NULL, &result),
                     NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_cross_entropy(NULL, &p->states_view, &p->weights_view, NULL, NULL, NULL, &result),
                     NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_cross_entropy(NULL, &p->states_view, &p->weights_view, p->targets, NULL, NULL, NULL),
                     NECK_E_ARGUMENT);
    free(kept);
    unmade(p);
}
END_TEST

static int32_t stop(void *user, const neck_progress *progress)
{
    (void)progress;
    return --*(int *)user < 0;
}

START_TEST(cancelling_works)
{
    problem *p = made_f32(500, 300, 8, 1, 13);
    int left = 2;
    neck_context *context;
    neck_context_options options = {.struct_size = sizeof options, .progress = stop, .progress_user = &left};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    p->options.memory_cap = 1;
    ck_assert_int_eq(neck_cross_entropy(context, &p->states_view, &p->weights_view, p->targets, &p->options,
                                        &p->gradients, &result),
                     NECK_E_CANCELLED);
    neck_context_destroy(context);
    unmade(p);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cross_entropy");
    TCase *goldens = tcase_create("goldens"), *rest = tcase_create("rest");
    tcase_add_checked_fixture(goldens, load_cases, drop_cases);
    tcase_add_test(goldens, torch_agrees);
    tcase_add_loop_test(rest, finite_differences_agree, 0, 8);
    tcase_add_test(rest, memory_cap_changes_rounding_alone);
    tcase_add_test(rest, threads_do_not_show);
    tcase_add_test(rest, gradients_accumulate);
    tcase_add_test(rest, half_precision_inputs_are_widened_exactly);
    tcase_add_test(rest, strides_are_honoured);
    tcase_add_test(rest, ties_go_to_the_lowest_token);
    tcase_add_test(rest, small_gradients_have_a_norm);
    tcase_add_loop_test(rest, filtered_gradients_keep_their_bound, 0, 4);
    tcase_add_test(rest, bad_input_is_refused);
    tcase_add_test(rest, cancelling_works);
    suite_add_tcase(suite, goldens);
    suite_add_tcase(suite, rest);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
