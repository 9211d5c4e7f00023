/* tests/test_gradient_exchange.c - trainings that share their work, as threads of one process: curves, bits, states on
 * disk, what fails on one of them; and what a model tells so that gradients can leave early. */
#include <pthread.h>

#include "training_support.h"

enum { MOST = 5, STEPS = 36, NUMBERS = 8 };

/* ---- an exchange between threads -------------------------------------------------------------------------------- */

typedef struct hall {
    pthread_barrier_t barrier;
    int count;
    void *values[MOST];
    double numbers[MOST][NUMBERS];
    neck_status statuses[MOST];
    char messages[MOST][256];
    int breaks_at; /* a sum that fails on all, from 1; 0: none */
    int sums[MOST];
} hall;

typedef struct seat {
    hall *in;
    int index;
} seat;

static void meet(hall *h)
{
    pthread_barrier_wait(&h->barrier);
}

static neck_status sum(void *user, void *values, int32_t dtype, const int64_t *places)
{
    seat *s = user;
    hall *h = s->in;
    if (++h->sums[s->index] == h->breaks_at) return neck_error_set(NECK_E_IO, "the line is cut");
    h->values[s->index] = values;
    meet(h);
    for (int64_t i = places[s->index]; i < places[s->index + 1]; i++) {
        double total = 0;
        for (int p = 0; p < h->count; p++)
            total += dtype == NECK_F64 ? ((double *)h->values[p])[i] : (double)((float *)h->values[p])[i];
        if (dtype == NECK_F64) ((double *)values)[i] = total;
        else ((float *)values)[i] = (float)total;
    }
    meet(h);
    return NECK_OK;
}

static neck_status spread(void *user, void *values, int64_t size, const int64_t *places)
{
    seat *s = user;
    hall *h = s->in;
    h->values[s->index] = values;
    meet(h);
    for (int p = 0; p < h->count; p++) {
        size_t at = (size_t)(places[p] * size), bytes = (size_t)((places[p + 1] - places[p]) * size);
        if (p != s->index && bytes) memcpy((char *)values + at, (char *)h->values[p] + at, bytes);
    }
    meet(h);
    return NECK_OK;
}

static neck_status finish(void *user)
{
    (void)user;
    return NECK_OK;
}

static neck_status add(void *user, double *values, int64_t count)
{
    seat *s = user;
    hall *h = s->in;
    memcpy(h->numbers[s->index], values, (size_t)count * sizeof *values);
    meet(h);
    for (int64_t i = 0; i < count; i++) {
        values[i] = 0;
        for (int p = 0; p < h->count; p++) values[i] += h->numbers[p][i];
    }
    meet(h);
    return NECK_OK;
}

static neck_status agree(void *user, neck_status status)
{
    seat *s = user;
    hall *h = s->in;
    h->statuses[s->index] = status;
    snprintf(h->messages[s->index], sizeof h->messages[0], "%s", status == NECK_OK ? "" : neck_last_error());
    meet(h);
    int first = 0;
    while (first < h->count && h->statuses[first] == NECK_OK) first++;
    neck_status told = first < h->count ? h->statuses[first] : NECK_OK;
    char text[300];
    if (told != NECK_OK) snprintf(text, sizeof text, "process %d: %s", first, h->messages[first]);
    meet(h);
    return told == NECK_OK ? NECK_OK : neck_error_set(told, text);
}

/* ---- trainings as threads --------------------------------------------------------------------------------------- */

/* What one of them is to do, and what came of it. */
typedef struct pupil {
    lesson *l;
    neck_context *context;
    seat place;
    int first, end; /* steps */
    const char *states; /* resumed from when first > 0, and written to at the end; NULL: neither */
    int spoils;         /* puts a NaN among its parameters before this step, and takes it out again; -1: never */
    neck_status status;
    char message[256];
    double losses[STEPS], norms[STEPS];
    neck_training_evaluation found;
} pupil;

static neck_status steps(pupil *p)
{
    float *last = (float *)neck_trainable_values(p->l->model) + neck_trainable_size(p->l->model) - 1;
    for (int i = p->first; i < p->end; i++) {
        neck_training_report report = {.struct_size = sizeof report};
        float kept = *last;
        if (i == p->spoils) *last = NAN;
        neck_status status = neck_training_step(p->context, p->l->training, &report);
        if (i == p->spoils) *last = kept;
        if (status != NECK_OK) return status;
        p->losses[i] = report.loss;
        p->norms[i] = report.gradient_norm;
    }
    return NECK_OK;
}

static neck_status attend(pupil *p)
{
    lesson *l = p->l;
    neck_gradient_exchange exchange = {sizeof exchange, p->place.index, p->place.in->count, &p->place, sum, spread,
                                       finish, add, agree};
    l->options.exchange = &exchange;
    neck_status status = neck_training_create(p->context, &l->options, &l->training);
    if (status == NECK_OK && p->first > 0) status = neck_training_resume(p->context, l->training, p->states);
    if (status == NECK_OK) status = steps(p);
    p->found.struct_size = sizeof p->found;
    if (status == NECK_OK) status = neck_training_evaluate(p->context, l->training, &p->found);
    if (status == NECK_OK && p->states) status = neck_training_save(p->context, l->training, p->states, NULL, NULL);
    return status;
}

static void *attend_thread(void *argument)
{
    pupil *p = argument;
    p->status = attend(p);
    snprintf(p->message, sizeof p->message, "%s", p->status == NECK_OK ? "" : neck_last_error());
    return NULL;
}

/* A class of `count`; seeds of models differ: all learn what the first began with. */
static void class_begin(pupil *class, hall *h, int count, const lesson *like)
{
    *h = (hall){.count = count};
    pthread_barrier_init(&h->barrier, NULL, (unsigned)count);
    for (int p = 0; p < count; p++) {
        class[p] = (pupil){.l = malloc(sizeof(lesson)), .place = {h, p}, .end = STEPS, .spoils = -1};
        *class[p].l = *like;
        class[p].l->model = NULL, class[p].l->head = NULL, class[p].l->training = NULL, class[p].l->tokens = NULL;
        lesson_prepare(class[p].l);
        ((float *)neck_trainable_values(class[p].l->model))[3] += (float)p;
        neck_context_options about = {.struct_size = sizeof about, .threads = 1};
        ASSERT_OK(neck_context_create(&about, &class[p].context));
    }
}

static void class_run(pupil *class, int count)
{
    pthread_t threads[MOST];
    for (int p = 0; p < count; p++) ck_assert_int_eq(pthread_create(&threads[p], NULL, attend_thread, &class[p]), 0);
    for (int p = 0; p < count; p++) pthread_join(threads[p], NULL);
}

static void class_end(pupil *class, int count)
{
    for (int p = 0; p < count; p++) {
        lesson_close(class[p].l);
        neck_context_destroy(class[p].context);
        free(class[p].l);
    }
    pthread_barrier_destroy(&class[0].place.in->barrier);
}

static void assert_all_ok(const pupil *class, int count)
{
    for (int p = 0; p < count; p++) ck_assert_msg(class[p].status == NECK_OK, "process %d: %s", p, class[p].message);
}

/* ---- curves and bits -------------------------------------------------------------------------------------------- */

static const struct {
    int32_t rule, head;
    int64_t batch, accumulation;
    double momentum;
} cases[] = {
    {NECK_OPTIMIZER_ADAMW, 0, 3, 2, 0},
    {NECK_OPTIMIZER_SGD, NECK_HEAD_TIED, 2, 1, 0.9}, /* fewer rows than processes */
    {NECK_OPTIMIZER_MUON, NECK_HEAD_FACTORED, 4, 3, 0},
};
enum { CASES = sizeof cases / sizeof *cases };

static lesson lesson_of(int index)
{
    lesson l = lesson_make();
    l.batches.batch = cases[index].batch;
    l.options.accumulation = cases[index].accumulation;
    l.optimizer.rule = cases[index].rule;
    l.optimizer.momentum = cases[index].momentum;
    l.head_options.kind = cases[index].head;
    l.head_options.rank = cases[index].head == NECK_HEAD_FACTORED ? 4 : 0;
    l.model_options.without_head = cases[index].head != 0;
    l.model_options.attention_dropout = 0.1;
    return l;
}

/* Each of count processes alike; returns what the first told. */
static pupil together(const lesson *like, int count)
{
    pupil class[MOST];
    hall h;
    class_begin(class, &h, count, like);
    class_run(class, count);
    assert_all_ok(class, count);
    size_t size, other;
    unsigned char *first = parameter_bytes(class[0].l->training, &size);
    for (int p = 1; p < count; p++) {
        unsigned char *bytes = parameter_bytes(class[p].l->training, &other);
        ck_assert_msg(memcmp(first, bytes, size) == 0, "process %d has other parameters", p);
        ck_assert_msg(memcmp(class[0].losses, class[p].losses, sizeof class[0].losses) == 0, "another curve");
        ck_assert_mem_eq(&class[0].found, &class[p].found, sizeof class[0].found);
        free(bytes);
    }
    free(first);
    pupil told = class[0];
    class_end(class, count);
    return told;
}

START_TEST(curves_are_those_of_one_process)
{
    lesson l = lesson_of(_i);
    pupil alone = together(&l, 1);
    ck_assert_double_lt(alone.losses[STEPS - 1], alone.losses[0] - 0.1);
    for (int count = 2; count <= MOST; count++) {
        pupil shared = together(&l, count), again = together(&l, count);
        for (int i = 0; i < STEPS; i++) {
            ck_assert_double_eq_tol(shared.losses[i], alone.losses[i], 1e-5);
            ck_assert_double_eq_tol(shared.norms[i], alone.norms[i], 1e-4);
        }
        ck_assert_double_eq_tol(shared.found.loss, alone.found.loss, 1e-5);
        ck_assert_int_eq(shared.found.tokens, alone.found.tokens);
        ck_assert_mem_eq(shared.losses, again.losses, sizeof again.losses);
        ck_assert_mem_eq(shared.norms, again.norms, sizeof again.norms);
    }
    remove_tree(l.folder);
}
END_TEST

/* ---- states ----------------------------------------------------------------------------------------------------- */

static void travel(const lesson *like, const char *states, int count, int first, int end, pupil *told)
{
    pupil class[MOST];
    hall h;
    class_begin(class, &h, count, like);
    for (int p = 0; p < count; p++)
        class[p].first = first, class[p].end = end, class[p].states = p ? "none of mine" : states;
    class_run(class, count);
    assert_all_ok(class, count);
    memcpy(told->losses + first, class[0].losses + first, (size_t)(end - first) * sizeof *told->losses);
    told->found = class[0].found;
    class_end(class, count);
}

START_TEST(a_state_goes_on_with_any_number)
{
    static const int counts[] = {2, 3, 1, 5};
    char states[PATH_CAPACITY], straight[PATH_CAPACITY];
    lesson l = lesson_of(_i);
    pupil alone = together(&l, 1), moved = alone, stopped = alone, whole = together(&l, 3);
    scratch_file(states, l.folder, "moved");
    for (int i = 0; i < 4; i++) travel(&l, states, counts[i], i * STEPS / 4, (i + 1) * STEPS / 4, &moved);
    for (int i = 0; i < STEPS; i++) ck_assert_double_eq_tol(moved.losses[i], alone.losses[i], 1e-5);
    ck_assert_int_ne(access("none of mine", F_OK), 0);
    scratch_file(straight, l.folder, "stopped");
    travel(&l, straight, 3, 0, 10, &stopped);
    travel(&l, straight, 3, 10, STEPS, &stopped);
    ck_assert_mem_eq(stopped.losses, whole.losses, sizeof whole.losses);
    remove_tree(l.folder);
}
END_TEST

/* All moments of three processes are what one has, but for the order of sums. */
START_TEST(moments_are_gathered)
{
    lesson l = lesson_of(_i);
    char paths[2][PATH_CAPACITY], name[PATH_CAPACITY];
    neck_checkpoint *files[2];
    pupil told;
    for (int k = 0; k < 2; k++) {
        scratch_file(paths[k], l.folder, k ? "three" : "one");
        travel(&l, paths[k], k ? 3 : 1, 0, 6, &told);
        scratch_file(name, paths[k], "step-6/optimizer.safetensors");
        ASSERT_OK(neck_checkpoint_open(NULL, name, NULL, &files[k]));
    }
    int64_t count = neck_checkpoint_tensor_count(files[0]);
    ck_assert_int_eq(count, neck_checkpoint_tensor_count(files[1]));
    for (int64_t i = 0; i < count; i++) {
        neck_tensor a = {.struct_size = sizeof a}, b = {.struct_size = sizeof b};
        ASSERT_OK(neck_checkpoint_tensor(files[0], i, &a));
        ASSERT_OK(neck_checkpoint_tensor(files[1], i, &b));
        ck_assert_str_eq(a.name, b.name);
        ck_assert_int_eq(a.nbytes, b.nbytes);
        const float *x = a.data, *y = b.data;
        double largest = 0;
        for (int64_t k = 0; k < a.nbytes / 4; k++) largest = fmax(largest, fabs((double)x[k]));
        for (int64_t k = 0; k < a.nbytes / 4; k++)
            ck_assert_msg(fabs((double)x[k] - (double)y[k]) <= 1e-4 * largest, "%s[%d]: %g and %g", a.name, (int)k,
                          x[k], y[k]);
    }
    for (int k = 0; k < 2; k++) neck_checkpoint_destroy(files[k]);
    remove_tree(l.folder);
}
END_TEST

/* ---- failures --------------------------------------------------------------------------------------------------- */

START_TEST(a_failure_of_one_is_that_of_all)
{
    pupil class[MOST];
    hall h;
    lesson l = lesson_of(0);
    size_t size;
    class_begin(class, &h, 3, &l);
    class[2].spoils = 7;
    class_run(class, 3);
    unsigned char *first = parameter_bytes(class[0].l->training, &size);
    for (int p = 0; p < 3; p++) {
        unsigned char *bytes = parameter_bytes(class[p].l->training, &size);
        ck_assert_int_eq(class[p].status, NECK_E_NONFINITE);
        ck_assert_msg(strncmp(class[p].message, "step 8: process 2: ", 19) == 0, "%s", class[p].message);
        ck_assert_int_eq(neck_training_steps(class[p].l->training), 7);
        ck_assert_mem_eq(first, bytes, size);
        free(bytes);
    }
    free(first);
    class_end(class, 3);
    remove_tree(l.folder);
}
END_TEST

START_TEST(a_cut_line_ends_the_training)
{
    pupil class[MOST];
    hall h;
    lesson l = lesson_of(0);
    class_begin(class, &h, 2, &l);
    h.breaks_at = 40;
    class_run(class, 2);
    for (int p = 0; p < 2; p++) {
        ck_assert_int_eq(class[p].status, NECK_E_IO);
        ck_assert_msg(strstr(class[p].message, "the line is cut"), "%s", class[p].message);
    }
    class_end(class, 2);
    remove_tree(l.folder);
}
END_TEST

START_TEST(other_options_are_found)
{
    pupil class[MOST];
    hall h;
    lesson l = lesson_of(0);
    class_begin(class, &h, 3, &l);
    if (_i == 0) class[1].l->optimizer.learning_rate = 0.02;
    if (_i == 1) class[2].l->options.gradient_limit = -1;
    class_run(class, 3);
    for (int p = 0; p < 3; p++) {
        ck_assert_int_eq(class[p].status, NECK_E_ARGUMENT);
        ck_assert_ptr_null(class[p].l->training);
        ck_assert_msg(strstr(class[p].message, _i ? "process 2: " : "process 1: optimizer options differ"), "%s",
                      class[p].message);
    }
    class_end(class, 3);
    remove_tree(l.folder);
}
END_TEST

START_TEST(what_is_no_exchange_is_refused)
{
    lesson l = lesson_of(0);
    seat nowhere = {NULL, 0};
    neck_gradient_exchange good = {sizeof good, 0, 2, &nowhere, sum, spread, finish, add, agree}, bad[6];
    for (int i = 0; i < 6; i++) bad[i] = good;
    bad[0].index = 2;
    bad[1].count = -1;
    bad[2].sum = NULL;
    bad[3].finish = NULL;
    bad[4].agree = NULL;
    bad[5].struct_size = 3;
    lesson_prepare(&l);
    for (int i = 0; i < 6; i++) {
        l.options.exchange = &bad[i];
        ck_assert_int_eq(neck_training_create(NULL, &l.options, &l.training), NECK_E_ARGUMENT);
        ck_assert_ptr_null(l.training);
    }
    neck_gradient_exchange empty = {.struct_size = sizeof empty};
    l.options.exchange = &empty;
    ASSERT_OK(neck_training_create(NULL, &l.options, &l.training));
    lesson_end(&l);
}
END_TEST

/* ---- memory that fails on one of them --------------------------------------------------------------------------- */

typedef struct meter {
    int64_t calls, live, fail_at;
} meter;

static void *metered_alloc(void *user, size_t alignment, size_t size)
{
    meter *m = user;
    if (m->calls++ == m->fail_at) return NULL;
    m->live++;
    return aligned_alloc(alignment, size);
}

static void metered_release(void *user, void *memory)
{
    meter *m = user;
    m->live--;
    free(memory);
}

/* Whether allocation k of one of two came to be asked for, and failed both. What fails when all is in place is of no
 * consequence. */
static int fails_both(pupil *class, int which, int64_t k, const char *states)
{
    meter m = {.fail_at = -1};
    neck_context_options about = {.struct_size = sizeof about, .threads = 1, .alloc = metered_alloc,
                                  .release = metered_release,
                                  .alloc_user = &m};
    neck_context_destroy(class[which].context);
    ASSERT_OK(neck_context_create(&about, &class[which].context));
    int64_t before = m.live;
    m.calls = 0;
    m.fail_at = k;
    class_run(class, 2);
    int failed = m.calls > k, is_last = m.calls == k + 1 && access(states, F_OK) == 0;
    for (int p = 0; p < 2; p++) {
        ck_assert_msg(class[p].status == (failed ? NECK_E_NOMEM : NECK_OK) || (is_last && class[p].status == NECK_OK),
                      "allocation %d: process %d: %s", (int)k, p, class[p].message);
        neck_training_destroy(class[p].l->training);
        class[p].l->training = NULL;
    }
    ck_assert_msg(m.live == before, "allocation %d: %d blocks stay", (int)k, (int)(m.live - before));
    neck_context_destroy(class[which].context);
    class[which].context = NULL;
    if (access(states, F_OK) == 0) remove_tree(states);
    return failed;
}

/* Two steps and a save; whichever allocation fails on either, both say so and nothing stays. */
START_TEST(memory_that_fails_on_one_fails_all)
{
    lesson l = lesson_of(2);
    pupil class[MOST];
    hall h;
    char states[PATH_CAPACITY];
    int64_t failures = 0;
    scratch_file(states, l.folder, "states");
    class_begin(class, &h, 2, &l);
    for (int p = 0; p < 2; p++) class[p].end = 2, class[p].states = states;
    while (fails_both(class, _i, failures, states)) failures++;
    ck_assert_int_gt(failures, 40);
    class_end(class, 2);
    remove_tree(l.folder);
}
END_TEST

/* ---- what a model tells ----------------------------------------------------------------------------------------- */

static const char *const families[] = {"gpt_neox", "gpt2", "opt", "llama", "gemma2"};
enum { FAMILIES = sizeof families / sizeof *families };

typedef struct listener {
    const neck_parameter *parameters;
    int told[200];
    float *seen[200];
} listener;

static void listen(void *user, int64_t first, int64_t count)
{
    listener *l = user;
    for (int64_t i = first; i < first + count; i++) {
        size_t bytes = (size_t)(l->parameters[i].rows * l->parameters[i].cols) * sizeof(float);
        l->told[i]++;
        l->seen[i] = malloc(bytes);
        memcpy(l->seen[i], l->parameters[i].gradient, bytes);
    }
}

START_TEST(each_gradient_is_told_of_when_it_is_final)
{
    neck_trainable *model;
    neck_matrix states;
    int32_t ids[24];
    neck_trainable_options about = {.struct_size = sizeof about, .family = families[_i],
                                    .vocabulary = LESSON_VOCABULARY, .layers = 3,
                                    .hidden_size = 16, .heads = 2, .context_length = 8, .seed = 4,
                                    .tied = _i % 2 ? 1 : -1};
    listener l = {NULL, {0}, {NULL}};
    int64_t count;
    for (int i = 0; i < 24; i++) ids[i] = i * 7 % LESSON_VOCABULARY;
    ASSERT_OK(neck_trainable_create(NULL, &about, &model));
    l.parameters = neck_trainable_parameters(model, &count);
    ASSERT_OK(neck_trainable_forward(NULL, model, ids, 3, 8, 0, &states));
    ASSERT_OK(neck_trainable_backward_telling(NULL, model, states.data, listen, &l));
    for (int64_t i = 0; i < count; i++) {
        size_t bytes = (size_t)(l.parameters[i].rows * l.parameters[i].cols) * sizeof(float);
        ck_assert_msg(l.told[i] == 1, "%s was told of %d times", l.parameters[i].name, l.told[i]);
        ck_assert_msg(memcmp(l.seen[i], l.parameters[i].gradient, bytes) == 0, "%s was not final",
                      l.parameters[i].name);
        free(l.seen[i]);
    }
    neck_trainable_destroy(model);
}
END_TEST

START_TEST(a_part_drops_what_the_whole_drops)
{
    neck_trainable *model;
    neck_matrix states;
    int32_t ids[40];
    neck_trainable_options about = {.struct_size = sizeof about, .family = families[_i],
                                    .vocabulary = LESSON_VOCABULARY, .layers = 2,
                                    .hidden_size = 16, .heads = 2, .context_length = 8, .dropout = 0.3,
                                    .attention_dropout = 0.3};
    for (int i = 0; i < 40; i++) ids[i] = i * 7 % LESSON_VOCABULARY;
    ASSERT_OK(neck_trainable_create(NULL, &about, &model));
    ASSERT_OK(neck_trainable_forward(NULL, model, ids, 5, 8, 9, &states));
    float whole[40 * 16];
    memcpy(whole, states.data, sizeof whole);
    ASSERT_OK(neck_trainable_forward_part(NULL, model, ids + 16, 2, 3, 8, 9, &states));
    for (int i = 0; i < 24 * 16; i++) ck_assert_float_eq_tol(((const float *)states.data)[i], whole[16 * 16 + i],
                                                             1e-5f);
    ASSERT_OK(neck_trainable_forward_part(NULL, model, ids + 16, 1, 3, 8, 9, &states));
    double apart = 0;
    for (int i = 0; i < 24 * 16; i++)
        apart += fabs((double)((const float *)states.data)[i] - (double)whole[16 * 16 + i]);
    ck_assert_double_gt(apart, 1); /* other rows' dropout */
    ck_assert_int_eq(neck_trainable_forward_part(NULL, model, ids, -1, 3, 8, 9, &states), NECK_E_ARGUMENT);
    neck_trainable_destroy(model);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("gradient_exchange");
    tcase_add_loop_test(tests, curves_are_those_of_one_process, 0, CASES);
    tcase_add_loop_test(tests, a_state_goes_on_with_any_number, 0, CASES);
    tcase_add_loop_test(tests, moments_are_gathered, 0, CASES);
    tcase_add_test(tests, a_failure_of_one_is_that_of_all);
    tcase_add_test(tests, a_cut_line_ends_the_training);
    tcase_add_loop_test(tests, other_options_are_found, 0, 2);
    tcase_add_test(tests, what_is_no_exchange_is_refused);
    tcase_add_loop_test(tests, memory_that_fails_on_one_fails_all, 0, 2);
    tcase_add_loop_test(tests, each_gradient_is_told_of_when_it_is_final, 0, FAMILIES);
    tcase_add_loop_test(tests, a_part_drops_what_the_whole_drops, 0, FAMILIES);
    return run_suite("gradient_exchange", tests);
}
