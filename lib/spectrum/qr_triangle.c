/* spectrum/qr_triangle.c - R of rows, for those who put parts of a matrix together. */
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "linalg/view.h"
#include "softneck/spectrum.h"
#include "spectrum/tsqr.h"

#define ROUNDOFF (DBL_EPSILON / 2)

static neck_status check_shift(const double *shift, int64_t cols)
{
    for (int64_t j = 0; shift && j < cols; j++)
        if (!isfinite(shift[j])) return neck__fail(NECK_E_NONFINITE, "shift[%" PRId64 "] is %g", j, shift[j]);
    return NECK_OK;
}

static neck_status too_large(void)
{
    return neck__fail(NECK_E_OVERFLOW, "the triangle exceeds the range of double: scale the matrix down");
}

enum { PIECE = 256 };

/* |Y|_F^2, scaled, of Y as doubles have it unscaled. */
static neck_status check_rows(const neck__source *source, double scale, double *squares)
{
    double line[PIECE];
    *squares = 0;
    for (int64_t i = 0; i < source->view.rows; i++)
        for (int64_t j = 0; j < source->view.cols; j += PIECE) {
            int64_t count = source->view.cols - j < PIECE ? source->view.cols - j : PIECE;
            neck__source_read(source, i, j, count, line);
            for (int64_t k = 0; k < count; k++) {
                if (!isfinite(line[k])) return too_large();
                line[k] *= scale;
            }
            *squares += neck__sum_squares(count, line);
        }
    return NECK_OK;
}

/* Too few rows for a triangle: they are as good as it, and stay as they are. */
static neck_status copy_rows(neck_context *context, const neck__source *scaled, double *r, double *bound)
{
    neck__source source = *scaled;
    int64_t rows = source.view.rows, cols = source.view.cols;
    double squares;
    source.scale = 1;
    NECK_TRY(neck_matrix_check_finite(context, &source.view, NULL, NULL));
    NECK_TRY(check_rows(&source, scaled->scale, &squares));
    for (int64_t i = 0; i < rows; i++) neck__source_read(&source, i, 0, cols, r + i * cols);
    memset(r + rows * cols, 0, (size_t)((cols - rows) * cols) * sizeof *r);
    *bound = source.shift ? ROUNDOFF * sqrt(squares) : 0;
    return NECK_OK;
}

static neck_status factor(neck_context *context, const neck__source *source, double *r, double *bound)
{
    neck__tsqr tsqr;
    NECK_TRY(neck__tsqr_factor(context, source, 0, &tsqr));
    int64_t n = tsqr.order;
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < n * n && status == NECK_OK; i++)
        if (isinf(tsqr.r[i] / source->scale)) status = too_large();
    for (int64_t i = 0; i < n && status == NECK_OK; i++)
        for (int64_t j = 0; j < n; j++) r[i * n + j] = tsqr.r[j * n + i] / source->scale;
    *bound = neck__tsqr_chain(&tsqr) * ROUNDOFF * sqrt(tsqr.frobenius_squared);
    neck__tsqr_free(&tsqr);
    return status;
}

neck_status neck_qr_triangle(neck_context *context, const neck_matrix *matrix, const double *shift, double *r,
                             double *error_bound)
{
    neck__source source = {.shift = shift};
    double bound;
    if (!r) return neck__fail(NECK_E_ARGUMENT, "r is NULL");
    NECK_TRY(neck__view_check(matrix, &source.view));
    NECK_TRY(check_shift(shift, source.view.cols));
    NECK_TRY(neck__source_choose_scale(context, &source));
    NECK_TRY(source.view.rows < source.view.cols ? copy_rows(context, &source, r, &bound)
                                                 : factor(context, &source, r, &bound));
    if (!error_bound) return NECK_OK;
    *error_bound = bound / source.scale;
    /* Denormals round too. */
    if (bound > 0 && source.scale != 1) *error_bound += (double)source.view.cols * DBL_TRUE_MIN;
    return NECK_OK;
}
