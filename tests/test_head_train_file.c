/* tests/test_head_train_file.c - trainings that are stopped, killed and taken up again; checkpoints that do not fit. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>

#include "head_train_support.h"

static const int32_t rules[] = {NECK_OPTIMIZER_ADAMW, NECK_OPTIMIZER_SGD, NECK_OPTIMIZER_MUON};
enum { RULES = 3, FILES = 2 }; /* a checkpoint is two files */

/* ---- stopping ---- */

typedef struct stop {
    const char *task;
    int64_t calls_left;
} stop;

static int32_t stop_later(void *user, const neck_progress *told)
{
    stop *s = user;
    return strcmp(told->task, s->task) == 0 && s->calls_left-- == 0;
}

static neck_status run_until(const char *task, int64_t calls, const exercise *e)
{
    stop s = {task, calls};
    neck_context_options options = {.struct_size = sizeof options, .threads = 1, .progress = stop_later,
                                    .progress_user = &s};
    neck_context *context;
    ASSERT_OK(neck_context_create(&options, &context));
    outcome out = exercise_run(context, e);
    neck_context_destroy(context);
    return out.status;
}

/* Every kind under every rule; stopped again and again, in steps and in evaluations. */
START_TEST(stopped_trainings_go_on_bit_for_bit)
{
    exercise e;
    place p = make_place();
    int32_t kind = FIRST_KIND + _i / RULES;
    if (kind == NECK_HEAD_TIED) kind = NECK_HEAD_DENSE;
    exercise_make(&e, kind, rules[_i % RULES]);
    outcome whole = exercise_run(NULL, &e);
    e.options.checkpoint = p.path;
    ck_assert_int_eq(run_until("training", 5, &e), NECK_E_CANCELLED);
    ck_assert_int_eq(scratch_count(p.folder), FILES);
    ck_assert_int_eq(run_until("evaluating", 0, &e), NECK_E_CANCELLED); /* after step 7, before its evaluation */
    ck_assert_int_eq(run_until("evaluating", 2, &e), NECK_E_CANCELLED);
    ck_assert_int_eq(run_until("training", 0, &e), NECK_E_CANCELLED); /* at once */
    ck_assert_int_eq(run_until("training", 11, &e), NECK_E_CANCELLED);
    outcome parts = exercise_run(NULL, &e);
    assert_same_outcome(&whole, &parts);
    ck_assert_int_eq(scratch_count(p.folder), FILES);
    outcome again = exercise_run(NULL, &e); /* finished: nothing is left to do */
    assert_same_outcome(&whole, &again);
    scratch_remove(p.folder);
}
END_TEST

static int32_t cancel_second(void *user, const neck_head_report *report)
{
    (void)user;
    return report->step == 14;
}

START_TEST(a_report_may_stop_it)
{
    exercise e;
    place p = make_place();
    exercise_make(&e, NECK_HEAD_MOS, NECK_OPTIMIZER_ADAMW);
    outcome whole = exercise_run(NULL, &e);
    e.options.checkpoint = p.path;
    e.options.report = cancel_second;
    ck_assert_int_eq(exercise_run(NULL, &e).status, NECK_E_CANCELLED);
    e.options.report = NULL;
    outcome parts = exercise_run(NULL, &e);
    assert_same_outcome(&whole, &parts);
    scratch_remove(p.folder);
}
END_TEST

static int32_t wait_at_the_end(void *user, const neck_head_report *report)
{
    (void)user;
    while (report->step == report->steps) pause();
    return 0;
}

/* Killed at moments that nobody chose, with a checkpoint after every step: most of the time is spent writing them. */
START_TEST(killed_trainings_go_on_bit_for_bit)
{
    exercise e;
    place p = make_place();
    exercise_make(&e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW);
    e.options.steps = 120;
    outcome whole = exercise_run(NULL, &e);
    e.options.checkpoint = p.path;
    e.options.checkpoint_every = 1;
    e.options.report = wait_at_the_end; /* so that none ends before it is killed */
    for (int round = 0; round < 8; round++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) _exit((int)exercise_run(NULL, &e).status != NECK_OK);
        nanosleep(&(struct timespec){.tv_nsec = 3000000 + 2718281L * round}, NULL);
        kill(child, SIGKILL);
        int status;
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(WIFSIGNALED(status), "a resumed training failed");
    }
    e.options.report = NULL;
    outcome parts = exercise_run(NULL, &e);
    assert_same_outcome(&whole, &parts);
    scratch_remove(p.folder);
}
END_TEST

/* ---- checkpoints of other trainings ---- */

static void other_seed(exercise *e) { e->options.seed++; }
static void other_steps(exercise *e) { e->options.steps++; }
static void other_batch(exercise *e) { e->options.batch--; }
static void other_clip(exercise *e) { e->options.clip_norm = 2; }
static void other_rate(exercise *e) { e->rule.learning_rate *= 2; }
static void other_rule(exercise *e) { e->rule.rule = NECK_OPTIMIZER_SGD; }
static void other_start(exercise *e) { e->head.logit_scale = 0.5, e->head.rank = 2; }
static void other_states(exercise *e) { e->train_numbers[0] += 1; }
static void other_targets(exercise *e) { e->train_targets[TRAIN_ROWS - 1] ^= 1; }
static void other_validation(exercise *e) { e->valid.states.rows--; }

static void other_loss(exercise *e)
{
    static const neck_cross_entropy_options smoothed = {.struct_size = sizeof smoothed, .label_smoothing = 0.1};
    e->options.loss = &smoothed;
}

static const struct {
    void (*change)(exercise *e);
    const char *fragment;
} others[] = {{other_seed, "steps, batch or schedule differ"},
              {other_steps, "steps, batch or schedule differ"},
              {other_batch, "steps, batch or schedule differ"},
              {other_clip, "steps, batch or schedule differ"},
              {other_rate, "optimizer options differ"},
              {other_rule, "optimizer options differ"},
              {other_loss, "loss options differ"},
              {other_start, "heads at the start differ"},
              {other_states, "training states differ"},
              {other_targets, "training states differ"},
              {other_validation, "validation states differ"}};

/* Tries to go on, which must fail and leave the head alone. */
static void refused(const exercise *e, neck_status status, const char *fragment)
{
    neck_head *head = made_head(&e->head, 0.3, 11);
    double before[MOST_NUMBERS], after[MOST_NUMBERS];
    int64_t count = head_numbers(head, before);
    neck_head_training_result result = {.struct_size = sizeof result};
    assert_fails(neck_head_train(NULL, head, &e->train, &e->valid, &e->options, &result), status, fragment, fragment);
    head_numbers(head, after);
    ck_assert_mem_eq(before, after, (size_t)count * sizeof *before);
    neck_head_destroy(head);
}

static place half_done(exercise *e)
{
    place p = make_place();
    exercise_make(e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW);
    e->options.checkpoint = p.path;
    ck_assert_int_eq(run_until("training", 20, e), NECK_E_CANCELLED);
    return p;
}

START_TEST(another_training_is_refused)
{
    exercise e;
    place p = half_done(&e);
    e.options.checkpoint = p.path;
    others[_i].change(&e);
    refused(&e, NECK_E_FORMAT, others[_i].fragment);
    scratch_remove(p.folder);
}
END_TEST

/* ---- damaged files ---- */

static char *contents(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    char *bytes = malloc(1 << 20);
    *size = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    return bytes;
}

static void put_contents(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    ck_assert(file && fwrite(bytes, 1, size, file) == size && fclose(file) == 0);
}

START_TEST(damaged_files_are_refused)
{
    exercise e;
    place p = half_done(&e);
    size_t size;
    e.options.checkpoint = p.path;
    char *bytes = contents(p.path, &size);
    for (size_t cut = 0; cut < size; cut += 53) {
        put_contents(p.path, bytes, cut);
        refused(&e, NECK_E_FORMAT, p.path);
    }
    put_contents(p.path, "not a checkpoint at all", 23);
    refused(&e, NECK_E_FORMAT, p.path);
    /* 0xff in all numbers: NaN as a parameter, a record without sense */
    for (size_t at = size - 8; at > size - 96; at -= 8) {
        char *bad = malloc(size);
        memcpy(bad, bytes, size);
        memset(bad + at, 0xff, 8);
        put_contents(p.path, bad, size);
        neck_head *head = made_head(&e.head, 0.3, 11);
        neck_head_training_result result = {.struct_size = sizeof result};
        neck_status status = neck_head_train(NULL, head, &e.train, &e.valid, &e.options, &result);
        ck_assert_msg(status == NECK_E_FORMAT || status == NECK_E_NONFINITE, "byte %zu: %s", at,
                      neck_status_name(status));
        neck_head_destroy(head);
        free(bad);
    }
    put_contents(p.path, bytes, size);
    char optimizer[PATH_CAPACITY + 32];
    int removed = 0;
    for (int slot = 0; slot < 2; slot++) {
        snprintf(optimizer, sizeof optimizer, "%s.optimizer-%d", p.path, slot);
        removed += unlink(optimizer) == 0;
    }
    ck_assert_int_eq(removed, 1);
    refused(&e, NECK_E_IO, "optimizer-");
    free(bytes);
    scratch_remove(p.folder);
}
END_TEST

/* ---- memory that runs out ---- */

/* With _i steps made before: 0 is a training from its beginning. */
START_TEST(every_allocation_fails_once)
{
    exercise e;
    place p = make_place();
    exercise_make(&e, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW);
    e.options.steps = 3;
    e.options.checkpoint = p.path;
    e.options.checkpoint_every = 3;
    neck_status status = _i ? run_until("training", _i, &e) : NECK_E_CANCELLED;
    ck_assert_int_eq(status, NECK_E_CANCELLED);
    for (int64_t k = 0; status != NECK_OK; k++) {
        failing heap = {.before_failure = k};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &heap};
        neck_context *context = NULL;
        status = neck_context_create(&options, &context);
        if (status == NECK_OK) status = exercise_run(context, &e).status;
        neck_context_destroy(context);
        ck_assert_int_eq(heap.live, 0);
        ck_assert_msg(status == (heap.failed ? NECK_E_NOMEM : NECK_OK), "allocation %lld: %s", (long long)k,
                      neck_last_error());
        int is_there = access(p.path, F_OK) == 0;
        ck_assert_int_eq(is_there, status == NECK_OK || _i > 0); /* writing it is the last that allocates */
    }
    scratch_remove(p.folder);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("head_train_file");
    tcase_add_loop_test(tests, stopped_trainings_go_on_bit_for_bit, 0, RULES * (LAST_KIND - FIRST_KIND + 1));
    tcase_add_test(tests, a_report_may_stop_it);
    tcase_add_test(tests, killed_trainings_go_on_bit_for_bit);
    tcase_add_loop_test(tests, another_training_is_refused, 0, (int)(sizeof others / sizeof *others));
    tcase_add_test(tests, damaged_files_are_refused);
    tcase_add_loop_test(tests, every_allocation_fails_once, 0, 3);
    return run_suite("head_train_file", tests);
}
