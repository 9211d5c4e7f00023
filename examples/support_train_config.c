/* support_train_config.c - keys of a training run, and values from flags and JSON by the same rules. */
#include "support_train_config.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_text.h"

#define AT(member) offsetof(train_config, member)
#define MANY 9.007199254740992e15 /* 2^53 */

const train_key train_keys[] = {
    {"text", KEY_PATHS, AT(text), "FILE...", NULL, 0, 0,
     "what to learn from: each file a document, of a .jsonl each\nline's member \"text\""},
    {"tokenizer", KEY_PATH, AT(tokenizer), "PATH", NULL, 0, 0,
     "a tokenizer.json or its folder; without it one is trained"},
    {"vocab-size", KEY_INTEGER, AT(vocab_size), "N", "8192", 257, 2147483647,
     "tokens of the tokenizer to train (8192)"},
    {"from", KEY_PATH, AT(from), "FOLDER", NULL, 0, 0, "go on from this model; architecture flags do not count then"},
    {"family", KEY_CHOICE, AT(family), "gpt_neox|gpt2|opt|llama|mistral|qwen2|gemma|gemma2", "gpt_neox", 0, 0,
     "architecture (gpt_neox)"},
    {"layers", KEY_INTEGER, AT(layers), "N", "4", 1, 1000, "transformer blocks (4)"},
    {"hidden-size", KEY_INTEGER, AT(hidden_size), "N", "256", 1, 1e6, "width (256)"},
    {"heads", KEY_INTEGER, AT(heads), "N", "4", 1, 1e4, "attention heads (4)"},
    {"kv-heads", KEY_INTEGER, AT(kv_heads), "N", "0", 0, 1e4, "of keys and values, where the family has them (heads)"},
    {"inner-size", KEY_INTEGER, AT(inner_size), "N", "0", 0, 1e7, "width of the MLP (the family's rule)"},
    {"activation", KEY_CHOICE, AT(activation), "family|gelu|gelu_new|relu|silu", "family", 0, 0,
     "of the MLP (the family's)"},
    {"context", KEY_INTEGER, AT(context), "N", "256", 1, 1e7, "tokens a window (256)"},
    {"tied", KEY_CHOICE, AT(tied), "family|yes|no", "family", 0, 0, "whether the head is the token embedding"},
    {"head", KEY_CHOICE, AT(head), "own|factored|mos|sigsoftmax|plif", "own", 0, 0,
     "kind of output head (own: linear, of the model)"},
    {"rank", KEY_INTEGER, AT(rank), "N", "0", 0, 1e6, "of a factored head"},
    {"initializer", KEY_CHOICE, AT(initializer), "family|gpt2|neox", "family", 0, 0, "of the weights"},
    {"dropout", KEY_REAL, AT(dropout), "P", "0", 0, 0.99, "of embedding and branches (0)"},
    {"attention-dropout", KEY_REAL, AT(attention_dropout), "P", "0", 0, 0.99, "of attention probabilities (0)"},
    {"recompute", KEY_SWITCH, AT(recompute), NULL, "0", 0, 1, "less memory, a third more time"},
    {"seed", KEY_INTEGER, AT(seed), "N", "0", 0, MANY, "of weights, batches and dropout (0)"},
    {"batch", KEY_INTEGER, AT(batch), "N", "8", 1, 1e6, "windows a micro-batch (8)"},
    {"accumulation", KEY_INTEGER, AT(accumulation), "N", "1", 1, 1e6, "micro-batches a step (1)"},
    {"order", KEY_CHOICE, AT(order), "random|sequential", "random", 0, 0, "of windows"},
    {"steps", KEY_INTEGER, AT(steps), "N", "1000", 1, 1e12, "updates in all (1000)"},
    {"optimizer", KEY_CHOICE, AT(optimizer), "adamw|sgd|muon", "adamw", 0, 0, "update rule"},
    {"learning-rate", KEY_REAL, AT(learning_rate), "X", "0.001", 0, 1e9, "highest of the schedule (0.001)"},
    {"weight-decay", KEY_REAL, AT(weight_decay), "X", "0.1", 0, 1e9, "of matrices (0.1)"},
    {"beta1", KEY_REAL, AT(beta1), "X", "0.9", 0, 1, "of AdamW (0.9)"},
    {"beta2", KEY_REAL, AT(beta2), "X", "0.95", 0, 1, "of AdamW (0.95)"},
    {"momentum", KEY_REAL, AT(momentum), "X", "0", 0, 1, "of sgd (none) and muon (0.95)"},
    {"clip", KEY_REAL, AT(clip), "X", "1", 0, 1e30, "norm that gradients are cut down to (1; 0: none)"},
    {"schedule", KEY_CHOICE, AT(schedule), "cosine|constant|wsd", "cosine", 0, 0, "of the learning rate after warm-up"},
    {"warmup", KEY_INTEGER, AT(warmup), "N", "-1", -1, 1e12, "steps of warm-up (a hundredth)"},
    {"decay", KEY_INTEGER, AT(decay), "N", "0", 0, 1e12, "steps of decay of wsd (a fifth)"},
    {"final-scale", KEY_REAL, AT(final_scale), "X", "0.1", 0, 1, "last learning rate over the highest (0.1)"},
    {"label-smoothing", KEY_REAL, AT(label_smoothing), "X", "0", 0, 0.99,
     "share of the target given to all tokens (0)"},
    {"z-loss", KEY_REAL, AT(z_loss), "X", "0", 0, 1e9, "weight of the squared log-normalizer (0)"},
    {"validation-share", KEY_REAL, AT(validation_share), "X", "0.05", 0, 0.99,
     "of the tokens, held out at the end (0.05)"},
    {"evaluate-every", KEY_INTEGER, AT(evaluate_every), "N", "100", 1, 1e12, "steps between evaluations on them (100)"},
    {"evaluation-windows", KEY_INTEGER, AT(evaluation_windows), "N", "0", 0, 1e12,
     "how many of their windows (0: all)"},
    {"checkpoint-every", KEY_INTEGER, AT(checkpoint_every), "N", "1000", 1, 1e12,
     "steps between checkpoints (1000); others are kept at 0,\n1, 2, 4 ... 512 and the last step"},
    {"save-every", KEY_INTEGER, AT(save_every), "N", "100", 1, 1e12, "steps between states to resume from (100)"},
    {"monitor-every", KEY_INTEGER, AT(monitor_every), "N", "50", 1, 1e12,
     "steps between looks at the head's spectrum (50)"},
};
const size_t train_key_count = sizeof train_keys / sizeof *train_keys;

/* ---- values ----------------------------------------------------------------------------------------------------- */

static void *member(const train_config *self, const train_key *key)
{
    return (char *)(uintptr_t)self + key->offset;
}

static int is_among(const char *choices, const char *text)
{
    size_t length = strlen(text);
    for (const char *at = choices; at; at = strchr(at, '|'), at = at ? at + 1 : NULL)
        if (length > 0 && strcspn(at, "|") == length && strncmp(at, text, length) == 0) return 1;
    return 0;
}

static void put_text(train_config *self, const train_key *key, const char *text)
{
    char **place = member(self, key);
    free(*place);
    *place = text ? text_copy(text) : NULL;
}

static int put_number(train_config *self, const train_key *key, double number, char error[TRAIN_CONFIG_ERROR])
{
    int is_whole = key->kind != KEY_REAL;
    if (!(number >= key->least && number <= key->most) || (is_whole && floor(number) != number)) {
        snprintf(error, TRAIN_CONFIG_ERROR, "%s is %g: it must be a %s from %g to %g", key->name, number,
                 is_whole ? "whole number" : "number", key->least, key->most);
        return 0;
    }
    if (is_whole) *(int64_t *)member(self, key) = (int64_t)number;
    else *(double *)member(self, key) = number;
    return 1;
}

static int add_path(train_config *self, const train_key *key, const char *text, char error[TRAIN_CONFIG_ERROR])
{
    json_t *paths = *(json_t **)member(self, key);
    if (json_array_append_new(paths, json_string(text)) == 0) return 1;
    snprintf(error, TRAIN_CONFIG_ERROR, "%s: a file's name must be UTF-8", key->name);
    return 0;
}

int train_config_set(train_config *self, const train_key *key, const char *text, char error[TRAIN_CONFIG_ERROR])
{
    char *end = NULL;
    if (key->kind == KEY_PATHS) return add_path(self, key, text, error);
    if (key->kind == KEY_CHOICE && !is_among(key->argument, text)) {
        snprintf(error, TRAIN_CONFIG_ERROR, "%s is '%.60s': it must be one of %s", key->name, text, key->argument);
        return 0;
    }
    if (key->kind == KEY_CHOICE || key->kind == KEY_PATH) {
        put_text(self, key, text);
        return 1;
    }
    if (key->kind == KEY_SWITCH && !text) return put_number(self, key, 1, error);
    double number = strtod(text, &end);
    if (end != text && !*end) return put_number(self, key, number, error);
    snprintf(error, TRAIN_CONFIG_ERROR, "%s is '%.60s': it must be a number", key->name, text);
    return 0;
}

void train_config_begin(train_config *self)
{
    char error[TRAIN_CONFIG_ERROR];
    *self = (train_config){.text = json_array()};
    for (size_t i = 0; i < train_key_count; i++)
        if (train_keys[i].standard) (void)train_config_set(self, &train_keys[i], train_keys[i].standard, error);
}

void train_config_free(train_config *self)
{
    for (size_t i = 0; i < train_key_count; i++)
        if (train_keys[i].kind == KEY_PATH || train_keys[i].kind == KEY_CHOICE) put_text(self, &train_keys[i], NULL);
    json_decref(self->text);
}

/* ---- JSON ------------------------------------------------------------------------------------------------------- */

/* A key's name in JSON, or back. */
static char *respelled(const char *name, char from, char to)
{
    char *copy = text_copy(name);
    for (char *at = copy; *at; at++)
        if (*at == from) *at = to;
    return copy;
}

static const train_key *key_of(const char *name)
{
    for (size_t i = 0; i < train_key_count; i++) {
        char *spelled = respelled(train_keys[i].name, '-', '_');
        int same = strcmp(spelled, name) == 0;
        free(spelled);
        if (same) return &train_keys[i];
    }
    return NULL;
}

static int take_paths(train_config *self, const train_key *key, const json_t *value, char error[TRAIN_CONFIG_ERROR])
{
    size_t count = json_array_size(value);
    for (size_t i = 0; i < count; i++) {
        const char *text = json_string_value(json_array_get(value, i));
        if (!text || !add_path(self, key, text, error)) {
            snprintf(error, TRAIN_CONFIG_ERROR, "%s: every path must be a string", key->name);
            return 0;
        }
    }
    return 1;
}

static int take(train_config *self, const char *name, const json_t *value, char error[TRAIN_CONFIG_ERROR])
{
    const train_key *key = key_of(name);
    if (!key) {
        snprintf(error, TRAIN_CONFIG_ERROR, "no such key: '%.60s'", name);
        return 0;
    }
    int is_number = key->kind == KEY_INTEGER || key->kind == KEY_REAL;
    if (key->kind == KEY_PATHS && json_is_array(value)) return take_paths(self, key, value, error);
    if (json_is_null(value) && key->kind == KEY_PATH) return 1;
    if (!is_number && key->kind != KEY_SWITCH && json_is_string(value))
        return train_config_set(self, key, json_string_value(value), error);
    if (is_number && json_is_number(value)) return put_number(self, key, json_number_value(value), error);
    if (key->kind == KEY_SWITCH && json_is_boolean(value)) return put_number(self, key, json_is_true(value), error);
    snprintf(error, TRAIN_CONFIG_ERROR, "%s: a value of another type is needed", name);
    return 0;
}

int train_config_read(train_config *self, const char *path, char error[TRAIN_CONFIG_ERROR])
{
    json_error_t problem;
    const char *name;
    json_t *value, *object = json_load_file(path, JSON_REJECT_DUPLICATES, &problem);
    if (!json_is_object(object)) {
        snprintf(error, TRAIN_CONFIG_ERROR, "%.200s: %.200s", path, object ? "not a JSON object" : problem.text);
        json_decref(object);
        return 0;
    }
    int good = 1;
    char reason[TRAIN_CONFIG_ERROR];
    json_object_foreach(object, name, value)
        if (good) good = take(self, name, value, reason);
    if (!good) snprintf(error, TRAIN_CONFIG_ERROR, "%.200s: %.300s", path, reason);
    json_decref(object);
    return good;
}

static json_t *value_of(const train_config *self, const train_key *key)
{
    const void *place = member(self, key);
    const char *text;
    switch (key->kind) {
    case KEY_PATHS: return json_incref(*(json_t *const *)place);
    case KEY_INTEGER: return json_integer(*(const int64_t *)place);
    case KEY_REAL: return json_real(*(const double *)place);
    case KEY_SWITCH: return json_boolean(*(const int64_t *)place);
    default:
        text = *(char *const *)place;
        return text ? json_string(text) : json_null();
    }
}

char *train_config_write(const train_config *self)
{
    json_t *object = json_object();
    for (size_t i = 0; i < train_key_count; i++) {
        char *name = respelled(train_keys[i].name, '-', '_');
        json_object_set_new(object, name, value_of(self, &train_keys[i]));
        free(name);
    }
    char *text = json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    json_decref(object);
    return text;
}
