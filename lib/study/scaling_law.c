/* study/scaling_law.c - scaling laws: many starts, intervals by drawing residuals again, extrapolation gaps. */
#include "softneck/scaling_law.h"

#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "core/random.h"
#include "study/scaling_fit.h"

enum { C = NECK__SCALING_CONSTANTS };

static neck__scaling_constants to_constants(const neck_scaling_law *law)
{
    return (neck__scaling_constants){{log(law->a), law->alpha, log(law->b), law->beta, log(law->e)}};
}

static neck_scaling_law to_law(const double *at)
{
    return (neck_scaling_law){exp(at[0]), at[1], exp(at[2]), at[3], exp(at[4])};
}

static int positive(double value)
{
    return value > 0 && isfinite(value);
}

static neck_status check_points(const neck_scaling_point *points, int64_t count)
{
    if (!points || count < 1)
        return neck__fail(NECK_E_ARGUMENT, "points is NULL or count, %lld, less than 1", (long long)count);
    for (int64_t i = 0; i < count; i++)
        if (!positive(points[i].parameters) || !positive(points[i].tokens) || !positive(points[i].loss))
            return neck__fail(NECK_E_ARGUMENT,
                              "points[%lld] is N = %g, T = %g, loss %g: all must be positive and finite", (long long)i,
                              points[i].parameters, points[i].tokens, points[i].loss);
    return NECK_OK;
}

static int64_t fitted_count(int32_t fitted)
{
    int64_t n = 0;
    for (int i = 0; i < C; i++) n += fitted >> i & 1;
    return n;
}

static neck_status fill_defaults(neck_scaling_options *options, int64_t count)
{
    if (options->fitted == 0) options->fitted = NECK_SCALING_ALL;
    if (options->resamples == 0) options->resamples = 200;
    if (options->huber == 0) options->huber = 1e-3;
    if (options->confidence == 0) options->confidence = 0.95;
    if (options->fitted & ~NECK_SCALING_ALL) return neck__fail(NECK_E_ARGUMENT, "fitted is %d", options->fitted);
    if (options->resamples < -1 || options->resamples > 10000)
        return neck__fail(NECK_E_ARGUMENT, "resamples is %d: 1 to 10000, or -1", options->resamples);
    if (!positive(options->huber))
        return neck__fail(NECK_E_ARGUMENT, "huber is %g: it must be positive", options->huber);
    if (!(options->confidence >= 0.5 && options->confidence < 1))
        return neck__fail(NECK_E_ARGUMENT, "confidence is %g: in [0.5, 1)", options->confidence);
    const neck_scaling_law *fixed = &options->fixed;
    double needed[C] = {fixed->a, 1, fixed->b, 1, fixed->e};
    for (int i = 0; i < C; i++)
        if (!(options->fitted >> i & 1) && !positive(needed[i]))
            return neck__fail(NECK_E_ARGUMENT, "a, b and e must be positive where they are not fitted");
    if (!isfinite(fixed->alpha) || !isfinite(fixed->beta))
        return neck__fail(NECK_E_ARGUMENT, "a fixed exponent is not finite");
    int64_t wanted = fitted_count(options->fitted);
    if (count < wanted)
        return neck__fail(NECK_E_ARGUMENT, "%lld points do not determine %lld constants", (long long)count,
                          (long long)wanted);
    return NECK_OK;
}

/* ---- starts ---- */

static double mean_of(const neck__scaling_problem *problem, size_t member)
{
    double sum = 0;
    for (int64_t i = 0; i < problem->count; i++) sum += *(const double *)((const char *)&problem->data[i] + member);
    return sum / (double)problem->count;
}

/* Exponents, the share of E in the smallest loss, and the share of A's term in what is left of the mean one; constants
 * that are not fitted keep theirs. */
static neck__scaling_constants start(const neck__scaling_problem *problem, const neck__scaling_constants *fixed,
                                     int64_t index)
{
    static const double exponents[] = {0.1, 0.3, 0.6, 1.0}, floors[] = {0.3, 0.6, 0.9}, splits[] = {0.2, 0.5, 0.8};
    double least = INFINITY, split = splits[index / 48 % 3],
        loss = exp(mean_of(problem, offsetof(neck__scaling_datum, loss)));
    for (int64_t i = 0; i < problem->count; i++) least = fmin(least, exp(problem->data[i].loss));
    neck__scaling_constants made = *fixed;
    if (problem->fitted & NECK_SCALING_ALPHA) made.at[1] = exponents[index % 4];
    if (problem->fitted & NECK_SCALING_BETA) made.at[3] = exponents[index / 4 % 4];
    if (problem->fitted & NECK_SCALING_E) made.at[4] = log(floors[index / 16 % 3] * least);
    double rest = fmax(loss - exp(made.at[4]), 0.05 * loss);
    double parameters = mean_of(problem, offsetof(neck__scaling_datum, parameters));
    double tokens = mean_of(problem, offsetof(neck__scaling_datum, tokens));
    if (problem->fitted & NECK_SCALING_A) made.at[0] = log(split * rest) + made.at[1] * parameters;
    if (problem->fitted & NECK_SCALING_B) made.at[2] = log((1 - split) * rest) + made.at[3] * tokens;
    return made;
}

enum { STARTS = 4 * 4 * 3 * 3 };

static neck_status fit_from_everywhere(neck_context *context, const neck__scaling_problem *problem,
                                       const neck__scaling_constants *fixed, neck__scaling_constants *best,
                                       neck_scaling_fit *out)
{
    double objectives[STARTS], least = INFINITY;
    for (int64_t i = 0; i < STARTS; i++) {
        if (i % 16 == 0) NECK_TRY(neck__progress(context, "scaling law", "starts", i, STARTS));
        neck__scaling_constants tried = start(problem, fixed, i);
        objectives[i] = neck__scaling_descend(problem, &tried);
        if (objectives[i] < least) {
            least = objectives[i];
            *best = tried;
        }
    }
    if (!isfinite(least) || !neck__scaling_determined(problem, best))
        return neck__fail(NECK_E_CONVERGENCE, "the points do not tell the constants apart: they need runs of "
                                              "different sizes and lengths, or fewer constants fitted");
    out->objective = least;
    out->starts = STARTS;
    for (int64_t i = 0; i < STARTS; i++) out->agreeing += objectives[i] <= least * 1.001 + 1e-18;
    return NECK_OK;
}

/* ---- intervals ---- */

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* room: residuals of the points, their new data, and the constants of each resample. */
typedef struct resampling {
    double *residuals;
    neck__scaling_datum *data;
    double *constants; /* C x resamples */
} resampling;

static void draw(const neck__scaling_problem *problem, const neck__scaling_constants *best, const resampling *room,
                 neck__random *random)
{
    for (int64_t i = 0; i < problem->count; i++) {
        room->data[i] = problem->data[i];
        room->data[i].loss = neck__scaling_log_loss(best, problem->data[i].parameters, problem->data[i].tokens) +
                             room->residuals[neck__random_below(random, problem->count)];
    }
}

static neck_status resample(neck_context *context, const neck__scaling_problem *problem,
                            const neck__scaling_constants *best, int64_t resamples, const resampling *room)
{
    neck__scaling_problem again = *problem;
    again.data = room->data;
    uint64_t seed = neck__context_seed(context);
    for (int64_t i = 0; i < resamples; i++) {
        if (i % 16 == 0) NECK_TRY(neck__progress(context, "scaling law", "resamples", i, resamples));
        neck__random random = neck__random_seeded(seed, (uint64_t)i);
        draw(problem, best, room, &random);
        neck__scaling_constants moved = *best;
        neck__scaling_descend(&again, &moved);
        for (int k = 0; k < C; k++) room->constants[k * resamples + i] = moved.at[k];
    }
    return NECK_OK;
}

/* Residuals about their mean, widened for what the fit took out of them. */
static void prepare_residuals(const neck__scaling_problem *problem, const neck__scaling_constants *best,
                              double *residuals)
{
    double mean = 0, count = (double)problem->count;
    double widening = sqrt(count / (count - (double)fitted_count(problem->fitted)));
    for (int64_t i = 0; i < problem->count; i++) {
        const neck__scaling_datum *datum = &problem->data[i];
        residuals[i] = datum->loss - neck__scaling_log_loss(best, datum->parameters, datum->tokens);
        mean += residuals[i] / count;
    }
    for (int64_t i = 0; i < problem->count; i++) residuals[i] = widening * (residuals[i] - mean);
}

static neck_status find_intervals(neck_context *context, const neck__scaling_problem *problem,
                                  const neck__scaling_constants *best, const neck_scaling_options *options,
                                  neck_scaling_fit *out)
{
    int64_t resamples = options->resamples;
    double low[C] = {NAN, NAN, NAN, NAN, NAN}, high[C] = {NAN, NAN, NAN, NAN, NAN};
    if (resamples > 0 && problem->count > fitted_count(problem->fitted)) {
        neck__allocator allocator = neck__allocator_of(context);
        double *numbers = neck__alloc(&allocator, problem->count + C * resamples, sizeof *numbers, "resamples");
        neck__scaling_datum *data = neck__alloc(&allocator, problem->count, sizeof *data, "resamples");
        resampling room = {numbers, data, numbers ? numbers + problem->count : NULL};
        neck_status status = numbers && data ? NECK_OK : NECK_E_NOMEM;
        if (status == NECK_OK) {
            prepare_residuals(problem, best, room.residuals);
            status = resample(context, problem, best, resamples, &room);
        }
        int64_t tail = (int64_t)(0.5 * (1 - options->confidence) * (double)resamples);
        for (int k = 0; status == NECK_OK && k < C; k++) {
            qsort(room.constants + k * resamples, (size_t)resamples, sizeof *room.constants, by_size);
            low[k] = room.constants[k * resamples + tail];
            high[k] = room.constants[(k + 1) * resamples - 1 - tail];
        }
        neck__release(&allocator, data);
        neck__release(&allocator, numbers);
        NECK_TRY(status);
    }
    out->low = to_law(low);
    out->high = to_law(high);
    return NECK_OK;
}

/* ---- the calls ---- */

/* Constants that were not fitted go out with the bits they came in with. */
static void restore_fixed(int32_t fitted, const neck_scaling_law *fixed, neck_scaling_law *law)
{
    if (!(fitted & NECK_SCALING_A)) law->a = fixed->a;
    if (!(fitted & NECK_SCALING_ALPHA)) law->alpha = fixed->alpha;
    if (!(fitted & NECK_SCALING_B)) law->b = fixed->b;
    if (!(fitted & NECK_SCALING_BETA)) law->beta = fixed->beta;
    if (!(fitted & NECK_SCALING_E)) law->e = fixed->e;
}

static neck_status fit(neck_context *context, const neck__scaling_problem *problem, const neck_scaling_options *options,
                       neck_scaling_fit *out)
{
    neck__scaling_constants fixed = to_constants(&options->fixed), best = fixed;
    NECK_TRY(fit_from_everywhere(context, problem, &fixed, &best, out));
    NECK_TRY(find_intervals(context, problem, &best, options, out));
    out->law = to_law(best.at);
    neck_scaling_law *laws[] = {&out->law, &out->low, &out->high};
    for (int i = 0; i < 3; i++) restore_fixed(options->fitted, &options->fixed, laws[i]);
    double squares = 0;
    for (int64_t i = 0; i < problem->count; i++) {
        const neck__scaling_datum *datum = &problem->data[i];
        squares += pow(datum->loss - neck__scaling_log_loss(&best, datum->parameters, datum->tokens), 2);
    }
    out->residual = sqrt(squares / (double)problem->count);
    return NECK_OK;
}

neck_status neck_scaling_law_fit(neck_context *context, const neck_scaling_point *points, int64_t count,
                                 const neck_scaling_options *options, neck_scaling_fit *out)
{
    if (!out || out->struct_size < sizeof out->struct_size + sizeof out->law)
        return neck__fail(NECK_E_ARGUMENT, "out is NULL or its struct_size is not set");
    NECK_OPTIONS(neck_scaling_options, given, options);
    NECK_TRY(check_points(points, count));
    NECK_TRY(fill_defaults(&given, count));
    neck__allocator allocator = neck__allocator_of(context);
    neck__scaling_datum *data = neck__alloc(&allocator, count, sizeof *data, "points of a scaling law");
    if (!data) return NECK_E_NOMEM;
    for (int64_t i = 0; i < count; i++)
        data[i] = (neck__scaling_datum){log(points[i].parameters), log(points[i].tokens), log(points[i].loss)};
    neck__scaling_problem problem = {data, count, given.fitted, given.huber};
    neck_scaling_fit found = {.struct_size = out->struct_size};
    neck_status status = fit(context, &problem, &given, &found);
    neck__release(&allocator, data);
    if (status == NECK_OK) memcpy(out, &found, out->struct_size < sizeof found ? out->struct_size : sizeof found);
    return status;
}

double neck_scaling_law_loss(const neck_scaling_law *law, double parameters, double tokens)
{
    if (!law || !(parameters > 0) || !(tokens > 0)) return NAN;
    return law->a / pow(parameters, law->alpha) + law->b / pow(tokens, law->beta) + law->e;
}

neck_status neck_scaling_law_gaps(const neck_scaling_law *law, const neck_scaling_point *points, int64_t count,
                                  double *gaps, double *mean)
{
    if (!law) return neck__fail(NECK_E_ARGUMENT, "law is NULL");
    NECK_TRY(check_points(points, count));
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double gap = points[i].loss / neck_scaling_law_loss(law, points[i].parameters, points[i].tokens) - 1;
        if (gaps) gaps[i] = gap;
        sum += gap;
    }
    if (mean) *mean = sum / (double)count;
    return NECK_OK;
}
