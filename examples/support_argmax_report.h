/* support_argmax_report.h - verdicts on the tokens of heads, as a table or JSON lines. */
#ifndef SUPPORT_ARGMAX_REPORT_H
#define SUPPORT_ARGMAX_REPORT_H

#include <softneck.h>
#include <softneck/unargmaxable.h>

/* How to show heads, and whether the table has begun. */
typedef struct argmax_report {
    int json;
    int64_t show;              /* tokens listed below each row of a table */
    neck_tokenizer *tokenizer; /* for spellings, or NULL */
    int begun;
} argmax_report;

/* A head and what was found. */
typedef struct argmax_row {
    const char *path, *tensor;
    int64_t step; /* -1: none */
    neck_matrix head;
    neck_argmax *argmax;
} argmax_row;

void argmax_report_row(argmax_report *self, const argmax_row *row);

#endif
