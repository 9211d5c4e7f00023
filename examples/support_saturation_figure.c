/* support_saturation_figure.c - data and names for saturation.gp. */
#include "support_saturation_figure.h"

#include <math.h>
#include <stdio.h>

#include "saturation_gp.h"
#include "support_gnuplot.h"

/* Steps are written in thousands from here on. */
#define THOUSANDS_FROM 10000

static void write_data(figure *self, const char *name, int64_t count, const double *x, double unit, const double *y)
{
    FILE *file = figure_data(self, name);
    for (int64_t i = 0; file && i < count; i++) fprintf(file, "%.17g %.17g\n", x[i] / unit, y[i]);
    figure_close_data(self, file);
}

int saturation_figure(const verdict *judged, const char *output, char error[512])
{
    figure drawing;
    verdict_sentence headline;
    const neck_saturation *found = &judged->found;
    drawn_curve drawn = curve_draw(&judged->judged);
    int good = drawn.count > 1 && figure_begin(&drawing);
    if (good) {
        double unit = drawn.x[drawn.count - 1] >= THOUSANDS_FROM ? 1000 : 1;
        verdict_headline(judged, headline);
        write_data(&drawing, "points", drawn.count, drawn.x, unit, drawn.y);
        write_data(&drawing, "levels", drawn.count, drawn.x, unit, drawn.smooth);
        figure_text(&drawing, "xname", unit > 1 ? "training step (thousands)" : "training step");
        figure_text(&drawing, "yname", judged->judged.name);
        figure_text(&drawing, "heading", headline);
        figure_number(&drawing, "low", drawn.low);
        figure_number(&drawing, "high", drawn.high);
        figure_number(&drawing, "turned", found->onset_step >= 0);
        figure_number(&drawing, "onset", (double)found->onset_step / unit);
        figure_number(&drawing, "onset_low", (double)found->onset_low / unit);
        figure_number(&drawing, "onset_high", (double)found->onset_high / unit);
        figure_number(&drawing, "best", isnan(found->minimum_level) ? drawn.low : found->minimum_level);
        good = figure_finish(&drawing, saturation_gp, output, 640, 400);
        if (!good) snprintf(error, 512, "%s", drawing.error);
    } else {
        snprintf(error, 512, "%.480s", drawn.count > 1 ? drawing.error : "there are too few points to draw");
    }
    drawn_curve_free(&drawn);
    return good;
}
