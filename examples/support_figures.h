/* support_figures.h - what a list of measured checkpoints looks like: the figures the tools draw. */
#ifndef SUPPORT_FIGURES_H
#define SUPPORT_FIGURES_H

#include "support_measure.h"

/* The checkpoints of one path, in order of training step. */
typedef struct measured_series {
    char *name; /* for titles and keys */
    measured *rows;
    int64_t count;
} measured_series;

/* figures_spectrum - singular values, drawn into output. When some series has two or more training steps: one heat map
 * per such series (colour sigma_i / sigma_1 over step and rank; rank 1, always 1, does not stretch the colours).
 * Otherwise: sigma_i against i on log axes, a curve per checkpoint, down to the values that carry information.
 * top: how many ranks; 0 means 100 in a heat map, all in curves.
 *
 * figures_entropy - singular entropy against training step, log axis, a curve per series with two or more steps.
 *
 * Both return 1, or 0 and write one line into error. figures_have_steps tells whether figures_entropy has something
 * to draw. */
int figures_spectrum(const measured_series *series, int64_t count, int64_t top, const char *output, char error[512]);
int figures_entropy(const measured_series *series, int64_t count, const char *output, char error[512]);
int figures_have_steps(const measured_series *series, int64_t count);

#endif
