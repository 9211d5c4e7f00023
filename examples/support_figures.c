/* support_figures.c - the data behind the two scripts of examples/plots. */
#include "support_figures.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "curves_gp.h"
#include "heatmap_gp.h"
#include "support_gnuplot.h"
#include "support_text.h"

/* Points; a heat map's panels each have this size too. */
#define WIDTH 760
#define HEIGHT 480
#define PANELS_ACROSS 3

/* A heat map is a picture of about this many pixels, so that no viewer has to blur its cells to enlarge it. */
#define PIXELS_ACROSS 800
#define PIXELS_UP 400
#define HEATMAP_RANKS 100

/* Steps are written in thousands from here on. */
#define THOUSANDS_FROM 10000

/* The least ratio of a log axis' ends: differences of a few percent should look like what they are. */
#define LEAST_RATIO 1.25

/* Dots on a curve with more values than this would merge. */
#define MOST_MARKS 60

static double smaller(double a, double b)
{
    return a < b ? a : b;
}

static double larger(double a, double b)
{
    return a > b ? a : b;
}

/* Rows of a series that tell a training step come first: the series is sorted that way. */
static int64_t steps_of(const measured_series *series)
{
    int64_t count = 0;
    while (count < series->count && series->rows[count].step >= 0) count++;
    return count >= 2 && series->rows[count - 1].step > series->rows[0].step ? count : 0;
}

int figures_have_steps(const measured_series *series, int64_t count)
{
    int64_t with_steps = 0;
    for (int64_t i = 0; i < count; i++) with_steps += steps_of(&series[i]) > 0;
    return with_steps > 0;
}

/* What to divide steps by, and the axis' name. */
static double step_unit(const measured_series *series, int64_t count, figure *into)
{
    int64_t last = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t steps = steps_of(&series[i]);
        if (steps && series[i].rows[steps - 1].step > last) last = series[i].rows[steps - 1].step;
    }
    figure_text(into, "xname", last >= THOUSANDS_FROM ? "training step (thousands)" : "training step");
    return last >= THOUSANDS_FROM ? 1000.0 : 1.0;
}

static void put_element(figure *into, const char *array, int64_t index, double value)
{
    char name[64];
    snprintf(name, sizeof name, "%s[%" PRId64 "]", array, index);
    figure_number(into, name, value);
}

static void put_name(figure *into, const char *array, int64_t index, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "%s[%" PRId64 "]", array, index);
    figure_text(into, name, text);
}

static void put_arrays(figure *into, const char *const *names, int64_t size)
{
    for (; *names; names++) fprintf(into->script, "array %s[%" PRId64 "]\n", *names, size);
}

static FILE *numbered_data(figure *into, const char *stem, int64_t index)
{
    char name[64];
    snprintf(name, sizeof name, "%s-%" PRId64, stem, index);
    return figure_data(into, name);
}

/* ---- heat maps ------------------------------------------------------------------------------------------------ */

/* sigma_i / sigma_1, i from 0. */
static double share_of_first(const measured *row, int64_t i)
{
    const double *values = neck_spectrum_values(row->spectrum);
    return values[0] > 0 ? values[i] / values[0] : 0;
}

/* The ranks that every row has. */
static int64_t common_ranks(const measured_series *series, int64_t steps, int64_t top)
{
    int64_t ranks = top > 0 ? top : HEATMAP_RANKS;
    for (int64_t i = 0; i < steps; i++) {
        int64_t known = neck_spectrum_count(series->rows[i].spectrum);
        if (known < ranks) ranks = known;
    }
    return ranks;
}

/* Each checkpoint owns the steps nearest to it, so unevenly spaced ones stand where they belong. */
static void write_pixels(FILE *file, const measured_series *series, int64_t steps, int64_t ranks, int64_t rows,
                         double left, double right)
{
    for (int64_t y = 0; y < rows; y++) {
        int64_t at = 0;
        for (int x = 0; x < PIXELS_ACROSS; x++) {
            double step = left + (x + 0.5) * (right - left) / PIXELS_ACROSS;
            while (at + 1 < steps && 2 * step > (double)series->rows[at].step + (double)series->rows[at + 1].step) at++;
            float pixel = (float)share_of_first(&series->rows[at], y * ranks / rows);
            fwrite(&pixel, sizeof pixel, 1, file);
        }
    }
}

static void put_panel(figure *into, const measured_series *series, int64_t steps, int64_t index, double unit,
                      int64_t top)
{
    const measured *rows = series->rows;
    int64_t ranks = common_ranks(series, steps, top);
    int64_t repeat = (PIXELS_UP + ranks - 1) / ranks;
    double first = (double)rows[0].step, last = (double)rows[steps - 1].step;
    double left = first - ((double)rows[1].step - first) / 2;
    double right = last + (last - (double)rows[steps - 2].step) / 2;
    double low = 1, high = 0;
    for (int64_t i = 0; i < steps; i++) {
        low = smaller(low, share_of_first(&rows[i], ranks - 1));
        high = larger(high, share_of_first(&rows[i], ranks > 1 ? 1 : 0));
    }
    if (!(high > low)) {
        low = 0;
        high = 1;
    }
    put_name(into, "title", index, series->name);
    put_element(into, "columns", index, PIXELS_ACROSS);
    put_element(into, "rows", index, (double)(ranks * repeat));
    put_element(into, "ranks", index, (double)ranks);
    put_element(into, "left", index, left / unit);
    put_element(into, "right", index, right / unit);
    put_element(into, "low", index, low);
    put_element(into, "high", index, high);
    FILE *file = numbered_data(into, "panel", index);
    if (!file) return;
    write_pixels(file, series, steps, ranks, ranks * repeat, left, right);
    figure_close_data(into, file);
}

static int draw_heatmaps(figure *into, const measured_series *series, int64_t count, int64_t top, const char *output)
{
    static const char *const arrays[] = {"title", "columns", "rows", "ranks", "left", "right", "low", "high", NULL};
    double unit = step_unit(series, count, into);
    put_arrays(into, arrays, count);
    int64_t panels = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t steps = steps_of(&series[i]);
        if (steps) put_panel(into, &series[i], steps, ++panels, unit, top);
    }
    int64_t across = panels < PANELS_ACROSS ? panels : PANELS_ACROSS;
    int64_t down = (panels + across - 1) / across;
    fprintf(into->script, "panels = %" PRId64 "\nacross = %" PRId64 "\ndown = %" PRId64 "\n", panels, across, down);
    return figure_finish(into, heatmap_gp, output, (int)across * WIDTH, (int)down * HEIGHT);
}

/* ---- curves --------------------------------------------------------------------------------------------------- */

/* What the curves written so far cover. */
typedef struct extent {
    int64_t curves;
    double left, right, low, high;
} extent;

static const extent nothing = {0, INFINITY, -INFINITY, INFINITY, -INFINITY};

static void put_point(FILE *file, extent *covered, double x, double y)
{
    fprintf(file, "%.17g %.17g\n", x, y);
    covered->left = smaller(covered->left, x);
    covered->right = larger(covered->right, x);
    covered->low = smaller(covered->low, y);
    covered->high = larger(covered->high, y);
}

/* Ranges with a margin; a log axis only where every value is positive. */
static void put_ranges(figure *into, extent covered, int xlog)
{
    if (!(covered.right >= covered.left)) covered = (extent){covered.curves, 1, 2, 1, 2}; /* no point at all */
    int ylog = covered.low > 0;
    double low = covered.low, high = covered.high;
    double margin = xlog ? 0 : 0.03 * (covered.right - covered.left);
    if (ylog) {
        double widen = sqrt(larger(1, LEAST_RATIO * low / high)) * pow(larger(high / low, LEAST_RATIO), 0.06);
        low /= widen;
        high *= widen;
    } else {
        double widen = larger(0.06 * (high - low), 1e-12);
        low -= widen;
        high += widen;
    }
    if (covered.right <= covered.left) covered.right = 2 * covered.left + 1;
    figure_number(into, "curves", (double)covered.curves);
    figure_number(into, "left", covered.left - margin);
    figure_number(into, "right", covered.right + margin);
    figure_number(into, "low", low);
    figure_number(into, "high", high);
    fprintf(into->script, "xlog = %d\nylog = %d\n", xlog, ylog);
}

static const char *const curve_arrays[] = {"name", NULL};

/* Values against rank, down to the resolution: what lies below carries no information. */
static void put_values(figure *into, extent *covered, const measured *row, int64_t top, const char *name)
{
    FILE *file = numbered_data(into, "curve", ++covered->curves);
    if (!file) return;
    const double *values = neck_spectrum_values(row->spectrum);
    double resolution = neck_spectrum_resolution(row->spectrum);
    int64_t ranks = neck_spectrum_count(row->spectrum);
    if (top > 0 && top < ranks) ranks = top;
    for (int64_t i = 0; i < ranks && values[i] > resolution; i++) put_point(file, covered, (double)i + 1, values[i]);
    figure_close_data(into, file);
    put_name(into, "name", covered->curves, name);
}

static int draw_values(figure *into, const measured_series *series, int64_t count, int64_t top, const char *output)
{
    extent covered = nothing;
    int64_t total = 0;
    for (int64_t i = 0; i < count; i++) total += series[i].count;
    put_arrays(into, curve_arrays, total);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < series[i].count; j++) {
            const measured *row = &series[i].rows[j];
            put_values(into, &covered, row, top, series[i].count > 1 ? text_base_name(row->path) : series[i].name);
        }
    put_ranges(into, covered, 1);
    figure_text(into, "xname", "singular rank");
    figure_text(into, "yname", "singular value");
    fputs("marks = 0\n", into->script);
    return figure_finish(into, curves_gp, output, WIDTH, HEIGHT);
}

static double entropy_of(const measured *row)
{
    int64_t metric;
    return neck_metric_find("singular_entropy", &metric) == NECK_OK ? row->metrics[metric].value : NAN;
}

static void put_entropies(figure *into, extent *covered, const measured_series *series, int64_t steps, double unit)
{
    FILE *file = numbered_data(into, "curve", ++covered->curves);
    if (!file) return;
    for (int64_t i = 0; i < steps; i++) {
        double entropy = entropy_of(&series->rows[i]);
        if (isfinite(entropy)) put_point(file, covered, (double)series->rows[i].step / unit, entropy);
    }
    figure_close_data(into, file);
    put_name(into, "name", covered->curves, series->name);
}

static int draw_entropy(figure *into, const measured_series *series, int64_t count, const char *output)
{
    extent covered = nothing;
    double unit = step_unit(series, count, into);
    int64_t most = 0;
    put_arrays(into, curve_arrays, count);
    for (int64_t i = 0; i < count; i++) {
        int64_t steps = steps_of(&series[i]);
        if (steps) put_entropies(into, &covered, &series[i], steps, unit);
        if (steps > most) most = steps;
    }
    put_ranges(into, covered, 0);
    figure_text(into, "yname", "singular entropy (nats)");
    fprintf(into->script, "marks = %d\n", most <= MOST_MARKS);
    return figure_finish(into, curves_gp, output, WIDTH, HEIGHT);
}

/* ---- the doors ------------------------------------------------------------------------------------------------ */

int figures_spectrum(const measured_series *series, int64_t count, int64_t top, const char *output, char error[512])
{
    figure made;
    int drawn = figure_begin(&made);
    if (drawn && figures_have_steps(series, count)) drawn = draw_heatmaps(&made, series, count, top, output);
    else if (drawn) drawn = draw_values(&made, series, count, top, output);
    memcpy(error, made.error, sizeof made.error);
    return drawn;
}

int figures_entropy(const measured_series *series, int64_t count, const char *output, char error[512])
{
    figure made;
    int drawn = figure_begin(&made) && draw_entropy(&made, series, count, output);
    memcpy(error, made.error, sizeof made.error);
    return drawn;
}
