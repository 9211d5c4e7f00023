/* softneck/geometry.h - the geometry of representations, from a gram. */
#ifndef SOFTNECK_GEOMETRY_H
#define SOFTNECK_GEOMETRY_H

#include "gram.h"
#include "metrics.h"

#ifdef __cplusplus
extern "C" {
#endif

#ifdef __cplusplus
}
#endif
#endif
