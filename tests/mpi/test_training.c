/* test_training.c - trainings by many ranks against the same by one: curves, bits, states, failures. */
#include "mpi_test.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <unistd.h>

enum { VOCABULARY = 29, TOKENS = 900, CONTEXT = 8, STEPS = 36 };

static char folder[64]; /* of scratch files: rank 0 makes it, all see it */

static void in_folder(char path[128], const char *name)
{
    snprintf(path, 128, "%s/%s", folder, name);
}

static void make_folder(void)
{
    strcpy(folder, "/tmp/softneck-mpi-training-XXXXXX");
    if (rank == 0) EXPECT(mkdtemp(folder), "%s", folder);
    EXPECT_OK(neck_mpi_broadcast(team, folder, sizeof folder, 0));
}

static void remove_folder(void)
{
    char command[128];
    EXPECT_OK(neck_mpi_agree(team, NECK_OK)); /* nobody needs it any more */
    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (rank == 0) EXPECT(system(command) == 0, "%s", command);
}

/* The first `size` ranks as a team of their own; the others have none. */
typedef struct part {
    MPI_Comm comm;
    neck_mpi_team *team;
    neck_gradient_exchange *exchange;
} part;

static part part_make(int size, int64_t bucket)
{
    part made = {.comm = MPI_COMM_NULL};
    neck_mpi_exchange_options options = {.struct_size = sizeof options, .bucket = bucket};
    MPI_Comm_split(MPI_COMM_WORLD, rank < size ? 0 : MPI_UNDEFINED, rank, &made.comm);
    if (made.comm == MPI_COMM_NULL) return made;
    EXPECT_OK(neck_mpi_team_create(made.comm, NULL, &made.team));
    EXPECT_OK(neck_mpi_exchange_create(made.team, &options, &made.exchange));
    return made;
}

static void part_end(part *made)
{
    neck_mpi_exchange_destroy(made->exchange);
    neck_mpi_team_destroy(made->team);
    if (made->comm != MPI_COMM_NULL) MPI_Comm_free(&made->comm);
}

/* ---- language models -------------------------------------------------------------------------------------------- */

static neck_token_file *write_text(void)
{
    char path[128];
    neck_token_file *file = NULL;
    in_folder(path, "tokens.bin");
    if (rank == 0) {
        int32_t ids[TOKENS] = {1};
        neck_token_writer *writer;
        for (int i = 1; i < TOKENS; i++) ids[i] = i % 7 ? (ids[i - 1] * 5 + 3) % VOCABULARY : i * i / 7 % VOCABULARY;
        EXPECT_OK(neck_token_writer_create(NULL, path, VOCABULARY, 77, &writer));
        EXPECT_OK(neck_token_writer_push(writer, ids, TOKENS));
        EXPECT_OK(neck_token_writer_commit(writer));
    }
    EXPECT_OK(neck_mpi_agree(team, NECK_OK));
    EXPECT_OK(neck_token_file_open(NULL, path, NULL, &file));
    return file;
}

typedef struct recipe {
    const char *family;
    int32_t rule, head; /* head 0: the model's own */
    double momentum, dropout;
    int64_t batch, accumulation;
    int32_t recompute;
} recipe;

static const recipe recipes[] = {
    {"gpt_neox", NECK_OPTIMIZER_ADAMW, 0, 0, 0.1, 3, 2, 0},
    {"gpt2", NECK_OPTIMIZER_ADAMW, 0, 0, 0, 5, 3, 1},
    {"llama", NECK_OPTIMIZER_SGD, NECK_HEAD_FACTORED, 0.9, 0, 4, 1, 0},
    {"gpt_neox", NECK_OPTIMIZER_MUON, NECK_HEAD_DENSE, 0, 0.1, 3, 3, 0},
    {"gemma2", NECK_OPTIMIZER_SGD, 0, 0, 0, 2, 1, 0}, /* fewer rows than ranks */
    {"gpt2", NECK_OPTIMIZER_MUON, NECK_HEAD_TIED, 0, 0.2, 1, 1, 0},
};
enum { RECIPES = sizeof recipes / sizeof *recipes };

typedef struct lesson {
    neck_trainable *model;
    neck_head *head;
    neck_training *training;
} lesson;

/* Seeds differ by rank where ranks share: parameters are the first one's. */
static lesson lesson_open(const recipe *r, const neck_token_file *tokens, const neck_gradient_exchange *exchange,
                          double limit)
{
    lesson l = {NULL, NULL, NULL};
    neck_trainable_options about = {.struct_size = sizeof about, .family = r->family, .vocabulary = VOCABULARY,
                                    .layers = 2,
                                    .hidden_size = 16, .heads = 2, .inner_size = 24, .context_length = CONTEXT, .seed = 4,
                                    .dropout = r->dropout, .attention_dropout = r->dropout, .recompute = r->recompute,
                                    .without_head = r->head && r->head != NECK_HEAD_TIED, .dtype = NECK_F64};
    EXPECT_OK(neck_trainable_create(NULL, &about, &l.model));
    neck_head_options head = {.struct_size = sizeof head, .kind = r->head, .vocabulary = VOCABULARY, .hidden_size = 16,
                              .dtype = NECK_F64,
                              .rank = r->head == NECK_HEAD_FACTORED ? 5 : 0};
    const neck_parameter *embedding = neck_trainable_parameters(l.model, NULL);
    if (r->head == NECK_HEAD_TIED) head.tied_weights = embedding->data, head.tied_gradient = embedding->gradient;
    if (r->head) EXPECT_OK(neck_head_create(NULL, &head, &l.head));
    neck_batches_options batches = {.struct_size = sizeof batches, .batch = r->batch, .context_length = CONTEXT,
                                    .validation_share = 0.2, .seed = 6};
    neck_optimizer_options rule = {.struct_size = sizeof rule, .rule = r->rule, .learning_rate = 0.01,
                                   .weight_decay = 0.1,
                                   .momentum = r->momentum};
    neck_schedule schedule = {.struct_size = sizeof schedule, .kind = NECK_SCHEDULE_COSINE, .steps = STEPS,
                              .warmup_steps = 3};
    neck_training_options options = {.struct_size = sizeof options, .model = l.model, .head = l.head, .tokens = tokens,
                                     .batches = &batches, .optimizer = &rule, .schedule = &schedule, .gradient_limit = limit,
                                     .accumulation = r->accumulation, .exchange = exchange};
    if (exchange && exchange->index > 0) ((double *)neck_trainable_values(l.model))[7] += 1;
    EXPECT_OK(neck_training_create(NULL, &options, &l.training));
    return l;
}

static void lesson_close(lesson *l)
{
    neck_training_destroy(l->training);
    neck_head_destroy(l->head);
    neck_trainable_destroy(l->model);
}

/* What a training told; norm and validation beside the losses. */
typedef struct curve {
    double loss[STEPS], norm[STEPS], validation, accuracy;
    double sum; /* of the parameters' bits */
} curve;

static void take_steps(const lesson *l, int first, int end, curve *out)
{
    for (int i = first; i < end; i++) {
        neck_training_report report = {.struct_size = sizeof report};
        EXPECT_OK(neck_training_step(NULL, l->training, &report));
        EXPECT(report.step == i + 1, "%lld", (long long)report.step);
        out->loss[i] = report.loss;
        out->norm[i] = report.gradient_norm;
    }
}

static void conclude(const lesson *l, curve *out)
{
    int64_t count;
    neck_training_evaluation found = {.struct_size = sizeof found};
    const neck_parameter *parameters = neck_training_parameters(l->training, &count);
    EXPECT_OK(neck_training_evaluate(NULL, l->training, &found));
    out->validation = found.loss;
    out->accuracy = found.accuracy;
    out->sum = (double)found.tokens;
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < parameters[i].rows * parameters[i].cols; k++)
            out->sum = out->sum * 1.0000001 + ((const double *)parameters[i].data)[k];
}

static void run(const recipe *r, const neck_token_file *tokens, const neck_gradient_exchange *exchange, curve *out)
{
    lesson l = lesson_open(r, tokens, exchange, 0);
    memset(out, 0, sizeof *out);
    take_steps(&l, 0, STEPS, out);
    conclude(&l, out);
    lesson_close(&l);
}

static void compare(const curve *a, const curve *b, double tolerance, const char *what)
{
    for (int i = 0; i < STEPS; i++) {
        EXPECT(fabs(a->loss[i] - b->loss[i]) <= tolerance, "%s: step %d: loss %.12g and %.12g", what, i, a->loss[i],
               b->loss[i]);
        EXPECT(fabs(a->norm[i] - b->norm[i]) <= tolerance * (1 + a->norm[i]), "%s: step %d: norm %.12g and %.12g", what,
               i, a->norm[i],
               b->norm[i]);
    }
    EXPECT(fabs(a->validation - b->validation) <= tolerance, "%s: validation %.12g and %.12g", what, a->validation,
           b->validation);
    EXPECT(fabs(a->accuracy - b->accuracy) <= 1e-12, "%s: accuracy %.12g and %.12g", what, a->accuracy, b->accuracy);
    EXPECT(fabs(a->sum - b->sum) <= 100 * tolerance * (1 + fabs(a->sum)), "%s: parameters %.17g and %.17g", what,
           a->sum, b->sum);
}

static void curves_are_those_of_one_process(void)
{
    make_folder();
    neck_token_file *tokens = write_text();
    part all = part_make(ranks, 0), small = part_make(ranks, 4096);
    for (int i = 0; i < RECIPES; i++) {
        curve alone, shared, again;
        char what[64];
        snprintf(what, sizeof what, "%s, rule %d, head %d", recipes[i].family, recipes[i].rule, recipes[i].head);
        run(&recipes[i], tokens, NULL, &alone);
        run(&recipes[i], tokens, all.exchange, &shared);
        run(&recipes[i], tokens, small.exchange, &again);
        EXPECT(alone.loss[STEPS - 1] < alone.loss[0] - 0.05, "%s: nothing is learned", what);
        compare(&alone, &shared, 1e-9, what);
        EXPECT(memcmp(&shared, &again, sizeof shared) == 0, "%s: other bits with other buckets", what);
    }
    part_end(&small);
    part_end(&all);
    neck_token_file_destroy(tokens);
    remove_folder();
}

/* ---- states ----------------------------------------------------------------------------------------------------- */

/* From step first to end on the first `size` ranks, from the state in the folder and to it. */
static void travel(const recipe *r, const neck_token_file *tokens, const char *states, int size, int first, int end,
                   curve *out)
{
    part some = part_make(size, 0);
    if (some.exchange) {
        lesson l = lesson_open(r, tokens, some.exchange, 0);
        if (first > 0) EXPECT_OK(neck_training_resume(NULL, l.training, states));
        EXPECT(neck_training_steps(l.training) == first, "%lld steps", (long long)neck_training_steps(l.training));
        take_steps(&l, first, end, out);
        if (end == STEPS) conclude(&l, out);
        EXPECT_OK(neck_training_save(NULL, l.training, states, NULL, NULL));
        EXPECT_OK(neck_training_save(NULL, l.training, states, NULL, NULL)); /* there already */
        lesson_close(&l);
    }
    part_end(&some);
    EXPECT_OK(neck_mpi_agree(team, NECK_OK));
}

static void states_go_on_with_any_number_of_ranks(void)
{
    static const int ways[] = {0, 2, 3};
    make_folder();
    neck_token_file *tokens = write_text();
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        const recipe *r = &recipes[ways[w]];
        curve alone, whole, moved = {.sum = 0}, stopped = {.sum = 0};
        char states[128], name[16];
        part all = part_make(ranks, 0);
        run(r, tokens, NULL, &alone);
        run(r, tokens, all.exchange, &whole);
        part_end(&all);
        snprintf(name, sizeof name, "moved-%zu", w);
        in_folder(states, name);
        travel(r, tokens, states, ranks > 1 ? ranks - 1 : 1, 0, 11, &moved);
        travel(r, tokens, states, ranks, 11, 20, &moved);
        travel(r, tokens, states, 1, 20, 27, &moved);
        travel(r, tokens, states, ranks, 27, STEPS, &moved);
        if (rank == 0) compare(&alone, &moved, 1e-9, "moved");
        snprintf(name, sizeof name, "stopped-%zu", w);
        in_folder(states, name);
        travel(r, tokens, states, ranks, 0, 13, &stopped);
        travel(r, tokens, states, ranks, 13, STEPS, &stopped);
        EXPECT(memcmp(&whole, &stopped, sizeof whole) == 0, "recipe %d: a stop shows in the bits", ways[w]);
    }
    neck_token_file_destroy(tokens);
    remove_folder();
}

/* A single process's state is the same file. */
static void one_process_goes_on_from_many(void)
{
    make_folder();
    neck_token_file *tokens = write_text();
    curve alone, moved = {.sum = 0};
    char states[128];
    in_folder(states, "states");
    run(&recipes[0], tokens, NULL, &alone);
    travel(&recipes[0], tokens, states, ranks, 0, 15, &moved);
    lesson l = lesson_open(&recipes[0], tokens, NULL, 0);
    EXPECT_OK(neck_training_resume(NULL, l.training, states));
    take_steps(&l, 15, STEPS, &moved);
    conclude(&l, &moved);
    compare(&alone, &moved, 1e-9, "one from many");
    lesson_close(&l);
    neck_token_file_destroy(tokens);
    remove_folder();
}

/* ---- failures --------------------------------------------------------------------------------------------------- */

static void expect_named(neck_status status, neck_status expected, const char *text, int failing)
{
    char name[32];
    snprintf(name, sizeof name, "rank %d (", failing);
    EXPECT(status == expected, "%s: %s", neck_status_name(status), neck_last_error());
    EXPECT(strstr(neck_last_error(), text), "%s", neck_last_error());
    EXPECT(ranks == 1 || strstr(neck_last_error(), name), "%s", neck_last_error());
}

static void a_failing_rank_fails_the_step_of_all(void)
{
    make_folder();
    neck_token_file *tokens = write_text();
    part all = part_make(ranks, 0);
    curve alone, shared = {.sum = 0};
    int last = ranks < 4 ? ranks - 1 : 1;
    run(&recipes[1], tokens, NULL, &alone);
    lesson l = lesson_open(&recipes[1], tokens, all.exchange, 0);
    take_steps(&l, 0, 5, &shared);
    double *values = neck_trainable_values(l.model), kept = values[3], seen = values[8];
    if (rank == last) values[3] = NAN;
    for (int64_t i = 0; i < 40 && rank == last; i++) values[i] = i == 8 ? values[i] : values[i];
    neck_status status = neck_training_step(NULL, l.training, NULL);
    EXPECT(status != NECK_OK, "a parameter that is not a number");
    if (status == NECK_E_NONFINITE) expect_named(status, NECK_E_NONFINITE, "step 6", last);
    if (rank == last) values[3] = kept;
    EXPECT(values[8] == seen && neck_training_steps(l.training) == 5, "something moved");
    take_steps(&l, 5, STEPS, &shared);
    conclude(&l, &shared);
    compare(&alone, &shared, 1e-9, "after a failure");
    expect_named(neck_training_save(NULL, l.training, "/dev/null/nowhere", NULL, NULL), NECK_E_IO, "nowhere", 0);
    lesson_close(&l);
    part_end(&all);
    neck_token_file_destroy(tokens);
    remove_folder();
}

static void what_all_find_is_refused_by_all(void)
{
    make_folder();
    neck_token_file *tokens = write_text();
    part all = part_make(ranks, 0);
    lesson l = lesson_open(&recipes[0], tokens, all.exchange, 1e-6);
    double seen = ((double *)neck_trainable_values(l.model))[8];
    EXPECT(neck_training_step(NULL, l.training, NULL) == NECK_E_OVERFLOW, "%s", neck_last_error());
    EXPECT(((double *)neck_trainable_values(l.model))[8] == seen, "something moved");
    neck_status status = neck_training_resume(NULL, l.training, folder);
    EXPECT(status == NECK_E_NOT_FOUND, "%s", neck_last_error());
    lesson_close(&l);
    recipe other = recipes[0];
    if (rank == ranks - 1) other.accumulation = 1;
    neck_training *training = NULL;
    lesson m = lesson_open(&recipes[0], tokens, NULL, 0);
    neck_batches_options batches = {.struct_size = sizeof batches, .batch = other.batch, .context_length = CONTEXT};
    neck_optimizer_options rule = {.struct_size = sizeof rule, .learning_rate = 0.01};
    neck_training_options options = {.struct_size = sizeof options, .model = m.model, .tokens = tokens,
                                     .batches = &batches,
                                     .optimizer = &rule, .accumulation = other.accumulation, .exchange = all.exchange};
    status = neck_training_create(NULL, &options, &training);
    if (ranks > 1) expect_named(status, NECK_E_ARGUMENT, "schedule, clipping or accumulation differ", ranks - 1);
    neck_training_destroy(training);
    training = NULL;
    options.accumulation = rank == ranks - 1 ? -1 : 1;
    expect_named(neck_training_create(NULL, &options, &training), NECK_E_ARGUMENT, "accumulation", ranks - 1);
    EXPECT(!training, "a training that failed to be made");
    lesson_close(&m);
    part_end(&all);
    neck_token_file_destroy(tokens);
    remove_folder();
}

/* ---- heads ------------------------------------------------------------------------------------------------------ */

enum { ROWS = 70, VALID = 33, WIDTH = 6, CLASSES = 13, HEAD_STEPS = 40 };

typedef struct study {
    double states[(ROWS + VALID) * WIDTH];
    int32_t targets[ROWS + VALID];
    neck_labeled_states train, valid;
    neck_optimizer_options rule;
    neck_head_training_options options;
    int32_t kind;
} study;

static void study_make(study *s, int32_t kind, int32_t rule, int64_t batch)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < (ROWS + VALID) * WIDTH; i++) s->states[i] = sin(12.9898 * i) * 3 - cos(78.233 * i);
    for (int i = 0; i < ROWS + VALID; i++) s->targets[i] = i % 11 == 5 ? NECK_NO_TARGET : (i * i + 3 * i) % CLASSES;
    s->train = (neck_labeled_states){{.data = s->states, .rows = ROWS, .cols = WIDTH, .dtype = NECK_F64}, s->targets};
    s->valid = (neck_labeled_states){{.data = s->states + ROWS * WIDTH, .rows = VALID, .cols = WIDTH,
                                      .dtype = NECK_F64},
                                     s->targets + ROWS};
    s->rule = (neck_optimizer_options){.struct_size = sizeof s->rule, .rule = rule, .learning_rate = 0.02,
                                       .weight_decay = 0.01,
                                       .momentum = rule == NECK_OPTIMIZER_ADAMW ? 0 : 0.9};
    s->options = (neck_head_training_options){.struct_size = sizeof s->options, .steps = HEAD_STEPS, .batch = batch,
                                              .optimizer = &s->rule, .seed = 3, .evaluate_every = 7, .checkpoint_every = 9};
    s->kind = kind;
}

typedef struct learned {
    neck_head_training_result result;
    double sum;
    neck_status status;
} learned;

static learned study_run(study *s, const neck_gradient_exchange *exchange)
{
    learned out = {.result = {.struct_size = sizeof out.result}};
    neck_head *head = NULL;
    int64_t count;
    neck_head_options about = {.struct_size = sizeof about, .kind = s->kind, .dtype = NECK_F64, .vocabulary = CLASSES,
                               .hidden_size = WIDTH, .bias = 1, .rank = s->kind == NECK_HEAD_FACTORED ? 3 : 0};
    EXPECT_OK(neck_head_create(NULL, &about, &head));
    const neck_parameter *parameters = neck_head_parameters(head, &count);
    if (exchange && exchange->index > 0) ((double *)parameters->data)[0] += 1; /* that of the first counts */
    s->options.exchange = exchange;
    out.status = neck_head_train(NULL, head, &s->train, &s->valid, &s->options, &out.result);
    for (int64_t i = 0; i < count; i++)
        for (int64_t k = 0; k < parameters[i].rows * parameters[i].cols; k++)
            out.sum = out.sum * 1.0001 + ((const double *)parameters[i].data)[k];
    neck_head_destroy(head);
    return out;
}

static void compare_learned(const learned *a, const learned *b, double tolerance, const char *what)
{
    EXPECT(a->status == b->status, "%s: %d and %d: %s", what, a->status, b->status, neck_last_error());
    EXPECT(fabs(a->result.valid_loss - b->result.valid_loss) <= tolerance, "%s: validation %.12g and %.12g", what,
           a->result.valid_loss,
           b->result.valid_loss);
    EXPECT(fabs(a->result.train_loss - b->result.train_loss) <= tolerance, "%s: training %.12g and %.12g", what,
           a->result.train_loss,
           b->result.train_loss);
    EXPECT(fabs(a->sum - b->sum) <= tolerance, "%s: parameters %.12g and %.12g", what, a->sum, b->sum);
    EXPECT(a->result.tokens == b->result.tokens && a->result.best_step == b->result.best_step &&
               a->result.valid_accuracy == b->result.valid_accuracy, "%s: the rest of the result", what);
}

static void heads_learn_what_one_process_learns(void)
{
    static const int32_t kinds[] = {NECK_HEAD_DENSE, NECK_HEAD_FACTORED, NECK_HEAD_MOS, NECK_HEAD_SIGSOFTMAX,
                                    NECK_HEAD_PLIF};
    static const int64_t batches[] = {16, 1, 1000};
    part all = part_make(ranks, 0);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (int32_t rule = NECK_OPTIMIZER_ADAMW; rule <= NECK_OPTIMIZER_MUON; rule++) {
            study s;
            char what[64];
            study_make(&s, kinds[k], rule, batches[(k + (size_t)rule) % 3]);
            snprintf(what, sizeof what, "%s, rule %d, batches of %d", neck_head_kind_name(kinds[k]), rule,
                     (int)s.options.batch);
            learned alone = study_run(&s, NULL), shared = study_run(&s, all.exchange), again = study_run(&s,
                                                                                                         all.exchange);
            EXPECT(alone.status == NECK_OK, "%s: %s", what, neck_last_error());
            compare_learned(&alone, &shared, 1e-8, what);
            compare_learned(&shared, &again, 0, what);
        }
    part_end(&all);
}

static int32_t stop_there(void *user, const neck_head_report *report)
{
    return report->step >= *(const int64_t *)user;
}

/* Stopped by one rank's report, on with another number of ranks. */
static void heads_stop_and_go_on(void)
{
    make_folder();
    char path[128];
    int64_t stop = 14;
    in_folder(path, "head");
    part all = part_make(ranks, 0), fewer = part_make(ranks > 1 ? ranks - 1 : 1, 0);
    study s;
    study_make(&s, NECK_HEAD_FACTORED, NECK_OPTIMIZER_ADAMW, 16);
    learned alone = study_run(&s, NULL), shared = study_run(&s, all.exchange);
    s.options.checkpoint = path;
    if (rank == ranks - 1) s.options.report = stop_there, s.options.report_user = &stop;
    learned stopped = study_run(&s, all.exchange);
    expect_named(stopped.status, NECK_E_CANCELLED, "cancelled", ranks - 1);
    s.options.report = NULL;
    if (ranks > 1 && fewer.exchange) {
        stop = 21;
        if (rank == 0) s.options.report = stop_there, s.options.report_user = &stop;
        stopped = study_run(&s, fewer.exchange);
        EXPECT(stopped.status == NECK_E_CANCELLED, "%s", neck_last_error());
        s.options.report = NULL;
    }
    EXPECT_OK(neck_mpi_agree(team, NECK_OK));
    learned finished = study_run(&s, all.exchange);
    compare_learned(&alone, &finished, 1e-8, "stopped twice");
    char other[128];
    in_folder(other, "other");
    s.options.checkpoint = other;
    stop = 14;
    if (rank == 0) s.options.report = stop_there, s.options.report_user = &stop;
    stopped = study_run(&s, all.exchange);
    s.options.report = NULL;
    finished = study_run(&s, all.exchange);
    compare_learned(&shared, &finished, 0, "stopped");
    s.options.checkpoint = "/dev/null/nowhere";
    stopped = study_run(&s, all.exchange);
    expect_named(stopped.status, NECK_E_IO, "nowhere", 0);
    part_end(&fewer);
    part_end(&all);
    remove_folder();
}

static void divergence_is_the_same_on_all(void)
{
    part all = part_make(ranks, 0);
    study s;
    study_make(&s, NECK_HEAD_DENSE, NECK_OPTIMIZER_SGD, 16);
    s.rule.learning_rate = 1e200;
    learned alone = study_run(&s, NULL), shared = study_run(&s, all.exchange);
    EXPECT(alone.result.diverged == 1 && shared.result.diverged == 1 && shared.status == NECK_OK, "%d and %d: %s",
           alone.result.diverged, shared.result.diverged, neck_last_error());
    part_end(&all);
}

static void other_data_on_a_rank_is_found(void)
{
    part all = part_make(ranks, 0);
    study s;
    study_make(&s, NECK_HEAD_DENSE, NECK_OPTIMIZER_SGD, 16);
    if (rank == ranks - 1) s.targets[2]++;
    learned shared = study_run(&s, all.exchange);
    if (ranks > 1) expect_named(shared.status, NECK_E_ARGUMENT, "training states differ", ranks - 1);
    part_end(&all);
}

static void wrong_options_are_refused(void)
{
    neck_gradient_exchange *exchange = NULL;
    neck_mpi_exchange_options options = {.struct_size = sizeof options, .bucket = rank == ranks - 1 ? 7 : 0};
    expect_named(neck_mpi_exchange_create(team, &options, &exchange), NECK_E_ARGUMENT, "bucket", ranks - 1);
    options.bucket = rank == ranks - 1 ? 8192 : 4096;
    if (ranks > 1) expect_named(neck_mpi_exchange_create(team, &options, &exchange), NECK_E_ARGUMENT, "bucket",
                                ranks - 1);
    EXPECT(!exchange, "made");
    EXPECT(neck_mpi_exchange_create(NULL, NULL, &exchange) == NECK_E_ARGUMENT, "no team");
    neck_mpi_exchange_destroy(NULL);
}

static const mpi_test_fn tests[] = {
    curves_are_those_of_one_process,     states_go_on_with_any_number_of_ranks, one_process_goes_on_from_many,
    a_failing_rank_fails_the_step_of_all, what_all_find_is_refused_by_all,      heads_learn_what_one_process_learns,
    heads_stop_and_go_on,                divergence_is_the_same_on_all,         other_data_on_a_rank_is_found,
    wrong_options_are_refused,
};
MPI_TEST_MAIN(tests)
