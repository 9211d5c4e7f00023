/* linalg/bulge_chasing.h - from band to tridiagonal form. */
#ifndef NECK_LINALG_BULGE_CHASING_H
#define NECK_LINALG_BULGE_CHASING_H

#include "linalg/band.h"

/* What the whole of it counts as, in floating-point operations. */
int64_t neck__chase_operations(int64_t order);

/* The band's first subdiagonal and diagonal become those of a tridiagonal matrix with the same eigenvalues, the rest
 * zero. The same bits for any number of threads. */
neck_status neck__chase(neck__work *work, neck__band *band);

#endif
