/* linalg/matmul_f64.c - double precision, on the tiles of this CPU. */
#include "kernels/kernels.h"

#define REAL double
#define OF(name) name##_f64
#define STRIP (neck__kernels_get()->strip)
#define GROUP (neck__kernels_get()->group)
#define NARROW STRIP /* there is none */
#define NARROW_TILE TILE
#define TILE(...) neck__kernels_get()->reflect.tile(__VA_ARGS__)
#define LARGEST_GROUP NECK__LARGEST_GROUP
#define LARGEST (NECK__LARGEST_GROUP * NECK__LARGEST_STRIP)
#include "linalg/matmul_template.h"
