/* optim/newton_schulz.c - the quintic iteration of Jordan et al. 2024. With X wide, A = X X^T and
 * X <- (a I + b A + c A^2) X; with X tall, A = X^T X and the factor stands on the right: no matrix is ever
 * transposed. */
#include "optim/newton_schulz.h"

#include <math.h>
#include <string.h>

#include "core/error.h"
#include "core/memory.h"
#include "linalg/matmul.h"
#include "optim/arrays.h"

static const double coefficients[] = {3.4445, -4.7750, 2.0315};

typedef struct iteration {
    neck_context *context;
    int32_t dtype;
    int64_t rows, cols, side; /* side: the smaller */
    void *gram, *factor;      /* side x side */
} iteration;

/* A packed matrix or its transpose. */
typedef struct operand {
    const void *data;
    int64_t cols; /* as stored */
    int transposed;
} operand;

/* c (m x n, packed) = a (m x depth) b (depth x n) */
static neck_status multiply(const iteration *t, int64_t m, int64_t n, int64_t depth, operand a, operand b, void *c)
{
    int64_t lda = a.transposed ? 1 : a.cols, step_a = a.transposed ? a.cols : 1;
    int64_t ldb = b.transposed ? 1 : b.cols, step_b = b.transposed ? b.cols : 1;
    if (t->dtype == NECK_F32)
        return neck__matmul_f32(t->context, m, n, depth, a.data, lda, step_a, b.data, ldb, step_b, c, n, 0);
    return neck__matmul_f64(t->context, m, n, depth, a.data, lda, step_a, b.data, ldb, step_b, c, n, 0);
}

static void add_to_diagonal(const iteration *t, double value)
{
    for (int64_t i = 0, at = 0; i < t->side; i++, at += t->side + 1) {
        if (t->dtype == NECK_F32)
            ((float *)t->factor)[at] += (float)value;
        else
            ((double *)t->factor)[at] += value;
    }
}

/* factor = a I + b A + c A^2 */
static neck_status make_factor(const iteration *t, const void *x)
{
    int tall = t->rows > t->cols;
    int64_t side = t->side, depth = tall ? t->rows : t->cols;
    operand gram = {t->gram, side, 0};
    NECK_TRY(multiply(t, side, side, depth, (operand){x, t->cols, tall}, (operand){x, t->cols, !tall}, t->gram));
    NECK_TRY(multiply(t, side, side, side, gram, gram, t->factor));
    neck__update numbers = {.keep = coefficients[2], .rate = coefficients[1]};
    neck__arrays_update(t->context, t->dtype, side * side, NECK__COMBINE, &numbers,
                        (void *[]){t->factor, t->gram, NULL, NULL});
    add_to_diagonal(t, coefficients[0]);
    return NECK_OK;
}

static neck_status iterate(const iteration *t, const void *x, void *out)
{
    NECK_TRY(make_factor(t, x));
    operand factor = {t->factor, t->side, 0}, matrix = {x, t->cols, 0};
    if (t->rows > t->cols) return multiply(t, t->rows, t->cols, t->side, matrix, factor, out);
    return multiply(t, t->rows, t->cols, t->side, factor, matrix, out);
}

static neck_status normalise(const iteration *t, void *x)
{
    double squares;
    NECK_TRY(neck__array_squares(t->context, t->dtype, t->rows * t->cols, x, &squares));
    neck__update numbers = {.keep = 1 / (sqrt(squares) + 1e-7)};
    neck__arrays_update(t->context, t->dtype, t->rows * t->cols, NECK__SCALE, &numbers,
                        (void *[]){x, NULL, NULL, NULL});
    return NECK_OK;
}

neck_status neck__newton_schulz(neck_context *context, int32_t dtype, int64_t rows, int64_t cols, int64_t steps,
                                void *x)
{
    neck__allocator allocator = neck__allocator_of(context);
    int64_t side = rows < cols ? rows : cols, element = neck_dtype_size(dtype), size = rows * cols;
    iteration t = {context, dtype, rows, cols, side, NULL, NULL};
    void *other = neck__alloc(&allocator, size, element, "a matrix of Newton-Schulz");
    t.gram = neck__alloc(&allocator, side * side, element, "a Gram matrix of Newton-Schulz");
    t.factor = neck__alloc(&allocator, side * side, element, "a factor of Newton-Schulz");
    neck_status status = other && t.gram && t.factor ? NECK_OK : NECK_E_NOMEM;
    if (status != NECK_OK) goto done;
    NECK_GOTO_DONE(normalise(&t, x));
    void *from = x, *to = other;
    for (int64_t step = 0; step < steps; step++) {
        NECK_GOTO_DONE(iterate(&t, from, to));
        void *swap = from;
        from = to;
        to = swap;
    }
    if (from != x) memcpy(x, from, (size_t)(size * element));
done:
    neck__release(&allocator, other);
    neck__release(&allocator, t.gram);
    neck__release(&allocator, t.factor);
    return status;
}
