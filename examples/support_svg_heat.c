/* support_svg_heat.c - a table of numbers as coloured cells. */
#include <math.h>

#include "support_svg.h"

enum { WIDTH = 640, HEIGHT = 330, LEFT = 66, RIGHT = 84, TOP = 14, BOTTOM = 46, BAR = 12 };

typedef struct colour {
    double red, green, blue;
} colour;

/* Dark to light through blue, green and yellow, evenly bright: anchors of matplotlib's viridis. */
static colour colour_of(double share)
{
    static const colour anchors[] = {{68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
    double at = 4 * fmin(fmax(share, 0), 1);
    int below = at < 4 ? (int)at : 3;
    double part = at - below;
    const colour *a = &anchors[below], *b = &anchors[below + 1];
    return (colour){a->red + part * (b->red - a->red), a->green + part * (b->green - a->green),
                    a->blue + part * (b->blue - a->blue)};
}

static void cell(FILE *out, double x, double y, double width, double height, double share)
{
    colour made = colour_of(share);
    fprintf(out, "<rect x=\"%.2f\" y=\"%.2f\" width=\"%.2f\" height=\"%.2f\" fill=\"#%02x%02x%02x\"/>", x, y, width,
            height, (unsigned)lround(made.red), (unsigned)lround(made.green), (unsigned)lround(made.blue));
}

/* What the colours stand for: 1 at the top. */
static void draw_scale(FILE *out, double least)
{
    enum { CELLS = 32 };
    double height = (HEIGHT - TOP - BOTTOM) / (double)CELLS, left = WIDTH - RIGHT + 18;
    for (int i = 0; i < CELLS; i++) cell(out, left, TOP + i * height, BAR, height + 0.5, 1 - (i + 0.5) / CELLS);
    fprintf(out, "<text x=\"%g\" y=\"%d\">1</text><text x=\"%g\" y=\"%d\">%.2g</text>", left + BAR + 5, TOP + 10,
            left + BAR + 5, HEIGHT - BOTTOM, least);
}

static void draw_step(FILE *out, double x, double step)
{
    fprintf(out, "<text x=\"%.1f\" y=\"%d\" class=\"m\">", x, HEIGHT - BOTTOM + 18);
    if (step >= 1e4) fprintf(out, "%gk</text>", round(step / 100) / 10);
    else fprintf(out, "%g</text>", step);
}

static double least_of(int64_t count, const double *value)
{
    double least = 1;
    for (int64_t i = 0; i < count; i++)
        if (value[i] > 0 && value[i] < least) least = value[i];
    return fmin(fmax(least, 1e-6), 0.9);
}

/* Colours go with the logarithm: sigma_i / sigma_1 spans decades once a head has collapsed. */
void svg_write_heat(FILE *out, const char *title, const char *x_name, const char *y_name, int64_t columns,
                    const double *x, int64_t rows, const double *value)
{
    double across = (WIDTH - LEFT - RIGHT) / (double)columns, down = (HEIGHT - TOP - BOTTOM) / (double)rows;
    double least = least_of(columns * rows, value);
    fprintf(out, "<svg viewBox=\"0 0 %d %d\" role=\"img\" shape-rendering=\"crispEdges\"><title>", WIDTH, HEIGHT);
    svg_escape(out, title);
    fputs("</title>", out);
    for (int64_t i = 0; i < columns; i++)
        for (int64_t k = 0; k < rows; k++)
            if (value[i * rows + k] > 0)
                cell(out, LEFT + (double)i * across, TOP + (double)k * down, across + 0.3, down + 0.3,
                     1 - log(value[i * rows + k]) / log(least));
    int64_t every = 1 + columns / 7;
    for (int64_t i = 0; i < columns; i += every) draw_step(out, LEFT + ((double)i + 0.5) * across, x[i]);
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"e\">1</text><text x=\"%d\" y=\"%d\" class=\"e\">%lld</text>",
            LEFT - 7, TOP + 10, LEFT - 7, HEIGHT - BOTTOM, (long long)rows);
    draw_scale(out, least);
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"m\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8);
    svg_escape(out, x_name);
    int middle = (TOP + HEIGHT - BOTTOM) / 2;
    fprintf(out, "</text><text x=\"14\" y=\"%d\" transform=\"rotate(-90 14 %d)\" class=\"m\">", middle, middle);
    svg_escape(out, y_name);
    fputs("</text></svg>\n", out);
}
