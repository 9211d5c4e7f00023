/* support_page_figures.c - Fig. 1a, 3, 4 and 5 for one run, and what its head would lose by being narrower. */
#include "support_page_figures.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support_svg.h"
#include "support_text.h"

enum { MOST_COLUMNS = 60, MOST_RANKS = 50, MOST_LINES = 6, AXIS_NAME = 18 };

static const char *const colours[MOST_LINES] = {"var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)",
                                                "var(--c6)"};

static void caption(FILE *out, const char *bold, const char *text)
{
    fputs("<figcaption><b>", out);
    svg_escape(out, bold);
    fputs("</b> ", out);
    svg_escape(out, text);
    fputs("</figcaption>\n</figure>\n", out);
}

/* ---- Fig. 1a ---------------------------------------------------------------------------------------------------- */

/* Of a name too long for an axis, its end, which tells curves apart. */
static const char *end_of(const char *name)
{
    size_t length = strlen(name);
    if (length <= AXIS_NAME) return name;
    name += length - AXIS_NAME;
    while ((*name & 0xc0) == 0x80) name++; /* not from within a letter of UTF-8 */
    return name;
}

static void draw_loss(FILE *out, const verdict *judged)
{
    drawn_curve drawn = curve_draw(&judged->judged);
    const neck_saturation *found = &judged->found;
    int few = drawn.count <= 80;
    char name[128], text[256];
    svg_line lines[] = {
        {.x = drawn.x, .y = drawn.y, .count = drawn.count, .colour = few ? "var(--c1)" : "var(--faint)", .width = few ? 2 : 1, .dots = few},
        {.x = drawn.x, .y = drawn.smooth, .count = drawn.count, .colour = "var(--c1)", .width = 2.2},
    };
    const char *end = end_of(judged->judged.name);
    snprintf(name, sizeof name, "%s%.80s%s", end == judged->judged.name ? "" : "... ", end,
             judged->kind == VERDICT_SCORE ? "" : ", nats");
    int turned = found->onset_step >= 0;
    svg_plot plot = {.title = "The judged curve over training steps", .x_name = "training step", .y_name = name,
                     .lines = lines, .line_count = few ? 1 : 2, .low = drawn.low, .high = drawn.high,
                     .mark = turned ? (double)found->onset_step : NAN, .mark_low = (double)found->onset_low,
                     .mark_high = (double)found->onset_high, .rule = found->minimum_level};
    if (isfinite(plot.rule)) {
        plot.low = fmin(plot.low, plot.rule - 0.02 * (plot.high - plot.low));
        plot.high = fmax(plot.high, plot.rule + 0.02 * (plot.high - plot.low));
    }
    fputs("<figure class=\"wide\">\n", out);
    svg_write_plot(out, &plot);
    snprintf(text, sizeof text, "over training, its best level dashed.%s%s",
             few ? "" : " Pale: each point; dark: smoothed.",
             turned ? " The line is where it turned, the band the 95 % interval of that." : "");
    caption(out, "As Fig. 1a: the judged curve", text);
    drawn_curve_free(&drawn);
}

/* ---- Fig. 3 and 5: curves that end in a name -------------------------------------------------------------------- */

static int ends_in(const char *name, const char *ending)
{
    size_t length = strlen(name), tail = strlen(ending);
    return length >= tail && strcmp(name + length - tail, ending) == 0;
}

static void draw_signs(FILE *out, const run *from, const verdict *judged, const char *ending, int logged,
                       const char *title, const char *bold, const char *text)
{
    drawn_curve drawn[MOST_LINES];
    svg_line lines[MOST_LINES];
    int64_t count = 0;
    for (int64_t i = 0; i < from->curves.count && count < MOST_LINES; i++) {
        const curve *of = &from->curves.list[i];
        if (!ends_in(of->name, ending)) continue;
        drawn[count] = curve_draw(of);
        lines[count] = (svg_line){.name = of->name, .x = drawn[count].x, .y = drawn[count].y,
                                  .count = drawn[count].count, .colour = colours[count], .width = 2,
                                  .dots = drawn[count].count <= 40};
        count++;
    }
    if (count > 0) {
        const neck_saturation *found = &judged->found;
        svg_plot plot = {.title = title, .x_name = "training step", .y_name = ending, .lines = lines,
                         .line_count = count, .log_y = logged,
                         .mark = found->onset_step >= 0 ? (double)found->onset_step : NAN,
                         .mark_low = (double)found->onset_low, .mark_high = (double)found->onset_high, .rule = NAN};
        fputs("<figure>\n", out);
        svg_write_plot(out, &plot);
        caption(out, bold, text);
    }
    for (int64_t i = 0; i < count; i++) drawn_curve_free(&drawn[i]);
}

/* ---- Fig. 4 ----------------------------------------------------------------------------------------------------- */

static void draw_heat(FILE *out, const run *from)
{
    int64_t columns = from->head_count < MOST_COLUMNS ? from->head_count : MOST_COLUMNS;
    int64_t ranks = from->head_count ? from->heads[0].ranks : 0, rows = ranks < MOST_RANKS ? ranks : MOST_RANKS;
    if (columns < 2 || rows < 2) return;
    double *value = text_alloc((size_t)(columns * rows) * sizeof *value), *x = text_alloc((size_t)columns * sizeof *x);
    for (int64_t i = 0; i < columns; i++) {
        const run_head *head = &from->heads[i * (from->head_count - 1) / (columns - 1)];
        x[i] = (double)head->step;
        for (int64_t k = 0; k < rows; k++) value[i * rows + k] = head->ratios[k * (ranks - 1) / (rows - 1)];
    }
    char name[64];
    snprintf(name, sizeof name, "rank, 1 to %lld", (long long)ranks);
    fputs("<figure>\n", out);
    svg_write_heat(out, "Singular values of the head over training", "training step", name, columns, x, rows, value);
    caption(out, "As Fig. 4: the head's singular values",
            "over the largest one, by rank and checkpoint. A head that collapses turns dark from some step on.");
    free(value);
    free(x);
}

/* ---- the head's width ------------------------------------------------------------------------------------------- */

static int64_t rank_for(const run_head *head, double w_error)
{
    int64_t rank = 0;
    while (rank < head->cols && head->w_error[rank] > w_error) rank++;
    return rank;
}

static const run_head *head_near(const run *from, int64_t step)
{
    const run_head *best = &from->heads[0];
    for (int64_t i = 1; i < from->head_count; i++)
        if (llabs(from->heads[i].step - step) < llabs(best->step - step)) best = &from->heads[i];
    return best;
}

static void draw_width(FILE *out, const run *from, const verdict *judged)
{
    if (from->head_count == 0) return;
    const run_head *last = &from->heads[from->head_count - 1];
    const run_head *heads[3] = {&from->heads[0], head_near(from, judged->found.minimum_step), last};
    static const char *const roles[3] = {"first", "best", "last"};
    svg_line lines[3];
    char names[3][64], text[400];
    double *x = text_alloc((size_t)(last->cols + 1) * sizeof *x);
    int64_t count = 0;
    for (int64_t i = 0; i <= last->cols; i++) x[i] = (double)i;
    for (int i = 0; i < 3; i++) {
        if ((i > 0 && heads[i] == heads[i - 1]) || (i == 1 && (judged->found.minimum_step < 0 || heads[1] == last)))
            continue;
        snprintf(names[count], sizeof names[count], "%s (step %lld)", roles[i], (long long)heads[i]->step);
        lines[count] = (svg_line){.name = names[count], .x = x, .y = heads[i]->w_error, .count = last->cols + 1,
                                  .colour = colours[i], .width = 2};
        count++;
    }
    svg_plot plot = {.title = "W-error of the head against rank", .x_name = "rank kept", .y_name = "W-error",
                     .lines = lines, .line_count = count, .low = 0, .high = 1, .mark = NAN, .rule = 0.6};
    fputs("<figure>\n", out);
    svg_write_plot(out, &plot);
    snprintf(text, sizeof text,
             "what share of its norm a head of that rank would miss. Of the last head, %lld of %lld dimensions bring it down to 0.6 "
             "(dashed), above which Pythia-1b's rank-limited heads began to lose; %lld to 0.1. The norm is not the loss: a small "
             "tail may matter, a large one may not.",
             (long long)rank_for(last, 0.6), (long long)last->cols, (long long)rank_for(last, 0.1));
    caption(out, "Head width against W-error:", text);
    free(x);
}

void page_figures_write(FILE *out, const run *from, const verdict *judged)
{
    if (judged->found.points == 0 && from->head_count == 0) return;
    fputs("<h2>Figures</h2>\n<div class=\"figures\">\n", out);
    if (judged->found.points > 0) draw_loss(out, judged);
    draw_signs(out, from, judged, "anisotropy", 0, "Anisotropy of the states over training", "As Fig. 3: anisotropy",
               "mean cosine between states, near 1 when all point one way. In the paper it jumps where small models saturate.");
    draw_signs(out, from, judged, "singular_entropy", 1, "Singular entropy of the head over training", "As Fig. 5: singular entropy",
               "of the head's spectrum, 0 when it is flat. In the paper it falls, then shoots up where small models saturate.");
    draw_heat(out, from);
    draw_width(out, from, judged);
    fputs("</div>\n", out);
}
