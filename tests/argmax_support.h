/* What the tests of unargmaxable tokens share: checks of verdicts against their own evidence, and heads whose truth is
 * planted. */
#ifndef TESTS_ARGMAX_SUPPORT_H
#define TESTS_ARGMAX_SUPPORT_H

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "constructed.h"
#include "softneck/unargmaxable.h"

static inline neck_argmax_verdict verdict_on(const neck_argmax *argmax, int64_t token)
{
    neck_argmax_verdict verdict = {.struct_size = sizeof verdict};
    ck_assert_msg(neck_argmax_token(argmax, token, &verdict) == NECK_OK, "%s", neck_last_error());
    return verdict;
}

static inline neck_argmax *argmax_of(const neck_matrix *weights, const neck_argmax_options *options)
{
    neck_argmax *argmax = NULL;
    ck_assert_msg(neck_argmax_compute(NULL, weights, options, &argmax) == NECK_OK, "%s", neck_last_error());
    return argmax;
}

static inline long double logit(const double *w, const double *x, int64_t d, double bias)
{
    long double sum = bias;
    for (int64_t k = 0; k < d; k++) sum += (long double)w[k] * x[k];
    return sum;
}

/* Every verdict's evidence, from the rows (V x d doubles) alone: a witness wins in long doubles, a mean is the row. */
static inline void check_evidence(const neck_argmax *argmax, const double *w, const double *bias, int64_t vocabulary,
                                  int64_t d, const char *what)
{
    double *mean = malloc((size_t)d * sizeof *mean);
    for (int64_t c = 0; c < vocabulary; c++) {
        neck_argmax_verdict verdict = verdict_on(argmax, c);
        const double *x, *shares, *row = w + c * d;
        const int64_t *tokens;
        int64_t count;
        double own = bias ? bias[c] : 0;
        ck_assert(neck_argmax_mean(argmax, c, &tokens, &shares, &count) == NECK_OK);
        ck_assert((count > 0) == (verdict.verdict == NECK_ARGMAX_UNARGMAXABLE));
        if (verdict.verdict == NECK_ARGMAX_ARGMAXABLE || verdict.verdict == NECK_ARGMAX_TIED) {
            ck_assert_msg(neck_argmax_witness(argmax, c, &x) == NECK_OK, "%s: %s", what, neck_last_error());
            long double z = logit(row, x, d, own), lead = INFINITY;
            for (int64_t j = 0; j < vocabulary; j++) {
                int same = memcmp(w + j * d, row, (size_t)d * 8) == 0 && (!bias || bias[j] == own);
                if (!same) lead = fminl(lead, z - logit(w + j * d, x, d, bias ? bias[j] : 0));
                ck_assert(!same || j == c || verdict.verdict == NECK_ARGMAX_TIED);
            }
            ck_assert_msg(verdict.margin > 0 && lead >= verdict.margin * (1 - 1e-15L),
                          "%s: token %lld leads by %Lg, said %g", what, (long long)c, lead, verdict.margin);
        }
        if (count > 0) {
            long double total = 0, beyond = -own, square = 0, entropy = 0;
            memset(mean, 0, (size_t)d * sizeof *mean);
            for (int64_t i = 0; i < count; i++) {
                ck_assert(tokens[i] != c && tokens[i] >= 0 && tokens[i] < vocabulary && shares[i] >= 0);
                total += shares[i];
                beyond += (long double)shares[i] * (bias ? bias[tokens[i]] : 0);
                if (shares[i] > 0) entropy -= shares[i] * logl(shares[i]);
                for (int64_t k = 0; k < d; k++) mean[k] += shares[i] * (w[tokens[i] * d + k] - row[k]);
            }
            for (int64_t k = 0; k < d; k++) square += (long double)mean[k] * mean[k];
            ck_assert_msg(fabsl(total - 1) < 1e-13L, "%s: shares of token %lld sum to %Lg", what, (long long)c, total);
            ck_assert_msg(sqrtl(square) <= verdict.residual + 1e-14L, "%s: residual %Lg, said %g", what, sqrtl(square),
                          verdict.residual);
            ck_assert_msg(beyond >= -verdict.slack - 1e-15L, "%s: bias beyond the mean by %Lg", what, -beyond);
            ck_assert(verdict.probability_bound <= 1 / (1 + expl(entropy)) + 1e-9L);
        }
    }
    free(mean);
}

#endif
