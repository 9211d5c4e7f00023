/* tests/test_head_train.c - heads trained on frozen states: PyTorch's losses, known minima, batches, refusals. */
#include <jansson.h>

#include "head_train_support.h"
#include "train/epochs.h"

/* ---- numbers ---- */

typedef struct seen {
    int64_t count;
    neck_head_report reports[64];
} seen;

static int32_t keep_report(void *user, const neck_head_report *report)
{
    seen *into = user;
    ck_assert_uint_eq(report->struct_size, sizeof *report);
    into->reports[into->count++] = *report;
    return 0;
}

/* The formulas of make_head_train.py. */
enum { GOLDEN_V = 11, GOLDEN_D = 6, GOLDEN_TRAIN = 48, GOLDEN_VALID = 16 };

static void golden_matrix(const neck_parameter *p, double shift)
{
    for (int64_t i = 0; i < p->rows; i++)
        for (int64_t j = 0; j < p->cols; j++)
            put_number(p->data, p->dtype, i * p->cols + j, 0.5 * cos(shift + (double)i + 2.1 * (double)j));
}

static json_t *golden_curves(void)
{
    char path[PATH_CAPACITY];
    json_error_t error;
    source_path(path, "tests/golden/head_train.json");
    json_t *curves = json_load_file(path, 0, &error);
    ck_assert_msg(curves != NULL, "%s", error.text);
    return curves;
}

/* Batches of all states: their order is all that differs from PyTorch. */
START_TEST(losses_are_those_of_pytorch)
{
    int factored = _i % 2;
    int32_t dtype = _i / 2 ? NECK_F64 : NECK_F32;
    double all[(GOLDEN_TRAIN + GOLDEN_VALID) * GOLDEN_D], tolerance = dtype == NECK_F64 ? 1e-9 : 1e-5;
    int32_t targets[GOLDEN_TRAIN + GOLDEN_VALID];
    for (int i = 0; i < GOLDEN_TRAIN + GOLDEN_VALID; i++) {
        targets[i] = (i * i + 3 * i) % GOLDEN_V;
        for (int j = 0; j < GOLDEN_D; j++) all[i * GOLDEN_D + j] = sin(0.7 * i + 1.3 * j + 0.1 * i * j);
    }
    neck_labeled_states train = {{all, GOLDEN_TRAIN, GOLDEN_D, 0, NECK_F64, 0}, targets};
    neck_labeled_states valid = {{all + GOLDEN_TRAIN * GOLDEN_D, GOLDEN_VALID, GOLDEN_D, 0, NECK_F64, 0},
                                 targets + GOLDEN_TRAIN};
    neck_head_options shape = {sizeof shape, .kind = factored ? NECK_HEAD_FACTORED : NECK_HEAD_DENSE, .dtype = dtype,
                               .vocabulary = GOLDEN_V, .hidden_size = GOLDEN_D, .rank = factored ? 3 : 0};
    neck_head *head = made_head(&shape, 0, 0);
    const neck_parameter *p = neck_head_parameters(head, NULL);
    golden_matrix(&p[0], factored ? 0.4 : 0.2);
    if (factored) golden_matrix(&p[1], 0.6);
    seen told = {0};
    neck_optimizer_options rule = {sizeof rule, .learning_rate = 0.05, .weight_decay = 0.1, .beta2 = 0.95};
    neck_head_training_options options = {sizeof options, .steps = 200, .batch = GOLDEN_TRAIN, .optimizer = &rule,
                                          .clip_norm = 0.25, .evaluate_every = 20, .report = keep_report,
                                          .report_user = &told};
    neck_head_training_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_train(NULL, head, &train, &valid, &options, &result));
    json_t *curves = golden_curves(), *curve = json_object_get(curves, factored ? "factored" : "dense");
    ck_assert_int_eq(told.count, 10);
    double best = INFINITY;
    for (size_t k = 0; k < 10; k++) {
        const json_t *row = json_array_get(curve, k);
        double loss = json_number_value(json_object_get(row, "valid_loss"));
        ck_assert_double_eq_tol(told.reports[k].valid_loss, loss, tolerance);
        ck_assert_double_eq(told.reports[k].valid_accuracy, json_number_value(json_object_get(row, "accuracy")));
        ck_assert_int_eq(told.reports[k].step, 20 * (int64_t)(k + 1));
        best = fmin(best, loss);
    }
    ck_assert_double_eq(result.valid_loss, told.reports[9].valid_loss);
    ck_assert_double_eq_tol(result.best_valid_loss, best, tolerance);
    ck_assert_int_eq(result.tokens, 200 * GOLDEN_TRAIN);
    ck_assert_int_eq(result.diverged, 0);
    json_decref(curves);
    neck_head_destroy(head);
}
END_TEST

/* Each context is one of d unit vectors and has tokens in known proportions: no head does better than their entropy,
 * and one of full rank reaches it. */
START_TEST(the_least_loss_is_reached)
{
    enum { CONTEXTS = 4, REPEATS = 40, ROWS = CONTEXTS * REPEATS, VOCABULARY = 6 };
    static float states[ROWS * CONTEXTS];
    int32_t targets[ROWS];
    double counts[CONTEXTS][VOCABULARY] = {{0}}, entropy = 0;
    for (int i = 0; i < ROWS; i++) {
        int context = i % CONTEXTS, repeat = i / CONTEXTS;
        memset(&states[i * CONTEXTS], 0, CONTEXTS * sizeof *states);
        states[i * CONTEXTS + context] = 1;
        targets[i] = (repeat * repeat + context) % (VOCABULARY - context % 3);
        counts[context][targets[i]]++;
    }
    for (int i = 0; i < CONTEXTS; i++)
        for (int j = 0; j < VOCABULARY; j++)
            if (counts[i][j] > 0) entropy -= counts[i][j] / ROWS * log(counts[i][j] / REPEATS);
    neck_labeled_states data = {{states, ROWS, CONTEXTS, 0, NECK_F32, 0}, targets};
    neck_head_options shape = {sizeof shape, .kind = _i ? NECK_HEAD_FACTORED : NECK_HEAD_DENSE,
                               .vocabulary = VOCABULARY, .hidden_size = CONTEXTS, .rank = _i ? CONTEXTS : 0};
    neck_head *head = made_head(&shape, 0, 0);
    neck_optimizer_options rule = {sizeof rule, .learning_rate = 0.2};
    neck_head_training_options options = {sizeof options, .steps = 800, .batch = 64, .optimizer = &rule, .seed = 1};
    neck_head_training_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_train(NULL, head, &data, &data, &options, &result));
    ck_assert_double_gt(result.valid_loss, entropy - 1e-9);
    ck_assert_double_lt(result.valid_loss, entropy + 5e-3);
    neck_head_destroy(head);
}
END_TEST

START_TEST(reports_say_what_happened)
{
    exercise e;
    exercise_make(&e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW);
    seen told = {0};
    e.options.report = keep_report;
    e.options.report_user = &told;
    outcome out = exercise_run(NULL, &e);
    static const int64_t steps[] = {7, 14, 21, 28, 35, 40};
    double best = INFINITY;
    int64_t best_step = 0;
    ck_assert_int_eq(out.status, NECK_OK);
    ck_assert_int_eq(told.count, 6);
    for (int k = 0; k < 6; k++) {
        ck_assert_int_eq(told.reports[k].step, steps[k]);
        ck_assert_int_eq(told.reports[k].steps, STEPS);
        if (told.reports[k].valid_loss < best) {
            best = told.reports[k].valid_loss;
            best_step = steps[k];
        }
    }
    ck_assert_double_eq(out.result.best_valid_loss, best);
    ck_assert_int_eq(out.result.best_step, best_step);
    /* no warm-up in so few steps; the seventh step's rate is that of place 6 */
    double scale = 0.1 + 0.45 * (1 + cos(acos(-1) * 6 / STEPS));
    ck_assert_double_eq_tol(told.reports[0].learning_rate, 0.05 * scale, 1e-12);
    /* evaluation is the loss of the validation states: the head it left says the same */
    neck_head *head = made_head(&e.head, 0.3, 11);
    const neck_parameter *p = neck_head_parameters(head, NULL);
    int64_t count;
    neck_head_parameters(head, &count);
    for (int64_t k = 0, at = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) put_number(p[k].data, p[k].dtype, i, out.numbers[at++]);
    neck_cross_entropy_options plain = {.struct_size = sizeof plain, .accuracy = 1};
    neck_cross_entropy_result loss = {.struct_size = sizeof loss};
    ASSERT_OK(neck_head_loss(NULL, head, &e.valid.states, e.valid.targets, &plain, &loss));
    ck_assert_int_eq(loss.tokens, VALID_ROWS - 1);
    ck_assert_double_eq_tol(out.result.valid_loss, loss.loss, 1e-12);
    ck_assert_double_eq(out.result.valid_accuracy, (double)loss.correct / (double)loss.tokens);
    neck_head_destroy(head);
}
END_TEST

/* States of any dtype that hold the same numbers train the same head. */
START_TEST(dtypes_of_states)
{
    static const int32_t dtypes[] = {NECK_F64, NECK_F16, NECK_BF16};
    exercise e;
    exercise_make(&e, NECK_HEAD_DENSE, NECK_OPTIMIZER_ADAMW);
    double *train = exact_matrix(TRAIN_ROWS, WIDTH, 1), *valid = exact_matrix(VALID_ROWS, WIDTH, 2);
    for (int i = 0; i < TRAIN_ROWS * WIDTH; i++) e.train_numbers[i] = (float)train[i];
    for (int i = 0; i < VALID_ROWS * WIDTH; i++) e.valid_numbers[i] = (float)valid[i];
    outcome single = exercise_run(NULL, &e);
    void *other_train = as_dtype(train, TRAIN_ROWS * WIDTH, dtypes[_i]);
    void *other_valid = as_dtype(valid, VALID_ROWS * WIDTH, dtypes[_i]);
    e.train.states = (neck_matrix){other_train, TRAIN_ROWS, WIDTH, 0, dtypes[_i], 0};
    e.valid.states = (neck_matrix){other_valid, VALID_ROWS, WIDTH, 0, dtypes[_i], 0};
    outcome other = exercise_run(NULL, &e);
    assert_same_outcome(&single, &other);
    free(other_valid);
    free(other_train);
    free(valid);
    free(train);
}
END_TEST

START_TEST(threads_do_not_show)
{
    exercise e;
    outcome outcomes[2];
    exercise_make(&e, FIRST_KIND + _i, NECK_OPTIMIZER_ADAMW);
    if (e.head.kind == NECK_HEAD_TIED) return; /* trains as a dense one, in the test's own array */
    for (int32_t threads = 1; threads <= 2; threads++) {
        neck_context_options options = {.struct_size = sizeof options, .threads = threads};
        neck_context *context;
        ASSERT_OK(neck_context_create(&options, &context));
        outcomes[threads - 1] = exercise_run(context, &e);
        neck_context_destroy(context);
    }
    assert_same_outcome(&outcomes[0], &outcomes[1]);
}
END_TEST

START_TEST(divergence_is_a_result)
{
    exercise e;
    exercise_make(&e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_SGD);
    e.rule.learning_rate = 1e30;
    e.options.clip_norm = INFINITY;
    outcome out = exercise_run(NULL, &e);
    ck_assert_msg(out.status == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(out.result.diverged, 1);
    ck_assert(isinf(out.result.valid_loss) && isinf(out.result.train_loss) && isinf(out.result.best_valid_loss));
    ck_assert_int_lt(out.result.tokens, STEPS * 16);
    for (int64_t i = 0; i < out.count; i++) ck_assert(isfinite(out.numbers[i]));
}
END_TEST

/* ---- batches ---- */

static neck__batches open_batches(const exercise *e, int64_t size, int shuffled, uint64_t seed)
{
    neck__batches made;
    neck__batches_options options = {.size = size, .dtype = NECK_F32, .shuffled = shuffled, .seed = seed,
                                     .vocabulary = TOKENS};
    ASSERT_OK(neck__batches_init(NULL, "states", &e->train, &options, &made));
    return made;
}

/* Which row of the training states a gathered one is. */
static int row_of(const exercise *e, const neck__batches *b, int64_t at)
{
    const float *row = (const float *)b->states.data + at * WIDTH;
    for (int i = 0; i < TRAIN_ROWS; i++)
        if (memcmp(row, e->train_numbers + i * WIDTH, WIDTH * sizeof *row) == 0) {
            ck_assert_int_eq(b->targets[at], e->train_targets[i]);
            return i;
        }
    ck_abort_msg("a row of no state");
    return -1;
}

START_TEST(an_epoch_has_each_scored_row_once)
{
    enum { SIZE = 16, BATCHES = TRAIN_ROWS - 1 }; /* 16 epochs, whose ends lie within batches */
    exercise e;
    exercise_make(&e, NECK_HEAD_DENSE, 0);
    neck__batches b = open_batches(&e, SIZE, 1, 9);
    int order[SIZE * BATCHES], drawn = 0, moved = 0;
    for (int64_t k = 0; k < BATCHES; k++) {
        neck__batches_draw(NULL, &b, k, 0, b.options.size);
        ck_assert_int_eq(b.states.rows, SIZE);
        for (int64_t i = 0; i < SIZE; i++) order[drawn++] = row_of(&e, &b, i);
    }
    for (int epoch = 0; epoch < SIZE; epoch++) {
        int times[TRAIN_ROWS] = {0};
        for (int i = 0; i < TRAIN_ROWS - 1; i++) times[order[epoch * (TRAIN_ROWS - 1) + i]]++;
        for (int i = 0; i < TRAIN_ROWS; i++) ck_assert_int_eq(times[i], i != 3);
    }
    for (int i = 0; i < TRAIN_ROWS - 1; i++) moved += order[i] != order[TRAIN_ROWS - 1 + i];
    ck_assert_int_gt(moved, TRAIN_ROWS / 2); /* the second epoch has another order */
    neck__batches_free(&b);
}
END_TEST

START_TEST(a_batch_does_not_depend_on_those_before)
{
    exercise e;
    exercise_make(&e, NECK_HEAD_DENSE, 0);
    neck__batches forward = open_batches(&e, 7, 1, 9), direct = open_batches(&e, 7, 1, 9);
    neck__batches other = open_batches(&e, 7, 1, 10);
    for (int64_t k = 0; k <= 30; k++) neck__batches_draw(NULL, &forward, k, 0, forward.options.size);
    neck__batches_draw(NULL, &direct, 30, 0, direct.options.size);
    neck__batches_draw(NULL, &other, 30, 0, other.options.size);
    ck_assert_mem_eq(forward.rows, direct.rows, 7 * WIDTH * sizeof(float));
    ck_assert_mem_eq(forward.targets, direct.targets, 7 * sizeof(int32_t));
    ck_assert(memcmp(forward.rows, other.rows, 7 * WIDTH * sizeof(float)) != 0);
    neck__batches_draw(NULL, &forward, 2, 0, forward.options.size); /* back again */
    neck__batches_draw(NULL, &direct, 2, 0, direct.options.size);
    ck_assert_mem_eq(forward.rows, direct.rows, 7 * WIDTH * sizeof(float));
    neck__batches_free(&other);
    neck__batches_free(&direct);
    neck__batches_free(&forward);
}
END_TEST

START_TEST(blocks_follow_the_states)
{
    exercise e;
    exercise_make(&e, NECK_HEAD_DENSE, 0);
    neck__batches b = open_batches(&e, 25, 0, 0);
    int expected = 0;
    for (int64_t first = 0; first < b.count; first += b.states.rows) {
        neck__batches_block(NULL, &b, first, b.count);
        ck_assert_int_eq(b.states.rows, first < 50 ? 25 : 9);
        for (int64_t i = 0; i < b.states.rows; i++, expected++) {
            if (expected == 3) expected++; /* has no target */
            ck_assert_int_eq(row_of(&e, &b, i), expected);
        }
    }
    ck_assert_int_eq(expected, TRAIN_ROWS);
    neck__batches_free(&b);
}
END_TEST

/* ---- refusals ---- */

static void refused(const exercise *e, neck_status status, const char *fragment)
{
    neck_head *head = made_head(&e->head, 0.3, 11);
    double before[MOST_NUMBERS], after[MOST_NUMBERS];
    int64_t count = head_numbers(head, before);
    neck_head_training_result result, pattern;
    memset(&pattern, 0xa5, sizeof pattern);
    pattern.struct_size = sizeof pattern;
    result = pattern;
    assert_fails(neck_head_train(NULL, head, &e->train, &e->valid, &e->options, &result), status, fragment, fragment);
    head_numbers(head, after);
    ck_assert_mem_eq(before, after, (size_t)count * sizeof *before);
    ck_assert_mem_eq(&result, &pattern, sizeof result);
    neck_head_destroy(head);
}

#define REFUSED(change, status, fragment)                              \
    do {                                                               \
        exercise_make(&e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW);   \
        change;                                                        \
        refused(&e, status, fragment);                                 \
    } while (0)

START_TEST(wrong_inputs_are_refused)
{
    exercise e;
    double number = 0;
    double wide[TRAIN_ROWS * WIDTH] = {0};
    neck_cross_entropy_options loss = {.struct_size = sizeof loss, .token_loss = &number};
    neck_cross_entropy_options sum = {.struct_size = sizeof sum, .reduction = NECK_REDUCTION_SUM};
    neck_schedule schedule = {.struct_size = sizeof schedule, .kind = 9};
    wide[13] = 1e300;
    REFUSED(e.options.steps = 0, NECK_E_ARGUMENT, "steps is 0");
    REFUSED(e.options.batch = -1, NECK_E_ARGUMENT, "negative");
    REFUSED(e.options.clip_norm = NAN, NECK_E_ARGUMENT, "clip_norm");
    REFUSED(e.options.optimizer = NULL, NECK_E_ARGUMENT, "optimizer");
    REFUSED(e.rule.learning_rate = -1, NECK_E_ARGUMENT, "learning_rate");
    REFUSED(e.options.loss = &loss, NECK_E_ARGUMENT, "single tokens");
    REFUSED(e.options.loss = &sum, NECK_E_ARGUMENT, "mean");
    REFUSED(e.options.schedule = &schedule, NECK_E_ARGUMENT, "schedule");
    REFUSED((e.options.steps = INT64_MAX / 2), NECK_E_OVERFLOW, "too many");
    REFUSED(e.train.states.cols = 4, NECK_E_ARGUMENT, "training states: states of width 4 for a head of width 5");
    REFUSED(e.valid.states.cols = 4, NECK_E_ARGUMENT, "validation states");
    REFUSED(e.train.targets = NULL, NECK_E_ARGUMENT, "no targets");
    REFUSED(e.train_targets[7] = TOKENS, NECK_E_ARGUMENT, "target 9 of state 7 is not in 0 .. 8");
    REFUSED(e.valid_targets[7] = -2, NECK_E_ARGUMENT, "target -2 of state 7");
    REFUSED(memset(e.valid_targets, 0xff, sizeof e.valid_targets), NECK_E_ARGUMENT, "no state has a target");
    REFUSED(e.train_numbers[2 * WIDTH + 1] = NAN, NECK_E_NONFINITE, "training states: ");
    REFUSED((e.train.states.data = wide, e.train.states.dtype = NECK_F64), NECK_E_NONFINITE, "row 2, column 3");
    REFUSED(e.options.checkpoint = "/no/such/folder/run", NECK_E_IO, "/no/such/folder");
    exercise_make(&e, NECK_HEAD_DENSE, NECK_OPTIMIZER_ADAMW);
    neck_head_training_result result = {.struct_size = sizeof result};
    ASSERT_FAILS(neck_head_train(NULL, NULL, &e.train, &e.valid, &e.options, &result), NECK_E_ARGUMENT, "NULL");
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_train");
    tcase_add_loop_test(tests, losses_are_those_of_pytorch, 0, 4);
    tcase_add_loop_test(tests, the_least_loss_is_reached, 0, 2);
    tcase_add_test(tests, reports_say_what_happened);
    tcase_add_loop_test(tests, dtypes_of_states, 0, 3);
    tcase_add_loop_test(tests, threads_do_not_show, 0, LAST_KIND - FIRST_KIND + 1);
    tcase_add_test(tests, divergence_is_a_result);
    tcase_add_test(tests, an_epoch_has_each_scored_row_once);
    tcase_add_test(tests, a_batch_does_not_depend_on_those_before);
    tcase_add_test(tests, blocks_follow_the_states);
    tcase_add_test(tests, wrong_inputs_are_refused);
    return run_suite("head_train", tests);
}
