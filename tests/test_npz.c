/* tests/test_npz.c - reading what NumPy writes as .npz, and refusing what no archive of arrays may be. */
#include "archive_support.h"

#define FORMAT NECK_E_FORMAT
#define UNSUPPORTED NECK_E_UNSUPPORTED

static const refusal refusals[] = {
    {"array", FORMAT, "'a.npy': tensor 'a': shape [2, 2] of F32 needs 16 bytes, but has 15"},
    {"array_name", FORMAT, "a tensor's name is not valid UTF-8"},
    {"array_of_objects", UNSUPPORTED, "'a.npy': arrays of Python objects are refused: they need pickle"},
    {"bomb", FORMAT, "'a.npy' claims 1073741824 bytes from 87: more than deflate can make"},
    {"bytes_after", FORMAT, "no end record in the last 22 bytes: truncated, or other bytes follow"},
    {"bytes_before", FORMAT, "other bytes precede the first member"},
    {"comment", FORMAT, "no end record in the last 22 bytes: truncated, or other bytes follow"},
    {"count_huge", FORMAT, "65535 members do not fit into a directory of 51 bytes"},
    {"count_less", FORMAT, "the central directory has 51 bytes after its last entry"},
    {"count_more", FORMAT, "2 members do not fit into a directory of 51 bytes"},
    {"crc_differs", FORMAT, "local header and central directory disagree about 'a.npy'"},
    {"descriptor_crc", FORMAT, "the sizes that should follow 'a.npy' are missing or wrong"},
    {"descriptor_missing", FORMAT, "the sizes that should follow 'a.npy' are missing or wrong"},
    {"directory_gap", FORMAT, "the central directory has 3 bytes after its last entry"},
    {"directory_offset", FORMAT, "the central directory does not end where the end record begins"},
    {"directory_size", FORMAT, "the central directory does not end where the end record begins"},
    {"disk", UNSUPPORTED, "archives in several parts are not supported"},
    {"encrypted", UNSUPPORTED, "'a.npy' is encrypted"},
    {"extra", FORMAT, "the central directory is truncated or damaged"},
    {"first_is_missing", FORMAT, "the central directory does not end where the end record begins"},
    {"flags", UNSUPPORTED, "'a.npy' has unknown flags 0x0040"},
    {"flags_differ", FORMAT, "local header and central directory disagree about 'a.npy'"},
    {"gap", FORMAT, "6 bytes after 'a.npy' belong to nothing"},
    {"gap_like_descriptor", FORMAT, "12 bytes after 'a.npy' belong to nothing"},
    {"header_only", FORMAT, "no end record in the last 22 bytes: truncated, or other bytes follow"},
    {"local_extra", FORMAT, "the local header of 'a.npy' is damaged"},
    {"member_disk", UNSUPPORTED, "archives in several parts are not supported"},
    {"member_past_end", FORMAT, "'a.npy' has 9999 bytes, but only 144 follow"},
    {"method", UNSUPPORTED, "'a.npy' is packed by method 12: only stored (0) and deflated (8) are supported"},
    {"method_differs", FORMAT, "local header and central directory disagree about 'a.npy'"},
    {"name_differs", FORMAT, "local header and central directory disagree about 'a.npy'"},
    {"name_empty", FORMAT, "a member's name is empty or holds a NUL byte"},
    {"name_nul", FORMAT, "a member's name is empty or holds a NUL byte"},
    {"name_twice", FORMAT, "two members have the name 'a.npy'"},
    {"overlap", FORMAT, "'a.npy' overlaps what follows it"},
    {"packed_crc", FORMAT, "the bytes of 'a.npy' do not match their CRC-32: the file is damaged"},
    {"packed_cut", FORMAT, "'a.npy' does not unpack to exactly its 144 bytes"},
    {"packed_garbage", FORMAT, "'a.npy' does not unpack to exactly its 144 bytes"},
    {"packed_tail", FORMAT, "'a.npy' does not unpack to exactly its 144 bytes"},
    {"position_past_end", FORMAT, "the header of 'a.npy' lies outside the file's members"},
    {"position_wrong", FORMAT, "the local header of 'a.npy' is damaged"},
    {"size_differs", FORMAT, "local header and central directory disagree about 'a.npy'"},
    {"stored_size", FORMAT, "'a.npy' is stored in 144 bytes, but has 99"},
    {"truncated", FORMAT, "no end record in the last 22 bytes: truncated, or other bytes follow"},
    {"unpacks_to_less", FORMAT, "'a.npy' does not unpack to exactly its 999 bytes"},
    {"unpacks_to_more", FORMAT, "'a.npy' does not unpack to exactly its 9 bytes"},
    {"zip64_count", FORMAT, "1152921504606846976 members do not fit into a directory of 51 bytes"},
    {"zip64_disagrees", FORMAT, "the two end records disagree"},
    {"zip64_disks", UNSUPPORTED, "archives in several parts are not supported"},
    {"zip64_position", FORMAT, "the zip64 end record is not where its locator says"},
    {"zip64_record", FORMAT, "the zip64 end record is not where its locator says"},
    {"zip64_short", FORMAT, "the central directory is truncated or damaged"},
    {"zip64_size", FORMAT, "'a.npy' has 9223372036854775808 bytes, but only"},
    {"zip64_twice", FORMAT, "the central directory is truncated or damaged"},
};

#define REFUSALS (sizeof refusals / sizeof *refusals)

START_TEST(malformed_files_are_refused_by_name)
{
    assert_refused("npz", &refusals[_i], neck__npz_read);
}
END_TEST

START_TEST(every_malformed_file_has_its_row)
{
    assert_all_covered("npz", REFUSALS);
}
END_TEST

static const char *const complete[] = {"good_stored", "good_deflated"};

START_TEST(arrays_of_numpy_are_read)
{
    neck_checkpoint *checkpoint = open_corpus("npz", complete[_i]);
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_NPZ);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 5);
    neck_matrix m = matrix_of(checkpoint, "lm_head.weight");
    ck_assert_int_eq(m.dtype, NECK_F32);
    assert_view(&m, 7, 3, 0, 3, 1);
    m = matrix_of(checkpoint, "fortran"); /* converted to rows */
    ck_assert_int_eq(m.dtype, NECK_F64);
    assert_view(&m, 4, 5, 0, 5, 1);
    m = matrix_of(checkpoint, "big"); /* bytes turned round */
    assert_view(&m, 3, 2, 0, 2, 1);
    m = matrix_of(checkpoint, "half");
    ck_assert_int_eq(m.dtype, NECK_F16);
    assert_view(&m, 2, 9, 0, 9, 1);
    assert_fails(neck_checkpoint_matrix(NULL, checkpoint, index_of(checkpoint, "steps"), &m), UNSUPPORTED,
                 "tensor 'steps' is I64", "steps");
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

static const struct {
    const char *name, *tensor;
    int64_t count, rows, cols;
} small[] = {
    {"good_zip64", "a", 1, 2, 2},         {"good_descriptor_12", "a", 2, 2, 2}, {"good_descriptor_16", "b", 2, 2, 2},
    {"good_descriptor_20", "a", 2, 2, 2}, {"good_descriptor_24", "b", 2, 2, 2}, {"good_other_members", "a", 1, 2, 2},
    {"good_reordered", "z", 2, 2, 2},     {"good_piped", "half", 2, 2, 9},
};

START_TEST(every_form_of_zip_is_read)
{
    neck_checkpoint *checkpoint = open_corpus("npz", small[_i].name);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), small[_i].count);
    neck_matrix m = matrix_of(checkpoint, small[_i].tensor);
    assert_view(&m, small[_i].rows, small[_i].cols, 0, small[_i].cols, 1);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(an_archive_may_be_empty)
{
    neck_checkpoint *checkpoint = open_corpus("npz", "good_empty");
    ck_assert_int_eq(neck_checkpoint_format(checkpoint), NECK_FORMAT_NPZ);
    ck_assert_int_eq(neck_checkpoint_tensor_count(checkpoint), 0);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

START_TEST(stored_arrays_stay_in_the_file)
{
    neck__mapping *file = map_corpus("npz", "good_stored");
    neck__tensors list = read_good(file, neck__npz_read);
    ck_assert_int_eq(list.buffer_count, 0);
    for (int64_t i = 0; i < list.count; i++)
        ck_assert(list.tensors[i].data > file->data && list.tensors[i].data < file->data + file->size);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}
END_TEST

START_TEST(a_damaged_array_is_found_when_it_is_used)
{
    neck_checkpoint *checkpoint = open_corpus("npz", "good_until_used");
    neck_matrix m = {0};
    for (int k = 0; k < 2; k++) /* not only the first time */
        assert_fails(neck_checkpoint_matrix(NULL, checkpoint, 0, &m), FORMAT, "do not match their CRC-32", "matrix");
    ck_assert_ptr_null(m.data);
    neck_checkpoint_destroy(checkpoint);
}
END_TEST

static neck_status open_and_view(neck_context *context)
{
    char path[PATH_CAPACITY];
    source_path(path, "tests/corpus/npz/good_deflated");
    neck_checkpoint *checkpoint = NULL;
    neck_matrix m;
    neck_status status = neck_checkpoint_open(context, path, NULL, &checkpoint);
    if (status == NECK_OK) status = neck_checkpoint_matrix(context, checkpoint, index_of(checkpoint, "fortran"), &m);
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
    TCase *tcase = tcase_create("npz");
    tcase_add_loop_test(tcase, malformed_files_are_refused_by_name, 0, REFUSALS);
    tcase_add_test(tcase, every_malformed_file_has_its_row);
    tcase_add_loop_test(tcase, arrays_of_numpy_are_read, 0, sizeof complete / sizeof *complete);
    tcase_add_loop_test(tcase, every_form_of_zip_is_read, 0, sizeof small / sizeof *small);
    tcase_add_test(tcase, an_archive_may_be_empty);
    tcase_add_test(tcase, stored_arrays_stay_in_the_file);
    tcase_add_test(tcase, a_damaged_array_is_found_when_it_is_used);
    tcase_add_test(tcase, failing_memory_is_survived);
    return run_suite("npz", tcase);
}
