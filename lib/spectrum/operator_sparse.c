/* spectrum/operator_sparse.c - compressed sparse rows as an operator: the caller's rows, and a transposed copy, so that
 * products either way are sums in a fixed order. */
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "linalg/sparse.h"
#include "spectrum/operator.h"

typedef struct sparse_parts {
    neck__sparse plain, transposed;
    void *copy; /* what the transpose lives in */
} sparse_parts;

static neck_status apply(neck_context *context, const neck_operator *op, int transposed, int64_t count, const double *x,
                         double *y)
{
    const sparse_parts *parts = op->parts;
    neck__sparse_apply(context, transposed ? &parts->transposed : &parts->plain, count, x, y);
    return NECK_OK;
}

static void close_parts(neck_operator *op)
{
    neck__release(&op->allocator, ((sparse_parts *)op->parts)->copy);
}

static neck_status gram(neck_context *context, const neck_operator *op, int64_t count, const double *x, double *y)
{
    memset(y, 0, (size_t)(op->cols * count) * sizeof *y);
    return neck__sparse_add_gram(context, &((const sparse_parts *)op->parts)->plain, op->cols, count, x, y);
}

static const neck__operator_kind sparse = {apply, close_parts, gram};

static neck_status check(int64_t rows, int64_t cols, const int64_t *starts, const int32_t *columns,
                         const double *values)
{
    if (rows < 1 || cols < 1)
        return neck__fail(NECK_E_ARGUMENT, "a matrix has at least one row and column, not %lld x %lld", (long long)rows,
                          (long long)cols);
    if (rows > INT32_MAX || cols > INT32_MAX)
        return neck__fail(NECK_E_OVERFLOW, "a %lld x %lld sparse matrix: at most 2147483647 rows and columns",
                          (long long)rows, (long long)cols);
    if (!starts || !columns) return neck__fail(NECK_E_ARGUMENT, "starts or columns is NULL");
    if (starts[0] != 0) return neck__fail(NECK_E_ARGUMENT, "starts[0] is %lld, not 0", (long long)starts[0]);
    for (int64_t i = 0; i < rows; i++)
        if (starts[i + 1] < starts[i])
            return neck__fail(NECK_E_ARGUMENT, "starts[%lld] is below the one before it", (long long)i + 1);
    for (int64_t k = 0; k < starts[rows]; k++) {
        if (columns[k] < 0 || columns[k] >= cols)
            return neck__fail(NECK_E_ARGUMENT, "columns[%lld] is %d: the matrix has %lld columns", (long long)k,
                              (int)columns[k], (long long)cols);
        if (values && !isfinite(values[k]))
            return neck__fail(NECK_E_NONFINITE, "values[%lld] is %g", (long long)k, values[k]);
    }
    return NECK_OK;
}

/* The sum of squares of the entries; columns that occur twice in a row are summed first, in line (cols zeros). */
static double frobenius(const neck__sparse *matrix, double *line)
{
    double total = 0;
    for (int64_t row = 0; row < matrix->rows; row++) {
        int64_t from = matrix->starts[row], to = matrix->starts[row + 1];
        for (int64_t k = from; k < to; k++) line[matrix->columns[k]] += matrix->values ? matrix->values[k] : 1;
        for (int64_t k = from; k < to; k++) {
            total += line[matrix->columns[k]] * line[matrix->columns[k]];
            line[matrix->columns[k]] = 0;
        }
    }
    return total;
}

/* One allocation: starts, values, rows; doubles first so that all are aligned. */
static neck_status transpose(neck__allocator *allocator, int64_t cols, sparse_parts *parts)
{
    int64_t entries = parts->plain.starts[parts->plain.rows], values = parts->plain.values ? entries : 0, wide;
    if (!neck__add(cols + 1, values, &wide) || !neck__add(wide, (entries + 1) / 2, &wide))
        return neck__fail(NECK_E_OVERFLOW, "%lld entries are too many", (long long)entries);
    parts->copy = neck__alloc(allocator, wide, sizeof(double), "a transposed sparse matrix");
    if (!parts->copy) return NECK_E_NOMEM;
    int64_t *starts = parts->copy;
    double *copied = (double *)(starts + cols + 1);
    int32_t *rows = (int32_t *)(copied + values);
    neck__sparse_transpose(&parts->plain, cols, starts, rows, values ? copied : NULL);
    parts->transposed = (neck__sparse){cols, starts, rows, parts->plain.values ? copied : NULL};
    return NECK_OK;
}

neck_status neck_operator_sparse(neck_context *context, int64_t rows, int64_t cols, const int64_t *starts,
                                 const int32_t *columns, const double *values, neck_operator **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    NECK_TRY(check(rows, cols, starts, columns, values));
    neck__allocator allocator = neck__allocator_of(context);
    double *line = neck__calloc(&allocator, cols, sizeof *line, "a row");
    if (!line) return NECK_E_NOMEM;
    neck__sparse plain = {rows, starts, columns, values};
    double squares = frobenius(&plain, line);
    neck__release(&allocator, line);
    if (!isfinite(squares))
        return neck__fail(NECK_E_OVERFLOW, "the squares of the matrix exceed the range of double: scale it down");
    neck_operator *op;
    NECK_TRY(neck__operator_new(context, &sparse, rows, cols, squares, sizeof(sparse_parts), &op));
    sparse_parts *parts = op->parts;
    parts->plain = plain;
    neck_status status = transpose(&allocator, cols, parts);
    if (status != NECK_OK) {
        neck_operator_destroy(op);
        return status;
    }
    *out = op;
    return NECK_OK;
}
