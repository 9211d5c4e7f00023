/* What the tests of the file formats share: the corpus, scratch folders, an allocator that fails. */
#ifndef TEST_FORMAT_SUPPORT_H
#define TEST_FORMAT_SUPPORT_H

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/tensors.h"
#include "softneck.h"

enum { PATH_CAPACITY = 4096 };

typedef neck_status (*reader_fn)(const neck__mapping *file, neck__tensors *list);

/* One malformed file: its name after "bad_", what the reader answers, and what its message must hold. */
typedef struct refusal {
    const char *name;
    neck_status status;
    const char *fragment;
} refusal;

/* ---- files ---- */

static inline void source_path(char path[PATH_CAPACITY], const char *name)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    ck_assert_int_lt(snprintf(path, PATH_CAPACITY, "%s/%s", root ? root : ".", name), PATH_CAPACITY);
}

static inline neck__mapping *map_file(const char *path)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__mapping *file = NULL;
    ck_assert_msg(neck__mapping_open(&allocator, path, &file) == NECK_OK, "%s", neck_last_error());
    return file;
}

static inline neck__mapping *map_source(const char *name)
{
    char path[PATH_CAPACITY];
    source_path(path, name);
    return map_file(path);
}

static inline neck__mapping *map_corpus(const char *format, const char *name)
{
    char path[PATH_CAPACITY];
    snprintf(path, sizeof path, "tests/corpus/%s/%s", format, name);
    return map_source(path);
}

/* Bytes of a fixed size on the heap: what lies behind them is not ours. */
static inline neck__mapping *map_bytes(const void *bytes, int64_t size)
{
    neck__allocator allocator = neck__allocator_of(NULL);
    neck__mapping *file = NULL;
    ck_assert_int_eq(neck__mapping_over(&allocator, bytes, size, &file), NECK_OK);
    return file;
}

static inline neck__tensors empty_list(void)
{
    return (neck__tensors){.allocator = neck__allocator_of(NULL)};
}

/* A list read from a file that must be fine; close both. */
static inline neck__tensors read_good(neck__mapping *file, reader_fn reader)
{
    neck__tensors list = empty_list();
    ck_assert_msg(reader(file, &list) == NECK_OK, "%s", neck_last_error());
    return list;
}

static inline const neck__tensor *tensor_named(const neck__tensors *list, const char *name)
{
    for (int64_t i = 0; i < list->count; i++)
        if (strcmp(list->tensors[i].name, name) == 0) return &list->tensors[i];
    ck_abort_msg("no tensor '%s'", name);
    return NULL;
}

/* ---- refusals ---- */

static inline void assert_fails(neck_status status, neck_status expected, const char *fragment, const char *what)
{
    ck_assert_msg(status == expected, "%s: %s (%s) instead of %s", what, neck_status_name(status),
                  status == NECK_OK ? "" : neck_last_error(), neck_status_name(expected));
    ck_assert_msg(strstr(neck_last_error(), fragment) != NULL, "%s: '%s' does not say '%s'", what, neck_last_error(),
                  fragment);
}

static inline void assert_refused(const char *format, const refusal *expected, reader_fn reader)
{
    char name[128];
    snprintf(name, sizeof name, "bad_%s", expected->name);
    neck__mapping *file = map_corpus(format, name);
    neck__tensors list = empty_list();
    assert_fails(reader(file, &list), expected->status, expected->fragment, name);
    neck__tensors_clear(&list);
    neck__mapping_close(file);
}

/* Every bad_* file of the corpus has its row in a table of that length. */
static inline void assert_all_covered(const char *format, size_t rows)
{
    char path[PATH_CAPACITY], name[64];
    snprintf(name, sizeof name, "tests/corpus/%s", format);
    source_path(path, name);
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    size_t found = 0;
    for (struct dirent *entry; (entry = readdir(folder));) found += strncmp(entry->d_name, "bad_", 4) == 0;
    closedir(folder);
    ck_assert_uint_eq(found, rows);
}

/* ---- scratch folders ---- */

static inline void scratch_make(char path[PATH_CAPACITY])
{
    const char *root = getenv("TMPDIR");
    snprintf(path, PATH_CAPACITY, "%s/softneck-test-XXXXXX", root ? root : "/tmp");
    ck_assert_ptr_nonnull(mkdtemp(path));
}

static inline void scratch_file(char path[PATH_CAPACITY], const char *folder, const char *name)
{
    ck_assert_int_lt(snprintf(path, PATH_CAPACITY, "%s/%s", folder, name), PATH_CAPACITY);
}

/* Number of files in a folder. */
static inline int scratch_count(const char *path)
{
    int count = 0;
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) count += entry->d_name[0] != '.';
    closedir(folder);
    return count;
}

/* Removes a folder of files. */
static inline void scratch_remove(const char *path)
{
    DIR *folder = opendir(path);
    ck_assert_ptr_nonnull(folder);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inner[PATH_CAPACITY + 256];
        snprintf(inner, sizeof inner, "%s/%s", path, entry->d_name);
        unlink(inner);
    }
    closedir(folder);
    ck_assert_int_eq(rmdir(path), 0);
}

/* ---- memory that runs out ---- */

typedef struct failing {
    int64_t before_failure; /* allocations that still succeed; negative: all */
    int64_t live;           /* blocks */
    int failed;
} failing;

static inline void *failing_alloc(void *user, size_t alignment, size_t size)
{
    failing *state = user;
    if (state->before_failure == 0) {
        state->failed = 1;
        return NULL;
    }
    if (state->before_failure > 0) state->before_failure--;
    state->live++;
    return aligned_alloc(alignment, size);
}

static inline void failing_release(void *user, void *memory)
{
    ((failing *)user)->live--;
    free(memory);
}

static inline neck__allocator failing_allocator(failing *state)
{
    return (neck__allocator){failing_alloc, failing_release, state};
}

/* ---- running ---- */

static inline int run_suite(const char *name, TCase *tcase)
{
    Suite *suite = suite_create(name);
    tcase_set_timeout(tcase, 60);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
