/* kernels/loops_panel.h - small tiles of a panel of a matrix times a few vectors at once: what dense operators are
 * multiplied with. Compiled once for each instruction set: whoever includes this defines TARGET and includes a
 * kernels/vector_*.h. */
#ifndef NECK_KERNELS_LOOPS_PANEL_H
#define NECK_KERNELS_LOOPS_PANEL_H

#include <stdint.h>

#include "kernels/kernels.h"

/* Rows that fit the registers beside what they are multiplied with. */
enum { PANEL_GROUP = LANES == 8 ? 16 : LANES == 4 ? 4 : 2 };

#define PANEL_TILE panel_tile
#define REAL double
#define VECTOR vec
#define OF(operation) vec_##operation
#define WIDTH LANES
#define VECTORS_A_PANEL NECK__PANEL_VECTORS
#include "kernels/panel_template.h"

#define PANEL_TILE panel_tile_f32
#define REAL float
#define VECTOR vecf
#define OF(operation) vecf_##operation
#define WIDTH FLOATS
#define VECTORS_A_PANEL NECK__PANEL_VECTORS_F32
#include "kernels/panel_template.h"

#endif
