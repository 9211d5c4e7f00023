/* tests/test_gguf.c - what llama.cpp's package writes, hand-made corner cases, and files that lie. */
#include <inttypes.h>

#include "format/checkpoint_object.h"
#include "format/gguf.h"
#include "format/step_number.h"
#include "format_support.h"

#define FORMAT NECK_E_FORMAT
#define UNSUPPORTED NECK_E_UNSUPPORTED

/* As when a checkpoint is opened. */
static neck_status read_strict(const neck__mapping *file, neck__tensors *list)
{
    neck_status status = neck__gguf_read(file, 0, list);
    return status == NECK_OK ? neck__tensors_check_unique(list) : status;
}

static neck_status read_lenient(const neck__mapping *file, neck__tensors *list)
{
    return neck__gguf_read(file, 1, list);
}

static const refusal refusals[] = {
    /* the header */
    {"nothing", FORMAT, "truncated: the magic number at byte 0 needs 4 bytes, 0 are left"},
    {"magic", FORMAT, "does not begin with 'GGUF'"},
    {"magic_cut", FORMAT, "truncated: the magic number"},
    {"version_cut", FORMAT, "truncated: the version"},
    {"counts_cut", FORMAT, "truncated: the number of keys at byte 16"},
    {"version_0", UNSUPPORTED, "GGUF version 0 is not supported"},
    {"version_1", UNSUPPORTED, "GGUF version 1 is not supported"},
    {"version_4", UNSUPPORTED, "GGUF version 4 is not supported"},
    {"big_endian", UNSUPPORTED, "a big-endian GGUF file"},
    {"tensors_negative", FORMAT, "the number of tensors, 18446744073709551615, is larger than any file"},
    {"tensors_many", FORMAT, "9223372036854775807 tensors do not fit the 64 bytes"},
    {"tensors_one_too_many", FORMAT, "2 tensors do not fit the 44 bytes"},
    {"keys_negative", FORMAT, "the number of keys, 18446744073709551615, is larger than any file"},
    {"keys_many", FORMAT, "9223372036854775807 keys do not fit the 64 bytes"},
    {"keys_one_too_many", FORMAT, "2 keys do not fit the 27 bytes"},
    /* keys */
    {"key_empty", FORMAT, "a key is empty"},
    {"key_nul", FORMAT, "the key 'a...' holds a NUL byte"},
    {"key_not_utf8", FORMAT, "a key is not valid UTF-8"},
    {"key_long", FORMAT, "a key has 65536 bytes: at most 65535"},
    {"key_past_end", FORMAT, "truncated: a key at byte 32 needs 9223372036854775807 bytes, 32 are left"},
    {"key_length_negative", FORMAT, "a key, 18446744073709551615, is larger than any file"},
    {"key_twice", FORMAT, "two values have the key 'a'"},
    /* values */
    {"type_unknown", FORMAT, "key 'a': unknown type 13"},
    {"type_negative", FORMAT, "key 'a': unknown type 4294967295"},
    {"value_cut", FORMAT, "key 'a': truncated: 1 items of F64 do not fit the 7 bytes"},
    {"bool_two", FORMAT, "key 'a': a boolean is 2"},
    {"string_past_end", FORMAT, "key 'a': truncated: a string at byte 45 needs 100 bytes, 99 are left"},
    {"string_huge", FORMAT, "needs 9223372036854775807 bytes, 99 are left"},
    {"string_negative", FORMAT, "key 'a': a string, 18446744073709551607, is larger than any file"},
    {"array_type_cut", FORMAT, "truncated: a value's type"},
    {"array_unknown", FORMAT, "key 'a': unknown type 99"},
    {"array_nested", UNSUPPORTED, "key 'a': arrays of arrays"},
    {"array_past_end", FORMAT, "5 items of U32 do not fit the 19 bytes"},
    {"array_huge", FORMAT, "9223372036854775807 items of U32 do not fit the 64 bytes"},
    {"array_wraps", FORMAT, "2305843009213693953 items of U64 do not fit the 64 bytes"},
    {"array_negative", FORMAT, "an array's length, 18446744073709551615, is larger than any file"},
    {"array_strings_huge", FORMAT, "key 'a': truncated: a string at byte 67"},
    {"array_string_past_end", FORMAT, "key 'a': truncated: a string at byte 66 needs 2 bytes, 1 are left"},
    {"array_bool_two", FORMAT, "key 'a': a boolean is 2"},
    {"split", UNSUPPORTED, "one of the 3 files of a split model"},
    {"split_text", FORMAT, "key 'split.count' is STRING, not an integer"},
    {"alignment_zero", FORMAT, "general.alignment is 0: not a power of two"},
    {"alignment_three", FORMAT, "general.alignment is 3: not a power of two"},
    {"alignment_u64", FORMAT, "general.alignment is U64, not U32"},
    {"alignment_array", FORMAT, "general.alignment is ARRAY, not U32"},
    /* tensors */
    {"name_empty", FORMAT, "a tensor has an empty name"},
    {"name_64", FORMAT, "has 64 bytes: at most 63"},
    {"name_nul", FORMAT, "the tensor name 'a...' holds a NUL byte"},
    {"name_not_utf8", FORMAT, "a tensor's name is not valid UTF-8"},
    {"name_past_end", FORMAT, "truncated: a tensor's name at byte 32"},
    {"name_twice", FORMAT, "two tensors have the name 'a'"},
    {"dimensions_five", FORMAT, "tensor 't': 5 dimensions, at most 4"},
    {"dimensions_many", FORMAT, "tensor 't': 4294967295 dimensions, at most 4"},
    {"dimensions_cut", FORMAT, "truncated: a tensor's dimension"},
    {"dimension_negative", FORMAT, "a tensor's dimension, 18446744073709551608, is larger than any file"},
    {"shape_wraps", FORMAT, "tensor 't': its dimensions overflow"},
    {"shape_wraps_negative", FORMAT, "tensor 't': its dimensions overflow"},
    {"shape_wraps_to_fit", FORMAT, "tensor 't': its dimensions overflow"},
    {"shape_bytes_wrap", FORMAT, "tensor 't': its dimensions overflow"},
    {"shape_hidden_by_zero", FORMAT, "tensor 't': its dimensions overflow"},
    {"shape_larger_than_file", FORMAT, "tensor 't' has 36 bytes at 0 of 32: truncated"},
    {"type_of_tensor_unknown", FORMAT, "tensor 't': unknown type 4"},
    {"type_of_tensor_huge", FORMAT, "tensor 't': unknown type 2147483648"},
    {"type_of_tensor_iq", UNSUPPORTED, "tensor 't': type IQ2_XXS is not supported"},
    {"type_of_tensor_q8_1", UNSUPPORTED, "tensor 't': type Q8_1 is not supported"},
    {"blocks_not_whole", FORMAT, "rows of 33 elements are no whole blocks of Q4_0, which have 32"},
    {"blocks_not_whole_k", FORMAT, "rows of 128 elements are no whole blocks of Q6_K, which have 256"},
    {"blocks_of_scalar", FORMAT, "rows of 1 elements are no whole blocks of Q8_0"},
    {"blocks_cut", FORMAT, "tensor 't' has 34 bytes at 0 of 33: truncated"},
    {"offset_cut", FORMAT, "truncated: a tensor's offset"},
    {"offset_not_first", FORMAT, "tensor 't' begins at 32 of the data, the one before it ends at 0"},
    {"offset_not_aligned", FORMAT, "tensor 'b' begins at 12 of the data, the one before it ends at 32"},
    {"offset_overlap", FORMAT, "tensor 'b' begins at 0 of the data, the one before it ends at 32"},
    {"offset_hole", FORMAT, "tensor 'b' begins at 64 of the data, the one before it ends at 32"},
    {"offset_huge", FORMAT, "tensor 't' begins at 9223372036854775807"},
    {"offset_negative", FORMAT, "a tensor's offset, 18446744073709551584, is larger than any file"},
    {"data_missing", FORMAT, "tensor 't' has 32 bytes at 0 of 0: truncated"},
    {"data_cut", FORMAT, "tensor 't' has 32 bytes at 0 of 31: truncated"},
    {"second_cut", FORMAT, "tensor 'b' has 32 bytes at 32 of 63: truncated"},
    {"trailing", NECK_E_TRAILING_DATA, "1 bytes follow the last tensor"},
    {"trailing_no_tensors", NECK_E_TRAILING_DATA, "1 bytes follow the last tensor"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("gguf", &refusals[_i], read_strict);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("gguf", REFUSALS);
}
END_TEST

START_TEST(trailing_bytes_are_accepted_on_request)
{
    neck__mapping *file = map_corpus("gguf", "bad_trailing");
    neck__tensors list = read_good(file, read_lenient);
    ck_assert_int_eq(list.count, 1);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* Wherever a file is cut, it is refused, and nothing beyond the cut is read. */
START_TEST(no_cut_file_is_accepted)
{
    neck__mapping *whole = map_corpus("gguf", "good_aligned_64");
    const int64_t last = 64 + 2 * 4; /* of the data: where the last number ends; only padding follows */
    const int64_t needed = whole->size - 128 + last;
    for (int64_t size = 0; size < whole->size; size++) {
        unsigned char *bytes = malloc(size ? (size_t)size : 1);
        memcpy(bytes, whole->data, (size_t)size);
        neck__mapping *file = map_bytes(bytes, size);
        neck__tensors list = empty_list();
        ck_assert_msg((read_strict(file, &list) == NECK_OK) == (size >= needed), "cut at %" PRId64, size);
        neck__tensors_clear(&list);
        neck__mapping_close(file);
        free(bytes);
    }
    neck__mapping_close(whole);
}
END_TEST

/* ---- tensors ----------------------------------------------------------------------------------------------------- */

static const struct {
    const char *file, *name;
    int32_t dtype, ndim;
    int64_t shape[3]; /* row-major, as NumPy had it */
} tensors[] = {
    {"good_written", "float32", NECK_F32, 2, {3, 4}},
    {"good_written", "float16", NECK_F16, 2, {3, 4}},
    {"good_written", "bfloat16", NECK_BF16, 2, {3, 4}},
    {"good_written", "float64", NECK_F64, 2, {3, 4}},
    {"good_written", "int8", NECK_I8, 2, {3, 4}},
    {"good_written", "int16", NECK_I16, 2, {3, 4}},
    {"good_written", "int32", NECK_I32, 2, {3, 4}},
    {"good_written", "int64", NECK_I64, 2, {3, 4}},
    {"good_written", "cube", NECK_F32, 3, {2, 3, 4}},
    {"good_written", "vector", NECK_F32, 1, {5}},
    {"good_written", "q8", NECK_Q8_0, 2, {2, 32}},
    {"good_version_2", "t", NECK_F32, 2, {2, 4}},
    {"good_scalar", "t", NECK_F32, 0, {0}},
    {"good_zero_size", "t", NECK_F32, 2, {0, 4}},
    {"good_end_not_padded", "t", NECK_F32, 1, {3}},
    {"good_name_63", "nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn", NECK_F32, 1, {8}},
    {"good_aligned_64", "b", NECK_F32, 1, {2}},
    {"good_aligned_1", "b", NECK_F32, 1, {2}},
};

START_TEST(tensors_have_the_shape_they_were_written_with)
{
    neck__mapping *file = map_corpus("gguf", tensors[_i].file);
    neck__tensors list = read_good(file, read_strict);
    const neck__tensor *tensor = tensor_named(&list, tensors[_i].name);
    ck_assert_int_eq(tensor->dtype, tensors[_i].dtype);
    ck_assert_int_eq(tensor->ndim, tensors[_i].ndim);
    for (int32_t k = 0; k < tensor->ndim; k++) ck_assert_int_eq(tensor->shape[k], tensors[_i].shape[k]);
    ck_assert(tensor->data >= file->data && tensor->data + tensor->nbytes <= file->data + file->size);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* Element k of every matrix that the package wrote is k; floats stay where they are in the file. */
START_TEST(numbers_are_those_that_were_written)
{
    static const char *const names[] = {"float32", "float16", "bfloat16", "float64"};
    neck_checkpoint *checkpoint = NULL;
    char path[PATH_CAPACITY];
    source_path(path, "tests/corpus/gguf/good_written");
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, NULL, &checkpoint), NECK_OK);
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_GGUF);
    ck_assert_str_eq(neck_format_name(NECK_FORMAT_GGUF), "gguf");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        int64_t index = -1;
        double values[12];
        neck_matrix matrix = {0};
        neck_tensor tensor = {.struct_size = sizeof tensor};
        ck_assert_int_eq(neck_checkpoint_find(checkpoint, names[i], &index), NECK_OK);
        ck_assert_int_eq(neck_checkpoint_matrix(NULL, checkpoint, index, &matrix), NECK_OK);
        ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index, &tensor), NECK_OK);
        ck_assert_ptr_eq(matrix.data, tensor.data);
        ck_assert_int_eq(neck_matrix_to_f64(NULL, &matrix, values), NECK_OK);
        for (int k = 0; k < 12; k++) ck_assert_double_eq(values[k], k);
    }
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(the_head_is_found_by_the_names_of_the_format)
{
    static const struct {
        const char *file, *name;
        int32_t tied;
    } heads[] = {{"good_untied", "output.weight", 0}, {"good_tied", "token_embd.weight", 1}};
    for (size_t i = 0; i < 2; i++) {
        neck__mapping *file = map_corpus("gguf", heads[i].file);
        neck__tensors list = read_good(file, read_strict);
        neck_checkpoint checkpoint = {.allocator = list.allocator, .list = list};
        int64_t index = -1;
        int32_t tied = -1;
        ck_assert_msg(neck_checkpoint_head(&checkpoint, &index, &tied) == NECK_OK, "%s", neck_last_error());
        ck_assert_str_eq(list.tensors[index].name, heads[i].name);
        ck_assert_int_eq(list.tensors[index].shape[0], 6);
        ck_assert_int_eq(tied, heads[i].tied);
        neck__tensors_clear(&list);
        neck__mapping_close(file);
    }
}
END_TEST

START_TEST(a_quantised_type_in_a_name_is_no_step)
{
    ck_assert_int_eq(neck__step_number("SmolLM2-135M-Instruct.Q4_1.gguf"), -1);
    ck_assert_int_eq(neck__step_number("model-q8_0.gguf"), -1);
    ck_assert_int_eq(neck__step_number("model_100.gguf"), 100);
    ck_assert_int_eq(neck__step_number("step_2000.Q8_0.gguf"), 2000);
}
END_TEST

/* ---- metadata ---------------------------------------------------------------------------------------------------- */

static neck__mapping *written_file;
static neck__tensors written_list;
static const neck__gguf *written;

static void open_written(void)
{
    written_file = map_corpus("gguf", "good_written");
    written_list = read_good(written_file, read_strict);
    written = written_list.gguf;
    ck_assert_ptr_nonnull(written);
}

static void close_written(void)
{
    neck__tensors_clear(&written_list);
    neck__mapping_close(written_file);
}

START_TEST(integers_of_every_width_are_read)
{
    open_written();
    static const struct {
        const char *key;
        int64_t value;
    } integers[] = {
        {"low.uint8", 0},           {"high.uint8", UINT8_MAX},   {"low.int8", INT8_MIN},   {"high.int8", INT8_MAX},
        {"low.uint16", 0},          {"high.uint16", UINT16_MAX}, {"low.int16", INT16_MIN}, {"high.int16", INT16_MAX},
        {"low.uint32", 0},          {"high.uint32", UINT32_MAX}, {"low.int32", INT32_MIN}, {"high.int32", INT32_MAX},
        {"low.uint64", 0},          {"low.int64", INT64_MIN},    {"high.int64", INT64_MAX},
    };
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        int64_t found = 7;
        double real = 7;
        ck_assert_int_eq(neck__gguf_integer(written, integers[i].key, &found), NECK_OK);
        ck_assert_msg(found == integers[i].value, "%s: %" PRId64, integers[i].key, found);
        ck_assert_int_eq(neck__gguf_real(written, integers[i].key, &real), NECK_OK);
        ck_assert(real == (double)integers[i].value);
    }
    int64_t untouched = 7;
    assert_fails(neck__gguf_integer(written, "high.uint64", &untouched), FORMAT, "18446744073709551615 is too large",
                 "2^64 - 1");
    ck_assert_int_eq(untouched, 7);
    close_written();
}
END_TEST

START_TEST(reals_booleans_and_strings_are_read)
{
    open_written();
    double real = 0;
    int boolean = -1;
    const char *bytes = NULL;
    int64_t length = -1;
    ck_assert_int_eq(neck__gguf_real(written, "real.single", &real), NECK_OK);
    ck_assert(real == (double)0.1f);
    ck_assert_int_eq(neck__gguf_real(written, "real.double", &real), NECK_OK);
    ck_assert(real == 0.1);
    ck_assert_int_eq(neck__gguf_boolean(written, "yes", &boolean), NECK_OK);
    ck_assert_int_eq(boolean, 1);
    ck_assert_int_eq(neck__gguf_boolean(written, "no", &boolean), NECK_OK);
    ck_assert_int_eq(boolean, 0);
    ck_assert_int_eq(neck__gguf_string(written, "general.name", &bytes, &length), NECK_OK);
    ck_assert_int_eq(length, 5);
    ck_assert_mem_eq(bytes, "t\xc3\xa9st", 5);
    close_written();
}
END_TEST

START_TEST(arrays_are_read_item_by_item)
{
    open_written();
    static const struct {
        const char *bytes;
        int64_t length;
    } expected[] = {{"a", 1}, {"", 0}, {"\xc5\xbc\xc3\xb3\xc5\x82w", 7}, {"nul\0inside", 10}};
    const neck__gguf_value *array = NULL;
    const char *bytes;
    int64_t length, count = 0, integer = 0;
    double real = 0;
    ck_assert_int_eq(neck__gguf_array(written, "list.strings", NECK__GGUF_STRING, &array), NECK_OK);
    ck_assert_int_eq(array->count, 4);
    for (neck__gguf_strings s = neck__gguf_strings_of(array); neck__gguf_next_string(&s, &bytes, &length); count++) {
        ck_assert_int_lt(count, 4);
        ck_assert_int_eq(length, expected[count].length);
        ck_assert(memcmp(bytes, expected[count].bytes, (size_t)length) == 0);
    }
    ck_assert_int_eq(count, 4);
    ck_assert_int_eq(neck__gguf_array(written, "list.integers", NECK__GGUF_I32, &array), NECK_OK);
    ck_assert_int_eq(neck__gguf_item_integer(array, 1, &integer), NECK_OK);
    ck_assert_int_eq(integer, -1);
    ck_assert_int_eq(neck__gguf_array(written, "list.reals", NECK__GGUF_F32, &array), NECK_OK);
    ck_assert_int_eq(neck__gguf_item_real(array, 1, &real), NECK_OK);
    ck_assert(real == -2);
    assert_fails(neck__gguf_item_real(array, 2, &real), NECK_E_ARGUMENT, "has 2 items, none at 2", "beyond the end");
    assert_fails(neck__gguf_item_real(array, -1, &real), NECK_E_ARGUMENT, "none at -1", "before the start");
    neck__gguf_strings none = neck__gguf_strings_of(array);
    ck_assert(!neck__gguf_next_string(&none, &bytes, &length));
    close_written();
}
END_TEST

START_TEST(a_model_split_into_one_file_is_whole)
{
    neck__mapping *file = map_corpus("gguf", "good_split_in_one");
    neck__tensors list = read_good(file, read_strict);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(empty_strings_and_arrays_are_values)
{
    neck__mapping *file = map_corpus("gguf", "good_empty_values");
    neck__tensors list = read_good(file, read_strict);
    const neck__gguf_value *array = NULL;
    const char *bytes = NULL;
    int64_t length = -1, integer;
    ck_assert_int_eq(neck__gguf_string(list.gguf, "string", &bytes, &length), NECK_OK);
    ck_assert_int_eq(length, 0);
    ck_assert_int_eq(neck__gguf_array(list.gguf, "strings", NECK__GGUF_STRING, &array), NECK_OK);
    neck__gguf_strings none = neck__gguf_strings_of(array);
    ck_assert(!neck__gguf_next_string(&none, &bytes, &length));
    ck_assert_int_eq(neck__gguf_array(list.gguf, "numbers", NECK__GGUF_U32, &array), NECK_OK);
    assert_fails(neck__gguf_item_integer(array, 0, &integer), NECK_E_ARGUMENT, "has 0 items", "no items");
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(wrong_keys_and_types_are_named)
{
    open_written();
    int64_t integer, length;
    double real;
    int boolean;
    const char *bytes;
    const neck__gguf_value *array;
    ck_assert_ptr_null(neck__gguf_find(written, "general.nam"));
    ck_assert_ptr_null(neck__gguf_find(written, "general.names"));
    ck_assert_ptr_null(neck__gguf_find(written, ""));
    assert_fails(neck__gguf_integer(written, "nowhere", &integer), NECK_E_NOT_FOUND, "no metadata 'nowhere'", "absent");
    assert_fails(neck__gguf_integer(written, "yes", &integer), FORMAT, "key 'yes' is BOOL, not an integer", "bool");
    assert_fails(neck__gguf_integer(written, "real.single", &integer), FORMAT, "is F32, not an integer", "real");
    assert_fails(neck__gguf_integer(written, "list.integers", &integer), FORMAT, "is an array of I32, not an integer",
                 "array");
    assert_fails(neck__gguf_real(written, "general.name", &real), FORMAT, "is STRING, not a number", "string");
    assert_fails(neck__gguf_boolean(written, "low.uint8", &boolean), FORMAT, "is U8, not a boolean", "0");
    assert_fails(neck__gguf_string(written, "list.strings", &bytes, &length), FORMAT,
                 "is an array of STRING, not a string", "array");
    assert_fails(neck__gguf_array(written, "list.strings", NECK__GGUF_I32, &array), FORMAT, "is not an array of I32",
                 "strings");
    assert_fails(neck__gguf_array(written, "general.name", NECK__GGUF_STRING, &array), FORMAT,
                 "is not an array of STRING", "single");
    close_written();
}
END_TEST

START_TEST(only_gguf_files_have_the_table)
{
    static const struct {
        const char *path;
        int has;
    } files[] = {{"tests/corpus/gguf/good_keys_only", 1}, {"tests/corpus/safetensors/good_metadata", 0}};
    for (size_t i = 0; i < 2; i++) {
        char path[PATH_CAPACITY];
        neck_checkpoint *checkpoint = NULL;
        source_path(path, files[i].path);
        ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
        ck_assert_int_eq(neck__checkpoint_gguf(checkpoint) != NULL, files[i].has);
        neck_checkpoint_destroy(checkpoint);
    }
}
END_TEST

static void assert_texts(const char *path_in_source, int64_t count, const char *key, const char *expected)
{
    char path[PATH_CAPACITY];
    neck_checkpoint *checkpoint = NULL;
    source_path(path, path_in_source);
    ck_assert_msg(neck_checkpoint_open(NULL, path, NULL, &checkpoint) == NECK_OK, "%s", neck_last_error());
    ck_assert_int_eq(neck_checkpoint_metadata_count(checkpoint), count);
    int64_t seen = 0;
    for (int64_t i = 0; i < count; i++) seen += strcmp(neck_checkpoint_metadata_key(checkpoint, i), key) == 0;
    ck_assert_int_eq(seen, expected ? 1 : 0);
    ck_assert_ptr_null(neck_checkpoint_metadata_key(checkpoint, count));
    ck_assert_ptr_null(neck_checkpoint_metadata_key(checkpoint, -1));
    ck_assert_ptr_null(neck_checkpoint_metadata(checkpoint, "nowhere"));
    ck_assert_pstr_eq(neck_checkpoint_metadata(checkpoint, key), expected);
    neck_checkpoint_destroy(checkpoint);
}

/* Only what can be handed out as C strings: no numbers, NUL bytes or broken UTF-8. */
START_TEST(texts_are_for_every_caller)
{
    assert_texts("tests/corpus/gguf/good_texts", 1, "name", "t\xc3\xa9st");
    assert_texts("tests/corpus/gguf/good_texts", 1, "nul", NULL);
    assert_texts("tests/corpus/gguf/good_texts", 1, "not utf-8", NULL);
    assert_texts("tests/corpus/gguf/good_texts", 1, "number", NULL);
    assert_texts("tests/corpus/gguf/good_written", 2, "general.architecture", "llama");
    assert_texts("tests/corpus/safetensors/good_metadata", 2, "step", "1000");
    assert_texts("tests/corpus/safetensors/good_no_tensors", 0, "step", NULL);
}
END_TEST

/* ---- memory ------------------------------------------------------------------------------------------------------ */

START_TEST(memory_that_runs_out_leaves_nothing_behind)
{
    neck_status status = NECK_E_NOMEM;
    int64_t failures = 0;
    for (int64_t k = 0; status == NECK_E_NOMEM; k++) {
        failing state = {.before_failure = k};
        neck__mapping *file = map_corpus("gguf", "good_written");
        neck__tensors list = {.allocator = failing_allocator(&state)};
        status = neck__gguf_read(file, 0, &list);
        ck_assert(status == NECK_OK || (status == NECK_E_NOMEM && state.failed));
        failures += state.failed;
        neck__tensors_clear(&list);
        ck_assert_int_eq(state.live, 0);
        neck__mapping_close(file);
    }
    ck_assert_int_gt(failures, 5);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("gguf");
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_test(tcase, trailing_bytes_are_accepted_on_request);
    tcase_add_test(tcase, no_cut_file_is_accepted);
    tcase_add_loop_test(tcase, tensors_have_the_shape_they_were_written_with, 0, sizeof tensors / sizeof *tensors);
    tcase_add_test(tcase, numbers_are_those_that_were_written);
    tcase_add_test(tcase, the_head_is_found_by_the_names_of_the_format);
    tcase_add_test(tcase, a_quantised_type_in_a_name_is_no_step);
    tcase_add_test(tcase, integers_of_every_width_are_read);
    tcase_add_test(tcase, reals_booleans_and_strings_are_read);
    tcase_add_test(tcase, arrays_are_read_item_by_item);
    tcase_add_test(tcase, wrong_keys_and_types_are_named);
    tcase_add_test(tcase, a_model_split_into_one_file_is_whole);
    tcase_add_test(tcase, empty_strings_and_arrays_are_values);
    tcase_add_test(tcase, only_gguf_files_have_the_table);
    tcase_add_test(tcase, texts_are_for_every_caller);
    tcase_add_test(tcase, memory_that_runs_out_leaves_nothing_behind);
    return run_suite("gguf", tcase);
}
