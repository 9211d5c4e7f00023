/* optim/parameters.h - what must hold of parameters before anything is done with them. */
#ifndef NECK_OPTIM_PARAMETERS_H
#define NECK_OPTIM_PARAMETERS_H

#include "softneck/optimizer.h"

/* Each has a name, two arrays, sides whose product is a size, a dtype and flags that are known. */
neck_status neck__parameters_check(const neck_parameter *parameters, int64_t count);

/* Elements of a checked parameter. */
int64_t neck__parameter_size(const neck_parameter *parameter);

/* NECK_E_NONFINITE for a gradient that has been found unusable among elements [first, first + size): names the first
 * that is not at most limit. */
neck_status neck__gradient_refuse(const neck_parameter *parameter, int64_t first, int64_t size, double limit);

/* Both of elements [runs[2 i], runs[2 i] + runs[2 i + 1]) of the gradient of parameter i; runs NULL: of all.
 * neck__gradients_measure - the sum of their squares. NECK_E_NONFINITE names one that is not finite.
 * neck__gradients_scale   - multiplies them. */
neck_status neck__gradients_measure(neck_context *context, const neck_parameter *parameters, int64_t count,
                                    const int64_t *runs,
                                    double *squares);
void neck__gradients_scale(neck_context *context, const neck_parameter *parameters, int64_t count, const int64_t *runs,
                           double factor);

#endif
