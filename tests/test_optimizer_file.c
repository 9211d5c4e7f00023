/* tests/test_optimizer_file.c - an optimizer's state on disk: going on is never having stopped; what does not fit is
 * refused and changes nothing. */
#include "optimizer_support.h"

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
} place;

static place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "state.safetensors");
    return p;
}

START_TEST(going_on_is_bit_identical)
{
    enum { HALF = 17, WHOLE = 40 };
    int32_t dtype = _i % 2 ? NECK_F64 : NECK_F32;
    const neck_optimizer_options *options = &rules[_i / 2];
    place at = make_place();
    static problem whole, half;
    problem_make(&whole, dtype);
    neck_optimizer *optimizer = optimizer_of(NULL, &whole, options);
    problem_run(NULL, &whole, optimizer, 0, WHOLE);
    neck_optimizer_destroy(optimizer);

    problem_make(&half, dtype);
    optimizer = optimizer_of(NULL, &half, options);
    problem_run(NULL, &half, optimizer, 0, HALF);
    ck_assert_msg(neck_optimizer_save(NULL, optimizer, at.path) == NECK_OK, "%s", neck_last_error());
    neck_optimizer_destroy(optimizer);
    ck_assert_int_eq(scratch_count(at.folder), 1);
    optimizer = optimizer_of(NULL, &half, options);
    ck_assert_msg(neck_optimizer_load(NULL, optimizer, at.path) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_optimizer_steps(optimizer), HALF);
    problem_run(NULL, &half, optimizer, HALF, WHOLE);
    assert_same_data(&half, &whole, "resumed and uninterrupted");
    neck_optimizer_destroy(optimizer);
    scratch_remove(at.folder);
}
END_TEST

/* Two states of equal content are equal files: nothing but the state is in them, in one order. */
START_TEST(what_is_saved_is_what_was_loaded)
{
    place at = make_place();
    char again[PATH_CAPACITY];
    scratch_file(again, at.folder, "again.safetensors");
    static problem p, q;
    problem_make(&p, NECK_F32);
    problem_make(&q, NECK_F32);
    neck_optimizer *a = optimizer_of(NULL, &p, &rules[_i]), *b = optimizer_of(NULL, &q, &rules[_i]);
    ck_assert_int_eq(neck_optimizer_set_group(a, 0, &rules[2]), NECK_OK); /* rules may be mixed */
    ck_assert_int_eq(neck_optimizer_set_group(b, 0, &rules[2]), NECK_OK);
    problem_run(NULL, &p, a, 0, 3);
    ck_assert_int_eq(neck_optimizer_save(NULL, a, at.path), NECK_OK);
    ck_assert_int_eq(neck_optimizer_load(NULL, b, at.path), NECK_OK);
    ck_assert_int_eq(neck_optimizer_save(NULL, b, again), NECK_OK);
    neck__mapping *first = map_file(at.path), *second = map_file(again);
    ck_assert_int_eq(first->size, second->size);
    ck_assert_mem_eq(first->data, second->data, (size_t)first->size);
    neck__mapping_close(first);
    neck__mapping_close(second);
    assert_fails(neck_optimizer_set_group(b, 0, &rules[0]), NECK_E_STATE, "3 steps", "a group after steps");
    neck_optimizer_destroy(a);
    neck_optimizer_destroy(b);
    scratch_remove(at.folder);
}
END_TEST

/* ---- refusals: a state is loaded that differs in one thing from what fits ---- */

static neck_tensor good_tensors[4];
static const char *good_keys[5], *good_values[5];
static float moments[4][LARGEST];

/* By hand, of the format's description: AdamW for two parameters. */
static void make_good(void)
{
    static const char *names[] = {"wide.exp_avg", "wide.exp_avg_sq", "tall.exp_avg", "tall.exp_avg_sq"};
    static const char *keys[] = {"softneck", "steps", "rule of wide", "rule of tall", "note"};
    static const char *values[] = {"optimizer 1", "12", "adamw F32 5 x 7", "adamw F32 9 x 4", "other keys are ignored"};
    for (int k = 0; k < 4; k++) {
        for (int i = 0; i < LARGEST; i++) moments[k][i] = 0.25f * (float)(i + 1);
        good_tensors[k] = (neck_tensor){.struct_size = sizeof(neck_tensor), .name = names[k], .dtype = NECK_F32,
                                        .ndim = 2, .shape = {shapes[k / 2].rows, shapes[k / 2].cols},
                                        .nbytes = 4 * size_of(k / 2), .data = moments[k]};
    }
    memcpy(good_keys, keys, sizeof keys);
    memcpy(good_values, values, sizeof values);
}

static const struct {
    const char *name, *fragment;
    neck_status status;
} faults[] = {
    {"nothing", "", NECK_OK},
    {"another format", "no state of an optimizer", NECK_E_FORMAT},
    {"steps that are no number", "steps is '12a'", NECK_E_FORMAT},
    {"steps that are too many", "steps is '99999", NECK_E_FORMAT},
    {"no steps", "steps is ''", NECK_E_FORMAT},
    {"another rule", "'sgd with momentum F32 5 x 7' in the file, 'adamw F32 5 x 7' here", NECK_E_FORMAT},
    {"another parameter", "has a parameter 'long'", NECK_E_FORMAT},
    {"a parameter less", "no parameter 'tall'", NECK_E_FORMAT},
    {"a tensor less", "tall.exp_avg_sq", NECK_E_FORMAT},
    {"another shape", "'wide.exp_avg' is not F32 of 5 x 7", NECK_E_FORMAT},
    {"another dtype", "'wide.exp_avg' is not F32 of 5 x 7", NECK_E_FORMAT},
    {"NaN", "'tall.exp_avg'", NECK_E_NONFINITE},
    {"a negative square", "'tall.exp_avg_sq' holds a negative", NECK_E_FORMAT},
};
enum { FAULTS = sizeof faults / sizeof faults[0] };

static void spoil(int fault, int64_t *tensors, int64_t *pairs)
{
    static float more[2 * LARGEST];
    switch (fault) {
    case 1: good_values[0] = "states 1"; break;
    case 2: good_values[1] = "12a"; break;
    case 3: good_values[1] = "9999999999999999999"; break;
    case 4: good_keys[1] = "stops"; break;
    case 5: good_values[2] = "sgd with momentum F32 5 x 7"; break;
    case 6: good_keys[4] = "rule of long"; break;
    case 7: *pairs = 3; break;
    case 8: *tensors = 3; break;
    case 9: good_tensors[0].shape[0] = 7, good_tensors[0].shape[1] = 5; break;
    case 10: good_tensors[0].dtype = NECK_F64, good_tensors[0].data = more, good_tensors[0].nbytes *= 2; break;
    case 11: moments[2][35] = NAN; break;
    case 12: moments[3][35] = -1e-9f; break;
    default: break;
    }
}

START_TEST(a_state_that_does_not_fit_changes_nothing)
{
    int64_t tensors = 4, pairs = 5;
    place at = make_place();
    static problem p, before;
    char kept[PATH_CAPACITY], after[PATH_CAPACITY];
    scratch_file(kept, at.folder, "kept.safetensors");
    scratch_file(after, at.folder, "after.safetensors");
    problem_make(&p, NECK_F32);
    neck_optimizer *optimizer = NULL;
    ck_assert_int_eq(neck_optimizer_create(NULL, &rules[0], p.parameters, 2, &optimizer), NECK_OK);
    problem_run(NULL, &p, optimizer, 0, 2);
    ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, kept), NECK_OK);
    before = p;
    make_good();
    spoil(_i, &tensors, &pairs);
    ck_assert_msg(neck_safetensors_write(NULL, at.path, good_tensors, tensors, good_keys, good_values,
                                         pairs) == NECK_OK, "%s",
                  neck_last_error());
    neck_status status = neck_optimizer_load(NULL, optimizer, at.path);
    if (faults[_i].status == NECK_OK) {
        ck_assert_msg(status == NECK_OK, "%s", neck_last_error());
        ck_assert_int_eq(neck_optimizer_steps(optimizer), 12);
    } else {
        assert_fails(status, faults[_i].status, faults[_i].fragment, faults[_i].name);
        ck_assert_ptr_nonnull(strstr(neck_last_error(), "state.safetensors"));
        ck_assert_int_eq(neck_optimizer_steps(optimizer), 2);
        ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, after), NECK_OK);
        neck__mapping *first = map_file(kept), *second = map_file(after);
        ck_assert_int_eq(first->size, second->size);
        ck_assert_mem_eq(first->data, second->data, (size_t)first->size);
        neck__mapping_close(first);
        neck__mapping_close(second);
    }
    assert_same_data(&p, &before, faults[_i].name);
    neck_optimizer_destroy(optimizer);
    scratch_remove(at.folder);
}
END_TEST

START_TEST(paths_that_cannot_be)
{
    place at = make_place();
    static problem p;
    problem_make(&p, NECK_F32);
    neck_optimizer *optimizer = optimizer_of(NULL, &p, &rules[0]);
    assert_fails(neck_optimizer_load(NULL, optimizer, at.path), NECK_E_IO, "state.safetensors", "no file");
    assert_fails(neck_optimizer_save(NULL, optimizer, "/nowhere/at/all"), NECK_E_IO, "/nowhere", "no folder");
    assert_fails(neck_optimizer_save(NULL, optimizer, NULL), NECK_E_ARGUMENT, "NULL", "no path");
    assert_fails(neck_optimizer_load(NULL, NULL, at.path), NECK_E_ARGUMENT, "NULL", "no optimizer");

    /* Cut short at every 64th byte. */
    ck_assert_int_eq(neck_optimizer_save(NULL, optimizer, at.path), NECK_OK);
    neck__mapping *file = map_file(at.path);
    int64_t size = file->size;
    neck__mapping_close(file);
    for (int64_t cut = size - 1; cut >= 0; cut -= 64) {
        ck_assert_int_eq(truncate(at.path, cut), 0);
        neck_status status = neck_optimizer_load(NULL, optimizer, at.path);
        ck_assert_msg(status == NECK_E_FORMAT, "cut at %lld: %s", (long long)cut, neck_status_name(status));
    }
    neck_optimizer_destroy(optimizer);
    scratch_remove(at.folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("optimizer file");
    tcase_add_loop_test(tcase, going_on_is_bit_identical, 0, 2 * RULES);
    tcase_add_loop_test(tcase, what_is_saved_is_what_was_loaded, 0, RULES);
    tcase_add_loop_test(tcase, a_state_that_does_not_fit_changes_nothing, 0, FAULTS);
    tcase_add_test(tcase, paths_that_cannot_be);
    return run_suite("optimizer file", tcase);
}
