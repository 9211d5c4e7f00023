/* tests/test_safetensors_write.c - what is written is read back, bit for bit; what cannot be written is refused. */
#include "format_support.h"

#include "format/safetensors.h"

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "out.safetensors");
}

static void teardown(void) { scratch_remove(folder); }

static const float numbers[] = {1, -2.5f, 0, 3e-41f, 65504, 7};

static neck_tensor tensor_of(const char *name, int32_t dtype, int64_t rows, int64_t cols, const void *data)
{
    neck_tensor tensor = {.struct_size = sizeof tensor, .name = name, .dtype = dtype, .ndim = 2, .shape = {rows, cols}};
    tensor.nbytes = rows * cols * neck_dtype_size(dtype);
    tensor.data = data;
    return tensor;
}

static neck__tensors read_back(neck__mapping **file)
{
    *file = map_file(path);
    neck__tensors list = empty_list();
    ck_assert_msg(neck__safetensors_read(*file, 0, &list) == NECK_OK, "%s", neck_last_error());
    return list;
}

START_TEST(tensors_come_back_in_order)
{
    const uint16_t halves[] = {0x3c00, 0x7c00, 0xfc01};
    neck_tensor tensors[] = {tensor_of("z", NECK_F32, 2, 3, numbers), tensor_of("a", NECK_BF16, 3, 1, halves),
                             tensor_of("none", NECK_I64, 0, 4, NULL), tensor_of("b", NECK_U8, 1, 5, "hello")};
    ck_assert_int_eq(neck_safetensors_write(NULL, path, tensors, 4, NULL, NULL, 0), NECK_OK);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_int_eq(list.count, 4);
    ck_assert_str_eq(list.tensors[0].name, "z");
    ck_assert_mem_eq(list.tensors[0].data, numbers, sizeof numbers);
    ck_assert_mem_eq(tensor_named(&list, "a")->data, halves, sizeof halves);
    ck_assert_mem_eq(tensor_named(&list, "b")->data, "hello", 5);
    ck_assert_int_eq(tensor_named(&list, "none")->nbytes, 0);
    ck_assert_int_eq(tensor_named(&list, "none")->shape[1], 4);
    ck_assert_int_eq((list.tensors[0].data - file->data) % 64, 0);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
    ck_assert_int_eq(scratch_count(folder), 1); /* no temporary file stays */
}
END_TEST

/* The data begins at a multiple of 64 whatever the header's length. */
START_TEST(data_is_aligned)
{
    char name[80];
    memset(name, 'n', sizeof name);
    name[_i] = '\0';
    neck_tensor tensor = tensor_of(name, NECK_F32, 2, 3, numbers);
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &tensor, 1, NULL, NULL, 0), NECK_OK);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_int_eq((list.tensors[0].data - file->data) % 64, 0);
    ck_assert_int_eq(file->size % 64, sizeof numbers);
    ck_assert_str_eq(list.tensors[0].name, name);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(names_and_metadata_are_escaped)
{
    const char *name = "a \"quoted\\ name\n\t\x01 with caf\xc3\xa9 \xf0\x9f\x98\x80";
    const char *keys[] = {"plain", name}, *values[] = {"", name};
    neck_tensor tensor = tensor_of(name, NECK_F32, 2, 3, numbers);
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &tensor, 1, keys, values, 2), NECK_OK);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_str_eq(list.tensors[0].name, name);
    json_t *metadata = NULL;
    ck_assert_int_eq(neck__safetensors_metadata(file, &metadata), NECK_OK);
    ck_assert_uint_eq(json_object_size(metadata), 2);
    ck_assert_str_eq(json_string_value(json_object_get(metadata, name)), name);
    ck_assert_str_eq(json_string_value(json_object_get(metadata, "plain")), "");
    json_decref(metadata);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(nothing_is_a_file_too)
{
    ck_assert_int_eq(neck_safetensors_write(NULL, path, NULL, 0, NULL, NULL, 0), NECK_OK);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_int_eq(list.count, 0);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

/* A caller compiled with a longer struct: elements lie farther apart, unknown fields must be 0. */
START_TEST(longer_structs_are_strided_over)
{
    struct longer {
        neck_tensor known;
        int64_t unknown;
    } tensors[2] = {{.known = tensor_of("a", NECK_F32, 1, 2, numbers)},
                    {.known = tensor_of("b", NECK_F32, 1, 2, numbers + 2)}};
    tensors[0].known.struct_size = tensors[1].known.struct_size = sizeof tensors[0];
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &tensors[0].known, 2, NULL, NULL, 0), NECK_OK);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_mem_eq(tensor_named(&list, "b")->data, numbers + 2, 8);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
    tensors[1].unknown = 1;
    assert_fails(neck_safetensors_write(NULL, path, &tensors[0].known, 2, NULL, NULL, 0), NECK_E_ARGUMENT,
                 "is set, but", "unknown field");
    tensors[1].unknown = 0;
    tensors[1].known.struct_size = sizeof(neck_tensor);
    assert_fails(neck_safetensors_write(NULL, path, &tensors[0].known, 2, NULL, NULL, 0), NECK_E_ARGUMENT,
                 "struct_size differs", "two sizes");
}
END_TEST

static void assert_unwritable(const neck_tensor *tensors, int64_t count, const char *fragment)
{
    neck_status status = neck_safetensors_write(NULL, path, tensors, count, NULL, NULL, 0);
    assert_fails(status, NECK_E_ARGUMENT, fragment, fragment);
    ck_assert_int_eq(scratch_count(folder), 0);
}

START_TEST(bad_tensors_are_refused)
{
    neck_tensor t = tensor_of("t", NECK_F32, 2, 3, numbers);
    assert_unwritable((neck_tensor[]){t, t}, 2, "two tensors have the name 't'");
    assert_unwritable(NULL, 1, "tensors is NULL");
    assert_unwritable(&t, -1, "count < 0");
    struct {
        const char *fragment;
        neck_tensor tensor;
    } cases[] = {
        {"name is NULL", tensor_of(NULL, NECK_F32, 2, 3, numbers)},
        {"empty name", tensor_of("", NECK_F32, 2, 3, numbers)},
        {"not valid UTF-8", tensor_of("a\xff", NECK_F32, 2, 3, numbers)},
        {"cannot be named __metadata__", tensor_of("__metadata__", NECK_F32, 2, 3, numbers)},
        {"has no data", tensor_of("t", NECK_F32, 2, 3, NULL)},
        {"dtype number 99", tensor_of("t", 99, 2, 3, numbers)},
        {"negative dimension", tensor_of("t", NECK_F32, -2, 3, numbers)},
        {"needs 24 bytes, but has 23", t},
        {"9 dimensions", t},
        {"struct_size", t},
    };
    cases[7].tensor.nbytes--;
    cases[8].tensor.ndim = 9;
    cases[9].tensor.struct_size = 3;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) assert_unwritable(&cases[i].tensor, 1, cases[i].fragment);
}
END_TEST

START_TEST(bad_metadata_is_refused)
{
    static const struct {
        const char *fragment, *keys[2], *values[2];
    } cases[] = {
        {"two metadata keys have the name 'a'", {"a", "a"}, {"1", "2"}},
        {"no key or no value", {"a", NULL}, {"1", "2"}},
        {"no key or no value", {"a", "b"}, {"1", NULL}},
        {"not valid UTF-8", {"a", "\xc3"}, {"1", "2"}},
        {"not valid UTF-8", {"a", "b"}, {"1", "\xed\xa0\x80"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(neck_safetensors_write(NULL, path, NULL, 0, cases[i].keys, cases[i].values, 2), NECK_E_ARGUMENT,
                     cases[i].fragment, "metadata");
    assert_fails(neck_safetensors_write(NULL, path, NULL, 0, NULL, NULL, 1), NECK_E_ARGUMENT, "keys or values", "NULL");
    assert_fails(neck_safetensors_write(NULL, NULL, NULL, 0, NULL, NULL, 0), NECK_E_ARGUMENT, "path is NULL", "NULL");
    ck_assert_int_eq(scratch_count(folder), 0);
}
END_TEST

START_TEST(a_failed_write_leaves_the_old_file)
{
    neck_tensor old = tensor_of("old", NECK_F32, 2, 3, numbers), bad = tensor_of("bad", NECK_F32, 2, 3, NULL);
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &old, 1, NULL, NULL, 0), NECK_OK);
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &bad, 1, NULL, NULL, 0), NECK_E_ARGUMENT);
    neck__mapping *file;
    neck__tensors list = read_back(&file);
    ck_assert_str_eq(list.tensors[0].name, "old");
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(running_out_of_memory_is_reported_and_leaks_nothing)
{
    const char *keys[] = {"key"}, *values[] = {"value"};
    neck_tensor tensors[] = {tensor_of("a", NECK_F32, 2, 3, numbers), tensor_of("b", NECK_F32, 2, 3, numbers)};
    failing state = {0};
    int64_t allowed = -1;
    do {
        state = (failing){.before_failure = -1};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &state};
        neck_context *context;
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        state.before_failure = ++allowed;
        neck_status status = neck_safetensors_write(context, path, tensors, 2, keys, values, 1);
        ck_assert_int_eq(status, state.failed ? NECK_E_NOMEM : NECK_OK);
        ck_assert_int_eq(scratch_count(folder), state.failed ? 0 : 1);
        neck_context_destroy(context);
        ck_assert_int_eq(state.live, 0);
    } while (state.failed);
    ck_assert_int_ge(allowed, 5);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("safetensors_write");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, tensors_come_back_in_order);
    tcase_add_loop_test(tcase, data_is_aligned, 1, 70);
    tcase_add_test(tcase, names_and_metadata_are_escaped);
    tcase_add_test(tcase, nothing_is_a_file_too);
    tcase_add_test(tcase, longer_structs_are_strided_over);
    tcase_add_test(tcase, bad_tensors_are_refused);
    tcase_add_test(tcase, bad_metadata_is_refused);
    tcase_add_test(tcase, a_failed_write_leaves_the_old_file);
    tcase_add_test(tcase, running_out_of_memory_is_reported_and_leaks_nothing);
    return run_suite("safetensors_write", tcase);
}
