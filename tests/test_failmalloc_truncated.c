/* tests/test_failmalloc_truncated.c - top-k triplets, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/truncated.h"

enum { K = 5, LARGE = 160, START = ROWS };

/* Large enough for vectors to be found in single precision. */
static float more_entries[LARGE * LARGE];
static neck_matrix large = {.data = more_entries, .rows = LARGE, .cols = LARGE, .dtype = NECK_F32};

static void make_large(void)
{
    uint32_t state = 1;
    for (int i = 0; i < LARGE * LARGE; i++) {
        state = state * 1664525u + 1013904223u;
        more_entries[i] = (float)(state >> 8) * 0x1p-24f / (float)(1 + i % LARGE);
    }
}

static neck_status solve(neck_context *context, const operation *self, outputs *out)
{
    neck_operator *op;
    neck_status status = neck_operator_dense(context, self->matrix, &op);
    if (status != NECK_OK) return status;
    double start[START];
    for (int i = 0; i < START; i++) start[i] = i;
    neck_truncated_options options = {sizeof options, .method = self->method, .start = start, .start_count = 1};
    if (self->matrix == &large) options.tolerance = 1e-6;
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
    {"krylov, single precision", solve, NULL, &large, .method = NECK_METHOD_KRYLOV},
    {"krylov, wide", solve, NULL, &wide, .method = NECK_METHOD_KRYLOV},
    {"gram", solve, NULL, &half, .method = NECK_METHOD_GRAM},
    {"randomized", solve, NULL, &tall, .method = NECK_METHOD_RANDOMIZED},
    {"spectrum", part, drop_spectrum, .matrix = &tall},
};

int main(void)
{
    return run_failmalloc("failmalloc_truncated", failmalloc_case(operations, COUNT(operations), make_large, NULL));
}
