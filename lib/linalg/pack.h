/* linalg/pack.h - panels of a view in the layout the tile kernel wants. */
#ifndef NECK_LINALG_PACK_H
#define NECK_LINALG_PACK_H

#include "core/memory.h"
#include "linalg/source.h"

/* A panel: depth slices of Y along the long side, widened to double, as strips (see kernels.h); columns beyond the
 * last are zero. */
typedef struct neck__panel {
    int64_t width;        /* columns of the panel: the order of C */
    int64_t strips;       /* strips that cover it */
    int64_t capacity;     /* depth it has room for */
    int64_t depth;        /* depth in use */
    int64_t first;        /* where on the long side it starts */
    double *data;         /* strips * capacity * strip doubles */
    double *scratch;      /* one line of capacity doubles a task, when products run over rows */
    int64_t tasks;        /* packing tasks of the current fill */
    double *squares;      /* sum of squares, one a task; not finite when an element is not, or on overflow */
} neck__panel;

/* How deep panels of this source are. Depends on the shape alone. */
int64_t neck__panel_depth(const neck__source *source);

neck_status neck__panel_create(const neck__allocator *allocator, const neck__source *source, neck__panel *panel);
void neck__panel_destroy(const neck__allocator *allocator, neck__panel *panel);

/* Fills the panel with slices [first, first + capacity) of the long side, or what is left of them. */
void neck__panel_fill(neck_context *context, const neck__source *source, int64_t first, neck__panel *panel);

#endif
