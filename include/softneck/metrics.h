/* softneck/metrics.h - rank metrics: each a pure function of a spectrum, its convention in its name. */
#ifndef SOFTNECK_METRICS_H
#define SOFTNECK_METRICS_H

#include "spectrum.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A number and how wrong it can be. error is an absolute bound carried over from the spectrum's error bounds (to
 * first order where a function says so; INFINITY when nothing can be said); it covers neither the choice of metric
 * nor the last few bits of its own arithmetic. Frozen layout. */
typedef struct neck_measure {
    double value;
    double error;
} neck_measure;

/* How singular values become a distribution p. Metrics whose definition fixes this do not ask. */
enum {
    NECK_P_SQUARED = 0, /* p_i = sigma_i^2 / sum sigma^2: the paper's figures */
    NECK_P_LINEAR = 1   /* p_i = sigma_i / sum sigma: Roy-Vetterli, RankMe */
};

/* Notation: sigma_1 >= ... >= sigma_n are all n = neck_spectrum_size singular values of W, lambda_i = sigma_i^2,
 * p as above, H(p) = -sum p_i ln p_i with 0 ln 0 = 0 exactly. "The paper" is Godey et al. 2024, arXiv 2404.07647.
 *
 * Thread rule: all functions here are pure and may run side by side on one spectrum.
 * Errors common to all: NECK_E_ARGUMENT for NULL, a normalization that does not exist, or a spectrum of zeros
 * where the metric is 0/0 (all of them but the norms and the numerical rank, which are then 0); NECK_E_STATE when a
 * metric needs all n values and the spectrum holds only the largest. Marked [top]: works on the largest values
 * alone, with |W|_F^2 from the spectrum standing for the rest. */

/* ---- entropies and the ranks made of them -------------------------------------------------------------------- */

/* neck_singular_entropy - KL(p || uniform) = sum p_i ln(n p_i) = ln n - H(p), nats, 0 (flat) .. ln n (one direction).
 * The paper's singular entropy (Sec. 4.2, Fig. 5) with NECK_P_SQUARED. Summed in non-negative terms, so a nearly flat
 * spectrum loses no digits. */
NECK_API neck_status neck_singular_entropy(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out);

/* neck_effective_rank - exp(H(p)), p linear; dimensions, 1 .. n. Roy & Vetterli 2007. */
NECK_API neck_status neck_effective_rank(const neck_spectrum *spectrum, neck_measure *out);

/* neck_rankme - exp(-sum p_k ln p_k), p_k = sigma_k / sum sigma + epsilon, not renormalised, as published: Garrido et
 * al. 2023, arXiv 2210.02885. epsilon 0 means the published 1e-7; else finite and > 0. Dimensions. Error: first
 * order. */
NECK_API neck_status neck_rankme(const neck_spectrum *spectrum, double epsilon, neck_measure *out);

/* neck_matrix_entropy_rank - exp(H(p)), p squared; dimensions, 1 .. n; equals n exp(-singular entropy). Called RankMe
 * by Li et al. 2025, arXiv 2509.23024. */
NECK_API neck_status neck_matrix_entropy_rank(const neck_spectrum *spectrum, neck_measure *out);

/* neck_proportional_effective_rank - effective rank / n; 1/n .. 1. PER of Diehl Martinez et al. 2024. */
NECK_API neck_status neck_proportional_effective_rank(const neck_spectrum *spectrum, neck_measure *out);

/* ---- ranks by ratio and by threshold ------------------------------------------------------------------------- */

/* neck_stable_rank - |W|_F^2 / sigma_1^2; dimensions, 1 .. n. [top] */
NECK_API neck_status neck_stable_rank(const neck_spectrum *spectrum, neck_measure *out);

/* neck_participation_ratio - (sum lambda)^2 / sum lambda^2; dimensions, 1 .. n. */
NECK_API neck_status neck_participation_ratio(const neck_spectrum *spectrum, neck_measure *out);

/* neck_numerical_rank - how many sigma_i > tolerance * sigma_1; dimensions, 0 .. n. tolerance: 0 <= t < 1; 0 means
 * max(rows, cols) * DBL_EPSILON, as numpy.linalg.matrix_rank. error: how many values lie within their bound of the
 * threshold. [top] when the smallest known value is below the threshold. */
NECK_API neck_status neck_numerical_rank(const neck_spectrum *spectrum, double tolerance, neck_measure *out);

/* neck_condition_number - sigma_1 / sigma_n; >= 1, INFINITY when sigma_n is 0. error is INFINITY when sigma_n may be
 * 0 within its bound. */
NECK_API neck_status neck_condition_number(const neck_spectrum *spectrum, neck_measure *out);

/* ---- norms, in the unit of W's entries; 0 for a zero matrix ---------------------------------------------------- */

/* neck_nuclear_norm   - sum sigma.
 * neck_frobenius_norm - |W|_F, from the entries where the spectrum knows them. [top]
 * neck_spectral_norm  - sigma_1. [top] */
NECK_API neck_status neck_nuclear_norm(const neck_spectrum *spectrum, neck_measure *out);
NECK_API neck_status neck_frobenius_norm(const neck_spectrum *spectrum, neck_measure *out);
NECK_API neck_status neck_spectral_norm(const neck_spectrum *spectrum, neck_measure *out);

/* ---- what a truncation loses ----------------------------------------------------------------------------------- */

/* neck_w_error - W-error(d) = sqrt(sum_{i>d} sigma_i^2) / |W|_F: what the best approximation of rank d loses; 0 .. 1,
 * 1 at d = 0 (the paper, Sec. 5.3). The tail is summed by itself, smallest first, so it does not cancel. 0 <= rank <=
 * how many values are known. Errors: NECK_E_ARGUMENT (rank < 0 or > n), NECK_E_STATE (rank beyond the known). [top]
 *
 * neck_rank_for_w_error - the smallest d with W-error(d) <= w_error; dimensions, 0 .. n. 0 <= w_error <= 1. The paper
 * sees performance fall where W-error passes 0.6 (Fig. 8). Errors: NECK_E_ARGUMENT, NECK_E_STATE (not reached
 * within the known values). [top]
 *
 * neck_top_component_share - sigma_1^2 / |W|_F^2; 1/n .. 1. [top] */
NECK_API neck_status neck_w_error(const neck_spectrum *spectrum, int64_t rank, neck_measure *out);
NECK_API neck_status neck_rank_for_w_error(const neck_spectrum *spectrum, double w_error, neck_measure *out);
NECK_API neck_status neck_top_component_share(const neck_spectrum *spectrum, neck_measure *out);

/* ---- power laws ------------------------------------------------------------------------------------------------ */

/* neck_alpha_req - alpha of lambda_i ~ i^-alpha: minus the slope of ln lambda_i against ln i over the ranks first ..
 * last (from 1, both included), least squares with weights 1/i as in the code of Stringer et al. 2019 and of
 * alpha-ReQ (Agrawal et al. 2022). 0, 0: ranks 11 .. 100 clipped to the values that are surely above zero; when those
 * are fewer than 22, the range starts in their middle. error: for this very range, INFINITY when a value in it may
 * be 0.
 * Errors: NECK_E_ARGUMENT (bad range, a zero or fewer than two values in it), NECK_E_STATE (last beyond the known
 * values). [top] */
NECK_API neck_status neck_alpha_req(const neck_spectrum *spectrum, int64_t first, int64_t last, neck_measure *out);

/* A fitted tail. Set struct_size before the call; only fields within it are written. */
typedef struct neck_power_law {
    size_t struct_size;
    double alpha;          /* of the density of lambda: rho(lambda) ~ lambda^-alpha for lambda >= xmin; > 1 */
    double alpha_error;    /* bound carried over from the singular values, the choice of xmin held fixed */
    double standard_error; /* statistical: (alpha - 1) / sqrt(tail_count) */
    double ks_distance;    /* Kolmogorov-Smirnov distance of tail and fit, 0 .. 1 */
    double ks_error;       /* as alpha_error */
    double xmin;           /* the smallest lambda of the tail */
    int64_t tail_count;    /* lambdas >= xmin */
} neck_power_law;

/* neck_power_law_tail - fits a power law to the tail of the spectral density of W^T W by continuous maximum likelihood,
 * alpha = 1 + m / sum ln(lambda_i / xmin), with the xmin among the lambdas (but the largest) that makes the
 * Kolmogorov-Smirnov distance least: Clauset, Shalizi & Newman 2009, arXiv 0706.1062. The empirical distribution is
 * P(lambda < x), as in the authors' plfit and the powerlaw package. Values that may be zero are left out. Time about
 * n log n as a rule, n^2 at worst.
 * Errors: NECK_E_ARGUMENT (fewer than two distinct values above zero), NECK_E_STATE, NECK_E_NOMEM. */
NECK_API neck_status neck_power_law_tail(const neck_spectrum *spectrum, neck_power_law *out);

/* ---- inequality of the spectrum -------------------------------------------------------------------------------- */

/* neck_gini - sum_i (n + 1 - 2i) p_i / n; 0 (flat) .. 1 - 1/n. Gini coefficient, Hurley & Rickard 2009.
 *
 * neck_hoyer - (sqrt(n) - |p|_1 / |p|_2) / (sqrt(n) - 1); 0 (flat) .. 1, 0 for n = 1. Hoyer 2004.
 *
 * neck_early_enrichment - eigenvalue early enrichment, EEE = (2/n) sum_k (C_k - k/n), C_k = sum_{i<=k} p_i, p squared:
 * twice the area between the cumulative spectrum and the uniform line; 0 .. 1 - 1/n. Marbut et al. 2023, in the form
 * of NerVE, arXiv 2603.06922, Eq. 3. Summing by parts shows that it is the Gini coefficient of the lambdas. */
NECK_API neck_status neck_gini(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out);
NECK_API neck_status neck_hoyer(const neck_spectrum *spectrum, int32_t normalization, neck_measure *out);
NECK_API neck_status neck_early_enrichment(const neck_spectrum *spectrum, neck_measure *out);

/* ---- the table: every metric under its name, with default parameters ---------------------------------------- */

/* neck_metric_count   - how many; indices are 0 .. count-1, in the order of this header.
 * neck_metric_name    - "singular_entropy", ...: the name used in JSON, in Python and in the tools' tables.
 * neck_metric_unit    - "nats", "dimensions", "units of W" or "1".
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
