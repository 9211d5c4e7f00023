/* support_headrank_figures.h - what ranks cost, drawn. */
#ifndef SUPPORT_HEADRANK_FIGURES_H
#define SUPPORT_HEADRANK_FIGURES_H

#include "support_headrank_report.h"

/* Each draws into output and returns 1, or 0 and one line in error.
 *   loss    validation loss and accuracy against rank, with standard errors (Figure 6 of arXiv 2404.07647)
 *   rates   the chosen learning rate against rank (Figure 9)
 *   errors  the loss above that of the full head against W-error (Figure 8); where headrank_figures_has_errors
 *   gaps    of truncations: measured gap and its bound against rank */
int headrank_figures_loss(const headrank_group *groups, int64_t count, const headrank_reference *reference,
                          const char *output, char error[512]);
int headrank_figures_rates(const headrank_group *groups, int64_t count, const headrank_plan *plan, const char *output,
                           char error[512]);
int headrank_figures_has_errors(const headrank_group *groups, int64_t count);
int headrank_figures_errors(const headrank_group *groups, int64_t count, const char *output, char error[512]);
int headrank_figures_gaps(const headrank_truncated *rows, int64_t count, const char *output, char error[512]);

#endif
