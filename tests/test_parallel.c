/* tests/test_parallel.c - the thread pool: every task once, whoever calls it, from wherever. */
#include <check.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/parallel.h"
#include "softneck.h"

static neck_context *with_threads(int32_t threads)
{
    neck_context_options options = {sizeof options, .threads = threads};
    neck_context *context = NULL;
    ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
    return context;
}

static void count_visit(void *data, int64_t index)
{
    atomic_fetch_add_explicit((atomic_int *)data + index, 1, memory_order_relaxed);
}

static int every_task_once(neck_context *context, int64_t count)
{
    atomic_int *visits = calloc((size_t)count + 1, sizeof *visits);
    neck__parallel(context, count, count_visit, visits);
    int right = visits[count] == 0;
    for (int64_t i = 0; i < count; i++) right = right && visits[i] == 1;
    free(visits);
    return right;
}

static const int32_t thread_counts[] = {1, 2, 3, 8, 0};

START_TEST(every_task_runs_once)
{
    static const int64_t counts[] = {0, 1, 2, 3, 7, 64, 1000, 100000};
    int32_t threads = thread_counts[_i];
    neck_context *context = threads ? with_threads(threads) : NULL; /* 0: the default context */
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        ck_assert_msg(every_task_once(context, counts[i]), "%d threads, %lld tasks", threads, (long long)counts[i]);
    neck_context_destroy(context);
}
END_TEST

START_TEST(rounds_follow_each_other)
{
    neck_context *context = with_threads(4);
    for (int round = 0; round < 3000; round++) ck_assert(every_task_once(context, 1 + round % 9));
    usleep(20000); /* workers fall asleep */
    for (int round = 0; round < 100; round++) ck_assert(every_task_once(context, 5));
    neck_context_destroy(context);
}
END_TEST

START_TEST(contexts_come_and_go)
{
    for (int i = 0; i < 200; i++) {
        neck_context *context = with_threads(3);
        if (i % 2) ck_assert(every_task_once(context, 10));
        neck_context_destroy(context);
    }
}
END_TEST

static void nested(void *data, int64_t index)
{
    struct {
        neck_context *context;
        atomic_int right;
    } *shared = data;
    (void)index;
    atomic_fetch_add(&shared->right, every_task_once(shared->context, 20));
}

START_TEST(a_task_may_spread_tasks)
{
    struct {
        neck_context *context;
        atomic_int right;
    } shared = {with_threads(3), 0};
    neck__parallel(shared.context, 50, nested, &shared);
    ck_assert_int_eq(shared.right, 50);
    neck_context_destroy(shared.context);
}
END_TEST

struct rival {
    neck_context *context;
    int wrong;
};

static void *compete(void *data)
{
    struct rival *rival = data;
    for (int round = 0; round < 500; round++) rival->wrong += !every_task_once(rival->context, 30);
    return NULL;
}

START_TEST(threads_may_share_a_context)
{
    struct rival rivals[4];
    pthread_t threads[4];
    neck_context *context = _i ? with_threads(3) : NULL;
    for (int i = 0; i < 4; i++) {
        rivals[i] = (struct rival){context, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, compete, &rivals[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_int_eq(rivals[i].wrong, 0);
    }
    neck_context_destroy(context);
}
END_TEST

/* For minutes, which only a hang takes. */
static void await(atomic_int *number, int least)
{
    for (int waits = 0; atomic_load(number) < least && waits < 1000000; waits++) usleep(100);
}

/* Returns when as many tasks as there are threads have begun: each has its own thread, so all of them are up. */
static void meet(void *data, int64_t index)
{
    atomic_int *met = data;
    (void)index;
    atomic_fetch_add(met, 1);
    await(met, 3);
}

START_TEST(a_forked_child_works_alone)
{
    neck_context *context = with_threads(3);
    atomic_int met = 0;
    /* Sanitizers hold locks of their own while a thread starts; a child forked then would wait for them for ever. */
    neck__parallel(context, 3, meet, &met);
    ck_assert(every_task_once(context, 100));
    pid_t child = fork();
    if (child == 0) {
        int right = every_task_once(context, 100);
        neck_context_destroy(context); /* must not wait for threads that do not exist here */
        neck_context *own = NULL;
        neck_context_options options = {sizeof options, .threads = 3};
        right = right && neck_context_create(&options, &own) == NECK_OK && every_task_once(own, 100);
        neck_context_destroy(own);
        _exit(right ? 0 : 1);
    }
    int status = -1;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_int_eq(status, 0);
    ck_assert(every_task_once(context, 100));
    neck_context_destroy(context);
}
END_TEST

struct who {
    pthread_t caller;
    int helped; /* the caller waits until another thread has taken a task */
    atomic_int others, takes_signals;
};

static void look_around(void *data, int64_t index)
{
    struct who *who = data;
    (void)index;
    if (pthread_equal(pthread_self(), who->caller)) {
        await(&who->others, who->helped);
        return;
    }
    atomic_fetch_add(&who->others, 1);
    sigset_t blocked;
    pthread_sigmask(SIG_SETMASK, NULL, &blocked);
    if (!sigismember(&blocked, SIGINT) || !sigismember(&blocked, SIGTERM) || !sigismember(&blocked, SIGALRM))
        atomic_fetch_add(&who->takes_signals, 1);
}

START_TEST(workers_help_and_leave_signals_to_the_host)
{
    neck_context *context = with_threads(3);
    struct who who = {.caller = pthread_self(), .helped = 1};
    sigset_t before, after;
    pthread_sigmask(SIG_SETMASK, NULL, &before);
    neck__parallel(context, 60, look_around, &who);
    pthread_sigmask(SIG_SETMASK, NULL, &after);
    ck_assert_int_gt(who.others, 0);
    ck_assert_int_eq(who.takes_signals, 0);
    for (int number = 1; number < 32; number++)
        ck_assert_int_eq(sigismember(&before, number), sigismember(&after, number));
    neck_context_destroy(context);
}
END_TEST

START_TEST(one_thread_means_the_caller_alone)
{
    neck_context *context = with_threads(1);
    struct who who = {.caller = pthread_self()};
    neck__parallel(context, 5, look_around, &who);
    ck_assert_int_eq(who.others, 0);
    neck_context_destroy(context);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("parallel");
    TCase *tests = tcase_create("parallel");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_loop_test(tests, every_task_runs_once, 0, (int)(sizeof thread_counts / sizeof *thread_counts));
    tcase_add_test(tests, rounds_follow_each_other);
    tcase_add_test(tests, contexts_come_and_go);
    tcase_add_test(tests, a_task_may_spread_tasks);
    tcase_add_loop_test(tests, threads_may_share_a_context, 0, 2);
    tcase_add_test(tests, a_forked_child_works_alone);
    tcase_add_test(tests, workers_help_and_leave_signals_to_the_host);
    tcase_add_test(tests, one_thread_means_the_caller_alone);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
