/* linalg/reduction_job.h - what the parts of linalg/band_reduction.c share: one panel's numbers and what it takes
 * from the last.
 *
 * Coordinates count from the row and column `first`, where the panel in hand starts; "beyond" counts from NECK__BAND
 * later. Tall matrices of NECK__BAND columns (V, X) are kept as NECK__BAND / strip strips, each job->padded x strip,
 * row-major, so that they are a right factor of the tiles and, row by row, a left one. */
#ifndef NECK_LINALG_REDUCTION_JOB_H
#define NECK_LINALG_REDUCTION_JOB_H

#include "kernels/kernels.h"
#include "linalg/band.h"

/* BLOCK is a multiple of every strip; BUFFER_LINE keeps rows of a block out of each other's cache sets. PARTS:
 * shares of A's blocks, each with an X of its own, BLOCKS of them or more in one. */
enum { BAND = NECK__BAND, BLOCK = 3 * BAND, BUFFER_LINE = BLOCK + 8, PARTS = 16, BLOCKS_A_PART = 8 };

typedef struct neck__reduction {
    const neck__kernels *kernels;
    int64_t strip, group;
    neck__band *band;
    double *a;
    int64_t lda;
    int64_t first;  /* row and column where the panel starts */
    int64_t left;   /* order of what is left from there on */
    int64_t order;  /* order of what lies beyond the panel, or 0 */
    int64_t padded; /* that, rounded up to a multiple of NECK__BAND */
    int64_t blocks; /* of rows beyond the panel */
    int64_t parts;
    int64_t line;   /* of panel */
    double *panel;  /* BAND rows of what is left; beyond, V^T from panel_factor on */
    double *update; /* the last panel's V and -Z, from first on: for each strip of rows [V; -Z; V]^T, 3 BAND x strip */
    double *v, *x;  /* tall, beyond */
    double *part_x; /* parts of them */
    double *buffer; /* BLOCK x BUFFER_LINE for each part */
    double *sums;   /* BAND x BAND for each block: V^T V, then V^T X */
    double *scratch;
    double l[BAND * BAND], tau[BAND], t[BAND * BAND];
    double of_x[BAND * BAND], of_v[BAND * BAND]; /* -Z = X of_x + V of_v, as strips */
} neck__reduction;

/* to (group x strip, leading dimension ldto), at (row, col) from first on, -= V Z^T + Z V^T of the last panel. */
void neck__reduction_update(const neck__reduction *job, int64_t row, int64_t col, double *to, int64_t ldto);

/* How many blocks of the upper triangle there are, and how many shares of them. */
int64_t neck__reduction_parts(int64_t blocks);

/* Tasks by part: A beyond the panel updated for the last panel, and part_x = its share of A V. */
void neck__reduction_multiply_task(void *data, int64_t part);

/* x = the sum of part_x over the parts, for a block of rows. */
void neck__reduction_sum_x(const neck__reduction *job, int64_t block);

/* From the panel's factorisation to v and t, before A is multiplied; from x to the update, after. */
void neck__reduction_prepare(neck_context *context, neck__reduction *job);
void neck__reduction_finish(neck_context *context, neck__reduction *job);

#endif
