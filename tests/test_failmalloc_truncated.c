/* tests/test_failmalloc_truncated.c - top-k triplets, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/truncated.h"

enum { K = 5 };

static neck_status solve(neck_context *context, const operation *self, outputs *out)
{
    neck_operator *op;
    neck_status status = neck_operator_dense(context, self->matrix, &op);
    if (status != NECK_OK) return status;
    double start[ROWS];
    for (int i = 0; i < ROWS; i++) start[i] = i;
    neck_truncated_options options = {sizeof options, .method = self->method, .start = start, .start_count = 1};
    double *values = out->numbers, *left = values + K, *right = left + self->matrix->rows * K;
    status = neck_truncated_svd(context, op, K, &options, values, left, right, NULL, NULL, NULL);
    neck_operator_destroy(op);
    return status;
}

static neck_status part(neck_context *context, const operation *self, outputs *out)
{
    neck_operator *op;
    neck_status status = neck_operator_dense(context, self->matrix, &op);
    if (status != NECK_OK) return status;
    status = neck_truncated_spectrum(context, op, K, NULL, &out->spectrum);
    neck_operator_destroy(op);
    return status;
}

static void drop_spectrum(outputs *out) { neck_spectrum_destroy(out->spectrum); }

static const operation operations[] = {
    {"krylov", solve, NULL, &tall, .method = NECK_METHOD_KRYLOV},
    {"krylov, wide", solve, NULL, &wide, .method = NECK_METHOD_KRYLOV},
    {"gram", solve, NULL, &half, .method = NECK_METHOD_GRAM},
    {"randomized", solve, NULL, &tall, .method = NECK_METHOD_RANDOMIZED},
    {"spectrum", part, drop_spectrum, .matrix = &tall},
};

int main(void)
{
    return run_failmalloc("failmalloc_truncated", failmalloc_case(operations, COUNT(operations), NULL, NULL));
}
