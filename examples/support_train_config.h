/* support_train_config.h - what a training run is made of: one table of keys for JSON files, flags and RUN/run.json. */
#ifndef SUPPORT_TRAIN_CONFIG_H
#define SUPPORT_TRAIN_CONFIG_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

typedef struct train_config {
    json_t *text; /* paths */
    char *tokenizer, *from;
    char *family, *activation, *tied, *head, *initializer;
    char *order, *optimizer, *schedule;
    int64_t vocab_size, layers, hidden_size, heads, kv_heads, inner_size, context, rank, recompute, seed;
    int64_t batch, accumulation, steps, warmup, decay;
    int64_t evaluate_every, evaluation_windows, checkpoint_every, save_every, monitor_every;
    double dropout, attention_dropout;
    double learning_rate, weight_decay, beta1, beta2, momentum, clip, final_scale, label_smoothing, z_loss;
    double validation_share;
} train_config;

enum { KEY_PATHS, KEY_PATH, KEY_CHOICE, KEY_INTEGER, KEY_REAL, KEY_SWITCH };

/* A key: "hidden-size" is the flag, "hidden_size" the member of a JSON object. */
typedef struct train_key {
    const char *name;
    int kind;
    size_t offset;        /* of the member of train_config */
    const char *argument; /* for --help; the choices "a|b|c" of KEY_CHOICE */
    const char *standard; /* its default as text; NULL: none, or zero */
    double least, most;   /* of numbers */
    const char *help;
} train_key;

extern const train_key train_keys[];
extern const size_t train_key_count;

#define TRAIN_CONFIG_ERROR 512

/* All return 0 and one line in error when a value does not do.
 * train_config_begin    - all defaults.
 * train_config_set      - from the text of a flag; a path of KEY_PATHS is added.
 * train_config_read     - from a file of one JSON object; unknown members are refused.
 * train_config_write    - all keys, as one line that train_config_read takes; NULL when memory runs out. free() it. */
void train_config_begin(train_config *self);
int train_config_set(train_config *self, const train_key *key, const char *text, char error[TRAIN_CONFIG_ERROR]);
int train_config_read(train_config *self, const char *path, char error[TRAIN_CONFIG_ERROR]);
char *train_config_write(const train_config *self);
void train_config_free(train_config *self);

#endif
