/* support_report.c - tables and JSON lines of measured checkpoints. */
#include "support_report.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

/* What a table shows unless asked: how flat, how many dimensions by three counts, how one-sided, how near singular. */
static const char *const telling[] = {"singular_entropy",       "effective_rank",      "stable_rank",
                                      "rank_for_w_error_60pct", "top_component_share", "condition_number"};

static const table_column step_column = {"step", NULL};
static const table_column method_column = {"method", NULL};
static const table_column name_column = {"checkpoint", NULL};

/* Beside the metrics a table has three columns. */
#define MOST_METRICS (TABLE_MOST_COLUMNS - 3)

static int64_t metrics_shown(const report *self, int64_t shown[MOST_METRICS])
{
    int64_t count = 0;
    if (self->metrics) {
        for (; count < self->metric_count && count < MOST_METRICS; count++) shown[count] = self->metrics[count];
    } else if (self->json) {
        for (; count < neck_metric_count() && count < MOST_METRICS; count++) shown[count] = count;
    } else {
        for (size_t i = 0; i < sizeof telling / sizeof *telling; i++)
            if (neck_metric_find(telling[i], &shown[count]) == NECK_OK) count++;
    }
    return count;
}

static int64_t values_shown(const report *self, const measured *row)
{
    int64_t known = neck_spectrum_count(row->spectrum);
    if (self->values) return known;
    return self->top < known ? self->top : known;
}

/* ---- JSON ----------------------------------------------------------------------------------------------------- */

static json_t *frequency_object(const measured *row)
{
    json_t *object = json_object(), *components = json_array();
    json_put_integer(object, "tokens", row->counted);
    for (int64_t i = 0; i < row->components; i++) {
        const neck_frequency_component *one = &row->frequency[i];
        json_t *component = json_object();
        json_put_number(component, "singular_value", one->singular_value);
        json_put_number(component, "energy", one->energy);
        json_put_number(component, "pearson", one->pearson);
        json_put_number(component, "spearman", one->spearman);
        json_put_number(component, "explained", one->explained);
        json_array_append_new(components, component);
    }
    json_put(object, "components", components);
    return object;
}

static void print_json(const report *self, const measured *row)
{
    int64_t shown[MOST_METRICS];
    int64_t count = metrics_shown(self, shown);
    int64_t values = values_shown(self, row);
    json_t *object = json_object();
    json_t *errors = json_object();
    json_put_text(object, "path", row->path);
    json_put_text(object, "tensor", row->tensor);
    json_put_integer(object, "rows", row->rows);
    json_put_integer(object, "cols", row->cols);
    json_put(object, "step", row->step < 0 ? json_null() : json_integer(row->step));
    json_put_text(object, "dtype", neck_dtype_name(row->dtype));
    json_put_text(object, "format", neck_format_name(row->format));
    json_put(object, "tied", row->tied == MEASURE_NOT_TOLD ? json_null() : json_boolean(row->tied));
    json_put_text(object, "variant", neck_variant_name(neck_spectrum_variant(row->spectrum)));
    json_put_text(object, "method", neck_method_name(neck_spectrum_method(row->spectrum)));
    json_put_number(object, "resolution", neck_spectrum_resolution(row->spectrum));
    for (int64_t i = 0; i < count; i++) {
        json_put_number(object, neck_metric_name(shown[i]), row->metrics[shown[i]].value);
        json_put_number(errors, neck_metric_name(shown[i]), row->metrics[shown[i]].error);
    }
    json_put(object, "errors", errors);
    if (values > 0) {
        json_put_numbers(object, "singular_values", neck_spectrum_values(row->spectrum), values);
        json_put_numbers(object, "singular_value_errors", neck_spectrum_error_bounds(row->spectrum), values);
    }
    if (row->frequency) json_put(object, "frequency", frequency_object(row));
    json_print_line(object);
}

/* ---- tables --------------------------------------------------------------------------------------------------- */

static size_t table_columns(const int64_t *shown, int64_t count, table_column columns[TABLE_MOST_COLUMNS])
{
    size_t used = 0;
    columns[used++] = step_column;
    for (int64_t i = 0; i < count; i++)
        columns[used++] = (table_column){neck_metric_name(shown[i]), neck_metric_unit(shown[i])};
    columns[used++] = method_column;
    columns[used++] = name_column;
    return used;
}

/* "hybridstories: tok_emb.weight, tied LM head, 2048 x 32 F32, raw" */
static char *heading_of(const char *series, const measured *row)
{
    const char *role = row->tied == MEASURE_NOT_TOLD ? "" : row->tied ? ", tied LM head" : ", LM head";
    size_t size = strlen(series) + strlen(row->tensor) + 160;
    char *text = text_alloc(size);
    snprintf(text, size, "%s: %s%s, %" PRId64 " x %" PRId64 " %s, %s", series, row->tensor, role, row->rows, row->cols,
             neck_dtype_name(row->dtype), neck_variant_name(neck_spectrum_variant(row->spectrum)));
    return text;
}

static void print_heading(report *self, const char *series, const measured *row, const table_column *columns,
                          size_t count)
{
    char *heading = heading_of(series, row);
    if (self->heading && strcmp(self->heading, heading) == 0) {
        free(heading);
        return;
    }
    if (self->heading) putchar('\n');
    text_print(stdout, heading);
    printf("\n\n");
    table_print_head(columns, count);
    free(self->heading);
    self->heading = heading;
}

static void print_values(const measured *row, int64_t count)
{
    const double *values = neck_spectrum_values(row->spectrum);
    const double *errors = neck_spectrum_error_bounds(row->spectrum);
    if (count > 0) printf("%12s  %-22s  %s\n", "rank", "singular value", "error at most");
    for (int64_t i = 0; i < count; i++) printf("%12" PRId64 "  %-22.16g  %.1e\n", i + 1, values[i], errors[i]);
}

static void print_frequency(const measured *row)
{
    if (!row->frequency) return;
    printf("%12s  %-14s  %-10s  %-10s  %-10s  %s\n", "component", "singular value", "energy", "pearson", "spearman",
           "log frequency explained so far");
    for (int64_t i = 0; i < row->components; i++) {
        const neck_frequency_component *one = &row->frequency[i];
        printf("%12" PRId64 "  %-14.5g  %-10.4f  %-10.4f  %-10.4f  %.4f\n", i + 1, one->singular_value, one->energy,
               one->pearson, one->spearman, one->explained);
    }
}

static void print_table_row(report *self, const char *series, const measured *row)
{
    int64_t shown[MOST_METRICS];
    table_column columns[TABLE_MOST_COLUMNS];
    int64_t count = metrics_shown(self, shown);
    size_t used = table_columns(shown, count, columns);
    print_heading(self, series, row, columns, used);
    char number[32] = "-";
    if (row->step >= 0) snprintf(number, sizeof number, "%" PRId64, row->step);
    table_print_cell(&columns[0], number);
    for (int64_t i = 0; i < count; i++) {
        neck_measure metric = row->metrics[shown[i]];
        table_print_cell(&columns[1 + i], text_number(number, metric.value, metric.error));
    }
    table_print_cell(&columns[used - 2], neck_method_name(neck_spectrum_method(row->spectrum)));
    printf("  ");
    text_print(stdout, text_base_name(row->path));
    putchar('\n');
    print_values(row, values_shown(self, row));
    print_frequency(row);
    fflush(stdout);
}

void report_row(report *self, const char *series, const measured *row)
{
    if (self->json) print_json(self, row);
    else print_table_row(self, series, row);
}

void report_free(report *self)
{
    free(self->heading);
    self->heading = NULL;
}

/* ---- what a checkpoint holds ---------------------------------------------------------------------------------- */

static void list_json(const char *path, const neck_tensor *tensor, int is_head)
{
    json_t *object = json_object();
    json_t *shape = json_array();
    json_put_text(object, "path", path);
    json_put_text(object, "tensor", tensor->name);
    json_put_text(object, "dtype", neck_dtype_name(tensor->dtype));
    for (int32_t i = 0; i < tensor->ndim; i++) json_array_append_new(shape, json_integer(tensor->shape[i]));
    json_put(object, "shape", shape);
    json_put_integer(object, "nbytes", tensor->nbytes);
    json_put(object, "head", json_boolean(is_head));
    json_print_line(object);
}

static void list_text(const neck_tensor *tensor, int is_head)
{
    char shape[NECK_MAX_DIMS * 24] = "scalar";
    size_t used = 0;
    for (int32_t i = 0; i < tensor->ndim; i++)
        used += (size_t)snprintf(shape + used, sizeof shape - used, "%s%" PRId64, i ? " x " : "", tensor->shape[i]);
    printf("%c %-8s %-20s ", is_head ? '*' : ' ', neck_dtype_name(tensor->dtype), shape);
    text_print(stdout, tensor->name);
    putchar('\n');
}

int report_tensors(const report *self, neck_context *context, const char *path, measure_error *error)
{
    neck_checkpoint *checkpoint;
    neck_status status = neck_checkpoint_open(context, path, NULL, &checkpoint);
    if (status != NECK_OK) return measure_fail(error, status, path);
    int64_t head;
    if (neck_checkpoint_head(checkpoint, &head, NULL) != NECK_OK) head = -1;
    int64_t count = neck_checkpoint_tensor_count(checkpoint);
    if (!self->json) {
        text_print(stdout, path);
        printf(" (%s, %" PRId64 " tensors%s)\n", neck_format_name(neck_checkpoint_format(checkpoint)), count,
               head < 0 ? "" : ", * is the LM head");
    }
    for (int64_t i = 0; i < count && status == NECK_OK; i++) {
        neck_tensor tensor = {.struct_size = sizeof tensor};
        status = neck_checkpoint_tensor(checkpoint, i, &tensor);
        if (status != NECK_OK) measure_fail(error, status, path);
        else if (self->json) list_json(path, &tensor, i == head);
        else list_text(&tensor, i == head);
    }
    neck_checkpoint_destroy(checkpoint);
    return status == NECK_OK;
}
