/* metrics/metric_table.c - every metric under its name, with default parameters. */
#include <stdio.h>
#include <string.h>

#include "core/error.h"
#include "metrics/values.h"

typedef neck_status (*evaluate_fn)(const neck_spectrum *spectrum, neck_measure *out);

typedef struct metric {
    const char *name, *unit, *summary;
    evaluate_fn evaluate;
} metric;

static neck_status singular_entropy(const neck_spectrum *s, neck_measure *out)
{
    return neck_singular_entropy(s, NECK_P_SQUARED, out);
}

static neck_status singular_entropy_linear(const neck_spectrum *s, neck_measure *out)
{
    return neck_singular_entropy(s, NECK_P_LINEAR, out);
}

static neck_status rankme(const neck_spectrum *s, neck_measure *out)
{
    return neck_rankme(s, 0, out);
}

static neck_status numerical_rank(const neck_spectrum *s, neck_measure *out)
{
    return neck_numerical_rank(s, 0, out);
}

/* W-error when one component in divisor is kept, rounded up. */
static neck_status w_error_at(const neck_spectrum *s, int64_t divisor, neck_measure *out)
{
    return neck_w_error(s, s ? (s->size + divisor - 1) / divisor : 0, out);
}

static neck_status w_error_at_quarter(const neck_spectrum *s, neck_measure *out)
{
    return w_error_at(s, 4, out);
}

static neck_status w_error_at_half(const neck_spectrum *s, neck_measure *out)
{
    return w_error_at(s, 2, out);
}

static neck_status rank_for_w_error_60pct(const neck_spectrum *s, neck_measure *out)
{
    return neck_rank_for_w_error(s, 0.6, out);
}

static neck_status rank_for_w_error_5pct(const neck_spectrum *s, neck_measure *out)
{
    return neck_rank_for_w_error(s, 0.05, out);
}

static neck_status alpha_req(const neck_spectrum *s, neck_measure *out)
{
    return neck_alpha_req(s, 0, 0, out);
}

static neck_status power_law_alpha(const neck_spectrum *s, neck_measure *out)
{
    neck_power_law law = {.struct_size = sizeof law};
    NECK_TRY(neck_power_law_tail(s, out ? &law : NULL));
    *out = (neck_measure){law.alpha, law.alpha_error};
    return NECK_OK;
}

static neck_status power_law_ks(const neck_spectrum *s, neck_measure *out)
{
    neck_power_law law = {.struct_size = sizeof law};
    NECK_TRY(neck_power_law_tail(s, out ? &law : NULL));
    *out = (neck_measure){law.ks_distance, law.ks_error};
    return NECK_OK;
}

static neck_status gini(const neck_spectrum *s, neck_measure *out)
{
    return neck_gini(s, NECK_P_LINEAR, out);
}

static neck_status hoyer(const neck_spectrum *s, neck_measure *out)
{
    return neck_hoyer(s, NECK_P_LINEAR, out);
}

static const metric metrics[] = {
    {"singular_entropy", "nats", "KL(p || uniform), p = sigma^2 / sum sigma^2 (Godey et al. 2024, Sec. 4.2)",
     singular_entropy},
    {"singular_entropy_linear", "nats", "KL(p || uniform), p = sigma / sum sigma", singular_entropy_linear},
    {"effective_rank", "dimensions", "exp of the entropy of sigma / sum sigma (Roy and Vetterli 2007)",
     neck_effective_rank},
    {"rankme", "dimensions", "exp(-sum p ln p), p = sigma / sum sigma + 1e-7 (Garrido et al. 2023)", rankme},
    {"matrix_entropy_rank", "dimensions", "exp of the entropy of sigma^2 / sum sigma^2 (Li et al. 2025)",
     neck_matrix_entropy_rank},
    {"proportional_effective_rank", "1", "effective rank / number of singular values (Diehl Martinez et al. 2024)",
     neck_proportional_effective_rank},
    {"stable_rank", "dimensions", "|W|_F^2 / sigma_1^2", neck_stable_rank},
    {"participation_ratio", "dimensions", "(sum sigma^2)^2 / sum sigma^4", neck_participation_ratio},
    {"numerical_rank", "dimensions", "how many sigma > max(rows, cols) eps sigma_1", numerical_rank},
    {"condition_number", "1", "largest / smallest singular value", neck_condition_number},
    {"nuclear_norm", "units of W", "sum of the singular values", neck_nuclear_norm},
    {"frobenius_norm", "units of W", "sqrt of the sum of squared entries", neck_frobenius_norm},
    {"spectral_norm", "units of W", "largest singular value, sigma_1", neck_spectral_norm},
    {"w_error_at_quarter", "1", "W-error of the best approximation of rank n/4, rounded up (Godey et al. 2024, Sec. 5)",
     w_error_at_quarter},
    {"w_error_at_half", "1", "W-error of the best approximation of rank n/2, rounded up (Godey et al. 2024, Sec. 5)",
     w_error_at_half},
    {"rank_for_w_error_60pct", "dimensions", "smallest rank with W-error at most 0.6 (Godey et al. 2024, Fig. 8)",
     rank_for_w_error_60pct},
    {"rank_for_w_error_5pct", "dimensions", "smallest rank with W-error at most 0.05", rank_for_w_error_5pct},
    {"top_component_share", "1", "sigma_1^2 / |W|_F^2", neck_top_component_share},
    {"alpha_req", "1", "decay exponent of sigma_i^2 over ranks 11..100, weights 1/i (Agrawal et al. 2022)", alpha_req},
    {"power_law_alpha", "1", "exponent of the tail of the density of sigma^2 (Clauset et al. 2009)", power_law_alpha},
    {"power_law_ks", "1", "Kolmogorov-Smirnov distance of that tail and its fit", power_law_ks},
    {"gini", "1", "Gini coefficient of the singular values (Hurley and Rickard 2009)", gini},
    {"hoyer", "1", "Hoyer sparsity of the singular values (Hoyer 2004)", hoyer},
    {"early_enrichment", "1", "twice the area between the cumulative sigma^2 and the uniform line (EEE, NerVE 2026)",
     neck_early_enrichment},
};

enum { METRIC_COUNT = sizeof metrics / sizeof metrics[0] };

static const metric *metric_at(int64_t index)
{
    return index >= 0 && index < METRIC_COUNT ? &metrics[index] : NULL;
}

int64_t neck_metric_count(void)
{
    return METRIC_COUNT;
}

const char *neck_metric_name(int64_t index)
{
    const metric *m = metric_at(index);
    return m ? m->name : NULL;
}

const char *neck_metric_unit(int64_t index)
{
    const metric *m = metric_at(index);
    return m ? m->unit : NULL;
}

const char *neck_metric_summary(int64_t index)
{
    const metric *m = metric_at(index);
    return m ? m->summary : NULL;
}

neck_status neck_metric_find(const char *name, int64_t *index)
{
    if (!name || !index) return neck__fail(NECK_E_ARGUMENT, "name or index is NULL");
    for (int64_t i = 0; i < METRIC_COUNT; i++)
        if (strcmp(name, metrics[i].name) == 0) {
            *index = i;
            return NECK_OK;
        }
    char names[768] = "";
    size_t used = 0;
    for (int64_t i = 0; i < METRIC_COUNT && used < sizeof names; i++)
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i ? ", " : "", metrics[i].name);
    return neck__fail(NECK_E_NOT_FOUND, "no metric '%.64s': %s", name, names);
}

neck_status neck_metric_evaluate(int64_t index, const neck_spectrum *spectrum, neck_measure *out)
{
    const metric *m = metric_at(index);
    if (!m)
        return neck__fail(NECK_E_ARGUMENT, "metric %lld: there are %d, numbered from 0", (long long)index,
                          (int)METRIC_COUNT);
    return m->evaluate(spectrum, out);
}
