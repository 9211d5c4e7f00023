/* tests/test_training_state.c - trainings that are stopped, killed and taken up again; states that are damaged or of
 * another training; disks that are full. */
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "training_support.h"

enum { STEPS = 12 };

static void state_path(char path[PATH_CAPACITY], const lesson *l)
{
    scratch_file(path, l->folder, "state");
}

static void run_to(lesson *l, int64_t steps)
{
    while (neck_training_steps(l->training) < steps) {
        step_once(l);
        if (neck_training_steps(l->training) % 4 == 0) evaluate(l);
    }
}

static void save(lesson *l)
{
    char path[PATH_CAPACITY];
    state_path(path, l);
    ASSERT_OK(neck_training_save(NULL, l->training, path, NULL, NULL));
}

static neck_status try_resume(lesson *l)
{
    char path[PATH_CAPACITY];
    state_path(path, l);
    return neck_training_resume(NULL, l->training, path);
}

/* Closes the training and opens it from its state, over other initial weights: the state's count. */
static void reopen(lesson *l)
{
    lesson_close(l);
    l->model_options.seed++;
    lesson_open(l);
    ASSERT_OK(try_resume(l));
}

/* ---- stopping ---- */

static const int32_t rules[] = {NECK_OPTIMIZER_ADAMW, NECK_OPTIMIZER_SGD, NECK_OPTIMIZER_MUON};
static const int32_t kinds[] = {0, NECK_HEAD_FACTORED, NECK_HEAD_MOS, NECK_HEAD_PLIF};
enum { RULES = 3, KINDS = 4 };

static lesson lesson_of(int index)
{
    lesson l = lesson_make();
    l.optimizer.rule = rules[index % RULES];
    l.optimizer.momentum = index % RULES ? 0.9 : 0;
    l.head_options.kind = kinds[index / RULES];
    l.head_options.rank = l.head_options.kind == NECK_HEAD_FACTORED ? 5 : 0;
    l.model_options.without_head = l.head_options.kind != 0;
    l.model_options.dropout = 0; /* its seed is the model's, which these tests change */
    return l;
}

START_TEST(stopped_trainings_go_on_bit_for_bit)
{
    char path[PATH_CAPACITY];
    size_t size;
    lesson l = lesson_of(_i), other = lesson_of(_i);
    lesson_open(&l);
    run_to(&l, STEPS);
    neck_training_evaluation whole = evaluate(&l);
    unsigned char *expected = parameter_bytes(l.training, &size);
    lesson_open(&other);
    for (int64_t stop = 3; stop <= STEPS; stop += 3) {
        run_to(&other, stop);
        save(&other);
        save(&other); /* there already */
        reopen(&other);
        ck_assert_int_eq(neck_training_steps(other.training), stop);
    }
    unsigned char *found = parameter_bytes(other.training, &size);
    ck_assert_mem_eq(found, expected, size);
    neck_training_evaluation parts = evaluate(&other);
    ck_assert_mem_eq(&whole, &parts, sizeof whole); /* the best one too */
    state_path(path, &other);
    ck_assert_int_eq(scratch_count(path), 1); /* the latest alone */
    free(expected);
    free(found);
    lesson_end(&l);
    lesson_end(&other);
}
END_TEST

/* ---- kills ---- */

enum { KILLS = 12, KILLED_STEPS = 40 };

/* Steps and saves until the end; never returns. */
static _Noreturn void run_and_save(lesson *l)
{
    char path[PATH_CAPACITY];
    state_path(path, l);
    lesson_open(l);
    neck_status status = try_resume(l);
    if (status != NECK_OK && status != NECK_E_NOT_FOUND) _exit(1);
    while (neck_training_steps(l->training) < KILLED_STEPS)
        if (neck_training_step(NULL, l->training, NULL) != NECK_OK ||
            neck_training_save(NULL, l->training, path, NULL, NULL) != NECK_OK)
            _exit(1);
    _exit(0);
}

/* Saving takes most of the time, so most kills hit it. */
START_TEST(killed_trainings_go_on_bit_for_bit)
{
    size_t size;
    lesson l = lesson_make(), killed = lesson_make();
    lesson_open(&l);
    for (int i = 0; i < KILLED_STEPS; i++) step_once(&l);
    unsigned char *expected = parameter_bytes(l.training, &size);
    for (int i = 0; i <= KILLS; i++) {
        int status;
        pid_t child = fork();
        if (child == 0) run_and_save(&killed);
        struct timespec while_it_runs = {0, (7 + 4000L * i % 37) * 1000 * 1000};
        if (i < KILLS) nanosleep(&while_it_runs, NULL);
        if (i < KILLS) kill(child, SIGKILL);
        ck_assert_int_eq(waitpid(child, &status, 0), child);
        ck_assert_msg(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "kill %d: it could not go on", i);
    }
    lesson_open(&killed);
    ASSERT_OK(try_resume(&killed));
    unsigned char *found = parameter_bytes(killed.training, &size);
    ck_assert_mem_eq(found, expected, size);
    free(expected);
    free(found);
    lesson_end(&l);
    lesson_end(&killed);
}
END_TEST

/* ---- refusals ---- */

static void assert_resume_fails(lesson *l, neck_status status, const char *fragment)
{
    size_t size;
    unsigned char *before = parameter_bytes(l->training, &size);
    assert_fails(try_resume(l), status, fragment, fragment);
    unsigned char *after = parameter_bytes(l->training, &size);
    ck_assert_mem_eq(before, after, size);
    ck_assert_int_eq(neck_training_steps(l->training), 0);
    free(before);
    free(after);
}

static void other_width(lesson *l) { l->model_options.inner_size = 32; }
static void other_rule(lesson *l) { l->optimizer.rule = NECK_OPTIMIZER_SGD; }
static void other_rate(lesson *l) { l->optimizer.learning_rate = 0.02; }
static void other_schedule(lesson *l) { l->schedule.steps = 50; }
static void other_clip(lesson *l) { l->options.clip_norm = 2; }
static void other_accumulation(lesson *l) { l->options.accumulation = 1; }
static void other_loss(lesson *l) { l->loss.label_smoothing = 0.1; }
static void other_order(lesson *l) { l->batches.order = NECK_BATCHES_SEQUENTIAL; }
static void other_seed(lesson *l) { l->batches.seed = 7; }

static const struct other {
    void (*make)(lesson *l);
    const char *fragment;
} others[] = {
    {other_width, "'parameter."},          {other_rule, "optimizer options differ"},
    {other_rate, "optimizer options differ"}, {other_schedule, "schedule, clipping or accumulation differ"},
    {other_clip, "schedule, clipping"},    {other_accumulation, "schedule, clipping or accumulation differ"},
    {other_loss, "loss options differ"},   {other_order, "texts or batches differ"},
    {other_seed, "texts or batches differ"},
};

START_TEST(states_of_other_trainings_are_refused)
{
    lesson l = lesson_make();
    lesson_open(&l);
    run_to(&l, 2);
    save(&l);
    lesson_close(&l);
    others[_i].make(&l);
    lesson_open(&l);
    assert_resume_fails(&l, NECK_E_FORMAT, others[_i].fragment);
    char path[PATH_CAPACITY];
    state_path(path, &l);
    step_once(&l);
    assert_fails(neck_training_save(NULL, l.training, path, NULL, NULL), NECK_E_STATE,
                 "another training's state, of step 2", "saving over it");
    lesson_end(&l);
}
END_TEST

/* One byte at a time, all over both files. */
static void flip(const char *path, double place)
{
    FILE *file = fopen(path, "r+b");
    ck_assert_ptr_nonnull(file);
    fseek(file, 0, SEEK_END);
    long at = (long)(place * (double)(ftell(file) - 1));
    fseek(file, at, SEEK_SET);
    int byte = fgetc(file);
    fseek(file, at, SEEK_SET);
    fputc(byte ^ 0x10, file);
    fclose(file);
}

START_TEST(damaged_states_are_refused)
{
    static const char *const files[] = {"state/step-3/training.safetensors", "state/step-3/optimizer.safetensors"};
    char path[PATH_CAPACITY];
    lesson l = lesson_make();
    lesson_open(&l);
    run_to(&l, 3);
    save(&l);
    scratch_file(path, l.folder, files[_i]);
    for (double place = 0.3; place <= 1; place += 0.05) {
        lesson_close(&l);
        lesson_open(&l);
        flip(path, place);
        assert_resume_fails(&l, NECK_E_FORMAT, "");
        flip(path, place);
    }
    ASSERT_OK(try_resume(&l)); /* as it was written */
    ck_assert_int_eq(truncate(path, 5000), 0);
    lesson_close(&l);
    lesson_open(&l);
    ck_assert_int_ne(try_resume(&l), NECK_OK);
    ck_assert_int_eq(unlink(path), 0);
    ck_assert_int_ne(try_resume(&l), NECK_OK);
    lesson_end(&l);
}
END_TEST

START_TEST(resuming_at_the_wrong_time)
{
    lesson l = lesson_make();
    lesson_open(&l);
    assert_resume_fails(&l, NECK_E_NOT_FOUND, "no state in ");
    run_to(&l, 1);
    assert_fails(try_resume(&l), NECK_E_STATE, "already begun", "resume");
    lesson_end(&l);
}
END_TEST

/* ---- a full disk ---- */

/* No file may grow beyond a few thousand bytes, in a child, so that the limit ends with it. */
static void save_on_a_full_disk(lesson *l)
{
    char path[PATH_CAPACITY];
    state_path(path, l);
    struct rlimit limit = {6000, 6000};
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &limit);
    step_once(l);
    _exit(neck_training_save(NULL, l->training, path, NULL, NULL) == NECK_E_IO ? 0 : 1);
}

START_TEST(full_disks_leave_the_last_state)
{
    char path[PATH_CAPACITY];
    int status;
    lesson l = lesson_make();
    lesson_open(&l);
    run_to(&l, 3);
    save(&l);
    lesson_close(&l);
    pid_t child = fork();
    if (child == 0) {
        lesson_open(&l);
        if (try_resume(&l) == NECK_OK) save_on_a_full_disk(&l);
        _exit(2);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    state_path(path, &l);
    ck_assert_int_eq(scratch_count(path), 1); /* nothing half done */
    lesson_open(&l);
    ASSERT_OK(try_resume(&l));
    ck_assert_int_eq(neck_training_steps(l.training), 3);
    lesson_end(&l);
}
END_TEST

/* ---- what saves that died have left ---- */

static void make_folder(const char *above, const char *name)
{
    char path[PATH_CAPACITY];
    scratch_file(path, above, name);
    ck_assert_int_eq(mkdir(path, 0777), 0);
}

START_TEST(saving_clears_what_is_older_or_unfinished)
{
    char path[PATH_CAPACITY];
    lesson l = lesson_make();
    lesson_open(&l);
    run_to(&l, 3);
    save(&l);
    reopen(&l);
    state_path(path, &l);
    static const char *const left[] = {"step-1", "step-2", "step-2.partial", "step-3.partial"};
    static const char *const strangers[] = {"step-", "step-1.part", "step-x.partial", "notes"};
    for (int i = 0; i < 4; i++) make_folder(path, left[i]);
    for (int i = 0; i < 4; i++) make_folder(path, strangers[i]);
    save(&l); /* there already */
    ck_assert_int_eq(scratch_count(path), 5);
    for (int i = 0; i < 4; i++) make_folder(path, left[i]);
    step_once(&l);
    save(&l);
    ck_assert_int_eq(scratch_count(path), 5);
    reopen(&l);
    ck_assert_int_eq(neck_training_steps(l.training), 4);
    lesson_end(&l);
}
END_TEST

/* ---- the caller's files ---- */

static neck_status add_note(void *user, const char *folder)
{
    char path[PATH_CAPACITY];
    scratch_file(path, folder, "note");
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fclose(file);
    return *(neck_status *)user;
}

START_TEST(files_of_the_caller_come_with_the_folder)
{
    char path[PATH_CAPACITY], note[PATH_CAPACITY];
    neck_status answer = NECK_E_IO;
    lesson l = lesson_make();
    lesson_open(&l);
    scratch_file(path, l.folder, "model");
    ck_assert_int_eq(neck_training_export(NULL, l.training, path, add_note, &answer), NECK_E_IO);
    ck_assert_int_eq(scratch_count(l.folder), 1); /* tokens.bin */
    answer = NECK_OK;
    ASSERT_OK(neck_training_export(NULL, l.training, path, add_note, &answer));
    scratch_file(note, path, "note");
    ck_assert_int_eq(access(note, F_OK), 0);
    state_path(path, &l);
    ASSERT_OK(neck_training_save(NULL, l.training, path, add_note, &answer));
    scratch_file(note, path, "step-0/note");
    ck_assert_int_eq(access(note, F_OK), 0);
    lesson_end(&l);
}
END_TEST

/* ---- memory that runs out ---- */

static neck_status whole_course(neck_context *context, const lesson *l)
{
    char state[PATH_CAPACITY], model[PATH_CAPACITY];
    neck_training *training = NULL;
    state_path(state, l);
    scratch_file(model, l->folder, "model");
    neck_status status = neck_training_create(context, &l->options, &training);
    if (status == NECK_OK) status = neck_training_resume(context, training, state);
    if (status == NECK_OK) status = neck_training_step(context, training, NULL);
    if (status == NECK_OK) status = neck_training_export(context, training, model, NULL, NULL);
    if (status == NECK_OK) status = neck_training_save(context, training, state, NULL, NULL);
    neck_training_destroy(training);
    return status;
}

/* The number of the latest state. */
static int64_t saved_steps(const lesson *l)
{
    char path[PATH_CAPACITY], name[PATH_CAPACITY];
    int64_t step = 0;
    for (int64_t i = 0; i < 100; i++) {
        snprintf(name, sizeof name, "state/step-%lld", (long long)i);
        scratch_file(path, l->folder, name);
        if (access(path, F_OK) == 0) step = i;
    }
    return step;
}

START_TEST(every_allocation_fails_once)
{
    lesson l = lesson_make();
    l.head_options.kind = NECK_HEAD_FACTORED;
    l.head_options.rank = 3;
    l.model_options.without_head = 1;
    l.model_options.dropout = 0;
    lesson_open(&l);
    run_to(&l, 2);
    save(&l);
    failing heap = {.failed = 1};
    for (int64_t k = 0; heap.failed; k++) {
        heap = (failing){.before_failure = k};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &heap};
        neck_context *context = NULL;
        int64_t steps = saved_steps(&l);
        neck_status status = neck_context_create(&options, &context);
        if (status == NECK_OK) status = whole_course(context, &l);
        neck_context_destroy(context);
        ck_assert_int_eq(heap.live, 0);
        /* Only a folder's sync can fail in silence. */
        ck_assert_msg(saved_steps(&l) == steps + (status == NECK_OK), "allocation %lld: %s, from step %lld to %lld",
                      (long long)k, neck_status_name(status), (long long)steps, (long long)saved_steps(&l));
        ck_assert(status == NECK_OK || (status == NECK_E_NOMEM && heap.failed));
    }
    lesson_end(&l);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("training_state");
    tcase_add_loop_test(tests, stopped_trainings_go_on_bit_for_bit, 0, RULES * KINDS);
    tcase_add_test(tests, killed_trainings_go_on_bit_for_bit);
    tcase_add_loop_test(tests, states_of_other_trainings_are_refused, 0, (int)(sizeof others / sizeof *others));
    tcase_add_loop_test(tests, damaged_states_are_refused, 0, 2);
    tcase_add_test(tests, resuming_at_the_wrong_time);
    tcase_add_test(tests, full_disks_leave_the_last_state);
    tcase_add_test(tests, saving_clears_what_is_older_or_unfinished);
    tcase_add_test(tests, files_of_the_caller_come_with_the_folder);
    tcase_add_test(tests, every_allocation_fails_once);
    return run_suite("training_state", tests);
}
