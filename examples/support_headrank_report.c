/* support_headrank_report.c - tables for people, JSON lines for programs. */
#include "support_headrank_report.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#include "support_json.h"
#include "support_table.h"
#include "support_text.h"

static const char *truncation_name(int32_t kind)
{
    return kind == NECK_TRUNCATE_WEIGHTED ? "weighted" : "plain";
}

static void print_integer(const table_column *column, int64_t value)
{
    char text[32];
    snprintf(text, sizeof text, "%" PRId64, value);
    table_print_cell(column, text);
}

static void print_number(const table_column *column, double value)
{
    char text[32];
    table_print_cell(column, text_number(text, value, 0));
}

static void print_fixed(const table_column *column, double value, int digits)
{
    char text[32];
    if (isnan(value)) snprintf(text, sizeof text, "-");
    else snprintf(text, sizeof text, "%.*f", digits, fabs(value) < 0.5 * pow(10, -digits) ? 0 : value); /* not "-0.0" */
    table_print_cell(column, text);
}

static void print_states(const headrank_data *data)
{
    printf("%" PRId64 " tokens of width %" PRId64 ", vocabulary %" PRId64, data->train.states.rows,
           data->train.states.cols, data->vocabulary);
}

/* ---- a sweep ---------------------------------------------------------------------------------------------------- */

enum { RANK, PARAMETERS, RANK_LIMIT, RATE, SEEDS, LOSS, LOSS_ERROR, ACCURACY, ACCURACY_ERROR, W_ERROR, HEAD, COLUMNS };

static const table_column columns[COLUMNS] = {
    {"rank", NULL},  {"parameters", NULL},         {"rank limit", NULL},        {"learning rate", NULL},
    {"seeds", NULL}, {"validation loss", "nats"}, {"standard error", "nats"}, {"accuracy", "%"},
    {"standard error", "%"}, {"W-error", NULL},   {"head", NULL}};

static void print_group(const headrank_group *group)
{
    int known = group->seeds > 0;
    char rate[40];
    print_integer(&columns[RANK], group->rank);
    print_integer(&columns[PARAMETERS], group->parameters);
    print_integer(&columns[RANK_LIMIT], group->rank_limit);
    snprintf(rate, sizeof rate, "%g%s", group->learning_rate, group->at_edge ? "*" : "");
    table_print_cell(&columns[RATE], known ? rate : "-");
    print_integer(&columns[SEEDS], group->seeds);
    print_fixed(&columns[LOSS], known ? group->loss : NAN, 4);
    print_fixed(&columns[LOSS_ERROR], group->loss_error, 4);
    print_fixed(&columns[ACCURACY], known ? 100 * group->accuracy : NAN, 2);
    print_fixed(&columns[ACCURACY_ERROR], 100 * group->accuracy_error, 2);
    print_fixed(&columns[W_ERROR], group->w_error, 4);
    printf("  %s\n", neck_head_kind_name(group->kind));
}

static void print_groups(const headrank_data *data, const headrank_group *groups, int64_t count,
                         const headrank_reference *reference)
{
    int edges = 0;
    printf("Heads on frozen states: trained on ");
    print_states(data);
    printf("; validated on the last %" PRId64 "\n", data->valid.states.rows);
    if (!isnan(reference->loss))
        printf("The model's own head: loss %.4f nats, accuracy %.2f %%\n", reference->loss, 100 * reference->accuracy);
    putchar('\n');
    table_print_head(columns, COLUMNS);
    for (int64_t i = 0; i < count; i++) {
        print_group(&groups[i]);
        edges |= groups[i].at_edge;
    }
    if (edges) printf("\n  * the lowest or highest learning rate tried: a wider --lr-grid may do better\n");
}

static void put_group(const headrank_group *group)
{
    json_t *object = json_object();
    int known = group->seeds > 0;
    json_put_text(object, "head", neck_head_kind_name(group->kind));
    json_put_integer(object, "rank", group->rank);
    json_put_integer(object, "parameters", group->parameters);
    json_put_integer(object, "rank_limit", group->rank_limit);
    json_put_number(object, "learning_rate", group->learning_rate);
    json_put(object, "learning_rate_at_edge", json_boolean(group->at_edge));
    json_put_integer(object, "seeds", group->seeds);
    json_put_number(object, "valid_loss", known ? group->loss : NAN);
    json_put_number(object, "valid_loss_standard_error", group->loss_error);
    json_put_number(object, "accuracy", known ? group->accuracy : NAN);
    json_put_number(object, "accuracy_standard_error", group->accuracy_error);
    json_put_number(object, "w_error", group->w_error);
    json_print_line(object);
}

void headrank_report_groups(const headrank_data *data, const headrank_group *groups, int64_t count,
                            const headrank_reference *reference, int json)
{
    if (json)
        for (int64_t i = 0; i < count; i++) put_group(&groups[i]);
    else print_groups(data, groups, count, reference);
    fflush(stdout);
}

/* ---- truncations ------------------------------------------------------------------------------------------------ */

enum { CUT_RANK, CUT_SAVED, CUT_W_ERROR, CUT_TAIL, CUT_WEIGHTED, CUT_GAP, CUT_FIRST, CUT_RANGE, CUT_QUADRATIC,
       CUT_ACCURACY, CUT_KIND, CUT_COLUMNS };

static const table_column cut_columns[CUT_COLUMNS] = {
    {"rank", NULL},           {"parameters saved", "%"}, {"W-error", NULL},          {"Theorem 5.3 tail", NULL},
    {"weighted tail", NULL},  {"loss gap", "nats"},      {"first order", "nats"},    {"range bound", "nats"},
    {"quadratic bound", "nats"}, {"accuracy", "%"},      {"truncation", NULL}};

static void print_cut(const headrank_data *data, const headrank_truncated *row)
{
    const neck_loss_gap *gap = &row->gap;
    double whole = (double)data->head.rows * (double)data->head.cols;
    print_integer(&cut_columns[CUT_RANK], row->rank);
    print_fixed(&cut_columns[CUT_SAVED], 100 * (double)row->saved / whole, 1);
    print_fixed(&cut_columns[CUT_W_ERROR], gap->w_error, 4);
    print_number(&cut_columns[CUT_TAIL], gap->frobenius_tail);
    print_number(&cut_columns[CUT_WEIGHTED], gap->weighted_tail);
    print_fixed(&cut_columns[CUT_GAP], gap->gap, 4);
    print_fixed(&cut_columns[CUT_FIRST], gap->first_order, 4);
    print_number(&cut_columns[CUT_RANGE], gap->first_order + gap->range_bound);
    print_number(&cut_columns[CUT_QUADRATIC], gap->first_order + gap->quadratic_bound);
    print_fixed(&cut_columns[CUT_ACCURACY], 100 * gap->reduced_accuracy, 2);
    printf("  %s\n", truncation_name(row->kind));
}

static void put_cut(const headrank_truncated *row, int centered)
{
    const neck_loss_gap *gap = &row->gap;
    const struct {
        const char *name;
        double value;
    } numbers[] = {{"full_loss", gap->full_loss},
                   {"reduced_loss", gap->reduced_loss},
                   {"gap", gap->gap},
                   {"first_order", gap->first_order},
                   {"quadratic_bound", gap->quadratic_bound},
                   {"range_bound", gap->range_bound},
                   {"w_error", gap->w_error},
                   {"frobenius_tail", gap->frobenius_tail},
                   {"weighted_tail", gap->weighted_tail},
                   {"full_accuracy", gap->full_accuracy},
                   {"reduced_accuracy", gap->reduced_accuracy}};
    json_t *object = json_object();
    json_put_integer(object, "rank", row->rank);
    json_put_text(object, "truncation", truncation_name(row->kind));
    json_put(object, "centered", json_boolean(centered));
    json_put_integer(object, "tokens", gap->tokens);
    json_put_integer(object, "parameters", row->parameters);
    json_put_integer(object, "parameters_saved", row->saved);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_put_number(object, numbers[i].name, numbers[i].value);
    json_print_line(object);
}

void headrank_report_closed(const headrank_data *data, const headrank_truncated *rows, int64_t count, int centered,
                            int json)
{
    if (!json && count > 0) {
        const neck_loss_gap *gap = &rows[0].gap;
        printf("Truncations of a head of %" PRId64 " x %" PRId64 "%s: weights from ", data->head.rows, data->head.cols,
               centered ? " minus its mean row" : "");
        print_states(data);
        printf("; measured on %" PRId64 " tokens\n", gap->tokens);
        printf("The whole head: loss %.4f nats, accuracy %.2f %%\n\n", gap->full_loss, 100 * gap->full_accuracy);
        table_print_head(cut_columns, CUT_COLUMNS);
    }
    for (int64_t i = 0; i < count; i++)
        if (json) put_cut(&rows[i], centered);
        else print_cut(data, &rows[i]);
    fflush(stdout);
}
