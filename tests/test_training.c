/* tests/test_training.c - steps and evaluations: PyTorch's loss curve, every kind of head, what goes wrong. */
#include <jansson.h>

#include "training_support.h"

/* ---- against PyTorch ---- */

typedef struct golden {
    json_t *root, *recipe;
    neck_token_file *tokens;
    neck_trainable *model;
    neck_training *training;
} golden;

static double number(const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);
    ck_assert_msg(json_is_number(value), "%s is missing", name);
    return json_number_value(value);
}

static int64_t whole(const json_t *object, const char *name) { return (int64_t)number(object, name); }

static neck_token_file *bytes_as_tokens(const char *folder, int64_t count)
{
    char path[PATH_CAPACITY];
    neck_token_writer *writer = NULL;
    neck_token_file *file = NULL;
    neck__mapping *text = map_source("examples/data/text/tinystories-100.jsonl");
    scratch_file(path, folder, "tokens.bin");
    ASSERT_OK(neck_token_writer_create(NULL, path, 256, 0, &writer));
    ck_assert_int_ge(text->size, count);
    for (int64_t i = 0; i < count; i++) {
        int32_t id = text->data[i];
        ASSERT_OK(neck_token_writer_push(writer, &id, 1));
    }
    ASSERT_OK(neck_token_writer_commit(writer));
    ASSERT_OK(neck_token_file_open(NULL, path, NULL, &file));
    neck__mapping_close(text);
    return file;
}

static golden open_golden(const char *folder)
{
    golden g = {0};
    char path[PATH_CAPACITY];
    source_path(path, "tests/golden/training.json");
    g.root = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(g.root);
    g.recipe = json_object_get(g.root, "recipe");
    g.tokens = bytes_as_tokens(folder, whole(g.recipe, "tokens"));
    source_path(path, "tests/golden/training");
    ASSERT_OK(neck_trainable_open(NULL, path, NULL, &g.model));
    neck_batches_options batches = {.struct_size = sizeof batches, .batch = whole(g.recipe, "batch"),
                                    .context_length = whole(g.recipe, "context"), .order = NECK_BATCHES_SEQUENTIAL,
                                    .validation_share = number(g.recipe, "validation_share")};
    neck_optimizer_options optimizer = {.struct_size = sizeof optimizer,
                                        .learning_rate = number(g.recipe, "learning_rate"),
                                        .weight_decay = number(g.recipe, "weight_decay"),
                                        .beta1 = number(g.recipe, "beta1"), .beta2 = number(g.recipe, "beta2")};
    neck_schedule schedule = {.struct_size = sizeof schedule, .kind = NECK_SCHEDULE_COSINE,
                              .steps = whole(g.recipe, "steps"), .warmup_steps = whole(g.recipe, "warmup"),
                              .final_scale = number(g.recipe, "final_scale")};
    neck_training_options options = {.struct_size = sizeof options, .model = g.model, .tokens = g.tokens,
                                     .batches = &batches, .optimizer = &optimizer, .schedule = &schedule,
                                     .accumulation = whole(g.recipe, "accumulation"),
                                     .clip_norm = number(g.recipe, "clip")};
    ASSERT_OK(neck_training_create(NULL, &options, &g.training));
    return g;
}

START_TEST(loss_curve_is_that_of_pytorch)
{
    char folder[PATH_CAPACITY];
    scratch_make(folder);
    golden g = open_golden(folder);
    const json_t *losses = json_object_get(g.root, "losses"), *norms = json_object_get(g.root, "gradient_norms");
    int64_t steps = whole(g.recipe, "steps");
    double worst = 0;
    for (int64_t i = 0; i < steps; i++) {
        neck_training_report report = {.struct_size = sizeof report};
        ASSERT_OK(neck_training_step(NULL, g.training, &report));
        double loss = json_number_value(json_array_get(losses, (size_t)i));
        worst = fmax(worst, fabs(report.loss - loss));
        ck_assert_double_eq_tol(report.loss, loss, 1e-4);
        if (i == 0) ck_assert_double_eq_tol(report.gradient_norm, json_number_value(json_array_get(norms, 0)), 1e-4);
    }
    neck_training_evaluation found = {.struct_size = sizeof found};
    ASSERT_OK(neck_training_evaluate(NULL, g.training, &found));
    ck_assert_double_eq_tol(found.loss, number(g.root, "validation_loss"), 1e-4);
    ck_assert_double_gt(json_number_value(json_array_get(losses, 0)) - found.loss, 2); /* it has learned */
    if (getenv("SOFTNECK_TEST_TELL")) printf("largest difference of a loss: %.2g\n", worst);
    neck_training_destroy(g.training);
    neck_trainable_destroy(g.model);
    neck_token_file_destroy(g.tokens);
    json_decref(g.root);
    remove_tree(folder);
}
END_TEST

/* ---- its own checkpoints ---- */

/* The validation loss again, by the code that only reads models. */
static double loss_of_folder(const lesson *l, const char *path)
{
    neck_model *model = NULL;
    neck_batches *batches = NULL;
    neck_batches_options options = l->batches;
    int32_t tokens[LESSON_CONTEXT], targets[LESSON_CONTEXT];
    double sum = 0;
    options.batch = 1;
    options.order = NECK_BATCHES_SEQUENTIAL;
    options.part = NECK_PART_VALIDATION;
    ASSERT_OK(neck_model_open(NULL, path, NULL, &model));
    ASSERT_OK(neck_batches_create(NULL, l->tokens, &options, &batches));
    int64_t windows = neck_batches_windows(batches);
    for (int64_t i = 0; i < windows; i++) {
        neck_loss found = {.struct_size = sizeof found};
        neck_forward_options about = {.struct_size = sizeof about, .targets = targets};
        ASSERT_OK(neck_batches_fill(batches, i, tokens, targets));
        ASSERT_OK(neck_model_loss(NULL, model, tokens, 1, LESSON_CONTEXT, &about, &found));
        sum += found.loss;
    }
    neck_batches_destroy(batches);
    neck_model_destroy(model);
    return sum / (double)windows;
}

static const char *const families[] = {"gpt_neox", "gpt2", "llama", "gemma2"};
enum { FAMILIES = sizeof families / sizeof *families };

START_TEST(exported_models_have_the_loss_of_the_training)
{
    char path[PATH_CAPACITY];
    lesson l = lesson_make();
    l.model_options.family = families[_i];
    lesson_open(&l);
    for (int i = 0; i < 10; i++) step_once(&l);
    neck_training_evaluation found = evaluate(&l);
    scratch_file(path, l.folder, "model");
    ASSERT_OK(neck_training_export(NULL, l.training, path, NULL, NULL));
    ck_assert_int_eq(scratch_count(path), 2);
    ck_assert_double_eq_tol(loss_of_folder(&l, path), found.loss, 1e-5);
    step_once(&l);
    ASSERT_OK(neck_training_export(NULL, l.training, path, NULL, NULL)); /* in its place */
    ck_assert_double_eq_tol(loss_of_folder(&l, path), evaluate(&l).loss, 1e-5);
    lesson_end(&l);
}
END_TEST

/* Every kind of head learns; those that are linear are whole in the model folder. */
START_TEST(heads_of_every_kind_train)
{
    char path[PATH_CAPACITY], file[PATH_CAPACITY];
    lesson l = lesson_make();
    l.head_options.kind = _i;
    l.model_options.without_head = 1;
    if (_i == NECK_HEAD_FACTORED) l.head_options.rank = 6;
    lesson_open(&l);
    double first = evaluate(&l).loss;
    for (int i = 0; i < 40; i++) step_once(&l);
    neck_training_evaluation found = evaluate(&l);
    ck_assert_msg(found.loss < first - 0.3, "from %g to %g", first, found.loss);
    scratch_file(path, l.folder, "model");
    scratch_file(file, path, "head.safetensors");
    ASSERT_OK(neck_training_export(NULL, l.training, path, NULL, NULL));
    neck_head *head = NULL;
    ASSERT_OK(neck_head_load(NULL, file, &head));
    ck_assert_int_eq(neck_head_kind(head), _i == NECK_HEAD_TIED ? NECK_HEAD_DENSE : _i);
    neck_head_destroy(head);
    if (_i <= NECK_HEAD_FACTORED) ck_assert_double_eq_tol(loss_of_folder(&l, path), found.loss, 1e-5);
    lesson_end(&l);
}
END_TEST

/* A tied head is trained once, by the embedding's gradient from both ends: the same as the model's own tied one. */
START_TEST(tied_heads_are_the_embedding)
{
    lesson own = lesson_make(), given = lesson_make();
    own.model_options.tied = given.model_options.tied = 1;
    given.head_options.kind = NECK_HEAD_TIED;
    lesson_open(&own);
    lesson_open(&given);
    for (int i = 0; i < 5; i++) ck_assert_double_eq_tol(step_once(&own).loss, step_once(&given).loss, 1e-6);
    int64_t counts[2];
    neck_training_parameters(own.training, &counts[0]);
    neck_training_parameters(given.training, &counts[1]);
    ck_assert_int_eq(counts[0], counts[1]);
    lesson_end(&own);
    lesson_end(&given);
}
END_TEST

/* ---- steps ---- */

START_TEST(accumulation_is_a_larger_batch)
{
    lesson parts = lesson_make(), whole_batch = lesson_make();
    parts.model_options.dropout = whole_batch.model_options.dropout = 0;
    parts.batches.order = whole_batch.batches.order = NECK_BATCHES_SEQUENTIAL;
    whole_batch.batches.batch = 2 * LESSON_BATCH;
    whole_batch.options.accumulation = 1;
    lesson_open(&parts);
    lesson_open(&whole_batch);
    for (int i = 0; i < 8; i++) {
        neck_training_report a = step_once(&parts), b = step_once(&whole_batch);
        ck_assert_double_eq_tol(a.loss, b.loss, 2e-5);
        ck_assert_double_eq_tol(a.gradient_norm, b.gradient_norm, 1e-4);
        ck_assert_int_eq(a.tokens, b.tokens);
        ck_assert_int_eq(a.step, i + 1);
    }
    lesson_end(&parts);
    lesson_end(&whole_batch);
}
END_TEST

START_TEST(threads_do_not_show)
{
    unsigned char *bytes[2];
    size_t size = 0;
    for (int32_t threads = 1; threads <= 2; threads++) {
        neck_context_options about = {.struct_size = sizeof about, .threads = threads};
        neck_context *context;
        ASSERT_OK(neck_context_create(&about, &context));
        lesson l = lesson_make();
        lesson_open(&l);
        for (int i = 0; i < 4; i++) ASSERT_OK(neck_training_step(context, l.training, NULL));
        bytes[threads - 1] = parameter_bytes(l.training, &size);
        lesson_end(&l);
        neck_context_destroy(context);
    }
    ck_assert_mem_eq(bytes[0], bytes[1], size);
    free(bytes[0]);
    free(bytes[1]);
}
END_TEST

/* Evaluation drops nothing, scores every window once, and shows in no later step. */
START_TEST(evaluations_are_harmless)
{
    lesson watched = lesson_make(), alone = lesson_make();
    size_t size;
    watched.batches.batch = alone.batches.batch = 4; /* does not divide the number of windows */
    lesson_open(&watched);
    lesson_open(&alone);
    for (int i = 0; i < 4; i++) {
        neck_training_evaluation a = evaluate(&watched), b = evaluate(&watched);
        ck_assert(a.loss == b.loss);
        ck_assert_int_eq(a.tokens, (LESSON_TOKENS / 5 - 1) / LESSON_CONTEXT * LESSON_CONTEXT);
        ck_assert(step_once(&watched).loss == step_once(&alone).loss);
    }
    neck_training_evaluation last = evaluate(&watched);
    ck_assert(last.best_loss <= last.loss);
    unsigned char *a = parameter_bytes(watched.training, &size), *b = parameter_bytes(alone.training, &size);
    ck_assert_mem_eq(a, b, size);
    free(a);
    free(b);
    lesson_end(&watched);
    lesson_end(&alone);
}
END_TEST

START_TEST(read_access)
{
    neck_matrix matrix = {0};
    lesson l = lesson_make();
    lesson_open(&l);
    assert_fails(neck_training_states(l.training, &matrix), NECK_E_STATE, "no states yet", "states");
    step_once(&l);
    ASSERT_OK(neck_training_states(l.training, &matrix));
    ck_assert_int_eq(matrix.rows, LESSON_BATCH * LESSON_CONTEXT);
    ck_assert_int_eq(matrix.cols, 16);
    ASSERT_OK(neck_training_head_matrix(NULL, l.training, &matrix));
    ck_assert_ptr_eq(matrix.data, neck_trainable_head(l.model, NULL)->data);
    ck_assert_int_eq(neck_training_steps(l.training), 1);
    ck_assert_int_eq(neck_training_tokens(l.training), 2 * LESSON_BATCH * LESSON_CONTEXT);
    lesson_end(&l);
}
END_TEST

/* ---- what goes wrong ---- */

/* A step that fails changes no parameter, and the next one is the same step. */
static void assert_step_fails(lesson *l, neck_status expected, const char *fragment)
{
    size_t size;
    unsigned char *before = parameter_bytes(l->training, &size);
    int64_t steps = neck_training_steps(l->training);
    assert_fails(neck_training_step(NULL, l->training, NULL), expected, fragment, "step");
    unsigned char *after = parameter_bytes(l->training, &size);
    ck_assert_mem_eq(before, after, size);
    ck_assert_int_eq(neck_training_steps(l->training), steps);
    free(before);
    free(after);
}

START_TEST(exploding_gradients_stop_a_step)
{
    lesson l = lesson_make();
    l.options.gradient_limit = 1e-3;
    lesson_open(&l);
    assert_step_fails(&l, NECK_E_OVERFLOW, "step 1: the gradient's norm is");
    lesson_end(&l);
}
END_TEST

START_TEST(numbers_that_are_none_stop_a_step)
{
    lesson l = lesson_make();
    lesson_open(&l);
    step_once(&l);
    ((float *)neck_trainable_values(l.model))[neck_trainable_size(l.model) - 1] = NAN;
    assert_step_fails(&l, NECK_E_NONFINITE, "step 2: ");
    neck_training_evaluation found = {.struct_size = sizeof found, .loss = 5};
    ck_assert_int_eq(neck_training_evaluate(NULL, l.training, &found), NECK_E_NONFINITE);
    ck_assert(found.loss == 5);
    lesson_end(&l);
}
END_TEST

/* One wrong thing each. */
static void no_model(lesson *l) { l->options.model = NULL; }
static void no_tokens(lesson *l) { l->options.tokens = NULL; }
static void no_batches(lesson *l) { l->options.batches = NULL; }
static void no_rule(lesson *l) { l->options.optimizer = NULL; }
static void bad_part(lesson *l) { l->batches.part = NECK_PART_VALIDATION; }
static void long_context(lesson *l) { l->batches.context_length = LESSON_CONTEXT + 1; }
static void short_text(lesson *l) { l->batches.validation_share = 0.005; }
static void negative(lesson *l) { l->options.accumulation = -1; }
static void bad_clip(lesson *l) { l->options.clip_norm = NAN; }
static void single_losses(lesson *l) { l->loss.token_loss = &l->loss.z_loss; }
static void capped(lesson *l) { l->loss.soft_cap = 3; }
static void summed(lesson *l) { l->loss.reduction = NECK_REDUCTION_SUM; }
static void no_rate(lesson *l) { l->optimizer.learning_rate = 0; }

static const struct mistake {
    const char *name, *fragment;
    void (*make)(lesson *l);
} mistakes[] = {
    {"no model", "model or tokens is NULL", no_model},
    {"no tokens", "model or tokens is NULL", no_tokens},
    {"no batches", "batches is NULL", no_batches},
    {"no optimizer", "optimizer is NULL", no_rule},
    {"a part", "batches.part must be 0", bad_part},
    {"a long context", "a context of 9 tokens for a model of 8", long_context},
    {"a short text", "the validation part has 4 tokens", short_text},
    {"accumulation", "accumulation or evaluation_windows is negative", negative},
    {"clip", "clip_norm is nan", bad_clip},
    {"losses of tokens", "results of single tokens", single_losses},
    {"a soft cap", "are the head's", capped},
    {"a sum", "takes the mean", summed},
    {"no learning rate", "learning_rate", no_rate},
};
enum { MISTAKES = sizeof mistakes / sizeof *mistakes };

START_TEST(options_that_make_no_sense_are_refused)
{
    const struct mistake *wrong = &mistakes[_i];
    lesson l = lesson_make();
    lesson_prepare(&l);
    wrong->make(&l);
    assert_fails(neck_training_create(NULL, &l.options, &l.training), NECK_E_ARGUMENT, wrong->fragment, wrong->name);
    ck_assert_ptr_null(l.training);
    lesson_end(&l);
}
END_TEST

static const struct misfit {
    const char *fragment;
    neck_status status;
    int32_t kind, without_head;
    int64_t rank;
} misfits[] = {
    {"has one of its own", NECK_E_ARGUMENT, NECK_HEAD_DENSE, 0, 0},
    {"the model has none", NECK_E_ARGUMENT, 0, 1, 0},
    {"has no place in a model folder", NECK_E_UNSUPPORTED, NECK_HEAD_MOS, 1, 9},
};

START_TEST(heads_that_do_not_fit_are_refused)
{
    lesson l = lesson_make();
    l.head_options.kind = misfits[_i].kind;
    l.head_options.rank = misfits[_i].rank;
    l.model_options.without_head = misfits[_i].without_head;
    lesson_prepare(&l);
    assert_fails(neck_training_create(NULL, &l.options, &l.training), misfits[_i].status, misfits[_i].fragment,
                 "a head");
    lesson_end(&l);
}
END_TEST

START_TEST(without_held_out_text_nothing_is_evaluated)
{
    lesson l = lesson_make();
    l.batches.validation_share = 0;
    lesson_open(&l);
    neck_training_evaluation found = {.struct_size = sizeof found};
    assert_fails(neck_training_evaluate(NULL, l.training, &found), NECK_E_STATE, "no text is held out", "evaluate");
    step_once(&l);
    lesson_end(&l);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("training");
    tcase_add_test(tests, loss_curve_is_that_of_pytorch);
    tcase_add_loop_test(tests, exported_models_have_the_loss_of_the_training, 0, FAMILIES);
    tcase_add_loop_test(tests, heads_of_every_kind_train, NECK_HEAD_DENSE, NECK_HEAD_PLIF + 1);
    tcase_add_test(tests, tied_heads_are_the_embedding);
    tcase_add_test(tests, accumulation_is_a_larger_batch);
    tcase_add_test(tests, threads_do_not_show);
    tcase_add_test(tests, evaluations_are_harmless);
    tcase_add_test(tests, read_access);
    tcase_add_test(tests, exploding_gradients_stop_a_step);
    tcase_add_test(tests, numbers_that_are_none_stop_a_step);
    tcase_add_loop_test(tests, options_that_make_no_sense_are_refused, 0, MISTAKES);
    tcase_add_loop_test(tests, heads_that_do_not_fit_are_refused, 0, (int)(sizeof misfits / sizeof *misfits));
    tcase_add_test(tests, without_held_out_text_nothing_is_evaluated);
    return run_suite("training", tests);
}
