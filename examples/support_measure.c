/* support_measure.c - checkpoint in, spectrum and metrics out. */
#include "support_measure.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <softneck/token_file.h>

#include "support_args.h"
#include "support_ranks.h"
#include "support_share.h"
#include "support_text.h"

int measure_fail(measure_error *error, neck_status status, const char *path)
{
    const char *message = neck_last_error();
    int named = strstr(message, path) != NULL;
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s%s%s", named ? "" : path, named ? "" : ": ", message);
    return 0;
}

int measure_agree(int good, measure_error *error)
{
    neck_status status = ranks_agree(good ? NECK_OK : neck_error_set(error->status, error->text));
    if (status == NECK_OK || !good) return good;
    error->status = status;
    snprintf(error->text, sizeof error->text, "%s", neck_last_error());
    return 0;
}

void measure_compare_tokens(int64_t tokens, int64_t vocabulary)
{
    static int told;
    if (told || (tokens <= vocabulary && tokens >= vocabulary / 4 * 3)) return;
    told = 1;
    args_note("the tokenizer has %" PRId64 " tokens, the model %" PRId64 ": is it this model's?", tokens, vocabulary);
}

static neck_status find_tensor(const neck_checkpoint *checkpoint, const char *name, int64_t *index, int32_t *tied)
{
    if (!name) return neck_checkpoint_head(checkpoint, index, tied);
    *tied = MEASURE_NOT_TOLD;
    return neck_checkpoint_find(checkpoint, name, index);
}

static neck_measure *evaluate_all(const neck_spectrum *spectrum)
{
    int64_t count = neck_metric_count();
    neck_measure *metrics = text_alloc((size_t)count * sizeof *metrics);
    for (int64_t i = 0; i < count; i++)
        if (neck_metric_evaluate(i, spectrum, &metrics[i]) != NECK_OK) metrics[i] = (neck_measure){NAN, NAN};
    return metrics;
}

/* Row weights or counts must be as many as the matrix has rows. */
static int check_count(const char *path, const char *tensor, const char *what, int64_t count, int64_t rows,
                       measure_error *error)
{
    if (count == rows) return 1;
    error->status = NECK_E_ARGUMENT;
    snprintf(error->text, sizeof error->text, "%s: %" PRId64 " %s for the %" PRId64 " rows of '%s'", path, count, what,
             rows, tensor);
    return 0;
}

/* A head may have rows that are no token's: it was padded. They never occur. */
static double *counts_of_rows(const measure_request *request, int64_t rows)
{
    double *counts = text_alloc((size_t)rows * sizeof *counts);
    for (int64_t i = 0; i < rows; i++) counts[i] = i < request->count_count ? request->counts[i] : 0;
    return counts;
}

/* Compares the components of the matrix with the counts. */
static neck_status compare(neck_context *context, const neck_matrix *matrix, const measure_request *request,
                           measured *out)
{
    int64_t most = matrix->rows < matrix->cols ? matrix->rows : matrix->cols;
    neck_frequency_options options = {.struct_size = sizeof options, .variant = request->spectrum.variant};
    if (!request->counts) return NECK_OK;
    out->components = request->components < most ? request->components : most;
    out->frequency = text_alloc((size_t)out->components * sizeof *out->frequency);
    double *counts = counts_of_rows(request, matrix->rows);
    neck_status status =
        neck_frequency_measure(context, matrix, counts, &options, out->components, out->frequency, &out->counted);
    free(counts);
    return status;
}

/* The matrix that is meant. */
typedef struct subject {
    neck_checkpoint *checkpoint;
    neck_tensor tensor;
    neck_matrix matrix;
    int32_t tied;
} subject;

static int find(neck_context *context, const char *path, const measure_request *request, subject *out,
                measure_error *error)
{
    int64_t index;
    out->tensor.struct_size = sizeof out->tensor;
    neck_status status = neck_checkpoint_open(context, path, NULL, &out->checkpoint);
    if (status != NECK_OK) return measure_fail(error, status, path);
    path = neck_checkpoint_path(out->checkpoint);
    status = find_tensor(out->checkpoint, request->tensor, &index, &out->tied);
    if (status == NECK_OK) status = neck_checkpoint_tensor(out->checkpoint, index, &out->tensor);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, out->checkpoint, index, &out->matrix);
    if (status != NECK_OK) return measure_fail(error, status, path);
    const char *name = out->tensor.name;
    int64_t rows = out->matrix.rows;
    if (request->spectrum.row_weights && !check_count(path, name, "row weights", request->weight_count, rows, error))
        return 0;
    int fewer = request->counts_of_tokens && request->count_count < rows;
    if (fewer) measure_compare_tokens(request->count_count, rows);
    return !request->counts || fewer || check_count(path, name, "token counts", request->count_count, rows, error);
}

static int measure(neck_context *context, const subject *of, const measure_request *request, measured *out,
                   measure_error *error)
{
    const char *path = neck_checkpoint_path(of->checkpoint);
    neck_spectrum *spectrum;
    neck_status status = request->together ? share_spectrum(context, &of->matrix, &request->spectrum, &spectrum)
                                           : neck_spectrum_compute(context, &of->matrix, &request->spectrum, &spectrum);
    if (status != NECK_OK) return measure_fail(error, status, path);
    *out = (measured){.path = text_copy(path),
                      .tensor = text_copy(of->tensor.name),
                      .format = neck_checkpoint_format(of->checkpoint),
                      .dtype = of->tensor.dtype,
                      .tied = of->tied,
                      .rows = of->matrix.rows,
                      .cols = of->matrix.cols,
                      .spectrum = spectrum,
                      .metrics = evaluate_all(spectrum)};
    if (!request->together || ranks_rank() == 0) status = compare(context, &of->matrix, request, out);
    if (status == NECK_OK) return 1;
    measured_free(out);
    return measure_fail(error, status, path);
}

/* Ranks that share its rows must have the same matrix. */
static int alike(const subject *of, const measure_request *request, measure_error *error)
{
    const neck_matrix *m = &of->matrix;
    int64_t stride = m->row_stride ? m->row_stride : m->cols, entries = (m->rows - 1) * stride + m->cols;
    int64_t shape[] = {m->rows, m->cols, m->dtype, stride};
    uint64_t mark = share_mark(0, shape, sizeof shape);
    mark = share_mark(mark, m->data, (size_t)(entries * neck_dtype_size(m->dtype)));
    if (request->spectrum.row_weights)
        mark = share_mark(mark, request->spectrum.row_weights, (size_t)request->weight_count * sizeof(double));
    neck_status status = share_alike("the matrix or its weights", mark);
    return status == NECK_OK ? 1 : measure_fail(error, status, neck_checkpoint_path(of->checkpoint));
}

int measure_checkpoint(neck_context *context, const char *path, int64_t step, const measure_request *request,
                       measured *out, measure_error *error)
{
    subject of = {.checkpoint = NULL};
    int done = find(context, path, request, &of, error);
    if (request->together) done = measure_agree(done, error) && alike(&of, request, error);
    done = done && measure(context, &of, request, out, error);
    if (done) out->step = step;
    neck_checkpoint_destroy(of.checkpoint);
    return done;
}

void measured_free(measured *row)
{
    free(row->path);
    free(row->tensor);
    free(row->metrics);
    free(row->frequency);
    neck_spectrum_destroy(row->spectrum);
}

/* Token counts are often saved as integers, which are no matrix to the library. */
static int widen_integers(const neck_tensor *tensor, double *out, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *at = (const unsigned char *)tensor->data + i * neck_dtype_size(tensor->dtype);
        int32_t i32;
        uint32_t u32;
        int64_t i64;
        uint64_t u64;
        switch (tensor->dtype) {
        case NECK_I32: memcpy(&i32, at, sizeof i32), out[i] = i32; break;
        case NECK_U32: memcpy(&u32, at, sizeof u32), out[i] = u32; break;
        case NECK_I64: memcpy(&i64, at, sizeof i64), out[i] = (double)i64; break;
        case NECK_U64: memcpy(&u64, at, sizeof u64), out[i] = (double)u64; break;
        default: return 0;
        }
    }
    return 1;
}

static double *read_weights(neck_context *context, neck_checkpoint *file, int64_t *count, measure_error *error)
{
    const char *path = neck_checkpoint_path(file);
    neck_tensor tensor = {.struct_size = sizeof tensor};
    neck_matrix matrix;
    neck_status status = neck_checkpoint_tensor(file, 0, &tensor);
    int64_t numbers = 1;
    for (int32_t i = 0; i < tensor.ndim; i++) numbers *= tensor.shape[i];
    int one_column = tensor.ndim == 1 || (tensor.ndim == 2 && tensor.shape[1] == 1);
    if (status != NECK_OK || neck_checkpoint_tensor_count(file) != 1 || !one_column || numbers < 1) {
        error->status = NECK_E_ARGUMENT;
        snprintf(error->text, sizeof error->text, "%s: row weights are one .npy array of one dimension", path);
        return NULL;
    }
    double *weights = text_alloc((size_t)numbers * sizeof *weights);
    *count = numbers;
    if (tensor.data && widen_integers(&tensor, weights, numbers)) return weights;
    status = neck_checkpoint_matrix(context, file, 0, &matrix);
    if (status == NECK_OK) status = neck_matrix_to_f64(context, &matrix, weights);
    if (status == NECK_OK) return weights;
    free(weights);
    measure_fail(error, status, path);
    return NULL;
}

double *measure_weights(neck_context *context, const char *path, int64_t *count, measure_error *error)
{
    neck_checkpoint *file;
    neck_status status = neck_checkpoint_open(context, path, NULL, &file);
    if (status != NECK_OK) {
        measure_fail(error, status, path);
        return NULL;
    }
    double *weights = read_weights(context, file, count, error);
    neck_checkpoint_destroy(file);
    return weights;
}
