/* head/soft_cap.h - cap tanh(z / cap) as a map of logits. */
#ifndef NECK_HEAD_SOFT_CAP_H
#define NECK_HEAD_SOFT_CAP_H

#include "head/logit_map.h"

/* *cap > 0 must outlive the map. */
neck__logit_map neck__soft_cap_map(const double *cap);

#endif
