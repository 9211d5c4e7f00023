/* tests/test_safetensors.c - the reader: what it accepts, and by what name it refuses the rest. */
#include "format_support.h"

#include <strings.h>

#include "format/safetensors.h"

static neck_status read_strict(const neck__mapping *file, neck__tensors *list)
{
    return neck__safetensors_read(file, 0, list);
}

static neck_status read_lenient(const neck__mapping *file, neck__tensors *list)
{
    return neck__safetensors_read(file, 1, list);
}

#define FORMAT NECK_E_FORMAT
#define UNSUPPORTED NECK_E_UNSUPPORTED
#define TRAILING NECK_E_TRAILING_DATA

static const refusal refusals[] = {
    {"empty", FORMAT, "0 bytes are too short"},
    {"seven_bytes", FORMAT, "7 bytes are too short"},
    {"header_too_large", FORMAT, "header length 18446742974197923900 exceeds the limit of 100000000"},
    {"header_one_over_limit", FORMAT, "header length 100000001 exceeds"},
    {"header_longer_than_file", FORMAT, "header length 60, but only 0 bytes follow"},
    {"header_length_minus_one", FORMAT, "header length 18446744073709551615 exceeds"},
    {"header_missing", FORMAT, "invalid JSON at byte 0"},
    {"header_not_utf8", FORMAT, "unable to decode byte 0xff"},
    {"name_not_utf8", FORMAT, "unable to decode byte 0xc3"},
    {"name_overlong_utf8", FORMAT, "unable to decode byte 0xc0"},
    {"name_lone_surrogate", FORMAT, "invalid Unicode '\\uD800'"},
    {"name_nul", FORMAT, "NUL byte in object key"},
    {"name_empty", FORMAT, "empty name"},
    {"name_too_long", FORMAT, "name has 4097 bytes"},
    {"header_not_json", FORMAT, "invalid JSON at byte 1"},
    {"header_cut", FORMAT, "premature end of input"},
    {"header_list", FORMAT, "the header is not a JSON object"},
    {"header_null", FORMAT, "'{' expected near 'null'"},
    {"header_number", FORMAT, "'{' expected near '1'"},
    {"header_text_after", FORMAT, "end of file expected near 'x'"},
    {"header_second_value", FORMAT, "end of file expected near '{'"},
    {"header_nul_padded", FORMAT, "invalid JSON at byte 3"},
    {"header_comment", FORMAT, "invalid JSON at byte 2"},
    {"header_trailing_comma", FORMAT, "string or '}' expected near '}'"},
    {"header_single_quotes", FORMAT, "string or '}' expected"},
    {"nested_shape", FORMAT, "nested deeper than 3 levels at byte 32"},
    {"nested_deep", FORMAT, "nested deeper than 3 levels"},
    {"duplicate_identical", FORMAT, "duplicate object key near '\"test\"'"},
    {"duplicate_different", FORMAT, "duplicate object key near '\"test\"'"},
    {"duplicate_escaped", FORMAT, "duplicate object key"},
    {"duplicate_member", FORMAT, "duplicate object key near '\"dtype\"'"},
    {"duplicate_metadata", FORMAT, "duplicate object key near '\"__metadata__\"'"},
    {"overlap_ten_on_one", FORMAT, "tensor 'weight_1' overlaps 'weight_0'"},
    {"overlap_partial", FORMAT, "tensor 'b' overlaps 'a'"},
    {"overlap_inside", FORMAT, "tensor 'b' overlaps 'a'"},
    {"hole_first", FORMAT, "a hole of 4 bytes before tensor 'a'"},
    {"hole_middle", FORMAT, "a hole of 4 bytes before tensor 'b'"},
    {"hole_before_empty", FORMAT, "a hole of 4 bytes before tensor 'b'"},
    {"offsets_reversed", FORMAT, "data_offsets 16, 0 end before they begin"},
    {"offsets_negative", FORMAT, "not non-negative integers"},
    {"offsets_real", FORMAT, "not non-negative integers"},
    {"offsets_exponent", FORMAT, "not non-negative integers"},
    {"offsets_leading_zero", FORMAT, "invalid token"},
    {"offsets_text", FORMAT, "not non-negative integers"},
    {"offsets_null", FORMAT, "not a list of two numbers"},
    {"offsets_one", FORMAT, "not a list of two numbers"},
    {"offsets_three", FORMAT, "not a list of two numbers"},
    {"offsets_past_end", FORMAT, "tensor 'test' ends at byte 16 of 14: truncated"},
    {"offsets_far", FORMAT, "ends at byte 9223372036854775804 of 16"},
    {"offsets_int64_overflow", FORMAT, "too big integer"},
    {"offsets_uint64_overflow", FORMAT, "too big integer"},
    {"shape_too_small", FORMAT, "shape [2, 2] of F32 needs 16 bytes, but has 4"},
    {"shape_too_large", FORMAT, "shape [2, 3] of F32 needs 24 bytes, but has 16"},
    {"shape_overflow_uint64", FORMAT, "too big integer near '18446744073709551614'"},
    {"shape_overflow_int64", FORMAT, "shape [2, 9223372036854775807] overflows"},
    {"shape_overflow_product", FORMAT, "shape [4294967296, 4294967296] overflows"},
    {"shape_overflow_bytes", FORMAT, "shape [4611686018427387904] overflows"},
    {"shape_overflow_wraps_to_fit", FORMAT, "shape [2305843009213693953, 2, 2] overflows"},
    {"shape_overflow_hidden_by_zero", FORMAT, "shape [4294967296, 4294967296, 0] overflows"},
    {"shape_negative", FORMAT, "shape holds something else than non-negative integers"},
    {"shape_real", FORMAT, "shape holds something else than non-negative integers"},
    {"shape_bool", FORMAT, "shape holds something else than non-negative integers"},
    {"shape_null", FORMAT, "shape is not a list"},
    {"shape_number", FORMAT, "shape is not a list"},
    {"shape_nine_dimensions", UNSUPPORTED, "9 dimensions, at most 8"},
    {"dtype_unknown", FORMAT, "unknown dtype 'F33'"},
    {"dtype_lower_case", FORMAT, "unknown dtype 'f32'"},
    {"dtype_empty", FORMAT, "unknown dtype ''"},
    {"dtype_null", FORMAT, "dtype is not a string"},
    {"dtype_number", FORMAT, "dtype is not a string"},
    {"dtype_f4", UNSUPPORTED, "dtype F4 is not supported"},
    {"dtype_f4_misaligned", UNSUPPORTED, "dtype F4 is not supported"},
    {"dtype_f6", UNSUPPORTED, "dtype F6_E2M3 is not supported"},
    {"dtype_f8_e8m0", UNSUPPORTED, "dtype F8_E8M0 is not supported"},
    {"dtype_fnuz", UNSUPPORTED, "dtype F8_E4M3FNUZ is not supported"},
    {"lacks_dtype", FORMAT, "tensor 'test' lacks dtype"},
    {"lacks_shape", FORMAT, "tensor 'test' lacks shape"},
    {"lacks_offsets", FORMAT, "tensor 'test' lacks data_offsets"},
    {"extra_member", FORMAT, "members besides dtype, shape and data_offsets"},
    {"entry_null", FORMAT, "tensor 'test' is not a JSON object"},
    {"entry_list", FORMAT, "tensor 'test' is not a JSON object"},
    {"entry_text", FORMAT, "tensor 'test' is not a JSON object"},
    {"metadata_text", FORMAT, "__metadata__ is not a JSON object"},
    {"metadata_list", FORMAT, "__metadata__ is not a JSON object"},
    {"metadata_number_value", FORMAT, "__metadata__ 'step' is not a string"},
    {"metadata_null_value", FORMAT, "__metadata__ 'step' is not a string"},
    {"trailing_polyglot", TRAILING, "34 bytes follow the last tensor"},
    {"trailing_four_bytes", TRAILING, "4 bytes follow the last tensor"},
    {"trailing_only", TRAILING, "1 bytes follow the last tensor"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("safetensors", &refusals[_i], read_strict);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("safetensors", REFUSALS);
}
END_TEST

START_TEST(trailing_bytes_are_accepted_on_request_and_nothing_else)
{
    if (refusals[_i].status != TRAILING) {
        assert_refused("safetensors", &refusals[_i], read_lenient);
        return;
    }
    char name[128];
    snprintf(name, sizeof name, "bad_%s", refusals[_i].name);
    neck__mapping *file = map_corpus("safetensors", name);
    neck__tensors list = read_good(file, read_lenient);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* ---- good files ---- */

/* The k-th element of what the generator writes. */
static double ramp(int64_t k) { return (double)(k * 37 % 101 - 50); }

static const struct {
    const char *name;
    int64_t count;
    const char *first; /* name of the first tensor, in the data's order */
} good[] = {
    {"no_tensors", 0, NULL},     {"padded_behind", 0, NULL},    {"padded_before", 0, NULL},
    {"zero_size", 1, "test"},    {"zero_size_between", 3, "c"}, {"scalar", 1, "test"},
    {"unaligned", 1, "test"},    {"order_reversed", 2, "a"},    {"metadata", 1, "test"},
    {"nonfinite", 1, "test"},    {"every_dtype", 16, "f64"},    {"eight_dimensions", 1, "test"},
    {"metadata_empty", 1, "test"}, {"name_escapes", 1, "A/..\\\"\t\xf0\x9f\x98\x80"},
};

START_TEST(good_files_are_read)
{
    char name[128];
    snprintf(name, sizeof name, "good_%s", good[_i].name);
    neck__mapping *file = map_corpus("safetensors", name);
    neck__tensors list = read_good(file, read_strict);
    ck_assert_int_eq(list.count, good[_i].count);
    if (good[_i].first) ck_assert_str_eq(list.tensors[0].name, good[_i].first);
    for (int64_t i = 0; i < list.count; i++) { /* zero-copy */
        ck_assert(list.tensors[i].data >= file->data);
        ck_assert(list.tensors[i].data + list.tensors[i].nbytes <= file->data + file->size);
    }
    ck_assert_int_eq(list.buffer_count, 0);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(shapes_and_strides_are_row_major)
{
    neck__mapping *file = map_corpus("safetensors", "good_eight_dimensions");
    neck__tensors list = read_good(file, read_strict);
    const neck__tensor *tensor = &list.tensors[0];
    ck_assert_int_eq(tensor->ndim, 8);
    ck_assert_int_eq(tensor->shape[6], 2);
    ck_assert_int_eq(tensor->stride[7], 1);
    ck_assert_int_eq(tensor->stride[6], 2);
    ck_assert_int_eq(tensor->stride[5], 4);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(every_dtype_is_known_by_its_own_name)
{
    neck__mapping *file = map_corpus("safetensors", "good_every_dtype");
    neck__tensors list = read_good(file, read_strict);
    for (int64_t i = 0; i < list.count; i++) {
        const neck__tensor *tensor = &list.tensors[i];
        const char *expected = neck_dtype_name(tensor->dtype);
        ck_assert_int_eq(strcasecmp(tensor->name, expected), 0);
        ck_assert_int_eq(tensor->nbytes, 6 * neck_dtype_size(tensor->dtype));
    }
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* Written by the reference implementation. */
START_TEST(the_reference_writer_is_understood)
{
    neck__mapping *file = map_corpus("safetensors", "good_reference");
    neck__tensors list = read_good(file, read_strict);
    ck_assert_int_eq(list.count, 3);
    const neck__tensor *head = tensor_named(&list, "head.weight"), *ids = tensor_named(&list, "ids");
    ck_assert_int_eq(head->dtype, NECK_F32);
    ck_assert_int_eq(head->shape[0], 4);
    ck_assert_int_eq(head->shape[1], 3);
    ck_assert_int_eq(tensor_named(&list, "norm")->dtype, NECK_F16);
    for (int64_t k = 0; k < 12; k++) {
        float value;
        memcpy(&value, head->data + 4 * k, sizeof value);
        ck_assert_double_eq(value, ramp(k));
    }
    for (int64_t k = 0; k < 5; k++) {
        int64_t value;
        memcpy(&value, ids->data + 8 * k, sizeof value);
        ck_assert_double_eq((double)value, ramp(k));
    }
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(metadata_is_found)
{
    json_t *metadata = NULL;
    neck__mapping *file = map_corpus("safetensors", "good_metadata");
    ck_assert_int_eq(neck__safetensors_metadata(file, &metadata), NECK_OK);
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "step")), "1000");
    json_decref(metadata);
    neck__mapping_close(file);
    metadata = NULL;
    file = map_corpus("safetensors", "good_unaligned");
    ck_assert_int_eq(neck__safetensors_metadata(file, &metadata), NECK_OK);
    ck_assert_ptr_null(metadata);
    neck__mapping_close(file);
}
END_TEST

/* 200,000 tensors: seconds if anything were quadratic, minutes under a sanitizer. */
START_TEST(large_headers_take_linear_time)
{
    enum { TENSORS = 200000, ROOM = 96 };
    char *bytes = malloc(8 + (size_t)TENSORS * ROOM);
    ck_assert_ptr_nonnull(bytes);
    size_t used = 8;
    for (int i = 0; i < TENSORS; i++)
        used += (size_t)sprintf(bytes + used, "%c\"t%d\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                                i ? ',' : '{', i);
    bytes[used++] = '}';
    uint64_t length = used - 8;
    memcpy(bytes, &length, 8);
    neck__mapping *file = map_bytes(bytes, (int64_t)used);
    neck__tensors list = read_good(file, read_strict);
    ck_assert_int_eq(list.count, TENSORS);
    ck_assert_int_eq(neck__tensors_check_unique(&list), NECK_OK);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
    free(bytes);
}
END_TEST

/* A header of brackets alone must be refused before it becomes a tree many times its size. */
START_TEST(headers_of_nothing_but_structure_are_refused)
{
    enum { SIZE = 32 << 20 };
    char *bytes = malloc(SIZE);
    ck_assert_ptr_nonnull(bytes);
    uint64_t length = SIZE - 8;
    memcpy(bytes, &length, 8);
    for (size_t i = 8; i < SIZE; i++) bytes[i] = "[],"[(i - 8) % 3];
    memcpy(bytes + 8, "{\"a\":[", 6);
    neck__mapping *file = map_bytes(bytes, SIZE);
    neck__tensors list = empty_list();
    assert_fails(read_strict(file, &list), NECK_E_FORMAT, "JSON with more than", "brackets");
    neck__mapping_close(file);
    free(bytes);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("safetensors");
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_loop_test(tcase, trailing_bytes_are_accepted_on_request_and_nothing_else, 0, REFUSALS);
    tcase_add_loop_test(tcase, good_files_are_read, 0, sizeof good / sizeof *good);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_test(tcase, shapes_and_strides_are_row_major);
    tcase_add_test(tcase, every_dtype_is_known_by_its_own_name);
    tcase_add_test(tcase, the_reference_writer_is_understood);
    tcase_add_test(tcase, metadata_is_found);
    tcase_add_test(tcase, large_headers_take_linear_time);
    tcase_add_test(tcase, headers_of_nothing_but_structure_are_refused);
    return run_suite("safetensors", tcase);
}
