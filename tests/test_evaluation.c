/* tests/test_evaluation.c - loss against an independent evaluator, windows and layers against the model itself. */
#include <check.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "softneck.h"

static neck_model *model;
static json_t *stories;

static void source_path(char path[4096], const char *name)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    snprintf(path, 4096, "%s/%s", root ? root : ".", name);
}

static void setup(void)
{
    char path[4096];
    source_path(path, "examples/data/stories260K/stories260K.bin");
    ck_assert_msg(neck_model_open(NULL, path, NULL, &model) == NECK_OK, "%s", neck_last_error());
    source_path(path, "tests/golden/evaluate.json");
    json_t *golden = json_load_file(path, 0, NULL);
    stories = json_incref(json_object_get(golden, "stories"));
    ck_assert_uint_eq(json_array_size(stories), 3);
    json_decref(golden);
}

static void teardown(void)
{
    neck_model_destroy(model);
    json_decref(stories);
}

enum { MOST_IDS = 2048 };

static int64_t story(size_t index, int32_t ids[MOST_IDS], double *nll_sum)
{
    const json_t *entry = json_array_get(stories, index), *list = json_object_get(entry, "ids");
    size_t i;
    json_t *value;
    *nll_sum = 0;
    json_array_foreach(json_object_get(entry, "nll"), i, value) *nll_sum += json_real_value(value);
    json_array_foreach(list, i, value) ids[i] = (int32_t)json_integer_value(value);
    return (int64_t)json_array_size(list);
}

static neck_evaluation *create(neck_evaluation_options options)
{
    neck_evaluation *evaluation = NULL;
    options.struct_size = sizeof options;
    ck_assert_msg(neck_evaluation_create(NULL, model, &options, &evaluation) == NECK_OK, "%s", neck_last_error());
    return evaluation;
}

static neck_text_loss loss_of(const neck_evaluation *evaluation)
{
    neck_text_loss loss = {.struct_size = sizeof loss};
    ck_assert_msg(neck_evaluation_loss(evaluation, &loss) == NECK_OK, "%s", neck_last_error());
    return loss;
}

static void push(neck_evaluation *evaluation, const int32_t *ids, int64_t count, int64_t nbytes, int64_t words)
{
    ck_assert_msg(neck_evaluation_push_tokens(NULL, evaluation, ids, count, nbytes, words) == NECK_OK, "%s",
                  neck_last_error());
}

/* ---- loss ------------------------------------------------------------------------------------------------------- */

START_TEST(loss_is_that_of_an_independent_evaluator)
{
    int32_t ids[MOST_IDS];
    double expected = 0, nll;
    int64_t tokens = 0;
    neck_evaluation *evaluation = create((neck_evaluation_options){.watch_layers = 1});
    for (size_t i = 0; i < 3; i++) {
        int64_t count = story(i, ids, &nll);
        push(evaluation, ids, count, 1000, 200);
        expected += nll;
        tokens += count - 1;
    }
    neck_text_loss loss = loss_of(evaluation);
    ck_assert_int_eq(loss.context_length, 512);
    ck_assert_int_eq(loss.stride, 512);
    ck_assert_int_eq(loss.documents, 3);
    ck_assert_int_eq(loss.tokens, tokens);
    ck_assert_double_eq_tol(loss.nll_sum, expected, 1e-4 * (double)tokens);
    ck_assert_double_eq_tol(loss.loss, expected / (double)tokens, 1e-5);
    ck_assert_double_eq_tol(loss.bytes, 3000, 1e-9);
    ck_assert_double_eq_tol(loss.bits_per_byte, loss.nll_sum / log(2) / 3000, 1e-12);
    ck_assert_double_eq_tol(loss.word_perplexity / exp(loss.nll_sum / 600), 1, 1e-12);
    ck_assert_double_eq_tol(loss.byte_perplexity, exp(loss.nll_sum / 3000), 1e-12);
    ck_assert_double_eq_tol(loss.perplexity, exp(loss.loss), 1e-12);
    ck_assert_double_eq_tol(loss.accuracy, (double)loss.correct / (double)tokens, 1e-15);
    ck_assert_double_gt(loss.accuracy, 0.5);
    ck_assert_double_lt(loss.accuracy, 0.9);
    neck_evaluation_destroy(evaluation);
}
END_TEST

START_TEST(standard_error_is_that_of_a_mean)
{
    int32_t ids[MOST_IDS];
    double sum, squares = 0;
    int64_t count = story(0, ids, &sum), n = count - 1;
    size_t i;
    json_t *value;
    json_array_foreach(json_object_get(json_array_get(stories, 0), "nll"), i, value)
        squares += pow(json_real_value(value) - sum / (double)n, 2);
    neck_evaluation *evaluation = create((neck_evaluation_options){.struct_size = 0});
    push(evaluation, ids, count, 0, 0);
    neck_text_loss loss = loss_of(evaluation);
    ck_assert_double_eq_tol(loss.standard_error, sqrt(squares / (double)(n - 1) / (double)n), 1e-5);
    ck_assert(isnan(loss.bits_per_byte) && isnan(loss.word_perplexity));
    neck_evaluation_destroy(evaluation);
}
END_TEST

/* The rule in its plainest form: token t is predicted by the window whose turn it is. */
static double windowed_sum(const int32_t *ids, int64_t count, int64_t context, int64_t stride, int reach_back)
{
    double sum = 0, nll[MOST_IDS];
    neck_forward_options options = {.struct_size = sizeof options, .nll = nll};
    for (int64_t predicted = 0, turn = 0; predicted < count - 1; turn++) {
        int64_t most = turn ? stride : context, begin = turn * stride;
        int64_t end = predicted + most < count - 1 ? predicted + most : count - 1;
        neck_loss loss = {.struct_size = sizeof loss};
        if (reach_back) begin = end > context ? end - context : 0;
        ck_assert_msg(neck_model_loss(NULL, model, ids + begin, 1, end - begin + 1, &options, &loss) == NECK_OK, "%s",
                      neck_last_error());
        for (int64_t t = predicted; t < end; t++) sum += nll[t - begin];
        predicted = end;
    }
    return sum;
}

START_TEST(windows_batches_and_threads_do_not_change_what_is_predicted)
{
    static const neck_evaluation_options cases[] = {
        {.context_length = 64},
        {.context_length = 64, .stride = 16},
        {.context_length = 50, .stride = 49, .reach_back = 1},
        {.context_length = 64, .stride = 16, .batch_tokens = 1},
        {.context_length = 1, .batch_tokens = 100, .watch_layers = 1},
    };
    int32_t ids[MOST_IDS];
    double nll;
    int64_t count = story(1, ids, &nll);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t context = cases[i].context_length, stride = cases[i].stride ? cases[i].stride : context;
        neck_evaluation *evaluation = create(cases[i]);
        push(evaluation, ids, count, 0, 0);
        neck_text_loss loss = loss_of(evaluation);
        ck_assert_int_eq(loss.tokens, count - 1);
        ck_assert_double_eq_tol(loss.nll_sum, windowed_sum(ids, count, context, stride, cases[i].reach_back), 1e-3);
        neck_evaluation_destroy(evaluation);
    }
}
END_TEST

/* ---- layers ----------------------------------------------------------------------------------------------------- */

typedef struct collected {
    float rows[8][MOST_IDS][64];
    int64_t count[8];
} collected;

static int32_t collect(void *user, const neck_states *states)
{
    collected *into = user;
    for (int64_t i = 0; i < states->matrix.rows; i++) {
        int64_t stride = states->matrix.row_stride ? states->matrix.row_stride : states->matrix.cols;
        memcpy(into->rows[states->layer][into->count[states->layer]++],
               (const float *)states->matrix.data + i * stride, sizeof into->rows[0][0]);
    }
    return 0;
}

START_TEST(layers_hold_one_row_for_each_predicted_token)
{
    static collected direct;
    int32_t ids[MOST_IDS];
    double nll;
    int64_t count = story(0, ids, &nll);
    memset(&direct, 0, sizeof direct);
    neck_evaluation *evaluation = create((neck_evaluation_options){.watch_layers = 1});
    ck_assert_int_le(count - 1, 512);
    push(evaluation, ids, count, 0, 0);
    neck_forward_options options = {.struct_size = sizeof options, .states = collect, .states_user = &direct};
    ck_assert_int_eq(neck_model_forward(NULL, model, ids, 1, count - 1, &options), NECK_OK);
    ck_assert_int_eq(neck_evaluation_layers(evaluation), 6);
    for (int64_t layer = 0; layer < 6; layer++) {
        const neck_gram *gram = neck_evaluation_gram(evaluation, layer);
        neck_matrix rows = {direct.rows[layer], count - 1, 64, 0, NECK_F32, 0};
        neck_measure got, expected;
        double error = 7;
        ck_assert_int_eq(neck_gram_count(gram), count - 1);
        ck_assert_int_eq(neck_anisotropy(gram, &got), NECK_OK);
        ck_assert_int_eq(neck_matrix_anisotropy(NULL, &rows, 0, &expected), NECK_OK);
        ck_assert_double_eq_tol(got.value, expected.value, 1e-6);
        ck_assert_int_eq(neck_evaluation_centered_anisotropy(NULL, evaluation, layer, &got, &error), NECK_OK);
        ck_assert_int_eq(neck_matrix_anisotropy(NULL, &rows, 1, &expected), NECK_OK);
        ck_assert_double_eq_tol(got.value, expected.value, 1e-6);
        ck_assert_double_eq(error, 0);
    }
    ck_assert_ptr_null(neck_evaluation_gram(evaluation, 6));
    ck_assert_ptr_null(neck_evaluation_gram(evaluation, -1));
    neck_evaluation_destroy(evaluation);
}
END_TEST

START_TEST(overlapping_windows_count_no_state_twice)
{
    int32_t ids[MOST_IDS];
    double nll;
    int64_t count = story(2, ids, &nll);
    neck_evaluation *evaluation = create(
        (neck_evaluation_options){.context_length = 40, .stride = 8, .sample_rows = 50, .watch_layers = 1});
    push(evaluation, ids, count, 0, 0);
    for (int64_t layer = 0; layer < neck_evaluation_layers(evaluation); layer++)
        ck_assert_int_eq(neck_gram_count(neck_evaluation_gram(evaluation, layer)), count - 1);
    neck_measure centered;
    double error;
    ck_assert_int_eq(neck_evaluation_centered_anisotropy(NULL, evaluation, 3, &centered, &error), NECK_OK);
    ck_assert_double_gt(error, 0);
    ck_assert_double_lt(error, 0.1);
    neck_evaluation_destroy(evaluation);
}
END_TEST

/* The head on the dumped states gives the loss again. */
START_TEST(dumped_states_predict_their_targets)
{
    char folder[] = "/tmp/softneck-evaluation-XXXXXX", path[64];
    int32_t ids[MOST_IDS];
    double nll;
    int64_t count = story(0, ids, &nll), states, targets;
    neck_evaluation_options options = {.context_length = 100, .stride = 30};
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/states", folder);
    ck_assert_int_eq(neck_states_file_create(NULL, path, 64, NECK_F32, &options.dump), NECK_OK);
    neck_evaluation *evaluation = create(options);
    push(evaluation, ids, count, 0, 0);
    ck_assert_int_eq(neck_evaluation_layers(evaluation), 0);
    ck_assert_int_eq(neck_states_file_finish(options.dump), NECK_OK);
    neck_states_file_destroy(options.dump);
    neck_checkpoint *file;
    neck_matrix rows, head;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, NULL, &file), NECK_OK);
    ck_assert_int_eq(neck_checkpoint_find(file, "states", &states), NECK_OK);
    ck_assert_int_eq(neck_checkpoint_find(file, "targets", &targets), NECK_OK);
    ck_assert_int_eq(neck_checkpoint_matrix(NULL, file, states, &rows), NECK_OK);
    ck_assert_int_eq(neck_checkpoint_tensor(file, targets, &tensor), NECK_OK);
    ck_assert_int_eq(neck_model_head(model, &head, NULL), NECK_OK);
    ck_assert_int_eq(rows.rows, count - 1);
    ck_assert_mem_eq(tensor.data, ids + 1, (size_t)(count - 1) * sizeof *ids);
    double sum = 0;
    for (int64_t i = 0; i < rows.rows; i++) {
        double total = 0, chosen = 0;
        for (int64_t v = 0; v < head.rows; v++) {
            double logit = 0;
            for (int64_t j = 0; j < 64; j++)
                logit += (double)((const float *)rows.data)[i * 64 + j] * ((const float *)head.data)[v * 64 + j];
            total += exp(logit);
            if (v == ids[i + 1]) chosen = logit;
        }
        sum += log(total) - chosen;
    }
    ck_assert_double_eq_tol(loss_of(evaluation).nll_sum, sum, 1e-3);
    neck_evaluation_destroy(evaluation);
    neck_checkpoint_destroy(file);
    remove(path);
    rmdir(folder);
}
END_TEST

/* ---- what can go wrong ------------------------------------------------------------------------------------------ */

/* Stops before the second batch. */
static int32_t stop_after_one(void *user, const neck_progress *progress)
{
    (void)user;
    return strcmp(progress->task, "evaluate") == 0 && progress->done > 0;
}

START_TEST(a_cancelled_document_counts_as_far_as_it_came)
{
    int32_t ids[MOST_IDS];
    double nll;
    int64_t count = story(0, ids, &nll);
    neck_context *context;
    neck_context_options options = {.struct_size = sizeof options, .progress = stop_after_one};
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    neck_evaluation *evaluation =
        create((neck_evaluation_options){.context_length = 100, .batch_tokens = 100, .watch_layers = 1});
    neck_status status = neck_evaluation_push_tokens(context, evaluation, ids, count, 4 * (count - 1), 0);
    ck_assert_int_eq(status, NECK_E_CANCELLED);
    neck_text_loss loss = loss_of(evaluation);
    ck_assert_int_eq(loss.tokens, 100);
    ck_assert_int_eq(loss.documents, 1);
    ck_assert_double_eq_tol(loss.bytes, 400, 1e-9);
    ck_assert_int_eq(neck_gram_count(neck_evaluation_gram(evaluation, 5)), 100);
    neck_evaluation_destroy(evaluation);
    neck_context_destroy(context);
}
END_TEST

START_TEST(nothing_predicted_is_no_loss)
{
    const int32_t one[] = {1}, bad[] = {1, 512};
    neck_text_loss loss = {.struct_size = sizeof loss, .tokens = 7};
    neck_evaluation *evaluation = create((neck_evaluation_options){.watch_layers = 1});
    push(evaluation, one, 1, 0, 0);
    push(evaluation, NULL, 0, 0, 0);
    ck_assert_int_eq(neck_evaluation_loss(evaluation, &loss), NECK_E_STATE);
    ck_assert_int_eq(loss.tokens, 7);
    neck_measure measure;
    ck_assert_int_eq(neck_evaluation_centered_anisotropy(NULL, evaluation, 0, &measure, NULL), NECK_E_STATE);
    const int32_t high[] = {1, 511, 512, 1};
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, evaluation, high, 4, 0, 0), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, evaluation, bad, 2, 0, 0), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_loss(evaluation, &loss), NECK_E_STATE);
    neck_evaluation_destroy(evaluation);
}
END_TEST

START_TEST(options_and_arguments_are_checked)
{
    static const neck_evaluation_options wrong[] = {
        {.context_length = -1},
        {.context_length = 8, .stride = 9},
        {.stride = -1},
        {.sample_rows = 1},
        {.batch_tokens = -1},
    };
    const int32_t ids[] = {1, 2};
    neck_evaluation *evaluation = NULL;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        neck_evaluation_options options = wrong[i];
        options.struct_size = sizeof options;
        ck_assert_int_eq(neck_evaluation_create(NULL, model, &options, &evaluation), NECK_E_ARGUMENT);
        ck_assert_ptr_null(evaluation);
    }
    ck_assert_int_eq(neck_evaluation_create(NULL, NULL, NULL, &evaluation), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_create(NULL, model, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, NULL, ids, 2, 0, 0), NECK_E_ARGUMENT);
    evaluation = create((neck_evaluation_options){.stride = 0});
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, evaluation, NULL, 2, 0, 0), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, evaluation, ids, -1, 0, 0), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, evaluation, ids, 2, -1, 0), NECK_E_ARGUMENT);
    push(evaluation, ids, 2, 0, 0);
    neck_text_loss loss = {.struct_size = 0};
    ck_assert_int_eq(neck_evaluation_loss(evaluation, &loss), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_evaluation_layers(evaluation), 0);
    neck_evaluation_destroy(evaluation);
    neck_evaluation_destroy(NULL);
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------- */

typedef struct heap {
    int64_t left;
    int64_t live;
} heap;

static void *heap_alloc(void *user, size_t alignment, size_t size)
{
    heap *state = user;
    if (state->left-- <= 0) return NULL;
    state->live++;
    return aligned_alloc(alignment, size);
}

static void heap_release(void *user, void *memory)
{
    ((heap *)user)->live--;
    free(memory);
}

START_TEST(running_out_of_memory_is_reported_and_leaks_nothing)
{
    int32_t ids[MOST_IDS];
    double nll;
    story(0, ids, &nll);
    neck_status status = NECK_E_NOMEM;
    for (int64_t allowed = 1; status != NECK_OK; allowed++) {
        heap state = {allowed, 0};
        neck_context *context = NULL;
        neck_evaluation *evaluation = NULL;
        neck_context_options options = {.struct_size = sizeof options,
                                        .threads = 1,
                                        .alloc = heap_alloc,
                                        .release = heap_release,
                                        .alloc_user = &state};
        neck_evaluation_options wanted = {.struct_size = sizeof wanted, .context_length = 8, .watch_layers = 1};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        status = neck_evaluation_create(context, model, &wanted, &evaluation);
        if (status == NECK_OK) status = neck_evaluation_push_tokens(context, evaluation, ids, 20, 0, 0);
        neck_measure measure;
        if (status == NECK_OK) status = neck_evaluation_centered_anisotropy(context, evaluation, 0, &measure, NULL);
        ck_assert(status == NECK_OK || status == NECK_E_NOMEM);
        neck_evaluation_destroy(evaluation);
        neck_context_destroy(context);
        ck_assert_int_eq(state.live, 0);
        ck_assert_int_lt(allowed, 10000);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("evaluation");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, loss_is_that_of_an_independent_evaluator);
    tcase_add_test(tcase, standard_error_is_that_of_a_mean);
    tcase_add_test(tcase, windows_batches_and_threads_do_not_change_what_is_predicted);
    tcase_add_test(tcase, layers_hold_one_row_for_each_predicted_token);
    tcase_add_test(tcase, overlapping_windows_count_no_state_twice);
    tcase_add_test(tcase, dumped_states_predict_their_targets);
    tcase_add_test(tcase, a_cancelled_document_counts_as_far_as_it_came);
    tcase_add_test(tcase, nothing_predicted_is_no_loss);
    tcase_add_test(tcase, options_and_arguments_are_checked);
    tcase_add_test(tcase, running_out_of_memory_is_reported_and_leaks_nothing);
    tcase_set_timeout(tcase, 60);
    Suite *suite = suite_create("evaluation");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
