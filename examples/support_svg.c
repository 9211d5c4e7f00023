/* support_svg.c - axes with round numbers, paths, keys. */
#include "support_svg.h"

#include <math.h>
#include <stdlib.h>

#include "support_text.h"

/* The drawing's own units; the page scales it to its width. */
enum { WIDTH = 640, HEIGHT = 330, LEFT = 66, RIGHT = 26, TOP = 14, BOTTOM = 46 };

typedef struct axis {
    double low, high; /* of the data, or of their logarithms */
    double from, to;  /* on the paper */
    int logged;
} axis;

void svg_escape(FILE *out, const char *text)
{
    char *valid = text_utf8(text);
    for (const char *at = valid; *at; at++) {
        switch (*at) {
        case '&': fputs("&amp;", out); break;
        case '<': fputs("&lt;", out); break;
        case '>': fputs("&gt;", out); break;
        case '"': fputs("&quot;", out); break;
        case '\'': fputs("&#39;", out); break;
        default:
            /* Control characters are no text to HTML. */
            if ((unsigned char)*at >= 32 || *at == '\n' || *at == '\t') fputc(*at, out);
            else fputs("\xef\xbf\xbd", out);
        }
    }
    free(valid);
}

/* ---- axes ------------------------------------------------------------------------------------------------------- */

static double on_scale(const axis *self, double value)
{
    return self->logged ? (value > 0 ? log10(value) : NAN) : value;
}

static double place(const axis *self, double value)
{
    return self->from + (on_scale(self, value) - self->low) / (self->high - self->low) * (self->to - self->from);
}

static void stretch(axis *self, double value)
{
    double at = on_scale(self, value);
    if (!isfinite(at)) return;
    self->low = fmin(self->low, at);
    self->high = fmax(self->high, at);
}

/* A range of no width gets one. */
static void settle(axis *self)
{
    if (!(self->low <= self->high)) self->low = 0, self->high = 1;
    double least = fmax(1e-9, 1e-9 * fabs(self->high));
    if (self->high - self->low < least) self->low -= 0.5, self->high += 0.5;
}

/* 1, 2 or 5 times a power of ten, for about `wanted` steps. */
static double round_step(double range, int wanted)
{
    double raw = range / wanted, power = pow(10, floor(log10(raw)));
    double part = raw / power;
    return power * (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10);
}

/* 25000 as 25k, 2e6 as 2M: axes of steps stay narrow. Returns its length. */
static int number_text(char text[32], double value)
{
    double size = fabs(value);
    if (size >= 1e6 && size < 1e9) return snprintf(text, 32, "%gM", value / 1e6);
    if (size >= 1e4) return snprintf(text, 32, "%gk", value / 1e3);
    return snprintf(text, 32, "%g", size < 1e-12 ? 0 : value);
}

/* Numbers to stand at an axis. */
typedef struct tick_list {
    double at[64];
    int count;
} tick_list;

static void add_tick(tick_list *list, double value)
{
    if (list->count < (int)(sizeof list->at / sizeof *list->at)) list->at[list->count++] = value;
}

static void add_log_ticks(const axis *self, tick_list *list)
{
    int few = self->high - self->low < 2.5;
    for (double decade = floor(self->low); decade <= self->high; decade++) {
        static const double parts[] = {1, 2, 5};
        for (int i = 0; i < (few ? 3 : 1); i++) {
            double value = parts[i] * pow(10, decade);
            if (log10(value) >= self->low - 1e-9 && log10(value) <= self->high + 1e-9) add_tick(list, value);
        }
    }
}

static tick_list ticks_of(const axis *self, int wanted)
{
    tick_list list = {.count = 0};
    if (self->logged && self->high - self->low > 0.3) {
        add_log_ticks(self, &list);
        return list;
    }
    double low = self->logged ? pow(10, self->low) : self->low, high = self->logged ? pow(10, self->high) : self->high;
    double step = round_step(high - low, wanted);
    for (double value = ceil(low / step - 1e-9) * step; value <= high + 1e-9 * step; value += step)
        add_tick(&list, value);
    return list;
}

static void draw_ticks(FILE *out, const axis *self, int upright, const tick_list *list)
{
    char number[32];
    for (int i = 0; i < list->count; i++) {
        double at = place(self, list->at[i]);
        if (upright)
            fprintf(out, "<line class=\"g\" x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\"/>"
                         "<text x=\"%d\" y=\"%.1f\" class=\"e\">", LEFT, WIDTH - RIGHT, at, at, LEFT - 7, at + 4);
        else
            fprintf(out, "<line class=\"t\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\"/>"
                         "<text x=\"%.1f\" y=\"%d\" class=\"m\">", at, at, HEIGHT - BOTTOM,
                    HEIGHT - BOTTOM + 4, at, HEIGHT - BOTTOM + 18);
        number_text(number, list->at[i]);
        fprintf(out, "%s</text>", number);
    }
}

/* What the numbers beside an upright axis need more than LEFT, with the axis' name next to them, where letters are
 * largest: on a phone, 19 units, of which a digit takes 0.56. */
static int more_room(const tick_list *upright)
{
    char number[32];
    int longest = 0;
    for (int i = 0; i < upright->count; i++) {
        int length = number_text(number, upright->at[i]);
        if (length > longest) longest = length;
    }
    int needed = 7 + (int)(0.56 * 19 * longest) + 26;
    return needed > LEFT ? needed - LEFT : 0;
}

/* more: units that are added at the left. */
static void open_figure(FILE *out, const char *title, int more)
{
    fprintf(out, "<svg viewBox=\"%d 0 %d %d\" role=\"img\"><title>", -more, WIDTH + more, HEIGHT);
    svg_escape(out, title);
    fputs("</title>", out);
}

static void name_axes(FILE *out, const char *x_name, const char *y_name, int more)
{
    int middle = (TOP + HEIGHT - BOTTOM) / 2, left = 14 - more;
    fprintf(out, "<text x=\"%d\" y=\"%d\" class=\"m\">", (LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8);
    svg_escape(out, x_name);
    fprintf(out, "</text><text x=\"%d\" y=\"%d\" transform=\"rotate(-90 %d %d)\" class=\"m\">", left, middle,
            left, middle);
    svg_escape(out, y_name);
    fputs("</text>", out);
}

/* ---- lines ------------------------------------------------------------------------------------------------------ */

/* What leaves the range is cut off at its edge, so that a spike shows as one. */
static double inside(const axis *self, double at)
{
    double least = fmin(self->from, self->to), most = fmax(self->from, self->to);
    return fmin(fmax(at, least), most);
}

/* More points than pixels say nothing and weigh much. */
static int64_t stride_of(const svg_line *line)
{
    return 1 + line->count / 2000;
}

static void draw_line(FILE *out, const svg_line *line, const axis *x, const axis *y)
{
    int down = 0;
    int64_t stride = stride_of(line);
    fprintf(out, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%g\" stroke-linejoin=\"round\"%s d=\"", line->colour,
            line->width, line->dashed ? " stroke-dasharray=\"5 4\"" : "");
    for (int64_t i = 0; i < line->count; i += stride) {
        double across = place(x, line->x[i]), up = place(y, line->y[i]);
        if (isfinite(across) && isfinite(up))
            fprintf(out, "%c%.1f %.1f", down ? 'L' : 'M', inside(x, across), inside(y, up));
        down = isfinite(across) && isfinite(up);
    }
    fputs("\"/>", out);
    for (int64_t i = 0; line->dots && i < line->count; i++) {
        double across = place(x, line->x[i]), up = place(y, line->y[i]);
        if (isfinite(across) && isfinite(up))
            fprintf(out, "<circle cx=\"%.1f\" cy=\"%.1f\" r=\"3\" fill=\"%s\"/>", inside(x, across), inside(y, up),
                    line->colour);
    }
}

static void draw_marks(FILE *out, const svg_plot *plot, const axis *x, const axis *y)
{
    if (isfinite(plot->mark)) {
        double from = inside(x, place(x, plot->mark_low)), to = inside(x, place(x, plot->mark_high)),
            at = place(x, plot->mark);
        fprintf(out, "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" fill=\"var(--band)\"/>", from, TOP,
                fmax(to - from, 1), HEIGHT - BOTTOM - TOP);
        fprintf(out, "<line x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" y2=\"%d\" stroke=\"var(--mark)\" stroke-width=\"1.5\"/>",
                at, at, TOP, HEIGHT - BOTTOM);
    }
    if (isfinite(place(y, plot->rule))) {
        double at = inside(y, place(y, plot->rule));
        fprintf(out, "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"var(--c3)\" stroke-dasharray=\"5 4\"/>", LEFT,
                WIDTH - RIGHT, at, at);
    }
}

/* HTML below the drawing, which wraps where SVG text would run over. */
static void write_key(FILE *out, const svg_plot *plot)
{
    fputs("<div class=\"key\">", out);
    for (int64_t i = 0; i < plot->line_count; i++) {
        if (!plot->lines[i].name) continue;
        fprintf(out, "<span><i style=\"background:%s\"></i>", plot->lines[i].colour);
        svg_escape(out, plot->lines[i].name);
        fputs("</span> ", out);
    }
    fputs("</div>\n", out);
}

void svg_write_plot(FILE *out, const svg_plot *plot)
{
    axis x = {INFINITY, -INFINITY, LEFT, WIDTH - RIGHT, plot->log_x};
    axis y = {INFINITY, -INFINITY, HEIGHT - BOTTOM, TOP, plot->log_y};
    for (int64_t i = 0; i < plot->line_count; i++) {
        for (int64_t k = 0; k < plot->lines[i].count; k++) {
            if (!isfinite(on_scale(&y, plot->lines[i].y[k]))) continue;
            stretch(&x, plot->lines[i].x[k]);
            if (plot->low == plot->high) stretch(&y, plot->lines[i].y[k]);
        }
    }
    if (plot->low != plot->high) {
        y.low = y.high = on_scale(&y, plot->low);
        stretch(&y, plot->high);
    }
    settle(&x);
    settle(&y);
    tick_list upright = ticks_of(&y, 5), across = ticks_of(&x, 6);
    int more = more_room(&upright);
    open_figure(out, plot->title, more);
    draw_ticks(out, &y, 1, &upright);
    draw_ticks(out, &x, 0, &across);
    draw_marks(out, plot, &x, &y);
    for (int64_t i = 0; i < plot->line_count; i++) draw_line(out, &plot->lines[i], &x, &y);
    fprintf(out, "<path fill=\"none\" stroke=\"var(--ink)\" d=\"M%d %dV%dH%d\"/>", LEFT, TOP, HEIGHT - BOTTOM, WIDTH - RIGHT);
    name_axes(out, plot->x_name, plot->y_name, more);
    fputs("</svg>\n", out);
    write_key(out, plot);
}
