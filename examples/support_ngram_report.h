/* support_ngram_report.h - tables and JSON lines of measured corpora. */
#ifndef SUPPORT_NGRAM_REPORT_H
#define SUPPORT_NGRAM_REPORT_H

#include "support_ngram_measure.h"

typedef struct ngram_report {
    const ngram_request *asked;
    const char *tokenizer; /* as it was asked for; NULL: token files */
    int json, values;
    int begun; /* the table has its head */
} ngram_report;

/* ngram_report_row - one corpus. ngram_report_end - what the table's signs mean. */
void ngram_report_row(ngram_report *self, const char *name, const ngram_row *row);
void ngram_report_end(const ngram_report *self);

/* ngram_weight_name - "uniform", "count", "root_count"; NULL beyond them. */
const char *ngram_weight_name(int32_t weight);

#endif
