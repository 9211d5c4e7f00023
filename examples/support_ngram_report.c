/* support_ngram_report.c - what an n-gram matrix came to, for people and for programs. */
#include "support_ngram_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

const char *ngram_weight_name(int32_t weight)
{
    static const char *const names[] = {"uniform", "count", "root_count"};
    return weight >= 0 && weight < 3 ? names[weight] : NULL;
}

/* ---- JSON ---- */

static void put_band(json_t *object, const char *name, neck_band band)
{
    json_t *made = json_object();
    json_put_number(made, "value", band.value);
    json_put_number(made, "low", band.low);
    json_put_number(made, "high", band.high);
    json_put(object, name, made);
}

static void put_counts(json_t *object, const ngram_row *row)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {{"tokens", row->counts.tokens},           {"documents", row->counts.documents},
                  {"contexts", row->counts.contexts},       {"vocab_size", row->counts.vocab_size},
                  {"ngrams", row->counts.ngrams},           {"occurrences", row->counts.occurrences},
                  {"singletons", row->counts.singletons},   {"seen_once", row->counts.seen_once},
                  {"successors", row->counts.successors},   {"coupled", row->matrix.coupled},
                  {"parts", row->matrix.parts},             {"largest_part", row->matrix.largest_part},
                  {"coupled_rows", row->matrix.coupled_rows}, {"coupled_entries", row->matrix.coupled_entries}};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_put_integer(object, counts[i].name, counts[i].value);
    json_put_number(object, "frobenius_squared", row->matrix.frobenius_squared);
}

/* Ranks and levels are keys: w_error["1000"], rank_for_w_error["0.5"]. */
static void put_bands(json_t *object, const ngram_request *asked, const ngram_row *row)
{
    char key[32];
    json_t *errors = json_object(), *ranks = json_object();
    for (int i = 0; i < asked->rank_count; i++) {
        snprintf(key, sizeof key, "%" PRId64, asked->ranks[i]);
        put_band(errors, key, row->w_error[i]);
    }
    for (int i = 0; i < NGRAM_LEVELS; i++) {
        snprintf(key, sizeof key, "%g", ngram_levels[i]);
        put_band(ranks, key, row->rank[i]);
    }
    json_put(object, "w_error", errors);
    json_put(object, "rank_for_w_error", ranks);
    put_band(object, "effective_rank", row->effective_rank);
    put_band(object, "matrix_entropy_rank", row->entropy_rank);
}

static void print_json(const ngram_report *self, const char *name, const ngram_row *row)
{
    json_t *object = json_object();
    json_put_text(object, "corpus", name);
    json_put_text(object, "tokenizer", self->tokenizer);
    json_put_integer(object, "order", self->asked->order);
    json_put_text(object, "weight", ngram_weight_name(self->asked->weight));
    json_put_text(object, "method", ngram_method_names[row->method]);
    json_put_text(object, "solver", row->solver);
    put_counts(object, row);
    put_bands(object, self->asked, row);
    json_put_number(object, "count_seconds", row->count_seconds);
    json_put_number(object, "spectrum_seconds", row->spectrum_seconds);
    if (self->values && row->values) {
        json_put_numbers(object, "singular_values", row->values, row->known);
        json_put_numbers(object, "singular_value_errors", row->errors, row->known);
    }
    json_print_line(object);
}

/* ---- tables ---- */

enum { FIRST_COLUMNS = 4, LAST_COLUMNS = NGRAM_LEVELS + 3 };

static size_t make_columns(const ngram_request *asked, char names[NGRAM_MOST_RANKS][32], table_column *columns)
{
    static const table_column first[FIRST_COLUMNS] = {{"tokens", ""}, {"C", ""}, {"singletons", ""}, {"V", ""}};
    static const table_column last[LAST_COLUMNS] = {
        {"rank for W(d)=1/2", ""}, {"rank for W(d)=0.05", ""}, {"effective rank", ""}, {"method", ""}, {"corpus", ""}};
    size_t used = 0;
    for (int i = 0; i < FIRST_COLUMNS; i++) columns[used++] = first[i];
    for (int i = 0; i < asked->rank_count; i++) {
        snprintf(names[i], 32, "W(%" PRId64 ")", asked->ranks[i]);
        columns[used++] = (table_column){names[i], ""};
    }
    for (int i = 0; i < LAST_COLUMNS; i++) columns[used++] = last[i];
    return used;
}

/* As many digits as the band leaves: 0.3455, ~0.35 when it is wider than the last of three. */
static const char *band_text(char buffer[32], neck_band band, int whole)
{
    double half = fmax(band.high - band.value, band.value - band.low);
    if (isnan(band.value)) snprintf(buffer, 32, "-");
    else if (whole) snprintf(buffer, 32, "%s%.0f", half > 0.005 * band.value ? "~" : "", band.value);
    else snprintf(buffer, 32, "%s%.4f", half > 0.00005 ? "~" : "", band.value);
    return buffer;
}

static void print_count(const table_column *column, int64_t count)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, count);
    table_print_cell(column, text);
}

static void print_values(const ngram_row *row)
{
    printf("%12s  %-22s  %s\n", "rank", "singular value", "error at most");
    for (int64_t i = 0; i < row->known; i++)
        printf("%12" PRId64 "  %-22.16g  %.1e\n", i + 1, row->values[i], row->errors[i]);
}

static void print_table(ngram_report *self, const char *name, const ngram_row *row)
{
    const ngram_request *asked = self->asked;
    table_column columns[FIRST_COLUMNS + NGRAM_MOST_RANKS + LAST_COLUMNS], *next = columns;
    char names[NGRAM_MOST_RANKS][32], text[32];
    size_t count = make_columns(asked, names, columns);
    const int64_t counts[FIRST_COLUMNS] = {row->counts.tokens, row->counts.contexts, row->counts.singletons,
                                           row->counts.vocab_size};
    if (!self->begun) {
        printf("%" PRId32 "-gram matrices, rows weighed by %s\n\n", asked->order,
               asked->weight == NECK_WEIGHT_UNIFORM ? "1 (uniform)" : ngram_weight_name(asked->weight));
        table_print_head(columns, count);
    }
    self->begun = 1;
    for (int i = 0; i < FIRST_COLUMNS; i++) print_count(next++, counts[i]);
    for (int i = 0; i < asked->rank_count; i++) table_print_cell(next++, band_text(text, row->w_error[i], 0));
    for (int i = 0; i < NGRAM_LEVELS; i++) table_print_cell(next++, band_text(text, row->rank[i], 1));
    table_print_cell(next++, band_text(text, row->effective_rank, 1));
    table_print_cell(next, ngram_method_names[row->method]);
    printf("  ");
    text_print(stdout, name);
    putchar('\n');
    if (self->values && row->values) print_values(row);
    fflush(stdout);
}

void ngram_report_row(ngram_report *self, const char *name, const ngram_row *row)
{
    if (self->json) print_json(self, name, row);
    else print_table(self, name, row);
}

void ngram_report_end(const ngram_report *self)
{
    if (!self->begun) return;
    printf("\nC: contexts, V: vocabulary. singletons: contexts with one distinct successor. W(d): W-error of rank d, what the\n"
           "best matrix of that rank leaves. ~: the band is wider than the digits shown (--json has it). -: beyond the known singular values.\n");
}
