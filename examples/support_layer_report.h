/* support_layer_report.h - evaluated models on standard output: a table for people or JSON lines for programs. */
#ifndef SUPPORT_LAYER_REPORT_H
#define SUPPORT_LAYER_REPORT_H

#include "support_evaluate.h"

/* layer_report_table - the model, its loss, a row a layer. first: nothing was printed before.
 * layer_report_json  - the same as one object on one line. */
void layer_report_table(const evaluated *model, int32_t variant, int first);
void layer_report_json(const evaluated *model, int32_t variant);

#endif
