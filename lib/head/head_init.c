/* head/head_init.c - first values: normal numbers, given weights, or their best approximation of a rank. */
#include <math.h>

#include "core/context.h"
#include "core/error.h"
#include "core/parallel.h"
#include "core/random.h"
#include "head/head_numbers.h"
#include "head/head_object.h"
#include "linalg/lapack.h"
#include "linalg/view.h"
#include "softneck/gram.h"

/* Numbers of a stream, rows of weights at a time. */
enum { BLOCK = 4096, ROWS = 4096 };

/* Every block of numbers has a stream of its own, so that threads do not show. */
typedef struct filling {
    const neck_parameter *parameter;
    uint64_t seed, stream;
    double std;
} filling;

static void fill_task(void *data, int64_t index)
{
    const filling *job = data;
    int64_t first = index * BLOCK, size = job->parameter->rows * job->parameter->cols;
    int64_t count = size - first < BLOCK ? size - first : BLOCK;
    double numbers[BLOCK];
    neck__random random = neck__random_seeded(job->seed, job->stream + (uint64_t)index);
    for (int64_t i = 0; i < count; i++) numbers[i] = job->std * neck__random_normal(&random);
    neck__head_narrow(job->parameter->dtype, numbers, count,
                      neck__head_at(job->parameter->dtype, job->parameter->data, first));
}

void neck__head_fill_normal(neck_context *context, neck_head *head, int64_t parameter, double std)
{
    const neck_parameter *p = &head->parameters[parameter];
    filling job = {p, neck__context_seed(context), (uint64_t)parameter << 56, std};
    neck__parallel(context, (p->rows * p->cols + BLOCK - 1) / BLOCK, fill_task, &job);
}

neck_status neck__head_start_weight(neck_context *context, neck_head *head, const neck_head_options *options)
{
    if (!options->weights) {
        neck__head_fill_normal(context, head, 0, options->init_std != 0 ? options->init_std : 0.02);
        return NECK_OK;
    }
    double *line = neck__alloc(&head->allocator, options->hidden_size, sizeof *line, "a row of weights");
    if (!line) return NECK_E_NOMEM;
    for (int64_t i = 0; i < options->vocabulary; i++) {
        neck__view_read(options->weights, i, 0, options->hidden_size, line);
        neck__head_narrow(head->options.dtype, line, options->hidden_size,
                          neck__head_at(head->options.dtype, head->parameters[0].data, i * options->hidden_size));
    }
    neck__release(&head->allocator, line);
    return NECK_OK;
}

/* ---- the best approximation: W = (W V) V^T with V the leading eigenvectors of W^T W ------------------------- */

/* d x d: rows are the eigenvectors, the leading one last. */
static neck_status find_directions(neck_context *context, const neck_matrix *weights, double *directions,
                                   double *values)
{
    int64_t d = weights->cols;
    neck_gram *gram;
    NECK_TRY(neck_gram_create(context, d, NULL, &gram));
    neck_status status = neck_gram_push(context, gram, weights);
    if (status == NECK_OK) {
        const double *data = neck_gram_data(gram);
        for (int64_t i = 0; i < d * d; i++) directions[i] = data[i];
        status = neck__symmetric_eigen(context, d, directions, values);
    }
    neck_gram_destroy(gram);
    return status;
}

/* A = W V^T for the leading directions V (rank x d), a block of rows at a time. */
static neck_status project(neck_context *context, neck_head *head, const neck_matrix *weights, const double *leading,
                           double *wide, double *product)
{
    int64_t d = weights->cols, rank = head->options.rank;
    for (int64_t row = 0; row < weights->rows; row += ROWS) {
        neck_matrix block = *weights;
        block.data = neck__view_row(weights, row);
        block.rows = weights->rows - row < ROWS ? weights->rows - row : ROWS;
        NECK_TRY(neck_matrix_to_f64(context, &block, wide));
        NECK_TRY(neck__head_product(context, NECK_F64, block.rows, rank, d, (neck__factor){wide, d, 1},
                                    (neck__factor){leading, 1, d}, product + row * rank, 0));
    }
    return NECK_OK;
}

/* W v of a direction v is left as A's column W v / sqrt(s), B's row v sqrt(s), s = |W v|; where W v is 0 but for
 * rounding B keeps v, so that training can still use it. The leading direction is the last. */
static void balance(neck_head *head, double *product, double *leading)
{
    neck_parameter *a = &head->parameters[0], *b = &head->parameters[1];
    int64_t rank = a->cols;
    double most = 0;
    for (int64_t k = rank - 1; k >= 0; k--) {
        double squares = 0;
        for (int64_t i = 0; i < a->rows; i++) squares += product[i * rank + k] * product[i * rank + k];
        if (k == rank - 1) most = squares;
        double root = squares > 1e-28 * most ? sqrt(sqrt(squares)) : 1;
        for (int64_t i = 0; i < a->rows; i++) product[i * rank + k] /= root;
        for (int64_t j = 0; j < b->cols; j++) leading[k * b->cols + j] *= root;
    }
    neck__head_narrow(a->dtype, product, a->rows * rank, a->data);
    neck__head_narrow(b->dtype, leading, rank * b->cols, b->data);
}

neck_status neck__head_start_truncated(neck_context *context, neck_head *head, const neck_matrix *weights)
{
    int64_t d = weights->cols, rank = head->options.rank, rows = weights->rows < ROWS ? weights->rows : ROWS;
    neck_status status = NECK_E_NOMEM;
    double *directions = neck__alloc(&head->allocator, d, d * (int64_t)sizeof(double), "eigenvectors of a head");
    double *values = neck__alloc(&head->allocator, d, sizeof *values, "eigenvalues of a head");
    double *product = neck__alloc(&head->allocator, weights->rows, rank * (int64_t)sizeof(double),
                                  "a factor of a head");
    double *wide = neck__alloc(&head->allocator, rows, d * (int64_t)sizeof(double), "rows of weights");
    if (directions && values && product && wide) {
        double *leading = directions + (d - rank) * d;
        status = find_directions(context, weights, directions, values);
        if (status == NECK_OK) status = project(context, head, weights, leading, wide, product);
        if (status == NECK_OK) balance(head, product, leading);
    }
    neck__release(&head->allocator, directions);
    neck__release(&head->allocator, values);
    neck__release(&head->allocator, product);
    neck__release(&head->allocator, wide);
    return status;
}
