/* test_nomem.c - memory that ends on one rank, at every place in turn: all ranks say so, none waits for another, and
 * nothing is lost. Linked so that the libraries' own calls of malloc and its kin come here; MPI's do not. */
#include "ngram_test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

/* ---- memory that ends ------------------------------------------------------------------------------------------- */

static atomic_long left = -1; /* allocations that still succeed; negative: all do */
static atomic_int refused;
static atomic_long live; /* blocks */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

static int ends_here(void)
{
    if (atomic_load(&left) < 0 || atomic_fetch_sub(&left, 1) != 0) return 0;
    atomic_store(&refused, 1);
    errno = ENOMEM;
    return 1;
}

static void *count_block(void *block)
{
    atomic_fetch_add(&live, block != NULL);
    return block;
}

void *__wrap_malloc(size_t size) { return ends_here() ? NULL : count_block(__real_malloc(size)); }
void *__wrap_calloc(size_t count, size_t size) { return ends_here() ? NULL : count_block(__real_calloc(count, size)); }
void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return ends_here() ? NULL : count_block(__real_aligned_alloc(alignment, size));
}
void *__wrap_realloc(void *block, size_t size)
{
    if (ends_here()) return NULL;
    return block ? __real_realloc(block, size) : count_block(__real_realloc(block, size));
}
void __wrap_free(void *block)
{
    atomic_fetch_sub(&live, block != NULL);
    __real_free(block);
}

/* ---- all places in turn ----------------------------------------------------------------------------------------- */

/* One call, whose results it lets go; the status it ended with. */
typedef neck_status (*work_fn)(void);

static int64_t least(int64_t own, int64_t *most)
{
    int64_t all[2] = {own, -own}, found[2];
    MPI_Allreduce(all, found, 2, MPI_INT64_T, MPI_MIN, MPI_COMM_WORLD);
    *most = -found[1];
    return found[0];
}

static int try_place(const char *name, work_fn work, int victim, long place)
{
    int64_t most, before = atomic_load(&live), any;
    atomic_store(&refused, 0);
    atomic_store(&left, rank == victim ? place : -1);
    neck_status status = work();
    atomic_store(&left, -1);
    least(atomic_load(&refused), &any);
    int64_t first = least(status, &most);
    EXPECT(first == most, "%s: place %ld on rank %d: statuses from %lld to %lld", name, place, victim, (long long)first,
           (long long)most);
    EXPECT(status == NECK_OK || (any && status == NECK_E_NOMEM), "%s: place %ld on rank %d: %d: %s", name, place,
           victim, status, neck_last_error());
    /* Fewer are what another library has made, and ours has freed. */
    EXPECT(atomic_load(&live) <= before, "%s: place %ld on rank %d: %lld blocks more than before", name, place, victim,
           (long long)(atomic_load(&live) - before));
    return any != 0;
}

static void try_all(const char *name, work_fn work)
{
    EXPECT_OK(work()); /* what is taken once is there */
    for (int victim = 0; victim < ranks; victim += ranks > 1 ? ranks - 1 : 1) {
        long place = 0;
        while (try_place(name, work, victim, place)) place++;
        EXPECT(place > 0 || ranks == 1, "%s takes no memory", name);
    }
}

/* ---- threads that are not to be had ----------------------------------------------------------------------------- */

static atomic_int no_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
    return atomic_load(&no_threads) ? EAGAIN : __real_pthread_create(thread, attributes, start, argument);
}

/* ---- works ------------------------------------------------------------------------------------------------------ */

enum { ROWS = 40, COLS = 5 };
static double entries[ROWS * COLS];
static text words;

static neck_matrix own_rows(void)
{
    int64_t first, count;
    neck_mpi_share(team, ROWS, rank, &first, &count);
    return (neck_matrix){.data = entries + first * COLS, .rows = count, .cols = COLS, .dtype = NECK_F64};
}

static neck_status another_team(void)
{
    neck_mpi_team *other = NULL;
    neck_status status = neck_mpi_team_create(MPI_COMM_WORLD, NULL, &other);
    neck_mpi_team_destroy(other);
    return status;
}

static neck_status many_sums(void)
{
    double few[3] = {1, 2, 3}, many[300] = {1};
    neck_status status = neck_mpi_sum(team, few, 3);
    if (status == NECK_OK) status = neck_mpi_sum(team, many, 300);
    return status;
}

static neck_status gram_sum(void)
{
    neck_gram *gram = NULL;
    neck_matrix own = own_rows();
    neck_status status = neck_gram_create(NULL, COLS, NULL, &gram);
    if (status == NECK_OK) status = neck_gram_push(NULL, gram, &own);
    status = neck_mpi_agree(team, status);
    if (status == NECK_OK) status = neck_mpi_gram_sum(team, gram);
    neck_gram_destroy(gram);
    return status;
}

static neck_status spectrum_by(int32_t method, int32_t variant)
{
    neck_spectrum *spectrum = NULL;
    neck_matrix own = own_rows();
    const neck_spectrum_options options = {.struct_size = sizeof options, .method = method, .variant = variant};
    neck_status status = neck_mpi_spectrum_compute(NULL, team, &own, &options, &spectrum);
    EXPECT((status == NECK_OK) == (spectrum != NULL), "%d", status);
    neck_spectrum_destroy(spectrum);
    return status;
}

static neck_status spectrum_by_gram(void) { return spectrum_by(NECK_METHOD_GRAM, NECK_VARIANT_CENTERED); }
static neck_status spectrum_by_qr(void) { return spectrum_by(NECK_METHOD_QR, NECK_VARIANT_RAW); }

static neck_status exchange(void)
{
    neck_gradient_exchange *made = NULL;
    neck_status status = neck_mpi_exchange_create(team, NULL, &made);
    neck_mpi_exchange_destroy(made);
    return status;
}

static neck_status counting(void)
{
    neck_ngrams_info whole;
    neck_ngrams *own;
    neck_status status = neck_mpi_agree(team, count_together(&words, 3, 1 << 20, &whole, &own));
    neck_ngrams_destroy(own);
    return status;
}

static neck_ngrams *counted;
static neck_mpi_ngram_matrix *made;

static neck_status matrix(void)
{
    neck_mpi_ngram_matrix *out = NULL;
    neck_status status = neck_mpi_ngram_matrix_create(NULL, team, counted, words.vocab_size, NECK_WEIGHT_UNIFORM, &out);
    EXPECT((status == NECK_OK) == (out != NULL), "%d", status);
    neck_mpi_ngram_matrix_destroy(out);
    return status;
}

static neck_status exact_by(int32_t solver)
{
    neck_spectrum *spectrum = NULL;
    neck_status status = neck_mpi_ngram_matrix_spectrum(NULL, made, 0, solver, &spectrum);
    EXPECT((status == NECK_OK) == (spectrum != NULL), "%d", status);
    neck_spectrum_destroy(spectrum);
    return status;
}

static neck_status exact_as_it_likes(void) { return exact_by(NECK_MPI_SOLVER_AUTO); }
static neck_status exact_by_elpa(void) { return exact_by(NECK_MPI_SOLVER_ELPA); }

static neck_status rest(void)
{
    double values[64];
    return neck_mpi_ngram_matrix_rest(NULL, made, values, NULL);
}

static neck_status top(void)
{
    double values[2], *right = calloc(2 * (size_t)words.vocab_size, sizeof *right);
    if (neck_mpi_agree(team, right ? NECK_OK : neck_error_set(NECK_E_NOMEM, "the test's own")) != NECK_OK) {
        free(right);
        return NECK_E_NOMEM;
    }
    neck_status status = neck_mpi_truncated_svd(NULL, team, neck_mpi_ngram_matrix_part(made, NULL), 2, NULL, values,
                                                right, NULL, NULL, NULL);
    free(right);
    return status;
}

static neck_status density(void)
{
    neck_density *found = NULL;
    const neck_density_options options = {.struct_size = sizeof options, .probes = 4, .steps = 4, .deflate = -1};
    neck_status status = neck_mpi_density(NULL, team, neck_mpi_ngram_matrix_part(made, NULL), &options, &found);
    neck_density_destroy(found);
    return status;
}

static int64_t next_unit;

static int32_t next(void *user, int32_t who, int64_t *unit)
{
    (void)user, (void)who;
    if (next_unit == 2 * ranks) return NECK_MPI_WORK_END;
    *unit = next_unit++;
    return NECK_MPI_WORK_UNIT;
}

static neck_status run(void *user, neck_mpi_work *work, int64_t unit)
{
    (void)user;
    return neck_mpi_work_give(work, &unit, sizeof unit);
}

static neck_status done(void *user, int32_t who, int64_t unit, const void *bytes, int64_t size)
{
    (void)user, (void)who, (void)unit, (void)bytes, (void)size;
    return NECK_OK;
}

static neck_status list_of_work(void)
{
    const neck_mpi_work_options options = {.struct_size = sizeof options, .next = next, .run = run, .done = done};
    next_unit = 0;
    return neck_mpi_work_run(team, &options);
}

/* ---- training --------------------------------------------------------------------------------------------------- */

enum { WORDS = 19, LENGTH = 8 };
static neck_token_file *tokens;
static neck_gradient_exchange *shared;

static neck_status open_tokens(void)
{
    const char *path = own_path();
    int32_t ids[400];
    neck_token_writer *writer = NULL;
    for (int i = 0; i < 400; i++) ids[i] = (i * i + 3) % WORDS;
    neck_status status = neck_token_writer_create(NULL, path, WORDS, 1, &writer);
    if (status == NECK_OK) status = neck_token_writer_push(writer, ids, 400);
    if (status == NECK_OK) status = neck_token_writer_commit(writer);
    if (status == NECK_OK) status = neck_token_file_open(NULL, path, NULL, &tokens);
    unlink(path);
    return status;
}

static neck_status teach(neck_training *training)
{
    neck_training_evaluation found = {.struct_size = sizeof found};
    neck_status status = neck_training_step(NULL, training, NULL);
    if (status == NECK_OK) status = neck_training_step(NULL, training, NULL);
    return status == NECK_OK ? neck_training_evaluate(NULL, training, &found) : status;
}

static neck_status language_model(void)
{
    const neck_trainable_options about = {.struct_size = sizeof about, .family = "gpt_neox", .vocabulary = WORDS,
                                          .layers = 2,
                                          .hidden_size = 16, .heads = 2, .inner_size = 24, .context_length = LENGTH, .seed = 4};
    const neck_batches_options batches = {.struct_size = sizeof batches, .batch = 3, .context_length = LENGTH,
                                          .validation_share = 0.2};
    const neck_optimizer_options rule = {.struct_size = sizeof rule, .rule = NECK_OPTIMIZER_MUON,
                                         .learning_rate = 0.01};
    neck_trainable *model = NULL;
    neck_training *training = NULL;
    neck_status status = neck_mpi_agree(team, neck_trainable_create(NULL, &about, &model));
    const neck_training_options options = {.struct_size = sizeof options, .model = model, .tokens = tokens,
                                           .batches = &batches,
                                           .optimizer = &rule, .accumulation = 2, .exchange = shared};
    if (status == NECK_OK) status = neck_training_create(NULL, &options, &training);
    if (status == NECK_OK) status = teach(training);
    neck_training_destroy(training);
    neck_trainable_destroy(model);
    return status;
}

static neck_status head(void)
{
    float states[ROWS * COLS];
    int32_t targets[ROWS];
    for (int i = 0; i < ROWS * COLS; i++) states[i] = (float)sin(i);
    for (int i = 0; i < ROWS; i++) targets[i] = i % WORDS;
    const neck_labeled_states data = {{.data = states, .rows = ROWS, .cols = COLS, .dtype = NECK_F32}, targets};
    const neck_head_options shape = {.struct_size = sizeof shape, .vocabulary = WORDS, .hidden_size = COLS};
    const neck_optimizer_options rule = {.struct_size = sizeof rule, .learning_rate = 0.01};
    const neck_head_training_options options = {.struct_size = sizeof options, .steps = 3, .batch = 16,
                                                .optimizer = &rule, .exchange = shared};
    neck_head_training_result result = {.struct_size = sizeof result};
    neck_head *pupil = NULL;
    neck_status status = neck_mpi_agree(team, neck_head_create(NULL, &shape, &pupil));
    if (status == NECK_OK) status = neck_head_train(NULL, pupil, &data, &data, &options, &result);
    neck_head_destroy(pupil);
    return status;
}

static void trainings(void)
{
    EXPECT_OK(neck_mpi_agree(team, open_tokens()));
    EXPECT_OK(neck_mpi_exchange_create(team, NULL, &shared));
    try_all("training a model", language_model);
    try_all("training a head", head);
    neck_mpi_exchange_destroy(shared);
    neck_token_file_destroy(tokens);
}

/* ---- the tests -------------------------------------------------------------------------------------------------- */

static void sums_grams_and_spectra(void)
{
    for (int i = 0; i < ROWS * COLS; i++) entries[i] = sin(i * i + 1);
    try_all("a team", another_team);
    try_all("sums", many_sums);
    try_all("a gram", gram_sum);
    try_all("a spectrum by its gram", spectrum_by_gram);
    try_all("a spectrum by QR", spectrum_by_qr);
}

/* The others do not wait for its signs of life. */
static void a_thread_that_cannot_be_started(void)
{
    atomic_store(&no_threads, rank == ranks - 1);
    double start = MPI_Wtime();
    neck_status status = another_team();
    EXPECT(ranks == 1 || status == NECK_E_NOMEM, "%d: %s", status, neck_last_error());
    EXPECT(MPI_Wtime() - start < 20, "it took %g s", MPI_Wtime() - start);
    atomic_store(&no_threads, rank == 0);
    status = list_of_work();
    atomic_store(&no_threads, 0);
    EXPECT(status == (ranks > 1 ? NECK_E_NOMEM : NECK_OK), "%d: %s", status, neck_last_error());
}

static void training_and_work(void)
{
    try_all("an exchange", exchange);
    try_all("a list of work", list_of_work);
}

static void ngrams(void)
{
    neck_ngrams_info whole;
    words = make_text(400, 24, 3);
    try_all("counting", counting);
    EXPECT_OK(count_together(&words, 3, 0, &whole, &counted));
    try_all("a matrix", matrix);
    EXPECT_OK(neck_mpi_ngram_matrix_create(NULL, team, counted, words.vocab_size, NECK_WEIGHT_UNIFORM, &made));
    try_all("a spectrum", exact_as_it_likes);
    try_all("a spectrum by ELPA", exact_by_elpa);
    try_all("small parts", rest);
    try_all("the largest values", top);
    try_all("the density", density);
    neck_mpi_ngram_matrix_destroy(made);
    neck_ngrams_destroy(counted);
    free_text(&words);
}

static const mpi_test_fn tests[] = {sums_grams_and_spectra, a_thread_that_cannot_be_started, training_and_work,
                                    trainings, ngrams};
MPI_TEST_MAIN(tests)
