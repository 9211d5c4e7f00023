/* softneck/optimizer.h - parameters and what moves them: update rules, schedules, clipping. */
#ifndef SOFTNECK_OPTIMIZER_H
#define SOFTNECK_OPTIMIZER_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    NECK_PARAMETER_NO_DECAY = 1, /* biases, gains, maps: weight_decay does not apply */
    NECK_PARAMETER_NO_MUON = 2   /* embeddings and heads: MUON treats it by ADAMW */
};

/* An array that is trained, with its gradient: rows x cols, packed, row-major. Borrowed: the memory belongs to whoever
 * made it and must outlive its use. Frozen layout. */
typedef struct neck_parameter {
    const char *name; /* unique among those trained together */
    void *data;
    void *gradient;
    int64_t rows, cols;
    int32_t dtype; /* NECK_F32 or NECK_F64 */
    int32_t flags; /* NECK_PARAMETER_* */
} neck_parameter;

enum {
    NECK_OPTIMIZER_ADAMW = 1, /* Loshchilov & Hutter 2019: decoupled decay, bias correction */
    NECK_OPTIMIZER_SGD = 2,   /* with momentum (PyTorch's form), decay added to the gradient */
    NECK_OPTIMIZER_MUON = 3   /* Jordan et al. 2024: momentum, orthogonalised by Newton-Schulz, for matrices with both
                                 sides > 1; other parameters and NECK_PARAMETER_NO_MUON by ADAMW */
};

typedef struct neck_optimizer_options {
    size_t struct_size;
    int32_t rule;              /* NECK_OPTIMIZER_*; 0: ADAMW */
    int32_t nesterov;          /* SGD: non-zero for Nesterov's form. MUON always has it */
    double learning_rate;      /* > 0; required. Multiplied by the scale given to each step */
    double weight_decay;       /* >= 0 */
    double beta1, beta2;       /* ADAMW; 0: 0.9, 0.999. A negative one stands for 0 */
    double epsilon;            /* ADAMW; 0: 1e-8 */
    double momentum;           /* SGD, MUON; 0: none for SGD, 0.95 for MUON */
    double adam_learning_rate; /* MUON: for what ADAMW treats; 0: learning_rate / 10 */
    int64_t newton_schulz_steps; /* MUON; 0: 5 */
    int32_t gradients_are_clipped; /* non-zero: neck_gradients_clip with a norm of at most 1e15 goes before every step,
                                      so that gradients are known to be usable and are not read for that once more */
    int32_t reserved;              /* must be 0 */
} neck_optimizer_options;

/* An update rule with its state (moments, step count) for a list of parameters. Thread rule: one call at a time. */
typedef struct neck_optimizer neck_optimizer;

/* neck_optimizer_create    - for count parameters, copied (their names too; not their arrays). Memory: 2 arrays a
 *                            parameter (ADAMW; MUON, whose second one is not saved), 1 (SGD with momentum), in the
 *                            parameter's dtype.
 * neck_optimizer_set_group - other options for one parameter (by index), before the first step. The rule may differ
 *   too.
 * neck_optimizer_step      - one update from the gradients; every learning rate is multiplied by scale (a schedule's
 *                            value). Gradients are only read. Errors: NECK_E_NONFINITE when a gradient (named) holds
 *                            NaN, infinity or what exceeds 9e18 (f32; 6e153 in f64), whose square could not be kept.
 *                            Whatever the error, nothing is changed.
 * neck_optimizer_steps     - how many steps were made.
 * neck_optimizer_save      - state as safetensors: bit for bit, with rule and step count; atomic.
 * neck_optimizer_load      - puts it back. Names, shapes, dtypes and rules must be the same (NECK_E_FORMAT names what
 *                            differs); nothing is changed on failure. Going on is then bit-identical to never having
 *                            stopped.
 * Errors: NECK_E_ARGUMENT, NECK_E_NOMEM, NECK_E_IO, NECK_E_NONFINITE (in a file too), NECK_E_STATE (a group after a
 * step). The number of threads does not show in the bits. */
NECK_API neck_status neck_optimizer_create(neck_context *context, const neck_optimizer_options *options,
                                           const neck_parameter *parameters, int64_t count, neck_optimizer **out);
NECK_API void neck_optimizer_destroy(neck_optimizer *optimizer);
NECK_API neck_status neck_optimizer_set_group(neck_optimizer *optimizer, int64_t parameter,
                                              const neck_optimizer_options *options);
NECK_API neck_status neck_optimizer_step(neck_context *context, neck_optimizer *optimizer, double scale);
NECK_API int64_t neck_optimizer_steps(const neck_optimizer *optimizer);
NECK_API neck_status neck_optimizer_save(neck_context *context, const neck_optimizer *optimizer, const char *path);
NECK_API neck_status neck_optimizer_load(neck_context *context, neck_optimizer *optimizer, const char *path);

/* neck_gradients_clip - *norm = global L2 norm of all gradients (double accumulation; may be NULL); when it exceeds
 * max_norm (> 0) all are scaled by max_norm / norm. INFINITY only measures. Errors: NECK_E_NONFINITE names the first
 * parameter whose gradient holds NaN or infinity (or f64 numbers whose squares overflow); nothing is scaled then. */
NECK_API neck_status neck_gradients_clip(neck_context *context, const neck_parameter *parameters, int64_t count,
                                         double max_norm, double *norm);

enum {
    NECK_SCHEDULE_CONSTANT = 0, /* 1 after the warm-up */
    NECK_SCHEDULE_COSINE = 1,   /* from 1 to final_scale along half a cosine */
    NECK_SCHEDULE_WSD = 2       /* warm-up, stable, then linear decay to final_scale over the last decay_steps */
};

typedef struct neck_schedule {
    size_t struct_size;
    int32_t kind;         /* NECK_SCHEDULE_* */
    int32_t reserved;     /* must be 0 */
    int64_t steps;        /* in all; needed unless CONSTANT */
    int64_t warmup_steps; /* linear: step k (from 0) has scale (k + 1) / warmup_steps */
    int64_t decay_steps;  /* WSD; 0: a fifth of steps */
    double final_scale;   /* 0 .. 1 */
} neck_schedule;

/* neck_schedule_scale - the learning rate's factor at step (from 0; at or beyond steps: final_scale, unless CONSTANT).
 * NULL: always 1. Errors: NECK_E_ARGUMENT. */
NECK_API neck_status neck_schedule_scale(const neck_schedule *schedule, int64_t step, double *scale);

#ifdef __cplusplus
}
#endif
#endif
