/* support_svg.h - figures as inline SVG, written without any other program: lines on axes, and heat maps. Colours are
 * CSS variables of the page (--ink, --grid, --c1 ... --c6, --mark, --band), so that they follow its light or dark
 * scheme. */
#ifndef SUPPORT_SVG_H
#define SUPPORT_SVG_H

#include <stdint.h>
#include <stdio.h>

typedef struct svg_line {
    const char *name;       /* for the key; NULL: not in it */
    const double *x, *y;    /* points that are not finite break the line */
    int64_t count;
    const char *colour;     /* CSS, e.g. "var(--c1)" */
    double width;           /* of the stroke */
    int dots;               /* a dot at each point */
    int dashed;
} svg_line;

typedef struct svg_plot {
    const char *title;      /* what is seen, for those who do not see it */
    const char *x_name, *y_name;
    const svg_line *lines;
    int64_t line_count;
    double low, high;       /* of y; equal: from the lines */
    int log_y, log_x;
    double mark;            /* a vertical line at this x, with a band; NaN: none */
    double mark_low, mark_high;
    double rule;            /* a horizontal line at this y; NaN: none */
} svg_plot;

/* svg_write_plot - lines on axes, and below them a key of those that have names. svg_write_heat - value[column * rows +
 * row] in 0 .. 1 (NaN: empty), first row at the top, over increasing x of columns. svg_escape - text as it may stand in
 * HTML and in attributes; invalid UTF-8 becomes U+FFFD. */
void svg_write_plot(FILE *out, const svg_plot *plot);
void svg_write_heat(FILE *out, const char *title, const char *x_name, const char *y_name, int64_t columns,
                    const double *x, int64_t rows, const double *value);
void svg_escape(FILE *out, const char *text);

#endif
