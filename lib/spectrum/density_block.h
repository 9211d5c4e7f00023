/* spectrum/density_block.h - blocks of long vectors, row-major with the vectors as columns: what density and its parts
 * do with them beside products of the operator. On the context's threads, the same bits for any number of them. */
#ifndef NECK_SPECTRUM_DENSITY_BLOCK_H
#define NECK_SPECTRUM_DENSITY_BLOCK_H

#include "softneck/context.h"

/* count columns of a block whose rows are stride apart. */
typedef struct neck__block {
    double *data;
    int64_t count, stride;
} neck__block;

/* out (x.count x y.count) = x^T y over n rows. */
neck_status neck__block_cross(neck_context *context, int64_t n, neck__block x, neck__block y, double *out);

/* y += x c, c x.count x y.count. */
void neck__block_add(neck_context *context, int64_t n, neck__block x, const double *c, neck__block y);

/* y -= x (x^T y): without what x, orthonormal, spans. */
neck_status neck__block_project(neck_context *context, int64_t n, neck__block x, neck__block y);

/* Runs task over slices of n rows, each of them the same whatever the threads are. */
enum { NECK__SLICE = 1024 };
int64_t neck__block_slices(int64_t n);

#endif
