/* study/argmax_search.c - guesses first, all contenders in blocks; reflections for what they leave. */
#include "study/argmax_search.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "study/eigen.h"
#include "study/rows.h"

/* Contenders that are guessed for at once, and the states (in numbers) that are reflected at once. */
enum { BLOCK = 4096, STATES = 1 << 24 };

/* A state's height is kept from vanishing: its length would grow without bounds. */
#define LEAST_HEIGHT 1e-6

/* ---- states ------------------------------------------------------------------------------------------------------ */

neck_status neck__argmax_whiten(neck__argmax_run *run)
{
    const neck__contest *contest = &run->contest;
    int64_t d = contest->view.cols, rank;
    neck_gram_options options = {.struct_size = sizeof options, .shift = contest->mean};
    double *vectors = neck__alloc(&contest->allocator, d + 1, d * (int64_t)sizeof *vectors, "a covariance"), *values;
    neck_gram *gram = NULL;
    neck_status status = vectors ? neck_gram_create(run->context, d, &options, &gram) : NECK_E_NOMEM;
    values = vectors + d * d;
    if (status == NECK_OK) status = neck_gram_push(run->context, gram, &contest->view);
    if (status == NECK_OK) status = neck__gram_eigen(run->context, gram, values, vectors, &rank);
    neck_gram_destroy(gram);
    if (status == NECK_OK) {
        for (int64_t i = 0; i < rank; i++) {
            double root = sqrt(values[i] / (double)contest->view.rows);
            for (int64_t k = i * d; k < (i + 1) * d; k++) vectors[k] /= root;
        }
        status = neck__gemm(1, 0, d, d, rank, 1, vectors, d, vectors, d, 0, run->whitening, d);
    }
    neck__release(&contest->allocator, vectors);
    return status;
}

void neck__argmax_normalize(const neck__contest *contest, double *state, double height)
{
    double square = 0, factor;
    for (int64_t k = 0; k < contest->view.cols; k++) square += state[k] * state[k];
    if (contest->bias) factor = contest->bias_unit / fmax(fabs(height), LEAST_HEIGHT * sqrt(square) + DBL_MIN);
    else factor = square > 0 ? 1 / sqrt(square) : 0;
    for (int64_t k = 0; k < contest->view.cols; k++) state[k] *= factor;
}

/* tokens: room for count numbers. */
static void read_rows(const neck__argmax_run *run, int64_t count, const int64_t *who, const double *minus, int64_t *tokens,
                      double *out)
{
    for (int64_t i = 0; i < count; i++) tokens[i] = run->contest.token[who[i]];
    neck__rows_read(run->context, &(neck__rows){&run->contest.view, tokens, 0, count, minus}, NECK_F64, out);
}

neck_status neck__argmax_guess(const neck__argmax_run *run, int32_t proof, int64_t count, const int64_t *who, double *states)
{
    const neck__contest *contest = &run->contest;
    int64_t d = contest->view.cols;
    int whitened = proof == NECK_PROOF_WHITENED;
    int64_t *tokens = neck__alloc(&contest->allocator, count, (whitened ? d + 1 : 1) * (int64_t)sizeof(double), "states");
    if (!tokens) return NECK_E_NOMEM;
    double *rows = whitened ? (double *)(tokens + count) : states;
    read_rows(run, count, who, proof == NECK_PROOF_OWN_ROW ? NULL : contest->mean, tokens, rows);
    neck_status status = NECK_OK;
    if (whitened) status = neck__gemm(0, 0, count, d, d, 1, rows, d, run->whitening, d, 0, states, d);
    for (int64_t i = 0; i < count; i++) neck__argmax_normalize(contest, states + i * d, contest->bias_unit);
    neck__release(&contest->allocator, tokens);
    return status;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

int neck__argmax_settle(neck__argmax_run *run, int64_t contender, int32_t proof, const double *state,
                        const neck__standing *standing)
{
    if (!(standing->lead > 0)) return 0;
    const neck__contest *contest = &run->contest;
    int64_t first = contest->pair_first[contest->token[contender]], shared = contest->pair_size[first], d = contest->view.cols;
    neck__argmax_entry entry = {.verdict = shared > 1 ? NECK_ARGMAX_TIED : NECK_ARGMAX_ARGMAXABLE,
                                .proof = proof,
                                .margin = standing->lead / standing->norm * (1 - 2 * DBL_EPSILON),
                                .state_norm = standing->norm,
                                .probability_bound = 1 / (double)shared};
    for (int64_t token = first; token >= 0; token = contest->pair_next[token]) {
        entry.twin = token != first ? first : contest->pair_next[first];
        run->found->entries[token] = entry;
        if (run->found->witnesses) memcpy(run->found->witnesses + token * d, state, (size_t)d * sizeof *state);
    }
    run->contest.settled++;
    return 1;
}

/* Keeps of who (and of the states) those that are not settled by their standings; returns how many. */
static int64_t settle_all(neck__argmax_run *run, int32_t proof, int64_t count, int64_t *who, double *states,
                          neck__standing *standings)
{
    int64_t kept = 0, d = run->contest.view.cols;
    for (int64_t i = 0; i < count; i++) {
        if (neck__argmax_settle(run, who[i], proof, states + i * d, &standings[i])) continue;
        who[kept] = who[i];
        standings[kept] = standings[i];
        if (kept < i) memcpy(states + kept * d, states + i * d, (size_t)d * sizeof *states);
        kept++;
    }
    return kept;
}

/* ---- reflections ------------------------------------------------------------------------------------------------- */

typedef struct reflecting {
    const neck__contest *contest;
    const int64_t *who;
    const neck__standing *standings;
    double *states;
    double *differences; /* count x cols: room */
} reflecting;

/* Mirrors the state in the plane where the contender and the rival that leads are equal: behind it the contender is ahead by as
 * much as it was behind. What comes out below height 0 is mirrored there too. */
static void reflect(void *data, int64_t i)
{
    const reflecting *job = data;
    const neck__contest *contest = job->contest;
    int64_t d = contest->view.cols;
    double *x = job->states + i * d, *w = job->differences + i * d, value = 0, square = 0, unit = contest->bias_unit;
    double bias = neck__contest_difference(contest, job->who[i], job->standings[i].rivals[0], w);
    for (int64_t k = 0; k < d; k++) {
        value += w[k] * x[k];
        square += w[k] * w[k];
    }
    double along = 2 * (value + bias * unit) / (square + bias * bias);
    if (!isfinite(along)) return;
    for (int64_t k = 0; k < d; k++) x[k] -= along * w[k];
    neck__argmax_normalize(contest, x, unit - along * bias);
}

/* Up to `reflections` for count contenders; returns what is left of them in *kept. */
static neck_status reflect_all(neck__argmax_run *run, int64_t count, int64_t *who, double *states, neck__standing *standings,
                               int64_t *kept)
{
    int64_t d = run->contest.view.cols;
    double *differences = neck__alloc(&run->contest.allocator, count, d * (int64_t)sizeof *differences, "reflections");
    if (!differences) return NECK_E_NOMEM;
    neck_status status = neck__argmax_guess(run, NECK_PROOF_WHITENED, count, who, states);
    if (status == NECK_OK) status = neck__standings_measure(run->context, &run->contest, count, who, states, standings);
    for (int64_t i = 0; status == NECK_OK && i < run->reflections && count > 0; i++) {
        reflecting job = {&run->contest, who, standings, states, differences};
        neck__parallel(run->context, count, reflect, &job);
        status = neck__standings_measure(run->context, &run->contest, count, who, states, standings);
        if (status == NECK_OK) count = settle_all(run, NECK_PROOF_REFLECTION, count, who, states, standings);
    }
    neck__release(&run->contest.allocator, differences);
    *kept = count;
    return status;
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static neck_status guess_all(neck__argmax_run *run, int64_t count, int64_t *who, double *states, neck__standing *standings,
                             int64_t *kept)
{
    for (int32_t proof = NECK_PROOF_WHITENED; proof <= NECK_PROOF_OWN_ROW && count > 0; proof++) {
        NECK_TRY(neck__argmax_guess(run, proof, count, who, states));
        NECK_TRY(neck__standings_measure(run->context, &run->contest, count, who, states, standings));
        count = settle_all(run, proof, count, who, states, standings);
    }
    *kept = count;
    return NECK_OK;
}

typedef neck_status (*search_fn)(neck__argmax_run *run, int64_t count, int64_t *who, double *states, neck__standing *standings,
                                 int64_t *kept);

/* Lets `search` work through what is open, at most `step` at once. */
static neck_status in_blocks(neck__argmax_run *run, int64_t step, search_fn search)
{
    const neck__allocator *allocator = &run->contest.allocator;
    int64_t d = run->contest.view.cols, open = 0;
    if (run->open_count == 0) return NECK_OK;
    if (step > run->open_count) step = run->open_count;
    double *states = neck__alloc(allocator, step, d * (int64_t)sizeof *states, "states");
    neck__standing *standings = states ? neck__alloc(allocator, step, sizeof *standings, "standings") : NULL;
    neck_status status = standings ? NECK_OK : NECK_E_NOMEM;
    for (int64_t begin = 0; status == NECK_OK && begin < run->open_count; begin += step) {
        int64_t count = run->open_count - begin < step ? run->open_count - begin : step, kept = count;
        status = search(run, count, run->open + begin, states, standings, &kept);
        memmove(run->open + open, run->open + begin, (size_t)kept * sizeof *run->open);
        open += kept;
    }
    neck__release(allocator, states);
    neck__release(allocator, standings);
    if (status == NECK_OK) run->open_count = open;
    return status;
}

neck_status neck__argmax_search(neck__argmax_run *run)
{
    int64_t most = STATES / run->contest.view.cols;
    NECK_TRY(in_blocks(run, BLOCK, guess_all));
    return in_blocks(run, most > BLOCK ? most : BLOCK, reflect_all);
}
