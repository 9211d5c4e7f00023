/* tests/test_head_file.c - heads on disk: what is read back, and files that are no heads. */
#include "head_support.h"

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
} place;

static place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "head.safetensors");
    return p;
}

static double loss_of(neck_head *head, int32_t dtype)
{
    double data[20];
    int32_t targets[] = {0, 3, 6, 2, 5};
    neck_matrix states = made_states(data, dtype, 5, 4, 3);
    neck_cross_entropy_result result = {.struct_size = sizeof result};
    ASSERT_OK(neck_head_loss(NULL, head, &states, targets, NULL, &result));
    return result.loss;
}

/* Every kind, both precisions, with and without the rest: parameters bit for bit, and a loss that needs every
 * option. */
START_TEST(what_is_saved_is_loaded)
{
    int32_t kind = FIRST_KIND + _i / 4, dtype = _i % 2 ? NECK_F64 : NECK_F32;
    place p = make_place();
    neck_head_options o = head_options(kind, dtype, 7, 4);
    if (_i % 4 > 1) {
        o.bias = 1;
        o.logit_scale = 0.3;
        o.soft_cap = kind <= NECK_HEAD_FACTORED ? 1.1 : 0;
    }
    neck_head *head = made_head(&o, 2, 7), *loaded = NULL;
    ASSERT_OK(neck_head_save(NULL, head, p.path));
    ASSERT_OK(neck_head_load(NULL, p.path, &loaded));
    ck_assert_int_eq(neck_head_kind(loaded), kind == NECK_HEAD_TIED ? NECK_HEAD_DENSE : kind);
    int64_t count, loaded_count;
    const neck_parameter *a = neck_head_parameters(head, &count), *b = neck_head_parameters(loaded, &loaded_count);
    ck_assert_int_eq(count, loaded_count);
    for (int64_t k = 0; k < count; k++) {
        ck_assert_str_eq(a[k].name, b[k].name);
        ck_assert(a[k].rows == b[k].rows && a[k].cols == b[k].cols && a[k].dtype == b[k].dtype
                  && a[k].flags == b[k].flags);
        ck_assert(a[k].data != b[k].data && a[k].gradient != b[k].gradient);
        ck_assert_mem_eq(a[k].data, b[k].data, (size_t)(a[k].rows * a[k].cols * neck_dtype_size(dtype)));
    }
    ck_assert(loss_of(head, dtype) == loss_of(loaded, dtype));
    ck_assert_int_eq(neck_head_rank_limit(head), neck_head_rank_limit(loaded));
    ck_assert_int_eq(scratch_count(p.folder), 1);
    neck_head_destroy(head);
    neck_head_destroy(loaded);
    scratch_remove(p.folder);
}
END_TEST

/* ---- files that are no heads: a good one with one thing changed ---- */

enum { KEYS = 10, TENSORS = 2 };

typedef struct change {
    neck_status status;
    const char *fragment;
    const char *key, *value; /* of the metadata; value NULL: left out */
    int tensor;              /* 1 or 2: weight or slopes, with the changes below */
    const char *name;        /* "": left out */
    int64_t rows, cols;
    int32_t dtype;
    int first_is_nan;
    int32_t dimensions; /* 0: two */
} change;

static const change changes[] = {
    {.status = NECK_OK, .fragment = ""},
    {NECK_E_FORMAT, "'slopes' is not the 1 x 9 F64", NULL, NULL, 2, "slopes", 1, 9, NECK_F64, 0, 3},
    {NECK_E_FORMAT, "no 'softneck'", "softneck", NULL, 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "not a head", "softneck", "head 2", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "not a head", "softneck", "gram 1", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "kind ''", "kind", NULL, 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "kind 'linear'", "kind", "linear", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "kind 'tied'", "kind", "tied", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "a dense head has no knots", "kind", "dense", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "no 'vocabulary'", "vocabulary", NULL, 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "vocabulary '-7' is not a number", "vocabulary", "-7", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "vocabulary '7x'", "vocabulary", "7x", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "vocabulary '99999999999999999999'", "vocabulary", "99999999999999999999", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "vocabulary is 0", "vocabulary", "0", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "'weight' is not the 8 x 4 F64", "vocabulary", "8", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "'weight' is not the 2147483647 x 4 F64", "vocabulary", "2147483647", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "'weight' is not the 7 x 5 F64", "hidden_size", "5", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "a plif head has no rank", "rank", "2", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "a plif head has no components", "components", "2", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "'slopes' is not the 1 x 8 F64", "knots", "8", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "knots is 99999999", "knots", "99999999", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "range '20.0' is not a number", "range", "20.0", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "range 'nan'", "range", "nan", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "range '0x1p9999'", "range", "0x1p9999", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "a plif head has no soft_cap", "soft_cap", "0x1p3", 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "no 'logit_scale'", "logit_scale", NULL, 0, NULL, 0, 0, 0, 0, 0},
    {NECK_E_FORMAT, "1 tensors, not the 2", NULL, NULL, 2, "", 1, 9, NECK_F64, 0, 0},
    {NECK_E_FORMAT, "without 'slopes'", NULL, NULL, 2, "slope", 1, 9, NECK_F64, 0, 0},
    {NECK_E_FORMAT, "without 'weight'", NULL, NULL, 1, "a", 7, 4, NECK_F64, 0, 0},
    {NECK_E_FORMAT, "1 tensors, not the 2", NULL, NULL, 1, "", 7, 4, NECK_F64, 0, 0},
    {NECK_E_FORMAT, "'slopes' is not the 1 x 9 F64", NULL, NULL, 2, "slopes", 9, 1, NECK_F64, 0, 0},
    {NECK_E_FORMAT, "'slopes' is not the 1 x 9 F64", NULL, NULL, 2, "slopes", 1, 9, NECK_F32, 0, 0},
    {NECK_E_FORMAT, "a head is F32 or F64", NULL, NULL, 1, "weight", 7, 4, NECK_BF16, 0, 0},
    {NECK_E_FORMAT, "a head is F32 or F64", NULL, NULL, 1, "weight", 7, 4, NECK_I32, 0, 0},
    {NECK_E_NONFINITE, "slopes: element (0, 0)", NULL, NULL, 2, "slopes", 1, 9, NECK_F64, 1, 0},
    {NECK_E_NONFINITE, "weight: element (0, 0)", NULL, NULL, 1, "weight", 7, 4, NECK_F64, 1, 0},
};

static void write_changed(const change *c, const char *path)
{
    static const char *const all_keys[KEYS] = {"softneck", "kind",  "vocabulary", "hidden_size", "rank",
                                               "components", "knots", "range",      "logit_scale", "soft_cap"};
    static const char *const all_values[KEYS] = {"head 1", "plif", "7", "4", "0", "0", "9", "0x3p-1", "0x1p0", "0x0p0"};
    const char *keys[KEYS], *values[KEYS];
    int64_t count = 0, tensor_count = 0;
    for (int i = 0; i < KEYS; i++) {
        int changed = c->key && strcmp(c->key, all_keys[i]) == 0;
        if (changed && !c->value) continue;
        keys[count] = all_keys[i];
        values[count++] = changed ? c->value : all_values[i];
    }
    double data[TENSORS][28] = {{0.5}, {0.5}};
    neck_tensor tensors[TENSORS];
    for (int i = 0; i < TENSORS; i++) {
        int changed = c->tensor == i + 1;
        if (changed && !c->name[0]) continue;
        neck_tensor t = {.struct_size = sizeof t, .name = i ? "slopes" : "weight", .dtype = NECK_F64, .ndim = 2,
                         .shape = {i ? 1 : 7, i ? 9 : 4}, .data = data[i]};
        if (changed) {
            t.name = c->name;
            t.dtype = c->dtype;
            t.shape[0] = c->rows;
            t.shape[1] = c->cols;
            t.ndim = c->dimensions ? c->dimensions : 2;
            t.shape[2] = 1;
            if (c->first_is_nan) data[i][0] = NAN;
        }
        t.nbytes = t.shape[0] * t.shape[1] * neck_dtype_size(t.dtype);
        tensors[tensor_count++] = t;
    }
    ASSERT_OK(neck_safetensors_write(NULL, path, tensors, tensor_count, keys, values, count));
}

START_TEST(other_files_are_refused)
{
    const change *c = &changes[_i];
    place p = make_place();
    neck_head *head = NULL;
    write_changed(c, p.path);
    neck_status status = neck_head_load(NULL, p.path, &head);
    ck_assert_msg(status == c->status, "%s: %s", neck_status_name(status), neck_last_error());
    ck_assert((head != NULL) == (status == NECK_OK));
    if (status != NECK_OK) ck_assert_msg(strstr(neck_last_error(), c->fragment), "%s", neck_last_error());
    if (status != NECK_OK) ck_assert(strstr(neck_last_error(), p.path) && !strchr(neck_last_error(), '\n'));
    neck_head_destroy(head);
    scratch_remove(p.folder);
}
END_TEST

/* Cut anywhere, a file is refused. */
START_TEST(truncated_files_are_refused)
{
    place p = make_place();
    neck_head_options o = head_options(NECK_HEAD_MOS, NECK_F32, 7, 4);
    neck_head *head = made_head(&o, 1, 1), *loaded = NULL;
    ASSERT_OK(neck_head_save(NULL, head, p.path));
    FILE *file = fopen(p.path, "rb");
    fseek(file, 0, SEEK_END);
    long size = ftell(file);
    fclose(file);
    for (long length = size - 1; length >= 0; length -= length > 40 ? 37 : 1) {
        ck_assert_int_eq(truncate(p.path, length), 0);
        neck_status status = neck_head_load(NULL, p.path, &loaded);
        ck_assert_msg(status == NECK_E_FORMAT, "%ld bytes: %s", length, neck_status_name(status));
        ck_assert_ptr_null(loaded);
    }
    neck_head_destroy(head);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(places_that_do_not_exist)
{
    neck_head_options o = head_options(NECK_HEAD_DENSE, NECK_F32, 7, 4);
    neck_head *head = made_head(&o, 1, 1), *loaded = NULL;
    ck_assert_int_eq(neck_head_save(NULL, head, "/no/such/folder/head.safetensors"), NECK_E_IO);
    ck_assert_int_eq(neck_head_load(NULL, "/no/such/folder/head.safetensors", &loaded), NECK_E_IO);
    ck_assert_int_eq(neck_head_save(NULL, NULL, "x"), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_head_save(NULL, head, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_head_load(NULL, NULL, &loaded), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_head_load(NULL, "x", NULL), NECK_E_ARGUMENT);
    char path[PATH_CAPACITY];
    source_path(path, "tests/golden/heads.npz");
    ASSERT_FAILS(neck_head_load(NULL, path, &loaded), NECK_E_FORMAT, "heads are safetensors files");
    ck_assert_ptr_null(loaded);
    neck_head_destroy(head);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_file");
    tcase_add_loop_test(tests, what_is_saved_is_loaded, 0, 4 * (LAST_KIND - FIRST_KIND + 1));
    tcase_add_loop_test(tests, other_files_are_refused, 0, (int)(sizeof changes / sizeof *changes));
    tcase_add_test(tests, truncated_files_are_refused);
    tcase_add_test(tests, places_that_do_not_exist);
    return run_suite("head_file", tests);
}
