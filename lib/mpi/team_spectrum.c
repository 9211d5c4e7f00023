/* mpi/team_spectrum.c - the spectrum of rows that lie on many ranks: by one gram, or by one triangle. */
#include "softneck-mpi/spectrum.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/team_qr.h"
#include "softneck-mpi/gram.h"

/* Of a spectrum as numbers. */
enum { COUNT, SIZE, ROWS, COLS, FROBENIUS, RESOLUTION, METHOD, VARIANT, HEAD };

/* The matrix and what is wanted of it. shift: NULL for variants that are not centred. */
typedef struct job {
    neck_context *context;
    neck_mpi_team *team;
    const neck_matrix *own;
    neck_spectrum_options options;
    int64_t rows, cols; /* of all ranks together */
    double *shift;
    neck_spectrum *made; /* on rank 0: of the raw matrix, or of the shifted one */
    double bound;        /* by which its values may err beside their own bounds */
    double mean_rows, mean_shift; /* and for the mean row's rounding: by the first times |Y|_F, and by the second */
} job;

/* ---- what is asked ----------------------------------------------------------------------------------------------- */

static neck_status check_options(const job *self)
{
    const neck_spectrum_options *options = &self->options;
    int by_weights = options->variant == NECK_VARIANT_FREQUENCY_CENTERED;
    if (options->method < NECK_METHOD_AUTO || options->method > NECK_METHOD_QR)
        return neck__mpi_fail(NECK_E_ARGUMENT, "method %d is not AUTO, GRAM or QR", options->method);
    if (options->variant < NECK_VARIANT_RAW || options->variant > NECK_VARIANT_DROP_TOP)
        return neck__mpi_fail(NECK_E_ARGUMENT, "variant %d is not one of NECK_VARIANT_*", options->variant);
    if (!(options->tolerance >= 0) || isinf(options->tolerance))
        return neck__mpi_fail(NECK_E_ARGUMENT, "tolerance is %g: it must be a finite number >= 0", options->tolerance);
    if (options->tolerance > 0 && options->method != NECK_METHOD_AUTO)
        return neck__mpi_fail(NECK_E_ARGUMENT, "tolerance chooses a method, so it needs method AUTO");
    if (!by_weights && options->row_weights)
        return neck__mpi_fail(NECK_E_ARGUMENT, "row_weights are used by the frequency_centered variant only");
    if (by_weights && self->own && !options->row_weights)
        return neck__mpi_fail(NECK_E_ARGUMENT, "the frequency_centered variant needs row_weights");
    return NECK_OK;
}

/* Whether all ask for the same, and how large the matrix is. */
static neck_status compare(job *self)
{
    neck_mpi_team *team = self->team;
    double mine[3] = {self->options.method, self->options.variant, self->options.tolerance}, first[3];
    int64_t columns = self->own ? self->own->cols : 0, most = 0;
    neck_status status = NECK_OK;
    memcpy(first, mine, sizeof first);
    NECK_TRY(neck_mpi_broadcast(team, first, sizeof first, 0));
    if (mine[0] != first[0] || mine[1] != first[1] || mine[2] != first[2])
        status = neck__mpi_fail(NECK_E_ARGUMENT, "method, variant or tolerance differs from rank 0's");
    self->rows = self->own ? self->own->rows : 0;
    NECK_TRY(neck_mpi_sum_integers(team, &self->rows, 1));
    for (int32_t rank = 0; rank < team->size; rank++) {
        int64_t theirs = columns;
        NECK_TRY(neck_mpi_broadcast(team, &theirs, sizeof theirs, rank));
        if (most == 0) most = theirs;
    }
    if (status == NECK_OK && columns > 0 && columns != most)
        status = neck__mpi_fail(NECK_E_ARGUMENT, "own rows have %" PRId64 " columns, another rank's %" PRId64, columns,
                                most);
    if (status == NECK_OK && self->rows == 0) status = neck__mpi_fail(NECK_E_ARGUMENT, "no rank has a row");
    self->cols = most;
    if (status == NECK_OK && self->options.variant == NECK_VARIANT_DROP_TOP && (self->rows == 1 || self->cols == 1))
        status = neck__mpi_fail(NECK_E_ARGUMENT,
                                "a %" PRId64 " x %" PRId64 " matrix has one singular value: nothing is left without it",
                                self->rows, self->cols);
    return neck_mpi_agree(team, status);
}

static neck_status prepare(job *self, const neck_spectrum_options *options, neck_spectrum **out)
{
    neck_status status = out ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "out is NULL");
    if (status == NECK_OK)
        status = neck__mpi_options("neck_spectrum_options", options, &self->options, sizeof self->options);
    if (status == NECK_OK) status = check_options(self);
    if (status == NECK_OK && self->own) /* the view itself; its numbers are checked as they are read */
        status = self->own->rows > 0 && self->own->cols > 0
                     ? NECK_OK
                     : neck__mpi_fail(NECK_E_ARGUMENT, "own has no rows or columns");
    NECK_TRY(neck_mpi_agree(self->team, status));
    return compare(self);
}

/* ---- the mean row ------------------------------------------------------------------------------------------------ */

static neck_status weight_of(const job *self, double *weight)
{
    const double *weights = self->options.row_weights;
    *weight = self->own && !weights ? (double)self->own->rows : 0;
    for (int64_t i = 0; weights && self->own && i < self->own->rows; i++) {
        if (!(weights[i] >= 0) || isinf(weights[i]))
            return neck__mpi_fail(NECK_E_ARGUMENT, "weights[%" PRId64 "] is %g: it must be finite and not negative", i,
                                  weights[i]);
        *weight += weights[i];
    }
    return NECK_OK;
}

/* sums: the mean of own rows times their weight, then that weight. */
static neck_status weigh(const job *self, double *sums)
{
    double *weight = &sums[self->cols];
    NECK_TRY(weight_of(self, weight));
    if (!(*weight > 0)) return NECK_OK;
    NECK_TRY(neck_matrix_column_mean(self->context, self->own, self->options.row_weights, sums));
    for (int64_t j = 0; j < self->cols; j++) sums[j] *= *weight;
    return NECK_OK;
}

/* With e the error of the mean row m of X = Y + 1 m^T: |1 e^T| = sqrt(rows) |e|, and e is at most so many roundings of
 * sum w |x| / sum w <= |m| + sqrt(sum w^2) |Y|_F / sum w. Those of neck_matrix_column_mean, and of sums over ranks. */
static neck_status bound_mean(job *self, double weight)
{
    const double *weights = self->options.row_weights;
    double rows = (double)self->rows, squares = 0, size = 0;
    for (int64_t i = 0; self->own && i < self->own->rows; i++) {
        double share = (weights ? weights[i] : 1) / weight;
        squares += share * share;
    }
    NECK_TRY(neck_mpi_sum(self->team, &squares, 1));
    for (int64_t j = 0; j < self->cols; j++) size = hypot(size, self->shift[j]);
    double roundings = 2 * (fmin(rows, 1024) + rows / 1024) + self->team->size + 8;
    self->mean_rows = roundings * (DBL_EPSILON / 2) * sqrt(rows * squares);
    self->mean_shift = roundings * (DBL_EPSILON / 2) * sqrt(rows) * size +
                       sqrt(rows * (double)self->cols) * (2 + rows / fmin(weight, 1)) * DBL_TRUE_MIN;
    return NECK_OK;
}

static neck_status find_mean(job *self)
{
    double *sums = calloc((size_t)self->cols + 1, sizeof *sums);
    neck_status status = sums ? weigh(self, sums) : neck__mpi_fail(NECK_E_NOMEM, "out of memory for a mean row");
    status = neck_mpi_agree(self->team, status);
    if (status == NECK_OK) status = neck_mpi_sum(self->team, sums, self->cols + 1);
    if (status == NECK_OK && !(sums[self->cols] > 0)) status = neck__mpi_fail(NECK_E_ARGUMENT, "all row weights are 0");
    for (int64_t j = 0; j < self->cols && status == NECK_OK; j++) sums[j] /= sums[self->cols];
    if (status != NECK_OK) {
        neck__mpi_free(self->team, sums);
        return status;
    }
    self->shift = sums;
    return bound_mean(self, sums[self->cols]);
}

/* ---- the two methods --------------------------------------------------------------------------------------------- */

static neck_status push(const job *self, neck_gram **out)
{
    neck_gram_options options = {.struct_size = sizeof options, .shift = self->shift};
    NECK_TRY(neck_gram_create(self->context, self->cols, &options, out));
    return self->own ? neck_gram_push(self->context, *out, self->own) : NECK_OK;
}

static neck_status by_gram(job *self)
{
    neck_gram *gram = NULL;
    neck_status status = neck_mpi_agree(self->team, push(self, &gram));
    if (status == NECK_OK) status = neck_mpi_gram_sum(self->team, gram);
    if (status == NECK_OK) {
        if (self->team->rank == 0) status = neck_gram_spectrum(self->context, gram, NULL, &self->made);
        status = neck_mpi_agree(self->team, status);
    }
    neck_gram_destroy(gram);
    return status;
}

static neck_status by_qr(job *self)
{
    double *triangle;
    NECK_TRY(
        neck__mpi_triangle(self->context, self->team, self->own, self->cols, self->shift, &triangle, &self->bound));
    neck_status status = NECK_OK;
    if (triangle) {
        neck_matrix matrix = {.data = triangle, .rows = self->cols, .cols = self->cols, .dtype = NECK_F64};
        neck_spectrum_options options = {.struct_size = sizeof options, .method = NECK_METHOD_QR};
        status = neck_spectrum_compute(self->context, &matrix, &options, &self->made);
    }
    free(triangle);
    return neck_mpi_agree(self->team, status);
}

static neck_status solve(job *self)
{
    const neck_spectrum_options *options = &self->options;
    int32_t method = options->method == NECK_METHOD_AUTO ? neck_method_for(self->rows, self->cols) : options->method;
    if (method == NECK_METHOD_QR) return by_qr(self);
    NECK_TRY(by_gram(self));
    int64_t coarse = 0;
    if (self->made && options->tolerance > 0) coarse = !neck_spectrum_within(self->made, options->tolerance);
    NECK_TRY(neck_mpi_broadcast(self->team, &coarse, sizeof coarse, 0));
    if (!coarse) return NECK_OK;
    neck_spectrum_destroy(self->made);
    self->made = NULL;
    return by_qr(self);
}

/* ---- to all ranks ------------------------------------------------------------------------------------------------ */

/* made's numbers become those of the matrix: its shape, its variant, as many values as it has. */
static void describe(const job *self, double *numbers, int64_t count)
{
    int dropped = self->options.variant == NECK_VARIANT_DROP_TOP;
    const double *values = neck_spectrum_values(self->made) + dropped,
                 *bounds = neck_spectrum_error_bounds(self->made) + dropped;
    double squares = 0, frobenius = neck_spectrum_frobenius_squared(self->made);
    double bound = self->bound + self->mean_rows * sqrt(frobenius) + self->mean_shift;
    for (int64_t i = count - 1; i >= 0; i--) squares += values[i] * values[i];
    numbers[COUNT] = numbers[SIZE] = (double)count;
    numbers[ROWS] = (double)self->rows;
    numbers[COLS] = (double)self->cols;
    numbers[FROBENIUS] = dropped ? squares : frobenius;
    numbers[RESOLUTION] = neck_spectrum_resolution(self->made) + bound;
    numbers[METHOD] = neck_spectrum_method(self->made);
    numbers[VARIANT] = self->options.variant;
    for (int64_t i = 0; i < count; i++) {
        numbers[HEAD + i] = values[i];
        numbers[HEAD + count + i] = bounds[i] + bound;
    }
}

static neck_status share(job *self, neck_spectrum **out)
{
    int64_t all = self->rows < self->cols ? self->rows : self->cols;
    int64_t count = all - (self->options.variant == NECK_VARIANT_DROP_TOP), length = HEAD + 2 * count;
    double *numbers = malloc((size_t)length * sizeof *numbers);
    neck_status status =
        numbers ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for %" PRId64 " singular values", count);
    status = neck_mpi_agree(self->team, status);
    if (status == NECK_OK) {
        if (self->made) describe(self, numbers, count);
        status = neck_mpi_broadcast(self->team, numbers, length * (int64_t)sizeof *numbers, 0);
    }
    neck_spectrum *spectrum = NULL;
    if (status == NECK_OK)
        status = neck_mpi_agree(self->team, neck_spectrum_from_numbers(self->context, numbers, length, &spectrum));
    if (status == NECK_OK) *out = spectrum;
    else neck_spectrum_destroy(spectrum);
    neck__mpi_free(self->team, numbers);
    return status;
}

neck_status neck_mpi_spectrum_compute(neck_context *context, neck_mpi_team *team, const neck_matrix *own,
                                      const neck_spectrum_options *options, neck_spectrum **out)
{
    NECK_TRY(neck__mpi_usable(team));
    job self = {.context = context, .team = team, .own = own};
    NECK_TRY(prepare(&self, options, out));
    neck_status status = NECK_OK;
    if (self.options.variant == NECK_VARIANT_CENTERED || self.options.variant == NECK_VARIANT_FREQUENCY_CENTERED)
        status = find_mean(&self);
    if (status == NECK_OK) status = solve(&self);
    if (status == NECK_OK) status = share(&self, out);
    neck_spectrum_destroy(self.made);
    free(self.shift);
    return status;
}
