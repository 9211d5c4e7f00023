/* linalg/matmul_f32.c - single precision, on the tiles of this CPU. */
#include "kernels/kernels.h"

#define REAL float
#define OF(name) name##_f32
#define STRIP (neck__kernels_get()->strip_f32)
#define GROUP (neck__kernels_get()->group_f32)
#define NARROW (neck__kernels_get()->narrow_f32)
#define NARROW_TILE(...) neck__kernels_get()->tile_narrow_f32(__VA_ARGS__)
#define TILE(...) neck__kernels_get()->tile_f32(__VA_ARGS__)
#define LARGEST_GROUP NECK__LARGEST_GROUP
#define LARGEST (NECK__LARGEST_GROUP * NECK__LARGEST_STRIP_F32)
#include "linalg/matmul_template.h"
