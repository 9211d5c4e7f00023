/* tests/test_head_curve.c - a head trained by our loss and our AdamW: PyTorch's loss curve, and the same bits after a
 * stop. */
#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "constructed.h"

enum { ROWS = 256, VOCABULARY = 97, WIDTH = 16, BATCH = 64, STEPS = 100 };

typedef struct run {
    float *states;
    int32_t targets[ROWS];
    neck_head *head;
    neck_optimizer *optimizer;
} run;

static run begin(void)
{
    run r;
    uint64_t seed = 4047;
    double *drawn = malloc((ROWS * WIDTH + VOCABULARY * WIDTH) * sizeof *drawn);
    for (int64_t i = 0; i < ROWS * WIDTH + VOCABULARY * WIDTH; i++) drawn[i] = next_number(&seed);
    for (int64_t i = 0; i < ROWS; i++) r.targets[i] = (int32_t)((next_number(&seed) + 1) / 2 * VOCABULARY);
    r.states = as_dtype(drawn, ROWS * WIDTH, NECK_F32);
    neck_matrix weights = {drawn + ROWS * WIDTH, VOCABULARY, WIDTH, 0, NECK_F64, 0};
    neck_head_options options = {.struct_size = sizeof options, .vocabulary = VOCABULARY, .hidden_size = WIDTH,
                                 .weights = &weights};
    ck_assert_msg(neck_head_create(NULL, &options, &r.head) == NECK_OK, "%s", neck_last_error());
    neck_optimizer_options adamw = {.struct_size = sizeof adamw, .learning_rate = 0.02, .beta1 = 0.9, .beta2 = 0.95,
                                    .weight_decay = 0.1};
    int64_t count;
    const neck_parameter *parameters = neck_head_parameters(r.head, &count);
    ck_assert_msg(neck_optimizer_create(NULL, &adamw, parameters, count, &r.optimizer) == NECK_OK, "%s",
                  neck_last_error());
    free(drawn);
    return r;
}

static void end(run *r)
{
    neck_optimizer_destroy(r->optimizer);
    neck_head_destroy(r->head);
    free(r->states);
}

static double step(run *r, int number)
{
    int64_t first = number * BATCH % ROWS;
    neck_matrix batch = {r->states + first * WIDTH, BATCH, WIDTH, 0, NECK_F32, 0};
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ck_assert_int_eq(neck_head_gradient(NULL, r->head, &batch, r->targets + first, NULL, NULL, &result), NECK_OK);
    ck_assert_int_eq(neck_optimizer_step(NULL, r->optimizer, 1), NECK_OK);
    return result.loss;
}

START_TEST(torch_walks_the_same_way)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/head_curve.json", root ? root : ".");
    json_t *curve = json_load_file(path, 0, NULL);
    ck_assert_uint_eq(json_array_size(curve), STEPS);
    run r = begin();
    for (int i = 0; i < STEPS; i++)
        ck_assert_double_le(fabs(step(&r, i) - json_number_value(json_array_get(curve, (size_t)i))), 1e-5);
    end(&r);
    json_decref(curve);
}
END_TEST

/* Stopped after each of some steps, saved, and taken up by a new head and a new optimizer. */
START_TEST(a_stop_does_not_show)
{
    char folder[] = "/tmp/softneck-curve-XXXXXX", head[64], state[64];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(head, sizeof head, "%s/head", folder);
    snprintf(state, sizeof state, "%s/state", folder);
    run whole = begin(), part = begin();
    for (int i = 0; i < 40; i++) {
        ck_assert_double_eq(step(&whole, i), step(&part, i));
        if (i % 7) continue;
        ck_assert_int_eq(neck_head_save(NULL, part.head, head), NECK_OK);
        ck_assert_int_eq(neck_optimizer_save(NULL, part.optimizer, state), NECK_OK);
        end(&part);
        part = begin();
        int64_t count;
        neck_head_destroy(part.head);
        neck_optimizer_destroy(part.optimizer);
        ck_assert_int_eq(neck_head_load(NULL, head, &part.head), NECK_OK);
        const neck_parameter *parameters = neck_head_parameters(part.head, &count);
        neck_optimizer_options adamw = {.struct_size = sizeof adamw, .learning_rate = 0.02, .beta1 = 0.9, .beta2 = 0.95,
                                        .weight_decay = 0.1};
        ck_assert_int_eq(neck_optimizer_create(NULL, &adamw, parameters, count, &part.optimizer), NECK_OK);
        ck_assert_int_eq(neck_optimizer_load(NULL, part.optimizer, state), NECK_OK);
    }
    end(&whole);
    end(&part);
    unlink(head), unlink(state), rmdir(folder);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("head_curve");
    TCase *all = tcase_create("all");
    tcase_add_test(all, torch_walks_the_same_way);
    tcase_add_test(all, a_stop_does_not_show);
    suite_add_tcase(suite, all);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
