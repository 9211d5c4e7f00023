/* tests/test_states_file.c - hidden states on disk: what is read back, rounding, refusals, nothing half-written. */
#include <check.h>
#include <math.h>

#include "format_support.h"
#include "kernels/kernels.h"

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
} place;

static place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "states.safetensors");
    return p;
}

static neck_tensor read_tensor(neck_checkpoint *checkpoint, const char *name)
{
    int64_t index = 0;
    neck_tensor tensor = {.struct_size = sizeof tensor};
    ck_assert_msg(neck_checkpoint_find(checkpoint, name, &index) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
    return tensor;
}

static const int32_t dtypes[] = {NECK_F32, NECK_F16, NECK_BF16};

/* Several blocks, one with row padding, come back as one matrix with their targets. */
START_TEST(what_is_pushed_is_read_back)
{
    enum { WIDTH = 5, ROWS = 7 };
    place p = make_place();
    float values[ROWS * WIDTH];
    int32_t targets[4] = {3, 1, 4, 1};
    for (int i = 0; i < ROWS * WIDTH; i++) values[i] = (float)(i - 12) * 0.25f; /* exact in every dtype */
    neck_matrix first = {values, 4, WIDTH, 0, NECK_F32, 0}, rest = {values + 4 * WIDTH, 3, WIDTH, WIDTH, NECK_F32, 0};
    neck_states_file *file = NULL;
    ck_assert_msg(neck_states_file_create(NULL, p.path, WIDTH, dtypes[_i], &file) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_states_file_push(file, &first, targets), NECK_OK);
    ck_assert_int_eq(neck_states_file_push(file, &rest, NULL), NECK_OK);
    ck_assert_int_eq(access(p.path, F_OK), -1);
    ck_assert_msg(neck_states_file_finish(file) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_states_file_push(file, &first, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_states_file_finish(file), NECK_E_ARGUMENT);
    neck_states_file_destroy(file);
    ck_assert_int_eq(scratch_count(p.folder), 1);
    neck_checkpoint *checkpoint = NULL;
    ck_assert_msg(neck_checkpoint_open(NULL, p.path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    neck_tensor states = read_tensor(checkpoint, "states"), read_targets = read_tensor(checkpoint, "targets");
    ck_assert_int_eq(states.dtype, dtypes[_i]);
    ck_assert_int_eq(states.shape[0], ROWS);
    ck_assert_int_eq(states.shape[1], WIDTH);
    ck_assert_uint_eq((uintptr_t)states.data % 64, 0);
    neck_matrix view = {states.data, ROWS, WIDTH, 0, states.dtype, 0};
    double wide[ROWS * WIDTH];
    ck_assert_int_eq(neck_matrix_to_f64(NULL, &view, wide), NECK_OK);
    for (int i = 0; i < ROWS * WIDTH; i++) ck_assert_double_eq(wide[i], (double)values[i]);
    for (int i = 0; i < ROWS; i++) {
        int32_t target;
        memcpy(&target, (const char *)read_targets.data + 4 * i, 4);
        ck_assert_int_eq(target, i < 4 ? targets[i] : NECK_NO_TARGET);
    }
    neck_checkpoint_destroy(checkpoint);
    scratch_remove(p.folder);
}
END_TEST

/* Every neighbour pair of 16-bit numbers: values at, just below and just above their middle go where nearest-even
 * says. */
START_TEST(narrowing_rounds_to_nearest_even)
{
    int32_t dtype = dtypes[1 + _i];
    double (*widen)(uint16_t) = dtype == NECK_F16 ? neck__f16_to_f64 : neck__bf16_to_f64;
    uint16_t last = dtype == NECK_F16 ? 0x7BFF : 0x7F7F;
    int64_t rows = 0;
    float *values = malloc((size_t)last * 3 * sizeof *values);
    uint16_t *expected = malloc((size_t)last * 3 * sizeof *expected);
    for (uint32_t bits = 0; bits < last; bits++) {
        double low = widen((uint16_t)bits), high = widen((uint16_t)(bits + 1));
        float middle = (float)((low + high) / 2);
        if ((double)middle != (low + high) / 2) continue; /* below the range of float */
        values[rows] = middle;
        expected[rows++] = (uint16_t)(bits + (bits & 1));
        values[rows] = nextafterf(middle, 0);
        expected[rows++] = (uint16_t)bits;
        values[rows] = -nextafterf(middle, INFINITY);
        expected[rows++] = (uint16_t)((bits + 1) | 0x8000);
    }
    ck_assert_int_gt(rows, 90000);
    place p = make_place();
    neck_states_file *file = NULL;
    neck_matrix view = {values, rows, 1, 0, NECK_F32, 0};
    ck_assert_int_eq(neck_states_file_create(NULL, p.path, 1, dtype, &file), NECK_OK);
    ck_assert_msg(neck_states_file_push(file, &view, NULL) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_states_file_finish(file), NECK_OK);
    neck_states_file_destroy(file);
    neck_checkpoint *checkpoint = NULL;
    ck_assert_int_eq(neck_checkpoint_open(NULL, p.path, NULL, &checkpoint), NECK_OK);
    const uint16_t *found = read_tensor(checkpoint, "states").data;
    for (int64_t i = 0; i < rows; i++)
        ck_assert_msg(found[i] == expected[i], "%a became %04x, not %04x", (double)values[i], found[i], expected[i]);
    neck_checkpoint_destroy(checkpoint);
    scratch_remove(p.folder);
    free(values);
    free(expected);
}
END_TEST

START_TEST(what_does_not_fit_is_refused_and_nothing_is_left)
{
    place p = make_place();
    neck_states_file *file = NULL;
    float values[] = {1, 2, 65519.0f, 65520.0f, NAN, 3};
    neck_matrix fits = {values, 1, 3, 0, NECK_F32, 0}, large = {values + 3, 1, 3, 0, NECK_F32, 0};
    neck_matrix narrow = {values, 1, 2, 0, NECK_F32, 0};
    assert_fails(neck_states_file_create(NULL, p.path, 0, NECK_F16, &file), NECK_E_ARGUMENT, "width is 0", "create");
    assert_fails(neck_states_file_create(NULL, p.path, 3, NECK_F64, &file), NECK_E_ARGUMENT, "not F64", "create");
    assert_fails(neck_states_file_create(NULL, "/nowhere/at/all", 3, NECK_F32, &file), NECK_E_IO, "/nowhere", "create");
    ck_assert_ptr_null(file);
    ck_assert_int_eq(neck_states_file_create(NULL, p.path, 3, NECK_F16, &file), NECK_OK);
    assert_fails(neck_states_file_finish(file), NECK_E_STATE, "no states", "finish");
    ck_assert_int_eq(neck_states_file_push(file, &fits, NULL), NECK_OK);
    assert_fails(neck_states_file_push(file, &large, NULL), NECK_E_OVERFLOW,
                 "65520 (row 0, column 0) does not fit in F16", "push");
    values[3] = 5;
    assert_fails(neck_states_file_push(file, &large, NULL), NECK_E_OVERFLOW, "column 1", "push");
    assert_fails(neck_states_file_push(file, &narrow, NULL), NECK_E_ARGUMENT, "width 2", "push");
    neck_states_file_destroy(file);
    neck_states_file_destroy(NULL);
    ck_assert_int_eq(scratch_count(p.folder), 0);
    scratch_remove(p.folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("states file");
    tcase_add_loop_test(tcase, what_is_pushed_is_read_back, 0, 3);
    tcase_add_loop_test(tcase, narrowing_rounds_to_nearest_even, 0, 2);
    tcase_add_test(tcase, what_does_not_fit_is_refused_and_nothing_is_left);
    return run_suite("states file", tcase);
}
