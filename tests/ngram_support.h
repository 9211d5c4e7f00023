/* tests/ngram_support.h - texts, their n-grams counted the plain way, and counters made to spill all the time. */
#ifndef NECK_TESTS_NGRAM_SUPPORT_H
#define NECK_TESTS_NGRAM_SUPPORT_H

#include <math.h>

#include "format_support.h"
#include "ngram/counter.h"
#include "ngram/key_sort.h"
#include "ngram/ngrams.h"

#define MUST(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

/* ---- texts ---- */

enum { MOST_TOKENS = 20000, MOST_DOCUMENTS = 64 };

typedef struct text {
    int32_t tokens[MOST_TOKENS];
    int64_t count, ends[MOST_DOCUMENTS], documents, vocab_size;
} text;

static inline double uniform(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (double)(*state >> 11) * 0x1p-53;
}

/* Low tokens are frequent, as in text; documents of uneven length, some of them shorter than any order, one empty. */
static inline text *make_text(int64_t count, int64_t vocab_size, int64_t documents)
{
    static text made;
    uint64_t state = (uint64_t)(count + vocab_size + documents);
    made = (text){.count = count, .documents = documents, .vocab_size = vocab_size};
    for (int64_t i = 0; i < count; i++)
        made.tokens[i] = (int32_t)fmin(pow((double)vocab_size, uniform(&state)) - 1, (double)vocab_size - 1);
    for (int64_t i = 0; i < documents; i++) made.ends[i] = count * i * i / (documents * documents);
    made.ends[documents - 1] = count;
    return &made;
}

/* ---- counting the plain way: all n-grams in a row, sorted as lists of tokens ---- */

typedef struct plain {
    int32_t *grams; /* count of order tokens each */
    int64_t count;
    int32_t order;
} plain;

static int32_t plain_order; /* qsort passes nothing on */

static inline int by_tokens(const void *a, const void *b)
{
    const int32_t *left = a, *right = b;
    for (int32_t i = 0; i < plain_order; i++)
        if (left[i] != right[i]) return left[i] < right[i] ? -1 : 1;
    return 0;
}

static inline plain count_plainly(const text *given, int32_t order)
{
    plain made = {.grams = malloc((size_t)(given->count * order + 1) * sizeof(int32_t)), .order = order};
    ck_assert_ptr_nonnull(made.grams);
    for (int64_t d = 0, begin = 0; d < given->documents; begin = given->ends[d++])
        for (int64_t i = begin; i + order <= given->ends[d]; i++)
            memcpy(made.grams + made.count++ * order, given->tokens + i, (size_t)order * sizeof(int32_t));
    plain_order = order;
    qsort(made.grams, (size_t)made.count, (size_t)order * sizeof(int32_t), by_tokens);
    return made;
}

/* How many n-grams from at on begin with the same tokens. */
static inline int64_t equal_from(const plain *counted, int64_t at, int32_t tokens)
{
    int64_t end = at + 1;
    while (end < counted->count && memcmp(counted->grams + at * counted->order, counted->grams + end * counted->order,
                                          (size_t)tokens * sizeof(int32_t)) == 0)
        end++;
    return end - at;
}

/* One context of ngrams is the one that starts at *at in the plain count, which moves on. */
static inline void assert_context(const neck_ngrams *ngrams, int64_t context, const plain *counted, int64_t *at,
                                  neck_ngrams_info *sums)
{
    int32_t tokens[NECK__ORDER_MAX];
    int64_t starts[2];
    const int32_t width = counted->order - 1;
    MUST(neck_ngrams_read(ngrams, context, 1, tokens, starts, NULL, NULL));
    ck_assert_int_eq(starts[0], 0);
    int32_t *successors = malloc((size_t)starts[1] * sizeof *successors);
    int64_t *counts = malloc((size_t)starts[1] * sizeof *counts);
    MUST(neck_ngrams_read(ngrams, context, 1, NULL, NULL, successors, counts));
    ck_assert_mem_eq(tokens, counted->grams + *at * counted->order, (size_t)width * sizeof *tokens);
    const int64_t occurrences = equal_from(counted, *at, width), end = *at + occurrences;
    for (int64_t i = 0; i < starts[1]; i++) {
        ck_assert_int_lt(*at, end);
        ck_assert_int_eq(successors[i], counted->grams[*at * counted->order + width]);
        ck_assert_int_eq(counts[i], equal_from(counted, *at, counted->order));
        *at += counts[i];
    }
    ck_assert_int_eq(*at, end);
    sums->contexts++;
    sums->ngrams += starts[1];
    sums->occurrences += occurrences;
    sums->singletons += starts[1] == 1;
    sums->seen_once += occurrences == 1;
    free(successors);
    free(counts);
}

static inline int64_t distinct_successors(const plain *counted)
{
    int64_t distinct = 0;
    char *seen = NULL;
    int32_t most = 0;
    for (int64_t i = 1; i <= counted->count; i++)
        if (counted->grams[i * counted->order - 1] > most) most = counted->grams[i * counted->order - 1];
    seen = calloc((size_t)most + 1, 1);
    for (int64_t i = 1; i <= counted->count; i++) {
        char *mark = &seen[counted->grams[i * counted->order - 1]];
        distinct += !*mark;
        *mark = 1;
    }
    free(seen);
    return distinct;
}

static inline void assert_counted(const neck_ngrams *ngrams, const text *given, int32_t order)
{
    plain counted = count_plainly(given, order);
    neck_ngrams_info info = {.struct_size = sizeof info}, sums = {.struct_size = sizeof sums};
    int64_t at = 0;
    MUST(neck_ngrams_describe(ngrams, &info));
    for (int64_t i = 0; i < info.contexts; i++) assert_context(ngrams, i, &counted, &at, &sums);
    ck_assert_int_eq(at, counted.count);
    sums.order = order;
    sums.vocab_size = given->vocab_size;
    sums.tokens = given->count;
    for (int64_t d = 0, begin = 0; d < given->documents; begin = given->ends[d++])
        sums.documents += given->ends[d] > begin;
    sums.successors = distinct_successors(&counted);
    ck_assert_mem_eq(&info, &sums, sizeof info);
    free(counted.grams);
}

static inline void assert_file_counted(const char *path, const text *given, int32_t order)
{
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_open(NULL, path, 0, &ngrams));
    assert_counted(ngrams, given, order);
    neck_ngrams_destroy(ngrams);
}

/* ---- counters ---- */

/* A counter that spills whenever it has so many n-grams and merges four runs at a time: what large texts do to large
 * memory. */
static inline neck_status make_small_counter(neck_context *context, const text *given, int32_t order,
                                             const char *folder, int32_t resume, int64_t ngrams_a_run,
                                             neck_ngram_counter **out)
{
    const neck_ngram_counter_options options = {
        sizeof options, .order = order, .memory_bytes = 1 << 20, .folder = folder, .resume = resume};
    neck_status status = neck_ngram_counter_create(context, given->vocab_size, &options, out);
    if (status != NECK_OK) return status;
    (*out)->buffer.capacity = ngrams_a_run;
    (*out)->memory = 5 * (16 << 10);
    return NECK_OK;
}

/* The text from where the counter is; stops when the counter has spilled so many runs (-1: never). */
static inline neck_status push_text(neck_context *context, neck_ngram_counter *counter, const text *given, int64_t runs)
{
    for (int64_t d = 0; d < given->documents; d++) {
        int64_t at;
        while ((at = neck_ngram_counter_tokens(counter)) < given->ends[d]) {
            const int64_t part = given->ends[d] - at < 7 ? given->ends[d] - at : 7;
            if (runs >= 0 && counter->spill.count >= runs) return NECK_OK;
            neck_status status = neck_ngram_counter_push(context, counter, given->tokens + at, part);
            if (status != NECK_OK) return status;
        }
        if (at > given->ends[d]) continue; /* it has ended before */
        neck_status status = neck_ngram_counter_end_document(context, counter);
        if (status != NECK_OK) return status;
    }
    return NECK_OK;
}

#endif
