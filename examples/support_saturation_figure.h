/* support_saturation_figure.h - the judged curve drawn through gnuplot. */
#ifndef SUPPORT_SATURATION_FIGURE_H
#define SUPPORT_SATURATION_FIGURE_H

#include "support_verdict.h"

/* Into output (.svg, .png). 1, or 0 and one line in error. */
int saturation_figure(const verdict *judged, const char *output, char error[512]);

#endif
