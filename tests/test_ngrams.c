/* tests/test_ngrams.c - n-grams counted in memory and in runs, against all of them written down and sorted. */
#include "ngram_support.h"

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

/* Vocabularies of 1 to 25 bits a token: keys of one to four words. */
static const int64_t vocabularies[] = {1, 2, 3, 300, 8000, 65536, 65537, (1 << 24) + 1};

#define VOCABULARIES ((int)(sizeof vocabularies / sizeof *vocabularies))

START_TEST(counted_in_memory)
{
    for (int32_t order = 2; order <= 8; order++) {
        const text *given = make_text(3000, vocabularies[_i], 10);
        neck_ngrams *ngrams = NULL;
        MUST(neck_ngrams_count(NULL, given->tokens, given->count, given->ends, given->documents, given->vocab_size,
                               order, &ngrams));
        assert_counted(ngrams, given, order);
        neck_ngrams_destroy(ngrams);
    }
}
END_TEST

START_TEST(one_document)
{
    text *given = make_text(500, 20, 1);
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_count(NULL, given->tokens, given->count, NULL, 0, given->vocab_size, 3, &ngrams));
    assert_counted(ngrams, given, 3);
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(counted_without_spilling)
{
    place p = make_place();
    const text *given = make_text(3000, vocabularies[_i], 10);
    const neck_ngram_counter_options options = {sizeof options, .memory_bytes = 16 << 20};
    neck_ngram_counter *counter = NULL;
    MUST(neck_ngram_counter_create(NULL, given->vocab_size, &options, &counter));
    MUST(push_text(NULL, counter, given, -1));
    MUST(neck_ngram_counter_finish(NULL, counter, p.path));
    ck_assert_ptr_null(counter->spill.folder);
    neck_ngram_counter_destroy(counter);
    assert_file_counted(p.path, given, 5);
    scratch_remove(p.folder);
}
END_TEST

/* A run of one n-gram, runs that all become one in a single merge, and in several passes. */
START_TEST(counted_in_runs)
{
    static const int64_t ngrams_a_run[] = {1, 100, 700};
    place p = make_place();
    for (int32_t order = 2; order <= 8; order += 3) {
        for (int i = 0; i < 3; i++) {
            const text *given = make_text(i == 0 ? 40 : 3000, vocabularies[_i], 10);
            neck_ngram_counter *counter = NULL;
            if (given->vocab_size > 1 << 20) continue; /* more than a mebibyte */
            MUST(make_small_counter(NULL, given, order, p.runs, 0, ngrams_a_run[i], &counter));
            MUST(push_text(NULL, counter, given, -1));
            ck_assert_int_gt(counter->spill.count, 0);
            ck_assert_int_eq(neck_ngram_counter_tokens(counter), given->count);
            MUST(neck_ngram_counter_finish(NULL, counter, p.path));
            ck_assert_int_ne(access(p.runs, F_OK), 0);
            ck_assert_int_eq(neck_ngram_counter_finish(NULL, counter, p.path), NECK_E_STATE);
            neck_ngram_counter_destroy(counter);
            assert_file_counted(p.path, given, order);
        }
    }
    scratch_remove(p.folder);
}
END_TEST

static void assert_same(const neck_ngrams *a, const neck_ngrams *b)
{
    int64_t at[NECK__SECTIONS + 1];
    ck_assert_mem_eq(&a->header.info, &b->header.info, sizeof a->header.info);
    ck_assert_int_eq(a->header.count_width, b->header.count_width);
    neck__ngrams_layout(&a->header, at);
    for (int i = 0; i < NECK__SECTIONS; i++)
        ck_assert_mem_eq(a->section[i], b->section[i], (size_t)(at[i + 1] - at[i]));
}

/* As much as a mebibyte holds, and more: the real limits. */
START_TEST(a_mebibyte_is_enough)
{
    place p = make_place();
    enum { COUNT = 400000 };
    static int32_t tokens[COUNT];
    const text *part = make_text(MOST_TOKENS, 5000, 1);
    const neck_ngram_counter_options options = {sizeof options, .memory_bytes = 1 << 20, .folder = p.runs};
    neck_ngram_counter *counter = NULL;
    neck_ngrams *counted = NULL, *expected = NULL;
    for (int i = 0; i < COUNT; i++) tokens[i] = (part->tokens[i % MOST_TOKENS] + 77 * (i / MOST_TOKENS)) % 5000;
    MUST(neck_ngram_counter_create(NULL, 5000, &options, &counter));
    MUST(neck_ngram_counter_push(NULL, counter, tokens, COUNT));
    ck_assert_int_gt(counter->spill.count, 10);
    MUST(neck_ngram_counter_finish(NULL, counter, p.path));
    neck_ngram_counter_destroy(counter);
    MUST(neck_ngrams_open(NULL, p.path, 0, &counted));
    MUST(neck_ngrams_count(NULL, tokens, COUNT, NULL, 0, 5000, 5, &expected));
    assert_same(counted, expected);
    neck_ngrams_destroy(counted);
    neck_ngrams_destroy(expected);
    scratch_remove(p.folder);
}
END_TEST

/* Enough keys of each width that ranges are scattered by all threads, at several levels: most keys share their high
 * bits. */
START_TEST(keys_are_sorted)
{
    enum { COUNT = 300000 };
    const int32_t words = _i;
    static uint64_t keys[4 * COUNT], spare[4 * COUNT];
    const neck__key_form form = {.words = words};
    uint64_t state = 7, sum = 0, sum_after = 0;
    neck_context *context;
    const neck_context_options options = {sizeof options, .threads = 3};
    for (int64_t i = 0; i < COUNT * words; i++) {
        keys[i] = uniform(&state) < 0.9 ? (uint64_t)(64 * uniform(&state)) : (uint64_t)(uniform(&state) * 0x1p63);
        sum += keys[i] * keys[i];
    }
    MUST(neck_context_create(&options, &context));
    MUST(neck__key_sort(context, words, keys, spare, COUNT));
    neck_context_destroy(context);
    for (int64_t i = 0; i < COUNT * words; i++) sum_after += keys[i] * keys[i];
    ck_assert_uint_eq(sum, sum_after);
    for (int64_t i = 1; i < COUNT; i++)
        if (neck__key_less(&form, keys + i * words, keys + (i - 1) * words)) ck_abort_msg("key %lld", (long long)i);
}
END_TEST

START_TEST(what_cannot_be_counted_is_refused)
{
    static const int32_t tokens[] = {1, 2, 3, 10, -1};
    static const int64_t short_ends[] = {1, 3}, back[] = {2, 1, 3}, beyond[] = {4};
    neck_ngrams *ngrams = NULL;
    assert_fails(neck_ngrams_count(NULL, tokens, 3, NULL, 0, 10, 1, &ngrams), NECK_E_ARGUMENT, "order is 1", "order");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, NULL, 0, 10, 9, &ngrams), NECK_E_ARGUMENT, "order is 9", "order");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, NULL, 0, 0, 2, &ngrams), NECK_E_ARGUMENT, "vocab_size is 0",
                 "size");
    assert_fails(neck_ngrams_count(NULL, tokens, 4, NULL, 0, 10, 2, &ngrams), NECK_E_ARGUMENT, "token 3 is 10",
                 "token");
    assert_fails(neck_ngrams_count(NULL, tokens, 5, NULL, 0, 11, 2, &ngrams), NECK_E_ARGUMENT, "token 4 is -1",
                 "token");
    assert_fails(neck_ngrams_count(NULL, NULL, 3, NULL, 0, 10, 2, &ngrams), NECK_E_ARGUMENT, "tokens is NULL",
                 "tokens");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, back, 3, 10, 2, &ngrams), NECK_E_ARGUMENT, "document 1 ends",
                 "ends");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, beyond, 1, 10, 2, &ngrams), NECK_E_ARGUMENT, "document 0 ends",
                 "ends");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, short_ends, 1, 10, 2, &ngrams), NECK_E_ARGUMENT, "no document",
                 "ends");
    assert_fails(neck_ngrams_count(NULL, NULL, 0, NULL, 0, 10, 2, &ngrams), NECK_E_ARGUMENT, "longest document has 0",
                 "empty");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, short_ends, 2, 10, 3, &ngrams), NECK_E_ARGUMENT,
                 "no n-gram of order 3: the longest document has 2 tokens", "short");
    assert_fails(neck_ngrams_count(NULL, tokens, 3, NULL, 0, 10, 2, NULL), NECK_E_ARGUMENT, "out is NULL", "out");
    ck_assert_ptr_null(ngrams);
    neck_ngrams_destroy(NULL);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("n-grams");
    tcase_add_loop_test(tcase, counted_in_memory, 0, VOCABULARIES);
    tcase_add_test(tcase, one_document);
    tcase_add_loop_test(tcase, counted_without_spilling, 0, VOCABULARIES);
    tcase_add_loop_test(tcase, counted_in_runs, 0, VOCABULARIES);
    tcase_add_test(tcase, a_mebibyte_is_enough);
    tcase_add_loop_test(tcase, keys_are_sorted, 1, 5);
    tcase_add_test(tcase, what_cannot_be_counted_is_refused);
    return run_suite("ngrams", tcase);
}
