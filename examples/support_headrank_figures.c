/* support_headrank_figures.c - the data behind headrank_*.gp. */
#include "support_headrank_figures.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "headrank_error_gp.h"
#include "headrank_gap_gp.h"
#include "headrank_loss_gp.h"
#include "headrank_rate_gp.h"
#include "support_gnuplot.h"
#include "support_text.h"

/* Points. */
#define WIDTH 760
#define WIDE 1080
#define HEIGHT 480

static double or_zero(double value)
{
    return isfinite(value) ? value : 0;
}

static FILE *curve_data(figure *into, int64_t index)
{
    char name[64];
    snprintf(name, sizeof name, "curve-%" PRId64, index);
    return figure_data(into, name);
}

static void put_name(figure *into, int64_t index, const char *text)
{
    char name[64];
    snprintf(name, sizeof name, "name[%" PRId64 "]", index);
    figure_text(into, name, text);
}

/* Ranks of finished groups, and room on a logarithmic axis beside them. */
static void put_ranks(figure *into, const headrank_group *groups, int64_t count)
{
    double low = INFINITY, high = 0;
    for (int64_t i = 0; i < count; i++) {
        if (groups[i].seeds == 0) continue;
        low = fmin(low, (double)groups[i].rank);
        high = fmax(high, (double)groups[i].rank);
    }
    if (!(low <= high)) low = high = 1;
    figure_number(into, "left", low / 1.2);
    figure_number(into, "right", high * 1.2);
}

static int deliver(figure *made, int begun, const char *script, const char *output, int width, char error[512])
{
    int drawn = begun && figure_finish(made, script, output, width, HEIGHT);
    memcpy(error, made->error, sizeof made->error);
    return drawn;
}

/* The groups of one kind follow each other: those from *first on, up to the next kind. */
static int64_t next_kind(const headrank_group *groups, int64_t count, int64_t first)
{
    int64_t end = first;
    while (end < count && groups[end].kind == groups[first].kind) end++;
    return end;
}

/* ---- loss and accuracy, learning rates --------------------------------------------------------------------------- */

/* A file a kind: rank, loss, its error, accuracy in percent, its error, learning rate. Kinds with no rank to choose are
 * levels: one line of text here, a line across the figure there. */
static void put_curves(figure *into, const headrank_group *groups, int64_t count)
{
    int64_t curves = 0;
    fprintf(into->script, "array name[%" PRId64 "]\narray level[%" PRId64 "]\n", count, count);
    for (int64_t first = 0, end; first < count; first = end) {
        end = next_kind(groups, count, first);
        FILE *file = curve_data(into, ++curves);
        if (!file) return;
        for (int64_t i = first; i < end; i++) {
            const headrank_group *group = &groups[i];
            if (group->seeds > 0)
                fprintf(file, "%" PRId64 " %.17g %.17g %.17g %.17g %.17g\n", group->rank, group->loss,
                        or_zero(group->loss_error), 100 * group->accuracy, 100 * or_zero(group->accuracy_error),
                        group->learning_rate);
        }
        figure_close_data(into, file);
        put_name(into, curves, neck_head_kind_name(groups[first].kind));
        fprintf(into->script, "level[%" PRId64 "] = %d\n", curves, !headrank_has_rank(groups[first].kind));
    }
    fprintf(into->script, "curves = %" PRId64 "\n", curves);
    put_ranks(into, groups, count);
}

int headrank_figures_loss(const headrank_group *groups, int64_t count, const headrank_reference *reference,
                          const char *output, char error[512])
{
    figure made;
    int begun = figure_begin(&made);
    if (begun) {
        put_curves(&made, groups, count);
        fprintf(made.script, "has_model = %d\n", !isnan(reference->loss));
        figure_number(&made, "model_loss", or_zero(reference->loss));
        figure_number(&made, "model_accuracy", 100 * or_zero(reference->accuracy));
    }
    return deliver(&made, begun, headrank_loss_gp, output, WIDE, error);
}

int headrank_figures_rates(const headrank_group *groups, int64_t count, const headrank_plan *plan, const char *output,
                           char error[512])
{
    figure made;
    int begun = figure_begin(&made);
    if (begun) {
        double low = INFINITY, high = 0;
        put_curves(&made, groups, count);
        fputs("set ytics (", made.script);
        for (int64_t i = 0; i < plan->rate_count; i++) {
            fprintf(made.script, "%s'%g' %.17g", i ? ", " : "", plan->rates[i], plan->rates[i]);
            low = fmin(low, plan->rates[i]);
            high = fmax(high, plan->rates[i]);
        }
        fputs(")\n", made.script);
        figure_number(&made, "low", low / 1.4);
        figure_number(&made, "high", high * 1.4);
    }
    return deliver(&made, begun, headrank_rate_gp, output, WIDTH, error);
}

/* ---- loss against W-error ---------------------------------------------------------------------------------------- */

/* What losses are compared with: the dense head, else the factored one of the highest rank. */
static const headrank_group *full_group(const headrank_group *groups, int64_t count)
{
    const headrank_group *full = NULL;
    for (int64_t i = 0; i < count; i++) {
        const headrank_group *group = &groups[i];
        if (group->seeds == 0) continue;
        if (group->kind == NECK_HEAD_DENSE) return group;
        if (group->kind == NECK_HEAD_FACTORED && (!full || group->rank > full->rank)) full = group;
    }
    return full;
}

int headrank_figures_has_errors(const headrank_group *groups, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (groups[i].kind == NECK_HEAD_FACTORED && groups[i].seeds > 0 && !isnan(groups[i].w_error)) return 1;
    return 0;
}

int headrank_figures_errors(const headrank_group *groups, int64_t count, const char *output, char error[512])
{
    figure made;
    const headrank_group *full = full_group(groups, count);
    int begun = figure_begin(&made);
    FILE *file = begun ? curve_data(&made, 1) : NULL;
    for (int64_t i = 0; file && i < count; i++) {
        const headrank_group *group = &groups[i];
        if (group->kind != NECK_HEAD_FACTORED || group->seeds == 0) continue;
        fprintf(file, "%.17g %.17g %.17g %" PRId64 "\n", group->w_error, group->loss - full->loss,
                or_zero(group->loss_error), group->rank);
    }
    if (file) figure_close_data(&made, file);
    if (begun) {
        char name[80];
        snprintf(name, sizeof name, full->kind == NECK_HEAD_DENSE ? "the dense head" : "rank %" PRId64, full->rank);
        figure_text(&made, "full", name);
    }
    return deliver(&made, begun, headrank_error_gp, output, WIDTH, error);
}

/* ---- truncations ------------------------------------------------------------------------------------------------- */

/* Rank, gap, bound. What is not positive has no place on a logarithmic axis. */
static void put_gaps(figure *into, const headrank_truncated *rows, int64_t count, int32_t kind, double lowest)
{
    FILE *file = curve_data(into, kind == NECK_TRUNCATE_WEIGHTED ? 2 : 1);
    if (!file) return;
    for (int64_t i = 0; i < count; i++) {
        const neck_loss_gap *gap = &rows[i].gap;
        double bound = gap->first_order + gap->range_bound;
        if (rows[i].kind != kind) continue;
        fprintf(file, "%" PRId64 " %.17g %.17g\n", rows[i].rank, gap->gap > lowest ? gap->gap : NAN,
                bound > lowest ? bound : NAN);
    }
    figure_close_data(into, file);
}

int headrank_figures_gaps(const headrank_truncated *rows, int64_t count, const char *output, char error[512])
{
    figure made;
    int begun = figure_begin(&made);
    if (begun) {
        put_gaps(&made, rows, count, NECK_TRUNCATE_PLAIN, 1e-6);
        put_gaps(&made, rows, count, NECK_TRUNCATE_WEIGHTED, 1e-6);
        double low = INFINITY, high = 1;
        for (int64_t i = 0; i < count; i++) {
            low = fmin(low, (double)rows[i].rank);
            high = fmax(high, (double)rows[i].rank);
        }
        figure_number(&made, "left", low / 1.2);
        figure_number(&made, "right", high * 1.2);
    }
    return deliver(&made, begun, headrank_gap_gp, output, WIDTH, error);
}
