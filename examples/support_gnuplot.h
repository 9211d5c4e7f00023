/* support_gnuplot.h - drawing through gnuplot. */
#ifndef SUPPORT_GNUPLOT_H
#define SUPPORT_GNUPLOT_H

#include <stdio.h>

#include "support_args.h"

/* A figure in the making: a private temporary folder with its data files and the script. gnuplot runs inside that
 * folder and sees no file name but its own, so names with quotes, blanks or newlines need no care. */
typedef struct figure {
    char folder[4096];
    FILE *script;
    char error[512]; /* what went wrong first; "" while all is well */
} figure;

/* figure_check - a usage error unless the argument of --plot, if it was given, ends in .svg or .png. */
void figure_check(const tool *self, const char *plot);

/* figure_beside - the name of a second figure: "run.svg" with "-loss" is "run-loss.svg". Release with free. */
char *figure_beside(const char *output, const char *suffix);

/* figure_begin    - makes the folder and starts the script. 0 on failure (see error), then nothing needs undoing.
 * figure_data     - a new data file in the folder, to be closed with figure_close_data; NULL on failure.
 * figure_number   - name = value in the script.
 * figure_text     - name = text; any bytes.
 * figure_finish   - adds the drawing script, draws width x height points into output (.svg, .png) and removes the
 *                   folder. 0 on failure. */
int figure_begin(figure *self);
FILE *figure_data(figure *self, const char *name);
void figure_close_data(figure *self, FILE *file);
void figure_number(figure *self, const char *name, double value);
void figure_text(figure *self, const char *name, const char *text);
int figure_finish(figure *self, const char *drawing, const char *output, int width, int height);

#endif
