/* support_headrank_closed.c - truncations by the library, one after another. */
#include "support_headrank_closed.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "support_text.h"

enum { KINDS = 2 };

static const int32_t kinds[KINDS] = {NECK_TRUNCATE_PLAIN, NECK_TRUNCATE_WEIGHTED};

static int64_t factored_parameters(const headrank_data *data, int64_t rank)
{
    return rank * (data->head.rows + data->head.cols);
}

static neck_status moments_of(neck_context *context, const headrank_data *data, neck_gram **out)
{
    neck_gram *moments = NULL;
    neck_status status = neck_gram_create(context, data->train.states.cols, NULL, &moments);
    if (status == NECK_OK) status = neck_gram_push(context, moments, &data->train.states);
    if (status == NECK_OK) *out = moments;
    else neck_gram_destroy(moments);
    return status;
}

static neck_status open_truncation(neck_context *context, const headrank_data *data, int32_t kind, int centered,
                                   const neck_gram *moments, neck_truncation **out)
{
    neck_truncate_options options = {.struct_size = sizeof options,
                                     .kind = kind,
                                     .centered = centered,
                                     .moments = kind == NECK_TRUNCATE_WEIGHTED ? moments : NULL};
    return neck_truncation_create(context, &data->head, &options, out);
}

/* ---- rows ------------------------------------------------------------------------------------------------------- */

/* The factors of the longest rank fit in memory that all ranks share. */
typedef struct factors {
    double *a, *b;
} factors;

static neck_status measure(neck_context *context, const headrank_data *data, const neck_truncation *truncation,
                           const factors *into, headrank_truncated *row)
{
    neck_matrix a = {.data = into->a, .rows = data->head.rows, .cols = row->rank, .dtype = NECK_F64};
    neck_matrix b = {.data = into->b, .rows = row->rank, .cols = data->head.cols, .dtype = NECK_F64};
    neck_status status = neck_head_truncate(context, truncation, row->rank, into->a, into->b);
    if (status != NECK_OK) return status;
    row->gap.struct_size = sizeof row->gap;
    return neck_loss_gap_measure(context, &data->head, &a, &b, &data->valid, 0, &row->gap);
}

static neck_status measure_all(neck_context *context, const headrank_data *data, neck_truncation *const *truncations,
                               const int64_t *ranks, int64_t count, headrank_truncated *rows, int64_t *made)
{
    int64_t largest = 0, whole = data->head.rows * data->head.cols;
    for (int64_t i = 0; i < count; i++) largest = ranks[i] > largest ? ranks[i] : largest;
    factors shared = {text_alloc((size_t)(data->head.rows * largest) * sizeof(double)),
                      text_alloc((size_t)(data->head.cols * largest) * sizeof(double))};
    neck_status status = NECK_OK;
    for (int64_t i = 0; i < count * KINDS && status == NECK_OK; i++) {
        headrank_truncated *row = &rows[i];
        *row = (headrank_truncated){.kind = kinds[i % KINDS], .rank = ranks[i / KINDS]};
        row->parameters = factored_parameters(data, row->rank);
        row->saved = whole - row->parameters;
        status = measure(context, data, truncations[i % KINDS], &shared, row);
        *made += status == NECK_OK;
    }
    free(shared.b);
    free(shared.a);
    return status;
}

headrank_truncated *headrank_closed(neck_context *context, const headrank_data *data, const int64_t *ranks,
                                    int64_t count, int centered, int64_t *made, measure_error *error)
{
    headrank_truncated *rows = text_alloc((size_t)(count * KINDS) * sizeof *rows);
    neck_truncation *truncations[KINDS] = {NULL, NULL};
    neck_gram *moments = NULL;
    *made = 0;
    neck_status status = moments_of(context, data, &moments);
    for (int i = 0; i < KINDS && status == NECK_OK; i++)
        status = open_truncation(context, data, kinds[i], centered, moments, &truncations[i]);
    if (status == NECK_OK) status = measure_all(context, data, truncations, ranks, count, rows, made);
    if (status != NECK_OK) measure_fail(error, status, neck_checkpoint_path(data->model_file));
    for (int i = 0; i < KINDS; i++) neck_truncation_destroy(truncations[i]);
    neck_gram_destroy(moments);
    return rows;
}

/* ---- a compressed head ------------------------------------------------------------------------------------------ */

/* A column of a and its row of b share their size evenly, as an optimizer likes them. */
static void balance(const factors *both, int64_t vocabulary, int64_t width, int64_t rank)
{
    for (int64_t k = 0; k < rank; k++) {
        double square_a = 0, square_b = 0;
        for (int64_t i = 0; i < vocabulary; i++) square_a += both->a[i * rank + k] * both->a[i * rank + k];
        for (int64_t j = 0; j < width; j++) square_b += both->b[k * width + j] * both->b[k * width + j];
        if (!(square_a > 0 && square_b > 0)) continue;
        double factor = pow(square_b / square_a, 0.25);
        for (int64_t i = 0; i < vocabulary; i++) both->a[i * rank + k] *= factor;
        for (int64_t j = 0; j < width; j++) both->b[k * width + j] /= factor;
    }
}

static void narrow(const double *from, const neck_parameter *to)
{
    float *data = to->data;
    for (int64_t i = 0; i < to->rows * to->cols; i++) data[i] = (float)from[i];
}

static neck_status make_factored(neck_context *context, const headrank_data *data, int64_t rank, const factors *from,
                                 neck_head **out)
{
    neck_head_options options = {.struct_size = sizeof options,
                                 .kind = NECK_HEAD_FACTORED,
                                 .vocabulary = data->head.rows,
                                 .hidden_size = data->head.cols,
                                 .rank = rank};
    int64_t count;
    neck_status status = neck_head_create(context, &options, out);
    if (status != NECK_OK) return status;
    const neck_parameter *parameters = neck_head_parameters(*out, &count);
    balance(from, data->head.rows, data->head.cols, rank);
    for (int64_t i = 0; i < count; i++) {
        if (strcmp(parameters[i].name, "a") == 0) narrow(from->a, &parameters[i]);
        if (strcmp(parameters[i].name, "b") == 0) narrow(from->b, &parameters[i]);
    }
    return NECK_OK;
}

neck_status headrank_closed_head(neck_context *context, const headrank_data *data, int64_t rank, int centered,
                                 neck_head **out)
{
    neck_gram *moments = NULL;
    neck_truncation *truncation = NULL;
    factors made = {text_alloc((size_t)(data->head.rows * rank) * sizeof(double)),
                    text_alloc((size_t)(data->head.cols * rank) * sizeof(double))};
    neck_status status = moments_of(context, data, &moments);
    if (status == NECK_OK)
        status = open_truncation(context, data, NECK_TRUNCATE_WEIGHTED, centered, moments, &truncation);
    if (status == NECK_OK) status = neck_head_truncate(context, truncation, rank, made.a, made.b);
    if (status == NECK_OK) status = make_factored(context, data, rank, &made, out);
    neck_truncation_destroy(truncation);
    neck_gram_destroy(moments);
    free(made.b);
    free(made.a);
    return status;
}

int headrank_closed_save(neck_context *context, const headrank_data *data, int64_t rank, int centered, const char *path,
                         measure_error *error)
{
    neck_head *head = NULL;
    neck_status status = headrank_closed_head(context, data, rank, centered, &head);
    if (status == NECK_OK) status = neck_head_save(context, head, path);
    if (status != NECK_OK) measure_fail(error, status, path);
    neck_head_destroy(head);
    return status == NECK_OK;
}
