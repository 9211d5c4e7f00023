/* tests/test_context.c - contexts: options, threads, progress and log, the default one. */
#define _GNU_SOURCE
#include <check.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/context.h"
#include "core/cpus.h"
#include "softneck.h"

static neck_context *create(const neck_context_options *options)
{
    neck_context *context = NULL;
    ck_assert_int_eq(neck_context_create(options, &context), NECK_OK);
    ck_assert_ptr_nonnull(context);
    return context;
}

START_TEST(defaults_are_usable)
{
    neck_context *context = create(NULL);
    ck_assert_int_ge(neck_context_threads(context), 1);
    ck_assert_int_eq(neck_context_threads(context), neck_context_threads(NULL));
    ck_assert_uint_eq(neck__context_seed(context), 0);
    ck_assert_uint_eq(neck__context_seed(NULL), 0);
    neck_context_destroy(context);
    neck_context_destroy(NULL);
}
END_TEST

START_TEST(options_are_kept)
{
    neck_context_options options = {sizeof options, .threads = 3, .seed = UINT64_MAX};
    neck_context *context = create(&options);
    ck_assert_int_eq(neck_context_threads(context), 3);
    ck_assert_uint_eq(neck__context_seed(context), UINT64_MAX);
    ck_assert_ptr_eq(neck__context(context), context);
    neck_context_destroy(context);
}
END_TEST

static void *never_alloc(void *user, size_t alignment, size_t size)
{
    (void)user, (void)alignment, (void)size;
    ck_abort_msg("refused options must not allocate");
    return NULL;
}

static void never_release(void *user, void *memory)
{
    (void)user, (void)memory;
    ck_abort_msg("nothing to release");
}

static const struct {
    neck_context_options options;
    const char *fault;
} wrong[] = {
    {{sizeof(neck_context_options), .threads = -1}, "threads is -1"},
    {{sizeof(neck_context_options), .threads = 1025}, "threads is 1025"},
    {{sizeof(neck_context_options), .threads = INT32_MIN}, "threads is -2147483648"},
    {{sizeof(neck_context_options), .reserved = 1}, "reserved"},
    {{sizeof(neck_context_options), .alloc = never_alloc}, "alloc and release"},
    {{sizeof(neck_context_options), .release = never_release}, "alloc and release"},
};

START_TEST(wrong_options_are_refused_by_name)
{
    neck_context *untouched = (neck_context *)&wrong, *context = untouched;
    ck_assert_int_eq(neck_context_create(&wrong[_i].options, &context), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), wrong[_i].fault));
    ck_assert_ptr_eq(context, untouched);
    ck_assert_int_eq(neck_context_create(&wrong[_i].options, NULL), NECK_E_ARGUMENT);
}
END_TEST

START_TEST(many_threads_cost_nothing_until_used)
{
    neck_context_options options = {sizeof options, .threads = NECK_MAX_THREADS};
    for (int i = 0; i < 100; i++) neck_context_destroy(create(&options));
}
END_TEST

START_TEST(the_environment_sets_the_default)
{
    static const struct {
        const char *text;
        int32_t threads; /* 0: ignored */
    } cases[] = {{"5", 5}, {"1", 1}, {"1024", 1024}, {"0", 0}, {"-2", 0}, {"1025", 0}, {"two", 0}, {"3x", 0}, {"", 0}};
    unsetenv("SOFTNECK_NUM_THREADS");
    int32_t otherwise = neck__default_threads();
    ck_assert_int_ge(otherwise, 1);
    setenv("SOFTNECK_NUM_THREADS", cases[_i].text, 1);
    ck_assert_int_eq(neck__default_threads(), cases[_i].threads ? cases[_i].threads : otherwise);
    neck_context_options options = {sizeof options, .threads = 2}; /* what the caller says comes first */
    neck_context *context = create(&options);
    ck_assert_int_eq(neck_context_threads(context), 2);
    neck_context_destroy(context);
    unsetenv("SOFTNECK_NUM_THREADS");
}
END_TEST

#ifdef __linux__
START_TEST(the_affinity_mask_bounds_the_default)
{
    pid_t child = fork();
    if (child == 0) {
        unsetenv("SOFTNECK_NUM_THREADS");
        cpu_set_t all, one;
        sched_getaffinity(0, sizeof all, &all);
        int cpu = 0;
        while (!CPU_ISSET(cpu, &all)) cpu++;
        CPU_ZERO(&one);
        CPU_SET(cpu, &one);
        _exit(sched_setaffinity(0, sizeof one, &one) == 0 && neck__default_threads() == 1 ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
}
END_TEST
#endif

struct told {
    int calls;
    int32_t answer;
    neck_progress last;
};

static int32_t note_progress(void *user, const neck_progress *progress)
{
    struct told *told = user;
    told->calls++;
    told->last = *progress;
    return told->answer;
}

START_TEST(progress_is_told_and_may_cancel)
{
    struct told told = {0};
    neck_context_options options = {sizeof options, .progress = note_progress, .progress_user = &told};
    neck_context *context = create(&options);
    ck_assert_int_eq(neck__progress(context, "gram", "rows", 10, 20), NECK_OK);
    ck_assert_int_eq(told.calls, 1);
    ck_assert_uint_eq(told.last.struct_size, sizeof(neck_progress));
    ck_assert_str_eq(told.last.task, "gram");
    ck_assert_str_eq(told.last.unit, "rows");
    ck_assert_int_eq(told.last.done, 10);
    ck_assert_int_eq(told.last.total, 20);
    static const int32_t noes[] = {1, -1, INT32_MIN};
    for (size_t i = 0; i < 3; i++) {
        told.answer = noes[i];
        ck_assert_int_eq(neck__progress(context, "gram", "rows", 12, 20), NECK_E_CANCELLED);
        ck_assert_str_eq(neck_last_error(), "gram was cancelled after 12 of 20 rows");
    }
    neck_context_destroy(context);
    ck_assert_int_eq(neck__progress(NULL, "gram", "rows", 10, 20), NECK_OK);
}
END_TEST

struct logged {
    int calls;
    int32_t level;
    char text[2000];
};

static void note_log(void *user, int32_t level, const char *message)
{
    struct logged *logged = user;
    logged->calls++;
    logged->level = level;
    strcpy(logged->text, message);
}

START_TEST(notes_reach_the_log)
{
    struct logged logged = {0};
    neck_context_options options = {sizeof options, .log = note_log, .log_user = &logged};
    neck_context *context = create(&options);
    neck__log(context, 2, "%s by %s", "refining", "QR");
    ck_assert_int_eq(logged.calls, 1);
    ck_assert_int_eq(logged.level, 2);
    ck_assert_str_eq(logged.text, "refining by QR");
    char text[1500];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    neck__log(context, 0, "%s", text); /* cut, not overrun */
    ck_assert_uint_lt(strlen(logged.text), sizeof text - 1);
    neck_context_destroy(context);
    neck__log(NULL, 1, "to nobody");
    ck_assert_int_eq(logged.calls, 2);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("context");
    TCase *tests = tcase_create("context");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, defaults_are_usable);
    tcase_add_test(tests, options_are_kept);
    tcase_add_loop_test(tests, wrong_options_are_refused_by_name, 0, (int)(sizeof wrong / sizeof *wrong));
    tcase_add_test(tests, many_threads_cost_nothing_until_used);
    tcase_add_loop_test(tests, the_environment_sets_the_default, 0, 9);
#ifdef __linux__
    tcase_add_test(tests, the_affinity_mask_bounds_the_default);
#endif
    tcase_add_test(tests, progress_is_told_and_may_cancel);
    tcase_add_test(tests, notes_reach_the_log);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
