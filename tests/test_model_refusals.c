/* tests/test_model_refusals.c - configurations that lie, options that are not supported, bad arguments, memory that
 * runs out: one clear line each. */
#include <check.h>
#include <jansson.h>

#include "format_support.h"

/* One change to the configuration of a golden model, and the answer. */
typedef struct change {
    const char *model, *key, *value; /* JSON; NULL: the key is removed */
    neck_status status;
    const char *fragment;
} change;

static const change changes[] = {
    /* what is not supported, by name */
    {"llama", "model_type", "\"mamba\"", NECK_E_UNSUPPORTED, "architecture 'mamba'"},
    {"llama", "hidden_act", "\"mish\"", NECK_E_UNSUPPORTED, "activation 'mish'"},
    {"llama", "quantization_config", "{\"bits\": 4}", NECK_E_UNSUPPORTED, "'quantization_config'"},
    {"llama", "rope_parameters", "{\"rope_type\": \"yarn\", \"factor\": 2}", NECK_E_UNSUPPORTED,
     "rope scaling 'yarn'"},
    {"llama", "rope_scaling", "{\"type\": \"linear\", \"factor\": 0}", NECK_OK, NULL}, /* rope_parameters go first */
    {"llama", "rope_interleaved", "true", NECK_E_UNSUPPORTED, "'rope_interleaved'"},
    {"llama", "rope_interleaved", "false", NECK_OK, NULL},
    {"qwen2", "use_mrope", "true", NECK_E_UNSUPPORTED, "'use_mrope'"},
    {"gpt2", "add_cross_attention", "true", NECK_E_UNSUPPORTED, "'add_cross_attention'"},
    {"gemma", "use_bidirectional_attention", "true", NECK_E_UNSUPPORTED, "'use_bidirectional_attention'"},
    {"gemma2", "layer_types", "[\"full_attention\", \"chunked_attention\"]", NECK_E_UNSUPPORTED,
     "'chunked_attention'"},
    {"opt", "layer_norm_elementwise_affine", "false", NECK_E_UNSUPPORTED, "norms without weights"},
    {"llama", "head_dim", "512", NECK_E_UNSUPPORTED, "heads of size 512"},
    /* what makes no sense */
    {"llama", "model_type", NULL, NECK_E_FORMAT, "no 'model_type'"},
    {"llama", "model_type", "7", NECK_E_FORMAT, "'model_type' is not text"},
    {"llama", "hidden_size", NULL, NECK_E_FORMAT, "no 'hidden_size'"},
    {"llama", "hidden_size", "-16", NECK_E_FORMAT, "'hidden_size' is not a whole number"},
    {"llama", "hidden_size", "1e300", NECK_E_FORMAT, "'hidden_size' is not a whole number"},
    {"llama", "vocab_size", "99999999999", NECK_E_FORMAT, "'vocab_size' is not a whole number"},
    {"llama", "num_hidden_layers", "0", NECK_E_FORMAT, "'num_hidden_layers' is not a whole number"},
    {"llama", "num_hidden_layers", "100000", NECK_E_FORMAT,
     "'num_hidden_layers' is not a whole number from 1 to 1024"},
    {"llama", "num_key_value_heads", "3", NECK_E_FORMAT, "4 heads are not a multiple of 3"},
    {"gpt2", "n_head", "3", NECK_E_FORMAT, "width 16 does not split into 3 heads"},
    {"llama", "rms_norm_eps", "-1", NECK_E_FORMAT, "'rms_norm_eps' is not a positive number"},
    {"llama", "rope_parameters", "[]", NECK_E_FORMAT, "not an object"},
    {"llama", "tie_word_embeddings", "\"yes\"", NECK_E_FORMAT, "'tie_word_embeddings' is neither true nor false"},
    {"llama", "rope_parameters",
     "{\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}", NECK_E_FORMAT,
     "'high_freq_factor' is not above"},
    {"neox", "rope_parameters", "{\"partial_rotary_factor\": 1.5}", NECK_E_FORMAT, "more than the whole of a head"},
    {"neox", "rope_parameters", "{\"partial_rotary_factor\": 0.4}", NECK_E_FORMAT, "3 rotated numbers a head"},
    {"gemma2", "layer_types", "[\"full_attention\"]", NECK_E_FORMAT, "'layer_types' is not a list of 2"},
    {"gemma2", "sliding_window", "0", NECK_E_FORMAT, "'sliding_window'"},
    {"qwen2", "max_window_layers", "\"all\"", NECK_E_FORMAT, "'max_window_layers'"},
    /* what the weights contradict */
    {"llama", "vocab_size", "60", NECK_E_FORMAT,
     "'model.embed_tokens.weight' has shape 61 x 16: the configuration says 60 x 16"},
    {"llama", "intermediate_size", "37", NECK_E_FORMAT, "has shape 36 x 16: the configuration says 37 x 16"},
    {"llama", "num_hidden_layers", "1", NECK_E_FORMAT, "only 1 layers"},
    {"llama", "num_hidden_layers", "3", NECK_E_NOT_FOUND, "no tensor 'model.layers.2."},
    {"llama", "num_key_value_heads", "4", NECK_E_FORMAT, "k_proj.weight' has shape 8 x 16"},
    {"llama", "tie_word_embeddings", "false", NECK_E_NOT_FOUND, "no tensor 'lm_head.weight'"},
    {"llama", "attention_bias", "true", NECK_E_NOT_FOUND, "q_proj.bias"},
    {"llama_biased", "attention_bias", "false", NECK_E_FORMAT, "q_proj.bias', but the configuration has no place"},
    {"llama_biased", "mlp_bias", "false", NECK_E_FORMAT, "no place for it"},
    {"gpt2", "n_positions", "63", NECK_E_FORMAT, "wpe.weight' has shape 64 x 16"},
    {"gpt2", "n_inner", "20", NECK_E_FORMAT, "mlp.c_fc.weight' has shape 16 x 64: the configuration says 16 x 20"},
    {"opt_projected", "word_embed_proj_dim", "16", NECK_E_FORMAT, "embed_tokens.weight' has shape 61 x 12"},
    {"neox", "model_type", "\"gpt2\"", NECK_E_FORMAT, "no 'n_embd'"},
    {"gemma2", "model_type", "\"opt\"", NECK_E_FORMAT, "no 'ffn_dim'"},
    {"gemma", "model_type", "\"gemma2\"", NECK_E_NOT_FOUND, "pre_feedforward_layernorm"},
};
enum { CHANGES = sizeof changes / sizeof *changes };

/* A scratch folder with the weights of a golden model and a configuration of one's own. */
static void make_folder(char folder[PATH_CAPACITY], const char *model, const char *config)
{
    char from[PATH_CAPACITY], absolute[PATH_CAPACITY], to[PATH_CAPACITY], inner[256];
    scratch_make(folder);
    snprintf(inner, sizeof inner, "tests/golden/models/%s/model.safetensors", model);
    source_path(from, inner);
    ck_assert_ptr_nonnull(realpath(from, absolute));
    scratch_file(to, folder, "model.safetensors");
    ck_assert_int_eq(symlink(absolute, to), 0);
    if (!config) return;
    scratch_file(to, folder, "config.json");
    FILE *file = fopen(to, "w");
    ck_assert_ptr_nonnull(file);
    fputs(config, file);
    fclose(file);
}

static char *changed_config(const change *c)
{
    char path[PATH_CAPACITY], inner[256];
    snprintf(inner, sizeof inner, "tests/golden/models/%s/config.json", c->model);
    source_path(path, inner);
    json_t *root = json_load_file(path, 0, NULL);
    ck_assert_ptr_nonnull(root);
    if (c->value)
        json_object_set_new(root, c->key, json_loads(c->value, JSON_DECODE_ANY, NULL));
    else
        json_object_del(root, c->key);
    char *text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    return text;
}

static void assert_opens(const char *folder, neck_status status, const char *fragment)
{
    neck_model *model = NULL;
    neck_status found = neck_model_open(NULL, folder, NULL, &model);
    if (status == NECK_OK)
        ck_assert_msg(found == NECK_OK, "%s", neck_last_error());
    else
        assert_fails(found, status, fragment, folder);
    ck_assert_msg(status == NECK_OK || (strstr(neck_last_error(), folder) && !strchr(neck_last_error(), '\n')),
                  "not one line with the path: %s", neck_last_error());
    ck_assert_int_eq(model != NULL, status == NECK_OK);
    neck_model_destroy(model);
}

START_TEST(a_changed_configuration_is_answered)
{
    const change *c = &changes[_i];
    char folder[PATH_CAPACITY], *config = changed_config(c);
    make_folder(folder, c->model, config);
    assert_opens(folder, c->status, c->fragment);
    scratch_remove(folder);
    free(config);
}
END_TEST

START_TEST(no_configuration_no_model)
{
    char folder[PATH_CAPACITY];
    make_folder(folder, "llama", NULL);
    assert_opens(folder, NECK_E_NOT_FOUND, "no config.json");
    scratch_remove(folder);
    make_folder(folder, "llama", "{");
    assert_opens(folder, NECK_E_FORMAT, "JSON");
    scratch_remove(folder);
    make_folder(folder, "llama", "[1]");
    assert_opens(folder, NECK_E_FORMAT, "not an object");
    scratch_remove(folder);
}
END_TEST

/* A GGUF model with one value of its metadata overwritten by bytes of the same length. */
static const struct {
    const char *model, *key;
    size_t skip; /* from the end of the key to the value */
    const char *bytes;
    size_t size;
    neck_status status;
    const char *fragment;
} overwritten[] = {
    {"gpt2", "general.architecture", 4 + 8, "bert", 4, NECK_E_UNSUPPORTED, "architecture 'bert' is not supported"},
    {"gpt2", "general.architecture", 4 + 8, "gpt3", 4, NECK_E_UNSUPPORTED, "'gpt3'"},
    {"gpt2", "gpt2.block_count", 4, "\3\0\0\0", 4, NECK_E_NOT_FOUND, "no tensor 'blk.2."},
    {"gpt2", "gpt2.block_count", 4, "\1\0\0\0", 4, NECK_E_FORMAT, "only 1 layers"},
    {"gpt2", "gpt2.block_count", 4, "\0\0\0\0", 4, NECK_E_FORMAT, "'gpt2.block_count' is 0"},
    {"gpt2", "gpt2.embedding_length", 4, "\21\0\0\0", 4, NECK_E_FORMAT, "token_embd.weight' has shape 61 x 16"},
    {"llama", "llama.attention.head_count_kv", 4, "\3\0\0\0", 4, NECK_E_FORMAT, "not a multiple of 3"},
    {"llama", "llama.attention.value_length", 4, "\6\0\0\0", 4, NECK_E_UNSUPPORTED, "values of size 6"},
    {"llama", "llama.rope.dimension_count", 4, "\3\0\0\0", 4, NECK_E_FORMAT, "pairs"},
    {"llama", "llama.rope.freq_base", 4, "\0\0\300\377", 4, NECK_E_FORMAT, "'llama.rope.freq_base'"},
};
enum { OVERWRITTEN = sizeof overwritten / sizeof *overwritten };

START_TEST(a_changed_gguf_file_is_answered)
{
    char folder[PATH_CAPACITY], path[PATH_CAPACITY], inner[256];
    snprintf(inner, sizeof inner, "tests/golden/models/%s.gguf", overwritten[_i].model);
    neck__mapping *file = map_source(inner);
    char *bytes = malloc((size_t)file->size);
    memcpy(bytes, file->data, (size_t)file->size);
    size_t length = strlen(overwritten[_i].key);
    char *found = NULL;
    for (char *p = bytes; !found && p + length < bytes + file->size; p++)
        if (memcmp(p, overwritten[_i].key, length) == 0) found = p;
    ck_assert_ptr_nonnull(found);
    memcpy(found + length + overwritten[_i].skip, overwritten[_i].bytes, overwritten[_i].size);
    scratch_make(folder);
    scratch_file(path, folder, "changed.gguf");
    FILE *out = fopen(path, "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(bytes, 1, (size_t)file->size, out), (size_t)file->size);
    fclose(out);
    assert_opens(path, overwritten[_i].status, overwritten[_i].fragment);
    free(bytes);
    neck__mapping_close(file);
    scratch_remove(folder);
}
END_TEST

static neck_model *open_golden(const char *name, neck_context *context)
{
    char path[PATH_CAPACITY], inner[256];
    neck_model *model = NULL;
    snprintf(inner, sizeof inner, "tests/golden/models/%s", name);
    source_path(path, inner);
    ck_assert_msg(neck_model_open(context, path, NULL, &model) == NECK_OK, "%s", neck_last_error());
    return model;
}

START_TEST(bad_arguments_are_named)
{
    neck_model *model = open_golden("gpt2", NULL), *untouched = model;
    neck_model_options bad_cap = {.struct_size = sizeof bad_cap, .memory_cap = -1};
    int32_t ids[100] = {1, 2, 3, 4}, wrong[] = {1, 61, 2}, negative[] = {-1, 1, 2}, targets[] = {5, 61, 1},
            none[] = {-1, -1, -1};
    int64_t lengths[] = {4}, zero[] = {0};
    float logits[4 * 61];
    neck_loss loss = {.struct_size = sizeof loss, .loss = 42}, unset = {0};
    neck_forward_options with_lengths = {.struct_size = sizeof with_lengths, .lengths = lengths};
    neck_forward_options with_zero = {.struct_size = sizeof with_zero, .lengths = zero};
    neck_forward_options with_targets = {.struct_size = sizeof with_targets, .targets = targets};
    neck_forward_options with_none = {.struct_size = sizeof with_none, .targets = none};
    assert_fails(neck_model_open(NULL, NULL, NULL, &model), NECK_E_ARGUMENT, "path is NULL", "open");
    assert_fails(neck_model_open(NULL, "x", &bad_cap, &model), NECK_E_ARGUMENT, "memory_cap", "open");
    assert_fails(neck_model_open(NULL, "/nowhere/at/all", NULL, &model), NECK_E_IO, "/nowhere/at/all", "open");
    ck_assert_ptr_eq(model, untouched);
    assert_fails(neck_model_forward(NULL, NULL, ids, 1, 3, NULL), NECK_E_ARGUMENT, "NULL", "forward");
    assert_fails(neck_model_forward(NULL, model, NULL, 1, 3, NULL), NECK_E_ARGUMENT, "NULL", "forward");
    assert_fails(neck_model_forward(NULL, model, ids, 0, 3, NULL), NECK_E_ARGUMENT, "0 x 3", "forward");
    assert_fails(neck_model_forward(NULL, model, ids, 1, -1, NULL), NECK_E_ARGUMENT, "1 x -1", "forward");
    assert_fails(neck_model_forward(NULL, model, ids, INT64_MAX, 2, NULL), NECK_E_ARGUMENT, "2^31", "forward");
    assert_fails(neck_model_forward(NULL, model, ids, 1, 65, NULL), NECK_E_ARGUMENT, "only 64 positions", "forward");
    assert_fails(neck_model_forward(NULL, model, wrong, 1, 3, NULL), NECK_E_ARGUMENT,
                 "token id 61 (sequence 0, position 1) is outside the vocabulary of 61", "forward");
    assert_fails(neck_model_forward(NULL, model, negative, 1, 3, NULL), NECK_E_ARGUMENT, "token id -1", "forward");
    assert_fails(neck_model_forward(NULL, model, ids, 1, 3, &with_lengths), NECK_E_ARGUMENT, "lengths[0] is 4",
                 "forward");
    assert_fails(neck_model_forward(NULL, model, ids, 1, 3, &with_zero), NECK_E_ARGUMENT, "lengths[0] is 0", "forward");
    assert_fails(neck_model_loss(NULL, model, ids, 1, 3, &with_targets, &loss), NECK_E_ARGUMENT, "targets[1] is 61",
                 "loss");
    assert_fails(neck_model_loss(NULL, model, ids, 1, 3, &with_none, &loss), NECK_E_ARGUMENT, "no position", "loss");
    assert_fails(neck_model_loss(NULL, model, ids, 1, 1, NULL, &loss), NECK_E_ARGUMENT, "no position", "loss");
    assert_fails(neck_model_loss(NULL, model, ids, 1, 3, NULL, &unset), NECK_E_ARGUMENT, "struct_size", "loss");
    assert_fails(neck_model_loss(NULL, model, ids, 1, 3, NULL, NULL), NECK_E_ARGUMENT, "NULL", "loss");
    assert_fails(neck_model_logits(NULL, model, ids, 1, 3, NULL, NULL), NECK_E_ARGUMENT, "NULL", "logits");
    ck_assert_double_eq(loss.loss, 42);
    ck_assert_int_eq(neck_model_logits(NULL, model, ids, 1, 4, NULL, logits), NECK_OK);
    neck_model_destroy(model);
}
END_TEST

static int32_t stop_at_layer_1(void *user, const neck_states *states)
{
    ++*(int *)user;
    return states->layer == 1;
}

static int32_t stop_loading(void *user, const neck_progress *progress)
{
    (void)progress;
    return ++*(int *)user > 1;
}

START_TEST(callbacks_cancel)
{
    neck_model *model = open_golden("gpt2", NULL), *other = NULL;
    int32_t ids[] = {1, 2, 3};
    int calls = 0;
    char path[PATH_CAPACITY];
    neck_forward_options options = {.struct_size = sizeof options, .states = stop_at_layer_1, .states_user = &calls};
    assert_fails(neck_model_forward(NULL, model, ids, 1, 3, &options), NECK_E_CANCELLED, "at layer 1", "forward");
    ck_assert_int_eq(calls, 2);
    neck_context_options impatient = {
        .struct_size = sizeof impatient, .progress = stop_loading, .progress_user = &calls};
    neck_context *context = NULL;
    ck_assert_int_eq(neck_context_create(&impatient, &context), NECK_OK);
    source_path(path, "tests/golden/models/gpt2");
    ck_assert_int_eq(neck_model_open(context, path, NULL, &other), NECK_E_CANCELLED);
    ck_assert_ptr_null(other);
    neck_loss loss = {.struct_size = sizeof loss};
    ck_assert_int_eq(neck_model_loss(context, model, ids, 1, 3, NULL, &loss), NECK_E_CANCELLED);
    neck_context_destroy(context);
    neck_model_destroy(model);
}
END_TEST

/* A NaN anywhere in the weights must not end as a number. */
START_TEST(weights_that_are_not_finite_are_noticed)
{
    static const char *const poisoned[] = {"model.layers.0.self_attn.q_proj.weight",
                                           "model.layers.1.mlp.down_proj.weight", "model.norm.weight"};
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    change same = {"llama", "model_type", "\"llama\"", NECK_OK, NULL};
    char *config = changed_config(&same);
    make_folder(folder, "llama", config);
    scratch_file(path, folder, "model.safetensors");
    neck_checkpoint *checkpoint = NULL;
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, NULL, &checkpoint), NECK_OK);
    int64_t count = neck_checkpoint_tensor_count(checkpoint);
    neck_tensor *tensors = calloc((size_t)count, sizeof *tensors);
    float *copy = NULL;
    for (int64_t i = 0; i < count; i++) {
        tensors[i].struct_size = sizeof *tensors;
        ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, i, &tensors[i]), NECK_OK);
        if (strcmp(tensors[i].name, poisoned[_i]) != 0) continue;
        copy = malloc((size_t)tensors[i].nbytes);
        memcpy(copy, tensors[i].data, (size_t)tensors[i].nbytes);
        copy[3] = __builtin_nanf("");
        tensors[i].data = copy;
    }
    ck_assert_ptr_nonnull(copy);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_msg(neck_safetensors_write(NULL, path, tensors, count, NULL, NULL, 0) == NECK_OK, "%s",
                  neck_last_error());
    neck_model *model = NULL;
    ck_assert_msg(neck_model_open(NULL, folder, NULL, &model) == NECK_OK, "%s", neck_last_error());
    int32_t ids[] = {1, 2, 3};
    neck_loss loss = {.struct_size = sizeof loss};
    assert_fails(neck_model_loss(NULL, model, ids, 1, 3, NULL, &loss), NECK_E_NONFINITE, "", poisoned[_i]);
    neck_model_destroy(model);
    neck_checkpoint_destroy(checkpoint);
    free(copy);
    free(tensors);
    free(config);
    scratch_remove(folder);
}
END_TEST

/* Every allocation fails once: open, then loss with states; nothing leaks and the answer is always the same. */
static neck_status open_and_run(neck_context *context, const char *path, int64_t memory_cap)
{
    neck_model *model = NULL;
    neck_model_options options = {.struct_size = sizeof options, .memory_cap = memory_cap};
    neck_status status = neck_model_open(context, path, &options, &model);
    int32_t ids[] = {1, 2, 3, 4};
    neck_loss loss = {.struct_size = sizeof loss};
    if (status == NECK_OK) status = neck_model_loss(context, model, ids, 2, 2, NULL, &loss);
    neck_model_destroy(model);
    return status;
}

START_TEST(memory_that_runs_out_is_said)
{
    static const char *const names[] = {"opt_projected", "gemma2"};
    char path[PATH_CAPACITY], inner[256];
    snprintf(inner, sizeof inner, "tests/golden/models/%s", names[_i % 2]);
    source_path(path, inner);
    for (int64_t k = 0;; k++) {
        failing state = {.before_failure = k};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &state};
        neck_context *context = NULL;
        neck_status status = neck_context_create(&options, &context);
        if (status == NECK_OK) status = open_and_run(context, path, _i / 2);
        neck_context_destroy(context);
        ck_assert_msg(state.live == 0, "%lld blocks leak when allocation %lld fails", (long long)state.live,
                      (long long)k);
        if (!state.failed) {
            ck_assert_int_eq(status, NECK_OK);
            ck_assert_int_gt(k, 50);
            return;
        }
        ck_assert_msg(status == NECK_E_NOMEM, "allocation %lld: %s", (long long)k, neck_status_name(status));
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("model refusals");
    tcase_add_loop_test(tcase, a_changed_configuration_is_answered, 0, CHANGES);
    tcase_add_test(tcase, no_configuration_no_model);
    tcase_add_loop_test(tcase, a_changed_gguf_file_is_answered, 0, OVERWRITTEN);
    tcase_add_test(tcase, bad_arguments_are_named);
    tcase_add_test(tcase, callbacks_cancel);
    tcase_add_loop_test(tcase, weights_that_are_not_finite_are_noticed, 0, 3);
    tcase_add_loop_test(tcase, memory_that_runs_out_is_said, 0, 4);
    return run_suite("model refusals", tcase);
}
