/* tests/head_train_support.h - small trainings to stop, resume and compare. */
#ifndef TESTS_HEAD_TRAIN_SUPPORT_H
#define TESTS_HEAD_TRAIN_SUPPORT_H

#include "head_support.h"

enum { TRAIN_ROWS = 60, VALID_ROWS = 25, WIDTH = 5, TOKENS = 9, STEPS = 40, MOST_NUMBERS = 1024 };

/* A training of the given kind and rule; what points into it must stay. */
typedef struct exercise {
    float train_numbers[TRAIN_ROWS * WIDTH], valid_numbers[VALID_ROWS * WIDTH];
    int32_t train_targets[TRAIN_ROWS], valid_targets[VALID_ROWS];
    neck_labeled_states train, valid;
    neck_head_options head;
    neck_optimizer_options rule;
    neck_head_training_options options;
} exercise;

static inline void exercise_make(exercise *e, int32_t kind, int32_t rule)
{
    uint64_t state = 5;
    memset(e, 0, sizeof *e);
    e->train = (neck_labeled_states){made_states(e->train_numbers, NECK_F32, TRAIN_ROWS, WIDTH, 1), e->train_targets};
    e->valid = (neck_labeled_states){made_states(e->valid_numbers, NECK_F32, VALID_ROWS, WIDTH, 2), e->valid_targets};
    for (int i = 0; i < TRAIN_ROWS; i++) e->train_targets[i] = (int32_t)(next_bits(&state) % TOKENS);
    for (int i = 0; i < VALID_ROWS; i++) e->valid_targets[i] = (int32_t)(next_bits(&state) % TOKENS);
    e->train_targets[3] = NECK_NO_TARGET;
    e->valid_targets[4] = -100;
    e->head = head_options(kind, NECK_F32, TOKENS, WIDTH);
    e->head.bias = 1;
    e->rule = (neck_optimizer_options){.struct_size = sizeof e->rule, .rule = rule, .learning_rate = 0.05,
                                       .weight_decay = 0.01, .momentum = 0.9};
    e->options = (neck_head_training_options){.struct_size = sizeof e->options, .steps = STEPS, .batch = 16,
                                              .optimizer = &e->rule, .seed = 3, .evaluate_every = 7};
}

/* All parameters, one after another. */
static inline int64_t head_numbers(const neck_head *head, double out[MOST_NUMBERS])
{
    int64_t count, used = 0;
    const neck_parameter *p = neck_head_parameters(head, &count);
    for (int64_t k = 0; k < count; k++)
        for (int64_t i = 0; i < p[k].rows * p[k].cols; i++) {
            ck_assert_int_lt(used, MOST_NUMBERS);
            out[used++] = number_at(p[k].data, p[k].dtype, i);
        }
    return used;
}

typedef struct outcome {
    neck_status status;
    neck_head_training_result result;
    double numbers[MOST_NUMBERS];
    int64_t count;
} outcome;

/* A fresh head, the same each time, trained. */
static inline outcome exercise_run(neck_context *context, const exercise *e)
{
    outcome out = {.result = {.struct_size = sizeof out.result}};
    neck_head *head = made_head(&e->head, 0.3, 11);
    out.status = neck_head_train(context, head, &e->train, &e->valid, &e->options, &out.result);
    out.count = head_numbers(head, out.numbers);
    neck_head_destroy(head);
    return out;
}

static inline void assert_same_outcome(const outcome *a, const outcome *b)
{
    ck_assert_msg(a->status == NECK_OK && b->status == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(a->count, b->count);
    ck_assert_msg(memcmp(a->numbers, b->numbers, (size_t)a->count * sizeof *a->numbers) == 0, "parameters differ");
    ck_assert_msg(memcmp(&a->result, &b->result, sizeof a->result) == 0, "results differ");
}

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
} place;

static inline place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "run");
    return p;
}

#endif
