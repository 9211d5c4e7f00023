/* tests/test_failmalloc_density.c - the density of a spectrum, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/density.h"

static double diagonal[ROWS];

static void drop_density(outputs *out) { neck_density_destroy(out->object); }

/* method: how many of the largest values to take out; variant: with the diagonal. The target is out of reach, so that
 * every part has its turn. */
static neck_status make_density(neck_context *context, const operation *self, outputs *out)
{
    double known = 0.5;
    neck_density_options options = {.struct_size = sizeof options, .probes = 12, .steps = 6, .block = 8,
                                    .deflate = self->method, .known_values = &known, .known_count = 1,
                                    .diagonal = self->variant ? diagonal : NULL, .target_width = 1e-9};
    neck_operator *op;
    neck_density *density;
    neck_status status = neck_operator_dense(context, self->matrix, &op);
    if (status != NECK_OK) return status;
    status = neck_density_compute(context, op, &options, &density);
    neck_operator_destroy(op);
    if (status == NECK_OK) out->object = density;
    return status;
}

static const operation operations[] = {
    {"density", make_density, drop_density, &wide, .method = 3},
    {"density with a diagonal", make_density, drop_density, &wide, .method = -1, .variant = 1},
};

/* Of wide's Gram matrix. */
static void setup(void)
{
    memset(diagonal, 0, sizeof diagonal);
    for (int i = 0; i < ROWS * COLS; i++) diagonal[i % ROWS] += (double)entries[i] * entries[i];
}

int main(void)
{
    return run_failmalloc("failmalloc_density", failmalloc_case(operations, COUNT(operations), setup, NULL));
}
