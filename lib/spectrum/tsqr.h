/* spectrum/tsqr.h - Householder QR of a tall source, a chunk of its long side at a time. */
#ifndef NECK_SPECTRUM_TSQR_H
#define NECK_SPECTRUM_TSQR_H

#include "core/memory.h"
#include "linalg/source.h"

/* The tall matrix is Y, or Y^T when products run over rows: length x order, length >= order. R is folded chunk by
 * chunk: [R; chunk] = Q [R'; 0]. Arrays are column-major, as LAPACK wants them. */
typedef struct neck__tsqr {
    neck__allocator allocator;
    int64_t order, length, chunk, chunks;
    double *r;          /* order x order, upper triangle, zeros below */
    double *reflectors; /* all chunks one after the other when kept, else one */
    double *factors;    /* tau of the first chunk, then t of each other one, when kept; else room for one */
    double frobenius_squared;
    int32_t kept;
} neck__tsqr;

/* Factors the source. keep: the reflectors stay, length * order doubles, for neck__tsqr_apply. */
neck_status neck__tsqr_factor(neck_context *context, const neck__source *source, int32_t keep, neck__tsqr *out);

/* Hands out Q * [top; 0] from the last chunk to the first; top (order x order) is overwritten. Rows [first, first +
 * count) of the product are block[j * count + i], column j < order. */
typedef void (*neck__tsqr_block_fn)(void *user, int64_t first, int64_t count, const double *block);
neck_status neck__tsqr_apply(neck_context *context, neck__tsqr *tsqr, double *top, neck__tsqr_block_fn take,
                             void *user);

/* Length of the longest chain of roundings behind R: |error of a singular value| <= chain * 2^-53 * |Y|_F. */
double neck__tsqr_chain(const neck__tsqr *tsqr);

void neck__tsqr_free(neck__tsqr *tsqr);

#endif
