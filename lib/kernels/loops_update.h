/* kernels/loops_update.h - the loops of optimizers in both precisions, compiled once for each instruction set. Whoever
 * includes this defines TARGET and brings roots_f32 and roots_f64, because compilers keep scalar square roots for
 * errno's sake. */
#ifndef NECK_KERNELS_LOOPS_UPDATE_H
#define NECK_KERNELS_LOOPS_UPDATE_H

#include "kernels/loops_f32.h"

#define REAL float
#define OF(name) name##_f32
#include "kernels/update_template.h"

#define REAL double
#define OF(name) name##_f64
#include "kernels/update_template.h"

#define NECK__LOOPS_UPDATE                                                                                            \
    .update = {{adamw_f32, sgd_f32, momentum_f32, lookahead_f32, muon_f32, combine_f32, scale_f32},                   \
               {adamw_f64, sgd_f64, momentum_f64, lookahead_f64, muon_f64, combine_f64, scale_f64}},                  \
    .squares_finite = {squares_finite_f32, squares_finite_f64}

#endif
