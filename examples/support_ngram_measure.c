/* support_ngram_measure.c - counting, the matrix, and its spectrum by the way that was asked for or that fits. */
#include "support_ngram_measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support_ranks.h"
#include "support_text.h"

/* A spectrum that takes longer than this is not exact unless asked for. */
#define PATIENCE 120.0

/* Points of a curve: more than a figure has pixels for is waste. */
#define CURVE_POINTS 500

const char *const ngram_method_names[] = {"auto", "exact", "top", "density"};
const double ngram_levels[NGRAM_LEVELS] = {0.5, 0.05};

static const neck_band unknown = {NAN, NAN, NAN};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

void ngram_row_free(ngram_row *row)
{
    free(row->values);
    free(row->curve);
    free(row->curve_ranks);
    row->values = NULL;
    row->curve = NULL;
    row->curve_ranks = NULL;
}

/* ---- counting ---- */

static neck_status make_matrix(ngram_session *session, const ngram_corpus *text, int64_t tokens, ngram_row *row,
                               ngram_matrix **out)
{
    const ngram_request *asked = session->asked;
    const ngram_recipe recipe = {asked->order, asked->weight, asked->memory, session->scratch};
    row->counts.struct_size = sizeof row->counts;
    row->matrix.struct_size = sizeof row->matrix;
    double start = now();
    neck_status status = session->ways->count(session->context, text, tokens, &recipe, &row->counts, out);
    row->count_seconds = now() - start;
    if (status == NECK_OK) status = session->ways->make(session->context, *out, &row->matrix);
    row->size = row->matrix.rows < row->matrix.cols ? row->matrix.rows : row->matrix.cols;
    return status;
}

/* ---- which way ---- */

/* How fast this machine finds eigenvalues, from a matrix that takes it a tenth of a second. */
static double eigen_speed(ngram_session *session)
{
    enum { ORDER = 1024 };
    if (session->speed > 0) return session->speed;
    double *entries = text_alloc((size_t)ORDER * ORDER * sizeof *entries);
    uint64_t state = 1;
    for (int64_t i = 0; i < (int64_t)ORDER * ORDER; i++) {
        state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        entries[i] = (double)(state >> 11) * 0x1p-53;
    }
    const neck_matrix matrix = {.data = entries, .rows = ORDER, .cols = ORDER, .dtype = NECK_F64};
    const neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_GRAM};
    neck_spectrum *spectrum = NULL;
    double start = now();
    neck_status status = neck_spectrum_compute(session->context, &matrix, &options, &spectrum);
    double seconds = now() - start;
    neck_spectrum_destroy(spectrum);
    free(entries);
    const double operations = (4.0 / 3 + 1) * ORDER * ORDER * ORDER; /* and those of the product */
    return session->speed = status == NECK_OK && seconds > 0 ? operations / seconds : 1e10;
}

static void tell_cost(ngram_session *session, const char *name, const ngram_row *row, int64_t bytes, double seconds)
{
    char line[512];
    snprintf(line, sizeof line,
             "%.200s: the exact spectrum of %" PRId64 " connected columns of %" PRId64 " takes %.2f GB and about %.0f s", name,
             row->matrix.largest_part, row->matrix.cols, (double)bytes * 1e-9, ceil(seconds));
    session->tell(session->user, line);
}

static neck_status choose_method(ngram_session *session, const char *name, const ngram_matrix *matrix,
                                 ngram_row *row)
{
    const ngram_request *asked = session->asked;
    int64_t bytes;
    double operations;
    row->method = asked->method;
    if (asked->method != NGRAM_AUTO && asked->method != NGRAM_EXACT) return NECK_OK;
    neck_status status = session->ways->cost(matrix, &bytes, &operations);
    if (status != NECK_OK) return status;
    double seconds = operations > 1e10 ? operations / eigen_speed(session) : 0;
    int fits = !ranks_any(bytes > asked->memory || seconds > PATIENCE);
    if (seconds > 0) tell_cost(session, name, row, bytes, seconds);
    row->method = asked->method == NGRAM_EXACT || fits ? NGRAM_EXACT : NGRAM_DENSITY;
    if (asked->method == NGRAM_AUTO && !fits)
        session->tell(session->user, "too much: its density instead (--exact insists)");
    return NECK_OK;
}

/* ---- what a spectrum tells ---- */

static neck_band band_of(neck_status status, neck_measure measure)
{
    if (status != NECK_OK) return unknown;
    return (neck_band){measure.value - measure.error, measure.value, measure.value + measure.error};
}

/* Where the curve is drawn: `last` and as many ranks before it, evenly. */
static void make_curve(ngram_row *row, int64_t last)
{
    row->curve_count = last < CURVE_POINTS ? last + 1 : CURVE_POINTS + 1;
    row->curve = text_alloc((size_t)row->curve_count * sizeof *row->curve);
    row->curve_ranks = text_alloc((size_t)row->curve_count * sizeof *row->curve_ranks);
    for (int64_t i = 0; i < row->curve_count; i++)
        row->curve_ranks[i] =
            (int64_t)((double)last * (double)i / (double)(row->curve_count - 1 ? row->curve_count - 1 : 1));
}

static neck_band w_error_of(const neck_spectrum *spectrum, int64_t rank)
{
    neck_measure measure = {0};
    return band_of(neck_w_error(spectrum, rank, &measure), measure);
}

static void read_spectrum(const ngram_request *asked, const neck_spectrum *spectrum, ngram_row *row)
{
    neck_measure measure = {0};
    row->known = neck_spectrum_count(spectrum);
    row->values = text_alloc((size_t)row->known * 2 * sizeof *row->values);
    row->errors = row->values + row->known;
    memcpy(row->values, neck_spectrum_values(spectrum), (size_t)row->known * sizeof *row->values);
    memcpy(row->errors, neck_spectrum_error_bounds(spectrum), (size_t)row->known * sizeof *row->values);
    for (int i = 0; i < asked->rank_count; i++) row->w_error[i] = w_error_of(spectrum, asked->ranks[i]);
    for (int i = 0; i < NGRAM_LEVELS; i++)
        row->rank[i] = band_of(neck_rank_for_w_error(spectrum, ngram_levels[i], &measure), measure);
    row->effective_rank = band_of(neck_effective_rank(spectrum, &measure), measure);
    row->entropy_rank = band_of(neck_matrix_entropy_rank(spectrum, &measure), measure);
    if (!asked->curve) return;
    make_curve(row, row->known);
    for (int64_t i = 0; i < row->curve_count; i++) row->curve[i] = w_error_of(spectrum, row->curve_ranks[i]);
}

static neck_status solve_exact(ngram_session *session, const ngram_matrix *matrix, ngram_row *row)
{
    neck_spectrum *spectrum = NULL;
    row->solver = session->ways->solver(matrix, session->asked->memory);
    neck_status status = session->ways->spectrum(session->context, matrix, session->asked->memory, &spectrum);
    if (status == NECK_OK) read_spectrum(session->asked, spectrum, row);
    neck_spectrum_destroy(spectrum);
    return status;
}

/* ---- the largest values ---- */

static int decreasing(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

/* The largest values of W are among the largest of its largest part and all others, which cost little. */
static neck_status find_top(ngram_session *session, const ngram_matrix *matrix, int has_part, int64_t count,
                            int64_t others, double *values, double *error)
{
    double *bounds = values + others + count;
    neck_status status = session->ways->rest(session->context, matrix, values, bounds);
    int64_t found = others;
    if (status == NECK_OK && has_part) {
        status = session->ways->top(session->context, matrix, &count, values + others, bounds + others);
        found += count;
    }
    *error = 0;
    for (int64_t i = 0; i < found && status == NECK_OK; i++) *error = fmax(*error, bounds[i]);
    if (status == NECK_OK) qsort(values, (size_t)found, sizeof *values, decreasing);
    return status;
}

static neck_status solve_top(ngram_session *session, const ngram_matrix *matrix, ngram_row *row)
{
    int64_t others = row->matrix.cols - row->matrix.largest_part;
    int64_t count = session->asked->top < row->size ? session->asked->top : row->size;
    double *values = text_alloc((size_t)(others + count) * 2 * sizeof *values), error = 0; /* zeros where a part has fewer */
    neck_spectrum *spectrum = NULL;
    neck_status status = find_top(session, matrix, row->matrix.parts > 0, count, others, values, &error);
    if (status == NECK_OK)
        status = neck_spectrum_from_values(session->context, values, count, row->matrix.rows, row->matrix.cols,
                                           row->matrix.frobenius_squared, error, &spectrum);
    if (status == NECK_OK) read_spectrum(session->asked, spectrum, row);
    neck_spectrum_destroy(spectrum);
    free(values);
    return status;
}

/* ---- density ---- */

static neck_band density_w_error(const neck_density *density, int64_t rank)
{
    neck_band band;
    return neck_density_w_error(density, rank, &band) == NECK_OK ? band : unknown;
}

static void read_density(const ngram_request *asked, const neck_density *density, ngram_row *row)
{
    for (int i = 0; i < asked->rank_count; i++)
        row->w_error[i] = asked->ranks[i] <= row->size ? density_w_error(density, asked->ranks[i]) : unknown;
    for (int i = 0; i < NGRAM_LEVELS; i++)
        if (neck_density_rank_for_w_error(density, ngram_levels[i], &row->rank[i]) != NECK_OK) row->rank[i] = unknown;
    if (neck_density_effective_rank(density, NECK_P_LINEAR, &row->effective_rank) != NECK_OK)
        row->effective_rank = unknown;
    if (neck_density_effective_rank(density, NECK_P_SQUARED, &row->entropy_rank) != NECK_OK)
        row->entropy_rank = unknown;
    if (!asked->curve) return;
    make_curve(row, row->size);
    for (int64_t i = 0; i < row->curve_count; i++) row->curve[i] = density_w_error(density, row->curve_ranks[i]);
}

static neck_status find_density(ngram_session *session, const ngram_matrix *matrix, const ngram_row *row,
                                double *rest, double *squares, neck_density **out)
{
    const neck_density_options options = {.struct_size = sizeof options,
                                          .target_width = session->asked->width,
                                          .diagonal = squares,
                                          .known_values = rest,
                                          .known_count = row->matrix.cols - row->matrix.largest_part};
    neck_status status = session->ways->rest(session->context, matrix, rest, NULL);
    if (status == NECK_OK) status = session->ways->squares(matrix, squares);
    return status == NECK_OK ? session->ways->density(session->context, matrix, &options, out) : status;
}

/* Without a part of several columns nothing is left to estimate. */
static neck_status solve_density(ngram_session *session, const ngram_matrix *matrix, ngram_row *row)
{
    if (row->matrix.parts == 0) {
        row->method = NGRAM_EXACT;
        return solve_exact(session, matrix, row);
    }
    double *rest = text_alloc((size_t)row->matrix.cols * sizeof *rest);
    double *squares = rest + row->matrix.cols - row->matrix.largest_part;
    neck_density *density = NULL;
    neck_status status = find_density(session, matrix, row, rest, squares, &density);
    if (status == NECK_OK) read_density(session->asked, density, row);
    neck_density_destroy(density);
    free(rest);
    return status;
}

/* ---- all of it ---- */

static neck_status solve(ngram_session *session, const char *name, const ngram_matrix *matrix, ngram_row *row)
{
    static neck_status (*const ways[])(ngram_session *, const ngram_matrix *, ngram_row *) = {
        [NGRAM_EXACT] = solve_exact, [NGRAM_TOP] = solve_top, [NGRAM_DENSITY] = solve_density};
    neck_status status = choose_method(session, name, matrix, row);
    double start = now();
    if (status == NECK_OK) status = ways[row->method](session, matrix, row);
    row->spectrum_seconds = now() - start;
    return status;
}

int ngram_measure(ngram_session *session, const ngram_corpus *text, int64_t tokens, ngram_row *out,
                  char error[CORPUS_ERROR_SIZE])
{
    ngram_row row = {.method = NGRAM_AUTO};
    ngram_matrix *matrix = NULL;
    neck_status status = make_matrix(session, text, tokens, &row, &matrix);
    if (status == NECK_OK) status = solve(session, text->name, matrix, &row);
    session->ways->free(matrix);
    error[0] = '\0';
    if (status == NECK_OK) {
        *out = row;
        return 1;
    }
    ngram_row_free(&row);
    if (status != NECK_E_CANCELLED) snprintf(error, CORPUS_ERROR_SIZE, "%.1000s: %s", text->name, neck_last_error());
    return 0;
}
