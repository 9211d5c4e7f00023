/* spectrum/svd.c - thin SVD: QR by chunks, SVD of R, Q applied to its left vectors. */
#include <float.h>
#include <math.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "linalg/lapack.h"
#include "softneck/spectrum.h"
#include "spectrum/tsqr.h"
#include "spectrum/variant.h"

/* With T the tall one of W and W^T, length x order: T = Q R, R = left diag(values) right. */
typedef struct factors {
    int64_t order;
    double *left;   /* order x order, column-major: what Q is applied to */
    double *right;  /* order x order, row i = singular vector i of the short side */
    double *values; /* order */
} factors;

/* The entry of largest magnitude of each short-side vector becomes positive: the sign no longer depends on the
 * route. */
static void fix_signs(const factors *f)
{
    for (int64_t i = 0; i < f->order; i++) {
        double *row = f->right + i * f->order, *column = f->left + i * f->order, largest = 0;
        for (int64_t j = 0; j < f->order; j++)
            if (fabs(row[j]) > fabs(largest)) largest = row[j];
        if (largest >= 0) continue;
        for (int64_t j = 0; j < f->order; j++) {
            row[j] = -row[j];
            column[j] = -column[j];
        }
    }
}

static void transpose(int64_t n, double *a)
{
    for (int64_t i = 0; i < n; i++)
        for (int64_t j = 0; j < i; j++) {
            double kept = a[i * n + j];
            a[i * n + j] = a[j * n + i];
            a[j * n + i] = kept;
        }
}

/* R column-major is R^T row-major; the SVD of R^T = U S V^T gives R = V S U^T. V^T row-major is V column-major. */
static neck_status factor_r(neck_context *context, double *r, const factors *f)
{
    NECK_TRY(neck__small_svd(context, f->order, r, f->right, f->values, f->left));
    transpose(f->order, f->right); /* from columns of U to rows of U^T */
    fix_signs(f);
    return NECK_OK;
}

/* Where the long-side vectors go: rows x k for a tall W (its U), k x cols for a wide one (its Vt). */
typedef struct long_side {
    double *out;
    int64_t order, length;
    int32_t is_vt;
} long_side;

static void take_block(void *user, int64_t first, int64_t count, const double *block)
{
    const long_side *to = user;
    for (int64_t j = 0; j < to->order; j++) {
        const double *column = block + j * count;
        if (to->is_vt)
            memcpy(to->out + j * to->length + first, column, (size_t)count * sizeof *column);
        else
            for (int64_t i = 0; i < count; i++) to->out[(first + i) * to->order + j] = column[i];
    }
}

/* U of a wide W has its short-side vectors as columns. */
static void write_short_side(const factors *f, int32_t as_columns, double *out)
{
    for (int64_t i = 0; i < f->order; i++)
        for (int64_t j = 0; j < f->order; j++)
            out[as_columns ? j * f->order + i : i * f->order + j] = f->right[i * f->order + j];
}

typedef struct outputs {
    double *long_out, *short_out, *s, *error_bound; /* s is always there */
} outputs;

static neck_status write_outputs(neck_context *context, const neck__variant *variant, neck__tsqr *tsqr,
                                 const factors *f, const outputs *to)
{
    const neck__source *source = &variant->source;
    double bound = neck__variant_error(variant, tsqr->frobenius_squared) +
                   neck__tsqr_chain(tsqr) * (DBL_EPSILON / 2) * sqrt(tsqr->frobenius_squared) +
                   neck__singular_values_error(f->order) * f->values[0];
    if (isinf(f->values[0] / source->scale))
        return neck__fail(NECK_E_OVERFLOW,
                          "the largest singular value exceeds the range of double: scale the matrix down");
    if (to->long_out) {
        /* Vectors go to a buffer first: a cancelled call leaves the caller's array alone. */
        int64_t size = tsqr->length * tsqr->order;
        double *buffer = neck__alloc(&tsqr->allocator, size, sizeof *buffer, "singular vectors");
        if (!buffer) return NECK_E_NOMEM;
        long_side target = {buffer, tsqr->order, tsqr->length, source->by_rows};
        neck_status status = neck__tsqr_apply(context, tsqr, f->left, take_block, &target);
        if (status == NECK_OK) memcpy(to->long_out, buffer, (size_t)size * sizeof *buffer);
        neck__release(&tsqr->allocator, buffer);
        NECK_TRY(status);
    }
    if (to->short_out) write_short_side(f, source->by_rows, to->short_out);
    for (int64_t i = 0; i < f->order; i++) to->s[i] = f->values[i] / source->scale;
    double denormal = source->scale == 1 ? 0 : DBL_TRUE_MIN;
    if (to->error_bound) *to->error_bound = bound / source->scale + denormal;
    return NECK_OK;
}

static neck_status compute(neck_context *context, const neck__variant *variant, const outputs *to)
{
    neck__tsqr tsqr;
    NECK_TRY(neck__tsqr_factor(context, &variant->source, to->long_out != NULL, &tsqr));
    int64_t n = tsqr.order;
    double *memory = neck__alloc(&tsqr.allocator, 2 * n * n + n, sizeof *memory, "the SVD of R");
    neck_status status = memory ? NECK_OK : NECK_E_NOMEM;
    if (memory) {
        factors f = {n, memory, memory + n * n, memory + 2 * n * n};
        status = factor_r(context, tsqr.r, &f);
        if (status == NECK_OK) status = write_outputs(context, variant, &tsqr, &f, to);
    }
    neck__release(&tsqr.allocator, memory);
    neck__tsqr_free(&tsqr);
    return status;
}

neck_status neck_svd_compute(neck_context *context, const neck_matrix *matrix, const neck_svd_options *options,
                             double *u, double *s, double *vt, double *error_bound)
{
    if (!s) return neck__fail(NECK_E_ARGUMENT, "s is NULL");
    NECK_OPTIONS(neck_svd_options, given, options);
    if (given.reserved) return neck__fail(NECK_E_ARGUMENT, "neck_svd_options.reserved must be 0");
    if (given.variant == NECK_VARIANT_DROP_TOP)
        return neck__fail(NECK_E_ARGUMENT, "an SVD without its top component is the SVD without its first triplet");
    neck__variant variant;
    NECK_TRY(neck__variant_open(context, matrix, given.variant, given.row_weights, &variant));
    int32_t wide = variant.source.by_rows;
    outputs to = {wide ? vt : u, wide ? u : vt, s, error_bound};
    neck_status status = compute(context, &variant, &to);
    neck__variant_close(&variant);
    return status;
}
