/* tests/test_npy.c - reading what NumPy writes, refusing the rest, and writing what NumPy would. */
#include "format_support.h"

#include <math.h>

#define FORMAT NECK_E_FORMAT
#define UNSUPPORTED NECK_E_UNSUPPORTED

static const refusal refusals[] = {
    {"empty", FORMAT, "0 bytes are too short"},
    {"short", FORMAT, "8 bytes are too short"},
    {"magic", FORMAT, "no .npy magic number"},
    {"version_0", UNSUPPORTED, "version 0.0"},
    {"version_4", UNSUPPORTED, "version 4.0"},
    {"version_1_1", UNSUPPORTED, "version 1.1"},
    {"length_cut", FORMAT, "truncated in the header's length"},
    {"header_huge", FORMAT, "header length 4294967295 exceeds the limit of 65536"},
    {"header_over_limit", FORMAT, "exceeds the limit of 65536"},
    {"header_longer_than_file", FORMAT, "header length 200, but only 60 bytes follow"},
    {"header_empty", FORMAT, "not a dict"},
    {"header_list", FORMAT, "not a dict"},
    {"header_call", FORMAT, "not a dict"},
    {"header_unclosed", FORMAT, "not a dict with text keys"},
    {"header_text_after", FORMAT, "followed by other text"},
    {"header_no_comma", FORMAT, "not separated by commas"},
    {"header_nul", FORMAT, "followed by other text"},
    {"key_number", FORMAT, "not a dict with text keys"},
    {"key_unknown", FORMAT, "unknown member 'x'"},
    {"key_missing", FORMAT, "lacks 'fortran_order'"},
    {"key_twice", FORMAT, "two members 'descr'"},
    {"descr_object", UNSUPPORTED, "Python objects are refused"},
    {"descr_structured", UNSUPPORTED, "structured arrays"},
    {"descr_void", UNSUPPORTED, "'|V2' is not a supported type"},
    {"descr_text", UNSUPPORTED, "'<U1' is not a supported type"},
    {"descr_date", UNSUPPORTED, "'<M8[s]' is not a supported type"},
    {"descr_long_double", UNSUPPORTED, "'<f16' is not a supported type"},
    {"descr_complex128", UNSUPPORTED, "'<c16' is not a supported type"},
    {"descr_no_order", FORMAT, "'f4' is not a byte order and a type"},
    {"descr_nul_order", FORMAT, "is not a byte order and a type"},
    {"descr_empty", FORMAT, "'' is not a byte order and a type"},
    {"descr_number", FORMAT, "descr is not a string"},
    {"descr_unclosed", UNSUPPORTED, "'<f4, ' is not a supported type"},
    {"order_number", FORMAT, "neither True nor False"},
    {"order_text", FORMAT, "neither True nor False"},
    {"shape_number", FORMAT, "shape is not a tuple"},
    {"shape_parenthesised", FORMAT, "a number in parentheses"},
    {"shape_list", FORMAT, "shape is not a tuple"},
    {"shape_negative", FORMAT, "something else than non-negative integers"},
    {"shape_real", FORMAT, "not a tuple of numbers"},
    {"shape_no_comma", FORMAT, "not a tuple of numbers"},
    {"shape_unclosed", FORMAT, "something else than non-negative integers"},
    {"shape_expression", FORMAT, "not a tuple of numbers"},
    {"shape_nine_dimensions", UNSUPPORTED, "more than 8 dimensions"},
    {"shape_overflow_number", FORMAT, "something else than non-negative integers"},
    {"shape_overflow_product", FORMAT, "shape [4294967296, 4294967296] overflows"},
    {"shape_overflow_wraps_to_fit", FORMAT, "shape [2305843009213693953, 2, 2] overflows"},
    {"shape_overflow_hidden_by_zero", FORMAT, "overflows"},
    {"data_missing", FORMAT, "needs 16 bytes, but has 0"},
    {"data_short", FORMAT, "needs 16 bytes, but has 15"},
    {"data_long", NECK_E_TRAILING_DATA, "1 bytes follow the array"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("npy", &refusals[_i], neck__npy_read);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("npy", REFUSALS);
}
END_TEST

/* ---- good files ---- */

static const struct {
    const char *name;
    int32_t dtype, ndim, fortran, swapped;
    int64_t shape[3];
} good[] = {
    {"c_f2", NECK_F16, 2, 0, 0, {2, 3}},      {"c_f4", NECK_F32, 2, 0, 0, {2, 3}},
    {"c_f8", NECK_F64, 2, 0, 0, {2, 3}},      {"c_c8", NECK_C64, 2, 0, 0, {2, 3}},
    {"c_i1", NECK_I8, 2, 0, 0, {2, 3}},       {"c_i2", NECK_I16, 2, 0, 0, {2, 3}},
    {"c_i4", NECK_I32, 2, 0, 0, {2, 3}},      {"c_i8", NECK_I64, 2, 0, 0, {2, 3}},
    {"c_u1", NECK_U8, 2, 0, 0, {2, 3}},       {"c_u2", NECK_U16, 2, 0, 0, {2, 3}},
    {"c_u4", NECK_U32, 2, 0, 0, {2, 3}},      {"c_u8", NECK_U64, 2, 0, 0, {2, 3}},
    {"c_b1", NECK_BOOL, 2, 0, 0, {2, 3}},     {"c_big_f4", NECK_F32, 2, 0, 1, {2, 3}},
    {"c_big_f8", NECK_F64, 2, 0, 1, {2, 3}},  {"c_big_i4", NECK_I32, 2, 0, 1, {2, 3}},
    {"f_f2", NECK_F16, 2, 1, 0, {2, 3}},      {"f_big_f4", NECK_F32, 2, 1, 1, {2, 3}},
    {"f_3d", NECK_F32, 3, 1, 0, {2, 3, 4}},   {"c_3d", NECK_F32, 3, 0, 0, {2, 3, 4}},
    {"c_vector", NECK_F64, 1, 0, 0, {5}},     {"c_scalar", NECK_F64, 0, 0, 0, {0}},
    {"c_no_rows", NECK_F32, 2, 0, 0, {0, 5}}, {"c_version_2", NECK_F32, 2, 0, 0, {2, 3}},
    {"c_native", NECK_F32, 2, 0, 0, {2, 3}},  {"c_version_3", NECK_F32, 2, 0, 0, {2, 3}},
    {"c_any_order", NECK_F32, 2, 0, 0, {2, 3}}, {"c_python_2", NECK_F32, 2, 0, 0, {2, 3}},
    {"c_vector_no_space", NECK_F32, 1, 0, 0, {6}},
};

static void fetch(const neck__tensor *tensor, int64_t offset, unsigned char *out)
{
    size_t item = (size_t)neck_dtype_size(tensor->dtype);
    for (size_t b = 0; b < item; b++)
        out[tensor->byte_swapped ? item - 1 - b : b] = tensor->data[offset * (int64_t)item + (int64_t)b];
}

/* One element as a number, straight from its bytes. */
static double element(const neck__tensor *tensor, int64_t offset)
{
    union {
        unsigned char bytes[8];
        float f32;
        double f64;
        uint16_t u16;
        int8_t i8;
        int16_t i16;
        int32_t i32;
        int64_t i64;
        uint32_t u32;
        uint64_t u64;
    } u = {{0}};
    fetch(tensor, offset, u.bytes);
    switch (tensor->dtype) {
    case NECK_F32: return u.f32;
    case NECK_C64: return u.f32; /* the real part */
    case NECK_F64: return u.f64;
    case NECK_F16: { /* small whole numbers only */
        double value = ((u.u16 & 0x3ff) | 0x400) * exp2((u.u16 >> 10 & 31) - 25);
        return (u.u16 & 0x7fff) == 0 ? 0 : u.u16 >> 15 ? -value : value;
    }
    case NECK_I8: return u.i8;
    case NECK_I16: return u.i16;
    case NECK_I32: return u.i32;
    case NECK_I64: return (double)u.i64;
    case NECK_U8: return u.bytes[0];
    case NECK_U16: return u.u16;
    case NECK_U32: return u.u32;
    case NECK_U64: return (double)u.u64;
    case NECK_BOOL: return u.bytes[0];
    default: return NAN;
    }
}

/* What the generator puts at the k-th place in C order. */
static double expected(const neck__tensor *tensor, int64_t k)
{
    int64_t value = k * 37 % 101;
    if (tensor->dtype == NECK_BOOL) return (double)(value % 2);
    int is_unsigned = tensor->dtype == NECK_U8 || tensor->dtype == NECK_U16 || tensor->dtype == NECK_U32 ||
                      tensor->dtype == NECK_U64;
    return (double)(is_unsigned ? value : value - 50);
}

static void assert_elements(const neck__tensor *tensor)
{
    int64_t count = 1;
    for (int32_t d = 0; d < tensor->ndim; d++) count *= tensor->shape[d];
    for (int64_t k = 0; k < count; k++) {
        int64_t rest = k, offset = 0;
        for (int32_t d = tensor->ndim - 1; d >= 0; rest /= tensor->shape[d--])
            offset += rest % tensor->shape[d] * tensor->stride[d];
        ck_assert_double_eq(element(tensor, offset), expected(tensor, k));
    }
}

START_TEST(good_files_are_read)
{
    char name[64];
    snprintf(name, sizeof name, "good_%s", good[_i].name);
    neck__mapping *file = map_corpus("npy", name);
    neck__tensors list = read_good(file, neck__npy_read);
    ck_assert_int_eq(list.count, 1);
    const neck__tensor *tensor = &list.tensors[0];
    ck_assert_str_eq(tensor->name, "arr_0");
    ck_assert_int_eq(tensor->dtype, good[_i].dtype);
    ck_assert_int_eq(tensor->ndim, good[_i].ndim);
    ck_assert_int_eq(tensor->byte_swapped, good[_i].swapped);
    for (int32_t d = 0; d < tensor->ndim; d++) ck_assert_int_eq(tensor->shape[d], good[_i].shape[d]);
    if (tensor->ndim > 1) ck_assert_int_eq(tensor->stride[good[_i].fortran ? 0 : tensor->ndim - 1], 1);
    ck_assert(tensor->data + tensor->nbytes == file->data + file->size); /* zero-copy */
    assert_elements(tensor);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* ---- writing ---- */

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "out.npy");
}

static void teardown(void) { scratch_remove(folder); }

/* NumPy's own bytes for the same matrix. */
static void assert_as_numpy(const char *corpus_name, int32_t dtype)
{
    neck__mapping *theirs = map_corpus("npy", corpus_name);
    int64_t size = 6 * neck_dtype_size(dtype);
    neck_matrix matrix = {theirs->data + theirs->size - size, 2, 3, 0, dtype, 0};
    ck_assert_msg(neck_npy_write(NULL, path, &matrix) == NECK_OK, "%s", neck_last_error());
    neck__mapping *ours = map_file(path);
    ck_assert_int_eq(ours->size, theirs->size);
    ck_assert_mem_eq(ours->data, theirs->data, (size_t)theirs->size);
    neck__mapping_close(ours);
    neck__mapping_close(theirs);
}

START_TEST(files_equal_those_of_numpy)
{
    assert_as_numpy("good_c_f2", NECK_F16);
    assert_as_numpy("good_c_f4", NECK_F32);
    assert_as_numpy("good_c_f8", NECK_F64);
}
END_TEST

/* Rows apart from each other, and wider than any buffer on the way. */
START_TEST(strided_rows_and_bf16_are_written)
{
    enum { ROWS = 3, COLS = 40000, STRIDE = COLS + 5 };
    uint16_t *data = malloc(ROWS * STRIDE * sizeof *data);
    ck_assert_ptr_nonnull(data);
    for (int i = 0; i < ROWS * STRIDE; i++) data[i] = (uint16_t)(i * 40503u);
    neck_matrix matrix = {data, ROWS, COLS, STRIDE, NECK_BF16, 0};
    ck_assert_msg(neck_npy_write(NULL, path, &matrix) == NECK_OK, "%s", neck_last_error());
    neck__mapping *file = map_file(path);
    neck__tensors list = read_good(file, neck__npy_read);
    ck_assert_int_eq(list.tensors[0].dtype, NECK_F32);
    ck_assert_int_eq(list.tensors[0].shape[0], ROWS);
    ck_assert_int_eq(list.tensors[0].shape[1], COLS);
    for (int64_t k = 0; k < ROWS * COLS; k++) {
        uint32_t wide;
        memcpy(&wide, list.tensors[0].data + 4 * k, sizeof wide);
        ck_assert_uint_eq(wide, (uint32_t)data[k / COLS * STRIDE + k % COLS] << 16);
    }
    neck__tensors_clear(&list);
    neck__mapping_close(file);
    free(data);
}
END_TEST

START_TEST(bad_matrices_are_refused)
{
    float data[4] = {0};
    neck_matrix matrix = {data, 2, 2, 1, NECK_F32, 0};
    ck_assert_int_eq(neck_npy_write(NULL, path, &matrix), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_npy_write(NULL, path, NULL), NECK_E_ARGUMENT);
    matrix.row_stride = 0;
    assert_fails(neck_npy_write(NULL, NULL, &matrix), NECK_E_ARGUMENT, "path is NULL", "path");
    ck_assert_int_eq(scratch_count(folder), 0);
    assert_fails(neck_npy_write(NULL, "/nonexistent/x.npy", &matrix), NECK_E_IO, "/nonexistent/x.npy", "folder");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("npy");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_loop_test(tcase, good_files_are_read, 0, sizeof good / sizeof *good);
    tcase_add_test(tcase, files_equal_those_of_numpy);
    tcase_add_test(tcase, strided_rows_and_bf16_are_written);
    tcase_add_test(tcase, bad_matrices_are_refused);
    return run_suite("npy", tcase);
}
