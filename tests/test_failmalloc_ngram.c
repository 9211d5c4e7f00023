/* tests/test_failmalloc_ngram.c - counting n-grams with every allocation failing. */
#include "failmalloc.h"

#include "ngram/counter.h"

static char folder[] = "/tmp/softneck-failmalloc-XXXXXX";
static char path[64], runs[64], counted[64];

enum { TOKENS = 600 };

/* A vocabulary of 6: n-grams repeat. */
static const int32_t *make_tokens(void)
{
    static int32_t tokens[TOKENS];
    for (int i = 0; i < TOKENS; i++) tokens[i] = (int32_t)((entries[i] + 0.5f) * 6);
    return tokens;
}

static void drop_ngrams(outputs *out) { neck_ngrams_destroy(out->object); }

static neck_status count_in_memory(neck_context *context, const operation *self, outputs *out)
{
    (void)self;
    neck_ngrams *ngrams;
    neck_status status = neck_ngrams_count(context, make_tokens(), TOKENS, NULL, 0, 6, 4, &ngrams);
    if (status == NECK_OK) out->object = ngrams;
    return status;
}

/* A counter that has to spill every so many n-grams, and merges a few runs at a time. */
static neck_status make_counter(neck_context *context, int32_t resume, const char *where, int64_t ngrams_a_run,
                                neck_ngram_counter **out)
{
    const neck_ngram_counter_options options = {
        sizeof options, .order = 4, .memory_bytes = 1 << 20, .folder = where, .resume = resume};
    neck_status status = neck_ngram_counter_create(context, 6, &options, out);
    if (status != NECK_OK) return status;
    (*out)->buffer.capacity = ngrams_a_run;
    (*out)->memory = 4 * (16 << 10);
    return NECK_OK;
}

static neck_status count_all(neck_context *context, int32_t resume, const char *where, int64_t ngrams_a_run)
{
    neck_ngram_counter *counter = NULL;
    neck_status status = make_counter(context, resume, where, ngrams_a_run, &counter);
    if (status == NECK_OK) {
        const int64_t at = neck_ngram_counter_tokens(counter);
        status = neck_ngram_counter_push(context, counter, make_tokens() + at, TOKENS - at);
    }
    if (status == NECK_OK) status = neck_ngram_counter_finish(context, counter, path);
    neck_ngram_counter_destroy(counter);
    return status;
}

static neck_status count_without_runs(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    return count_all(context, 0, NULL, TOKENS);
}

static neck_status count_in_runs(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    neck_status status = count_all(context, 0, runs, 60);
    ck_assert_int_ne(access(runs, F_OK), 0);
    return status;
}

static neck_status count_in_private_runs(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    return count_all(context, 0, NULL, 60);
}

/* What a failure leaves, the next attempt takes up. */
static neck_status resume(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    return count_all(context, 1, runs, 60);
}

static neck_status open_file(neck_context *context, const operation *self, outputs *out)
{
    neck_ngrams *ngrams;
    neck_status status = neck_ngrams_open(context, self->path, 0, &ngrams);
    if (status == NECK_OK) out->object = ngrams;
    return status;
}

/* The same n-grams, one by one. */
static neck_status add_in_runs(neck_context *context, const operation *self, outputs *out)
{
    (void)self, (void)out;
    neck_ngram_counter *counter = NULL;
    neck_status status = make_counter(context, 0, runs, 60, &counter);
    for (int i = 0; i + 4 <= TOKENS && status == NECK_OK; i++)
        status = neck_ngram_counter_add(context, counter, make_tokens() + i, 1);
    if (status == NECK_OK) status = neck_ngram_counter_note(context, counter, TOKENS, 1);
    if (status == NECK_OK) status = neck_ngram_counter_finish(context, counter, path);
    neck_ngram_counter_destroy(counter);
    ck_assert_int_ne(access(runs, F_OK), 0);
    return status;
}

static void remove_file(outputs *out)
{
    (void)out;
    ck_assert_int_eq(unlink(path), 0);
}

static const operation operations[] = {
    {.name = "count in memory", .run = count_in_memory, .finish = drop_ngrams},
    {.name = "count without runs", .run = count_without_runs, .finish = remove_file, .path = path, .writes = 1},
    {.name = "count in runs", .run = count_in_runs, .finish = remove_file, .path = path, .writes = 1},
    {.name = "count in private runs", .run = count_in_private_runs, .finish = remove_file, .path = path, .writes = 1},
    {.name = "add in runs", .run = add_in_runs, .finish = remove_file, .path = path, .writes = 1},
    {.name = "resume", .run = resume, .finish = remove_file, .path = path, .writes = 1},
    {.name = "open", .run = open_file, .finish = drop_ngrams, .path = counted},
};

static void make_folder(void)
{
    ck_assert_ptr_nonnull(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/written", folder);
    snprintf(counted, sizeof counted, "%s/counted", folder);
    snprintf(runs, sizeof runs, "%s/runs", folder);
    setenv("TMPDIR", folder, 1);
    ck_assert_int_eq(count_all(NULL, 0, NULL, TOKENS), NECK_OK);
    ck_assert_int_eq(rename(path, counted), 0);
}

static void remove_folder(void)
{
    unsetenv("TMPDIR");
    unlink(counted);
    ck_assert_int_eq(rmdir(folder), 0); /* nothing is left in it */
    strcpy(folder + strlen(folder) - 6, "XXXXXX");
}

int main(void)
{
    return run_failmalloc("failmalloc_ngram",
                          failmalloc_case(operations, COUNT(operations), make_folder, remove_folder));
}
