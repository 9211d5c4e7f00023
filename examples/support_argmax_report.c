/* support_argmax_report.c - a row a head; below it, or in its JSON object, the tokens that are not argmaxable. */
#include "support_argmax_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

/* A token's spelling as NUL-terminated bytes (release with free), or NULL where there is none. */
static char *spelling_of(const argmax_report *self, int64_t token)
{
    const char *bytes;
    int64_t length;
    if (!self->tokenizer || token > INT32_MAX) return NULL;
    if (neck_tokenizer_token(self->tokenizer, (int32_t)token, &bytes, &length) != NECK_OK) return NULL;
    char *copy = text_alloc((size_t)length + 1);
    memcpy(copy, bytes, (size_t)length);
    copy[length] = 0;
    return copy;
}

static neck_argmax_verdict verdict_on(const neck_argmax *argmax, int64_t token, int64_t *rows_of_mean)
{
    neck_argmax_verdict verdict = {.struct_size = sizeof verdict};
    const int64_t *tokens;
    const double *shares;
    if (neck_argmax_token(argmax, token, &verdict) != NECK_OK ||
        neck_argmax_mean(argmax, token, &tokens, &shares, rows_of_mean) != NECK_OK)
        *rows_of_mean = 0;
    return verdict;
}

/* ---- JSON -------------------------------------------------------------------------------------------------------- */

static json_t *token_object(const argmax_report *self, const neck_argmax *argmax, int64_t token)
{
    int64_t rows;
    neck_argmax_verdict verdict = verdict_on(argmax, token, &rows);
    if (verdict.verdict == NECK_ARGMAX_ARGMAXABLE) return NULL;
    char *spelling = spelling_of(self, token), *text = spelling ? text_utf8(spelling) : NULL;
    json_t *object = json_object();
    json_put_integer(object, "token", token);
    if (self->tokenizer) json_put_text(object, "spelling", text);
    json_put_text(object, "verdict", neck_argmax_verdict_name(verdict.verdict));
    json_put_text(object, "proof", neck_argmax_proof_name(verdict.proof));
    json_put(object, "twin", verdict.twin < 0 ? json_null() : json_integer(verdict.twin));
    json_put_integer(object, "rows_of_mean", rows);
    json_put_number(object, "residual", verdict.residual);
    json_put_number(object, "slack", verdict.slack);
    json_put_number(object, "probability_bound", verdict.probability_bound);
    free(text);
    free(spelling);
    return object;
}

static void print_json(const argmax_report *self, const argmax_row *row)
{
    json_t *object = json_object(), *proofs = json_object(), *tokens = json_array();
    json_put_text(object, "path", row->path);
    json_put_text(object, "tensor", row->tensor);
    json_put(object, "step", row->step < 0 ? json_null() : json_integer(row->step));
    json_put_integer(object, "rows", row->head.rows);
    json_put_integer(object, "cols", row->head.cols);
    for (int32_t verdict = 0; verdict < NECK_ARGMAX_VERDICTS; verdict++)
        json_put_integer(object, neck_argmax_verdict_name(verdict), neck_argmax_count(row->argmax, verdict, -1));
    for (int32_t verdict = 0; verdict < NECK_ARGMAX_VERDICTS; verdict++) {
        json_t *one = json_object();
        for (int32_t proof = 0; proof < NECK_PROOFS; proof++) {
            int64_t count = neck_argmax_count(row->argmax, verdict, proof);
            if (count > 0) json_put_integer(one, neck_argmax_proof_name(proof), count);
        }
        json_put(proofs, neck_argmax_verdict_name(verdict), one);
    }
    json_put(object, "proofs", proofs);
    for (int64_t token = 0; token < row->head.rows; token++) {
        json_t *one = token_object(self, row->argmax, token);
        if (one) json_array_append_new(tokens, one);
    }
    json_put(object, "tokens", tokens);
    json_print_line(object);
}

/* ---- the table --------------------------------------------------------------------------------------------------- */

/* What a column counts: a verdict, by proofs [first, last]; first < 0: by any. */
static const struct {
    table_column column;
    int32_t verdict, first, last;
} counts[] = {
    {{"argmaxable", NULL}, NECK_ARGMAX_ARGMAXABLE, -1, -1},
    {{"by a state", NULL}, NECK_ARGMAX_ARGMAXABLE, NECK_PROOF_WHITENED, NECK_PROOF_OWN_ROW},
    {{"by reflection", NULL}, NECK_ARGMAX_ARGMAXABLE, NECK_PROOF_REFLECTION, NECK_PROOF_REFLECTION},
    {{"by program", NULL}, NECK_ARGMAX_ARGMAXABLE, NECK_PROOF_PROGRAM, NECK_PROOF_PROGRAM},
    {{"tied", NULL}, NECK_ARGMAX_TIED, -1, -1},
    {{"unargmaxable", NULL}, NECK_ARGMAX_UNARGMAXABLE, -1, -1},
    {{"undecided", NULL}, NECK_ARGMAX_UNDECIDED, -1, -1},
};

enum { COUNTS = sizeof counts / sizeof *counts, FRONT = 3, COLUMNS = FRONT + COUNTS + 1 };

static void print_token(const argmax_report *self, const neck_argmax *argmax, int64_t token)
{
    char number[32];
    int64_t rows;
    neck_argmax_verdict verdict = verdict_on(argmax, token, &rows);
    char *spelling = spelling_of(self, token);
    printf("    %" PRId64, token);
    if (spelling) printf(" '");
    if (spelling) text_print(stdout, spelling);
    printf("%s: %s", spelling ? "'" : "", neck_argmax_verdict_name(verdict.verdict));
    if (verdict.verdict == NECK_ARGMAX_TIED || verdict.proof == NECK_PROOF_EQUAL_ROW)
        printf(" with %" PRId64, verdict.twin);
    else if (rows > 0)
        printf(", a mean of %" PRId64 " rows", rows);
    if (verdict.probability_bound < 1)
        printf(", probability at most %s", text_number(number, verdict.probability_bound, 0));
    putchar('\n');
    free(spelling);
}

static void print_table(argmax_report *self, const argmax_row *row)
{
    table_column columns[COLUMNS] = {{"step", NULL}, {"tokens", NULL}, {"width", NULL}};
    char number[32] = "-";
    for (int i = 0; i < COUNTS; i++) columns[FRONT + i] = counts[i].column;
    columns[COLUMNS - 1] = (table_column){"head", NULL};
    if (!self->begun) table_print_head(columns, COLUMNS);
    self->begun = 1;
    if (row->step >= 0) snprintf(number, sizeof number, "%" PRId64, row->step);
    table_print_cell(&columns[0], number);
    table_print_cell(&columns[1], text_number(number, (double)row->head.rows, 0));
    table_print_cell(&columns[2], text_number(number, (double)row->head.cols, 0));
    for (int i = 0; i < COUNTS; i++) {
        int64_t count = counts[i].first < 0 ? neck_argmax_count(row->argmax, counts[i].verdict, -1) : 0;
        for (int32_t proof = counts[i].first; proof >= 0 && proof <= counts[i].last; proof++)
            count += neck_argmax_count(row->argmax, counts[i].verdict, proof);
        table_print_cell(&columns[FRONT + i], text_number(number, (double)count, 0));
    }
    printf("  ");
    text_print(stdout, text_base_name(row->path));
    putchar('\n');
    for (int64_t token = 0, shown = 0; token < row->head.rows && shown < self->show; token++) {
        int64_t rows;
        if (verdict_on(row->argmax, token, &rows).verdict == NECK_ARGMAX_ARGMAXABLE) continue;
        print_token(self, row->argmax, token);
        shown++;
    }
    fflush(stdout);
}

void argmax_report_row(argmax_report *self, const argmax_row *row)
{
    if (self->json) print_json(self, row);
    else print_table(self, row);
}
