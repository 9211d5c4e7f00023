/* kernels/loops_panel.h - small tiles of a matrix, in any strides, times eight vectors at once: what dense operators are multiplied
 * with. Compiled once for each instruction set: whoever includes this defines TARGET and includes a kernels/vector_*.h. */
#ifndef NECK_KERNELS_LOOPS_PANEL_H
#define NECK_KERNELS_LOOPS_PANEL_H

#include <stdint.h>

#include "kernels/kernels.h"

/* Rows that fit the registers beside what they are multiplied with. */
enum { PANEL_UNITS = NECK__PANEL_VECTORS / LANES, PANEL_GROUP = LANES == 8 ? 16 : LANES == 4 ? 4 : 2 };

TARGET static void panel_tile(int64_t depth, const double *a, int64_t lda, int64_t step, const double *b, double *c)
{
    for (int64_t row = 0; row < NECK__PANEL_ROWS; row += PANEL_GROUP, a += PANEL_GROUP * lda, c += PANEL_GROUP * NECK__PANEL_VECTORS) {
        vec sum[PANEL_GROUP][PANEL_UNITS];
#pragma GCC unroll 16
        for (int m = 0; m < PANEL_GROUP; m++)
#pragma GCC unroll 4
            for (int n = 0; n < PANEL_UNITS; n++) sum[m][n] = vec_load(c + m * NECK__PANEL_VECTORS + n * LANES);
        for (int64_t k = 0; k < depth; k++) {
            vec right[PANEL_UNITS];
#pragma GCC unroll 4
            for (int n = 0; n < PANEL_UNITS; n++) right[n] = vec_load(b + k * NECK__PANEL_VECTORS + n * LANES);
#pragma GCC unroll 16
            for (int m = 0; m < PANEL_GROUP; m++) {
                vec left = vec_splat(a[m * lda + k * step]);
#pragma GCC unroll 4
                for (int n = 0; n < PANEL_UNITS; n++) sum[m][n] = vec_fma(left, right[n], sum[m][n]);
            }
        }
#pragma GCC unroll 16
        for (int m = 0; m < PANEL_GROUP; m++)
#pragma GCC unroll 4
            for (int n = 0; n < PANEL_UNITS; n++) vec_store(c + m * NECK__PANEL_VECTORS + n * LANES, sum[m][n]);
    }
}

#endif
