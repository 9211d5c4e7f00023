/* tests/test_tokenizer_files.c - tokenizers from each kind of file, refusals, bytes that are not text, lack of memory.
 */
#include "format_support.h"

#include "format/json.h"

static neck_tokenizer *open_path(const char *path)
{
    neck_tokenizer *tokenizer = NULL;
    ck_assert_msg(neck_tokenizer_open(NULL, path, NULL, &tokenizer) == NECK_OK, "%s", neck_last_error());
    return tokenizer;
}

static neck_tokenizer *open_source(const char *name)
{
    char path[PATH_CAPACITY];
    source_path(path, name);
    return open_path(path);
}

#define SOUND "tests/golden/tokenizers/"

static json_t *read_json(const char *name)
{
    neck__mapping *file = map_source(name);
    json_t *root = NULL;
    ck_assert_int_eq(neck__json_parse(file->data, file->size, 32, file->size, &root), NECK_OK);
    neck__mapping_close(file);
    return root;
}

static const char mixed[] = "It's 12 cats,  caf\xC3\xA9s\n\tand \xF0\x9F\x91\x8D\xE4\xBD\xA0!";

enum { ROOM = 4096 };

static int64_t encode(const neck_tokenizer *tokenizer, const void *text, int64_t size, int32_t bare, int32_t ids[ROOM])
{
    const neck_encode_options options = {sizeof options, .no_special_tokens = bare};
    int64_t count = -1;
    ck_assert_msg(neck_tokenizer_encode(NULL, tokenizer, text, size, &options, ids, ROOM, &count) == NECK_OK, "%s",
                  neck_last_error());
    return count;
}

static void assert_same_ids(const neck_tokenizer *a, const neck_tokenizer *b, const char *text)
{
    int32_t x[ROOM], y[ROOM];
    int64_t count = encode(a, text, (int64_t)strlen(text), 0, x);
    ck_assert_int_gt(count, 0);
    ck_assert_int_eq(encode(b, text, (int64_t)strlen(text), 0, y), count);
    ck_assert_mem_eq(x, y, (size_t)count * sizeof *x);
}

/* ---- kinds of files ---- */

/* The texts of the golden file by number, with the numbers llama2.c's own algorithm gives. */
static void assert_llama2c(const neck_tokenizer *tokenizer, int32_t is_gguf)
{
    json_t *golden = read_json("tests/golden/tokenizers.json");
    const json_t *texts = json_object_get(golden, "texts"), *all = json_object_get(golden, "llama2c");
    ck_assert_uint_gt(json_array_size(all), 20);
    for (size_t i = 0; i < json_array_size(all); i++) {
        const char *digits = json_string_value(json_array_get(texts, i));
        const json_t *expected = json_array_get(all, i);
        char text[ROOM];
        int32_t ids[ROOM];
        int64_t size = (int64_t)strlen(digits) / 2;
        /* In GGUF U+2581 is a space, and <s> is a token also where a text spells it out. */
        if (json_is_null(expected) || (is_gguf && (strstr(digits, "e29681") || strstr(digits, "3c733e")))) continue;
        for (int64_t k = 0; k < size; k++) sscanf(digits + 2 * k, "%2hhx", (unsigned char *)&text[k]);
        int64_t count = encode(tokenizer, text, size, 0, ids);
        ck_assert_uint_eq((size_t)count, json_array_size(expected));
        for (int64_t k = 0; k < count; k++)
            ck_assert_int_eq(ids[k], json_integer_value(json_array_get(expected, (size_t)k)));
    }
    json_decref(golden);
}

START_TEST(llama2c_agrees)
{
    neck_tokenizer *tokenizer = open_source("examples/data/stories260K/tok512.bin");
    ck_assert_str_eq(neck_tokenizer_kind(tokenizer), "character BPE");
    ck_assert_int_eq(neck_tokenizer_vocab_size(tokenizer), 512);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_BOS), 1);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_EOS), 2);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_PAD), -1);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, 99), -1);
    assert_llama2c(tokenizer, 0);
    neck_tokenizer *folder = open_source("examples/data/stories260K");
    assert_same_ids(tokenizer, folder, mixed);
    neck_tokenizer_destroy(folder);
    neck_tokenizer_destroy(tokenizer);
}
END_TEST

START_TEST(gguf_agrees)
{
    neck_tokenizer *llama = open_source(SOUND "llama.gguf"), *gguf = open_source(SOUND "smollm.gguf"),
                   *json = open_source(SOUND "smollm.json");
    assert_llama2c(llama, 1);
    ck_assert_int_eq(neck_tokenizer_special(llama, NECK_TOKEN_EOS), 2);
    assert_same_ids(gguf, json, mixed);
    neck_tokenizer_destroy(llama);
    neck_tokenizer_destroy(gguf);
    neck_tokenizer_destroy(json);
}
END_TEST

static void write_text(const char *folder, const char *name, const char *text)
{
    char path[PATH_CAPACITY];
    scratch_file(path, folder, name);
    FILE *file = fopen(path, "wb");
    ck_assert_ptr_nonnull(file);
    ck_assert_int_ge(fputs(text, file), 0);
    ck_assert_int_eq(fclose(file), 0);
}

/* The model of gpt2.json as GPT-2's two files. */
static void write_gpt2(const char *folder, const char *vocabulary, const char *merges)
{
    json_t *root = read_json(SOUND "gpt2.json"), *model = json_object_get(root, "model"), *merge;
    char *text = json_dumps(json_object_get(model, "vocab"), 0), path[PATH_CAPACITY];
    size_t i;
    write_text(folder, vocabulary, text);
    free(text);
    scratch_file(path, folder, merges);
    FILE *file = fopen(path, "wb");
    fputs("#version: 0.2\n", file);
    json_array_foreach(json_object_get(model, "merges"), i, merge)
        fprintf(file, "%s %s\n", json_string_value(json_array_get(merge, 0)),
                json_string_value(json_array_get(merge, 1)));
    fclose(file);
    json_decref(root);
}

START_TEST(two_files_agree_with_one)
{
    static const struct {
        const char *vocabulary, *merges;
    } names[] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}, {"x-encoder.json", "x-vocab.bpe"}};
    neck_tokenizer *one = open_source(SOUND "gpt2.json");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char folder[PATH_CAPACITY], path[PATH_CAPACITY];
        scratch_make(folder);
        write_gpt2(folder, names[i].vocabulary, names[i].merges);
        scratch_file(path, folder, names[i].vocabulary);
        neck_tokenizer *two = open_path(i == 0 ? folder : path);
        assert_same_ids(one, two, mixed);
        neck_tokenizer_destroy(two);
        scratch_remove(folder);
    }
    neck_tokenizer_destroy(one);
}
END_TEST

START_TEST(merges_may_be_named)
{
    char folder[PATH_CAPACITY], path[PATH_CAPACITY], merges[PATH_CAPACITY];
    scratch_make(folder);
    write_gpt2(folder, "words.json", "joins");
    scratch_file(path, folder, "words.json");
    scratch_file(merges, folder, "joins");
    neck_tokenizer *tokenizer = NULL, *one = open_source(SOUND "gpt2.json");
    assert_fails(neck_tokenizer_open(NULL, path, NULL, &tokenizer), NECK_E_NOT_FOUND, "without merges", "no merges");
    ck_assert_ptr_null(tokenizer);
    const neck_tokenizer_options options = {sizeof options, merges};
    ck_assert_int_eq(neck_tokenizer_open(NULL, path, &options, &tokenizer), NECK_OK);
    assert_same_ids(one, tokenizer, mixed);
    neck_tokenizer_destroy(one);
    neck_tokenizer_destroy(tokenizer);
    scratch_remove(folder);
}
END_TEST

START_TEST(a_config_names_special_tokens)
{
    char folder[PATH_CAPACITY];
    int32_t ids[ROOM];
    scratch_make(folder);
    write_gpt2(folder, "vocab.json", "merges.txt");
    write_text(folder, "tokenizer_config.json",
               "{\"bos_token\":\"a\",\"eos_token\":{\"content\":\"b\"},\"add_bos_token\":true}");
    neck_tokenizer *tokenizer = open_path(folder);
    int32_t a, b;
    ck_assert_int_eq(neck_tokenizer_find(tokenizer, "a", 1, &a), NECK_OK);
    ck_assert_int_eq(neck_tokenizer_find(tokenizer, "b", 1, &b), NECK_OK);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_BOS), a);
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_EOS), b);
    ck_assert_int_eq(encode(tokenizer, "x", 1, 0, ids), 2);
    ck_assert_int_eq(ids[0], a);
    ck_assert_int_eq(encode(tokenizer, "x", 1, 1, ids), 1);
    neck_tokenizer_destroy(tokenizer);
    write_text(folder, "tokenizer_config.json", "{");
    assert_fails(neck_tokenizer_open(NULL, folder, NULL, &tokenizer), NECK_E_FORMAT, "tokenizer_config.json",
                 "broken config");
    scratch_remove(folder);
}
END_TEST

/* ---- refusals ---- */

static const refusal refusals[] = {
    {"added_number.json", NECK_E_FORMAT, "no content or number"},
    {"affix.json", NECK_E_UNSUPPORTED, "end_of_word_suffix"},
    {"behavior.json", NECK_E_UNSUPPORTED, "'Sideways'"},
    {"behind_bytes.json", NECK_E_UNSUPPORTED, "'Digits' stands behind ByteLevel"},
    {"bert.json", NECK_E_UNSUPPORTED, "pre-tokenizer 'BertPreTokenizer'"},
    {"decoder.json", NECK_E_UNSUPPORTED, "decoder 'WordPiece'"},
    {"dropout.json", NECK_E_UNSUPPORTED, "dropout"},
    {"empty_vocab.json", NECK_E_FORMAT, "no tokens"},
    {"fallback_of_bytes.json", NECK_E_UNSUPPORTED, "byte_fallback behind"},
    {"huge_number.json", NECK_E_FORMAT, "token number 2000000000"},
    {"lowercase.json", NECK_E_UNSUPPORTED, "normalizer 'Lowercase'"},
    {"many_normalizers.json", NECK_E_UNSUPPORTED, "more than 8 normalizers"},
    {"many_pretokenizers.json", NECK_E_UNSUPPORTED, "more than 8 pre-tokenizers"},
    {"merge_number.json", NECK_E_FORMAT, "merge 0 is not two strings"},
    {"merge_of_three.json", NECK_E_FORMAT, "merge 0 is not two tokens"},
    {"merge_unknown.json", NECK_E_FORMAT, "'b' and 'a', is not in the vocabulary"},
    {"merge_without_space.json", NECK_E_FORMAT, "merge 0 is not two tokens"},
    {"merges_object.json", NECK_E_FORMAT, "no 'merges'"},
    {"negative_number.json", NECK_E_FORMAT, "number of token 'a'"},
    {"no_model_type.json", NECK_E_UNSUPPORTED, "no type and no merges"},
    {"no_pattern.json", NECK_E_FORMAT, "no string 'Regex'"},
    {"processor.json", NECK_E_UNSUPPORTED, "post-processor 'Barcode'"},
    {"regex_dot.json", NECK_E_UNSUPPORTED, "unknown at '.b'"},
    {"regex_empty_match.json", NECK_E_UNSUPPORTED, "matches the empty text"},
    {"regex_named_group.json", NECK_E_UNSUPPORTED, "'(?<n>a)'"},
    {"regex_nested_class.json", NECK_E_UNSUPPORTED, "'[b]]'"},
    {"regex_open.json", NECK_E_UNSUPPORTED, "missing closing parenthesis"},
    {"regex_possessive.json", NECK_E_UNSUPPORTED, "'{1,3}+'"},
    {"replace_nothing.json", NECK_E_UNSUPPORTED, "replaces the empty text"},
    {"replace_regex.json", NECK_E_UNSUPPORTED, "by a regular expression"},
    {"same_number.json", NECK_E_FORMAT, "two tokens have number 0"},
    {"scheme.json", NECK_E_UNSUPPORTED, "'twice'"},
    {"sequence.json", NECK_E_FORMAT, "no 'pretokenizers'"},
    {"single_word.json", NECK_E_UNSUPPORTED, "only whole words"},
    {"strip.json", NECK_E_UNSUPPORTED, "strips"},
    {"template_empty.json", NECK_E_UNSUPPORTED, "leaves the text out"},
    {"template_token.json", NECK_E_FORMAT, "does not exist"},
    {"template_twice.json", NECK_E_UNSUPPORTED, "repeats the text"},
    {"unigram.json", NECK_E_UNSUPPORTED, "model is Unigram"},
    {"unknown_missing.json", NECK_E_FORMAT, "'<unk>' is not in the vocabulary"},
    {"vocab_list.json", NECK_E_FORMAT, "no 'vocab'"},
    {"wordpiece.json", NECK_E_UNSUPPORTED, "model is WordPiece"},
};

START_TEST(malformed_files_are_refused)
{
    const size_t count = sizeof refusals / sizeof *refusals;
    assert_all_covered("tokenizer", count);
    for (size_t i = 0; i < count; i++) {
        char name[128], path[PATH_CAPACITY];
        neck_tokenizer *tokenizer = NULL;
        snprintf(name, sizeof name, "tests/corpus/tokenizer/bad_%s", refusals[i].name);
        source_path(path, name);
        assert_fails(neck_tokenizer_open(NULL, path, NULL, &tokenizer), refusals[i].status, refusals[i].fragment, name);
        ck_assert_ptr_null(tokenizer);
    }
}
END_TEST

START_TEST(other_paths_are_refused)
{
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    neck_tokenizer *tokenizer = NULL;
    scratch_make(folder);
    assert_fails(neck_tokenizer_open(NULL, folder, NULL, &tokenizer), NECK_E_NOT_FOUND, "no tokenizer in",
                 "empty folder");
    scratch_file(path, folder, "nothing");
    assert_fails(neck_tokenizer_open(NULL, path, NULL, &tokenizer), NECK_E_IO, "cannot open", "no file");
    write_text(folder, "text", "Call me Ishmael. Some years ago");
    scratch_file(path, folder, "text");
    assert_fails(neck_tokenizer_open(NULL, path, NULL, &tokenizer), NECK_E_FORMAT, "no tokenizer of llama2.c",
                 "a text");
    write_text(folder, "vocab.json", "{\"a\":0}");
    assert_fails(neck_tokenizer_open(NULL, folder, NULL, &tokenizer), NECK_E_IO, "merges.txt", "vocabulary alone");
    assert_fails(neck_tokenizer_open(NULL, NULL, NULL, &tokenizer), NECK_E_ARGUMENT, "NULL", "no path");
    ck_assert_ptr_null(tokenizer);
    scratch_remove(folder);
}
END_TEST

/* ---- bytes ---- */

START_TEST(any_bytes_come_back)
{
    static const char *const names[] = {SOUND "gpt2.json", SOUND "llama3.json", SOUND "gemma.json",
                                        SOUND "llama.gguf", "examples/data/stories260K/tok512.bin"};
    static const neck_decode_options options = {sizeof options, .skip_special_tokens = 1};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        neck_tokenizer *tokenizer = open_source(names[i]);
        uint32_t state = 7;
        for (int round = 0; round < 200; round++) {
            unsigned char text[200], out[ROOM];
            int32_t ids[ROOM];
            int64_t length;
            for (size_t k = 0; k < sizeof text; k++) {
                state = state * 1664525u + 1013904223u;
                text[k] = (unsigned char)(state >> 30 ? state >> 16 : 0x20 + (state >> 16) % 0x5F);
            }
            int64_t count = encode(tokenizer, text, sizeof text, 1, ids);
            ck_assert_int_eq(neck_tokenizer_decode(tokenizer, ids, count, &options, (char *)out, ROOM, &length),
                             NECK_OK);
            ck_assert_msg(length == sizeof text && memcmp(out, text, sizeof text) == 0, "%s, round %d", names[i],
                          round);
        }
        neck_tokenizer_destroy(tokenizer);
    }
}
END_TEST

START_TEST(text_around_bad_bytes_is_split_by_itself)
{
    neck_tokenizer *tokenizer = open_source(SOUND "gpt2.json");
    int32_t all[ROOM], part[ROOM];
    int64_t count = encode(tokenizer, "the age\xFF\xC3 of it", 15, 1, all),
            seen = encode(tokenizer, "the age", 7, 1, part);
    ck_assert_mem_eq(all, part, (size_t)seen * sizeof *all);
    seen += 2;
    count -= seen;
    ck_assert_int_eq(encode(tokenizer, " of it", 6, 1, part), count);
    ck_assert_mem_eq(all + seen, part, (size_t)count * sizeof *all);
    const neck_encode_options strict = {sizeof strict, .strict_utf8 = 1};
    int64_t untouched = -5;
    assert_fails(neck_tokenizer_encode(NULL, tokenizer, "the age\xFF", 8, &strict, all, ROOM, &untouched),
                 NECK_E_FORMAT, "byte 7 is 0xFF", "strict");
    ck_assert_int_eq(untouched, -5);
    neck_tokenizer_destroy(tokenizer);
}
END_TEST

/* A run of white space or of marks is one piece, and may not take quadratic time. */
START_TEST(long_runs_are_quick)
{
    enum { SIZE = 1 << 20 };
    char *text = malloc(SIZE);
    int32_t *ids = malloc(SIZE * sizeof *ids);
    static const char *const names[] = {SOUND "llama3.json", SOUND "neox.json", SOUND "llama2.json",
                                        SOUND "metaspace_split.json"};
    static const char fills[] = " \n-";
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        neck_tokenizer *tokenizer = open_source(names[i]);
        for (const char *fill = fills; *fill; fill++) {
            int64_t count, length;
            memset(text, *fill, SIZE);
            ck_assert_msg(neck_tokenizer_encode(NULL, tokenizer, text, SIZE, NULL, ids, SIZE, &count) == NECK_OK ||
                          count > SIZE, "%s", neck_last_error());
            ck_assert_int_eq(neck_tokenizer_decode(tokenizer, ids, count < SIZE ? count : SIZE, NULL, NULL, 0, &length),
                             NECK_E_OVERFLOW);
        }
        neck_tokenizer_destroy(tokenizer);
    }
    free(text);
    free(ids);
}
END_TEST

/* ---- arguments ---- */

/* Marks are sorted by class: so many of them, in the wrong order, that quadratic time would show. */
START_TEST(many_marks_are_quick)
{
    enum { PAIRS = 100000 };
    char *text = malloc(4 * PAIRS);
    int32_t *ids = malloc(4 * PAIRS * sizeof *ids);
    int64_t count;
    for (int i = 0; i < PAIRS; i++) memcpy(text + 4 * i, "\xCC\x81\xCC\xA3", 4); /* above, below */
    neck_tokenizer *tokenizer = open_source(SOUND "neox.json");
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, text, 4 * PAIRS, NULL, ids, 4 * PAIRS, &count), NECK_OK);
    ck_assert_int_eq(neck_tokenizer_decode(tokenizer, ids, count, NULL, text, 4 * PAIRS, &count), NECK_OK);
    ck_assert_int_eq(count, 4 * PAIRS);
    ck_assert_mem_eq(text, "\xCC\xA3\xCC\xA3", 4);
    ck_assert_mem_eq(text + 4 * PAIRS - 4, "\xCC\x81\xCC\x81", 4);
    neck_tokenizer_destroy(tokenizer);
    free(text);
    free(ids);
}
END_TEST

START_TEST(room_is_counted)
{
    neck_tokenizer *tokenizer = open_source(SOUND "gpt2.json");
    int32_t ids[ROOM], few[3] = {-1, -1, -1}, id;
    int64_t count = encode(tokenizer, mixed, sizeof mixed - 1, 0, ids), needed = 0, size;
    char text[4] = "....";
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, mixed, sizeof mixed - 1, NULL, NULL, 0, &needed),
                     NECK_E_OVERFLOW);
    ck_assert_int_eq(needed, count);
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, mixed, sizeof mixed - 1, NULL, few, 2, &needed),
                     NECK_E_OVERFLOW);
    ck_assert_int_eq(needed, count);
    ck_assert_mem_eq(few, ids, 2 * sizeof *few);
    ck_assert_int_eq(few[2], -1);
    ck_assert_int_eq(neck_tokenizer_decode(tokenizer, ids, count, NULL, text, 3, &size), NECK_E_OVERFLOW);
    ck_assert_int_eq(size, sizeof mixed - 1);
    ck_assert_mem_eq(text, "It'.", 4);
    ck_assert_int_eq(neck_tokenizer_encode(NULL, tokenizer, NULL, 0, NULL, NULL, 0, &needed), NECK_OK);
    ck_assert_int_eq(needed, 0);
    ids[1] = (int32_t)neck_tokenizer_vocab_size(tokenizer);
    assert_fails(neck_tokenizer_decode(tokenizer, ids, count, NULL, NULL, 0, &size), NECK_E_ARGUMENT, "ids[1]",
                 "large number");
    assert_fails(neck_tokenizer_encode(NULL, tokenizer, mixed, -1, NULL, ids, ROOM, &size), NECK_E_ARGUMENT, "-1",
                 "size");
    assert_fails(neck_tokenizer_encode(NULL, NULL, mixed, 1, NULL, ids, ROOM, &size), NECK_E_ARGUMENT, "NULL",
                 "tokenizer");
    assert_fails(neck_tokenizer_find(tokenizer, "no such token", 13, &id), NECK_E_NOT_FOUND, "no such token", "find");
    neck_tokenizer_destroy(tokenizer);
    neck_tokenizer_destroy(NULL);
}
END_TEST

START_TEST(spelling_and_number_are_inverse)
{
    neck_tokenizer *tokenizer = open_source(SOUND "llama2.json");
    const int64_t size = neck_tokenizer_vocab_size(tokenizer);
    const char *bytes;
    int64_t length;
    int32_t id;
    for (int32_t i = 0; i < size; i++) {
        ck_assert_int_eq(neck_tokenizer_token(tokenizer, i, &bytes, &length), NECK_OK);
        ck_assert_int_eq(neck_tokenizer_find(tokenizer, bytes, length, &id), NECK_OK);
        ck_assert_int_eq(id, i);
    }
    assert_fails(neck_tokenizer_token(tokenizer, -1, &bytes, &length), NECK_E_ARGUMENT, "-1", "token");
    ck_assert_int_eq(neck_tokenizer_special(tokenizer, NECK_TOKEN_UNK), 0);
    neck_tokenizer_destroy(tokenizer);
}
END_TEST

/* ---- memory that runs out ---- */

static neck_status open_and_encode(neck_context *context, const char *path)
{
    neck_tokenizer *tokenizer = NULL;
    int32_t ids[ROOM];
    int64_t count = -7;
    neck_status status = neck_tokenizer_open(context, path, NULL, &tokenizer);
    if (status != NECK_OK) {
        ck_assert_ptr_null(tokenizer);
        return status;
    }
    status = neck_tokenizer_encode(context, tokenizer, mixed, sizeof mixed - 1, NULL, ids, ROOM, &count);
    ck_assert(status == NECK_OK ? count > 0 : count == -7);
    neck_tokenizer_destroy(tokenizer);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    static const char *const names[] = {SOUND "prefix.json",
                                        SOUND "qwen2.json",
                                        SOUND "llama2.json",
                                        SOUND "smollm.gguf",
                                        SOUND "metaspace_split.json",
                                        "examples/data/stories260K",
                                        "examples/data/stories260K/tok512.bin"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        failing state = {.before_failure = 0};
        neck_context_options options = {.struct_size = sizeof options, .threads = 1, .alloc = failing_alloc,
                                        .release = failing_release, .alloc_user = &state};
        char path[PATH_CAPACITY];
        source_path(path, names[i]);
        neck_status status = NECK_E_NOMEM;
        for (int64_t allowed = 0; status != NECK_OK || state.failed; allowed++) {
            neck_context *context;
            state = (failing){.before_failure = -1};
            ck_assert_int_eq(neck_context_create(&options, &context), NECK_OK);
            state.before_failure = allowed;
            status = open_and_encode(context, path);
            /* Patterns need no memory for machine code to work, only to be quick. */
            ck_assert_msg(status == NECK_OK || (status == NECK_E_NOMEM && state.failed), "%s, allocation %d: %s",
                          names[i], (int)allowed, neck_last_error());
            neck_context_destroy(context);
            ck_assert_int_eq(state.live, 0);
        }
    }
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("tokenizer files");
    tcase_add_test(tcase, llama2c_agrees);
    tcase_add_test(tcase, gguf_agrees);
    tcase_add_test(tcase, two_files_agree_with_one);
    tcase_add_test(tcase, merges_may_be_named);
    tcase_add_test(tcase, a_config_names_special_tokens);
    tcase_add_test(tcase, malformed_files_are_refused);
    tcase_add_test(tcase, other_paths_are_refused);
    tcase_add_test(tcase, any_bytes_come_back);
    tcase_add_test(tcase, text_around_bad_bytes_is_split_by_itself);
    tcase_add_test(tcase, long_runs_are_quick);
    tcase_add_test(tcase, many_marks_are_quick);
    tcase_add_test(tcase, room_is_counted);
    tcase_add_test(tcase, spelling_and_number_are_inverse);
    tcase_add_test(tcase, every_allocation_may_fail);
    return run_suite("tokenizer files", tcase);
}
