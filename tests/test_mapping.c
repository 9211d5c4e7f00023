/* tests/test_mapping.c - what can be mapped, and the system's reason when it cannot. */
#include "format_support.h"

#include <fcntl.h>
#include <sys/stat.h>

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "file");
}

static void teardown(void) { scratch_remove(folder); }

static void write_file(const char *text)
{
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    ck_assert_int_eq(fclose(file), 0);
}

START_TEST(files_are_mapped)
{
    write_file("hello");
    neck__mapping *file = map_file(path);
    ck_assert_int_eq(file->size, 5);
    ck_assert_mem_eq(file->data, "hello", 5);
    ck_assert_int_eq(unlink(path), 0); /* the bytes stay */
    ck_assert_mem_eq(file->data, "hello", 5);
    neck__mapping_close(file);
    neck__mapping_close(NULL);
}
END_TEST

START_TEST(empty_files_have_an_address)
{
    write_file("");
    neck__mapping *file = map_file(path);
    ck_assert_int_eq(file->size, 0);
    ck_assert_ptr_nonnull(file->data);
    neck__mapping_close(file);
    file = map_bytes(NULL, 0);
    ck_assert_int_eq(file->size, 0);
    ck_assert_ptr_nonnull(file->data);
    neck__mapping_close(file);
}
END_TEST

static void assert_unmappable(const char *name, const char *fragment)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__mapping *file = NULL;
    assert_fails(neck__mapping_open(&allocator, name, &file), NECK_E_IO, fragment, name);
    ck_assert_ptr_null(file);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), name));
}

START_TEST(what_is_no_file_is_refused)
{
    assert_unmappable(path, "No such file or directory");
    assert_unmappable("", "No such file or directory");
    assert_unmappable(folder, "is a folder");
    assert_unmappable("/dev/null", "not a regular file");
    ck_assert_int_eq(mkfifo(path, 0600), 0); /* must not wait for a writer */
    assert_unmappable(path, "not a regular file");
}
END_TEST

static int open_descriptors(void) { return scratch_count("/proc/self/fd"); }

START_TEST(descriptors_are_closed)
{
    if (access("/proc/self/fd", R_OK) != 0) return;
    write_file("hello");
    int before = open_descriptors();
    neck__mapping *file = map_file(path);
    assert_unmappable(folder, "is a folder");
    ck_assert_int_eq(open_descriptors(), before);
    neck__mapping_close(file);
}
END_TEST

START_TEST(a_lack_of_memory_unmaps)
{
    write_file("hello");
    failing state = {.before_failure = 0};
    neck__allocator allocator = failing_allocator(&state);
    neck__mapping *file = NULL;
    ck_assert_int_eq(neck__mapping_open(&allocator, path, &file), NECK_E_NOMEM);
    ck_assert_ptr_null(file);
    ck_assert_int_eq(neck__mapping_over(&allocator, "x", 1, &file), NECK_E_NOMEM);
    ck_assert_int_eq(state.live, 0);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("mapping");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, files_are_mapped);
    tcase_add_test(tcase, empty_files_have_an_address);
    tcase_add_test(tcase, what_is_no_file_is_refused);
    tcase_add_test(tcase, descriptors_are_closed);
    tcase_add_test(tcase, a_lack_of_memory_unmaps);
    return run_suite("mapping", tcase);
}
