/* support_layer_figures.c - the data behind depth.gp and loss.gp. */
#include "support_layer_figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "depth_gp.h"
#include "loss_gp.h"
#include "support_gnuplot.h"
#include "support_text.h"

/* Points. */
#define WIDTH 760
#define HEIGHT 480

/* Steps are written in thousands from here on. */
#define THOUSANDS_FROM 10000

/* Models that tell a training step come first: the series is sorted that way. */
static int64_t steps_of(const evaluated_series *series)
{
    int64_t count = 0;
    while (count < series->count && series->models[count].step >= 0) count++;
    return count >= 2 && series->models[count - 1].step > series->models[0].step ? count : 0;
}

int layer_figures_have_steps(const evaluated_series *series, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (steps_of(&series[i]) > 0) return 1;
    return 0;
}

static void put_name(figure *into, int64_t index, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "name[%" PRId64 "]", index);
    figure_text(into, name, text);
}

static FILE *curve_data(figure *into, int64_t index)
{
    char name[64];
    snprintf(name, sizeof name, "curve-%" PRId64, index);
    return figure_data(into, name);
}

/* A range widened so that no dot sits on its border. */
static void put_range(figure *into, const char *low_name, const char *high_name, double low, double high)
{
    double margin = high > low ? 0.05 * (high - low) : 0.05 + 0.05 * fabs(low);
    if (!(high >= low)) low = 0, high = 1; /* no point at all */
    figure_number(into, low_name, low - margin);
    figure_number(into, high_name, high + margin);
}

/* ---- depth ------------------------------------------------------------------------------------------------------ */

static void put_depths(figure *into, int64_t index, const evaluated *model, double *low, double *high)
{
    FILE *file = curve_data(into, index);
    if (!file) return;
    for (int64_t i = 0; i < model->layer_count; i++) {
        double anisotropy = model->layers[i].measures[LAYER_ANISOTROPY].value;
        if (!isfinite(anisotropy)) continue;
        *low = fmin(*low, anisotropy);
        *high = fmax(*high, anisotropy);
        fprintf(file, "%.17g %.17g %" PRId64 "\n", model->layers[i].depth, anisotropy, model->step);
    }
    figure_close_data(into, file);
}

static int draw_depth(figure *into, const evaluated_series *series, int64_t count, const char *output)
{
    double low = 0, high = 1; /* the whole scale, and what lies below it */
    int64_t curves = 0, total = 0, steps = count == 1 ? steps_of(series) : 0;
    for (int64_t i = 0; i < count; i++) total += series[i].count;
    fprintf(into->script, "array name[%" PRId64 "]\n", total);
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < series[i].count; j++) {
            const evaluated *model = &series[i].models[j];
            put_depths(into, ++curves, model, &low, &high);
            put_name(into, curves, series[i].count > 1 ? text_base_name(model->path) : series[i].name);
        }
    put_range(into, "low", "high", low, high);
    fprintf(into->script, "curves = %" PRId64 "\nstepped = %d\n", curves, steps == series[0].count);
    if (steps) {
        figure_number(into, "first", (double)series[0].models[0].step);
        figure_number(into, "last", (double)series[0].models[steps - 1].step);
    }
    return figure_finish(into, depth_gp, output, WIDTH, HEIGHT);
}

/* ---- loss ------------------------------------------------------------------------------------------------------- */

/* What the points written so far cover. */
typedef struct extent {
    double left, right, low, high;
} extent;

static void put_losses(figure *into, int64_t index, const evaluated_series *series, double unit, extent *covered)
{
    FILE *file = curve_data(into, index);
    if (!file) return;
    for (int64_t i = 0; i < steps_of(series); i++) {
        const evaluated *model = &series->models[i];
        double step = (double)model->step / unit, loss = model->loss.loss;
        if (!isfinite(loss)) continue;
        covered->left = fmin(covered->left, step);
        covered->right = fmax(covered->right, step);
        covered->low = fmin(covered->low, loss);
        covered->high = fmax(covered->high, loss);
        fprintf(file, "%.17g %.17g %.17g\n", step, loss,
                model->layers[model->layer_count - 1].measures[LAYER_ANISOTROPY].value);
    }
    figure_close_data(into, file);
    put_name(into, index, series->name);
}

static int draw_loss(figure *into, const evaluated_series *series, int64_t count, const char *output)
{
    extent covered = {INFINITY, -INFINITY, INFINITY, -INFINITY};
    int64_t curves = 0, last = 0;
    for (int64_t i = 0; i < count; i++) {
        int64_t steps = steps_of(&series[i]);
        if (steps && series[i].models[steps - 1].step > last) last = series[i].models[steps - 1].step;
    }
    double unit = last >= THOUSANDS_FROM ? 1000 : 1;
    figure_text(into, "xname", last >= THOUSANDS_FROM ? "training step (thousands)" : "training step");
    fprintf(into->script, "array name[%" PRId64 "]\n", count);
    for (int64_t i = 0; i < count; i++)
        if (steps_of(&series[i])) put_losses(into, ++curves, &series[i], unit, &covered);
    fprintf(into->script, "curves = %" PRId64 "\n", curves);
    put_range(into, "left", "right", covered.left, covered.right);
    put_range(into, "low", "high", covered.low, covered.high);
    return figure_finish(into, loss_gp, output, WIDTH, HEIGHT);
}

/* ---- the doors -------------------------------------------------------------------------------------------------- */

int layer_figures_depth(const evaluated_series *series, int64_t count, const char *output, char error[512])
{
    figure made;
    int drawn = figure_begin(&made) && draw_depth(&made, series, count, output);
    memcpy(error, made.error, sizeof made.error);
    return drawn;
}

int layer_figures_loss(const evaluated_series *series, int64_t count, const char *output, char error[512])
{
    figure made;
    int drawn = figure_begin(&made) && draw_loss(&made, series, count, output);
    memcpy(error, made.error, sizeof made.error);
    return drawn;
}
