/* tests/test_ngrams_file.c - files of n-grams: their layout, reading them, and refusing what is none. */
#include "ngram_support.h"

#include "text/token_file.h"

/* Order 3 over a vocabulary of 300; two documents: 1 2 3 1 2 299, and 1 2 3 0. By hand:
 *   1 2: 3 twice, 299 once; 2 3: 0 once, 1 once; 3 1: 2 once. Nothing goes from 299 to 1. */
static const int32_t tokens[] = {1, 2, 3, 1, 2, 299, 1, 2, 3, 0};
static const int64_t ends[] = {6, 10};

static const unsigned char header_bytes[] = {
    'N', 'E', 'C', 'K', 'N', 'G', 'R', 'M', 1, 0, 0, 0, 3, 0, 0, 0, 2, 0, 0, 0, 4, 0, 0, 0, 0x2C, 1, 0, 0, 0, 0, 0, 0,
    10, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, /* tokens, documents */
    3, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,  /* contexts, n-grams */
    6, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0,  /* occurrences, singletons */
    1, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}; /* seen once, successors */

/* contexts, starts, successors, counts */
static const unsigned char section_bytes[] = {
    1, 0, 2, 0, 2, 0, 3, 0, 3, 0, 1, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0,
    3, 0, 0x2B, 1, 0, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0,
    2, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0};

enum { FILE_SIZE = NECK__NGRAMS_HEADER + sizeof section_bytes, CONTEXTS_AT = 192, STARTS_AT = 208, SUCCESSORS_AT = 240,
       COUNTS_AT = 256 };

static neck_ngrams *count_example(void)
{
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_count(NULL, tokens, 10, ends, 2, 300, 3, &ngrams));
    return ngrams;
}

/* The same, as a file that is gone again. */
static neck_ngrams *write_example(void)
{
    const neck_ngram_counter_options options = {sizeof options, .order = 3, .memory_bytes = 1 << 20};
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    neck_ngram_counter *counter = NULL;
    neck_ngrams *ngrams = NULL;
    scratch_make(folder);
    scratch_file(path, folder, "counted");
    MUST(neck_ngram_counter_create(NULL, 300, &options, &counter));
    MUST(neck_ngram_counter_push(NULL, counter, tokens, 6));
    MUST(neck_ngram_counter_end_document(NULL, counter));
    MUST(neck_ngram_counter_end_document(NULL, counter));
    MUST(neck_ngram_counter_push(NULL, counter, tokens + 6, 4));
    MUST(neck_ngram_counter_finish(NULL, counter, path));
    neck_ngram_counter_destroy(counter);
    MUST(neck_ngrams_open(NULL, path, 0, &ngrams));
    scratch_remove(folder);
    return ngrams;
}

START_TEST(the_layout_is_as_documented)
{
    static const int64_t sections[] = {CONTEXTS_AT, STARTS_AT, SUCCESSORS_AT, COUNTS_AT, FILE_SIZE};
    unsigned char expected[FILE_SIZE] = {0};
    memcpy(expected, header_bytes, sizeof header_bytes);
    memcpy(expected + NECK__NGRAMS_HEADER, section_bytes, sizeof section_bytes);
    for (int i = 0; i < 4; i++) {
        uint64_t sum = UINT64_C(0xCBF29CE484222325), word;
        for (int64_t at = sections[i]; at < sections[i + 1]; at += 8) {
            memcpy(&word, expected + at, 8);
            sum = (sum ^ word) * UINT64_C(0x100000001B3);
            sum ^= sum >> 32;
        }
        memcpy(expected + 96 + 8 * i, &sum, 8);
    }
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (int i = 0; i < 184; i++) hash = (hash ^ expected[i]) * UINT64_C(0x100000001B3);
    memcpy(expected + 184, &hash, 8);
    neck_ngrams *ngrams = write_example();
    ck_assert_int_eq(ngrams->mapping->size, FILE_SIZE);
    ck_assert_mem_eq(ngrams->mapping->data, expected, FILE_SIZE);
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* Files that another program made from the description. */
START_TEST(files_of_others_are_read)
{
    static const struct {
        const char *name;
        int64_t contexts, ngrams, occurrences;
    } files[] = {{"documents", 3, 5, 6}, {"wide", 3, 5, 7}, {"one", 1, 1, 1}, {"long", 8, 8, 56}};
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        neck_ngrams_info info = {.struct_size = sizeof info};
        neck_ngrams *ngrams = NULL;
        MUST(neck__ngrams_over(NULL, map_corpus("ngrams", files[i].name), 0, &ngrams));
        MUST(neck_ngrams_describe(ngrams, &info));
        ck_assert_int_eq(info.contexts, files[i].contexts);
        ck_assert_int_eq(info.ngrams, files[i].ngrams);
        ck_assert_int_eq(info.occurrences, files[i].occurrences);
        neck_ngrams_destroy(ngrams);
    }
    neck__mapping *file = map_corpus("ngrams", "documents");
    neck_ngrams *counted = write_example();
    ck_assert_int_eq(file->size, counted->mapping->size);
    ck_assert_mem_eq(file->data, counted->mapping->data, FILE_SIZE);
    neck_ngrams_destroy(counted);
    neck__mapping_close(file);
}
END_TEST

START_TEST(contexts_are_read)
{
    neck_ngrams *ngrams = _i ? write_example() : count_example();
    int32_t contexts[4], successors[3];
    int64_t starts[3], counts[3];
    MUST(neck_ngrams_read(ngrams, 1, 2, contexts, starts, successors, counts));
    ck_assert_mem_eq(contexts, ((int32_t[]){2, 3, 3, 1}), sizeof contexts);
    ck_assert_mem_eq(starts, ((int64_t[]){0, 2, 3}), sizeof starts);
    ck_assert_mem_eq(successors, ((int32_t[]){0, 1, 2}), sizeof successors);
    ck_assert_mem_eq(counts, ((int64_t[]){1, 1, 1}), sizeof counts);
    MUST(neck_ngrams_read(ngrams, 3, 0, contexts, starts, successors, counts));
    ck_assert_int_eq(starts[0], 0);
    assert_fails(neck_ngrams_read(ngrams, 3, 1, NULL, starts, NULL, NULL), NECK_E_ARGUMENT, "there are 3", "beyond");
    assert_fails(neck_ngrams_read(ngrams, -1, 1, NULL, starts, NULL, NULL), NECK_E_ARGUMENT, "from -1", "before");
    assert_fails(neck_ngrams_read(ngrams, 0, -1, NULL, starts, NULL, NULL), NECK_E_ARGUMENT, "-1 contexts", "count");
    assert_fails(neck_ngrams_read(NULL, 0, 1, NULL, starts, NULL, NULL), NECK_E_ARGUMENT, "ngrams is NULL", "NULL");
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* An older program knows fewer fields. */
START_TEST(describe_fills_what_the_caller_has)
{
    neck_ngrams *ngrams = count_example();
    neck_ngrams_info info;
    memset(&info, 0x55, sizeof info);
    info.struct_size = offsetof(neck_ngrams_info, tokens);
    MUST(neck_ngrams_describe(ngrams, &info));
    ck_assert_int_eq(info.vocab_size, 300);
    ck_assert_int_eq(info.tokens, 0x5555555555555555);
    ck_assert_uint_eq(info.struct_size, offsetof(neck_ngrams_info, tokens));
    info.struct_size = sizeof info + 1;
    assert_fails(neck_ngrams_describe(ngrams, &info), NECK_E_ARGUMENT, "struct_size", "large");
    info.struct_size = 0;
    assert_fails(neck_ngrams_describe(ngrams, &info), NECK_E_ARGUMENT, "struct_size", "zero");
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* Counts beyond 32 bits are as wide as they must be. */
START_TEST(large_counts_are_kept)
{
    const neck__key_form form = neck__key_form_of(2, 4);
    uint64_t keys[] = {1, 2, 7}, times[] = {3, UINT64_C(5000000000), UINT32_MAX};
    const neck__key_buffer buffer = {.form = form, .count = 3, .keys = keys, .spare = times};
    neck__ngrams_header header = {.info = {.struct_size = sizeof header.info, .order = 2, .vocab_size = 4,
                                           .tokens = INT64_C(9294967300), .documents = 1}};
    const neck__allocator allocator = neck__allocator_of(NULL);
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    neck__tally_stream stream;
    neck__atomic_file *file;
    neck_ngrams *ngrams = NULL;
    int64_t counts[3];
    scratch_make(folder);
    scratch_file(path, folder, "counted");
    neck__tally_stream_over(&stream, &buffer);
    MUST(neck__ngrams_survey(NULL, &stream, 3, &header));
    MUST(neck__atomic_file_create(&allocator, path, &file));
    neck__tally_stream_over(&stream, &buffer);
    MUST(neck__ngrams_write(NULL, &stream, &header, file));
    MUST(neck__atomic_file_commit(file));
    MUST(neck_ngrams_open(NULL, path, 0, &ngrams));
    scratch_remove(folder);
    MUST(neck_ngrams_read(ngrams, 0, 2, NULL, NULL, NULL, counts));
    ck_assert_mem_eq(counts, ((int64_t[]){3, INT64_C(5000000000), UINT32_MAX}), sizeof counts);
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* ---- damaged files ---- */

/* The example's bytes, with sums and hash made right, opened from memory. */
static neck_status open_made(const unsigned char *bytes, int64_t size, int32_t lazy, neck_ngrams **out)
{
    static unsigned char made[FILE_SIZE]; /* the reader only borrows it */
    neck__ngrams_header header;
    int64_t at[NECK__SECTIONS + 1];
    memcpy(made, bytes, (size_t)size);
    neck__little64_put(made + 184, neck__fnv(NECK__FNV_OFFSET, made, 184));
    if (neck__ngrams_header_read(made, &header) == NECK_OK) {
        neck__ngrams_layout(&header, at);
        for (int i = 0; i < NECK__SECTIONS && at[i + 1] <= size; i++)
            neck__little64_put(made + 96 + 8 * i, neck__sum_words(NECK__SUM_START, made + at[i], at[i + 1] - at[i]));
        neck__little64_put(made + 184, neck__fnv(NECK__FNV_OFFSET, made, 184));
    }
    return neck__ngrams_over(NULL, map_bytes(made, size), lazy, out);
}

static void get_example(unsigned char bytes[FILE_SIZE])
{
    neck_ngrams *ngrams = write_example();
    memcpy(bytes, ngrams->mapping->data, FILE_SIZE);
    neck_ngrams_destroy(ngrams);
}

/* One byte is something else, and all sums say that this is right. */
START_TEST(files_that_lie_are_refused)
{
    static const struct {
        int64_t at;
        unsigned char value;
        neck_status status;
        const char *fragment;
        int lazily; /* is refused even then */
    } cases[] = {
        {0, 'M', NECK_E_FORMAT, "not a file of n-grams", 1},
        {8, 2, NECK_E_UNSUPPORTED, "version 2", 1},
        {12, 1, NECK_E_FORMAT, "order 1", 1},
        {12, 9, NECK_E_FORMAT, "order 9", 1},
        {12, 2, NECK_E_TRAILING_DATA, "behind the end", 1},
        {12, 7, NECK_E_FORMAT, "n-grams take", 1},
        {16, 4, NECK_E_FORMAT, "4 bytes a token", 1},
        {20, 2, NECK_E_FORMAT, "2 bytes a count", 1},
        {20, 8, NECK_E_FORMAT, "n-grams take", 1},
        {26, 1, NECK_E_FORMAT, "bytes a token", 1},
        {31, 1, NECK_E_FORMAT, "a vocabulary of", 1},
        {71, 1, NECK_E_FORMAT, "contradict", 1},
        {39, 0x80, NECK_E_FORMAT, "contradict", 1},
        {40, 11, NECK_E_FORMAT, "contradict", 1},
        {48, 0, NECK_E_FORMAT, "contradict", 1},
        {48, 6, NECK_E_FORMAT, "contradict", 1},
        {55, 1, NECK_E_FORMAT, "contradict", 1},
        {56, 7, NECK_E_FORMAT, "contradict", 1},
        {64, 7, NECK_E_FORMAT, "does not describe", 0},
        {72, 0, NECK_E_FORMAT, "contradict", 1},
        {72, 2, NECK_E_FORMAT, "does not describe", 0},
        {80, 0, NECK_E_FORMAT, "does not describe", 0},
        {88, 4, NECK_E_FORMAT, "does not describe", 0},
        {140, 1, NECK_E_FORMAT, "byte 140", 1},
        {CONTEXTS_AT, 3, NECK_E_FORMAT, "context 1", 0},            /* not increasing */
        {CONTEXTS_AT + 5, 2, NECK_E_FORMAT, "context 1", 0},        /* outside the vocabulary */
        {STARTS_AT, 1, NECK_E_FORMAT, "context 0", 0},
        {STARTS_AT + 8, 0, NECK_E_FORMAT, "context 0", 0},
        {STARTS_AT + 16, 2, NECK_E_FORMAT, "context 1", 0},
        {STARTS_AT + 24, 6, NECK_E_FORMAT, "context 2", 0},
        {STARTS_AT + 31, 0x80, NECK_E_FORMAT, "context 2", 0},
        {SUCCESSORS_AT, 0, NECK_E_FORMAT, "header does not", 0},    /* a token that others have already */
        {SUCCESSORS_AT + 3, 2, NECK_E_FORMAT, "context 0", 0},      /* outside the vocabulary */
        {SUCCESSORS_AT + 6, 0, NECK_E_FORMAT, "context 1", 0},      /* twice the same */
        {COUNTS_AT, 0, NECK_E_FORMAT, "context 0", 0},
        {COUNTS_AT, 3, NECK_E_FORMAT, "context 2", 0},              /* more than all occurrences */
        {COUNTS_AT + 3, 0x80, NECK_E_FORMAT, "context 0", 0},
    };
    unsigned char bytes[FILE_SIZE];
    get_example(bytes);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        neck_ngrams *ngrams = NULL;
        const unsigned char kept = bytes[cases[i].at];
        char what[64];
        snprintf(what, sizeof what, "byte %d = %d", (int)cases[i].at, cases[i].value);
        bytes[cases[i].at] = cases[i].value;
        assert_fails(open_made(bytes, FILE_SIZE, 0, &ngrams), cases[i].status, cases[i].fragment, what);
        ck_assert_int_eq(open_made(bytes, FILE_SIZE, 1, &ngrams) != NECK_OK, cases[i].lazily);
        neck_ngrams_destroy(ngrams);
        bytes[cases[i].at] = kept;
    }
}
END_TEST

/* What was opened lazily is looked at when it is read. */
START_TEST(lazily_opened_files_are_checked_as_they_are_read)
{
    unsigned char bytes[FILE_SIZE];
    int32_t successors[2] = {-7, -7};
    int64_t starts[2];
    neck_ngrams *ngrams = NULL;
    get_example(bytes);
    bytes[SUCCESSORS_AT + 6] = 0;
    MUST(open_made(bytes, FILE_SIZE, 1, &ngrams));
    MUST(neck_ngrams_read(ngrams, 0, 1, NULL, starts, successors, NULL));
    successors[0] = -7;
    assert_fails(neck_ngrams_read(ngrams, 1, 1, NULL, NULL, successors, NULL), NECK_E_FORMAT, "context 1", "read");
    ck_assert_int_eq(successors[0], -7);
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* Every bit that changes without the sums being made right, every length but the right one. */
START_TEST(damage_is_noticed)
{
    unsigned char bytes[FILE_SIZE + 8] = {0};
    neck_ngrams *ngrams = NULL;
    get_example(bytes);
    for (int64_t bit = 0; bit < 8 * FILE_SIZE; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        ck_assert_int_ne(neck__ngrams_over(NULL, map_bytes(bytes, FILE_SIZE), 0, &ngrams), NECK_OK);
        bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
    }
    for (int64_t size = 0; size < FILE_SIZE; size++)
        assert_fails(neck__ngrams_over(NULL, map_bytes(bytes, size), 1, &ngrams), NECK_E_FORMAT, "bytes", "cut");
    assert_fails(neck__ngrams_over(NULL, map_bytes(bytes, FILE_SIZE + 8), 1, &ngrams), NECK_E_TRAILING_DATA,
                 "8 bytes behind", "longer");
    MUST(neck__ngrams_over(NULL, map_bytes(bytes, FILE_SIZE), 0, &ngrams));
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(paths_are_named)
{
    neck_ngrams *ngrams = NULL;
    assert_fails(neck_ngrams_open(NULL, "/nonexistent/a", 0, &ngrams), NECK_E_IO, "/nonexistent/a", "path");
    assert_fails(neck_ngrams_open(NULL, "/dev/null", 0, &ngrams), NECK_E_IO, "not a regular file", "device");
    assert_fails(neck_ngrams_open(NULL, NULL, 0, &ngrams), NECK_E_ARGUMENT, "path", "NULL");
    char path[PATH_CAPACITY];
    source_path(path, "tests/corpus/token_file/documents");
    assert_fails(neck_ngrams_open(NULL, path, 0, &ngrams), NECK_E_FORMAT, "token_file/documents", "tokens");
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("file");
    tcase_add_test(tcase, the_layout_is_as_documented);
    tcase_add_test(tcase, files_of_others_are_read);
    tcase_add_loop_test(tcase, contexts_are_read, 0, 2);
    tcase_add_test(tcase, describe_fills_what_the_caller_has);
    tcase_add_test(tcase, large_counts_are_kept);
    tcase_add_test(tcase, files_that_lie_are_refused);
    tcase_add_test(tcase, lazily_opened_files_are_checked_as_they_are_read);
    tcase_add_test(tcase, damage_is_noticed);
    tcase_add_test(tcase, paths_are_named);
    return run_suite("ngrams_file", tcase);
}
