/* tests/test_error.c - status codes, messages, versions. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/error.h"
#include "softneck.h"

static const struct {
    neck_status status;
    const char *name;
} codes[] = {
    {0, "NECK_OK"},
    {-1, "NECK_E_ARGUMENT"},
    {-2, "NECK_E_NOMEM"},
    {-3, "NECK_E_NONFINITE"},
    {-4, "NECK_E_CANCELLED"},
    {-5, "NECK_E_IO"},
    {-6, "NECK_E_FORMAT"},
    {-7, "NECK_E_UNSUPPORTED"},
    {-8, "NECK_E_NOT_FOUND"},
    {-9, "NECK_E_OVERFLOW"},
    {-10, "NECK_E_CONVERGENCE"},
    {-11, "NECK_E_TRAILING_DATA"},
    {-12, "NECK_E_STATE"},
    {-13, "NECK_E_INTERNAL"},
};

START_TEST(codes_keep_their_numbers)
{
    const char *name = neck_status_name(codes[_i].status);
    ck_assert_str_eq(name, codes[_i].name);
    const char *text = neck_status_text(codes[_i].status);
    ck_assert_uint_gt(strlen(text), 5);
    ck_assert_str_ne(text, neck_status_text(-9999));
}
END_TEST

START_TEST(unknown_codes_have_a_name_too)
{
    static const neck_status unknown[] = {1, -14, -9999, INT32_MAX, INT32_MIN};
    ck_assert_str_eq(neck_status_name(unknown[_i]), "NECK_E_UNKNOWN");
    ck_assert_str_eq(neck_status_text(unknown[_i]), "unknown status code");
}
END_TEST

START_TEST(a_failure_leaves_its_message)
{
    ck_assert_int_eq(neck__fail(NECK_E_IO, "%s is %d", "this", 3), NECK_E_IO);
    ck_assert_str_eq(neck_last_error(), "this is 3");
    ck_assert_int_eq(neck__fail_nomem("rows", 80), NECK_E_NOMEM);
    ck_assert_str_eq(neck_last_error(), "out of memory: 80 bytes for rows");
}
END_TEST

START_TEST(a_success_leaves_the_message_alone)
{
    neck__fail(NECK_E_IO, "before");
    neck_context *context;
    ck_assert_int_eq(neck_context_create(NULL, &context), NECK_OK);
    neck_context_destroy(context);
    ck_assert_str_eq(neck_last_error(), "before");
}
END_TEST

START_TEST(a_message_is_one_line)
{
    neck__fail(NECK_E_FORMAT, "tensor 'a\nb\tc\x1b[31m\x7f'");
    ck_assert_str_eq(neck_last_error(), "tensor 'a?b?c?[31m?'");
    neck__fail(NECK_E_FORMAT, "caf\xc3\xa9"); /* UTF-8 stays as it is */
    ck_assert_str_eq(neck_last_error(), "caf\xc3\xa9");
    neck__fail_in(NECK_E_FORMAT, "two\nlines");
    ck_assert_str_eq(neck_last_error(), "two?lines: caf\xc3\xa9");
}
END_TEST

START_TEST(a_prefix_names_the_file)
{
    neck__fail(NECK_E_FORMAT, "bad header");
    ck_assert_int_eq(neck__fail_in(NECK_E_TRAILING_DATA, "model-%d", 2), NECK_E_TRAILING_DATA);
    ck_assert_str_eq(neck_last_error(), "model-2: bad header");
}
END_TEST

START_TEST(long_messages_are_cut)
{
    char text[5000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    neck__fail(NECK_E_FORMAT, "%s", text);
    size_t length = strlen(neck_last_error());
    ck_assert_uint_gt(length, 500);
    ck_assert_uint_lt(length, sizeof text - 1);
    neck__fail(NECK_E_FORMAT, "the fault");
    neck__fail_in(NECK_E_FORMAT, "%s", text); /* a long name must not push the fault out */
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "x: the fault"));
}
END_TEST

START_TEST(copying_never_overruns)
{
    neck__fail(NECK_E_IO, "12345");
    ck_assert_uint_eq(neck_last_error_copy(NULL, 0), 5);
    for (size_t capacity = 0; capacity <= 8; capacity++) {
        char *buffer = malloc(capacity ? capacity : 1); /* exactly sized: a sanitizer sees one byte too many */
        buffer[0] = '?';
        ck_assert_uint_eq(neck_last_error_copy(buffer, capacity), 5);
        if (capacity == 0)
            ck_assert_int_eq(buffer[0], '?');
        else {
            ck_assert_uint_eq(strlen(buffer), capacity - 1 < 5 ? capacity - 1 : 5);
            ck_assert_int_eq(strncmp(buffer, "12345", strlen(buffer)), 0);
        }
        free(buffer);
    }
}
END_TEST

static void *fail_elsewhere(void *seen_first)
{
    strcpy(seen_first, neck_last_error());
    neck__fail(NECK_E_NOMEM, "the other thread's");
    return NULL;
}

START_TEST(each_thread_has_its_own_message)
{
    char seen_first[100] = "?";
    neck__fail(NECK_E_IO, "mine");
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, seen_first), 0);
    pthread_join(thread, NULL);
    ck_assert_str_eq(seen_first, "");
    ck_assert_str_eq(neck_last_error(), "mine");
}
END_TEST

START_TEST(versions_agree)
{
    char expected[32];
    snprintf(expected, sizeof expected, "%d.%d.%d", NECK_VERSION_MAJOR, NECK_VERSION_MINOR, NECK_VERSION_PATCH);
    ck_assert_str_eq(neck_version_string(), expected);
    ck_assert_int_eq(neck_version_number(), NECK_VERSION_NUMBER);
    ck_assert_int_eq(neck_abi_version(), NECK_ABI_VERSION);
    ck_assert_ptr_nonnull(strstr(neck_build_info(), expected));
    ck_assert_ptr_null(strchr(neck_build_info(), '\n'));
    ck_assert_ptr_eq(neck_build_info(), neck_build_info());
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("error");
    TCase *tests = tcase_create("error");
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, codes_keep_their_numbers, 0, (int)(sizeof codes / sizeof *codes));
    tcase_add_loop_test(tests, unknown_codes_have_a_name_too, 0, 5);
    tcase_add_test(tests, a_failure_leaves_its_message);
    tcase_add_test(tests, a_success_leaves_the_message_alone);
    tcase_add_test(tests, a_message_is_one_line);
    tcase_add_test(tests, a_prefix_names_the_file);
    tcase_add_test(tests, long_messages_are_cut);
    tcase_add_test(tests, copying_never_overruns);
    tcase_add_test(tests, each_thread_has_its_own_message);
    tcase_add_test(tests, versions_agree);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
