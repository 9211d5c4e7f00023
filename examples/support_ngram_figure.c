/* support_ngram_figure.c - the data behind w_error.gp. */
#include "support_ngram_figure.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "support_gnuplot.h"
#include "w_error_gp.h"

/* Points. */
#define WIDTH 760
#define HEIGHT 480

/* Behind this W-error a curve lies on the axis. */
#define NOTHING 0.002

/* The first rank that leaves nothing to be seen, or the last that is known. */
static int64_t end_of(const ngram_row *row)
{
    int64_t i = 0;
    while (i + 1 < row->curve_count && !(row->curve[i].value < NOTHING)) i++;
    return row->curve_ranks[i];
}

static void put_curve(figure *into, int64_t index, const ngram_curve *curve)
{
    char name[64];
    snprintf(name, sizeof name, "curve-%" PRId64, index);
    FILE *file = figure_data(into, name);
    if (!file) return;
    for (int64_t i = 0; i < curve->row.curve_count; i++) {
        neck_band band = curve->row.curve[i];
        if (isfinite(band.value))
            fprintf(file, "%" PRId64 " %.9g %.9g %.9g\n", curve->row.curve_ranks[i], band.value, band.low, band.high);
    }
    figure_close_data(into, file);
    snprintf(name, sizeof name, "name[%" PRId64 "]", index);
    figure_text(into, name, curve->name);
}

int ngram_figure(const ngram_curve *curves, int64_t count, const char *output, char error[512])
{
    figure made;
    int64_t right = 1;
    int drawn = figure_begin(&made);
    if (drawn) {
        fprintf(made.script, "curves = %" PRId64 "\narray name[%" PRId64 "]\n", count, count);
        for (int64_t i = 0; i < count; i++) {
            put_curve(&made, i + 1, &curves[i]);
            int64_t end = end_of(&curves[i].row);
            if (end > right) right = end;
        }
        figure_number(&made, "right", 1.05 * (double)right);
        drawn = figure_finish(&made, w_error_gp, output, WIDTH, HEIGHT);
    }
    memcpy(error, made.error, sizeof made.error);
    return drawn;
}
