/* softneck/monitor.h - a training run watched: rank metrics of its head, geometry of its states, and when they turn. */
#ifndef SOFTNECK_MONITOR_H
#define SOFTNECK_MONITOR_H

#include "matrix.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Series of numbers over the steps of a run, made of what a trainer hands in: the weights of the output head, the
 * states that go into it, the gradient of the head, and any number that has a name. Any trainer, in any framework: a
 * monitor knows no model. It says when the signature of saturation shows (see events), keeps a log that survives a
 * kill, and its state goes into a checkpoint.
 *
 *     if (neck_monitor_due(monitor, step)) {
 *         neck_monitor_head(context, monitor, step, &weights);
 *         neck_monitor_states(context, monitor, step, &states);
 *         neck_monitor_value(monitor, step, "loss", loss);
 *     }
 *
 * Every such call is one observation: all its numbers or, when it fails, none; the monitor is then as before and goes
 * on. Thread rule: one call at a time on one monitor; const calls may run side by side. */
typedef struct neck_monitor neck_monitor;

/* Variants of a matrix that are measured, or-ed; see spectrum.h. */
enum { NECK_MONITOR_RAW = 1, NECK_MONITOR_CENTERED = 2 };

/* Default interval, in steps. An observation of a head costs about 2*rows*cols^2 operations in double; every 50 steps
 * that is less than 5 % of training (measured in docs/monitor.md). */
#define NECK_MONITOR_INTERVAL 50

typedef struct neck_monitor_options {
    size_t struct_size;
    int64_t interval;           /* steps from one observation to the next; 0: NECK_MONITOR_INTERVAL */
    const char *const *metrics; /* metric_count names of metrics.h's table, for heads; NULL: singular_entropy,
                                   effective_rank, stable_rank, top_component_share, w_error_at_half,
                                   condition_number, frobenius_norm, spectral_norm */
    int64_t metric_count;
    int64_t vocabulary;         /* rows of the head, and its columns; other shapes are refused. 0: those of the */
    int64_t hidden_size;        /* first head */
    int32_t variants;           /* NECK_MONITOR_*; 0: both */
    int32_t under_way;          /* non-zero: the first observation is of a run that has long begun, so a spike needs no
                                   flattening before it (see events) */
    /* Thresholds of the events, finite and > 0; 0: the default. */
    double flatten_fall;        /* nats; 0: 0.1 */
    double spike_rise;          /* nats; 0: 0.5 */
    double spike_release;       /* nats, < spike_rise; 0: 0.1, or half of spike_rise where that is less */
    double anisotropy_fall;     /* 0: 0.1 */
    double anisotropy_rise;     /* 0: 0.3 */
    double anisotropy_release;  /* < anisotropy_rise; 0: 0.1, or half of anisotropy_rise where that is less */
    int64_t patience;           /* observations in a row that must be beyond a threshold; 0: 2 */
} neck_monitor_options;

/* neck_monitor_create - a monitor that has seen nothing.
 * Errors: NECK_E_ARGUMENT (bad options), NECK_E_NOT_FOUND (a metric that does not exist), NECK_E_NOMEM. */
NECK_API neck_status neck_monitor_create(neck_context *context, const neck_monitor_options *options,
                                         neck_monitor **out);
NECK_API void neck_monitor_destroy(neck_monitor *monitor);

/* neck_monitor_due      - 1 when step is a multiple of the interval (step 0 is), else 0. Observations of other steps
 *                         are taken too.
 * neck_monitor_interval - as it is in effect.
 * neck_monitor_seconds  - time spent in the observations so far, on the wall; not part of the saved state. */
NECK_API int32_t neck_monitor_due(const neck_monitor *monitor, int64_t step);
NECK_API int64_t neck_monitor_interval(const neck_monitor *monitor);
NECK_API double neck_monitor_seconds(const neck_monitor *monitor);

/* ---- observing ------------------------------------------------------------------------------------------------ */

/* Common: steps are >= 0 and grow within each series. A metric that is not defined on what was observed (of a head of
 * zeros, say), or is not finite, is left out. Errors common to all: NECK_E_ARGUMENT (NULL, a step that is not after the
 * last one of that series), NECK_E_IO (the log cannot be written), NECK_E_NOMEM; those with a matrix: NECK_E_NONFINITE
 * (the message names row and column), NECK_E_OVERFLOW, NECK_E_CONVERGENCE, NECK_E_CANCELLED.
 *
 * neck_monitor_head - weights V x d: each metric of each variant as "head.raw.METRIC" and "head.centered.METRIC". One
 *     Gram matrix in double precision serves both. Errors: NECK_E_ARGUMENT for another shape than before.
 * neck_monitor_states - at least two states of the last layer, as rows, of d = hidden_size columns:
 *     "states.raw.anisotropy", "states.raw.effective_rank", the same centered, and "states.mean_norm". Ranks are at
 *     most the number of rows: take as many every time, and more than d.
 * neck_monitor_gradient - of the loss with respect to the head: "gradient.frobenius_norm", "gradient.effective_rank",
 *     "gradient.stable_rank", "gradient.top_component_share". */
NECK_API neck_status neck_monitor_head(neck_context *context, neck_monitor *monitor, int64_t step,
                                       const neck_matrix *weights);
NECK_API neck_status neck_monitor_states(neck_context *context, neck_monitor *monitor, int64_t step,
                                         const neck_matrix *states);
NECK_API neck_status neck_monitor_gradient(neck_context *context, neck_monitor *monitor, int64_t step,
                                           const neck_matrix *gradient);

/* neck_monitor_value  - a number the caller knows: the loss, norms of weights and updates, the share of the gradient
 *     that the head suppresses (neck_gradient_suppression_measure) ...
 * neck_monitor_values - count of them, in one observation: one line of the log.
 * A name has 1 to 63 characters of A-Z a-z 0-9 . _ - / and any series may be fed this way: "states.raw.anisotropy"
 * found elsewhere is watched for events too. Errors: also NECK_E_NONFINITE for NaN and infinity. */
NECK_API neck_status neck_monitor_value(neck_monitor *monitor, int64_t step, const char *name, double value);
NECK_API neck_status neck_monitor_values(neck_monitor *monitor, int64_t step, const char *const *names,
                                         const double *values, int64_t count);

/* ---- series ---------------------------------------------------------------------------------------------------- */

/* In the order in which they first appeared. Pointers to numbers are borrowed and valid until the next call that is not
 * const; names as long as the monitor holds their series. NULL and 0 outside 0 .. count - 1.
 * error: bound on the error of a value, as in neck_measure; 0 for values given, INFINITY where nothing is known.
 * neck_monitor_series_find - Errors: NECK_E_ARGUMENT, NECK_E_NOT_FOUND. */
NECK_API int64_t neck_monitor_series_count(const neck_monitor *monitor);
NECK_API neck_status neck_monitor_series_find(const neck_monitor *monitor, const char *name, int64_t *index);
NECK_API const char *neck_monitor_series_name(const neck_monitor *monitor, int64_t index);
NECK_API int64_t neck_monitor_series_length(const neck_monitor *monitor, int64_t index);
NECK_API const int64_t *neck_monitor_series_steps(const neck_monitor *monitor, int64_t index);
NECK_API const double *neck_monitor_series_values(const neck_monitor *monitor, int64_t index);
NECK_API const double *neck_monitor_series_errors(const neck_monitor *monitor, int64_t index);

/* ---- events ---------------------------------------------------------------------------------------------------- */

/* The signature of saturation (Godey et al. 2024, arXiv 2404.07647, Fig. 3 to 5): the spectrum of the head flattens,
 * its singular entropy falls to a minimum, then it spikes; the last layer's anisotropy jumps. Watched are the series
 * "head.raw.singular_entropy" and "head.centered.singular_entropy" (entropy thresholds), "states.raw.anisotropy"
 * (anisotropy thresholds). Each goes through three phases:
 *   at first   the highest value is kept: a head rises from its random start, which is flat, and that is no spike.
 *              `fall` below the highest: FLATTEN (SPREAD).
 *   flat       the lowest value is kept. `rise` above it: SPIKE (JUMP). Onset: the last step within `release` of it.
 *   spiked     back within `release` of the lowest value: SPIKE_END (JUMP_END), and flat again.
 * The second threshold is the hysteresis: without recovering nothing spikes twice. A threshold counts when `patience`
 * observations in a row are beyond it, so that an outlier is none.
 *
 * What the defaults mean. A rise by 0.5 nats takes 40 % off exp(entropy of sigma^2), in heads of any width. In the
 * paper's Fig. 5 Pythia 14M, 31M, 70M and 160M rise by 4.4 to 5.5 nats, 410M, 1B and 1.4B by 0.08 to 0.11; the passing
 * rebound of 14M at 45,000 steps, 0.26, is no spike. A SPIKE tells the shape of the spectrum, not the loss:
 * saturation is the two together. */
#define NECK_EVENT_LIST(X)           \
    X(FLATTEN, 1, "flatten")         \
    X(SPIKE, 2, "spike")             \
    X(SPIKE_END, 3, "spike_end")     \
    X(SPREAD, 4, "spread")           \
    X(JUMP, 5, "jump")               \
    X(JUMP_END, 6, "jump_end")

enum {
#define NECK_EVENT_ENTRY(name, number, text) NECK_EVENT_##name = number,
    NECK_EVENT_LIST(NECK_EVENT_ENTRY)
#undef NECK_EVENT_ENTRY
};

/* Set struct_size before the call; only fields within it are written. */
typedef struct neck_monitor_event {
    size_t struct_size;
    int32_t kind;         /* NECK_EVENT_* */
    int32_t reserved;
    int64_t series;       /* index */
    int64_t step;         /* when it was certain, */
    double value;         /* and the value then */
    int64_t onset_step;   /* when it began: the highest value before a FLATTEN, the last one near the lowest before a */
    double onset_value;   /* SPIKE, the first one beyond the threshold of a SPIKE_END */
    int64_t extreme_step; /* the highest value before a FLATTEN, the lowest so far otherwise */
    double extreme_value;
} neck_monitor_event;

/* neck_monitor_event_count - events so far, in the order they were found.
 * neck_monitor_event_at    - Errors: NECK_E_ARGUMENT.
 * neck_monitor_event_name  - e.g. "spike"; "?" for unknown numbers. Static strings. */
NECK_API int64_t neck_monitor_event_count(const neck_monitor *monitor);
NECK_API neck_status neck_monitor_event_at(const neck_monitor *monitor, int64_t index, neck_monitor_event *out);
NECK_API const char *neck_monitor_event_name(int32_t kind);

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* neck_monitor_write_jsonl - one JSON object a line, in the order of observation, each followed by its events:
 *         {"step":50,"values":{"head.raw.singular_entropy":0.52,...},"errors":{"head.raw...":1.1e-12,...}}
 *         {"step":50,"event":"spike","series":"head.raw.singular_entropy","value":...,"onset_step":...,
 *          "onset_value":...,"extreme_step":...,"extreme_value":...}
 *     An error that is 0 is left out, an unknown one is null. Numbers read back to the same bits.
 * neck_monitor_write_csv - a row a step, a column a series, empty where there is none; the first line names them.
 * Either file appears whole or not at all. Errors: NECK_E_ARGUMENT, NECK_E_IO, NECK_E_NOMEM. */
NECK_API neck_status neck_monitor_write_jsonl(const neck_monitor *monitor, const char *path);
NECK_API neck_status neck_monitor_write_csv(const neck_monitor *monitor, const char *path);

/* neck_monitor_log - from now on each observation is appended to the file at path as well, in one write, before the
 * call returns: a kill leaves all finished ones, and nothing else but perhaps the beginning of a last line. The file
 * begins as neck_monitor_write_jsonl would write it, replacing what was there: after neck_monitor_load a log left by a
 * killed run loses what came after the state that was loaded, and goes on as if there had been no kill. NULL: no log
 * any more.
 * Errors: as neck_monitor_write_jsonl; the log is then as before. */
NECK_API neck_status neck_monitor_log(neck_monitor *monitor, const char *path);

/* neck_monitor_save - everything observed, as a safetensors file, whole or not at all.
 * neck_monitor_load - takes the place of what the monitor holds, bit for bit; events are found again with the monitor's
 *     own thresholds.
 * neck_monitor_rewind - forgets all observations of later steps, and the events found in them: for a run that goes on
 *     from an earlier checkpoint.
 * Load and rewind before the log is opened. After a failure the monitor is as before.
 * Errors: NECK_E_ARGUMENT, NECK_E_STATE (a log is open), NECK_E_IO, NECK_E_FORMAT (not such a file), NECK_E_UNSUPPORTED
 * (one of a later version), NECK_E_NOMEM. */
NECK_API neck_status neck_monitor_save(neck_context *context, const neck_monitor *monitor, const char *path);
NECK_API neck_status neck_monitor_load(neck_context *context, neck_monitor *monitor, const char *path);
NECK_API neck_status neck_monitor_rewind(neck_monitor *monitor, int64_t step);

#ifdef __cplusplus
}
#endif
#endif
