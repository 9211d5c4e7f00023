/* optim/newton_schulz.h - matrices made nearly orthogonal by products alone. */
#ifndef NECK_OPTIM_NEWTON_SCHULZ_H
#define NECK_OPTIM_NEWTON_SCHULZ_H

#include "softneck/matrix.h"

/* x (rows x cols, packed, NECK_F32 or NECK_F64), of singular values s_i, in place: divided by its Frobenius norm +
 * 1e-7, then steps times s -> 3.4445 s - 4.7750 s^3 + 2.0315 s^5, which takes all but the smallest to between 0.68 and
 * 1.14 in 5 steps and leaves them there. Takes memory for another such matrix and two squares of the smaller side; x is
 * spoilt when there is none. */
neck_status neck__newton_schulz(neck_context *context, int32_t dtype, int64_t rows, int64_t cols, int64_t steps,
                                void *x);

#endif
