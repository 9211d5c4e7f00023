/* tests/test_zip.c - the structure of zip archives: members found, unpacked, checked; every cut refused. */
#include "archive_support.h"

#include "format/zip.h"

static neck__allocator allocator;

static neck__mapping *file;
static neck__zip zip;

static void open_zip(const char *name)
{
    allocator = neck__allocator_of(NULL);
    file = map_corpus("npz", name);
    ck_assert_msg(neck__zip_open(&allocator, file, &zip) == NECK_OK, "%s", neck_last_error());
}

static void close_zip(void)
{
    neck__zip_close(&zip);
    neck__mapping_close(file);
}

static const neck__zip_member *find(const char *name) { return neck__zip_find(&zip, name, strlen(name)); }

START_TEST(members_are_found_by_their_whole_name)
{
    open_zip("good_stored");
    ck_assert_int_eq(zip.count, 5);
    ck_assert_ptr_nonnull(find("lm_head.weight.npy"));
    ck_assert_ptr_nonnull(find("big.npy"));
    ck_assert_ptr_nonnull(find("steps.npy"));
    ck_assert_ptr_null(find("big"));
    ck_assert_ptr_null(find("big.npyy"));
    ck_assert_ptr_null(find(""));
    close_zip();
}
END_TEST

START_TEST(members_come_in_the_order_of_their_bytes)
{
    open_zip("good_reordered");
    ck_assert_int_eq(zip.count, 2);
    ck_assert_mem_eq(zip.members[0].name, "z.npy", 5);
    ck_assert_mem_eq(zip.members[1].name, "a.npy", 5);
    ck_assert(find("z.npy") == &zip.members[0]);
    close_zip();
}
END_TEST

START_TEST(stored_members_stay_in_the_file)
{
    open_zip("good_stored");
    for (int64_t i = 0; i < zip.count; i++) {
        const neck__zip_member *member = &zip.members[i];
        ck_assert_int_eq(member->deflated, 0);
        ck_assert_int_eq(member->size, member->stored_size);
        ck_assert_mem_eq(member->stored, "\x93NUMPY", 6);
        ck_assert_int_eq(neck__zip_check(member), NECK_OK);
    }
    close_zip();
}
END_TEST

START_TEST(deflated_members_equal_the_stored_ones)
{
    open_zip("good_stored");
    neck__zip stored = zip;
    neck__mapping *stored_file = file;
    open_zip("good_deflated");
    ck_assert_int_eq(zip.count, stored.count);
    for (int64_t i = 0; i < zip.count; i++) {
        unsigned char *data = NULL;
        ck_assert_int_eq(zip.members[i].deflated, 1);
        ck_assert_int_eq(zip.members[i].size, stored.members[i].size);
        ck_assert_int_eq(neck__zip_inflate(&allocator, &zip.members[i], &data), NECK_OK);
        ck_assert_mem_eq(data, stored.members[i].stored, (size_t)stored.members[i].size);
        neck__release(&allocator, data);
    }
    close_zip();
    zip = stored;
    file = stored_file;
    close_zip();
}
END_TEST

START_TEST(a_wrong_checksum_is_found)
{
    open_zip("good_until_used");
    assert_fails(neck__zip_check(&zip.members[0]), NECK_E_FORMAT, "do not match their CRC-32", "good_until_used");
    close_zip();
}
END_TEST

START_TEST(every_shorter_file_is_refused)
{
    allocator = neck__allocator_of(NULL);
    neck__mapping *whole = map_corpus("npz", "good_zip64");
    for (int64_t size = 0; size < whole->size; size++) {
        unsigned char *copy = malloc((size_t)size + 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, whole->data, (size_t)size);
        neck__mapping *cut = map_bytes(copy, size);
        ck_assert_int_eq(neck__zip_open(&allocator, cut, &zip), NECK_E_FORMAT);
        neck__mapping_close(cut);
        free(copy);
    }
    neck__mapping_close(whole);
}
END_TEST

START_TEST(failing_memory_is_survived)
{
    neck__mapping *packed = map_corpus("npz", "good_deflated");
    for (int64_t k = 0;; k++) {
        failing state = {.before_failure = k};
        neck__allocator scarce = failing_allocator(&state);
        unsigned char *data = NULL;
        neck_status status = neck__zip_open(&scarce, packed, &zip);
        if (status == NECK_OK) {
            status = neck__zip_inflate(&scarce, &zip.members[0], &data);
            neck__release(&scarce, data);
            neck__zip_close(&zip);
        }
        ck_assert_int_eq(status, state.failed ? NECK_E_NOMEM : NECK_OK);
        ck_assert_int_eq(state.live, 0);
        if (!state.failed) break;
    }
    neck__mapping_close(packed);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("zip");
    tcase_add_test(tcase, members_are_found_by_their_whole_name);
    tcase_add_test(tcase, members_come_in_the_order_of_their_bytes);
    tcase_add_test(tcase, stored_members_stay_in_the_file);
    tcase_add_test(tcase, deflated_members_equal_the_stored_ones);
    tcase_add_test(tcase, a_wrong_checksum_is_found);
    tcase_add_test(tcase, every_shorter_file_is_refused);
    tcase_add_test(tcase, failing_memory_is_survived);
    return run_suite("zip", tcase);
}
