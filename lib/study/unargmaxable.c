/* study/unargmaxable.c - from a head to verdicts: equal rows, guesses, reflections, programs. */
#include "softneck/unargmaxable.h"

#include <math.h>
#include <time.h>
#include <unistd.h>

#include "core/error.h"
#include "core/options.h"
#include "linalg/view.h"
#include "study/argmax_program.h"

enum { REFLECTIONS = 100, SECONDS_BETWEEN_SAVES = 10 };

#define TOLERANCE 1e-12

/* Writes what is known now and then. */
typedef struct keeper {
    neck__argmax_run *run;
    const char *path;
    double saved; /* seconds */
} keeper;

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A failure shows again when the whole is saved. */
static void save_sometimes(void *user)
{
    keeper *keeps = user;
    if (seconds() - keeps->saved < SECONDS_BETWEEN_SAVES) return;
    neck__argmax_save(keeps->run->context, keeps->run->found, keeps->run->contest.fingerprint, keeps->path);
    keeps->saved = seconds();
}

static neck_status check(const neck_argmax_options *given, const neck_matrix *view)
{
    if (given->reserved) return neck__fail(NECK_E_ARGUMENT, "neck_argmax_options.reserved is not 0");
    if (given->reflections < 0)
        return neck__fail(NECK_E_ARGUMENT, "reflections is %d: it must not be negative", given->reflections);
    if (!(given->tolerance >= 0 && given->tolerance < 1))
        return neck__fail(NECK_E_ARGUMENT, "tolerance is %g: it must be 0 or above and below 1", given->tolerance);
    if (given->keep_witnesses && given->resume)
        return neck__fail(NECK_E_ARGUMENT, "keep_witnesses and resume exclude each other: the file holds no witnesses");
    for (int64_t i = 0; given->bias && i < view->rows; i++)
        if (!isfinite(given->bias[i])) return neck__fail(NECK_E_NONFINITE, "bias %lld is not finite", (long long)i);
    return NECK_OK;
}

/* A token with the row of a contender and a smaller bias: behind it, by the same in every state. */
static neck_status settle_equal_row(neck__argmax_run *run, int64_t token)
{
    const neck__contest *contest = &run->contest;
    int64_t winner = contest->token[contest->contender[token]], first = contest->pair_first[token];
    neck__argmax_entry *entry = &run->found->entries[token];
    if (first == contest->pair_first[winner]) return NECK_OK;
    int64_t listed = run->found->listed, *tokens;
    double *shares;
    NECK_TRY(neck__argmax_list(run->found, 1, &tokens, &shares));
    tokens[0] = winner;
    shares[0] = 1;
    *entry = (neck__argmax_entry){.verdict = NECK_ARGMAX_UNARGMAXABLE, .proof = NECK_PROOF_EQUAL_ROW,
                                  .twin = winner, .first = listed, .count = 1};
    double ahead = contest->bias[winner] - contest->bias[token];
    entry->probability_bound = 1 / ((double)contest->pair_size[first] + exp(ahead));
    return NECK_OK;
}

/* Two tokens at least are needed for a contest. */
static void settle_alone(neck__argmax_run *run, double *state)
{
    neck__standing standing = {.lead = INFINITY, .norm = 1};
    for (int64_t k = 0; k < run->contest.view.cols; k++) state[k] = k == 0;
    neck__argmax_settle(run, 0, NECK_PROOF_OWN_ROW, state, &standing);
}

static void list_open(neck__argmax_run *run)
{
    run->contest.settled = run->open_count = 0;
    for (int64_t i = 0; i < run->contest.count; i++)
        if (run->found->entries[run->contest.token[i]].verdict == NECK_ARGMAX_UNDECIDED)
            run->open[run->open_count++] = i;
        else run->contest.settled++;
}

static neck_status work(neck__argmax_run *run, const neck_argmax_options *given)
{
    if (given->resume && access(given->resume, F_OK) == 0)
        NECK_TRY(neck__argmax_load(run->context, run->found, run->contest.fingerprint, given->resume));
    list_open(run);
    if (run->contest.count == 1) settle_alone(run, run->basis);
    for (int64_t token = 0; token < run->found->size; token++)
        if (run->found->entries[token].verdict == NECK_ARGMAX_UNDECIDED) NECK_TRY(settle_equal_row(run, token));
    list_open(run);
    if (run->open_count == 0) return NECK_OK;
    NECK_TRY(neck__argmax_whiten(run));
    NECK_TRY(neck__argmax_search(run));
    return given->skip_program ? NECK_OK : neck__argmax_programs(run);
}

static neck_status run_and_keep(neck__argmax_run *run, const neck_argmax_options *given)
{
    keeper keeps = {run, given->resume, seconds()};
    if (given->resume) {
        run->contest.told = save_sometimes;
        run->contest.told_user = &keeps;
    }
    neck_status status = work(run, given);
    if (!given->resume || (status != NECK_OK && status != NECK_E_CANCELLED)) return status;
    neck_status saved = neck__argmax_save(run->context, run->found, run->contest.fingerprint, given->resume);
    return status == NECK_OK ? saved : status;
}

static neck_status compute(neck__argmax_run *run, const neck_matrix *view, const neck_argmax_options *given)
{
    const neck__allocator *allocator = &run->contest.allocator;
    int64_t d = view->cols, most = view->rows < d ? view->rows : d, square, numbers;
    if (!neck__mul(most, d, &square) || !neck__add(square, view->rows, &numbers))
        return neck__fail(NECK_E_OVERFLOW, "a head of width %lld is too large", (long long)d);
    run->basis = neck__alloc(allocator, numbers, sizeof(double), "singular vectors");
    if (!run->basis) return NECK_E_NOMEM;
    run->open = (int64_t *)(run->basis + square);
    neck_status status = run_and_keep(run, given);
    neck__release(allocator, run->basis);
    return status;
}

neck_status neck_argmax_compute(neck_context *context, const neck_matrix *weights, const neck_argmax_options *options,
                                neck_argmax **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_OPTIONS(neck_argmax_options, given, options);
    neck_matrix view;
    NECK_TRY(neck__view_check(weights, &view));
    NECK_TRY(check(&given, &view));
    NECK_TRY(neck_matrix_check_finite(context, &view, NULL, NULL));
    neck__argmax_run run = {.context = context, .reflections = given.reflections ? given.reflections : REFLECTIONS,
                            .search_only = given.skip_program != 0,
                            .tolerance = given.tolerance > 0 ? given.tolerance : TOLERANCE};
    NECK_TRY(neck__contest_create(context, &view, given.bias, run.tolerance, &run.contest));
    neck_status status =
        neck__argmax_create(&run.contest.allocator, view.rows, view.cols, given.keep_witnesses != 0, &run.found);
    if (status == NECK_OK) status = compute(&run, &view, &given);
    neck__contest_destroy(&run.contest);
    if (status == NECK_OK) *out = run.found;
    else neck_argmax_destroy(run.found);
    return status;
}
