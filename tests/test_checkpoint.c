/* tests/test_checkpoint.c - opening files, folders and shards; tensors by index and name; tensors as matrices. */
#include "archive_support.h"

#define FORMAT NECK_E_FORMAT

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void) { scratch_make(folder); }
static void teardown(void) { tree_remove(folder); }

static neck_status open_status(const char *name)
{
    neck_checkpoint *checkpoint = (neck_checkpoint *)folder; /* anything but NULL: it must stay */
    neck_status status = neck_checkpoint_open(NULL, name, NULL, &checkpoint);
    if (status != NECK_OK)
        ck_assert_ptr_eq(checkpoint, folder);
    else
        neck_checkpoint_destroy(checkpoint);
    return status;
}

/* ---- opening ---- */

static const struct {
    const char *path;
    int32_t format;
    const char *name;
    int64_t step, count;
} files[] = {
    {"tests/corpus/npy/good_c_f4", NECK_FORMAT_NPY, "npy", -1, 1},
    {"tests/corpus/npz/good_stored", NECK_FORMAT_NPZ, "npz", -1, 5},
    {"tests/corpus/torch/good_torch_views", NECK_FORMAT_TORCH, "torch", -1, 9},
    {"examples/data/hybridstories/step_4000.pt", NECK_FORMAT_TORCH, "torch", 4000, 312},
    {"examples/data/stories260K/stories260K.bin", NECK_FORMAT_LLAMA2C, "llama2.c", -1, 47},
    {"examples/data/stories260K", NECK_FORMAT_LLAMA2C, "llama2.c", -1, 47},
};

START_TEST(formats_are_told_by_content)
{
    source_path(path, files[_i].path);
    neck_checkpoint *checkpoint = open_good(path);
    ck_assert_str_eq(neck_checkpoint_path(checkpoint), path);
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), files[_i].format);
    ck_assert_str_eq(neck_format_name(files[_i].format), files[_i].name);
    ck_assert_int_eq(neck_checkpoint_step(checkpoint), files[_i].step);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), files[_i].count);
    ck_assert_ptr_null(neck_checkpoint_config(checkpoint));
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(what_is_no_checkpoint_is_refused)
{
    static const refusal contents[] = {
        {"", FORMAT, "the file is empty"},
        {"version https://git-lfs.github.com/spec/v1\n", FORMAT, "a Git LFS pointer"},
        {"hello, this is a text file", FORMAT, "26 bytes that are neither safetensors"},
        {"PK\3\4", FORMAT, "no end record"},
        {"\x93NUMPY", FORMAT, "too short for a .npy file"},
        {"\x80\2\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", NECK_E_UNSUPPORTED, "before PyTorch 1.6"},
    };
    scratch_file(path, folder, "file");
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        write_text(folder, "file", contents[i].name);
        assert_fails(open_status(path), contents[i].status, contents[i].fragment, "content");
        ck_assert_ptr_nonnull(strstr(neck_last_error(), path)); /* the message names the file */
    }
    assert_fails(open_status("/nonexistent/file"), NECK_E_IO, "/nonexistent/file': No such file", "absent");
}
END_TEST

START_TEST(options_are_checked)
{
    neck_checkpoint *checkpoint = NULL;
    neck_checkpoint_options options = {.struct_size = sizeof options, .reserved = 1};
    source_path(path, "tests/corpus/npy/good_c_f4");
    assert_fails(neck_checkpoint_open(NULL, path, &options, &checkpoint), NECK_E_ARGUMENT, "reserved", "reserved");
    options = (neck_checkpoint_options){0};
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, &options, &checkpoint), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_open(NULL, NULL, NULL, &checkpoint), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_open(NULL, "", NULL, &checkpoint), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, NULL, NULL), NECK_E_ARGUMENT);
    ck_assert_ptr_null(checkpoint);
    neck_checkpoint_destroy(NULL);
    ck_assert_str_eq(neck_format_name(0), "?");
    ck_assert_str_eq(neck_format_name(99), "?");
}
END_TEST

START_TEST(trailing_bytes_are_accepted_on_request)
{
    write_tensors(folder, "model", &(made_tensor){"a", 4, 2, 0}, 1);
    scratch_file(path, folder, "model");
    FILE *file = fopen(path, "ab");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_eq(fputs("more", file) >= 0 && fclose(file) == 0, 1);
    ck_assert_int_eq(open_status(path), NECK_E_TRAILING_DATA);
    neck_checkpoint_options options = {.struct_size = sizeof options, .allow_trailing = 1};
    neck_checkpoint *checkpoint = NULL;
    ck_assert_int_eq(neck_checkpoint_open(NULL, path, &options, &checkpoint), NECK_OK);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

/* ---- folders ---- */

START_TEST(a_folder_is_its_model)
{
    static const char config[] = "{\"tie_word_embeddings\": true, \"vocab_size\": 4}";
    write_tensors(folder, "model.safetensors", &(made_tensor){"wte.weight", 4, 2, 5}, 1);
    write_text(folder, "pytorch_model.bin", "older, not looked at");
    write_text(folder, "config.json", config);
    neck_checkpoint *checkpoint = open_good(folder);
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_SAFETENSORS);
    ck_assert_str_eq(neck_checkpoint_config(checkpoint), config);
    ck_assert_str_eq(neck_checkpoint_path(checkpoint), folder);
    neck_matrix m = matrix_of(checkpoint, "wte.weight");
    ck_assert_double_eq(view_value(&m, 3, 1), 5 + 7);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(a_folder_with_one_checkpoint_is_that)
{
    write_tensors(folder, "any_name", &(made_tensor){"a", 4, 2, 0}, 1);
    write_text(folder, "notes.txt", "text");
    neck_checkpoint *checkpoint = open_good(folder);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 1);
    neck_checkpoint_destroy(checkpoint);
    write_tensors(folder, "another", &(made_tensor){"a", 4, 2, 0}, 1);
    assert_fails(open_status(folder), NECK_E_NOT_FOUND, "holds 2 checkpoints", "two");
}
END_TEST

START_TEST(a_folder_without_model_is_refused)
{
    assert_fails(open_status(folder), NECK_E_NOT_FOUND, "no model in folder", "empty");
    write_text(folder, "notes.txt", "text");
    assert_fails(open_status(folder), NECK_E_NOT_FOUND, "no model in folder", "text");
}
END_TEST

START_TEST(a_bad_config_is_refused)
{
    write_tensors(folder, "model.safetensors", &(made_tensor){"a", 4, 2, 0}, 1);
    write_text(folder, "config.json", "{\"tie_word_embeddings\": ");
    assert_fails(open_status(folder), FORMAT, "config.json: invalid JSON", "config");
}
END_TEST

/* ---- shards ---- */

static const char index_name[] = "model.safetensors.index.json";

static void write_shards(const char *index)
{
    const made_tensor first[] = {{"wte.weight", 4, 2, 0}, {"a", 1, 1, 50}}, second[] = {{"lm_head.weight", 4, 2, 100}};
    write_tensors(folder, "model-00001-of-00002.safetensors", first, 2);
    write_tensors(folder, "model-00002-of-00002.safetensors", second, 1);
    write_text(folder, index_name, index);
}

START_TEST(shards_are_one_model)
{
    write_shards("{\"metadata\": {\"total_size\": 68}, \"weight_map\": {"
                 "\"lm_head.weight\": \"model-00002-of-00002.safetensors\","
                 "\"wte.weight\": \"model-00001-of-00002.safetensors\", \"a\": \"model-00001-of-00002.safetensors\"}}");
    neck_checkpoint *checkpoint = open_good(folder);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 3);
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_SAFETENSORS);
    neck_matrix m = matrix_of(checkpoint, "lm_head.weight");
    ck_assert_double_eq(view_value(&m, 0, 0), 100);
    int64_t head = -1;
    ck_assert_int_eq(neck_checkpoint_head(checkpoint, &head, NULL), NECK_OK);
    ck_assert_int_eq(head, index_of(checkpoint, "lm_head.weight"));
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

#define ONE "model-00001-of-00002.safetensors"
#define TWO "model-00002-of-00002.safetensors"

static const char good_index[] =
    "{\"weight_map\": {\"wte.weight\": \"" ONE "\", \"a\": \"" ONE "\", \"lm_head.weight\": \"" TWO "\"}}";

static const refusal indexes[] = {
    {"{", FORMAT, "index.json: invalid JSON"},
    {"[]", FORMAT, "no weight_map"},
    {"{}", FORMAT, "no weight_map"},
    {"{\"weight_map\": {}}", FORMAT, "no weight_map"},
    {"{\"weight_map\": [\"" ONE "\"]}", FORMAT, "no weight_map"},
    {"{\"weight_map\": {\"a\": 1}}", FORMAT, "the file of tensor 'a' is not text"},
    {"{\"weight_map\": {\"a\": \"../" ONE "\"}}", FORMAT, "is no plain file name"},
    {"{\"weight_map\": {\"a\": \"/etc/passwd\"}}", FORMAT, "is no plain file name"},
    {"{\"weight_map\": {\"a\": \"..\"}}", FORMAT, "is no plain file name"},
    {"{\"weight_map\": {\"a\": \"c:\\\\x\"}}", FORMAT, "is no plain file name"},
    {"{\"weight_map\": {\"a\": \"\"}}", FORMAT, "is no plain file name"},
    {"{\"weight_map\": {\"a\": \"absent.safetensors\"}}", NECK_E_IO, "absent.safetensors': No such file"},
    {"{\"weight_map\": {\"a\": \"" ONE "\", \"a\": \"" ONE "\"}}", FORMAT, "duplicate"},
    {"{\"weight_map\": {\"a\": \"" ONE "\", \"wte.weight\": \"" ONE "\", \"b\": \"" ONE "\"}}", FORMAT,
     "the index names tensor 'b' in '" ONE "', which does not hold it"},
    {"{\"weight_map\": {\"a\": \"" ONE "\"}}", FORMAT,
     "tensor 'wte.weight' in shard '" ONE "' is in another shard too, or not in the index"},
    {"{\"weight_map\": {\"a\": \"" TWO "\", \"wte.weight\": \"" ONE "\", \"lm_head.weight\": \"" TWO "\"}}", FORMAT,
     "tensor 'a' is in shard '" ONE "', but the index says '" TWO "'"},
    {"{\"weight_map\": {\"a\": \"text.safetensors\"}}", FORMAT, "text.safetensors: 4 bytes that are neither"},
    {"{\"weight_map\": {\"a\": \"" ONE "\", \"wte.weight\": \"" ONE "\", \"arr_0\": \"x.npy\"}}", FORMAT,
     "shard 'x.npy' is of format npy, others are safetensors"},
};

START_TEST(lying_indexes_are_refused)
{
    const float value = 1;
    const neck_matrix matrix = {&value, 1, 1, 1, NECK_F32, 0};
    write_shards(indexes[_i].name);
    write_text(folder, "text.safetensors", "text");
    scratch_file(path, folder, "x.npy");
    ck_assert_int_eq(neck_npy_write(NULL, path, &matrix), NECK_OK);
    assert_fails(open_status(folder), indexes[_i].status, indexes[_i].fragment, indexes[_i].name);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), index_name));
}
END_TEST

START_TEST(a_tensor_in_two_shards_is_refused)
{
    write_shards(good_index);
    const made_tensor second[] = {{"lm_head.weight", 4, 2, 100}, {"a", 1, 1, 50}};
    write_tensors(folder, TWO, second, 2);
    assert_fails(open_status(folder), FORMAT, "tensor 'a' in shard '" TWO "' is in another shard too", "two shards");
}
END_TEST

/* ---- tensors ---- */

START_TEST(tensors_are_described)
{
    const made_tensor made[] = {{"model.wte.weight", 4, 2, 0}, {"b", 3, 1, 9}};
    write_tensors(folder, "model", made, 2);
    scratch_file(path, folder, "model");
    neck_checkpoint *checkpoint = open_good(path);
    neck_tensor t = {.struct_size = sizeof t};
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 0, &t), NECK_OK);
    ck_assert_str_eq(t.name, "model.wte.weight");
    ck_assert_int_eq(t.dtype, NECK_F32);
    ck_assert_int_eq(t.ndim, 2);
    ck_assert_int_eq(t.shape[0], 4);
    ck_assert_int_eq(t.shape[1], 2);
    ck_assert_int_eq(t.nbytes, 32);
    ck_assert_ptr_nonnull(t.data);
    /* A caller compiled before the fields after name existed. */
    neck_tensor old = {.struct_size = offsetof(neck_tensor, dtype), .dtype = -5, .nbytes = -5};
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 1, &old), NECK_OK);
    ck_assert_str_eq(old.name, "b");
    ck_assert_int_eq(old.dtype, -5);
    ck_assert_int_eq(old.nbytes, -5);
    t.struct_size = 0;
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 0, &t), NECK_E_ARGUMENT);
    t.struct_size = sizeof t;
    assert_fails(neck_checkpoint_tensor(checkpoint, 2, &t), NECK_E_ARGUMENT, "index 2 is outside the 2 tensors", "2");
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, -1, &t), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_tensor(NULL, 0, &t), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 0, NULL), NECK_E_ARGUMENT);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(a_missing_name_is_answered_by_near_ones)
{
    const made_tensor made[] = {{"model.wte.weight", 4, 2, 0}, {"model.wpe.weight", 3, 1, 9}, {"b", 1, 1, 0}};
    write_tensors(folder, "model", made, 3);
    scratch_file(path, folder, "model");
    neck_checkpoint *checkpoint = open_good(path);
    int64_t index = -1;
    assert_fails(neck_checkpoint_find(checkpoint, "transformer.wte.weight", &index), NECK_E_NOT_FOUND,
                 "no tensor 'transformer.wte.weight' among 3; near: model.wte.weight", "tail");
    ck_assert_ptr_null(strstr(neck_last_error(), "wpe"));
    assert_fails(neck_checkpoint_find(checkpoint, "wpe", &index), NECK_E_NOT_FOUND, "near: model.wpe.weight", "part");
    assert_fails(neck_checkpoint_find(checkpoint, "zzz", &index), NECK_E_NOT_FOUND, "no tensor 'zzz' among 3", "far");
    ck_assert_ptr_null(strstr(neck_last_error(), "near"));
    ck_assert_int_eq(index, -1);
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, NULL, &index), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_find(NULL, "b", &index), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, "b", NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_find(checkpoint, "b", &index), NECK_OK);
    ck_assert_int_eq(index, 2);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(one_dimension_is_one_column)
{
    static const float values[3] = {7, 8, 9};
    const neck_tensor vector = {sizeof vector, "v", NECK_F32, 1, {3}, 12, values};
    scratch_file(path, folder, "model");
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &vector, 1, NULL, NULL, 0), NECK_OK);
    neck_checkpoint *checkpoint = open_good(path);
    neck_matrix m = matrix_of(checkpoint, "v");
    ck_assert_int_eq(m.rows, 3);
    ck_assert_int_eq(m.cols, 1);
    ck_assert_double_eq(view_value(&m, 2, 0), 9);
    ck_assert_int_eq(neck_checkpoint_matrix(NULL, checkpoint, 1, &m), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_matrix(NULL, checkpoint, -1, &m), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_matrix(NULL, checkpoint, 0, NULL), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_checkpoint_matrix(NULL, NULL, 0, &m), NECK_E_ARGUMENT);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(more_dimensions_are_no_matrix)
{
    static const float values[8] = {0};
    const neck_tensor stack = {sizeof stack, "s", NECK_F32, 3, {2, 2, 2}, 32, values};
    neck_matrix m;
    scratch_file(path, folder, "model");
    ck_assert_int_eq(neck_safetensors_write(NULL, path, &stack, 1, NULL, NULL, 0), NECK_OK);
    neck_checkpoint *checkpoint = open_good(path);
    assert_fails(neck_checkpoint_matrix(NULL, checkpoint, 0, &m), NECK_E_UNSUPPORTED, "'s' has 3 dimensions", "stack");
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

/* Larger than the tiles of the conversion, in both directions. */
START_TEST(column_order_is_turned_into_rows)
{
    enum { ROWS = 150, COLS = 70 };
    static float data[ROWS * COLS];
    for (int j = 0; j < COLS; j++)
        for (int i = 0; i < ROWS; i++) data[j * ROWS + i] = (float)fixture_value(i * COLS + j);
    char text[128];
    scratch_file(path, folder, "f.npy");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    memset(text, ' ', sizeof text);
    memcpy(text, "\x93NUMPY\1\0\x76\0", 10);
    memcpy(text + 10, "{'descr': '<f4', 'fortran_order': True, 'shape': (150, 70), }", 61);
    text[127] = '\n';
    ck_assert_uint_eq(fwrite(text, 1, sizeof text, file), sizeof text);
    ck_assert_uint_eq(fwrite(data, sizeof *data, ROWS * COLS, file), ROWS * COLS);
    ck_assert_int_eq(fclose(file), 0);
    neck_checkpoint *checkpoint = open_good(path);
    neck_tensor t = {.struct_size = sizeof t};
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 0, &t), NECK_OK);
    ck_assert_ptr_null(t.data);
    ck_assert_int_eq(t.nbytes, ROWS * COLS * 4);
    neck_matrix m = matrix_of(checkpoint, "arr_0");
    assert_view(&m, ROWS, COLS, 0, COLS, 1);
    ck_assert_ptr_eq(matrix_of(checkpoint, "arr_0").data, m.data);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

static neck_status open_folder(neck_context *context)
{
    neck_checkpoint *checkpoint = NULL;
    neck_status status = neck_checkpoint_open(context, folder, NULL, &checkpoint);
    neck_checkpoint_destroy(checkpoint);
    return status;
}

START_TEST(failing_memory_is_survived)
{
    write_shards(good_index);
    write_text(folder, "config.json", "{}");
    assert_survives_failing_memory(open_folder);
    scratch_file(path, folder, index_name);
    ck_assert_int_eq(unlink(path), 0); /* now two files without an index: the folder has to be searched */
    scratch_file(path, folder, ONE);
    ck_assert_int_eq(unlink(path), 0);
    assert_survives_failing_memory(open_folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("checkpoint");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_loop_test(tcase, formats_are_told_by_content, 0, sizeof files / sizeof *files);
    tcase_add_test(tcase, what_is_no_checkpoint_is_refused);
    tcase_add_test(tcase, options_are_checked);
    tcase_add_test(tcase, trailing_bytes_are_accepted_on_request);
    tcase_add_test(tcase, a_folder_is_its_model);
    tcase_add_test(tcase, a_folder_with_one_checkpoint_is_that);
    tcase_add_test(tcase, a_folder_without_model_is_refused);
    tcase_add_test(tcase, a_bad_config_is_refused);
    tcase_add_test(tcase, shards_are_one_model);
    tcase_add_loop_test(tcase, lying_indexes_are_refused, 0, sizeof indexes / sizeof *indexes);
    tcase_add_test(tcase, a_tensor_in_two_shards_is_refused);
    tcase_add_test(tcase, tensors_are_described);
    tcase_add_test(tcase, a_missing_name_is_answered_by_near_ones);
    tcase_add_test(tcase, one_dimension_is_one_column);
    tcase_add_test(tcase, more_dimensions_are_no_matrix);
    tcase_add_test(tcase, column_order_is_turned_into_rows);
    tcase_add_test(tcase, failing_memory_is_survived);
    return run_suite("checkpoint", tcase);
}
