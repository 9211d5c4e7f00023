/* tests/failmalloc.h - every allocation of an operation fails once. Whatever fails: the call says NECK_E_NOMEM, leaves
 * its outputs and files as they were, and keeps nothing. */
#ifndef NECK_TESTS_FAILMALLOC_H
#define NECK_TESTS_FAILMALLOC_H

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runs.h"
#include "softneck.h"

static struct {
    int64_t calls, live;
    int64_t fail_at;  /* the number of the call that fails; -1: none */
    int keeps_failing; /* and every one after it */
    int failures;
    pthread_t caller;
} heap;

static void *failing_alloc(void *user, size_t alignment, size_t size)
{
    (void)user;
    ck_assert(pthread_equal(pthread_self(), heap.caller)); /* promised in context.h */
    int64_t call = heap.calls++;
    if (heap.fail_at >= 0 && (heap.keeps_failing ? call >= heap.fail_at : call == heap.fail_at)) {
        heap.failures++;
        return NULL;
    }
    heap.live++;
    return aligned_alloc(alignment, size);
}

static void counting_release(void *user, void *memory)
{
    (void)user;
    heap.live--;
    free(memory);
}

enum { ROWS = 300, COLS = 12 };
static float entries[ROWS * COLS];
static uint16_t halves[ROWS * COLS]; /* bf16: the upper half of an f32 */
static double weights[ROWS], shift[COLS];
static neck_matrix tall, wide, half;

static void make_inputs(void)
{
    uint32_t state = 1;
    for (int i = 0; i < ROWS * COLS; i++) {
        state = state * 1664525u + 1013904223u;
        entries[i] = (float)(state >> 8) / (1 << 24) - 0.5f;
        uint32_t bits;
        memcpy(&bits, &entries[i], sizeof bits);
        halves[i] = (uint16_t)(bits >> 16);
    }
    for (int i = 0; i < ROWS; i++) weights[i] = 1 + i % 5;
    for (int i = 0; i < COLS; i++) shift[i] = 0.01 * i;
    tall = (neck_matrix){.data = entries, .rows = ROWS, .cols = COLS, .dtype = NECK_F32};
    wide = (neck_matrix){.data = entries, .rows = COLS, .cols = ROWS, .dtype = NECK_F32};
    half = (neck_matrix){.data = halves, .rows = ROWS, .cols = COLS, .dtype = NECK_BF16};
}

/* ---- operations ---- */

/* Outputs, filled with a pattern that a failure must leave in place. */
typedef union outputs {
    neck_gram *gram;
    neck_spectrum *spectrum;
    neck_checkpoint *checkpoint;
    neck_series *series;
    neck_head *head;
    neck_measure measure;
    void *object; /* of any other type */
    double numbers[2 * ROWS * COLS];
} outputs;

typedef struct operation {
    const char *name;
    neck_status (*run)(neck_context *context, const struct operation *self, outputs *out);
    void (*finish)(outputs *out); /* releases what a success made; may be NULL */
    const neck_matrix *matrix;
    int32_t method, variant;
    const char *path; /* read or written by the operation */
    int writes;       /* nothing may be left at path */
} operation;

static inline neck_status filled_gram(neck_context *context, neck_gram **out)
{
    neck_gram *gram;
    neck_status status = neck_gram_create(context, COLS, NULL, &gram);
    if (status == NECK_OK && (status = neck_gram_push(context, gram, &tall)) != NECK_OK) neck_gram_destroy(gram);
    if (status == NECK_OK) *out = gram;
    return status;
}

/* ---- the loop ---- */

/* On slow builds the first SOFTNECK_RUNS allocations fail one by one, later ones ever more sparsely. */
static int64_t next_to_fail(int64_t k)
{
    return k + 1 + k / runs_of(INT64_MAX);
}

static void fail_each_allocation(const operation *self, int32_t threads, int keeps_failing)
{
    heap.caller = pthread_self();
    heap.fail_at = -1;
    heap.keeps_failing = keeps_failing;
    neck_context_options options = {sizeof options, .threads = threads, .alloc = failing_alloc,
                                    .release = counting_release};
    neck_context *context;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    int64_t live_before = heap.live;

    static outputs out, pattern;
    memset(&pattern, 0xa5, sizeof pattern);
    for (int64_t k = 0;; k = next_to_fail(k)) {
        memcpy(&out, &pattern, sizeof out);
        heap.calls = heap.failures = 0;
        heap.fail_at = k;
        neck_status status = self->run(context, self, &out);
        if (heap.failures == 0) { /* no more than k allocations: all have had their turn */
            ck_assert_msg(status == NECK_OK, "%s: %s", self->name, neck_last_error());
            if (self->finish) self->finish(&out);
            ck_assert_msg(heap.live == live_before, "%s: a success keeps %lld blocks", self->name,
                          (long long)(heap.live - live_before));
            break;
        }
        ck_assert_msg(status == NECK_E_NOMEM && strstr(neck_last_error(), "out of memory"),
                      "%s, allocation %lld: %s (%s)", self->name, (long long)k, neck_status_name(status),
                      neck_last_error());
        ck_assert_msg(heap.live == live_before, "%s, allocation %lld: %lld blocks leak", self->name, (long long)k,
                      (long long)(heap.live - live_before));
        ck_assert_msg(memcmp(&out, &pattern, sizeof out) == 0, "%s, allocation %lld: outputs were touched", self->name,
                      (long long)k);
        ck_assert_msg(!self->writes || access(self->path, F_OK) != 0, "%s, allocation %lld: a file was left",
                      self->name, (long long)k);
    }
    neck_context_destroy(context);
    ck_assert_int_eq(heap.live, 0);
}

/* ---- the program ---- */

static const operation *walked;

START_TEST(each_allocation_fails_once)
{
    fail_each_allocation(&walked[_i], 1, 0);
}
END_TEST

START_TEST(memory_stays_short)
{
    fail_each_allocation(&walked[_i], 2, 1);
}
END_TEST

/* Both for each operation. Inputs are made before setup; setup and teardown may be NULL. */
static TCase *failmalloc_case(const operation *operations, size_t count, SFun setup, SFun teardown)
{
    TCase *tests = tcase_create("failmalloc");
    walked = operations;
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, make_inputs, NULL);
    tcase_add_checked_fixture(tests, setup, teardown);
    tcase_add_loop_test(tests, each_allocation_fails_once, 0, (int)count);
    tcase_add_loop_test(tests, memory_stays_short, 0, (int)count);
    return tests;
}

static int run_failmalloc(const char *name, TCase *tests)
{
    Suite *suite = suite_create(name);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}

#define COUNT(list) (sizeof(list) / sizeof *(list))

#endif
