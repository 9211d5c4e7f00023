/* support_page_figures.h - the report's figures, each the counterpart of one in the paper, as far as the run has what
 * it shows. */
#ifndef SUPPORT_PAGE_FIGURES_H
#define SUPPORT_PAGE_FIGURES_H

#include <stdio.h>

#include "support_verdict.h"

void page_figures_write(FILE *out, const run *from, const verdict *judged);

#endif
