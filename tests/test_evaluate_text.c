/* tests/test_evaluate_text.c - documents and continuations, as text: against ids and the model called directly. */
#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "softneck.h"

static neck_model *model;
static neck_tokenizer *tokenizer;

static void setup(void)
{
    const char *root = getenv("SOFTNECK_SOURCE_DIR");
    char path[4096];
    snprintf(path, sizeof path, "%s/examples/data/stories260K/stories260K.bin", root ? root : ".");
    ck_assert_msg(neck_model_open(NULL, path, NULL, &model) == NECK_OK, "%s", neck_last_error());
    snprintf(path, sizeof path, "%s/examples/data/stories260K/tok512.bin", root ? root : ".");
    ck_assert_msg(neck_tokenizer_open(NULL, path, NULL, &tokenizer) == NECK_OK, "%s", neck_last_error());
}

static void teardown(void)
{
    neck_model_destroy(model);
    neck_tokenizer_destroy(tokenizer);
}

enum { MOST_IDS = 2048 };
static const char story[] = "Once upon a time, there was a little girl named Lily. She loved to play outside.";

static int64_t document(const char *text, int32_t ids[MOST_IDS])
{
    int64_t count = 0;
    ck_assert_msg(neck_document_encode(NULL, tokenizer, text, (int64_t)strlen(text), ids, MOST_IDS, &count) == NECK_OK,
                  "%s", neck_last_error());
    return count;
}

START_TEST(a_document_begins_with_the_opening_token_once)
{
    int32_t ids[MOST_IDS], again[MOST_IDS];
    int32_t bos = neck_tokenizer_special(tokenizer, NECK_TOKEN_BOS);
    int64_t count = document(story, ids), needed = 0;
    ck_assert_int_eq(bos, 1);
    ck_assert_int_eq(ids[0], bos);
    for (int64_t i = 1; i < count; i++) ck_assert_int_ne(ids[i], bos);
    ck_assert_int_eq(document("", again), 1);
    int64_t size = (int64_t)strlen(story);
    ck_assert_int_eq(neck_document_encode(NULL, tokenizer, story, size, NULL, 0, &needed), NECK_E_OVERFLOW);
    ck_assert_int_eq(needed, count);
    ck_assert_int_eq(neck_document_encode(NULL, tokenizer, story, size, again, count - 1, &needed), NECK_E_OVERFLOW);
    ck_assert_int_eq(needed, count);
    ck_assert_int_eq(neck_document_encode(NULL, tokenizer, story, size, again, count, &needed), NECK_OK);
    ck_assert_mem_eq(ids, again, (size_t)count * sizeof *ids);
    ck_assert_int_eq(neck_document_encode(NULL, NULL, story, size, again, count, &needed), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_document_encode(NULL, tokenizer, story, size, again, count, NULL), NECK_E_ARGUMENT);
}
END_TEST

START_TEST(pushed_text_counts_its_tokens_bytes_and_words)
{
    int32_t ids[MOST_IDS];
    int64_t count = document(story, ids), size = (int64_t)strlen(story), words;
    neck_text_loss as_text = {.struct_size = sizeof as_text}, as_tokens = {.struct_size = sizeof as_tokens};
    neck_evaluation *one, *other;
    ck_assert_int_eq(neck_evaluation_create(NULL, model, NULL, &one), NECK_OK);
    ck_assert_int_eq(neck_evaluation_create(NULL, model, NULL, &other), NECK_OK);
    ck_assert_int_eq(neck_evaluation_push_text(NULL, one, tokenizer, story, size), NECK_OK);
    ck_assert_int_eq(neck_text_words(story, size, &words), NECK_OK);
    ck_assert_int_eq(words, 16);
    ck_assert_int_eq(neck_evaluation_push_tokens(NULL, other, ids, count, size, words), NECK_OK);
    ck_assert_int_eq(neck_evaluation_loss(one, &as_text), NECK_OK);
    ck_assert_int_eq(neck_evaluation_loss(other, &as_tokens), NECK_OK);
    ck_assert_mem_eq(&as_text, &as_tokens, sizeof as_text);
    ck_assert_int_eq(as_text.tokens, count - 1);
    ck_assert_double_eq(as_text.bytes, (double)size);
    neck_evaluation_destroy(one);
    neck_evaluation_destroy(other);
}
END_TEST

/* Twice as much text as one encoding has room for at first: single letters, a token each. */
START_TEST(text_with_more_tokens_than_expected_is_encoded_again)
{
    char text[1201];
    memset(text, 'z', sizeof text - 1);
    for (size_t i = 0; i < sizeof text - 1; i += 2) text[i] = 'q';
    text[sizeof text - 1] = '\0';
    int32_t ids[MOST_IDS];
    int64_t count = document(text, ids);
    ck_assert_int_gt(count, 1200 / 2 + 16);
    neck_evaluation *evaluation;
    neck_text_loss loss = {.struct_size = sizeof loss};
    ck_assert_int_eq(neck_evaluation_create(NULL, model, NULL, &evaluation), NECK_OK);
    ck_assert_int_eq(neck_evaluation_push_text(NULL, evaluation, tokenizer, text, 1200), NECK_OK);
    ck_assert_int_eq(neck_evaluation_loss(evaluation, &loss), NECK_OK);
    ck_assert_int_eq(loss.tokens, count - 1);
    neck_evaluation_destroy(evaluation);
}
END_TEST

/* ---- continuations ---------------------------------------------------------------------------------------------- */

static neck_status try_likelihood(const char *prefix, const char *continuation, neck_likelihood *out)
{
    *out = (neck_likelihood){.struct_size = sizeof *out};
    return neck_continuation_likelihood(NULL, model, tokenizer, prefix, (int64_t)strlen(prefix), continuation,
                                        (int64_t)strlen(continuation), out);
}

static neck_likelihood likelihood(const char *prefix, const char *continuation)
{
    neck_likelihood found;
    ck_assert_msg(try_likelihood(prefix, continuation, &found) == NECK_OK, "%s", neck_last_error());
    return found;
}

/* Encoded by the tokenizer as it sees fit; nll of every token but the first. */
static int64_t encode_and_run(const char *text, double nll[MOST_IDS], int32_t best[MOST_IDS], int32_t ids[MOST_IDS])
{
    int64_t count;
    neck_loss loss = {.struct_size = sizeof loss};
    neck_forward_options options = {.struct_size = sizeof options, .nll = nll, .best = best};
    ck_assert_int_eq(
        neck_tokenizer_encode(NULL, tokenizer, text, (int64_t)strlen(text), NULL, ids, MOST_IDS, &count), NECK_OK);
    ck_assert_int_eq(neck_model_loss(NULL, model, ids, 1, count, &options, &loss), NECK_OK);
    return count;
}

START_TEST(a_continuation_is_what_follows_the_prefixs_tokens)
{
    double nll[MOST_IDS], sum = 0;
    int32_t best[MOST_IDS], ids[MOST_IDS];
    int64_t given = encode_and_run("Once upon a", nll, best, ids);
    int64_t all = encode_and_run("Once upon a time, there was", nll, best, ids);
    int greedy = 1;
    for (int64_t i = given - 1; i < all - 1; i++) {
        sum += nll[i];
        greedy &= best[i] == ids[i + 1];
    }
    neck_likelihood found = likelihood("Once upon a", " time, there was");
    ck_assert_int_eq(found.tokens, all - given);
    ck_assert_double_eq_tol(found.log_likelihood, -sum, 1e-4);
    ck_assert_int_eq(found.greedy, greedy);
    ck_assert_int_eq(found.greedy, 1); /* it has read that often */
    ck_assert_int_eq(likelihood("Once upon a", " zebra").greedy, 0);
    ck_assert_double_gt(found.log_likelihood, likelihood("Once upon a", " zebra").log_likelihood);
}
END_TEST

START_TEST(white_space_at_the_end_of_a_prefix_belongs_to_the_continuation)
{
    neck_likelihood one = likelihood("Once upon a", " time"), other = likelihood("Once upon a ", "time");
    ck_assert_mem_eq(&one, &other, sizeof one);
}
END_TEST

START_TEST(an_empty_prefix_is_the_opening_token)
{
    int32_t ids[MOST_IDS];
    int64_t count = document(story, ids);
    neck_loss loss = {.struct_size = sizeof loss};
    neck_likelihood found = likelihood("", story);
    ck_assert_int_eq(neck_model_loss(NULL, model, ids, 1, count, NULL, &loss), NECK_OK);
    ck_assert_int_eq(found.tokens, count - 1);
    ck_assert_double_eq_tol(found.log_likelihood, -loss.nll_sum, 1e-4);
}
END_TEST

START_TEST(a_long_prefix_loses_its_beginning)
{
    char text[8192] = "";
    while (strlen(text) < 4000) strcat(text, "The cat sat on the mat with a very big dog and a bird. ");
    char prefix[8192];
    int32_t ids[MOST_IDS];
    int64_t count, given;
    snprintf(prefix, sizeof prefix, "%s", text);
    prefix[strlen(prefix) - 1] = '\0';
    int64_t size = (int64_t)strlen(prefix);
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, prefix, size, NULL, ids, MOST_IDS, &given), NECK_OK);
    strcat(text, "Then");
    size = (int64_t)strlen(text);
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, text, size, NULL, ids, MOST_IDS, &count), NECK_OK);
    ck_assert_int_gt(given, 600);
    double nll[512], sum = 0;
    neck_loss loss = {.struct_size = sizeof loss};
    neck_forward_options options = {.struct_size = sizeof options, .nll = nll};
    int32_t targets[512];
    for (int64_t i = 0; i < 512; i++) targets[i] = ids[count - 512 + i];
    options.targets = targets;
    ck_assert_int_eq(neck_model_loss(NULL, model, ids + count - 513, 1, 512, &options, &loss), NECK_OK);
    for (int64_t i = 512 - (count - given); i < 512; i++) sum += nll[i];
    neck_likelihood found = likelihood(prefix, " Then");
    ck_assert_int_eq(found.tokens, count - given);
    ck_assert_double_eq_tol(found.log_likelihood, -sum, 1e-4);
}
END_TEST

START_TEST(what_cannot_be_scored_is_refused)
{
    neck_likelihood found;
    char text[4000];
    memset(text, 'z', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    ck_assert_int_eq(try_likelihood("Once", "", &found), NECK_E_ARGUMENT);
    ck_assert_int_eq(try_likelihood("", "", &found), NECK_E_ARGUMENT);
    ck_assert_int_eq(try_likelihood("Once", text, &found), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "the model sees 512"));
    ck_assert_int_eq(found.tokens, 0);
    found.struct_size = 0;
    ck_assert_int_eq(neck_continuation_likelihood(NULL, model, tokenizer, "a", 1, " b", 2, &found), NECK_E_ARGUMENT);
    found.struct_size = sizeof found;
    ck_assert_int_eq(neck_continuation_likelihood(NULL, NULL, tokenizer, "a", 1, " b", 2, &found), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_continuation_likelihood(NULL, model, NULL, "a", 1, " b", 2, &found), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_continuation_likelihood(NULL, model, tokenizer, NULL, 1, " b", 2, &found), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_continuation_likelihood(NULL, model, tokenizer, "a", -1, " b", 2, &found), NECK_E_ARGUMENT);
}
END_TEST

/* ---- memory ----------------------------------------------------------------------------------------------------- */

typedef struct heap {
    int64_t left;
    int64_t live;
} heap;

static void *heap_alloc(void *user, size_t alignment, size_t size)
{
    heap *state = user;
    if (state->left-- <= 0) return NULL;
    state->live++;
    return aligned_alloc(alignment, size);
}

static void heap_release(void *user, void *memory)
{
    ((heap *)user)->live--;
    free(memory);
}

START_TEST(running_out_of_memory_is_reported_and_leaks_nothing)
{
    neck_status status = NECK_E_NOMEM;
    for (int64_t allowed = 1; status != NECK_OK; allowed++) {
        heap state = {allowed, 0};
        neck_context *context = NULL;
        neck_evaluation *evaluation = NULL;
        neck_likelihood found = {.struct_size = sizeof found};
        neck_context_options options = {.struct_size = sizeof options,
                                        .threads = 1,
                                        .alloc = heap_alloc,
                                        .release = heap_release,
                                        .alloc_user = &state};
        ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
        status = neck_continuation_likelihood(context, model, tokenizer, "Once upon", 9, " a time", 7, &found);
        if (status == NECK_OK)
            status = neck_continuation_likelihood(context, model, tokenizer, "", 0, "A", 1, &found);
        if (status == NECK_OK) status = neck_evaluation_create(context, model, NULL, &evaluation);
        if (status == NECK_OK) status = neck_evaluation_push_text(context, evaluation, tokenizer, story, 30);
        ck_assert_msg(status == NECK_OK || status == NECK_E_NOMEM, "%s", neck_last_error());
        neck_evaluation_destroy(evaluation);
        neck_context_destroy(context);
        ck_assert_int_eq(state.live, 0);
        ck_assert_int_lt(allowed, 10000);
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("evaluate_text");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, a_document_begins_with_the_opening_token_once);
    tcase_add_test(tcase, pushed_text_counts_its_tokens_bytes_and_words);
    tcase_add_test(tcase, text_with_more_tokens_than_expected_is_encoded_again);
    tcase_add_test(tcase, a_continuation_is_what_follows_the_prefixs_tokens);
    tcase_add_test(tcase, white_space_at_the_end_of_a_prefix_belongs_to_the_continuation);
    tcase_add_test(tcase, an_empty_prefix_is_the_opening_token);
    tcase_add_test(tcase, a_long_prefix_loses_its_beginning);
    tcase_add_test(tcase, what_cannot_be_scored_is_refused);
    tcase_add_test(tcase, running_out_of_memory_is_reported_and_leaks_nothing);
    tcase_set_timeout(tcase, 60);
    Suite *suite = suite_create("evaluate_text");
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
