/* tests/test_ngrams.c - n-grams counted in memory and in runs, against all of them written down and sorted. */
#include "ngram_support.h"

#include "ngram/token_sort.h"

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
    ck_assert_int_eq(counter->spill.fd, -1);
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

/* ---- token by token: against whole keys, sorted ---- */

enum { MANY = 300000, MANY_DOCUMENTS = 500 };

/* Skewed tokens; documents of any length, the empty and the shorter than any order among them. */
static neck__ngram_text make_many(int64_t vocab_size)
{
    static int32_t tokens[MANY];
    static int64_t ends[MANY_DOCUMENTS];
    uint64_t state = (uint64_t)vocab_size;
    for (int64_t i = 0; i < MANY; i++) {
        tokens[i] = (int32_t)(pow((double)vocab_size + 1, uniform(&state)) - 1);
        if (tokens[i] >= vocab_size) tokens[i] = (int32_t)vocab_size - 1;
    }
    for (int64_t d = 0; d < MANY_DOCUMENTS; d++)
        ends[d] = d < 20 ? d / 2 * (d / 4)
                         : 100 + (int64_t)((double)(MANY - 100) * pow((double)(d + 1) / MANY_DOCUMENTS, 3));
    return (neck__ngram_text){tokens, MANY, ends, MANY_DOCUMENTS};
}

static void gather_many(neck__key_buffer *buffer, const neck__ngram_text *given)
{
    neck__text_position position = {0};
    for (int64_t d = 0; d < given->documents; d++) {
        const int64_t begin = position.tokens;
        (void)neck__key_buffer_gather(buffer, &position, given->tokens + begin, given->ends[d] - begin);
        neck__text_end_document(&position);
    }
}

static void assert_sorted(const neck__sorted *sorted, const neck__key_buffer *expected)
{
    uint64_t key[NECK__KEY_WORDS];
    int64_t successors = 0;
    static unsigned char seen[1 << 16];
    memset(seen, 0, sizeof seen);
    ck_assert_int_eq(sorted->count, expected->count);
    for (int64_t i = 0; i < expected->count; i++) {
        const uint64_t *whole = expected->keys + i * expected->form.words;
        neck__key_join(&expected->form, key, neck__sorted_group(sorted, i), sorted->keys[i]);
        if (!neck__key_equal(&expected->form, key, whole)) ck_abort_msg("n-gram %lld", (long long)i);
        successors += !seen[*whole & expected->form.token_mask];
        seen[*whole & expected->form.token_mask] = 1;
    }
    ck_assert_int_eq(sorted->successors, successors);
}

START_TEST(sorted_token_by_token)
{
    static const struct {
        int32_t order;
        int64_t vocab_size;
    } cases[] = {{2, 1},     {2, 65536}, {3, 700},  {4, 65536}, {5, 65536},
                 {5, 8000}, {5, 4096},  {8, 256}, {8, 512},   {8, 2}};
    static uint64_t a[MANY], b[MANY];
    const int32_t order = cases[_i].order;
    const neck__key_form form = neck__key_form_of(order, cases[_i].vocab_size);
    const neck__ngram_text given = make_many(cases[_i].vocab_size);
    const neck__allocator allocator = neck__allocator_of(NULL);
    neck__key_buffer keys, expected;
    MUST(neck__key_buffer_init(&keys, &allocator, &form, MANY));
    MUST(neck__key_buffer_init(&expected, &allocator, &form, MANY));
    gather_many(&expected, &given);
    MUST(neck__key_sort(NULL, form.words, expected.keys, expected.spare, expected.count));
    ck_assert(neck__token_sort_takes(&form, expected.count));
    for (int32_t threads = 1; threads <= 17; threads += 4) {
        const neck_context_options options = {sizeof options, .threads = threads};
        neck_context *context;
        neck__sorted sorted;
        MUST(neck_context_create(&options, &context));
        MUST(neck__token_sort_text(context, &form, &given, expected.count, a, b, &sorted));
        assert_sorted(&sorted, &expected);
        neck__release(&allocator, sorted.ends);
        keys.count = 0;
        gather_many(&keys, &given);
        MUST(neck__token_sort_keys(context, &form, keys.keys, keys.count, keys.spare,
                                   form.words > 1 ? keys.spare + keys.count : keys.keys, &sorted));
        assert_sorted(&sorted, &expected);
        neck__release(&allocator, sorted.ends);
        neck_context_destroy(context);
    }
    neck__key_buffer_clear(&keys);
    neck__key_buffer_clear(&expected);
}
END_TEST

/* What is too wide, too rare, or too often for it. */
START_TEST(others_are_sorted_as_keys)
{
    const neck__key_form wide = neck__key_form_of(6, 65536), many = neck__key_form_of(2, 65537),
                         fits = neck__key_form_of(5, 65536);
    ck_assert(!neck__token_sort_takes(&wide, 1 << 30));
    ck_assert(!neck__token_sort_takes(&many, 1 << 30));
    ck_assert(neck__token_sort_takes(&fits, 1 << 18));
    ck_assert(!neck__token_sort_takes(&fits, (1 << 18) - 2));
    ck_assert(!neck__token_sort_takes(&fits, (int64_t)1 << 32));
    ck_assert_int_eq(neck__key_buffer_bytes(&wide), 32);
    ck_assert_int_eq(neck__key_buffer_bytes(&fits), 34);
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
    tcase_add_loop_test(tcase, sorted_token_by_token, 0, 10);
    tcase_add_test(tcase, others_are_sorted_as_keys);
    tcase_add_test(tcase, what_cannot_be_counted_is_refused);
    return run_suite("ngrams", tcase);
}
