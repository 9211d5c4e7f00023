/* tests/test_tokenizer.c - the numbers of Hugging Face tokenizers, for small tokenizers of every kind and, where
 * SOFTNECK_SHARED_DATA names the folder of shared data, for books with the tokenizers of GPT-2 and GPT-NeoX. */
#include "format_support.h"

#include <zlib.h>

#include "format/json.h"

enum { LONG_WORD = 1000000 };

static json_t *golden;

static json_t *read_golden(void)
{
    neck__mapping *file = map_source("tests/golden/tokenizers.json");
    json_t *root = NULL;
    ck_assert_msg(neck__json_parse(file->data, file->size, 32, file->size, &root) == NECK_OK, "%s", neck_last_error());
    neck__mapping_close(file);
    return root;
}

static void load_golden(void) { golden = read_golden(); }
static void drop_golden(void) { json_decref(golden); }

static neck_tokenizer *open_tokenizer(const char *path)
{
    neck_tokenizer *tokenizer = NULL;
    ck_assert_msg(neck_tokenizer_open(NULL, path, NULL, &tokenizer) == NECK_OK, "%s", neck_last_error());
    return tokenizer;
}

static neck_tokenizer *open_small(const char *name)
{
    char relative[128], path[PATH_CAPACITY];
    snprintf(relative, sizeof relative, "tests/golden/tokenizers/%s.json", name);
    source_path(path, relative);
    return open_tokenizer(path);
}

/* Bytes written as hexadecimal digits. */
static char *unhex(const json_t *value, int64_t *size)
{
    const char *digits = json_string_value(value);
    *size = (int64_t)json_string_length(value) / 2;
    char *bytes = malloc((size_t)*size + 1);
    for (int64_t i = 0; i < *size; i++) {
        const char pair[] = {digits[2 * i], digits[2 * i + 1], '\0'};
        bytes[i] = (char)strtoul(pair, NULL, 16);
    }
    return bytes;
}

static int32_t *encode(const neck_tokenizer *tokenizer, const char *text, int64_t size, int32_t bare, int64_t *count)
{
    const neck_encode_options options = {sizeof options, .no_special_tokens = bare};
    int32_t *ids = malloc((size_t)(4 * size + 64) * sizeof *ids);
    ck_assert_msg(neck_tokenizer_encode(NULL, tokenizer, text, size, &options, ids, 4 * size + 64, count) == NECK_OK,
                  "%s", neck_last_error());
    return ids;
}

static void assert_ids(const neck_tokenizer *tokenizer, const char *name, size_t index, const char *text, int64_t size,
                       int32_t bare, const json_t *expected)
{
    int64_t count;
    int32_t *ids = encode(tokenizer, text, size, bare, &count);
    for (int64_t i = 0; i < count && i < (int64_t)json_array_size(expected); i++)
        ck_assert_msg(ids[i] == json_integer_value(json_array_get(expected, (size_t)i)),
                      "%s, text %zu: token %d is %d instead of %d", name, index, (int)i, ids[i],
                      (int)json_integer_value(json_array_get(expected, (size_t)i)));
    ck_assert_msg(count == (int64_t)json_array_size(expected), "%s, text %zu: %d tokens instead of %zu", name, index,
                  (int)count, json_array_size(expected));
    free(ids);
}

static void assert_decodes(const neck_tokenizer *tokenizer, const char *name, size_t index, const json_t *ids,
                           const json_t *expected)
{
    int64_t length, size, count = (int64_t)json_array_size(ids);
    char *text = unhex(expected, &length), *out = malloc((size_t)length + 1);
    int32_t *numbers = malloc((size_t)count * sizeof *numbers + 1);
    for (int64_t i = 0; i < count; i++) numbers[i] = (int32_t)json_integer_value(json_array_get(ids, (size_t)i));
    const neck_decode_options options = {sizeof options, .skip_special_tokens = 1};
    ck_assert_msg(neck_tokenizer_decode(tokenizer, numbers, count, &options, out, length, &size) == NECK_OK,
                  "%s, text %zu: %s", name, index, neck_last_error());
    ck_assert_msg(size == length && memcmp(out, text, (size_t)size) == 0, "%s, text %zu: decoded to '%.*s'", name,
                  index, (int)size, out);
    free(text);
    free(out);
    free(numbers);
}

/* As make_tokenizers.py makes it. */
static char *long_word(void)
{
    char *text = malloc(LONG_WORD);
    uint32_t state = 1;
    for (int i = 0; i < LONG_WORD; i++) {
        state = (state * 1103515245u + 12345u) & 0x7FFFFFFFu;
        text[i] = (char)('a' + (state >> 16) % 26);
    }
    return text;
}

static uint32_t checksum(const int32_t *ids, int64_t count)
{
    return (uint32_t)crc32_z(0, (const unsigned char *)ids, (size_t)count * sizeof *ids); /* golden: little-endian */
}

START_TEST(small_tokenizers_agree)
{
    const char *name;
    json_t *entry;
    const json_t *texts = json_object_get(golden, "texts");
    ck_assert_uint_ge(json_object_size(json_object_get(golden, "tokenizers")), 20);
    json_object_foreach(json_object_get(golden, "tokenizers"), name, entry) {
        neck_tokenizer *tokenizer = open_small(name);
        ck_assert_int_eq(neck_tokenizer_vocab_size(tokenizer), json_integer_value(json_object_get(entry, "size")));
        const json_t *cases = json_object_get(entry, "cases");
        ck_assert_uint_eq(json_array_size(cases), json_array_size(texts));
        for (size_t i = 0; i < json_array_size(cases); i++) {
            int64_t size;
            char *text = unhex(json_array_get(texts, i), &size);
            const json_t *given = json_array_get(cases, i), *decoded = json_object_get(given, "decoded");
            assert_ids(tokenizer, name, i, text, size, 0, json_object_get(given, "ids"));
            assert_ids(tokenizer, name, i, text, size, 1, json_object_get(given, "bare"));
            if (decoded) assert_decodes(tokenizer, name, i, json_object_get(given, "ids"), decoded);
            free(text);
        }
        neck_tokenizer_destroy(tokenizer);
    }
}
END_TEST

START_TEST(a_long_word_agrees)
{
    const char *name;
    json_t *entry;
    char *text = long_word();
    json_object_foreach(json_object_get(golden, "tokenizers"), name, entry) {
        const json_t *expected = json_object_get(entry, "long_word");
        neck_tokenizer *tokenizer = open_small(name);
        int64_t count;
        int32_t *ids = encode(tokenizer, text, LONG_WORD, 0, &count);
        ck_assert_msg(count == json_integer_value(json_array_get(expected, 0)), "%s: %d tokens", name, (int)count);
        ck_assert_msg(checksum(ids, count) == json_integer_value(json_array_get(expected, 1)), "%s", name);
        free(ids);
        neck_tokenizer_destroy(tokenizer);
    }
    free(text);
}
END_TEST

/* ---- real tokenizers ---- */

static void assert_book(const neck_tokenizer *tokenizer, const char *path, const json_t *expected)
{
    neck__mapping *file = map_file(path);
    int64_t count, size;
    int32_t *ids = encode(tokenizer, (const char *)file->data, file->size, 0, &count);
    ck_assert_msg(count == json_integer_value(json_array_get(expected, 0)), "%s: %d tokens", path, (int)count);
    ck_assert_msg(checksum(ids, count) == json_integer_value(json_array_get(expected, 1)), "%s", path);
    char *text = malloc((size_t)file->size);
    ck_assert_int_eq(neck_tokenizer_decode(tokenizer, ids, count, NULL, text, file->size, &size), NECK_OK);
    ck_assert_int_eq(size, file->size);
    ck_assert_mem_eq(text, file->data, (size_t)size);
    free(text);
    free(ids);
    neck__mapping_close(file);
}

static void assert_real(const char *data, const char *name, const json_t *expected)
{
    char path[PATH_CAPACITY];
    const char *text_name;
    json_t *sums;
    snprintf(path, sizeof path, "%s/tokenizers/%s", data, name);
    neck_tokenizer *tokenizer = open_tokenizer(path);
    const json_t *texts = json_object_get(golden, "texts"), *adversarial = json_object_get(expected, "adversarial");
    for (size_t i = 0; i < json_array_size(texts); i++) {
        int64_t size;
        char *text = unhex(json_array_get(texts, i), &size);
        assert_ids(tokenizer, name, i, text, size, 0, json_array_get(adversarial, i));
        free(text);
    }
    json_object_foreach(json_object_get(expected, "texts"), text_name, sums) {
        snprintf(path, sizeof path, "%s/text/%s", data, text_name);
        assert_book(tokenizer, path, sums);
    }
    char *word = long_word();
    int64_t count;
    int32_t *ids = encode(tokenizer, word, LONG_WORD, 0, &count);
    ck_assert_msg(checksum(ids, count) == json_integer_value(json_object_get(expected, "long_word")), "%s", name);
    free(ids);
    free(word);
    neck_tokenizer_destroy(tokenizer);
}

START_TEST(real_tokenizers_agree)
{
    const char *data = getenv("SOFTNECK_SHARED_DATA"), *name;
    json_t *expected;
    if (!data) return; /* too large to be part of the sources */
    json_object_foreach(json_object_get(golden, "real"), name, expected) assert_real(data, name, expected);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tokenizer");
    tcase_add_checked_fixture(tcase, load_golden, drop_golden);
    tcase_add_test(tcase, small_tokenizers_agree);
    tcase_add_test(tcase, a_long_word_agrees);
    tcase_add_test(tcase, real_tokenizers_agree);
    return run_suite("tokenizer", tcase);
}
