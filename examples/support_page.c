/* support_page.c - the page: verdict first, then figures, then what it rests on. */
#include "support_page.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_page_figures.h"
#include "support_page_style.h"
#include "support_svg.h"
#include "support_text.h"

static void element(FILE *out, const char *tag, const char *text)
{
    fprintf(out, "<%s>", tag);
    svg_escape(out, text);
    fprintf(out, "</%s>\n", tag);
}

static void list(FILE *out, const char *heading, int count, verdict_sentence *sentences)
{
    if (count == 0) return;
    if (heading) element(out, "h2", heading);
    fputs("<ul>\n", out);
    for (int i = 0; i < count; i++) element(out, "li", sentences[i]);
    fputs("</ul>\n", out);
}

/* Nothing in the page may be fetched: a browser that is told so refuses whatever slipped through. */
static void write_head(FILE *out, const run *from, const char *headline)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>", out);
    svg_escape(out, headline);
    fputs(": ", out);
    svg_escape(out, text_base_name(from->path));
    fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n", page_style);
}

static void write_verdict(FILE *out, const run *from, const verdict *judged, const char *headline)
{
    verdict_sentence sentences[VERDICT_MOST_SENTENCES];
    fprintf(out, "<section class=\"verdict\" style=\"background:var(--%s)\">\n",
            neck_verdict_name(judged->found.verdict));
    element(out, "h1", headline);
    fputs("<p>", out);
    svg_escape(out, from->path);
    fputs("</p>\n</section>\n", out);
    list(out, NULL, verdict_findings(judged, from, sentences), sentences);
}

/* ---- the numbers ------------------------------------------------------------------------------------------------ */

static void row(FILE *out, const char *name, const char *value)
{
    fputs("<tr><th scope=\"row\">", out);
    svg_escape(out, name);
    fputs("</th><td>", out);
    svg_escape(out, value);
    fputs("</td></tr>\n", out);
}

static void number_row(FILE *out, const char *name, double value, double low, double high)
{
    char text[128];
    if (isnan(value)) return;
    if (isnan(low)) snprintf(text, sizeof text, "%.4g", value);
    else snprintf(text, sizeof text, "%.4g (%.4g to %.4g)", value, low, high);
    row(out, name, text);
}

static void step_row(FILE *out, const char *name, int64_t step, int64_t low, int64_t high)
{
    char text[128], numbers[3][32];
    if (step < 0) return;
    verdict_step(numbers[0], step);
    if (low < 0) snprintf(text, sizeof text, "%s", numbers[0]);
    else snprintf(text, sizeof text, "%s (%s to %s)", numbers[0], verdict_step(numbers[1], low),
                  verdict_step(numbers[2], high));
    row(out, name, text);
}

static void write_numbers(FILE *out, const verdict *judged)
{
    const neck_saturation *found = &judged->found;
    fputs("<h2>The numbers</h2>\n<div class=\"scroll\"><table>\n", out);
    row(out, "verdict", neck_verdict_name(found->verdict));
    row(out, "judged", judged->judged.name);
    row(out, "unit", judged->unit);
    step_row(out, "best level at step", found->minimum_step, -1, -1);
    number_row(out, "best level", found->minimum_level, NAN, NAN);
    step_row(out, "onset at step", found->onset_step, found->onset_low, found->onset_high);
    number_row(out, "excess at the end", found->excess_nats, found->excess_low, found->excess_high);
    number_row(out, "excess, median since the onset", found->sustained_excess, NAN, NAN);
    number_row(out, "excess at its worst", found->peak_excess, NAN, NAN);
    number_row(out, "gain since the first half", found->gain, found->gain_low, found->gain_high);
    number_row(out, "p-value of \"it never turned\"", found->p_value, NAN, NAN);
    number_row(out, "noise of a level", found->noise, NAN, NAN);
    number_row(out, "its autocorrelation", found->autocorrelation, NAN, NAN);
    fputs("</table></div>\n", out);
}

static void write_foot(FILE *out)
{
    fputs("<footer>\n<p>In brackets: 95 % intervals. The test is an order-restricted regression, a curve that only improves against "
          "one that improves and then worsens, held against simulated noise of the scale and autocorrelation of this curve. "
          "Figures are numbered as in Godey et al. 2024 (arXiv 2404.07647), whose curves they are the counterparts of.</p>\n<p>", out);
    svg_escape(out, "softneck ");
    svg_escape(out, neck_version_string());
    fputs("</p>\n</footer>\n</main>\n</body>\n</html>\n", out);
}

static void write_page(FILE *out, const run *from, const verdict *judged)
{
    verdict_sentence headline, sentences[VERDICT_MOST_SENTENCES];
    verdict_headline(judged, headline);
    write_head(out, from, headline);
    write_verdict(out, from, judged, headline);
    page_figures_write(out, from, judged);
    list(out, "What turned with it", verdict_co_occurred(judged, sentences), sentences);
    list(out, "What to do, and what this does not tell", verdict_advice(judged, from, sentences), sentences);
    write_numbers(out, judged);
    write_foot(out);
}

int page_write(const char *path, const run *from, const verdict *judged, char error[512])
{
    size_t room = strlen(path) + 8;
    char *partial = text_alloc(room);
    snprintf(partial, room, "%s.tmp", path);
    FILE *out = fopen(partial, "w");
    int good = out != NULL;
    if (good) {
        write_page(out, from, judged);
        good = !ferror(out) && fflush(out) == 0;
        good = fclose(out) == 0 && good && rename(partial, path) == 0;
    }
    if (!good) {
        snprintf(error, 512, "%.380s: %s", path, strerror(errno));
        unlink(partial);
    }
    free(partial);
    return good;
}
