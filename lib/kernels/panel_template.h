/* kernels/panel_template.h - the tile of kernels/loops_panel.h, which defines the precision, its vectors and their
 * operations. Strides are constants, so that addresses need no registers. */
TARGET static inline __attribute__((always_inline)) void OF(rows)(int64_t depth, const REAL *a, int64_t lda,
                                                                  int64_t step, const REAL *b, REAL *c)
{
    enum { UNITS = VECTORS_A_PANEL / WIDTH };
    for (int64_t row = 0; row < NECK__PANEL_ROWS; row += PANEL_GROUP, a += PANEL_GROUP * lda,
         c += PANEL_GROUP * VECTORS_A_PANEL) {
        VECTOR sum[PANEL_GROUP][UNITS];
#pragma GCC unroll 16
        for (int m = 0; m < PANEL_GROUP; m++)
#pragma GCC unroll 4
            for (int n = 0; n < UNITS; n++) sum[m][n] = OF(load)(c + m * VECTORS_A_PANEL + n * WIDTH);
        const REAL *left = a, *right = b;
        for (int64_t k = 0; k < depth; k++, left += step, right += VECTORS_A_PANEL) {
            VECTOR with[UNITS];
#pragma GCC unroll 4
            for (int n = 0; n < UNITS; n++) with[n] = OF(load)(right + n * WIDTH);
#pragma GCC unroll 16
            for (int m = 0; m < PANEL_GROUP; m++) {
                VECTOR entry = OF(splat)(left[m * lda]);
#pragma GCC unroll 4
                for (int n = 0; n < UNITS; n++) sum[m][n] = OF(fma)(entry, with[n], sum[m][n]);
            }
        }
#pragma GCC unroll 16
        for (int m = 0; m < PANEL_GROUP; m++)
#pragma GCC unroll 4
            for (int n = 0; n < UNITS; n++) OF(store)(c + m * VECTORS_A_PANEL + n * WIDTH, sum[m][n]);
    }
}

TARGET static void PANEL_TILE(int transposed, int64_t depth, const REAL *a, const REAL *b, REAL *c)
{
    if (transposed)
        OF(rows)(depth, a, 1, NECK__PANEL_DEPTH, b, c);
    else
        OF(rows)(depth, a, NECK__PANEL_DEPTH, 1, b, c);
}

#undef PANEL_TILE
#undef REAL
#undef VECTOR
#undef OF
#undef WIDTH
#undef VECTORS_A_PANEL
