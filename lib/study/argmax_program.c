/* study/argmax_program.c - for each token the widest cone of states in which it wins, among rivals that are added as
 * they turn out to matter. Rows are (B w, b / bias_unit), B the run's basis, beside y and a height: that makes the
 * cone's apex 0, no box around the state is needed, and a radius of 0 means that there is no such state at all. */
#include "study/argmax_program.h"

#include <float.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/parallel.h"
#include "study/linear_program.h"

enum {
    ROUNDS = 100,                      /* of adding rivals */
    MOST = NECK__RIVALS * ROUNDS,      /* rivals of a token */
    BATCH_NUMBERS = 1 << 22, MOST_BATCH = 256 /* tokens worked on at once: their programs are of width^2 numbers each */
};

/* Cones narrower than the solver can tell from none. */
#define NARROW 1e-10

typedef enum outcome { RUNNING, A_MEAN, UNCLEAR, OUT_OF_MEMORY } outcome;

typedef struct attempt {
    int64_t contender;
    neck__program *program;
    outcome outcome;
    int64_t held, fresh;          /* rivals in the program, and behind them those to be added */
    int64_t *rivals;              /* MOST */
    double *lengths;              /* MOST: of their rows in the program, before they were made 1 */
    double *multipliers;          /* MOST + 1: with a bias, first that of height >= radius; then those of rivals. Of a
                                     mean, the rivals' shares */
    double *room;                 /* NECK__RIVALS + 1 rows of the program and two of the head */
    double residual, slack, ahead; /* of a mean; by how much its bias exceeds the contender's */
} attempt;

typedef struct batch {
    neck__argmax_run *run;
    attempt *attempts;
    int64_t width; /* of the program: the rank and, with a bias, 1 */
    int64_t *who;
    double *states; /* of each attempt */
    neck__standing *standings;
} batch;

/* ---- a mean of rows ---------------------------------------------------------------------------------------------- */

/* From the multipliers of rows B (w_c - w_j) / length: shares a_j with w_c - sum a_j w_j nearly 0, left in their place.
 * Sums are of differences, so that their roundings are small beside the distances between rows. When they are no mean
 * after all, what is missing points to where the contender may win: that becomes the state. */
static int find_mean(const batch *all, attempt *one, double *state)
{
    const neck__contest *contest = &all->run->contest;
    int64_t d = contest->view.cols, lead = all->width - all->run->rank, used = 0;
    double *sum = one->room, *w = sum + d, total = 0, distance = 0, bias = 0, bias_distance = 0, square = 0;
    double height = lead > 0 ? one->multipliers[0] : 0;
    memset(sum, 0, (size_t)d * sizeof *sum);
    for (int64_t i = 0; i < one->held; i++) {
        double share = one->multipliers[lead + i] / one->lengths[i], row = 0;
        one->multipliers[i] = share > 0 ? share : 0;
        if (!(share > 0)) continue;
        double b = neck__contest_difference(contest, one->contender, one->rivals[i], w);
        for (int64_t k = 0; k < d; k++) row += w[k] * w[k];
        for (int64_t k = 0; k < d; k++) sum[k] += share * w[k];
        bias += share * b;
        bias_distance += share * fabs(b);
        distance += share * sqrt(row);
        total += share;
        used++;
    }
    for (int64_t k = 0; k < d; k++) square += sum[k] * sum[k];
    double roundings = (double)(used + 8) * DBL_EPSILON, unit = contest->bias_unit;
    one->residual = sqrt(square) / total * (1 + (double)(d + 8) * DBL_EPSILON) + roundings * distance / total;
    one->slack = contest->bias ? fmax(0, (bias + roundings * bias_distance) * unit / total) : 0;
    one->ahead = fmax(0, -bias * unit / total);
    for (int64_t i = 0; i < one->held; i++) one->multipliers[i] /= total;
    if (one->residual <= all->run->tolerance * distance / total
        && one->slack <= all->run->tolerance * bias_distance * unit / total)
        return 1;
    neck__argmax_coordinates(all->run, sum, w);
    neck__argmax_state(all->run, w, state);
    neck__argmax_normalize(contest, state, (height + bias) * unit);
    return 0;
}

/* ---- a program --------------------------------------------------------------------------------------------------- */

static int add_fresh(const batch *all, attempt *one)
{
    const neck__argmax_run *run = all->run;
    int64_t rank = run->rank, width = all->width, count = 0;
    double *w = one->room + (NECK__RIVALS + 1) * width;
    if (one->held == 0 && width > rank) { /* the height is above 0 as well */
        memset(one->room, 0, (size_t)width * sizeof *one->room);
        one->room[rank] = 1;
        count = 1;
    }
    for (int64_t i = one->held; i < one->held + one->fresh; i++, count++) {
        double *row = one->room + count * width, square = 0;
        double b = neck__contest_difference(&run->contest, one->contender, one->rivals[i], w);
        neck__argmax_coordinates(run, w, row);
        if (width > rank) row[rank] = b;
        for (int64_t k = 0; k < width; k++) square += row[k] * row[k];
        one->lengths[i] = sqrt(square);
        for (int64_t k = 0; k < width; k++) row[k] = square > 0 ? row[k] / one->lengths[i] : 0;
    }
    one->held += one->fresh;
    one->fresh = 0;
    return neck__program_add(one->program, count, one->room);
}

static void step(void *data, int64_t index)
{
    const batch *all = data;
    attempt *one = &all->attempts[index];
    int64_t d = all->run->contest.view.cols, rank = all->run->rank;
    double radius, *y = one->room, *state = all->states + index * d;
    if (one->outcome != RUNNING) return;
    if (!one->program) one->program = neck__program_create(all->width);
    if (!one->program || !add_fresh(all, one)) {
        one->outcome = OUT_OF_MEMORY;
    } else if (!neck__program_solve(one->program, y, &radius, one->multipliers)) {
        one->outcome = UNCLEAR;
    } else if (radius <= NARROW) {
        if (find_mean(all, one, state)) one->outcome = A_MEAN;
    } else {
        neck__argmax_state(all->run, y, state);
        neck__argmax_normalize(&all->run->contest, state, all->width > rank ? y[rank] : 1);
    }
    if (one->outcome == RUNNING) return;
    neck__program_destroy(one->program);
    one->program = NULL;
}

/* ---- verdicts ---------------------------------------------------------------------------------------------------- */

static neck_status settle_mean(neck__argmax_run *run, const attempt *one)
{
    const neck__contest *contest = &run->contest;
    int64_t first = contest->pair_first[contest->token[one->contender]], listed = run->found->listed, used = 0, *tokens;
    double *shares, entropy = 0;
    for (int64_t i = 0; i < one->held; i++) used += one->multipliers[i] > 0;
    NECK_TRY(neck__argmax_list(run->found, used, &tokens, &shares));
    for (int64_t i = 0, at = 0; i < one->held; i++) {
        double share = one->multipliers[i];
        if (!(share > 0)) continue;
        tokens[at] = contest->token[one->rivals[i]];
        shares[at++] = share;
        entropy -= share * log(share);
    }
    neck__argmax_entry entry = {.verdict = NECK_ARGMAX_UNARGMAXABLE, .proof = NECK_PROOF_PROGRAM, .first = listed,
                                .count = used, .residual = one->residual, .slack = one->slack};
    entry.probability_bound = 1 / ((double)contest->pair_size[first] + exp(entropy + one->ahead));
    for (int64_t token = first; token >= 0; token = contest->pair_next[token]) {
        entry.twin = token != first ? first : contest->pair_next[first];
        run->found->entries[token] = entry;
    }
    run->contest.settled++;
    return NECK_OK;
}

static void add_rivals(attempt *one, const neck__standing *standing)
{
    for (int32_t i = 0; i < standing->count && one->held + one->fresh < MOST; i++) {
        int64_t j = 0, known = one->held + one->fresh;
        while (j < known && one->rivals[j] != standing->rivals[i]) j++;
        if (j == known) one->rivals[one->held + one->fresh++] = standing->rivals[i];
    }
}

/* The states of running attempts, measured together, and what follows for each. Returns how many run on, or less than
 * 0. */
static neck_status judge(const batch *all, int64_t count, int64_t *running)
{
    neck__argmax_run *run = all->run;
    int64_t d = run->contest.view.cols, live = 0;
    for (int64_t i = 0; i < count; i++) {
        attempt *one = &all->attempts[i];
        if (one->outcome == OUT_OF_MEMORY) return neck__fail(NECK_E_NOMEM, "out of memory for a linear program");
        if (one->outcome != RUNNING) continue;
        all->who[live] = one->contender;
        if (live < i) memcpy(all->states + live * d, all->states + i * d, (size_t)d * sizeof(double));
        live++;
    }
    NECK_TRY(neck__standings_measure(run->context, &run->contest, live, all->who, all->states, all->standings));
    *running = live;
    for (int64_t i = 0, at = 0; i < count; i++) {
        attempt *one = &all->attempts[i];
        if (one->outcome != RUNNING) continue;
        const neck__standing *standing = &all->standings[at];
        int won = neck__argmax_settle(run, one->contender, NECK_PROOF_PROGRAM, all->states + at++ * d, standing);
        if (!won) add_rivals(one, standing);
        if (!won && one->fresh > 0) continue;
        one->outcome = UNCLEAR; /* unless it won, which run->found knows */
        neck__program_destroy(one->program);
        one->program = NULL;
        --*running;
    }
    return NECK_OK;
}

/* ---- batches ----------------------------------------------------------------------------------------------------- */

/* The programs of count contenders, from the rivals of their whitened states on. */
static neck_status solve(batch *all, int64_t count, const int64_t *who)
{
    neck__argmax_run *run = all->run;
    NECK_TRY(neck__argmax_guess(run, NECK_PROOF_WHITENED, count, who, all->states));
    NECK_TRY(neck__standings_measure(run->context, &run->contest, count, who, all->states, all->standings));
    for (int64_t i = 0; i < count; i++) {
        attempt *one = &all->attempts[i];
        *one = (attempt){.contender = who[i], .rivals = one->rivals, .lengths = one->lengths,
                         .multipliers = one->multipliers, .room = one->room};
        add_rivals(one, &all->standings[i]);
    }
    for (int64_t running = count; running > 0;) {
        neck__parallel(run->context, count, step, all);
        NECK_TRY(judge(all, count, &running));
    }
    for (int64_t i = 0; i < count; i++)
        if (all->attempts[i].outcome == A_MEAN) NECK_TRY(settle_mean(run, &all->attempts[i]));
    return NECK_OK;
}

static neck_status allocate(batch *made, int64_t size)
{
    const neck__allocator *allocator = &made->run->contest.allocator;
    int64_t d = made->run->contest.view.cols, room = (NECK__RIVALS + 1) * made->width + 2 * d;
    made->attempts = neck__calloc(allocator, size, sizeof *made->attempts, "linear programs");
    made->who = neck__alloc(allocator, size, (1 + MOST) * (int64_t)sizeof(int64_t), "rivals");
    made->states = neck__alloc(allocator, size, (d + 2 * MOST + 1 + room) * (int64_t)sizeof(double),
                               "rows of linear programs");
    made->standings = neck__alloc(allocator, size, sizeof *made->standings, "standings");
    if (!made->attempts || !made->who || !made->states || !made->standings) return NECK_E_NOMEM;
    double *numbers = made->states + size * d;
    for (int64_t i = 0; i < size; i++, numbers += 2 * MOST + 1 + room) {
        made->attempts[i].rivals = made->who + size + i * MOST;
        made->attempts[i].lengths = numbers;
        made->attempts[i].multipliers = numbers + MOST;
        made->attempts[i].room = numbers + 2 * MOST + 1;
    }
    return NECK_OK;
}

static void release(batch *made, int64_t size)
{
    const neck__allocator *allocator = &made->run->contest.allocator;
    for (int64_t i = 0; made->attempts && i < size; i++) neck__program_destroy(made->attempts[i].program);
    neck__release(allocator, made->attempts);
    neck__release(allocator, made->who);
    neck__release(allocator, made->states);
    neck__release(allocator, made->standings);
}

neck_status neck__argmax_programs(neck__argmax_run *run)
{
    int64_t width = run->rank + (run->contest.bias ? 1 : 0), open = 0;
    int64_t size = width < BATCH_NUMBERS ? BATCH_NUMBERS / (width * width + 1) : 2;
    if (size > MOST_BATCH) size = MOST_BATCH;
    if (size < 2) size = 2;
    if (size > run->open_count) size = run->open_count;
    if (size == 0) return NECK_OK;
    batch all = {.run = run, .width = width};
    neck_status status = allocate(&all, size);
    for (int64_t begin = 0; status == NECK_OK && begin < run->open_count; begin += size) {
        int64_t count = run->open_count - begin < size ? run->open_count - begin : size;
        status = solve(&all, count, run->open + begin);
        for (int64_t i = begin; status == NECK_OK && i < begin + count; i++)
            if (run->found->entries[run->contest.token[run->open[i]]].verdict == NECK_ARGMAX_UNDECIDED)
                run->open[open++] = run->open[i];
    }
    release(&all, size);
    if (status == NECK_OK) run->open_count = open;
    return status;
}
