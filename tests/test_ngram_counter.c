/* tests/test_ngram_counter.c - counting that is interrupted: resumed, cancelled, out of disk, with files damaged in
 * between. */
#include "ngram_support.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

enum { ORDER = 3, TOKENS = 1500, A_RUN = 150 };

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY], runs[PATH_CAPACITY];
} place;

static place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "counted");
    scratch_file(p.runs, p.folder, "runs");
    return p;
}

static const text *make_input(void)
{
    return make_text(TOKENS, 40, 9);
}

/* Counts up to so many runs, and is then gone. */
static void interrupt_after(const place *p, const text *given, int64_t runs)
{
    neck_ngram_counter *counter = NULL;
    MUST(make_small_counter(NULL, given, ORDER, p->runs, 1, A_RUN, &counter));
    MUST(push_text(NULL, counter, given, runs));
    ck_assert_int_eq(counter->spill.count, runs);
    neck_ngram_counter_destroy(counter);
}

static neck_status go_on(const place *p, const text *given)
{
    neck_ngram_counter *counter = NULL;
    neck_status status = make_small_counter(NULL, given, ORDER, p->runs, 1, A_RUN, &counter);
    if (status == NECK_OK) status = push_text(NULL, counter, given, -1);
    if (status == NECK_OK) status = neck_ngram_counter_finish(NULL, counter, p->path);
    neck_ngram_counter_destroy(counter);
    return status;
}

/* What resumes was spilled before; what was in memory only comes again. */
START_TEST(resumed_after_every_run)
{
    place p = make_place();
    const text *given = make_input();
    for (int64_t runs = 0; runs <= 9; runs++) {
        interrupt_after(&p, given, runs);
        ck_assert_int_eq(scratch_count(p.runs), runs + (runs > 0)); /* and the list */
        MUST(go_on(&p, given));
        ck_assert_int_ne(access(p.runs, F_OK), 0);
        assert_file_counted(p.path, given, ORDER);
        unlink(p.path);
    }
    scratch_remove(p.folder);
}
END_TEST

START_TEST(resumed_again_and_again)
{
    place p = make_place();
    const text *given = make_input();
    for (int64_t runs = 1; runs <= 9; runs++) interrupt_after(&p, given, runs);
    MUST(go_on(&p, given));
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* A file that a count was in the middle of writing when it died. */
START_TEST(strays_are_removed)
{
    static const char *const names[] = {"run-00000007", "runs.list.17-0.tmp"};
    place p = make_place();
    const text *given = make_input();
    char path[PATH_CAPACITY];
    interrupt_after(&p, given, 3);
    for (int i = 0; i < 2; i++) {
        scratch_file(path, p.runs, names[i]);
        FILE *file = fopen(path, "wb");
        ck_assert_ptr_nonnull(file);
        fclose(file);
    }
    interrupt_after(&p, given, 3);
    ck_assert_int_eq(scratch_count(p.runs), 4);
    MUST(go_on(&p, given));
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(folders_of_others_are_left_alone)
{
    place p = make_place();
    text *given = make_text(TOKENS, 40, 9);
    neck_ngram_counter *counter = NULL;
    char path[PATH_CAPACITY];
    interrupt_after(&p, given, 2);
    assert_fails(make_small_counter(NULL, given, ORDER, p.runs, 0, A_RUN, &counter), NECK_E_ARGUMENT, "is not empty",
                 "used");
    assert_fails(make_small_counter(NULL, given, ORDER + 1, p.runs, 1, A_RUN, &counter), NECK_E_ARGUMENT,
                 "a count of order 3 over a vocabulary of 40 was interrupted", "order");
    given->vocab_size++;
    assert_fails(make_small_counter(NULL, given, ORDER, p.runs, 1, A_RUN, &counter), NECK_E_ARGUMENT, "over 41",
                 "size");
    scratch_file(path, p.runs, "run-7.txt");
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    given->vocab_size--;
    assert_fails(make_small_counter(NULL, given, ORDER, p.runs, 1, A_RUN, &counter), NECK_E_ARGUMENT, "'run-7.txt' in",
                 "other");
    assert_fails(make_small_counter(NULL, given, ORDER, "/nonexistent/runs", 1, A_RUN, &counter), NECK_E_IO,
                 "/nonexistent", "path");
    ck_assert_int_eq(scratch_count(p.runs), 4);
    ck_assert_ptr_null(counter);
    scratch_remove(p.runs);
    scratch_remove(p.folder);
}
END_TEST

/* ---- cancelled ---- */

typedef struct patience {
    int64_t calls, last; /* says stop from the last on */
} patience;

static int32_t lose_patience(void *user, const neck_progress *told)
{
    patience *self = user;
    ck_assert(told->done >= 0 && (told->total < 0 || told->done <= told->total));
    return self->calls++ >= self->last;
}

static neck_status count_patiently(patience *self, const place *p, const text *given, const char *folder,
                                   int32_t resume)
{
    const neck_context_options options = {sizeof options, .threads = 1, .progress = lose_patience,
                                          .progress_user = self};
    neck_context *context;
    neck_ngram_counter *counter = NULL;
    MUST(neck_context_create(&options, &context));
    neck_status status = make_small_counter(context, given, ORDER, folder, resume, A_RUN, &counter);
    if (status == NECK_OK) status = push_text(context, counter, given, -1);
    if (status == NECK_OK) status = neck_ngram_counter_finish(context, counter, p->path);
    if (status != NECK_OK && counter) {
        ck_assert_int_eq(neck_ngram_counter_push(NULL, counter, given->tokens, 1), NECK_E_STATE);
        ck_assert_int_eq(neck_ngram_counter_finish(NULL, counter, p->path), NECK_E_STATE);
    }
    neck_ngram_counter_destroy(counter);
    neck_context_destroy(context);
    return status;
}

/* In a private folder and in one that was given. */
START_TEST(cancelled_at_every_report)
{
    place p = make_place();
    const text *given = make_text(400, 40, 3);
    setenv("TMPDIR", p.folder, 1);
    const int open_before = scratch_count("/proc/self/fd");
    for (int is_given = 0; is_given < 2; is_given++) {
        neck_status status = NECK_E_CANCELLED;
        int64_t last = 0;
        for (; status != NECK_OK; last++) {
            patience self = {0, last};
            status = count_patiently(&self, &p, given, is_given ? p.runs : NULL, 0);
            if (status != NECK_OK) ck_assert_int_eq(status, NECK_E_CANCELLED);
            ck_assert_int_eq(scratch_count(p.folder), status == NECK_OK);
            ck_assert_int_eq(scratch_count("/proc/self/fd"), open_before);
        }
        ck_assert_int_gt(last, 20);
        assert_file_counted(p.path, given, ORDER);
        unlink(p.path);
    }
    unsetenv("TMPDIR");
    scratch_remove(p.folder);
}
END_TEST

/* Stopped at every report, also of the merges and of the writing, a count still gets there if it goes on each time. */
START_TEST(cancelled_and_resumed)
{
    place p = make_place();
    const text *given = make_text(700, 40, 3);
    for (int64_t last = 0;; last += 5) {
        patience self = {0, last};
        neck_status status = count_patiently(&self, &p, given, p.runs, 1);
        if (status == NECK_OK && self.calls <= last) {
            assert_file_counted(p.path, given, ORDER);
            break;
        }
        ck_assert_int_eq(status, NECK_E_CANCELLED);
        MUST(go_on(&p, given));
        assert_file_counted(p.path, given, ORDER);
        unlink(p.path);
    }
    scratch_remove(p.folder);
}
END_TEST

/* ---- killed ---- */

static int32_t die(void *user, const neck_progress *told)
{
    int64_t *left = user;
    (void)told;
    return (*left)-- == 0 ? raise(SIGKILL) : 0;
}

/* Counts in a process of its own, which is killed at that report; whether it was. */
static int count_and_die(int64_t report, const place *p, const text *given, const char *folder, int32_t resume)
{
    const pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        const neck_context_options options = {sizeof options, .threads = 1, .progress = die, .progress_user = &report};
        neck_context *context;
        neck_ngram_counter *counter = NULL;
        neck_status status = neck_context_create(&options, &context);
        if (status == NECK_OK) status = make_small_counter(context, given, ORDER, folder, resume, A_RUN, &counter);
        if (status == NECK_OK) status = push_text(context, counter, given, -1);
        if (status == NECK_OK) status = neck_ngram_counter_finish(context, counter, p->path);
        _exit(status == NECK_OK ? 0 : 1);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFSIGNALED(how) ? WTERMSIG(how) == SIGKILL : WEXITSTATUS(how) == 0);
    return WIFSIGNALED(how);
}

/* What it has spilled where nobody asked for it goes with the process, in whatever phase that ends. */
START_TEST(killed_at_every_report)
{
    place p = make_place();
    const text *given = make_text(TOKENS, 40, 3);
    int64_t report = 0;
    ck_assert_int_eq(mkdir(p.runs, 0777), 0);
    setenv("TMPDIR", p.runs, 1);
    for (; count_and_die(report, &p, given, NULL, 0); report++) ck_assert_int_eq(scratch_count(p.runs), 0);
    unsetenv("TMPDIR");
    ck_assert_int_gt(report, 40);
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.runs);
    scratch_remove(p.folder);
}
END_TEST

/* Killed as often as it reports, a count gets there; a second one goes on from wherever the first died. */
START_TEST(killed_and_resumed)
{
    place p = make_place();
    const text *given = make_text(700, 40, 3);
    for (int64_t report = 0; count_and_die(report, &p, given, p.runs, 1); report++) {
        if (report % 3 > 0) continue; /* killed again */
        MUST(go_on(&p, given));
        ck_assert_int_ne(access(p.runs, F_OK), 0);
        assert_file_counted(p.path, given, ORDER);
        unlink(p.path);
    }
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* ---- no room on the disk: here, no file may be larger than so many bytes ---- */

static neck_status count_within(rlim_t limit, const place *p, const text *given, int32_t resume)
{
    struct rlimit before, now;
    neck_ngram_counter *counter = NULL;
    ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &before), 0);
    now = before;
    now.rlim_cur = limit;
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &now), 0);
    neck_status status = make_small_counter(NULL, given, ORDER, p->runs, resume, 2 * A_RUN, &counter);
    if (status == NECK_OK) status = push_text(NULL, counter, given, -1);
    if (status == NECK_OK) status = neck_ngram_counter_finish(NULL, counter, p->path);
    neck_ngram_counter_destroy(counter);
    setrlimit(RLIMIT_FSIZE, &before);
    signal(SIGXFSZ, handler);
    return status;
}

START_TEST(a_full_disk)
{
    place p = make_place();
    const text *given = make_text(MOST_TOKENS, 40, 9);
    neck_status status = NECK_E_IO;
    int failures = 0;
    for (rlim_t limit = 0; status != NECK_OK; limit = 3 * limit / 2 + 16) {
        status = count_within(limit, &p, given, 0);
        if (status != NECK_OK) assert_fails(status, NECK_E_IO, "cannot write", "limit");
        ck_assert_int_eq(scratch_count(p.folder), status == NECK_OK);
        failures += status != NECK_OK;
    }
    ck_assert_int_gt(failures, 10);
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(a_full_disk_and_then_room)
{
    place p = make_place();
    const text *given = make_text(4000, 40, 9);
    for (rlim_t limit = 500; limit < 100000; limit *= 2) {
        neck_status status = count_within(limit, &p, given, 1);
        if (status == NECK_OK) break;
        ck_assert_int_eq(status, NECK_E_IO);
        ck_assert_int_ne(access(p.path, F_OK), 0);
    }
    if (access(p.path, F_OK) != 0) MUST(go_on(&p, given));
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* A path that cannot be written is found out before anything else, and costs nothing. */
START_TEST(a_wrong_path_can_be_mended)
{
    place p = make_place();
    const text *given = make_input();
    neck_ngram_counter *counter = NULL;
    MUST(make_small_counter(NULL, given, ORDER, p.runs, 0, A_RUN, &counter));
    assert_fails(neck_ngram_counter_finish(NULL, counter, p.path), NECK_E_ARGUMENT, "longest document has 0",
                 "nothing");
    MUST(push_text(NULL, counter, given, -1));
    assert_fails(neck_ngram_counter_finish(NULL, counter, "/nonexistent/counted"), NECK_E_IO, "/nonexistent", "path");
    assert_fails(neck_ngram_counter_finish(NULL, counter, NULL), NECK_E_ARGUMENT, "path is NULL", "path");
    MUST(neck_ngram_counter_finish(NULL, counter, p.path));
    neck_ngram_counter_destroy(counter);
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* The folder of a count that is over is not its own any more. */
START_TEST(the_next_count_may_have_the_same_folder)
{
    place p = make_place();
    const text *given = make_input();
    neck_ngram_counter *first = NULL, *second = NULL;
    MUST(make_small_counter(NULL, given, ORDER, p.runs, 0, A_RUN, &first));
    MUST(push_text(NULL, first, given, -1));
    MUST(neck_ngram_counter_finish(NULL, first, p.path));
    MUST(make_small_counter(NULL, given, ORDER, p.runs, 0, A_RUN, &second));
    neck_ngram_counter_destroy(first);
    MUST(push_text(NULL, second, given, -1));
    MUST(neck_ngram_counter_finish(NULL, second, p.path));
    neck_ngram_counter_destroy(second);
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* Killed while it removed its runs: the list went first, so that it begins again. */
START_TEST(runs_without_a_list_are_strays)
{
    place p = make_place();
    const text *given = make_input();
    char list[PATH_CAPACITY];
    interrupt_after(&p, given, 4);
    scratch_file(list, p.runs, NECK__SPILL_LIST);
    unlink(list);
    MUST(go_on(&p, given));
    assert_file_counted(p.path, given, ORDER);
    scratch_remove(p.folder);
}
END_TEST

/* ---- damaged ---- */

/* Changes a byte of a file; with length >= 0 cuts it instead. */
static void damage(const char *folder, const char *name, long at, long length)
{
    char path[PATH_CAPACITY];
    scratch_file(path, folder, name);
    if (length >= 0) {
        ck_assert_int_eq(truncate(path, length), 0);
        return;
    }
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, at, SEEK_SET);
    const int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

static long size_of(const char *folder, const char *name)
{
    char path[PATH_CAPACITY];
    struct stat info;
    scratch_file(path, folder, name);
    ck_assert_int_eq(stat(path, &info), 0);
    return (long)info.st_size;
}

START_TEST(a_damaged_run_is_noticed)
{
    place p = make_place();
    const text *given = make_input();
    interrupt_after(&p, given, 1);
    const long size = size_of(p.runs, "run-00000000");
    scratch_remove(p.runs);
    for (long at = 0; at < size; at += 47) {
        interrupt_after(&p, given, 2);
        damage(p.runs, "run-00000000", at, -1);
        assert_fails(go_on(&p, given), NECK_E_FORMAT, "run-00000000", "byte");
        ck_assert_int_ne(access(p.path, F_OK), 0);
        scratch_remove(p.runs);
    }
    for (long length = 0; length < size; length += 301) {
        interrupt_after(&p, given, 2);
        damage(p.runs, "run-00000001", 0, length);
        assert_fails(go_on(&p, given), NECK_E_FORMAT, "bytes of counted n-grams", "cut");
        scratch_remove(p.runs);
    }
    scratch_remove(p.folder);
}
END_TEST

START_TEST(a_lost_run_is_noticed)
{
    place p = make_place();
    char path[PATH_CAPACITY];
    const text *given = make_input();
    interrupt_after(&p, given, 2);
    scratch_file(path, p.runs, "run-00000001");
    unlink(path);
    assert_fails(go_on(&p, given), NECK_E_IO, "run-00000001", "lost");
    scratch_remove(p.runs);
    scratch_remove(p.folder);
}
END_TEST

/* Nothing is removed from a folder whose list cannot be read. */
START_TEST(a_damaged_list_is_refused)
{
    place p = make_place();
    const text *given = make_input();
    interrupt_after(&p, given, 2);
    const long size = size_of(p.runs, NECK__SPILL_LIST);
    for (long at = 0; at < size; at++) {
        damage(p.runs, NECK__SPILL_LIST, at, -1);
        neck_status status = go_on(&p, given);
        ck_assert_msg(status == NECK_E_FORMAT || (status == NECK_E_UNSUPPORTED && at >= 8 && at < 12), "byte %ld: %s",
                      at, neck_last_error());
        damage(p.runs, NECK__SPILL_LIST, at, -1);
        ck_assert_int_eq(scratch_count(p.runs), 3);
    }
    for (long length = size - 1; length >= 0; length--) {
        damage(p.runs, NECK__SPILL_LIST, 0, length);
        assert_fails(go_on(&p, given), NECK_E_FORMAT, NECK__SPILL_LIST, "cut");
    }
    scratch_remove(p.runs);
    scratch_remove(p.folder);
}
END_TEST

/* ---- refused ---- */

START_TEST(options_are_checked)
{
    static const struct {
        neck_ngram_counter_options options;
        int64_t vocab_size;
        const char *fragment;
    } cases[] = {
        {{sizeof(neck_ngram_counter_options), .order = 1}, 10, "order is 1"},
        {{sizeof(neck_ngram_counter_options), .order = 9}, 10, "order is 9"},
        {{sizeof(neck_ngram_counter_options), .order = -1}, 10, "order is -1"},
        {{sizeof(neck_ngram_counter_options), .memory_bytes = (1 << 20) - 1}, 10, "at least 1 MiB"},
        {{sizeof(neck_ngram_counter_options), .memory_bytes = -1}, 10, "at least 1 MiB"},
        {{sizeof(neck_ngram_counter_options), .memory_bytes = 1 << 20}, 1 << 24, "needs 26"},
        {{sizeof(neck_ngram_counter_options), .resume = 1}, 10, "resume needs a folder"},
        {{sizeof(neck_ngram_counter_options), .reserved = 1}, 10, "reserved"},
        {{sizeof(neck_ngram_counter_options), .reserved2 = 1}, 10, "reserved"},
        {{sizeof(neck_ngram_counter_options), .order = 2}, 0, "vocab_size is 0"},
        {{sizeof(neck_ngram_counter_options), .order = 2}, (int64_t)1 << 31, "vocab_size is 2147483648"},
        {{4, .order = 2}, 10, "struct_size"},
    };
    static const int32_t tokens[] = {1, 9, 10};
    neck_ngram_counter *counter = NULL;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_fails(neck_ngram_counter_create(NULL, cases[i].vocab_size, &cases[i].options, &counter), NECK_E_ARGUMENT,
                     cases[i].fragment, cases[i].fragment);
    assert_fails(neck_ngram_counter_create(NULL, 10, NULL, NULL), NECK_E_ARGUMENT, "out is NULL", "out");
    const neck_ngram_counter_options options = {sizeof options, .memory_bytes = 1 << 20};
    ck_assert_ptr_null(counter);
    MUST(neck_ngram_counter_create(NULL, 10, &options, &counter));
    assert_fails(neck_ngram_counter_push(NULL, counter, tokens, 3), NECK_E_ARGUMENT, "token 2 is 10", "push");
    ck_assert_int_eq(neck_ngram_counter_tokens(counter), 0);
    assert_fails(neck_ngram_counter_push(NULL, counter, tokens, -1), NECK_E_ARGUMENT, "count is -1", "push");
    assert_fails(neck_ngram_counter_push(NULL, counter, NULL, 1), NECK_E_ARGUMENT, "tokens is NULL", "push");
    assert_fails(neck_ngram_counter_push(NULL, NULL, tokens, 1), NECK_E_ARGUMENT, "counter is NULL", "push");
    MUST(neck_ngram_counter_push(NULL, counter, NULL, 0));
    MUST(neck_ngram_counter_push(NULL, counter, tokens, 2));
    ck_assert_int_eq(neck_ngram_counter_tokens(counter), 2);
    neck_ngram_counter_destroy(counter);
    neck_ngram_counter_destroy(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("counter");
    tcase_add_test(tcase, resumed_after_every_run);
    tcase_add_test(tcase, resumed_again_and_again);
    tcase_add_test(tcase, strays_are_removed);
    tcase_add_test(tcase, folders_of_others_are_left_alone);
    tcase_add_test(tcase, cancelled_at_every_report);
    tcase_add_test(tcase, cancelled_and_resumed);
    tcase_add_test(tcase, killed_at_every_report);
    tcase_add_test(tcase, killed_and_resumed);
    tcase_add_test(tcase, a_full_disk);
    tcase_add_test(tcase, a_full_disk_and_then_room);
    tcase_add_test(tcase, a_wrong_path_can_be_mended);
    tcase_add_test(tcase, the_next_count_may_have_the_same_folder);
    tcase_add_test(tcase, runs_without_a_list_are_strays);
    tcase_add_test(tcase, a_damaged_run_is_noticed);
    tcase_add_test(tcase, a_lost_run_is_noticed);
    tcase_add_test(tcase, a_damaged_list_is_refused);
    tcase_add_test(tcase, options_are_checked);
    return run_suite("ngram_counter", tcase);
}
