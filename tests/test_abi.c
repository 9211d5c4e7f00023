/* tests/test_abi.c - what compiled callers rely on: numbers of constants, sizes and offsets of structs. A failure here
 * means that programs and bindings built against an earlier 0.x library would break. Options structs may grow at
 * their end: then a line is added below, and none is changed. */
#include <check.h>
#include <stddef.h>
#include <string.h>

#include "softneck.h"

#define FIELD(type, name, at) {#type "." #name, offsetof(type, name), at}

/* The layout of 64-bit systems, the only ones supported. */
static const struct {
    const char *name;
    size_t is, was;
} layout[] = {
    {"neck_status", sizeof(neck_status), 4},

    {"neck_matrix", sizeof(neck_matrix), 40}, /* frozen */
    FIELD(neck_matrix, data, 0),
    FIELD(neck_matrix, rows, 8),
    FIELD(neck_matrix, cols, 16),
    FIELD(neck_matrix, row_stride, 24),
    FIELD(neck_matrix, dtype, 32),
    FIELD(neck_matrix, reserved, 36),

    {"neck_measure", sizeof(neck_measure), 16}, /* frozen */
    FIELD(neck_measure, value, 0),
    FIELD(neck_measure, error, 8),

    FIELD(neck_progress, struct_size, 0),
    FIELD(neck_progress, task, 8),
    FIELD(neck_progress, unit, 16),
    FIELD(neck_progress, done, 24),
    FIELD(neck_progress, total, 32),

    FIELD(neck_context_options, struct_size, 0),
    FIELD(neck_context_options, threads, 8),
    FIELD(neck_context_options, reserved, 12),
    FIELD(neck_context_options, seed, 16),
    FIELD(neck_context_options, progress, 24),
    FIELD(neck_context_options, progress_user, 32),
    FIELD(neck_context_options, log, 40),
    FIELD(neck_context_options, log_user, 48),
    FIELD(neck_context_options, alloc, 56),
    FIELD(neck_context_options, release, 64),
    FIELD(neck_context_options, alloc_user, 72),

    FIELD(neck_gram_options, struct_size, 0),
    FIELD(neck_gram_options, shift, 8),
    FIELD(neck_gram_options, moments_only, 16),

    FIELD(neck_spectrum_options, struct_size, 0),
    FIELD(neck_spectrum_options, method, 8),
    FIELD(neck_spectrum_options, variant, 12),
    FIELD(neck_spectrum_options, row_weights, 16),
    FIELD(neck_spectrum_options, tolerance, 24),

    FIELD(neck_svd_options, struct_size, 0),
    FIELD(neck_svd_options, variant, 8),
    FIELD(neck_svd_options, row_weights, 16),

    FIELD(neck_power_law, struct_size, 0),
    FIELD(neck_power_law, alpha, 8),
    FIELD(neck_power_law, alpha_error, 16),
    FIELD(neck_power_law, standard_error, 24),
    FIELD(neck_power_law, ks_distance, 32),
    FIELD(neck_power_law, ks_error, 40),
    FIELD(neck_power_law, xmin, 48),
    FIELD(neck_power_law, tail_count, 56),

    FIELD(neck_checkpoint_options, struct_size, 0),
    FIELD(neck_checkpoint_options, allow_trailing, 8),

    FIELD(neck_tensor, struct_size, 0),
    FIELD(neck_tensor, name, 8),
    FIELD(neck_tensor, dtype, 16),
    FIELD(neck_tensor, ndim, 20),
    FIELD(neck_tensor, shape, 24),
    FIELD(neck_tensor, nbytes, 88),
    FIELD(neck_tensor, data, 96),
};

START_TEST(structs_keep_their_layout)
{
    ck_assert_msg(layout[_i].is == layout[_i].was, "%s: %zu, was %zu", layout[_i].name, layout[_i].is, layout[_i].was);
}
END_TEST

#define CONSTANT(name, number) {#name, name, number}

static const struct {
    const char *name;
    int is, was;
} constants[] = {
    CONSTANT(NECK_OK, 0),
    CONSTANT(NECK_E_ARGUMENT, -1),
    CONSTANT(NECK_E_NOMEM, -2),
    CONSTANT(NECK_E_NONFINITE, -3),
    CONSTANT(NECK_E_CANCELLED, -4),
    CONSTANT(NECK_E_IO, -5),
    CONSTANT(NECK_E_FORMAT, -6),
    CONSTANT(NECK_E_UNSUPPORTED, -7),
    CONSTANT(NECK_E_NOT_FOUND, -8),
    CONSTANT(NECK_E_OVERFLOW, -9),
    CONSTANT(NECK_E_CONVERGENCE, -10),
    CONSTANT(NECK_E_TRAILING_DATA, -11),
    CONSTANT(NECK_E_STATE, -12),
    CONSTANT(NECK_E_INTERNAL, -13),
    CONSTANT(NECK_F32, 1),
    CONSTANT(NECK_F64, 2),
    CONSTANT(NECK_F16, 3),
    CONSTANT(NECK_BF16, 4),
    CONSTANT(NECK_I8, 5),
    CONSTANT(NECK_U8, 6),
    CONSTANT(NECK_I16, 7),
    CONSTANT(NECK_U16, 8),
    CONSTANT(NECK_I32, 9),
    CONSTANT(NECK_U32, 10),
    CONSTANT(NECK_I64, 11),
    CONSTANT(NECK_U64, 12),
    CONSTANT(NECK_BOOL, 13),
    CONSTANT(NECK_F8_E4M3, 14),
    CONSTANT(NECK_F8_E5M2, 15),
    CONSTANT(NECK_C64, 16),
    CONSTANT(NECK_Q4_0, 17),
    CONSTANT(NECK_Q4_1, 18),
    CONSTANT(NECK_Q5_0, 19),
    CONSTANT(NECK_Q5_1, 20),
    CONSTANT(NECK_Q8_0, 21),
    CONSTANT(NECK_Q2_K, 22),
    CONSTANT(NECK_Q3_K, 23),
    CONSTANT(NECK_Q4_K, 24),
    CONSTANT(NECK_Q5_K, 25),
    CONSTANT(NECK_Q6_K, 26),
    CONSTANT(NECK_METHOD_AUTO, 0),
    CONSTANT(NECK_METHOD_GRAM, 1),
    CONSTANT(NECK_METHOD_QR, 2),
    CONSTANT(NECK_METHOD_GIVEN, 3),
    CONSTANT(NECK_VARIANT_RAW, 0),
    CONSTANT(NECK_VARIANT_CENTERED, 1),
    CONSTANT(NECK_VARIANT_FREQUENCY_CENTERED, 2),
    CONSTANT(NECK_VARIANT_DROP_TOP, 3),
    CONSTANT(NECK_P_SQUARED, 0),
    CONSTANT(NECK_P_LINEAR, 1),
    CONSTANT(NECK_FORMAT_SAFETENSORS, 1),
    CONSTANT(NECK_FORMAT_NPY, 2),
    CONSTANT(NECK_FORMAT_NPZ, 3),
    CONSTANT(NECK_FORMAT_LLAMA2C, 4),
    CONSTANT(NECK_FORMAT_TORCH, 5),
    CONSTANT(NECK_FORMAT_GGUF, 6),
    CONSTANT(NECK_MAX_DIMS, 8),
    CONSTANT(NECK_ABI_VERSION, 0),
};

START_TEST(constants_keep_their_numbers)
{
    ck_assert_msg(constants[_i].is == constants[_i].was, "%s: %d, was %d", constants[_i].name, constants[_i].is,
                  constants[_i].was);
}
END_TEST

START_TEST(names_say_what_numbers_mean)
{
    static const struct {
        int32_t dtype;
        int64_t size;
        const char *name;
    } dtypes[] = {{1, 4, "F32"}, {2, 8, "F64"}, {3, 2, "F16"}, {4, 2, "BF16"}, {5, 1, "I8"},     {6, 1, "U8"},
                  {7, 2, "I16"}, {8, 2, "U16"}, {9, 4, "I32"}, {10, 4, "U32"}, {11, 8, "I64"},   {12, 8, "U64"},
                  {13, 1, "BOOL"}, {14, 1, "F8_E4M3"}, {15, 1, "F8_E5M2"}, {16, 8, "C64"}, {0, 0, "?"}, {27, 0, "?"},
                  {17, 0, "Q4_0"}, {21, 0, "Q8_0"}, {26, 0, "Q6_K"}, {-1, 0, "?"}, {INT32_MAX, 0, "?"},
                  {INT32_MIN, 0, "?"}};
    for (size_t i = 0; i < sizeof dtypes / sizeof *dtypes; i++) {
        ck_assert_int_eq(neck_dtype_size(dtypes[i].dtype), dtypes[i].size);
        ck_assert_str_eq(neck_dtype_name(dtypes[i].dtype), dtypes[i].name);
    }
    static const char *const methods[] = {"auto", "gram", "qr", "given", "krylov", "randomized", "parts"};
    for (int32_t i = 0; i < 7; i++) ck_assert_str_eq(neck_method_name(i), methods[i]);
    ck_assert_str_eq(neck_method_name(7), "?");
    ck_assert_str_eq(neck_method_name(-1), "?");
    static const char *const variants[] = {"raw", "centered", "frequency_centered", "drop_top"};
    for (int32_t i = 0; i < 4; i++) {
        int32_t found = -1;
        ck_assert_str_eq(neck_variant_name(i), variants[i]);
        ck_assert_int_eq(neck_variant_find(variants[i], &found), NECK_OK);
        ck_assert_int_eq(found, i);
    }
    ck_assert_str_eq(neck_variant_name(4), "?");
    static const char *const formats[] = {"?", "safetensors", "npy", "npz", "llama2.c", "torch", "gguf", "?"};
    for (int32_t i = 0; i < 8; i++) ck_assert_str_eq(neck_format_name(i), formats[i]);
}
END_TEST

#define COUNT(array) (int)(sizeof(array) / sizeof *(array))

int main(void)
{
    Suite *suite = suite_create("abi");
    TCase *tests = tcase_create("abi");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, structs_keep_their_layout, 0, COUNT(layout));
    tcase_add_loop_test(tests, constants_keep_their_numbers, 0, COUNT(constants));
    tcase_add_test(tests, names_say_what_numbers_mean);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
