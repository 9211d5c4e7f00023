/* study/argmax_search.c - guesses first, all contenders in blocks; reflections for what they leave. */
#include "study/argmax_search.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "linalg/blas.h"
#include "softneck/spectrum.h"
#include "study/rows.h"

/* Contenders that are guessed for at once, and the states (in numbers) that are reflected at once. */
enum { BLOCK = 4096, STATES = 1 << 24 };

/* Reflections go on while this many of them settle at least one in SETTLED of what is open: a linear program costs
 * about as much as a hundred reflections, and they lead nowhere for tokens that cannot win. */
enum { STRETCH = 8, SETTLED = 12 };

/* A state's height is kept from vanishing: its length would grow without bounds. */
#define LEAST_HEIGHT 1e-6

/* ---- states ------------------------------------------------------------------------------------------------------ */

neck_status neck__argmax_whiten(neck__argmax_run *run)
{
    const neck__contest *contest = &run->contest;
    int64_t d = contest->view.cols, most = contest->view.rows < d ? contest->view.rows : d;
    neck_svd_options options = {.struct_size = sizeof options, .variant = NECK_VARIANT_CENTERED};
    double error, *values = neck__alloc(&contest->allocator, most, sizeof *values, "singular values");
    if (!values) return NECK_E_NOMEM;
    neck_status status = neck_svd_compute(run->context, &contest->view, &options, NULL, values, run->basis, &error);
    for (run->rank = 0; status == NECK_OK && run->rank < most && values[run->rank] > error; run->rank++) {
        double factor = sqrt((double)contest->view.rows) / values[run->rank], *row = run->basis + run->rank * d;
        for (int64_t k = 0; k < d; k++) row[k] *= factor;
    }
    neck__release(&contest->allocator, values);
    return status;
}

void neck__argmax_coordinates(const neck__argmax_run *run, const double *row, double *out)
{
    int64_t d = run->contest.view.cols;
    for (int64_t i = 0; i < run->rank; i++) {
        const double *base = run->basis + i * d;
        out[i] = 0;
        for (int64_t k = 0; k < d; k++) out[i] += base[k] * row[k];
    }
}

void neck__argmax_state(const neck__argmax_run *run, const double *coordinates, double *out)
{
    int64_t d = run->contest.view.cols;
    memset(out, 0, (size_t)d * sizeof *out);
    for (int64_t i = 0; i < run->rank; i++) {
        const double *base = run->basis + i * d;
        for (int64_t k = 0; k < d; k++) out[k] += base[k] * coordinates[i];
    }
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
static void read_rows(const neck__argmax_run *run, int64_t count, const int64_t *who, const double *minus,
                      int64_t *tokens, double *out)
{
    for (int64_t i = 0; i < count; i++) tokens[i] = run->contest.token[who[i]];
    neck__rows_read(run->context, &(neck__rows){&run->contest.view, tokens, 0, count, minus}, NECK_F64, out);
}

neck_status neck__argmax_guess(const neck__argmax_run *run, int32_t proof, int64_t count, const int64_t *who,
                               double *states)
{
    const neck__contest *contest = &run->contest;
    int64_t d = contest->view.cols, rank = proof == NECK_PROOF_WHITENED ? run->rank : 0;
    int64_t *tokens = neck__alloc(&contest->allocator, count, (1 + rank) * (int64_t)sizeof(double), "states");
    if (!tokens) return NECK_E_NOMEM;
    double *coordinates = (double *)(tokens + count);
    read_rows(run, count, who, proof == NECK_PROOF_OWN_ROW ? NULL : contest->mean, tokens, states);
    neck_status status = NECK_OK;
    if (rank > 0) status = neck__gemm(0, 1, count, rank, d, 1, states, d, run->basis, d, 0, coordinates, rank);
    if (rank > 0 && status == NECK_OK)
        status = neck__gemm(0, 0, count, d, rank, 1, coordinates, rank, run->basis, d, 0, states, d);
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
    int64_t first = contest->pair_first[contest->token[contender]], shared = contest->pair_size[first],
        d = contest->view.cols;
    neck__argmax_entry entry = {.verdict = shared > 1 ? NECK_ARGMAX_TIED : NECK_ARGMAX_ARGMAXABLE,
                                .proof = proof,
                                .margin = fmin(standing->lead, contest->ahead[contender]),
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
    const neck__argmax_run *run;
    const int64_t *who;
    const neck__standing *standings;
    double *states;
    double *room; /* count x (cols + rank) */
} reflecting;

/* Mirrors the state in the plane where the contender and the rival that leads are equal, along what is its normal in
 * the basis' coordinates: behind it the contender is ahead by as much as it was behind. What comes out below height 0
 * is mirrored there. */
static void reflect(void *data, int64_t i)
{
    const reflecting *job = data;
    const neck__contest *contest = &job->run->contest;
    int64_t d = contest->view.cols, rank = job->run->rank;
    double *x = job->states + i * d, *w = job->room + i * (d + rank), *normal = w + d, value = 0, square = 0;
    double bias = neck__contest_difference(contest, job->who[i], job->standings[i].rivals[0], w),
        unit = contest->bias_unit;
    for (int64_t k = 0; k < d; k++) value += w[k] * x[k];
    neck__argmax_coordinates(job->run, w, normal);
    for (int64_t k = 0; k < rank; k++) square += normal[k] * normal[k];
    double along = 2 * (value + bias * unit) / (square + bias * bias);
    if (!isfinite(along)) return;
    neck__argmax_state(job->run, normal, w);
    for (int64_t k = 0; k < d; k++) x[k] -= along * w[k];
    neck__argmax_normalize(contest, x, unit - along * bias);
}

/* Up to `reflections` for count contenders; returns what is left of them in *kept. */
static neck_status reflect_all(neck__argmax_run *run, int64_t count, int64_t *who, double *states,
                               neck__standing *standings, int64_t *kept)
{
    int64_t each = run->contest.view.cols + run->rank;
    double *room = neck__alloc(&run->contest.allocator, count, each * (int64_t)sizeof *room, "reflections");
    if (!room) return NECK_E_NOMEM;
    neck_status status = neck__argmax_guess(run, NECK_PROOF_WHITENED, count, who, states);
    if (status == NECK_OK) status = neck__standings_measure(run->context, &run->contest, count, who, states, standings);
    int64_t before = count;
    for (int64_t i = 0; status == NECK_OK && i < run->reflections && count > 0; i++) {
        if (i > 0 && i % STRETCH == 0) {
            if ((before - count) * SETTLED < before && !run->search_only) break;
            before = count;
        }
        reflecting job = {run, who, standings, states, room};
        neck__parallel(run->context, count, reflect, &job);
        status = neck__standings_measure(run->context, &run->contest, count, who, states, standings);
        if (status == NECK_OK) count = settle_all(run, NECK_PROOF_REFLECTION, count, who, states, standings);
    }
    neck__release(&run->contest.allocator, room);
    *kept = count;
    return status;
}

/* ---- the search -------------------------------------------------------------------------------------------------- */

static neck_status guess_all(neck__argmax_run *run, int64_t count, int64_t *who, double *states,
                             neck__standing *standings, int64_t *kept)
{
    for (int32_t proof = NECK_PROOF_WHITENED; proof <= NECK_PROOF_OWN_ROW && count > 0; proof++) {
        NECK_TRY(neck__argmax_guess(run, proof, count, who, states));
        NECK_TRY(neck__standings_measure(run->context, &run->contest, count, who, states, standings));
        count = settle_all(run, proof, count, who, states, standings);
    }
    *kept = count;
    return NECK_OK;
}

typedef neck_status (*search_fn)(neck__argmax_run *run, int64_t count, int64_t *who, double *states,
                                 neck__standing *standings, int64_t *kept);

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
