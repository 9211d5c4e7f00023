/* tests/optimizer_support.h - the small problem of the optimizers' tests: three parameters, gradients for every step,
 * as tests/golden/make_optimizer.py makes them. */
#ifndef TESTS_OPTIMIZER_SUPPORT_H
#define TESTS_OPTIMIZER_SUPPORT_H

#include <check.h>
#include <jansson.h>
#include <math.h>

#include "constructed.h"
#include "format_support.h"

enum { PARAMETERS = 3, LARGEST = 36, STEPS = 100 };

typedef struct problem {
    neck_parameter parameters[PARAMETERS];
    float narrow[2][PARAMETERS][LARGEST]; /* data, gradients */
    double wide[2][PARAMETERS][LARGEST];
    int32_t dtype;
} problem;

static const struct {
    const char *name;
    int64_t rows, cols;
    double gradient;
    int32_t flags;
} shapes[PARAMETERS] = {{"wide", 5, 7, 0.1, 0}, {"tall", 9, 4, 3.0, 0}, {"bias", 1, 6, 1e-3, NECK_PARAMETER_NO_DECAY}};

static inline int64_t size_of(int n)
{
    return shapes[n].rows * shapes[n].cols;
}

static inline void problem_fill(problem *p, int which, uint64_t seed)
{
    uint64_t state = seed;
    for (int n = 0; n < PARAMETERS; n++)
        for (int64_t i = 0; i < size_of(n); i++) {
            p->wide[which][n][i] = (which ? shapes[n].gradient : 0.5) * next_number(&state);
            p->narrow[which][n][i] = (float)p->wide[which][n][i];
        }
}

static inline void problem_gradients(problem *p, int step)
{
    problem_fill(p, 1, 1000 + (uint64_t)step);
}

/* p must stay where it is. */
static inline void problem_make(problem *p, int32_t dtype)
{
    memset(p, 0, sizeof *p);
    p->dtype = dtype;
    problem_fill(p, 0, 1);
    problem_gradients(p, 0);
    for (int n = 0; n < PARAMETERS; n++) {
        void *arrays[2] = {p->narrow[0][n], p->narrow[1][n]};
        if (dtype == NECK_F64) arrays[0] = p->wide[0][n], arrays[1] = p->wide[1][n];
        p->parameters[n] = (neck_parameter){shapes[n].name, arrays[0], arrays[1], shapes[n].rows, shapes[n].cols, dtype,
                                            shapes[n].flags};
    }
}

/* Of the data (0) or the gradients (1). */
static inline double problem_value(const problem *p, int which, int n, int64_t i)
{
    return p->dtype == NECK_F64 ? p->wide[which][n][i] : (double)p->narrow[which][n][i];
}

static inline neck_optimizer *optimizer_of(neck_context *context, problem *p, const neck_optimizer_options *options)
{
    neck_optimizer *optimizer = NULL;
    ck_assert_msg(neck_optimizer_create(context, options, p->parameters, PARAMETERS, &optimizer) == NECK_OK, "%s",
                  neck_last_error());
    return optimizer;
}

/* Steps first to last - 1 with their gradients. */
static inline void problem_run(neck_context *context, problem *p, neck_optimizer *optimizer, int first, int last)
{
    for (int step = first; step < last; step++) {
        problem_gradients(p, step);
        ck_assert_msg(neck_optimizer_step(context, optimizer, 1) == NECK_OK, "%s", neck_last_error());
        ck_assert_int_eq(neck_optimizer_steps(optimizer), step + 1);
    }
}

/* Bit for bit. */
static inline void assert_same_data(const problem *a, const problem *b, const char *what)
{
    ck_assert_msg(memcmp(a->narrow[0], b->narrow[0], sizeof a->narrow[0]) == 0 &&
                      memcmp(a->wide[0], b->wide[0], sizeof a->wide[0]) == 0, "%s", what);
}

static inline json_t *optimizer_golden(const char *part)
{
    char path[PATH_CAPACITY];
    json_error_t error;
    source_path(path, "tests/golden/optimizer.json");
    json_t *all = json_load_file(path, 0, &error);
    ck_assert_msg(all != NULL, "%s:%d: %s", path, error.line, error.text);
    json_t *wanted = json_incref(json_object_get(all, part));
    ck_assert_ptr_nonnull(wanted);
    json_decref(all);
    return wanted;
}

static inline double number_or_0(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key));
}

static inline double golden_at(const json_t *lists, int n, int64_t i)
{
    return json_number_value(json_array_get(json_array_get(lists, (size_t)n), (size_t)i));
}

/* One configuration of each rule, for tests of what all share. */
static const neck_optimizer_options rules[] = {
    {.struct_size = sizeof rules[0], .rule = NECK_OPTIMIZER_ADAMW, .learning_rate = 0.01, .weight_decay = 0.1},
    {.struct_size = sizeof rules[0], .rule = NECK_OPTIMIZER_SGD, .learning_rate = 0.01, .weight_decay = 0.1},
    {.struct_size = sizeof rules[0], .rule = NECK_OPTIMIZER_SGD, .learning_rate = 0.01, .momentum = 0.9, .nesterov = 1},
    {.struct_size = sizeof rules[0], .rule = NECK_OPTIMIZER_MUON, .learning_rate = 0.02, .weight_decay = 0.1},
};
enum { RULES = sizeof rules / sizeof rules[0] };

#endif
