/* test_ngrams.c - counting over ranks gives exactly what one process counts, however the text is cut. */
#include "ngram_test.h"

/* ---- comparing -------------------------------------------------------------------------------------------------- */

typedef struct table {
    neck_ngrams_info info;
    int32_t *contexts, *successors;
    int64_t *starts, *counts;
} table;

static table read_all(const neck_ngrams *ngrams)
{
    table t = {.info = {.struct_size = sizeof t.info}};
    EXPECT_OK(neck_ngrams_describe(ngrams, &t.info));
    size_t contexts = (size_t)t.info.contexts, grams = (size_t)t.info.ngrams;
    t.contexts = malloc(contexts * (size_t)(t.info.order - 1) * sizeof *t.contexts);
    t.starts = malloc((contexts + 1) * sizeof *t.starts);
    t.successors = malloc(grams * sizeof *t.successors);
    t.counts = malloc(grams * sizeof *t.counts);
    EXPECT_OK(neck_ngrams_read(ngrams, 0, t.info.contexts, t.contexts, t.starts, t.successors, t.counts));
    return t;
}

static void free_table(table *t)
{
    free(t->contexts);
    free(t->starts);
    free(t->successors);
    free(t->counts);
}

static int compare(const int32_t *a, const int32_t *b, int32_t count)
{
    for (int32_t i = 0; i < count; i++)
        if (a[i] != b[i]) return a[i] < b[i] ? -1 : 1;
    return 0;
}

static int64_t find(const table *t, const int32_t *context)
{
    int32_t length = t->info.order - 1;
    int64_t low = 0, high = t->info.contexts;
    while (low < high) {
        int64_t middle = (low + high) / 2;
        if (compare(t->contexts + middle * length, context, length) < 0) low = middle + 1;
        else high = middle;
    }
    return low < t->info.contexts && compare(t->contexts + low * length, context, length) == 0 ? low : -1;
}

/* All that this rank has is in the whole with the same successors and counts. As the sums agree too, nothing is
 * missing. */
static void expect_part_of(const neck_ngrams *own, const table *whole)
{
    table t = read_all(own);
    int64_t wrong_contexts = 0;
    for (int64_t c = 0; c < t.info.contexts; c++) {
        int64_t at = find(whole, t.contexts + c * (t.info.order - 1)), first = t.starts[c],
                count = t.starts[c + 1] - first;
        if (at < 0 || whole->starts[at + 1] - whole->starts[at] != count ||
            memcmp(whole->successors + whole->starts[at], t.successors + first, (size_t)count * sizeof *t.successors) !=
                0 ||
            memcmp(whole->counts + whole->starts[at], t.counts + first, (size_t)count * sizeof *t.counts) != 0)
            wrong_contexts++;
    }
    EXPECT(wrong_contexts == 0, "%lld of %lld contexts", (long long)wrong_contexts, (long long)t.info.contexts);
    EXPECT(t.info.tokens == whole->info.tokens && t.info.documents == whole->info.documents, "%lld tokens",
           (long long)t.info.tokens);
    free_table(&t);
}

static void expect_same(text *given, int32_t order, int64_t memory)
{
    neck_ngrams *alone = count_alone(given, order), *own;
    neck_ngrams_info whole;
    table t = read_all(alone);
    EXPECT_OK(count_together(given, order, memory, &whole, &own));
    EXPECT(memcmp(&whole, &t.info, sizeof whole) == 0,
           "order %d, %lld tokens: %lld contexts, %lld n-grams, %lld successors", order, (long long)whole.tokens,
           (long long)whole.contexts, (long long)whole.ngrams, (long long)whole.successors);
    if (own) expect_part_of(own, &t);
    neck_ngrams_destroy(own);
    neck_ngrams_destroy(alone);
    free_table(&t);
}

/* ---- tests ------------------------------------------------------------------------------------------------------ */

static void counts_are_those_of_one_process(void)
{
    text given = make_text(20011, 300, 17);
    for (int32_t order = 2; order <= 8; order++) expect_same(&given, order, 0);
    free_text(&given);
}

/* A megabyte and a bit spills; boxes are small enough for many rounds. */
static void memory_that_is_small_changes_nothing(void)
{
    text given = make_text(300007, 70000, 5);
    expect_same(&given, 3, 2 << 20);
    free_text(&given);
}

static void more_ranks_than_tokens_or_documents(void)
{
    const int64_t counts[] = {2, 3, 4, 5, 7, 9};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        text given = make_text(counts[i], 3, 1);
        expect_same(&given, 2, 0);
        free_text(&given);
    }
}

static void many_documents_of_few_tokens(void)
{
    text given = make_text(997, 10, 400);
    for (int32_t order = 2; order <= 3; order++) expect_same(&given, order, 0);
    free_text(&given);
}

static void a_text_without_ngrams_is_refused(void)
{
    neck_ngrams *own;
    neck_ngrams_info whole;
    text given = make_text(4, 3, 1);
    neck_status status = count_together(&given, 5, 0, &whole, &own);
    EXPECT(status == NECK_E_ARGUMENT && strstr(neck_last_error(), "no n-gram of order 5"), "%d: %s", status,
           neck_last_error());
    free_text(&given);
}

/* Only the rank that reads the broken token fails; all hear which it is. */
static void a_rank_that_cannot_read_is_named(void)
{
    char name[32];
    neck_ngrams *own;
    neck_ngrams_info whole;
    text given = make_text(5000, 50, 3);
    given.broken = 4999;
    neck_status status = count_together(&given, 4, 0, &whole, &own);
    snprintf(name, sizeof name, "rank %d (", ranks - 1);
    EXPECT(status == NECK_E_IO && strstr(neck_last_error(), "the disk is torn"), "%d: %s", status, neck_last_error());
    EXPECT(ranks == 1 || strncmp(neck_last_error(), name, strlen(name)) == 0, "%s", neck_last_error());
    given.broken = -1;
    given.tokens[0] = 50;
    status = count_together(&given, 4, 0, &whole, &own);
    EXPECT(status == NECK_E_ARGUMENT && strstr(neck_last_error(), "token 0 is 50"), "%d: %s", status,
           neck_last_error());
    free_text(&given);
}

static void arguments_that_differ_are_refused(void)
{
    text given = make_text(100, 50, 1);
    neck_ngrams *own;
    neck_ngrams_info whole;
    neck_status status = count_together(&given, rank == 0 ? 3 : 4, 0, &whole, &own);
    EXPECT(ranks == 1 ||
               (status == NECK_E_ARGUMENT && strstr(neck_last_error(), "order of text is 4, on rank 0 it is 3")),
           "%d: %s", status, neck_last_error());
    neck_ngrams_destroy(status == NECK_OK ? own : NULL);
    status = count_together(&given, 9, 0, &whole, &own);
    EXPECT(status == NECK_E_ARGUMENT, "%d", status);
    free_text(&given);
}

/* One rank cannot write its file: the others do not keep theirs, as if nothing had been counted. */
static void a_file_that_cannot_be_written_leaves_none(void)
{
    text given = make_text(5000, 50, 7);
    const neck_mpi_text all = {given.count, given.vocab_size, read_text, &given};
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .order = 3};
    neck_ngrams_info whole = {.struct_size = sizeof whole, .tokens = 77};
    int32_t any = 77;
    char path[512];
    snprintf(path, sizeof path, "%s%s", own_path(), rank == ranks - 1 ? "/nowhere/file" : "");
    neck_status status = neck_mpi_ngrams_count(NULL, team, &all, &options, path, &whole, &any);
    EXPECT(status != NECK_OK && whole.tokens == 77 && any == 77, "%d: %s", status, neck_last_error());
    EXPECT(access(path, F_OK) != 0, "%s is there", path);
    unlink(path);
    free_text(&given);
}

static const mpi_test_fn tests[] = {
    counts_are_those_of_one_process, memory_that_is_small_changes_nothing, more_ranks_than_tokens_or_documents,
    many_documents_of_few_tokens,    a_text_without_ngrams_is_refused,     a_rank_that_cannot_read_is_named,
    arguments_that_differ_are_refused, a_file_that_cannot_be_written_leaves_none,
};
MPI_TEST_MAIN(tests)
