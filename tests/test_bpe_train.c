/* tests/test_bpe_train.c - what training learns is what Hugging Face tokenizers learns, byte for byte of the file; what
 * is refused; threads, cancelling and failing memory. */
#include "format_support.h"

#include <zlib.h>

#include "format/json.h"
#include "softneck/token_file.h"
#include "softneck/tokenizer_training.h"
#include "text/pretokenizer.h"

static json_t *golden;

static json_t *read_golden(void)
{
    const char *other = getenv("SOFTNECK_BPE_GOLDEN"); /* a longer list, by make_bpe.py */
    neck__mapping *file = other ? map_file(other) : map_source("tests/golden/bpe.json");
    json_t *root = NULL;
    ck_assert_msg(neck__json_parse(file->data, file->size, 32, file->size, &root) == NECK_OK, "%s", neck_last_error());
    neck__mapping_close(file);
    return root;
}

static void load_golden(void) { golden = read_golden(); }
static void drop_golden(void) { json_decref(golden); }

#define MUST(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

/* ---- the same as Hugging Face tokenizers ---- */

static int32_t split_named(const char *name)
{
    static const char *const names[] = {[NECK_SPLIT_GPT2] = "gpt2", [NECK_SPLIT_LLAMA3] = "llama3",
                                        [NECK_SPLIT_QWEN2] = "qwen2", [NECK_SPLIT_NONE] = "none"};
    for (int32_t i = 0; i <= NECK_SPLIT_NONE; i++)
        if (strcmp(names[i], name) == 0) return i;
    ck_abort_msg("no split '%s'", name);
    return -1;
}

static int64_t number(const json_t *test, const char *key)
{
    return json_integer_value(json_object_get(test, key));
}

static neck_tokenizer_training *begin_case(neck_context *context, const json_t *test)
{
    const json_t *specials = json_object_get(test, "special_tokens");
    const char *tokens[8] = {NULL};
    for (size_t i = 0; i < json_array_size(specials); i++) tokens[i] = json_string_value(json_array_get(specials, i));
    const neck_tokenizer_training_options options = {
        sizeof options, .vocab_size = number(test, "vocab_size"), .min_frequency = number(test, "min_frequency"),
        .split = split_named(json_string_value(json_object_get(test, "split"))), .special_tokens = tokens,
        .special_count = (int64_t)json_array_size(specials)};
    neck_tokenizer_training *training = NULL;
    MUST(neck_tokenizer_training_create(context, &options, &training));
    return training;
}

static neck_tokenizer_training *train_case(neck_context *context, const json_t *test)
{
    const json_t *texts = json_object_get(test, "texts"), *text;
    neck_tokenizer_training *training = begin_case(context, test);
    size_t i;
    json_array_foreach(texts, i, text)
        MUST(neck_tokenizer_training_push(context, training, json_string_value(text),
                                          (int64_t)json_string_length(text)));
    MUST(neck_tokenizer_training_finish(context, training));
    return training;
}

static void check_encoding(const neck_tokenizer *tokenizer, const json_t *test)
{
    const json_t *sample = json_object_get(golden, "sample"), *expected = json_object_get(test, "ids");
    int32_t ids[512];
    int64_t count = 0;
    MUST(neck_tokenizer_encode(NULL, tokenizer, json_string_value(sample), (int64_t)json_string_length(sample), NULL,
                               ids, 512, &count));
    ck_assert_int_eq(count, json_array_size(expected));
    for (int64_t i = 0; i < count; i++)
        ck_assert_int_eq(ids[i], json_integer_value(json_array_get(expected, (size_t)i)));
}

static void check_file(const char *path, const json_t *test)
{
    const char *name = json_string_value(json_object_get(test, "name"));
    neck__mapping *file = map_file(path);
    ck_assert_msg(file->size == number(test, "size"), "%s: %lld bytes instead of %lld", name, (long long)file->size,
                  (long long)number(test, "size"));
    ck_assert_msg(crc32(0, file->data, (uInt)file->size) == (uLong)number(test, "crc32"), "%s: another file", name);
    neck__mapping_close(file);
}

START_TEST(learns_what_tokenizers_learns)
{
    const json_t *tests = json_object_get(golden, "cases"), *test;
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    size_t i;
    scratch_make(folder);
    scratch_file(path, folder, "tokenizer.json");
    ck_assert_uint_ge(json_array_size(tests), 70);
    json_array_foreach(tests, i, test) {
        neck_tokenizer_training *training = train_case(NULL, test);
        neck_tokenizer *opened = NULL, *made = NULL;
        ck_assert_int_eq(neck_tokenizer_training_vocab_size(training), number(test, "tokens"));
        MUST(neck_tokenizer_training_save(NULL, training, path));
        check_file(path, test);
        MUST(neck_tokenizer_open(NULL, path, NULL, &opened));
        MUST(neck_tokenizer_training_tokenizer(NULL, training, &made));
        check_encoding(opened, test);
        check_encoding(made, test);
        ck_assert_uint_eq(neck_tokenizer_hash(opened), neck_tokenizer_hash(made));
        ck_assert_int_eq(neck_tokenizer_special(opened, NECK_TOKEN_EOS), neck_tokenizer_special(made, NECK_TOKEN_EOS));
        neck_tokenizer_destroy(opened);
        neck_tokenizer_destroy(made);
        neck_tokenizer_training_destroy(training);
    }
    scratch_remove(folder);
}
END_TEST

/* ---- a text longer than a round ---- */

enum { LONG_TEXT = 1 << 20, NO_CUT = 900000 };

/* Words of few letters; at the end a stretch in which text cannot be cut, of more pieces than a list has room for. */
static char *make_long_text(void)
{
    char *text = malloc(LONG_TEXT);
    uint32_t state = 1;
    for (int i = 0; i < LONG_TEXT; i++) {
        state = state * 1664525u + 1013904223u;
        const uint32_t draw = (state >> 16) % 12;
        text[i] = (i < NO_CUT ? "abcde .,\n1' " : "abcde-.,\t1'\r")[draw];
    }
    return text;
}

static neck_tokenizer_training *begin(neck_context *context, int32_t split)
{
    const neck_tokenizer_training_options options = {sizeof options, .vocab_size = 600, .split = split};
    neck_tokenizer_training *training = NULL;
    MUST(neck_tokenizer_training_create(context, &options, &training));
    return training;
}

static neck_context *with_threads(int32_t threads)
{
    const neck_context_options wanted = {sizeof wanted, .threads = threads};
    neck_context *context = NULL;
    MUST(neck_context_create(&wanted, &context));
    return context;
}

static uint64_t finish(neck_context *context, neck_tokenizer_training *training)
{
    neck_tokenizer *tokenizer = NULL;
    MUST(neck_tokenizer_training_finish(context, training));
    ck_assert_int_eq(neck_tokenizer_training_vocab_size(training), 600);
    MUST(neck_tokenizer_training_tokenizer(context, training, &tokenizer));
    const uint64_t hash = neck_tokenizer_hash(tokenizer);
    neck_tokenizer_destroy(tokenizer);
    return hash;
}

typedef struct piecewise {
    neck_context *context;
    neck_tokenizer_training *training;
} piecewise;

static neck_status push_piece(void *user, const unsigned char *bytes, int64_t size)
{
    piecewise *p = user;
    return neck_tokenizer_training_push(p->context, p->training, (const char *)bytes, size);
}

/* Splits the whole text at once, and pushes every piece as a document that is not split. */
static neck_tokenizer_training *push_pieces(neck_context *context, const char *text, const char *expression)
{
    neck__pretokenizer pretokenizer = {.allocator = neck__allocator_of(NULL)};
    neck__splitting splitting;
    piecewise p = {context, begin(context, NECK_SPLIT_NONE)};
    MUST(neck__pretokenizer_split(&pretokenizer, expression, (int64_t)strlen(expression), 0, NECK__SPLIT_ISOLATED, 0));
    MUST(neck__splitting_begin(&splitting, &pretokenizer, &pretokenizer.allocator, push_piece, &p));
    MUST(neck__pretokenize(&splitting, (const unsigned char *)text, LONG_TEXT, 0));
    neck__splitting_end(&splitting);
    neck__pretokenizer_clear(&pretokenizer);
    return p.training;
}

START_TEST(long_texts_are_split_as_if_at_once)
{
    const char *const expressions[] = {neck__pattern_gpt2, neck__pattern_llama3, neck__pattern_qwen2};
    char *text = make_long_text();
    neck_context *alone = with_threads(1);
    for (int32_t split = NECK_SPLIT_GPT2; split <= NECK_SPLIT_QWEN2; split++) {
        neck_tokenizer_training *expected = push_pieces(alone, text, expressions[split]);
        const int64_t words = neck_tokenizer_training_words(expected);
        const int64_t different = neck_tokenizer_training_different(expected);
        const uint64_t hash = finish(alone, expected);
        neck_tokenizer_training_destroy(expected);
        for (int32_t threads = 1; threads <= 3; threads += 2) {
            neck_context *context = with_threads(threads);
            neck_tokenizer_training *training = begin(context, split);
            MUST(neck_tokenizer_training_push(context, training, text, LONG_TEXT));
            ck_assert_int_eq(neck_tokenizer_training_words(training), words);
            ck_assert_int_eq(neck_tokenizer_training_different(training), different);
            ck_assert_uint_eq(finish(context, training), hash);
            neck_tokenizer_training_destroy(training);
            neck_context_destroy(context);
        }
    }
    neck_context_destroy(alone);
    free(text);
}
END_TEST

START_TEST(bytes_that_are_not_utf8_are_words)
{
    static const char text[] = "ab\xC3\xFF" "cd \xE2\x82\xAC\x80\xE2\x82 x";
    neck_tokenizer_training *training = begin(NULL, NECK_SPLIT_GPT2);
    MUST(neck_tokenizer_training_push(NULL, training, text, (int64_t)strlen(text)));
    ck_assert_int_eq(neck_tokenizer_training_words(training), 6); /* ab, C3 FF, cd, " \u20AC", 80 E2 82, " x" */
    ck_assert_int_eq(neck_tokenizer_training_different(training), 6);
    neck_tokenizer_training_destroy(training);
}
END_TEST

/* ---- refusals ---- */

static neck_status create(const neck_tokenizer_training_options *options)
{
    neck_tokenizer_training *training = NULL;
    neck_status status = neck_tokenizer_training_create(NULL, options, &training);
    ck_assert_int_eq(training != NULL, status == NECK_OK);
    neck_tokenizer_training_destroy(training);
    return status;
}

START_TEST(options_are_checked)
{
    static const char *const twice[] = {"<a>", "<a>"}, *const empty[] = {""}, *const bad[] = {"\xFF"};
    const neck_tokenizer_training_options good = {sizeof good, .vocab_size = 257};
    neck_tokenizer_training_options asked = good;
    ck_assert_int_eq(create(&good), NECK_OK);
    assert_fails(create(NULL), NECK_E_ARGUMENT, "vocab_size is 0", "no options");
    asked.vocab_size = 256;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "at least 256 and 1", "vocab_size");
    asked = good, asked.split = 4;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "split is 4", "split");
    asked = good, asked.min_frequency = -1;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "min_frequency is -1", "min_frequency");
    asked = good, asked.reserved = 1;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "reserved", "reserved");
    asked = good, asked.special_count = 1;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "special_tokens is NULL", "special_count");
    asked = (neck_tokenizer_training_options){sizeof asked, .vocab_size = 300, .special_tokens = twice,
                                              .special_count = 2};
    assert_fails(create(&asked), NECK_E_ARGUMENT, "given twice", "twice");
    asked.special_tokens = empty, asked.special_count = 1;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "is empty", "empty");
    asked.special_tokens = bad;
    assert_fails(create(&asked), NECK_E_ARGUMENT, "not UTF-8", "bad");
    assert_fails(neck_tokenizer_training_create(NULL, &good, NULL), NECK_E_ARGUMENT, "out", "out");
}
END_TEST

START_TEST(calls_have_an_order)
{
    neck_tokenizer_training *training = begin(NULL, NECK_SPLIT_GPT2);
    neck_tokenizer *tokenizer = NULL;
    assert_fails(neck_tokenizer_training_finish(NULL, training), NECK_E_ARGUMENT, "no text", "empty");
    MUST(neck_tokenizer_training_push(NULL, training, NULL, 0));
    assert_fails(neck_tokenizer_training_finish(NULL, training), NECK_E_ARGUMENT, "no text", "an empty text");
    assert_fails(neck_tokenizer_training_push(NULL, training, "a", -1), NECK_E_ARGUMENT, "size is -1", "size");
    assert_fails(neck_tokenizer_training_push(NULL, training, NULL, 1), NECK_E_ARGUMENT, "NULL", "text");
    MUST(neck_tokenizer_training_push(NULL, training, "abab", 4));
    assert_fails(neck_tokenizer_training_save(NULL, training, "/nonexistent/a"), NECK_E_STATE, "not finished", "save");
    assert_fails(neck_tokenizer_training_tokenizer(NULL, training, &tokenizer), NECK_E_STATE, "not finished", "get");
    ck_assert_int_eq(neck_tokenizer_training_vocab_size(training), 0);
    MUST(neck_tokenizer_training_finish(NULL, training));
    ck_assert_int_eq(neck_tokenizer_training_vocab_size(training), 259); /* ab, abab: the pairs ran out */
    assert_fails(neck_tokenizer_training_push(NULL, training, "a", 1), NECK_E_STATE, "finished", "push");
    assert_fails(neck_tokenizer_training_finish(NULL, training), NECK_E_STATE, "finished", "finish");
    assert_fails(neck_tokenizer_training_save(NULL, training, "/nonexistent/a"), NECK_E_IO, "/nonexistent/a", "path");
    neck_tokenizer_training_destroy(training);
    neck_tokenizer_training_destroy(NULL);
}
END_TEST

/* ---- cancelling ---- */

typedef struct patience {
    const char *task; /* to be cancelled */
    int64_t last;
} patience;

static int32_t cancel(void *user, const neck_progress *progress)
{
    patience *p = user;
    ck_assert(progress->done >= 0 && progress->done <= progress->total);
    p->last = progress->done;
    return p->task && strcmp(progress->task, p->task) == 0;
}

START_TEST(it_can_be_cancelled)
{
    char *text = make_long_text();
    patience p = {0};
    const neck_context_options wanted = {sizeof wanted, .progress = cancel, .progress_user = &p};
    neck_context *context = NULL;
    MUST(neck_context_create(&wanted, &context));
    neck_tokenizer_training *training = begin(context, NECK_SPLIT_GPT2);
    MUST(neck_tokenizer_training_push(context, training, text, LONG_TEXT));
    ck_assert_int_eq(p.last, LONG_TEXT);
    p.task = "merging";
    ck_assert_int_eq(neck_tokenizer_training_finish(context, training), NECK_E_CANCELLED);
    p.task = NULL;
    finish(context, training); /* the counts are still there */
    neck_tokenizer_training_destroy(training);

    training = begin(context, NECK_SPLIT_GPT2);
    p.task = "counting words";
    ck_assert_int_eq(neck_tokenizer_training_push(context, training, text, LONG_TEXT), NECK_E_CANCELLED);
    assert_fails(neck_tokenizer_training_push(context, training, "a", 1), NECK_E_STATE, "in part", "push");
    assert_fails(neck_tokenizer_training_finish(context, training), NECK_E_STATE, "in part", "finish");
    neck_tokenizer_training_destroy(training);
    neck_context_destroy(context);
    free(text);
}
END_TEST

/* ---- memory that runs out ---- */

static neck_status train_and_save(neck_context *context, const char *path)
{
    static const char text[] = "the cat sat on the mat; the rat that the cat had sat on had had that mat at that";
    const neck_tokenizer_training_options options = {sizeof options, .vocab_size = 290};
    neck_tokenizer_training *training = NULL;
    neck_tokenizer *tokenizer = NULL;
    neck_status status = neck_tokenizer_training_create(context, &options, &training);
    if (status == NECK_OK) status = neck_tokenizer_training_push(context, training, text, (int64_t)strlen(text));
    if (status == NECK_OK) status = neck_tokenizer_training_finish(context, training);
    if (status == NECK_OK) status = neck_tokenizer_training_tokenizer(context, training, &tokenizer);
    if (status == NECK_OK) status = neck_tokenizer_training_save(context, training, path);
    neck_tokenizer_destroy(tokenizer);
    neck_tokenizer_training_destroy(training);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    failing memory = {.before_failure = -1};
    const neck_context_options wanted = {sizeof wanted, .threads = 2, .alloc = failing_alloc,
                                         .release = failing_release, .alloc_user = &memory};
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    neck_context *context = NULL;
    scratch_make(folder);
    scratch_file(path, folder, "tokenizer.json");
    MUST(neck_context_create(&wanted, &context));
    const int64_t before = memory.live;
    for (int64_t k = 0;; k++) {
        memory.before_failure = k;
        memory.failed = 0;
        neck_status status = train_and_save(context, path);
        ck_assert_int_eq(memory.live, before);
        if (!memory.failed) {
            ck_assert_int_gt(k, 30);
            MUST(status);
            break;
        }
        assert_fails(status, NECK_E_NOMEM, "out of memory", "training");
        ck_assert_int_eq(scratch_count(folder), 0);
    }
    neck_context_destroy(context);
    scratch_remove(folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("training");
    tcase_add_unchecked_fixture(tcase, load_golden, drop_golden);
    tcase_add_test(tcase, learns_what_tokenizers_learns);
    tcase_add_test(tcase, long_texts_are_split_as_if_at_once);
    tcase_add_test(tcase, bytes_that_are_not_utf8_are_words);
    tcase_add_test(tcase, options_are_checked);
    tcase_add_test(tcase, calls_have_an_order);
    tcase_add_test(tcase, it_can_be_cancelled);
    tcase_add_test(tcase, every_allocation_may_fail);
    return run_suite("bpe_train", tcase);
}
