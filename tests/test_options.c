/* tests/test_options.c - options structs of a caller whose header is older or newer than the library. */
#include <check.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/options.h"
#include "softneck.h"

struct sample_options {
    size_t struct_size;
    int32_t first;
    int32_t second;
    double third;
};

/* An options struct of that many bytes in memory of exactly that size, so that a sanitizer sees every byte read that
 * the caller does not have. */
static void *caller_struct(const void *start, size_t known, size_t size)
{
    unsigned char *memory = malloc(size);
    memset(memory, 0, size);
    memcpy(memory, start, known < size ? known : size);
    memcpy(memory, &size, size < sizeof size ? size : sizeof size);
    return memory;
}

static const struct sample_options filled = {sizeof filled, 11, 22, 33.0};

START_TEST(null_means_all_defaults)
{
    struct sample_options ours;
    memset(&ours, 0xff, sizeof ours);
    ck_assert_int_eq(neck__options_read("sample", NULL, &ours, sizeof ours), NECK_OK);
    ck_assert_uint_eq(ours.struct_size, 0);
    ck_assert_int_eq(ours.first, 0);
    ck_assert_double_eq(ours.third, 0);
}
END_TEST

START_TEST(the_same_size_is_copied)
{
    struct sample_options ours;
    void *theirs = caller_struct(&filled, sizeof filled, sizeof filled);
    ck_assert_int_eq(neck__options_read("sample", theirs, &ours, sizeof ours), NECK_OK);
    free(theirs);
    ck_assert_int_eq(ours.first, 11);
    ck_assert_int_eq(ours.second, 22);
    ck_assert_double_eq(ours.third, 33);
}
END_TEST

START_TEST(a_shorter_struct_leaves_the_rest_default)
{
    static const size_t sizes[] = {offsetof(struct sample_options, first), offsetof(struct sample_options, second),
                                   offsetof(struct sample_options, third)};
    struct sample_options ours;
    void *theirs = caller_struct(&filled, sizeof filled, sizes[_i]);
    ck_assert_int_eq(neck__options_read("sample", theirs, &ours, sizeof ours), NECK_OK);
    free(theirs);
    ck_assert_int_eq(ours.first, _i >= 1 ? 11 : 0);
    ck_assert_int_eq(ours.second, _i >= 2 ? 22 : 0);
    ck_assert_double_eq(ours.third, 0);
}
END_TEST

START_TEST(a_longer_struct_with_an_unused_tail_is_read)
{
    struct sample_options ours;
    size_t size = sizeof filled + (size_t)_i;
    void *theirs = caller_struct(&filled, sizeof filled, size);
    ck_assert_int_eq(neck__options_read("sample", theirs, &ours, sizeof ours), NECK_OK);
    free(theirs);
    ck_assert_double_eq(ours.third, 33);
}
END_TEST

START_TEST(a_longer_struct_that_asks_for_more_is_refused)
{
    struct sample_options ours;
    size_t size = sizeof filled + (size_t)_i;
    unsigned char *theirs = caller_struct(&filled, sizeof filled, size);
    theirs[size - 1] = 1;
    ck_assert_int_eq(neck__options_read("sample_options", theirs, &ours, sizeof ours), NECK_E_ARGUMENT);
    free(theirs);
    char byte[32];
    snprintf(byte, sizeof byte, "byte %zu ", size - 1);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "sample_options"));
    ck_assert_ptr_nonnull(strstr(neck_last_error(), byte));
}
END_TEST

START_TEST(an_unset_size_is_refused)
{
    static const size_t sizes[] = {0, 1, sizeof(size_t) - 1, 4097, SIZE_MAX / 2, SIZE_MAX};
    struct sample_options theirs = filled, ours;
    theirs.struct_size = sizes[_i];
    ck_assert_int_eq(neck__options_read("sample_options", &theirs, &ours, sizeof ours), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "sample_options.struct_size"));
}
END_TEST

/* The same through the public calls: every options struct of the API. */
static neck_status use_context(const void *options)
{
    neck_context *context;
    neck_status status = neck_context_create(options, &context);
    if (status == NECK_OK) neck_context_destroy(context);
    return status;
}

static neck_status use_gram(const void *options)
{
    neck_gram *gram;
    neck_status status = neck_gram_create(NULL, 3, options, &gram);
    if (status == NECK_OK) neck_gram_destroy(gram);
    return status;
}

static const float entries[2][2] = {{1, 2}, {3, 4}};
static const neck_matrix matrix = {.data = entries, .rows = 2, .cols = 2, .dtype = NECK_F32};

static neck_status use_spectrum(const void *options)
{
    neck_spectrum *spectrum;
    neck_status status = neck_spectrum_compute(NULL, &matrix, options, &spectrum);
    if (status == NECK_OK) neck_spectrum_destroy(spectrum);
    return status;
}

static neck_status use_svd(const void *options)
{
    double values[2];
    return neck_svd_compute(NULL, &matrix, options, NULL, values, NULL, NULL);
}

static const struct {
    const char *type;
    size_t size;
    neck_status (*use)(const void *options);
} public_structs[] = {
    {"neck_context_options", sizeof(neck_context_options), use_context},
    {"neck_gram_options", sizeof(neck_gram_options), use_gram},
    {"neck_spectrum_options", sizeof(neck_spectrum_options), use_spectrum},
    {"neck_svd_options", sizeof(neck_svd_options), use_svd},
};
#define PUBLIC_STRUCTS (int)(sizeof public_structs / sizeof *public_structs)

START_TEST(every_public_struct_may_be_shorter_or_longer)
{
    size_t known = public_structs[_i].size, none = sizeof(size_t);
    ck_assert_int_eq(public_structs[_i].use(NULL), NECK_OK);
    for (size_t size = none; size <= known + 2 * none; size += 4) {
        unsigned char *theirs = caller_struct(&none, sizeof none, size);
        ck_assert_msg(public_structs[_i].use(theirs) == NECK_OK, "%s of %zu bytes: %s", public_structs[_i].type, size,
                      neck_last_error());
        free(theirs);
    }
}
END_TEST

START_TEST(every_public_struct_refuses_an_unknown_tail)
{
    size_t known = public_structs[_i].size, none = sizeof(size_t);
    unsigned char *theirs = caller_struct(&none, sizeof none, known + none);
    theirs[known] = 1;
    ck_assert_int_eq(public_structs[_i].use(theirs), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), public_structs[_i].type));
    free(theirs);
}
END_TEST

START_TEST(every_public_struct_refuses_an_unset_size)
{
    unsigned char *theirs = calloc(1, public_structs[_i].size);
    ck_assert_int_eq(public_structs[_i].use(theirs), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), public_structs[_i].type));
    free(theirs);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("options");
    TCase *tests = tcase_create("options");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, null_means_all_defaults);
    tcase_add_test(tests, the_same_size_is_copied);
    tcase_add_loop_test(tests, a_shorter_struct_leaves_the_rest_default, 0, 3);
    tcase_add_loop_test(tests, a_longer_struct_with_an_unused_tail_is_read, 1, 20);
    tcase_add_loop_test(tests, a_longer_struct_that_asks_for_more_is_refused, 1, 20);
    tcase_add_loop_test(tests, an_unset_size_is_refused, 0, 6);
    tcase_add_loop_test(tests, every_public_struct_may_be_shorter_or_longer, 0, PUBLIC_STRUCTS);
    tcase_add_loop_test(tests, every_public_struct_refuses_an_unknown_tail, 0, PUBLIC_STRUCTS);
    tcase_add_loop_test(tests, every_public_struct_refuses_an_unset_size, 0, PUBLIC_STRUCTS);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
