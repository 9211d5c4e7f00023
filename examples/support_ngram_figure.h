/* support_ngram_figure.h - W-error against rank for several corpora. */
#ifndef SUPPORT_NGRAM_FIGURE_H
#define SUPPORT_NGRAM_FIGURE_H

#include "support_ngram_measure.h"

typedef struct ngram_curve {
    char *name;
    ngram_row row; /* measured with request.curve set */
} ngram_curve;

/* ngram_figure - all curves in one figure at output. 0 and one line in error on failure. */
int ngram_figure(const ngram_curve *curves, int64_t count, const char *output, char error[512]);

#endif
