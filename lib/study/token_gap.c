/* study/token_gap.c - log-sum-exp of both heads, and moments and range of their difference, in one pass. */
#include "study/token_gap.h"

#include <math.h>

void neck__token_gap_start(neck__token_gap *token, int64_t target)
{
    *token = (neck__token_gap){.target = target, .top = {-INFINITY, -INFINITY}, .low = INFINITY, .high = -INFINITY};
}

/* Finds the stretch's largest logit, and brings sums that were made with an older one to it. Equals keep the lowest
 * index. */
static void raise_top(neck__token_gap *token, int head, int64_t first, int64_t count, const double *z)
{
    double before = token->top[head];
    for (int64_t j = 0; j < count; j++)
        if (z[j] > token->top[head]) {
            token->top[head] = z[j];
            token->best[head] = first + j;
        }
    double scale = token->top[head] == before ? 1 : exp(before - token->top[head]);
    token->sum[head] *= scale;
    if (head == NECK__FULL) token->drift *= scale;
}

void neck__token_gap_add(neck__token_gap *token, int64_t first, int64_t count, const double *full,
                         const double *reduced)
{
    if (first == 0) token->origin = reduced[0] - full[0];
    raise_top(token, NECK__FULL, first, count, full);
    raise_top(token, NECK__REDUCED, first, count, reduced);
    if (token->target >= first && token->target < first + count) {
        token->at_target[NECK__FULL] = full[token->target - first];
        token->at_target[NECK__REDUCED] = reduced[token->target - first];
    }
    for (int64_t j = 0; j < count; j++) {
        double delta = reduced[j] - full[j], moved = delta - token->origin,
            weight = exp(full[j] - token->top[NECK__FULL]);
        token->sum[NECK__FULL] += weight;
        token->sum[NECK__REDUCED] += exp(reduced[j] - token->top[NECK__REDUCED]);
        token->drift += weight * moved;
        token->delta_sum += moved;
        token->delta_squares += moved * moved;
        if (delta < token->low) token->low = delta;
        if (delta > token->high) token->high = delta;
    }
}

neck__gap_terms neck__token_gap_finish(const neck__token_gap *token, int64_t vocabulary)
{
    double count = (double)vocabulary, sum = token->delta_sum, range = token->high - token->low;
    neck__gap_terms terms = {.delta_squares = token->delta_squares + token->origin * (2 * sum + count * token->origin)};
    for (int head = 0; head < NECK__HEADS; head++)
        terms.loss[head] = log(token->sum[head]) + (token->top[head] - token->at_target[head]);
    double at_target = token->at_target[NECK__REDUCED] - token->at_target[NECK__FULL] - token->origin;
    terms.first_order = token->drift / token->sum[NECK__FULL] - at_target;
    terms.quadratic = fmax(token->delta_squares - sum * sum / count, 0) / 4;
    terms.range = range * range / 8;
    terms.finite = isfinite(terms.loss[NECK__FULL] + terms.loss[NECK__REDUCED] + terms.delta_squares);
    return terms;
}
