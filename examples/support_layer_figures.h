/* support_layer_figures.h - what evaluated models look like. */
#ifndef SUPPORT_LAYER_FIGURES_H
#define SUPPORT_LAYER_FIGURES_H

#include "support_evaluate.h"

/* The checkpoints of one path, in order of training step. */
typedef struct evaluated_series {
    char *name; /* for titles and keys */
    evaluated *models;
    int64_t count;
} evaluated_series;

/* layer_figures_depth - anisotropy against relative depth, drawn into output: a line a model; colour tells the training
 *                       step when there is one series and it has steps, else each line has a name.
 * layer_figures_loss  - loss against training step, a line a series with steps, dots coloured by the anisotropy of the
 *                       last layer. layer_figures_have_steps tells whether it has something to draw.
 * Both return 1, or 0 and write one line into error. */
int layer_figures_depth(const evaluated_series *series, int64_t count, const char *output, char error[512]);
int layer_figures_loss(const evaluated_series *series, int64_t count, const char *output, char error[512]);
int layer_figures_have_steps(const evaluated_series *series, int64_t count);

#endif
