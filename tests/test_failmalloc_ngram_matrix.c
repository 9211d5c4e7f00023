/* tests/test_failmalloc_ngram_matrix.c - every allocation of making, multiplying and solving an n-gram matrix fails
 * once. */
#include "failmalloc.h"
#include "ngram/ngram_matrix.h"
#include "softneck/ngram_rows.h"
#include "spectrum/operator.h"

enum { VOCABULARY = 30, TOKENS = 2000 };

static neck_ngrams *ngrams; /* counted with the default allocator: counting has a test of its own */

static void setup(void)
{
    static int32_t ids[TOKENS];
    uint32_t state = 1;
    for (int i = 0; i < TOKENS; i++) {
        state = state * 1664525u + 1013904223u;
        ids[i] = (int32_t)((state >> 16) % VOCABULARY * (state >> 24) >> 8);
    }
    ck_assert_int_eq(neck_ngrams_count(NULL, ids, TOKENS, NULL, 0, VOCABULARY, 3, &ngrams), NECK_OK);
}
static void teardown(void) { neck_ngrams_destroy(ngrams); }

static neck_status create(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_ngram_matrix *matrix = NULL;
    neck_status status = neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_UNIFORM, &matrix);
    ck_assert((status == NECK_OK) == (matrix != NULL));
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_ngram_matrix_destroy(matrix);
    return status;
}

static neck_status spectrum(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_ngram_matrix *matrix = NULL;
    neck_status status = neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_COUNT, &matrix);
    if (status == NECK_OK) status = neck_ngram_matrix_spectrum(context, matrix, 0, &out->spectrum);
    neck_ngram_matrix_destroy(matrix);
    return status;
}

static void destroy_spectrum(outputs *out) { neck_spectrum_destroy(out->spectrum); }

static neck_status rest(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_ngram_matrix *matrix = NULL;
    neck_status status = neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_ROOT_COUNT, &matrix);
    if (status == NECK_OK) status = neck_ngram_matrix_rest(context, matrix, out->numbers, out->numbers + VOCABULARY);
    neck_ngram_matrix_destroy(matrix);
    return status;
}

static neck_status products(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    static double x[VOCABULARY * 2], y[TOKENS * 2];
    neck_ngram_matrix *matrix = NULL;
    neck_status status = neck_ngram_matrix_create(context, ngrams, NECK_WEIGHT_UNIFORM, &matrix);
    const neck_operator *op = neck_ngram_matrix_operator(matrix);
    if (status == NECK_OK) status = neck_operator_apply(context, op, 0, 2, x, y);
    if (status == NECK_OK) status = neck_operator_apply(context, op, 1, 2, y, x);
    if (status == NECK_OK) status = neck__operator_gram(context, op, 2, x, y);
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_ngram_matrix_destroy(matrix);
    return status;
}

/* Rows that are looked at, added to others and made a matrix. */
static neck_status moving(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_ngram_rows *from = NULL, *to = NULL;
    neck_ngram_matrix *matrix = NULL;
    neck_ngram_rows_view view = {.struct_size = sizeof view};
    neck_status status = neck_ngram_rows_create(context, VOCABULARY, &from);
    if (status == NECK_OK) status = neck_ngram_rows_read(context, from, ngrams, NECK_WEIGHT_UNIFORM);
    if (status == NECK_OK) status = neck_ngram_rows_create(context, VOCABULARY, &to);
    if (status == NECK_OK) status = neck_ngram_rows_look(from, &view);
    if (status == NECK_OK) status = neck_ngram_rows_add(context, to, &view);
    if (status == NECK_OK) status = neck_ngram_matrix_of_rows(context, to, &matrix);
    ck_assert((status == NECK_OK) == (matrix != NULL));
    if (status == NECK_OK) out->numbers[0] = 0;
    neck_ngram_matrix_destroy(matrix);
    neck_ngram_rows_destroy(from);
    neck_ngram_rows_destroy(to);
    return status;
}

/* A spectrum of estimates. */
static neck_status estimates(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    const double values[2] = {1, 2}, bounds[2] = {0.5, 0.25};
    return neck_spectrum_from_estimates(context, values, bounds, 2, 2, 2, 5, 0, NECK_METHOD_PARTS, &out->spectrum);
}

static const operation operations[] = {
    {.name = "moving", .run = moving},
    {.name = "estimates", .run = estimates, .finish = destroy_spectrum},
    {.name = "create", .run = create},
    {.name = "spectrum", .run = spectrum, .finish = destroy_spectrum},
    {.name = "rest", .run = rest},
    {.name = "products", .run = products},
};

int main(void)
{
    return run_failmalloc("failmalloc_ngram_matrix", failmalloc_case(operations, COUNT(operations), setup, teardown));
}
