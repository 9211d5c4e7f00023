/* tests/test_torch.c - reading what torch.save writes, and refusing programs, lies and everything else. */
#include "archive_support.h"

#include <zlib.h>

#define FORMAT NECK_E_FORMAT
#define UNSUPPORTED NECK_E_UNSUPPORTED

static const refusal refusals[] = {
    {"additems_to_list", FORMAT, "items are put into something that is no set"},
    {"append_to_dict", FORMAT, "items are put into something that is no list"},
    {"appends_to_tuple", FORMAT, "items are put into something that is no list"},
    {"build_on_tensor", FORMAT, "state is set on something that has none"},
    {"build_on_tuple", FORMAT, "state is set on something that has none"},
    {"byteorder", FORMAT, "the byte order is neither 'little' nor 'big'"},
    {"bytes_after_stop", FORMAT, "1 bytes follow the last instruction"},
    {"dotted_global", UNSUPPORTED, "refused: global 'torch.FloatStorage.__init__' is not among"},
    {"empty_pickle", FORMAT, "truncated: an instruction needs more than the last 0 bytes"},
    {"eval", UNSUPPORTED, "refused: global 'builtins.eval' is not among"},
    {"ext1", UNSUPPORTED, "refused: instruction EXT1 does not describe data"},
    {"frame", FORMAT, "a frame is longer than the pickle"},
    {"inst", UNSUPPORTED, "refused: instruction INST does not describe data"},
    {"key_is_list", FORMAT, "a list or dict is used as the key of a dict"},
    {"key_number_twice", FORMAT, "a dict has the key 1 twice"},
    {"key_twice", FORMAT, "a dict has the key 'w' twice"},
    {"legacy", UNSUPPORTED, "not a zip archive but the format before PyTorch 1.6: load"},
    {"line_cut", FORMAT, "truncated: a line has no end"},
    {"mark_missing", FORMAT, "there is no mark on the stack"},
    {"memo_huge", FORMAT, "memo number 4294967295 in a pickle of 9 bytes"},
    {"memo_of_nothing", FORMAT, "the stack holds 0 values where 1 are needed"},
    {"memo_unset", FORMAT, "nothing is in the memo under number 7"},
    {"module_as_name", UNSUPPORTED, "refused: global 'torch.serialization?load' is not among"},
    {"name_long", UNSUPPORTED, "a tensor's name has more than 1024 bytes"},
    {"name_not_utf8", FORMAT, "a tensor's name is not valid UTF-8"},
    {"name_nul", FORMAT, "tensor 'a': the tensor name 'a...' holds a NUL byte"},
    {"nested_deep", UNSUPPORTED, "dicts and lists are nested deeper than 64"},
    {"newobj", UNSUPPORTED, "refused: instruction NEWOBJ does not describe data"},
    {"no_pickle", FORMAT, "the zip archive has no data.pkl: not saved by PyTorch"},
    {"no_stop", FORMAT, "truncated: an instruction needs more than the last 0 bytes"},
    {"obj", UNSUPPORTED, "refused: instruction OBJ does not describe data"},
    {"offset_long", FORMAT, "'torch._utils._rebuild_tensor_v2' is called with other arguments"},
    {"offset_negative", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"offset_outside", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"offset_overflow", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"ordered_dict_with_items", FORMAT, "'collections.OrderedDict' is called with other arguments"},
    {"os_system", UNSUPPORTED, "refused: global 'os.system' is not among"},
    {"out_of_band", UNSUPPORTED, "refused: instruction NEXT_BUFFER does not describe data"},
    {"persistent_module", FORMAT, "a persistent id is not a storage of PyTorch"},
    {"persistent_short", FORMAT, "a persistent id is not a storage of PyTorch"},
    {"persistent_text", FORMAT, "a persistent id is not a storage of PyTorch"},
    {"pickle_compressed", UNSUPPORTED, "the pickle is compressed"},
    {"pickle_crc", FORMAT, "the bytes of 'archive/data.pkl' do not match their CRC-32: the file is damaged"},
    {"pickle_too_deep", FORMAT, "the zip archive has no data.pkl: not saved by PyTorch"},
    {"protocol_0", UNSUPPORTED, "refused: instruction 0x64 does not describe data"},
    {"protocol_6", UNSUPPORTED, "protocol 6 is not supported: 2 to 5 are"},
    {"protocol_late", FORMAT, "the protocol is not named first"},
    {"rebuild_few_arguments", FORMAT, "'torch._utils._rebuild_tensor_v2' is called with other arguments"},
    {"rebuild_metadata", FORMAT, "'torch._utils._rebuild_tensor_v2' is called with other arguments"},
    {"rebuild_no_storage", FORMAT, "'torch._utils._rebuild_tensor_v2' is called with other arguments"},
    {"rebuild_text_offset", FORMAT, "'torch._utils._rebuild_tensor_v2' is called with other arguments"},
    {"reduce_storage_class", FORMAT, "'torch.FloatStorage' is called with other arguments"},
    {"reduce_text", FORMAT, "something that is no function is called, or not with a tuple"},
    {"reduce_with_list", FORMAT, "something that is no function is called, or not with a tuple"},
    {"setitem_on_list", FORMAT, "items are put into something that is no dict"},
    {"setitems_odd", FORMAT, "a dict's key has no value"},
    {"setitems_on_nothing", FORMAT, "the stack holds 0 values where 1 are needed"},
    {"setitems_on_tensor", FORMAT, "items are put into something that is no dict"},
    {"shape_negative", FORMAT, "tensor 'w': the shape holds something else than numbers >= 0"},
    {"shape_nine", UNSUPPORTED, "tensor 'w': more than 8 dimensions are not supported"},
    {"shape_outside", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"shape_overflow", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"stack_global", UNSUPPORTED, "refused: global 'posix.system' is not among"},
    {"stack_global_number", FORMAT, "a global's name is not text"},
    {"stop_in_mark", FORMAT, "1 values are left on the stack instead of one"},
    {"stop_on_nothing", FORMAT, "0 values are left on the stack instead of one"},
    {"stop_with_two", FORMAT, "2 values are left on the stack instead of one"},
    {"storage_class", FORMAT, "tensor 'w': storage '0' has 24 bytes, its pickle says 48"},
    {"storage_compressed", UNSUPPORTED, "tensor 'w': storage '0' is compressed"},
    {"storage_count", FORMAT, "tensor 'w': storage '0' has 24 bytes, its pickle says 20"},
    {"storage_count_negative", FORMAT, "tensor 'w': its storage has -6 elements: no file holds that many"},
    {"storage_count_overflow", FORMAT, "tensor 'w': its storage has 4611686018427387910 elements:"},
    {"storage_missing", FORMAT, "tensor 'w': there is no storage '1'"},
    {"storage_path", FORMAT, "tensor 'w': there is no storage '../data.pkl'"},
    {"storage_quantised", UNSUPPORTED, "refused: global 'torch.QInt8Storage' is not among"},
    {"stride_missing", FORMAT, "tensor 'w': shape and strides have different lengths"},
    {"stride_negative", FORMAT, "tensor 'w': a stride holds something else than numbers >= 0"},
    {"stride_outside", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"stride_overflow", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"stride_text", FORMAT, "tensor 'tensor': a stride holds something else than numbers >= 0"},
    {"stride_wraps", FORMAT, "tensor 'w': its elements lie outside the 24 bytes of storage '0'"},
    {"tar", UNSUPPORTED, "not a zip archive but the format before PyTorch 1.6: load"},
    {"text_cut", FORMAT, "truncated: an instruction needs more than the last 3 bytes"},
    {"text_huge", FORMAT, "truncated: an instruction needs more than the last 1 bytes"},
    {"torchscript", UNSUPPORTED, "a TorchScript archive holds a program: load it with PyTorch"},
    {"two_pickles", FORMAT, "the archive has two pickles"},
    {"under_mark", FORMAT, "the stack holds 0 values where 2 are needed"},
    {"unknown_code", UNSUPPORTED, "refused: instruction 0xff does not describe data"},
    {"untyped_without_dtype", FORMAT, "'torch._utils._rebuild_tensor_v3' is called with other arguments"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("torch", &refusals[_i], neck__torch_read);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("torch", REFUSALS);
}
END_TEST

/* ---- what PyTorch writes ---- */

START_TEST(dtypes_are_read)
{
    static const char *const floating[] = {"F32", "F64", "F16", "BF16"};
    neck_checkpoint *checkpoint = open_corpus("torch", "good_torch_dtypes");
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_TORCH);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 12);
    for (int64_t i = 0; i < 12; i++) { /* each is named after its dtype */
        neck_tensor t = {.struct_size = sizeof t};
        ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, i, &t), NECK_OK);
        ck_assert_str_eq(t.name, neck_dtype_name(t.dtype));
        ck_assert_int_eq(t.ndim, 2);
        ck_assert_int_eq(t.shape[0], 3);
        ck_assert_int_eq(t.shape[1], 5);
        ck_assert_int_eq(t.nbytes, 15 * neck_dtype_size(t.dtype));
    }
    for (int i = 0; i < 4; i++) {
        neck_matrix m = matrix_of(checkpoint, floating[i]);
        assert_view(&m, 3, 5, 0, 5, 1);
    }
    neck_tensor t = {.struct_size = sizeof t};
    ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, index_of(checkpoint, "I64"), &t), NECK_OK);
    for (int k = 0; k < 15; k++) {
        int64_t value;
        memcpy(&value, (const char *)t.data + 8 * k, sizeof value);
        ck_assert_int_eq(value, (int64_t)fixture_value(k));
    }
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

static const struct {
    const char *name;
    int64_t rows, cols, first, row_step, col_step;
    int in_place; /* the view points into the file, without a copy */
} views[] = {
    {"base", 6, 8, 0, 8, 1, 1},   {"transposed", 8, 6, 0, 1, 8, 0}, {"rows", 3, 8, 16, 8, 1, 1},
    {"block", 3, 5, 10, 8, 1, 1}, {"column", 6, 1, 3, 8, 0, 1},     {"every_other", 3, 3, 0, 16, 3, 0},
};

START_TEST(views_of_one_storage_are_read)
{
    neck_checkpoint *checkpoint = open_corpus("torch", "good_torch_views");
    const neck_matrix base = matrix_of(checkpoint, "base"), m = matrix_of(checkpoint, views[_i].name);
    assert_view(&m, views[_i].rows, views[_i].cols, views[_i].first, views[_i].row_step, views[_i].col_step);
    const ptrdiff_t distance = (const char *)m.data - (const char *)base.data;
    ck_assert_int_eq(distance == views[_i].first * 4, views[_i].in_place);
    ck_assert_ptr_eq(matrix_of(checkpoint, views[_i].name).data, m.data); /* converted once */
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(what_is_no_matrix_is_refused_as_one)
{
    static const refusal shapes[] = {
        {"scalar", UNSUPPORTED, "has 0 dimensions"},
        {"none", UNSUPPORTED, "is empty: 0 x 8"},
        {"expanded", UNSUPPORTED, "is expanded"},
    };
    neck_checkpoint *checkpoint = open_corpus("torch", "good_torch_views");
    neck_matrix m = {0};
    for (int i = 0; i < 3; i++)
        assert_fails(neck_checkpoint_matrix(NULL, checkpoint, index_of(checkpoint, shapes[i].name), &m),
                     shapes[i].status, shapes[i].fragment, shapes[i].name);
    ck_assert_ptr_null(m.data);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(parameters_are_their_tensors)
{
    neck_checkpoint *checkpoint = open_corpus("torch", "good_torch_parameters");
    neck_matrix m = matrix_of(checkpoint, "lm_head.weight");
    assert_view(&m, 7, 3, 0, 3, 1);
    m = matrix_of(checkpoint, "noted");
    assert_view(&m, 2, 3, 0, 3, 1);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

/* Nested dicts, an optimizer's state, a moving average, NumPy scalars and random states, in each pickle protocol. */
START_TEST(training_checkpoints_are_read)
{
    static const char *const names[] = {
        "model.tok_emb.weight",      "model.lm_head.weight", "optimizer.state.0.step", "optimizer.state.0.exp_avg",
        "optimizer.state.0.exp_avg_sq", "ema.tok_emb.weight",   "random.torch",
    };
    char file[64];
    snprintf(file, sizeof file, "good_torch_training_%d", _i);
    neck_checkpoint *checkpoint = open_corpus("torch", file);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 7);
    for (int i = 0; i < 7; i++) ck_assert_int_eq(index_of(checkpoint, names[i]), i);
    int64_t head = -1;
    int32_t tied = -1;
    ck_assert_int_eq(neck_checkpoint_head(checkpoint, &head, &tied), NECK_OK);
    ck_assert_int_eq(head, 0); /* head and embedding are one storage */
    ck_assert_int_eq(tied, 1);
    neck_matrix m = matrix_of(checkpoint, names[0]);
    assert_view(&m, 7, 3, 0, 3, 1);
    ck_assert_ptr_eq(matrix_of(checkpoint, names[1]).data, m.data);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

/* The CRC-32 of what PyTorch itself reads. */
START_TEST(sample_checkpoints_hold_what_pytorch_reads)
{
    char path[PATH_CAPACITY], name[64], inner[256];
    source_path(path, "tests/golden/hybridstories_sums.txt");
    FILE *sums = fopen(path, "r");
    ck_assert_ptr_nonnull(sums);
    int files = 0;
    for (unsigned expected; fscanf(sums, "%63s %x", name, &expected) == 2; files++) {
        snprintf(inner, sizeof inner, "examples/data/hybridstories/%s", name);
        source_path(path, inner);
        neck_checkpoint *checkpoint = open_good(path);
        neck_matrix m = matrix_of(checkpoint, "model.tok_emb.weight");
        ck_assert_int_eq(m.rows, 2048);
        ck_assert_int_eq(m.cols, 32);
        ck_assert_uint_eq(crc32_z(0, m.data, 2048 * 32 * 4), expected);
        neck_checkpoint_destroy(checkpoint);
    }
    fclose(sums);
    ck_assert_int_eq(files, 10);
}
END_TEST

/* ---- made by hand ---- */

/* The storage holds 0, 1, .. 5. */
static void assert_counts_up(neck_checkpoint *checkpoint, const char *name)
{
    neck_matrix m = matrix_of(checkpoint, name);
    ck_assert_int_eq(m.rows, 2);
    ck_assert_int_eq(m.cols, 3);
    for (int k = 0; k < 6; k++) ck_assert_double_eq(view_value(&m, k / 3, k % 3), k);
}

START_TEST(names_come_from_the_keys)
{
    static const struct {
        const char *file, *name;
        int64_t count;
    } cases[] = {
        {"good_made_lists", "1", 2},         {"good_made_alone", "tensor", 1}, {"good_made_cycle", "1", 1},
        {"good_made_tensor_keys", "7", 1},   {"good_made_big_endian", "w", 1}, {"good_made_little_endian", "w", 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_checkpoint *checkpoint = open_corpus("torch", cases[i].file);
        ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), cases[i].count);
        assert_counts_up(checkpoint, cases[i].name);
        neck_checkpoint_destroy(checkpoint);
    }
}
END_TEST

/* Lists that hold lists 20 times each, 60 levels deep: entered once each. */
START_TEST(sharing_does_not_explode)
{
    static const char *const files[] = {"good_made_laughs", "good_made_nothing"};
    for (int i = 0; i < 2; i++) {
        neck_checkpoint *checkpoint = open_corpus("torch", files[i]);
        ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 0);
        neck_checkpoint_destroy(checkpoint);
    }
}
END_TEST

START_TEST(tensors_that_repeat_memory_make_no_matrix)
{
    static const char *const files[] = {"good_made_expanded", "good_made_overlapping"};
    for (int i = 0; i < 2; i++) {
        neck_checkpoint *checkpoint = open_corpus("torch", files[i]);
        neck_tensor t = {.struct_size = sizeof t};
        neck_matrix m;
        ck_assert_int_eq(neck_checkpoint_tensor(checkpoint, 0, &t), NECK_OK);
        ck_assert_ptr_null(t.data);
        assert_fails(neck_checkpoint_matrix(NULL, checkpoint, 0, &m), UNSUPPORTED, "is expanded", files[i]);
        neck_checkpoint_destroy(checkpoint);
    }
}
END_TEST

START_TEST(a_damaged_storage_is_found_when_it_is_used)
{
    neck_checkpoint *checkpoint = open_corpus("torch", "good_made_storage_crc");
    neck_matrix m;
    assert_fails(neck_checkpoint_matrix(NULL, checkpoint, 0, &m), FORMAT,
                 "tensor 'w': its bytes do not match their CRC-32", "storage");
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

static neck_status open_and_view(neck_context *context)
{
    char path[PATH_CAPACITY];
    source_path(path, "tests/corpus/torch/good_torch_views");
    neck_checkpoint *checkpoint = NULL;
    neck_matrix m;
    neck_status status = neck_checkpoint_open(context, path, NULL, &checkpoint);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, checkpoint, 1, &m);
    neck_checkpoint_destroy(checkpoint);
    return status;
}

START_TEST(failing_memory_is_survived)
{
    assert_survives_failing_memory(open_and_view);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("torch");
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_test(tcase, dtypes_are_read);
    tcase_add_loop_test(tcase, views_of_one_storage_are_read, 0, sizeof views / sizeof *views);
    tcase_add_test(tcase, what_is_no_matrix_is_refused_as_one);
    tcase_add_test(tcase, parameters_are_their_tensors);
    tcase_add_loop_test(tcase, training_checkpoints_are_read, 2, 6);
    tcase_add_test(tcase, sample_checkpoints_hold_what_pytorch_reads);
    tcase_add_test(tcase, names_come_from_the_keys);
    tcase_add_test(tcase, sharing_does_not_explode);
    tcase_add_test(tcase, tensors_that_repeat_memory_make_no_matrix);
    tcase_add_test(tcase, a_damaged_storage_is_found_when_it_is_used);
    tcase_add_test(tcase, failing_memory_is_survived);
    return run_suite("torch", tcase);
}
