/* softneck/metrics.h - rank metrics: each a pure function of a spectrum, its convention in its name. */
#ifndef SOFTNECK_METRICS_H
#define SOFTNECK_METRICS_H

#include "spectrum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A number and how wrong it can be. error is an absolute bound carried over from the spectrum's error bounds to
 * first order (INFINITY when nothing can be said); it does not cover the choice of metric. Frozen layout. */
typedef struct neck_measure {
    double value;
    double error;
} neck_measure;

/* How singular values become a distribution p. Metrics whose definition fixes this do not ask. */
enum {
    NECK_P_SQUARED = 0, /* p_i = sigma_i^2 / sum sigma^2: the paper's figures */
    NECK_P_LINEAR = 1   /* p_i = sigma_i / sum sigma: Roy-Vetterli, RankMe */
};

/* ---- the table: every metric under its name, with default parameters ---------------------------------------- */

/* neck_metric_count   - how many; indices are 0 .. count-1, in the order of this header.
 * neck_metric_name    - "singular_entropy", ...: the name used in JSON, in Python and in the tools' tables.
 * neck_metric_unit    - "nats", "dimensions", "1" ...
 * neck_metric_summary - one sentence: the formula and its source. All static; NULL when out of range.
 * neck_metric_find    - index of a name; NECK_E_NOT_FOUND (the message lists the names).
 * neck_metric_evaluate - the metric of a spectrum. Errors: those of the metric itself. */
NECK_API int64_t neck_metric_count(void);
NECK_API const char *neck_metric_name(int64_t index);
NECK_API const char *neck_metric_unit(int64_t index);
NECK_API const char *neck_metric_summary(int64_t index);
NECK_API neck_status neck_metric_find(const char *name, int64_t *index);
NECK_API neck_status neck_metric_evaluate(int64_t index, const neck_spectrum *spectrum, neck_measure *out);

#ifdef __cplusplus
}
#endif
#endif
