/* tests/test_failmalloc_density.c - the density of a spectrum, with every allocation failing. */
#include "failmalloc.h"
#include "softneck/density.h"

static double diagonal[ROWS];

static void drop_density(outputs *out)
{
    neck_density *density;
    memcpy(&density, out, sizeof density);
    neck_density_destroy(density);
}

/* method: how many of the largest values to take out; variant: with the diagonal. The target is out of reach, so that every
 * part has its turn. */
static neck_status make_density(neck_context *context, const operation *self, outputs *out)
{
    double known = 0.5;
    neck_density_options options = {.struct_size = sizeof options, .probes = 12, .steps = 6, .block = 8, .deflate = self->method,
                                    .known_values = &known, .known_count = 1, .diagonal = self->variant ? diagonal : NULL,
                                    .target_width = 1e-9};
    neck_operator *op;
    neck_density *density;
    neck_status status = neck_operator_dense(context, self->matrix, &op);
    if (status != NECK_OK) return status;
    status = neck_density_compute(context, op, &options, &density);
    neck_operator_destroy(op);
    if (status == NECK_OK) memcpy(out, &density, sizeof density);
    return status;
}

START_TEST(every_allocation_fails)
{
    make_inputs();
    for (int i = 0; i < ROWS * COLS; i++) diagonal[i % ROWS] += (double)entries[i] * entries[i]; /* of wide: COLS x ROWS */
    static const operation operations[] = {{"density", make_density, .finish = drop_density, .matrix = &wide, .method = 3},
                                           {"density with a diagonal", make_density, .finish = drop_density, .matrix = &wide, .method = -1,
                                            .variant = 1}};
    fail_each_allocation(&operations[_i], 1, 0);
    fail_each_allocation(&operations[_i], 2, 1);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("failmalloc_density");
    TCase *tests = tcase_create("failmalloc_density");
    tcase_set_timeout(tests, 120);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, every_allocation_fails, 0, 2);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
