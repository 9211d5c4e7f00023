/* ranks.c - the same work on as many ranks as it is started on, timed from when all begin to when all are done: one line of JSON each, the
 * quickest of several. Usage: [mpirun -np P] ranks sum | gram | count | head | model. SOFTNECK_NUM_THREADS: of each
 * rank. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <softneck-mpi.h>

static neck_mpi_team *team;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

static void check(neck_status status)
{
    if (status == NECK_OK) return;
    fprintf(stderr, "%s\n", neck_last_error());
    MPI_Abort(MPI_COMM_WORLD, 1);
}

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

static void *memory(size_t bytes)
{
    void *block = malloc(bytes);
    if (!block) MPI_Abort(MPI_COMM_WORLD, 1);
    return block;
}

/* Runs work so often, and tells of the quickest. */
static void report(const char *name, int64_t size, int times, void (*work)(void *), void *argument)
{
    double best = 1e300;
    for (int i = 0; i < times; i++) {
        check(neck_mpi_agree(team, NECK_OK));
        double start = now();
        work(argument);
        check(neck_mpi_agree(team, NECK_OK));
        double took = now() - start;
        if (took < best) best = took;
    }
    if (neck_mpi_rank(team) == 0)
        printf("{\"work\": \"%s\", \"size\": %lld, \"ranks\": %d, \"threads\": %d, \"seconds\": %.4g}\n", name, (long long)size,
               neck_mpi_size(team), neck_context_threads(NULL), best);
}

/* ---- sums over ranks -------------------------------------------------------------------------------------------- */

typedef struct numbers {
    double *values;
    int64_t count;
} numbers;

static void sum(void *argument)
{
    const numbers *self = argument;
    check(neck_mpi_sum(team, self->values, self->count));
}

static void sums(void)
{
    const int64_t longest = INT64_C(1) << 24;
    numbers self = {memory((size_t)longest * sizeof(double)), 0};
    memset(self.values, 0, (size_t)longest * sizeof(double));
    for (self.count = 1; self.count <= longest; self.count *= 16) report("sum", self.count, self.count < 100000 ? 200 : 10, sum, &self);
    free(self.values);
}

/* ---- a gram of many rows ---------------------------------------------------------------------------------------- */

enum { ROWS = 120000, COLS = 1024 };

static void gram(void *argument)
{
    const neck_matrix *own = argument;
    neck_gram *made;
    check(neck_gram_create(NULL, COLS, NULL, &made));
    check(neck_gram_push(NULL, made, own));
    check(neck_mpi_gram_sum(team, made));
    neck_gram_destroy(made);
}

static void grams(void)
{
    int64_t first, count;
    neck_mpi_share(team, ROWS, neck_mpi_rank(team), &first, &count);
    uint64_t state = (uint64_t)first + 1;
    float *rows = memory((size_t)count * COLS * sizeof *rows);
    for (int64_t i = 0; i < count * COLS; i++) rows[i] = (float)next(&state) * 0x1p-30f - 1;
    neck_matrix own = {.data = rows, .rows = count, .cols = COLS, .dtype = NECK_F32};
    report("gram", ROWS, 5, gram, &own);
    free(rows);
}

/* ---- counting n-grams ------------------------------------------------------------------------------------------- */

enum { TOKENS = 24000000, WORDS = 50000 };

static neck_status read_tokens(void *user, int64_t begin, int64_t most, int32_t *tokens, int64_t document[2])
{
    const int32_t *text = user;
    int64_t count = TOKENS - begin < most ? TOKENS - begin : most;
    memcpy(tokens, text + begin, (size_t)count * sizeof *tokens);
    document[0] = 0;
    document[1] = TOKENS;
    return NECK_OK;
}

/* One process alone has no need of dealing out. */
static void count_alone(int32_t *text, const neck_ngram_counter_options *options, const char *path)
{
    neck_ngram_counter *counter;
    check(neck_ngram_counter_create(NULL, WORDS, options, &counter));
    check(neck_ngram_counter_push(NULL, counter, text, TOKENS));
    check(neck_ngram_counter_finish(NULL, counter, path));
    neck_ngram_counter_destroy(counter);
}

static void count(void *argument)
{
    char path[128];
    const char *folder = getenv("TMPDIR");
    const neck_mpi_text text = {TOKENS, WORDS, read_tokens, argument};
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .memory_bytes = INT64_C(2) << 30};
    neck_ngrams_info whole = {.struct_size = sizeof whole};
    int32_t any;
    snprintf(path, sizeof path, "%.64s/ranks-%ld.ngrams", folder ? folder : "/tmp", (long)getpid());
    if (neck_mpi_size(team) == 1) count_alone(argument, &options, path);
    else check(neck_mpi_ngrams_count(NULL, team, &text, &options, path, &whole, &any));
    unlink(path);
}

/* Every other word is one of few, as in a text. */
static void counts(void)
{
    uint64_t state = 7;
    int32_t *text = memory(TOKENS * sizeof *text);
    for (int64_t i = 0; i < TOKENS; i++) text[i] = (int32_t)(next(&state) % (i % 2 ? 200 : WORDS));
    report("count", TOKENS, 4, count, text);
    free(text);
}

/* ---- a head's training ------------------------------------------------------------------------------------------ */

enum { STATES = 16384, WIDTH = 512, VOCABULARY = 16384, STEPS = 60 };

typedef struct head_work {
    neck_labeled_states train, valid;
    neck_gradient_exchange *exchange;
} head_work;

static void train_head(void *argument)
{
    const head_work *self = argument;
    const neck_head_options shape = {.struct_size = sizeof shape, .vocabulary = VOCABULARY, .hidden_size = WIDTH};
    const neck_optimizer_options rule = {.struct_size = sizeof rule, .learning_rate = 1e-3};
    const neck_head_training_options options = {.struct_size = sizeof options, .steps = STEPS, .optimizer = &rule, .batch = 2048,
                                                .exchange = self->exchange};
    neck_head_training_result result = {.struct_size = sizeof result};
    neck_head *head;
    check(neck_head_create(NULL, &shape, &head));
    check(neck_head_train(NULL, head, &self->train, &self->valid, &options, &result));
    neck_head_destroy(head);
}

static void heads(void)
{
    uint64_t state = 3;
    float *states = memory((size_t)STATES * WIDTH * sizeof *states);
    int32_t *targets = memory(STATES * sizeof *targets);
    for (int64_t i = 0; i < (int64_t)STATES * WIDTH; i++) states[i] = (float)next(&state) * 0x1p-30f - 1;
    for (int64_t i = 0; i < STATES; i++) targets[i] = (int32_t)(next(&state) % VOCABULARY);
    head_work self = {.train = {{.data = states, .rows = STATES, .cols = WIDTH, .dtype = NECK_F32}, targets},
                      .valid = {{.data = states, .rows = 8, .cols = WIDTH, .dtype = NECK_F32}, targets}};
    check(neck_mpi_exchange_create(team, NULL, &self.exchange));
    report("head", STEPS, 2, train_head, &self);
    neck_mpi_exchange_destroy(self.exchange);
    free(states);
    free(targets);
}

/* ---- how much of an exchange of gradients hides behind the backward pass ---------------------------------------- */

enum { MODEL_TOKENS = 100000, MODEL_VOCABULARY = 8192, MODEL_STEPS = 5, MOST_SUMS = 256 };

/* An exchange that is timed, and which may keep back its sums until they are waited for: then none is hidden. */
typedef struct watched {
    neck_gradient_exchange face;
    const neck_gradient_exchange *inner;
    int late, count;
    struct {
        void *values;
        int32_t dtype;
        const int64_t *places;
    } kept[MOST_SUMS];
    double *clock, sums, spreads, others; /* clock: of what finish will wait for */
} watched;

static neck_status begin_sum(void *user, void *values, int32_t dtype, const int64_t *places)
{
    watched *self = user;
    double start = now();
    neck_status status = NECK_OK;
    self->clock = &self->sums;
    if (self->late && self->count < MOST_SUMS) {
        self->kept[self->count].values = values;
        self->kept[self->count].dtype = dtype;
        self->kept[self->count++].places = places;
    } else
        status = self->inner->sum(self->inner->user, values, dtype, places);
    self->sums += now() - start;
    return status;
}

static neck_status begin_spread(void *user, void *values, int64_t size, const int64_t *places)
{
    watched *self = user;
    double start = now();
    neck_status status = self->inner->spread(self->inner->user, values, size, places);
    self->clock = &self->spreads;
    self->spreads += now() - start;
    return status;
}

static neck_status finish_all(void *user)
{
    watched *self = user;
    double start = now();
    neck_status status = NECK_OK;
    for (int i = 0; i < self->count && status == NECK_OK; i++)
        status = self->inner->sum(self->inner->user, self->kept[i].values, self->kept[i].dtype, self->kept[i].places);
    self->count = 0;
    if (status == NECK_OK) status = self->inner->finish(self->inner->user);
    *self->clock += now() - start;
    return status;
}

static neck_status add_all(void *user, double *values, int64_t count)
{
    watched *self = user;
    double start = now();
    neck_status status = self->inner->add(self->inner->user, values, count);
    self->others += now() - start;
    return status;
}

static neck_status agree_all(void *user, neck_status status)
{
    watched *self = user;
    double start = now();
    status = self->inner->agree(self->inner->user, status);
    self->others += now() - start;
    return status;
}

static neck_token_file *text_of_tokens(void)
{
    char path[128];
    uint64_t state = 5;
    neck_token_writer *writer;
    neck_token_file *file;
    const char *folder = getenv("TMPDIR");
    int32_t *ids = memory(MODEL_TOKENS * sizeof *ids);
    for (int64_t i = 0; i < MODEL_TOKENS; i++) ids[i] = (int32_t)(next(&state) % MODEL_VOCABULARY);
    snprintf(path, sizeof path, "%.64s/ranks-%ld.tokens", folder ? folder : "/tmp", (long)getpid());
    check(neck_token_writer_create(NULL, path, MODEL_VOCABULARY, 7, &writer));
    check(neck_token_writer_push(writer, ids, MODEL_TOKENS));
    check(neck_token_writer_commit(writer));
    check(neck_token_file_open(NULL, path, NULL, &file));
    unlink(path); /* mapped by now */
    free(ids);
    return file;
}

/* Seconds of a step, and of them those that rank 0 spends in the exchange. */
static void train_model(const neck_token_file *tokens, const neck_gradient_exchange *inner, int late)
{
    static watched self;
    self = (watched){.face = *inner, .inner = inner, .late = late};
    self.face.user = &self, self.face.sum = begin_sum, self.face.spread = begin_spread, self.face.finish = finish_all;
    self.face.add = add_all, self.face.agree = agree_all;
    const neck_trainable_options shape = {.struct_size = sizeof shape, .family = "gpt_neox",
                                          .vocabulary = MODEL_VOCABULARY, .layers = 6,
                                          .hidden_size = 256, .heads = 4, .inner_size = 1024, .context_length = 128};
    const neck_batches_options batches = {.struct_size = sizeof batches, .batch = 8, .context_length = 128};
    const neck_optimizer_options rule = {.struct_size = sizeof rule, .learning_rate = 1e-4};
    neck_trainable *model;
    neck_training *training;
    check(neck_trainable_create(NULL, &shape, &model));
    const neck_training_options options = {.struct_size = sizeof options, .model = model, .tokens = tokens,
                                           .batches = &batches, .optimizer = &rule, .exchange = &self.face};
    check(neck_training_create(NULL, &options, &training));
    check(neck_training_step(NULL, training, NULL));
    self.sums = self.spreads = self.others = 0;
    double start = now();
    for (int i = 0; i < MODEL_STEPS; i++) check(neck_training_step(NULL, training, NULL));
    double step = (now() - start) / MODEL_STEPS;
    if (neck_mpi_rank(team) == 0)
        printf("{\"work\": \"model\", \"ranks\": %d, \"parameters\": %lld, \"late\": %d, \"step\": %.4g, \"sums\": %.4g, "
               "\"spreads\": %.4g, \"others\": %.4g}\n", neck_mpi_size(team), (long long)neck_trainable_size(model), late, step,
               self.sums / MODEL_STEPS, self.spreads / MODEL_STEPS, self.others / MODEL_STEPS);
    fflush(stdout);
    neck_training_destroy(training);
    neck_trainable_destroy(model);
}

static void models(void)
{
    neck_gradient_exchange *exchange;
    neck_token_file *tokens = text_of_tokens();
    check(neck_mpi_exchange_create(team, NULL, &exchange));
    for (int i = 0; i < 6; i++) train_model(tokens, exchange, i % 2);
    neck_mpi_exchange_destroy(exchange);
    neck_token_file_destroy(tokens);
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        void (*run)(void);
    } works[] = {{"sum", sums}, {"gram", grams}, {"count", counts}, {"head", heads}, {"model", models}};
    int threads;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads);
    check(neck_mpi_team_create(MPI_COMM_WORLD, NULL, &team));
    for (size_t i = 0; i < sizeof works / sizeof *works; i++)
        if (argc < 2 || strcmp(argv[1], works[i].name) == 0) works[i].run();
    neck_mpi_team_destroy(team);
    return MPI_Finalize();
}
