/* tests/test_trainable.c - making, running and saving trainable models: what callers rely on beside the gradients. */
#include <sys/stat.h>

#include "train_support.h"

typedef struct shape {
    const char *family;
    int32_t tied;
    int64_t kv_heads;
} shape;

static const shape shapes[] = {
    {"gpt2", 0, 0},  {"gpt2", -1, 0},  {"gpt_neox", 0, 0}, {"gpt_neox", 1, 0}, {"opt", 0, 0},    {"llama", 0, 2},
    {"llama", 1, 4}, {"mistral", 0, 1}, {"qwen2", 0, 2},   {"qwen2", 1, 0},    {"gemma", 0, 1}, {"gemma2", 0, 2},
};
enum { SHAPES = sizeof shapes / sizeof *shapes, VOCABULARY = 67, BATCH = 3, LENGTH = 37 };

static neck_trainable_options options_of(const shape *s)
{
    return (neck_trainable_options){.struct_size = sizeof(neck_trainable_options), .family = s->family, .tied = s->tied,
                                    .kv_heads = s->kv_heads, .vocabulary = VOCABULARY, .layers = 3, .hidden_size = 32,
                                    .heads = 4, .context_length = 64, .seed = 11};
}

static neck_trainable *create(neck_context *context, neck_trainable_options options)
{
    neck_trainable *model = NULL;
    ck_assert_msg(neck_trainable_create(context, &options, &model) == NECK_OK, "%s", neck_last_error());
    return model;
}

static const int32_t *some_ids(void)
{
    static int32_t ids[BATCH * LENGTH];
    for (int i = 0; i < BATCH * LENGTH; i++) ids[i] = (i * i + 5 * i) % VOCABULARY;
    return ids;
}

static size_t bytes_of(const neck_trainable *model)
{
    return (size_t)neck_trainable_size(model) * (neck_trainable_dtype(model) == NECK_F64 ? 8 : 4);
}

/* ---- initial weights -------------------------------------------------------------------------------------------- */

static double deviation(const neck_parameter *p)
{
    double sum = 0;
    for (int64_t i = 0; i < p->rows * p->cols; i++) sum += pow(number_at(p->data, p->dtype, i), 2);
    return sqrt(sum / (double)(p->rows * p->cols));
}

static const neck_parameter *parameter_named(const neck_trainable *model, const char *name)
{
    int64_t count;
    const neck_parameter *parameters = neck_trainable_parameters(model, &count);
    for (int64_t i = 0; i < count; i++)
        if (strcmp(parameters[i].name, name) == 0) return &parameters[i];
    ck_abort_msg("no parameter %s", name);
    return NULL;
}

START_TEST(a_fresh_model_knows_nothing)
{
    neck_trainable *model = create(NULL, options_of(&shapes[_i]));
    double loss = loss_alone(model, some_ids(), BATCH, LENGTH, 0);
    ck_assert_double_eq_tol(loss, log(VOCABULARY), 0.3);
    neck_trainable_destroy(model);
}
END_TEST

START_TEST(initial_weights_are_those_of_the_recipes)
{
    neck_trainable_options options = options_of(&shapes[2]);
    options.hidden_size = 128;
    neck_trainable *neox = create(NULL, options);
    double usual = sqrt(2 / (5 * 128.0)), ending = 2 / (3 * sqrt(128.0));
    ck_assert_double_eq_tol(deviation(parameter_named(neox, "gpt_neox.embed_in.weight")), usual, 2e-3);
    ck_assert_double_eq_tol(deviation(parameter_named(neox, "gpt_neox.layers.2.mlp.dense_h_to_4h.weight")), usual,
                            1e-3);
    ck_assert_double_eq_tol(deviation(parameter_named(neox, "gpt_neox.layers.1.attention.dense.weight")), ending, 1e-3);
    ck_assert_double_eq_tol(deviation(parameter_named(neox, "gpt_neox.layers.1.mlp.dense_4h_to_h.weight")), ending,
                            1e-3);
    ck_assert_double_eq(deviation(parameter_named(neox, "gpt_neox.layers.1.mlp.dense_4h_to_h.bias")), 0);
    ck_assert_double_eq(deviation(parameter_named(neox, "gpt_neox.final_layer_norm.weight")), 1);
    neck_trainable_destroy(neox);
    options.initializer = NECK_INITIALIZER_GPT2;
    neck_trainable *gpt2 = create(NULL, options);
    ck_assert_double_eq_tol(deviation(parameter_named(gpt2, "gpt_neox.embed_in.weight")), 0.02, 5e-4);
    ck_assert_double_eq_tol(deviation(parameter_named(gpt2, "gpt_neox.layers.1.attention.dense.weight")),
                            0.02 / sqrt(6), 3e-4);
    neck_trainable_destroy(gpt2);
}
END_TEST

START_TEST(the_seed_makes_the_weights)
{
    neck_trainable_options options = options_of(&shapes[0]), other = options;
    other.seed = 12;
    neck_trainable *a = create(NULL, options), *b = create(NULL, options), *c = create(NULL, other);
    ck_assert_mem_eq(neck_trainable_values(a), neck_trainable_values(b), bytes_of(a));
    ck_assert(memcmp(neck_trainable_values(a), neck_trainable_values(c), bytes_of(a)) != 0);
    neck_trainable_destroy(a);
    neck_trainable_destroy(b);
    neck_trainable_destroy(c);
}
END_TEST

START_TEST(parameters_lie_in_one_buffer_and_know_what_they_are)
{
    neck_trainable *model = create(NULL, options_of(&shapes[_i]));
    int64_t count, at = 0;
    int32_t tied;
    const neck_parameter *p = neck_trainable_parameters(model, &count), *head = neck_trainable_head(model, &tied);
    for (int64_t i = 0; i < count; i++) {
        ck_assert_ptr_eq(p[i].data, (float *)neck_trainable_values(model) + at);
        ck_assert_ptr_eq(p[i].gradient, (float *)neck_trainable_gradients(model) + at);
        int is_vector = p[i].rows == 1;
        int is_table = p[i].rows == VOCABULARY || strstr(p[i].name, "pos") || strstr(p[i].name, "wpe");
        ck_assert_int_eq((p[i].flags & NECK_PARAMETER_NO_DECAY) != 0, is_vector);
        ck_assert_int_eq((p[i].flags & NECK_PARAMETER_NO_MUON) != 0, is_vector || is_table);
        at += p[i].rows * p[i].cols;
    }
    ck_assert_int_eq(at, neck_trainable_size(model));
    ck_assert_int_eq(head->rows, VOCABULARY);
    ck_assert_int_eq(head->cols, 32);
    int is_embedding = strstr(head->name, "embed_tokens") || strstr(head->name, "wte")
        || strstr(head->name, "embed_in");
    ck_assert_int_eq(tied != 0, is_embedding);
    if (shapes[_i].tied) ck_assert_int_eq(tied, shapes[_i].tied > 0);
    neck_trainable_destroy(model);
}
END_TEST

/* ---- passes ----------------------------------------------------------------------------------------------------- */

static neck_context *with_threads(int32_t threads)
{
    neck_context_options options = {.struct_size = sizeof options, .threads = threads};
    neck_context *context = NULL;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    return context;
}

/* Several blocks of rows and of keys, a length that no strip divides. */
enum { LONG = 300 };

static neck_trainable *long_model(neck_context *context, int32_t recompute, int32_t which)
{
    neck_trainable_options options = options_of(&shapes[which]);
    options.context_length = LONG;
    options.recompute = recompute;
    options.dropout = options.attention_dropout = 0.1;
    return create(context, options);
}

START_TEST(threads_and_recomputation_change_no_bit)
{
    static int32_t ids[2 * LONG];
    for (int i = 0; i < 2 * LONG; i++) ids[i] = (i * 31) % VOCABULARY;
    neck_context *one = with_threads(1), *three = with_threads(3);
    neck_trainable *a = long_model(one, 0, _i), *b = long_model(three, 0, _i), *c = long_model(three, 1, _i);
    double loss = loss_and_gradients(one, a, ids, 2, LONG, 7);
    ck_assert_double_eq(loss, loss_and_gradients(three, b, ids, 2, LONG, 7));
    ck_assert_double_eq(loss, loss_and_gradients(three, c, ids, 2, LONG, 7));
    ck_assert_mem_eq(neck_trainable_gradients(a), neck_trainable_gradients(b), bytes_of(a));
    ck_assert_mem_eq(neck_trainable_gradients(a), neck_trainable_gradients(c), bytes_of(a));
    ck_assert_int_lt(neck_trainable_bytes(c), neck_trainable_bytes(b));
    neck_trainable_destroy(a);
    neck_trainable_destroy(b);
    neck_trainable_destroy(c);
    neck_context_destroy(one);
    neck_context_destroy(three);
}
END_TEST

/* Single precision agrees with double on lengths that fill strips and blocks partly. */
START_TEST(precisions_agree)
{
    static int32_t ids[2 * LONG];
    for (int i = 0; i < 2 * LONG; i++) ids[i] = (i * 31) % VOCABULARY;
    neck_trainable_options options = options_of(&shapes[_i]);
    options.context_length = LONG;
    neck_trainable *single = create(NULL, options);
    options.dtype = NECK_F64;
    neck_trainable *dual = create(NULL, options);
    const float *f = neck_trainable_gradients(single);
    const double *d = neck_trainable_gradients(dual);
    /* The same weights to the last bit. */
    for (int64_t i = 0; i < neck_trainable_size(dual); i++)
        ((double *)neck_trainable_values(dual))[i] = (double)((const float *)neck_trainable_values(single))[i];
    double loss = loss_and_gradients(NULL, single, ids, 2, LONG, 0);
    ck_assert_double_eq_tol(loss, loss_and_gradients(NULL, dual, ids, 2, LONG, 0), 1e-5);
    double most = 0;
    for (int64_t i = 0; i < neck_trainable_size(dual); i++) most = fmax(most, fabs(d[i]));
    for (int64_t i = 0; i < neck_trainable_size(dual); i++) ck_assert_double_eq_tol((double)f[i], d[i], 1e-5 * most);
    neck_trainable_destroy(single);
    neck_trainable_destroy(dual);
}
END_TEST

START_TEST(gradients_add_up_and_are_cleared)
{
    neck_trainable *model = create(NULL, options_of(&shapes[5]));
    size_t bytes = bytes_of(model);
    const float *gradients = neck_trainable_gradients(model);
    float *once = malloc(bytes);
    loss_and_gradients(NULL, model, some_ids(), BATCH, LENGTH, 0);
    memcpy(once, gradients, bytes);
    loss_and_gradients(NULL, model, some_ids(), BATCH, LENGTH, 0);
    for (int64_t i = 0; i < neck_trainable_size(model); i++)
        ck_assert_double_eq_tol((double)gradients[i], 2 * (double)once[i], 1e-6);
    neck_trainable_clear_gradients(NULL, model);
    for (int64_t i = 0; i < neck_trainable_size(model); i++) ck_assert(gradients[i] == 0);
    free(once);
    neck_trainable_destroy(model);
}
END_TEST

START_TEST(dropout_is_drawn_from_the_step_and_spares_evaluation)
{
    neck_trainable_options options = options_of(&shapes[0]), plain = options;
    options.dropout = 0.3;
    options.attention_dropout = 0.2;
    neck_trainable *model = create(NULL, options), *without = create(NULL, plain);
    double first = loss_alone(model, some_ids(), BATCH, LENGTH, 1),
        second = loss_alone(model, some_ids(), BATCH, LENGTH, 2);
    ck_assert(first != second);
    ck_assert_double_eq(first, loss_alone(model, some_ids(), BATCH, LENGTH, 1));
    ck_assert_double_eq(loss_alone(model, some_ids(), BATCH, LENGTH, NECK_EVALUATION),
                        loss_alone(without, some_ids(), BATCH, LENGTH, 3));
    neck_trainable_destroy(model);
    neck_trainable_destroy(without);
}
END_TEST

typedef struct seen {
    const neck_trainable *model;
    int layers;
} seen;

static int32_t compare_layer(void *user, const neck_states *states)
{
    seen *s = user;
    neck_matrix ours;
    ck_assert_int_eq(neck_trainable_states(s->model, states->layer, &ours), NECK_OK);
    ck_assert_int_eq(ours.rows, states->matrix.rows);
    ck_assert_int_eq(ours.cols, states->matrix.cols);
    for (int64_t i = 0; i < ours.rows * ours.cols; i++)
        ck_assert_double_eq_tol((double)((const float *)ours.data)[i], (double)((const float *)states->matrix.data)[i],
                                1e-4);
    s->layers++;
    return 0;
}

/* The states of every layer are those of the model opened for reading. */
START_TEST(states_of_every_layer_can_be_had)
{
    char path[PATH_CAPACITY], inner[256];
    neck_trainable *model = open_tiny(tiny_models[_i], (neck_trainable_options){.dtype = NECK_F32});
    neck_model *reader = NULL;
    neck_matrix states;
    seen s = {model, 0};
    int32_t ids[38];
    for (int i = 0; i < 38; i++) ids[i] = i * i % 61;
    snprintf(inner, sizeof inner, "tests/golden/models/%s", tiny_models[_i]);
    source_path(path, inner);
    ck_assert_int_eq(neck_trainable_states(model, 0, &states), NECK_E_STATE);
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 2, 19, NECK_EVALUATION, &states), NECK_OK);
    ck_assert_int_eq(neck_trainable_states(model, neck_trainable_layers(model) + 1, &states), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_model_open(NULL, path, NULL, &reader), NECK_OK);
    neck_forward_options options = {.struct_size = sizeof options, .states = compare_layer, .states_user = &s};
    ck_assert_int_eq(neck_model_forward(NULL, reader, ids, 2, 19, &options), NECK_OK);
    ck_assert_int_eq(s.layers, neck_trainable_layers(model) + 1);
    neck_model_destroy(reader);
    neck_trainable_destroy(model);
}
END_TEST

START_TEST(room_is_reserved_once)
{
    neck_trainable *model = create(NULL, options_of(&shapes[0]));
    int64_t bytes = 0, smaller = 0;
    ck_assert_int_eq(neck_trainable_bytes(model), 0);
    ck_assert_int_eq(neck_trainable_reserve(NULL, model, BATCH, LENGTH, &bytes), NECK_OK);
    ck_assert_int_eq(neck_trainable_bytes(model), bytes);
    double loss = loss_alone(model, some_ids(), BATCH, LENGTH, 0);
    ck_assert_int_eq(neck_trainable_reserve(NULL, model, 1, LENGTH, &smaller), NECK_OK);
    ck_assert_int_lt(smaller, bytes);
    loss_alone(model, some_ids(), 1, LENGTH, 0);
    ck_assert_double_eq(loss_alone(model, some_ids(), BATCH, LENGTH, 0), loss);
    ck_assert_int_eq(neck_trainable_bytes(model), bytes);
    neck_trainable_destroy(model);
}
END_TEST

/* ---- folders ---------------------------------------------------------------------------------------------------- */

static void scratch_folder(char path[PATH_CAPACITY])
{
    const char *root = getenv("TMPDIR");
    snprintf(path, PATH_CAPACITY, "%s/neck_trainable_XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static void remove_model(const char *folder)
{
    char path[PATH_CAPACITY + 32];
    snprintf(path, sizeof path, "%s/config.json", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/model.safetensors", folder);
    unlink(path);
    rmdir(folder);
}

/* What is saved is what is opened: as a trainable model with the same bits, as a model with the same loss. */
START_TEST(a_saved_folder_is_the_model)
{
    char folder[PATH_CAPACITY];
    neck_trainable *model = create(NULL, options_of(&shapes[_i])), *again = NULL;
    neck_model *reader = NULL;
    scratch_folder(folder);
    ck_assert_msg(neck_trainable_save(NULL, model, folder, NULL) == NECK_OK, "%s", neck_last_error());
    ck_assert_msg(neck_trainable_open(NULL, folder, NULL, &again) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_trainable_size(again), neck_trainable_size(model));
    ck_assert_mem_eq(neck_trainable_values(again), neck_trainable_values(model), bytes_of(model));
    ck_assert_str_eq(neck_trainable_config(again), neck_trainable_config(model));
    ck_assert_msg(neck_model_open(NULL, folder, NULL, &reader) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_model_parameters(reader), neck_trainable_size(model));
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_int_eq(neck_model_loss(NULL, reader, some_ids(), BATCH, LENGTH, NULL, &loss), NECK_OK);
    ck_assert_double_eq_tol(loss.loss, loss_alone(model, some_ids(), BATCH, LENGTH, NECK_EVALUATION), 1e-6);
    neck_model_destroy(reader);
    neck_trainable_destroy(again);
    neck_trainable_destroy(model);
    remove_model(folder);
}
END_TEST

START_TEST(a_model_without_a_head_is_saved_with_one)
{
    char folder[PATH_CAPACITY];
    neck_trainable_options options = options_of(&shapes[2]);
    options.without_head = 1;
    neck_trainable *model = create(NULL, options), *again = NULL;
    float head[VOCABULARY * 32];
    for (int i = 0; i < VOCABULARY * 32; i++) head[i] = (float)i;
    neck_matrix view = {head, VOCABULARY, 32, 0, NECK_F32, 0}, narrow = {head, VOCABULARY, 31, 0, NECK_F32, 0};
    scratch_folder(folder);
    ck_assert_ptr_null(neck_trainable_head(model, NULL));
    ck_assert_int_eq(neck_trainable_save(NULL, model, folder, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_trainable_save(NULL, model, folder, &narrow), NECK_E_ARGUMENT);
    ck_assert_msg(neck_trainable_save(NULL, model, folder, &view) == NECK_OK, "%s", neck_last_error());
    ck_assert_msg(neck_trainable_open(NULL, folder, NULL, &again) == NECK_OK, "%s", neck_last_error());
    ck_assert_mem_eq(neck_trainable_head(again, NULL)->data, head, sizeof head);
    ck_assert_int_eq(neck_trainable_save(NULL, again, folder, &view), NECK_E_ARGUMENT);
    neck_trainable_destroy(again);
    neck_trainable_destroy(model);
    remove_model(folder);
}
END_TEST

/* ---- refusals --------------------------------------------------------------------------------------------------- */

static void refuse(neck_trainable_options options, neck_status status, const char *fragment)
{
    neck_trainable *model = NULL;
    ck_assert_int_eq(neck_trainable_create(NULL, &options, &model), status);
    ck_assert_msg(strstr(neck_last_error(), fragment), "'%s' lacks '%s'", neck_last_error(), fragment);
    ck_assert_ptr_null(model);
}

START_TEST(what_cannot_be_made_is_refused_by_name)
{
    neck_trainable_options good = options_of(&shapes[0]), o;
    o = good, o.family = "mamba", refuse(o, NECK_E_UNSUPPORTED, "mamba");
    o = good, o.layers = 0, refuse(o, NECK_E_ARGUMENT, "layers");
    o = good, o.vocabulary = 0, refuse(o, NECK_E_ARGUMENT, "vocabulary");
    o = good, o.heads = 5, refuse(o, NECK_E_ARGUMENT, "heads");
    o = good, o.kv_heads = 2, refuse(o, NECK_E_ARGUMENT, "kv_heads");
    o = good, o.head_size = 7, refuse(o, NECK_E_ARGUMENT, "head_size");
    o = good, o.activation = "mish", refuse(o, NECK_E_UNSUPPORTED, "mish");
    o = good, o.dropout = 1, refuse(o, NECK_E_ARGUMENT, "dropout");
    o = good, o.attention_dropout = -0.1, refuse(o, NECK_E_ARGUMENT, "attention_dropout");
    o = good, o.dtype = NECK_F16, refuse(o, NECK_E_ARGUMENT, "dtype");
    o = good, o.initializer = 9, refuse(o, NECK_E_ARGUMENT, "initializer");
    o = good, o.tied = 2, refuse(o, NECK_E_ARGUMENT, "tied");
    o = good, o.config = "{}", refuse(o, NECK_E_ARGUMENT, "config");
    o = (neck_trainable_options){.struct_size = sizeof o, .config = "{}"}, refuse(o, NECK_E_FORMAT, "model_type");
}
END_TEST

START_TEST(what_is_not_a_model_folder_is_refused)
{
    char path[PATH_CAPACITY];
    neck_trainable *model = NULL;
    source_path(path, "tests/golden/models/llama.gguf");
    ck_assert_int_eq(neck_trainable_open(NULL, path, NULL, &model), NECK_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "gguf"));
    source_path(path, "examples/data/stories260K/stories260K.bin");
    ck_assert_int_eq(neck_trainable_open(NULL, path, NULL, &model), NECK_E_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "llama2.c"));
    ck_assert_int_eq(neck_trainable_open(NULL, "/nonexistent", NULL, &model), NECK_E_IO);
    neck_trainable_options sized = options_of(&shapes[0]);
    source_path(path, "tests/golden/models/gpt2");
    ck_assert_int_eq(neck_trainable_open(NULL, path, &sized, &model), NECK_E_ARGUMENT);
    ck_assert_ptr_null(model);
}
END_TEST

START_TEST(bad_passes_are_refused)
{
    neck_trainable *model = create(NULL, options_of(&shapes[0]));
    neck_matrix states = {0};
    int32_t ids[4] = {1, 2, VOCABULARY, 3};
    float d[4 * 32] = {0};
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 1, 4, 0, &states), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "position 2"));
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 0, 4, 0, &states), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 1, 65, 0, &states), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 1, 2, -2, &states), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_trainable_backward(NULL, model, d), NECK_E_STATE);
    ck_assert_ptr_null(states.data);
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 1, 2, 0, &states), NECK_OK);
    ck_assert_int_eq(neck_trainable_backward(NULL, model, d), NECK_OK);
    ck_assert_int_eq(neck_trainable_backward(NULL, model, d), NECK_E_STATE);
    ((float *)neck_trainable_values(model))[40] = NAN; /* of token 1 */
    ck_assert_int_eq(neck_trainable_forward(NULL, model, ids, 1, 2, 0, &states), NECK_E_NONFINITE);
    ck_assert_int_eq(neck_trainable_backward(NULL, model, d), NECK_E_STATE);
    neck_trainable_destroy(model);
    neck_trainable_destroy(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("trainable");
    tcase_set_timeout(tcase, 60);
    tcase_add_loop_test(tcase, a_fresh_model_knows_nothing, 0, SHAPES);
    tcase_add_test(tcase, initial_weights_are_those_of_the_recipes);
    tcase_add_test(tcase, the_seed_makes_the_weights);
    tcase_add_loop_test(tcase, parameters_lie_in_one_buffer_and_know_what_they_are, 0, SHAPES);
    tcase_add_loop_test(tcase, threads_and_recomputation_change_no_bit, 0, SHAPES);
    tcase_add_loop_test(tcase, precisions_agree, 0, SHAPES);
    tcase_add_test(tcase, gradients_add_up_and_are_cleared);
    tcase_add_test(tcase, dropout_is_drawn_from_the_step_and_spares_evaluation);
    tcase_add_loop_test(tcase, states_of_every_layer_can_be_had, 0, TINY_MODELS);
    tcase_add_test(tcase, room_is_reserved_once);
    tcase_add_loop_test(tcase, a_saved_folder_is_the_model, 0, SHAPES);
    tcase_add_test(tcase, a_model_without_a_head_is_saved_with_one);
    tcase_add_test(tcase, what_cannot_be_made_is_refused_by_name);
    tcase_add_test(tcase, what_is_not_a_model_folder_is_refused);
    tcase_add_test(tcase, bad_passes_are_refused);
    return run_suite("trainable", tcase);
}
