/* optim/parameters.h - what must hold of parameters before anything is done with them. */
#ifndef NECK_OPTIM_PARAMETERS_H
#define NECK_OPTIM_PARAMETERS_H

#include "softneck/optimizer.h"

/* Each has a name, two arrays, sides whose product is a size, a dtype and flags that are known. */
neck_status neck__parameters_check(const neck_parameter *parameters, int64_t count);

/* Elements of a checked parameter. */
int64_t neck__parameter_size(const neck_parameter *parameter);

/* NECK_E_NONFINITE for a gradient that has been found unusable: names the first element that is not at most limit. */
neck_status neck__gradient_refuse(const neck_parameter *parameter, double limit);

#endif
