/* study/argmax_standing.c - the logits of many states against all contenders, a block at a time, and a bound on their
 * error. A product of d terms summed in any order, with or without fused operations, errs by at most d u sum |w_k x_k|
 * <= d u |w| |x|, u the unit roundoff; adding the bias and the bound itself, a few more. */
#include <float.h>
#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "study/argmax_contest.h"
#include "study/rows.h"

/* Logits in memory at once. */
enum { LOGITS = 1 << 21, LEAST_STATES = 64 };

typedef struct scoring {
    const neck__contest *contest;
    const int64_t *who;
    int64_t first, count; /* contenders of the block */
    const double *logits; /* states x count, without biases */
    double roundings;     /* (d + 8) u */
    neck__standing *out;
    double *own;          /* of every state: a lower bound of its contender's logit */
} scoring;

/* Keeps the largest, in order. */
static void insert(neck__standing *standing, int64_t rival, double score)
{
    int32_t at = standing->count < NECK__RIVALS ? standing->count++ : NECK__RIVALS - 1;
    for (; at > 0 && standing->scores[at - 1] < score; at--) {
        standing->scores[at] = standing->scores[at - 1];
        standing->rivals[at] = standing->rivals[at - 1];
    }
    standing->scores[at] = score;
    standing->rivals[at] = rival;
}

static void score_state(void *data, int64_t i)
{
    const scoring *job = data;
    const neck__contest *contest = job->contest;
    const double *logits = job->logits + i * job->count, *norm = contest->norm + job->first;
    neck__standing *standing = &job->out[i];
    double reach = job->roundings * standing->norm;
    for (int64_t j = 0; j < job->count; j++) {
        double bias = contest->bias ? contest->bias[contest->token[job->first + j]] : 0, score = logits[j] + bias;
        double error = reach * norm[j] + job->roundings * fabs(bias) + DBL_MIN;
        if (job->first + j == job->who[i]) job->own[i] = score - error;
        else if (standing->count < NECK__RIVALS || score + error > standing->scores[NECK__RIVALS - 1])
            insert(standing, job->first + j, score + error);
    }
}

static double norm_of(int64_t count, const double *x)
{
    double sum = 0;
    for (int64_t k = 0; k < count; k++) sum += x[k] * x[k];
    return sqrt(sum) * (1 + (double)(count + 4) * DBL_EPSILON);
}

/* A state whose logits might not be finite is one at which nobody leads. */
static void finish(const neck__contest *contest, double own, neck__standing *standing)
{
    double other = standing->count > 0 ? standing->scores[0] : -INFINITY;
    int finite = isfinite(2 * standing->norm * contest->norm_max);
    standing->lead = finite ? (own - other)
        - 4 * DBL_EPSILON * (fabs(own) + (standing->count > 0 ? fabs(other) : 0)) : -INFINITY;
}

neck_status neck__standings_measure(neck_context *context, const neck__contest *contest, int64_t count,
                                    const int64_t *who, const double *states, neck__standing *out)
{
    int64_t d = contest->view.cols, chunk = neck__rows_per_block(d), step = LOGITS / chunk;
    if (step < LEAST_STATES) step = LEAST_STATES;
    if (step > count) step = count;
    neck__allocator allocator = neck__allocator_of(context);
    double *rows = neck__alloc(&allocator, chunk * d + step * (chunk + 1), sizeof *rows, "rows and their logits");
    if (!rows) return NECK_E_NOMEM;
    double *logits = rows + chunk * d, *own = logits + step * chunk;
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < count; i++) out[i] = (neck__standing){.norm = norm_of(d, states + i * d)};
    for (int64_t begin = 0; status == NECK_OK && begin < count; begin += step) {
        int64_t now = count - begin < step ? count - begin : step;
        scoring job = {contest, who + begin, 0, 0, logits, ((double)d + 8) * (DBL_EPSILON / 2), out + begin, own};
        for (; status == NECK_OK && job.first < contest->count; job.first += job.count) {
            job.count = contest->count - job.first < chunk ? contest->count - job.first : chunk;
            neck__rows wanted = {&contest->view, contest->token + job.first, 0, job.count, NULL};
            neck__rows_read(context, &wanted, NECK_F64, rows);
            status = neck__gemm(0, 1, now, job.count, d, 1, states + begin * d, d, rows, d, 0, logits, job.count);
            if (status == NECK_OK) neck__parallel(context, now, score_state, &job);
        }
        for (int64_t i = 0; i < now; i++) finish(contest, own[i], &out[begin + i]);
        if (contest->told) contest->told(contest->told_user);
        if (status == NECK_OK)
            status = neck__progress(context, "who can win", "tokens", contest->settled, contest->count);
    }
    neck__release(&allocator, rows);
    return status;
}
