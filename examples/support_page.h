/* support_page.h - the report on one run: a single HTML file with everything in it, that asks nothing of any
 * network. */
#ifndef SUPPORT_PAGE_H
#define SUPPORT_PAGE_H

#include "support_verdict.h"

/* page_write - whole or not at all. 1, or 0 and one line in error. */
int page_write(const char *path, const run *from, const verdict *judged, char error[512]);

#endif
