/* tests/test_atomic_file.c - files appear whole or not at all. */
#include "format_support.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "format/atomic_file.h"

static char folder[PATH_CAPACITY], path[PATH_CAPACITY];

static void setup(void)
{
    scratch_make(folder);
    scratch_file(path, folder, "file");
}

static void teardown(void) { scratch_remove(folder); }

static neck__atomic_file *create(void)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__atomic_file *file = NULL;
    ck_assert_msg(neck__atomic_file_create(&allocator, path, &file) == NECK_OK, "%s", neck_last_error());
    return file;
}

static void put(const char *text)
{
    neck__atomic_file *file = create();
    ck_assert_int_eq(neck__atomic_file_write(file, text, (int64_t)strlen(text)), NECK_OK);
    ck_assert_int_eq(neck__atomic_file_commit(file), NECK_OK);
}

static void assert_content(const char *text)
{
    neck__mapping *file = map_file(path);
    ck_assert_int_eq(file->size, (int64_t)strlen(text));
    ck_assert_mem_eq(file->data, text, strlen(text));
    neck__mapping_close(file);
}

START_TEST(the_name_appears_at_commit)
{
    neck__atomic_file *file = create();
    ck_assert_int_eq(neck__atomic_file_write(file, "hello", 5), NECK_OK);
    ck_assert_int_ne(access(path, F_OK), 0);
    ck_assert_int_eq(neck__atomic_file_commit(file), NECK_OK);
    assert_content("hello");
    ck_assert_int_eq(scratch_count(folder), 1);
}
END_TEST

START_TEST(an_old_file_stays_until_commit_and_after_abandon)
{
    put("old");
    neck__mapping *mapped = map_file(path);
    neck__atomic_file *file = create();
    ck_assert_int_eq(neck__atomic_file_write(file, "new", 3), NECK_OK);
    assert_content("old");
    neck__atomic_file_abandon(file);
    assert_content("old");
    ck_assert_int_eq(scratch_count(folder), 1);
    put("new");
    assert_content("new");
    ck_assert_mem_eq(mapped->data, "old", 3); /* a mapping of the old file is not written into */
    neck__mapping_close(mapped);
    neck__atomic_file_abandon(NULL);
}
END_TEST

START_TEST(two_writers_do_not_meet)
{
    neck__atomic_file *first = create(), *second = create();
    ck_assert_int_eq(neck__atomic_file_write(first, "first", 5), NECK_OK);
    ck_assert_int_eq(neck__atomic_file_write(second, "second", 6), NECK_OK);
    ck_assert_int_eq(neck__atomic_file_commit(second), NECK_OK);
    assert_content("second");
    ck_assert_int_eq(neck__atomic_file_commit(first), NECK_OK);
    assert_content("first");
    ck_assert_int_eq(scratch_count(folder), 1);
}
END_TEST

/* Around the size of the buffer, in pieces of every kind. */
START_TEST(pieces_of_any_size_arrive_in_order)
{
    static const int64_t pieces[] = {1, 65535, 0, 1, 65536, 7, 65537, 3, 200000, 65529, 5};
    int64_t total = 0, at = 0;
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) total += pieces[i];
    unsigned char *data = malloc((size_t)total);
    ck_assert_ptr_nonnull(data);
    for (int64_t i = 0; i < total; i++) data[i] = (unsigned char)(i * 31 >> 3);
    neck__atomic_file *file = create();
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; at += pieces[i++])
        ck_assert_int_eq(neck__atomic_file_write(file, data + at, pieces[i]), NECK_OK);
    ck_assert_int_eq(neck__atomic_file_commit(file), NECK_OK);
    neck__mapping *mapped = map_file(path);
    ck_assert_int_eq(mapped->size, total);
    ck_assert_int_eq(memcmp(mapped->data, data, (size_t)total), 0);
    neck__mapping_close(mapped);
    free(data);
}
END_TEST

static int names_are_needed(void)
{
    neck__atomic_file *file = create();
    const int needed = scratch_count(folder) == 1;
    neck__atomic_file_abandon(file);
    return needed;
}

/* However far the writer got, where the file system knows files without a name. */
START_TEST(nothing_is_left_of_a_writer_that_is_killed)
{
    if (names_are_needed()) return;
    for (int64_t size = 0; size < 300000; size += 100000) {
        const pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            const neck__allocator allocator = neck__allocator_of(NULL);
            static const char data[300000];
            neck__atomic_file *file;
            if (neck__atomic_file_create(&allocator, path, &file) != NECK_OK) _exit(1);
            if (neck__atomic_file_write(file, data, size) != NECK_OK) _exit(1);
            raise(SIGKILL);
        }
        int how;
        ck_assert_int_eq(waitpid(child, &how, 0), child);
        ck_assert(WIFSIGNALED(how));
        ck_assert_int_eq(scratch_count(folder), 0);
    }
}
END_TEST

START_TEST(the_umask_decides_who_may_read)
{
    mode_t old = umask(027);
    put("x");
    umask(old);
    struct stat info;
    ck_assert_int_eq(stat(path, &info), 0);
    ck_assert_int_eq(info.st_mode & 0777, 0640);
}
END_TEST

START_TEST(names_without_a_folder_work)
{
    int before = open(".", O_RDONLY | O_DIRECTORY);
    ck_assert_int_eq(chdir(folder), 0);
    snprintf(path, sizeof path, "here");
    put("x");
    assert_content("x");
    ck_assert_int_eq(scratch_count(folder), 1);
    ck_assert_int_eq(fchdir(before), 0);
    close(before);
}
END_TEST

START_TEST(failures_name_path_and_reason)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__atomic_file *file = NULL;
    char missing[PATH_CAPACITY];
    scratch_file(missing, folder, "no/such/folder/file");
    assert_fails(neck__atomic_file_create(&allocator, missing, &file), NECK_E_IO, "No such file", "create");
    ck_assert_ptr_nonnull(strstr(neck_last_error(), missing));
    ck_assert_ptr_null(file);
    snprintf(path, sizeof path, "%s", folder); /* a folder cannot be replaced */
    file = create();
    assert_fails(neck__atomic_file_commit(file), NECK_E_IO, folder, "commit");
}
END_TEST

/* A file-size limit stands in for a full disk. */
START_TEST(a_full_disk_is_reported_and_leaves_nothing)
{
    static const unsigned char block[200000];
    put("old");
    signal(SIGXFSZ, SIG_IGN);
    struct rlimit old, small;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = old;
    small.rlim_cur = 100000;
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &small), 0);
    neck__atomic_file *file = create();
    neck_status status = neck__atomic_file_write(file, block, sizeof block);
    neck__atomic_file_abandon(file);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &old), 0);
    assert_fails(status, NECK_E_IO, "File too large", "write");
    assert_content("old");
    ck_assert_int_eq(scratch_count(folder), 1);
}
END_TEST

START_TEST(a_lack_of_memory_leaves_nothing)
{
    failing state = {0};
    int64_t allowed = 0;
    do {
        state = (failing){.before_failure = allowed++};
        neck__allocator allocator = failing_allocator(&state);
        neck__atomic_file *file = NULL;
        neck_status status = neck__atomic_file_create(&allocator, path, &file);
        ck_assert_int_eq(status, state.failed ? NECK_E_NOMEM : NECK_OK);
        neck__atomic_file_abandon(file);
        ck_assert_int_eq(state.live, 0);
        ck_assert_int_eq(scratch_count(folder), 0);
    } while (state.failed);
    ck_assert_int_eq(allowed, 4);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("atomic_file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, the_name_appears_at_commit);
    tcase_add_test(tcase, an_old_file_stays_until_commit_and_after_abandon);
    tcase_add_test(tcase, two_writers_do_not_meet);
    tcase_add_test(tcase, pieces_of_any_size_arrive_in_order);
    tcase_add_test(tcase, nothing_is_left_of_a_writer_that_is_killed);
    tcase_add_test(tcase, the_umask_decides_who_may_read);
    tcase_add_test(tcase, names_without_a_folder_work);
    tcase_add_test(tcase, failures_name_path_and_reason);
    tcase_add_test(tcase, a_full_disk_is_reported_and_leaves_nothing);
    tcase_add_test(tcase, a_lack_of_memory_leaves_nothing);
    return run_suite("atomic_file", tcase);
}
