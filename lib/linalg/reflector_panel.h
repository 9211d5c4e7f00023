/* linalg/reflector_panel.h - LQ factorisation of a wide panel of NECK__BAND rows by Householder reflections. */
#ifndef NECK_LINALG_REFLECTOR_PANEL_H
#define NECK_LINALG_REFLECTOR_PANEL_H

#include "kernels/reflect.h"
#include "softneck/context.h"

/* Partial sums, one a chunk of columns, that a panel of up to count columns takes: this many doubles. */
int64_t neck__panel_scratch(int64_t count);

/* rows (NECK__BAND x count, leading dimension ld; both multiples of 8) = L Q^T with Q the product of the reflections
 * H_0 H_1 ..., H_r = 1 - tau_r v_r v_r^T: v_r takes the place of row r, zeros and the one included. l, packed: the
 * lower triangle. The same bits for any number of threads. */
void neck__panel_factor(neck_context *context, int64_t count, double *rows, int64_t ld, double *l, double *tau,
                        double *scratch);

/* H_0 ... H_(n-1) = 1 - V T V^T, with T upper triangular, from gram = V^T V (its strict upper triangle); both
 * packed, n x n. */
void neck__panel_factor_t(int64_t n, const double *tau, const double *gram, double *t);

#endif
