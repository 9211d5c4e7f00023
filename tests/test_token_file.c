/* tests/test_token_file.c - token files written, read, refused; batches that depend on their step alone. */
#include <math.h>

#include "format_support.h"
#include "softneck/batches.h"
#include "text/token_file.h"

#define MUST(call) ck_assert_msg((call) == NECK_OK, "%s", neck_last_error())

/* ---- files in a scratch folder ---- */

typedef struct place {
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
} place;

static place make_place(void)
{
    place p;
    scratch_make(p.folder);
    scratch_file(p.path, p.folder, "tokens.bin");
    return p;
}

/* Token i of a file is i * 7 modulo the vocabulary; a document ends behind each of the lengths. */
static int32_t token_of(int64_t i, int64_t vocab_size)
{
    return (int32_t)(i * 7 % vocab_size);
}

static void write_tokens(const char *path, int64_t vocab_size, int64_t count, int64_t document)
{
    neck_token_writer *writer = NULL;
    MUST(neck_token_writer_create(NULL, path, vocab_size, UINT64_C(0x0123456789ABCDEF), &writer));
    for (int64_t i = 0; i < count; i++) {
        const int32_t id = token_of(i, vocab_size);
        if (neck_token_writer_push(writer, &id, 1) != NECK_OK) ck_abort_msg("%s", neck_last_error());
        if (document > 0 && ((i + 1) % document == 0 || i + 1 == count)) MUST(neck_token_writer_end_document(writer));
    }
    MUST(neck_token_writer_commit(writer));
}

static neck_token_file *open_tokens(const char *path)
{
    neck_token_file *file = NULL;
    MUST(neck_token_file_open(NULL, path, NULL, &file));
    return file;
}

START_TEST(what_is_written_is_read)
{
    static const int64_t sizes[] = {1, 300, 65536, 65537, INT32_MAX}, counts[] = {0, 1, 3, 10007};
    place p = make_place();
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
            static int32_t ids[10007];
            write_tokens(p.path, sizes[s], counts[c], 100);
            neck_token_file *file = open_tokens(p.path);
            ck_assert_int_eq(neck_token_file_count(file), counts[c]);
            ck_assert_int_eq(neck_token_file_vocab_size(file), sizes[s]);
            ck_assert_uint_eq(neck_token_file_tokenizer_hash(file), UINT64_C(0x0123456789ABCDEF));
            ck_assert_int_eq(neck_token_file_documents(file), (counts[c] + 99) / 100);
            MUST(neck_token_file_read(file, 0, counts[c], ids));
            for (int64_t i = 0; i < counts[c]; i++)
                if (ids[i] != token_of(i, sizes[s])) ck_abort_msg("token %lld is %d", (long long)i, ids[i]);
            for (int64_t d = 0, begin, end; d < neck_token_file_documents(file); d++) {
                MUST(neck_token_file_document(file, d, &begin, &end));
                ck_assert_int_eq(begin, 100 * d);
                ck_assert_int_eq(end, counts[c] < 100 * (d + 1) ? counts[c] : 100 * (d + 1));
            }
            neck_token_file_destroy(file);
        }
    }
    scratch_remove(p.folder);
}
END_TEST

/* The layout, written by hand from its description. */
START_TEST(the_layout_is_as_documented)
{
    static const unsigned char expected[] = {
        'N', 'E', 'C', 'K', 'T', 'O', 'K', 'S', 1, 0, 0, 0, 2, 0, 0, 0, 0xEF, 0xCD, 0xAB, 0x89, 0x67, 0x45, 0x23, 0x01,
        0x2C, 1, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    static const int32_t ids[] = {299, 0, 258};
    place p = make_place();
    neck_token_writer *writer = NULL;
    MUST(neck_token_writer_create(NULL, p.path, 300, UINT64_C(0x0123456789ABCDEF), &writer));
    MUST(neck_token_writer_push(writer, ids, 2));
    MUST(neck_token_writer_end_document(writer));
    MUST(neck_token_writer_push(writer, ids + 2, 1));
    MUST(neck_token_writer_end_document(writer));
    MUST(neck_token_writer_commit(writer));
    neck__mapping *file = map_file(p.path);
    ck_assert_int_eq(file->size, 64 + 8 + 16);
    ck_assert_mem_eq(file->data, expected, sizeof expected);
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (size_t i = 0; i < sizeof expected; i++) hash = (hash ^ expected[i]) * UINT64_C(0x100000001B3);
    ck_assert_mem_eq(file->data + 56, &hash, 8);
    ck_assert_mem_eq(file->data + 64, "\x2B\x01\0\0\x02\x01\0\0\x02\0\0\0\0\0\0\0\x03\0\0\0\0\0\0", 24);
    neck__mapping_close(file);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(a_writer_refuses)
{
    static const int32_t ids[] = {0, 9, 10}, negative = -1;
    place p = make_place();
    neck_token_writer *writer = NULL;
    assert_fails(neck_token_writer_create(NULL, p.path, 0, 0, &writer), NECK_E_ARGUMENT, "vocab_size is 0", "size");
    assert_fails(neck_token_writer_create(NULL, p.path, (int64_t)INT32_MAX + 1, 0, &writer), NECK_E_ARGUMENT,
                 "vocab_size is 2147483648", "size");
    assert_fails(neck_token_writer_create(NULL, "/nonexistent/a", 10, 0, &writer), NECK_E_IO, "/nonexistent", "path");
    ck_assert_ptr_null(writer);
    MUST(neck_token_writer_create(NULL, p.path, 10, 0, &writer));
    assert_fails(neck_token_writer_push(writer, ids, 3), NECK_E_ARGUMENT, "token 2 is 10", "push");
    assert_fails(neck_token_writer_push(writer, &negative, 1), NECK_E_ARGUMENT, "token 0 is -1", "push");
    assert_fails(neck_token_writer_push(writer, ids, -1), NECK_E_ARGUMENT, "count is -1", "push");
    MUST(neck_token_writer_end_document(writer));
    MUST(neck_token_writer_push(writer, ids, 2));
    assert_fails(neck_token_writer_commit(writer), NECK_E_STATE, "no document", "commit");
    ck_assert_int_eq(scratch_count(p.folder), 0);
    MUST(neck_token_writer_create(NULL, p.path, 10, 0, &writer));
    MUST(neck_token_writer_push(writer, ids, 2));
    neck_token_writer_destroy(writer);
    ck_assert_int_eq(scratch_count(p.folder), 0);
    neck_token_writer_destroy(NULL);
    scratch_remove(p.folder);
}
END_TEST

/* ---- damaged files ---- */

/* Six tokens of a vocabulary of 300 in two documents, in memory. */
typedef struct image {
    unsigned char bytes[64 + 16 + 16 + 1];
    int64_t size;
} image;

static image make_image(void)
{
    image made = {.size = 64 + 16 + 16};
    const neck__token_header header = {.width = 2, .vocab_size = 300, .count = 6, .documents = 2};
    neck__token_header_write(&header, made.bytes);
    for (int i = 0; i < 6; i++) neck__put_little(made.bytes + 64 + 2 * i, (uint64_t)(290 + i), 2);
    neck__put_little(made.bytes + 80, 4, 8);
    neck__put_little(made.bytes + 88, 6, 8);
    return made;
}

static neck_status open_image(const image *made, int32_t lazy, neck_token_file **out)
{
    return neck__token_file_over(NULL, map_bytes(made->bytes, made->size), lazy, out);
}

static void refuses_image(const image *made, neck_status status, const char *fragment)
{
    neck_token_file *file = NULL;
    assert_fails(open_image(made, 0, &file), status, fragment, fragment);
    ck_assert_ptr_null(file);
}

/* A number of the header replaced, and the header's hash made right again. */
static image with_number(int offset, uint64_t value, int32_t size)
{
    image made = make_image();
    neck__put_little(made.bytes + offset, value, size);
    neck__put_little(made.bytes + 56, neck__fnv(NECK__FNV_OFFSET, made.bytes, 56), 8);
    return made;
}

START_TEST(damage_is_found)
{
    image made = make_image();
    neck_token_file *file = NULL;
    MUST(open_image(&made, 0, &file));
    neck_token_file_destroy(file);
    made.bytes[17] ^= 1;
    refuses_image(&made, NECK_E_FORMAT, "header of the token file is damaged");
    made = make_image(), made.bytes[0] = 'n';
    refuses_image(&made, NECK_E_FORMAT, "not a token file");
    made = make_image(), made.size = 63;
    refuses_image(&made, NECK_E_FORMAT, "not a token file: 63 bytes");
    made = make_image(), made.size--;
    refuses_image(&made, NECK_E_FORMAT, "95 bytes where 6 tokens and 2 documents take 96");
    made = make_image(), made.size++;
    refuses_image(&made, NECK_E_TRAILING_DATA, "1 bytes behind");
    made = with_number(8, 2, 4);
    refuses_image(&made, NECK_E_UNSUPPORTED, "version 2");
    made = with_number(12, 4, 4);
    refuses_image(&made, NECK_E_FORMAT, "4 bytes a token for a vocabulary of 300");
    made = with_number(24, 0, 8);
    refuses_image(&made, NECK_E_FORMAT, "vocabulary of 0");
    made = with_number(24, UINT64_MAX, 8);
    refuses_image(&made, NECK_E_FORMAT, "vocabulary of 18446744073709551615");
    made = with_number(32, UINT64_C(1) << 63, 8);
    refuses_image(&made, NECK_E_FORMAT, "more than 2^58");
    made = with_number(40, UINT64_C(1) << 61, 8);
    refuses_image(&made, NECK_E_FORMAT, "more than 2^58");
    made = with_number(48, 1, 8);
    refuses_image(&made, NECK_E_FORMAT, "bytes 48 to 55");
    made = make_image(), made.bytes[80] = 7;
    refuses_image(&made, NECK_E_FORMAT, "document 0 ends at token 7");
    made = make_image(), made.bytes[88] = 3;
    refuses_image(&made, NECK_E_FORMAT, "document 1 ends at token 3");
    made = make_image(), made.bytes[88] = 5;
    refuses_image(&made, NECK_E_FORMAT, "belong to no document");
}
END_TEST

START_TEST(tokens_outside_the_vocabulary_never_come_out)
{
    image made = make_image();
    neck_token_file *file = NULL;
    int32_t ids[6] = {-5, -5, -5, -5, -5, -5};
    neck__put_little(made.bytes + 64 + 2 * 3, 300, 2);
    refuses_image(&made, NECK_E_FORMAT, "token 3 is 300: the vocabulary has 300");
    MUST(open_image(&made, 1, &file));
    MUST(neck_token_file_read(file, 0, 3, ids));
    MUST(neck_token_file_read(file, 4, 2, ids + 4));
    assert_fails(neck_token_file_read(file, 1, 3, ids), NECK_E_FORMAT, "token 3 is 300", "read");
    ck_assert_int_eq(ids[0], 290);
    ck_assert_int_eq(ids[3], -5);
    ck_assert_int_eq(ids[5], 295);
    neck_token_file_destroy(file);
}
END_TEST

/* Longer than a round of checking, the bad token in the last task. */
START_TEST(all_tokens_are_checked)
{
    enum { COUNT = 20000000 };
    const neck__token_header header = {.width = 2, .vocab_size = 300, .count = COUNT};
    const int64_t size = neck__token_documents_at(COUNT, 2);
    unsigned char *bytes = calloc(1, (size_t)size);
    neck_token_file *file = NULL;
    neck__token_header_write(&header, bytes);
    MUST(neck__token_file_over(NULL, map_bytes(bytes, size), 0, &file));
    neck_token_file_destroy(file);
    bytes[64 + 2 * (COUNT - 1) + 1] = 2;
    assert_fails(neck__token_file_over(NULL, map_bytes(bytes, size), 0, &file), NECK_E_FORMAT,
                 "token 19999999 is 512", "the last token");
    free(bytes);
}
END_TEST

START_TEST(a_reader_refuses)
{
    const neck_token_file_options bad = {sizeof bad, .reserved = 1};
    place p = make_place();
    neck_token_file *file = NULL;
    int64_t begin = 0, end = 0;
    int32_t ids[8];
    assert_fails(neck_token_file_open(NULL, p.path, NULL, &file), NECK_E_IO, p.path, "missing");
    write_tokens(p.path, 50, 8, 0);
    assert_fails(neck_token_file_open(NULL, p.path, &bad, &file), NECK_E_ARGUMENT, "reserved", "reserved");
    assert_fails(neck_token_file_open(NULL, NULL, NULL, &file), NECK_E_ARGUMENT, "NULL", "path");
    ck_assert_ptr_null(file);
    file = open_tokens(p.path);
    assert_fails(neck_token_file_read(file, 5, 4, ids), NECK_E_ARGUMENT, "4 tokens from 5: there are 8", "read");
    assert_fails(neck_token_file_read(file, -1, 1, ids), NECK_E_ARGUMENT, "from -1", "read");
    assert_fails(neck_token_file_read(file, 0, INT64_MAX, ids), NECK_E_ARGUMENT, "there are 8", "read");
    assert_fails(neck_token_file_document(file, 0, &begin, &end), NECK_E_ARGUMENT, "there are 0", "document");
    neck_token_file_destroy(file);
    neck_token_file_destroy(NULL);
    scratch_remove(p.folder);
}
END_TEST

/* ---- batches ---- */

enum { BATCH = 3, CONTEXT = 8, TOKENS = 1000, VOCABULARY = 50021 };

static neck_token_file *scratch_tokens(place *p)
{
    *p = make_place();
    write_tokens(p->path, VOCABULARY, TOKENS, 0);
    return open_tokens(p->path);
}

static neck_batches *make_batches(const neck_token_file *file, int32_t order, int32_t part, uint64_t seed)
{
    const neck_batches_options options = {sizeof options, .batch = BATCH, .context_length = CONTEXT, .order = order,
                                          .part = part, .validation_share = 0.25, .seed = seed};
    neck_batches *batches = NULL;
    MUST(neck_batches_create(NULL, file, &options, &batches));
    return batches;
}

/* Where a row begins, which its first token tells: none occurs twice in the file. The others must follow. */
static int64_t begin_of(const int32_t *tokens, const int32_t *targets)
{
    const int64_t begin = tokens[0] / 7;
    int good = 1;
    for (int64_t i = 0; i < CONTEXT; i++)
        good &= tokens[i] == token_of(begin + i, VOCABULARY) && targets[i] == token_of(begin + i + 1, VOCABULARY);
    if (!good) ck_abort_msg("the row at %lld is not its window", (long long)begin);
    return begin;
}

START_TEST(sequential_batches_cover_their_part_once)
{
    static const int64_t begins[] = {0, 0, 750}, ends[] = {TOKENS, 750, TOKENS};
    place p;
    neck_token_file *file = scratch_tokens(&p);
    for (int32_t part = NECK_PART_ALL; part <= NECK_PART_VALIDATION; part++) {
        int32_t tokens[BATCH * CONTEXT], targets[BATCH * CONTEXT];
        neck_batches *batches = make_batches(file, NECK_BATCHES_SEQUENTIAL, part, 0);
        const int64_t count = ends[part] - begins[part], windows = neck_batches_windows(batches);
        ck_assert_int_eq(neck_batches_tokens(batches), count);
        ck_assert_int_eq(windows, (count - 1) / CONTEXT);
        for (int64_t step = 0, row = 0; row < 2 * windows; step++) {
            MUST(neck_batches_fill(batches, step, tokens, targets));
            for (int64_t r = 0; r < BATCH; r++, row++)
                ck_assert_int_eq(begin_of(tokens + r * CONTEXT, targets + r * CONTEXT),
                                 begins[part] + row % windows * CONTEXT);
        }
        neck_batches_destroy(batches);
    }
    neck_token_file_destroy(file);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(random_batches_cover_their_part_evenly)
{
    enum { STEPS = 10000, FIRST = 750, STARTS = TOKENS - FIRST - CONTEXT };
    static int64_t seen[TOKENS];
    int32_t tokens[BATCH * CONTEXT], targets[BATCH * CONTEXT];
    place p;
    neck_token_file *file = scratch_tokens(&p);
    neck_batches *batches = make_batches(file, NECK_BATCHES_RANDOM, NECK_PART_VALIDATION, 5);
    ck_assert_int_eq(neck_batches_windows(batches), STARTS);
    for (int64_t step = 0; step < STEPS; step++) {
        if (neck_batches_fill(batches, step, tokens, targets) != NECK_OK) ck_abort_msg("%s", neck_last_error());
        for (int64_t r = 0; r < BATCH; r++) seen[begin_of(tokens + r * CONTEXT, targets + r * CONTEXT)]++;
    }
    double chi_squared = 0;
    const double expected = (double)STEPS * BATCH / STARTS;
    for (int64_t i = 0; i < TOKENS; i++) {
        const int inside = i >= FIRST && i < FIRST + STARTS;
        if (!inside) ck_assert_int_eq(seen[i], 0);
        if (inside) chi_squared += pow((double)seen[i] - expected, 2) / expected;
    }
    /* 241 degrees of freedom: mean 241, standard deviation 22; too even would be wrong as well. */
    ck_assert_msg(fabs(chi_squared - (STARTS - 1)) < 5 * sqrt(2.0 * STARTS), "chi squared %g", chi_squared);
    neck_batches_destroy(batches);
    neck_token_file_destroy(file);
    scratch_remove(p.folder);
}
END_TEST

/* Pinned, so that a run resumed under another build goes on with the same data. */
START_TEST(a_step_gives_the_same_batch_for_ever)
{
    static const int64_t pinned[] = {524, 970, 874, 517, 822, 676, 369, 687, 439, 734, 156, 51};
    int32_t tokens[BATCH * CONTEXT], targets[BATCH * CONTEXT], others[BATCH * CONTEXT];
    place p;
    neck_token_file *file = scratch_tokens(&p);
    neck_batches *batches = make_batches(file, NECK_BATCHES_RANDOM, NECK_PART_ALL, 1);
    neck_batches *same = make_batches(file, NECK_BATCHES_RANDOM, NECK_PART_ALL, 1);
    neck_batches *seeded = make_batches(file, NECK_BATCHES_RANDOM, NECK_PART_ALL, 2);
    for (int64_t step = 3; step >= 0; step--) {
        MUST(neck_batches_fill(batches, step, tokens, targets));
        for (int64_t r = 0; r < BATCH; r++)
            ck_assert_int_eq(begin_of(tokens + r * CONTEXT, targets + r * CONTEXT), pinned[BATCH * step + r]);
        MUST(neck_batches_fill(same, step, others, targets));
        ck_assert_mem_eq(tokens, others, sizeof tokens);
        MUST(neck_batches_fill(seeded, step, others, targets));
        ck_assert_mem_ne(tokens, others, sizeof tokens);
    }
    neck_batches_destroy(batches);
    neck_batches_destroy(same);
    neck_batches_destroy(seeded);
    neck_token_file_destroy(file);
    scratch_remove(p.folder);
}
END_TEST

START_TEST(batches_refuse)
{
    place p;
    neck_token_file *file = scratch_tokens(&p);
    neck_batches *batches = NULL;
    const neck_batches_options good = {sizeof good, .batch = 1, .context_length = 999, .validation_share = 0.25};
    neck_batches_options asked = good;
    MUST(neck_batches_create(NULL, file, &asked, &batches));
    int32_t ids[999];
    assert_fails(neck_batches_fill(batches, -1, ids, ids), NECK_E_ARGUMENT, "step is -1", "step");
    assert_fails(neck_batches_fill(batches, 0, NULL, ids), NECK_E_ARGUMENT, "NULL", "tokens");
    assert_fails(neck_batches_fill(batches, INT64_MAX, ids, ids), NECK_E_ARGUMENT, "beyond 2^63", "step");
    neck_batches_destroy(batches);
    batches = NULL;
    asked.context_length = 1000;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT,
                 "a context of 1000 is too long: the file has 1000 tokens", "context");
    asked.context_length = 750, asked.part = NECK_PART_TRAINING;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT,
                 "the training part has 750 tokens", "context");
    asked.part = NECK_PART_VALIDATION, asked.validation_share = 0;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT,
                 "the validation part has 0 tokens", "context");
    asked = good, asked.batch = 0;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "batch is 0", "batch");
    asked = good, asked.context_length = 0;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "context_length is 0", "context");
    asked = good, asked.order = 2;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "order is 2", "order");
    asked = good, asked.part = 3;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "part is 3", "part");
    asked = good, asked.validation_share = 1;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "[0, 1)", "share");
    asked.validation_share = NAN;
    assert_fails(neck_batches_create(NULL, file, &asked, &batches), NECK_E_ARGUMENT, "[0, 1)", "share");
    ck_assert_ptr_null(batches);
    neck_batches_destroy(NULL);
    neck_token_file_destroy(file);
    scratch_remove(p.folder);
}
END_TEST

/* ---- hashes of tokenizers ---- */

/* FNV-1a of llama2.c's vocabulary of 512, computed in Python from its description. */
START_TEST(the_hash_is_as_documented)
{
    char path[PATH_CAPACITY];
    neck_tokenizer *tokenizer = NULL;
    source_path(path, "examples/data/stories260K/tok512.bin");
    MUST(neck_tokenizer_open(NULL, path, NULL, &tokenizer));
    ck_assert_uint_eq(neck_tokenizer_hash(tokenizer), UINT64_C(0x3EAE76E2946E5E92));
    neck_tokenizer_destroy(tokenizer);
}
END_TEST

/* ---- memory that runs out ---- */

static neck_status write_and_read(neck_context *context, const char *path)
{
    static const int32_t ids[] = {1, 2, 3};
    const neck_batches_options options = {sizeof options, .batch = 1, .context_length = 2};
    neck_token_writer *writer = NULL;
    neck_token_file *file = NULL;
    neck_batches *batches = NULL;
    neck_status status = neck_token_writer_create(context, path, 10, 0, &writer);
    if (status == NECK_OK) status = neck_token_writer_push(writer, ids, 3);
    if (status == NECK_OK) status = neck_token_writer_end_document(writer);
    if (status == NECK_OK)
        status = neck_token_writer_commit(writer);
    else
        neck_token_writer_destroy(writer);
    if (status == NECK_OK) status = neck_token_file_open(context, path, NULL, &file);
    if (status == NECK_OK) status = neck_batches_create(context, file, &options, &batches);
    neck_batches_destroy(batches);
    neck_token_file_destroy(file);
    return status;
}

START_TEST(every_allocation_may_fail)
{
    failing memory = {.before_failure = -1};
    const neck_context_options wanted = {sizeof wanted, .threads = 2, .alloc = failing_alloc,
                                         .release = failing_release, .alloc_user = &memory};
    place p = make_place();
    neck_context *context = NULL;
    MUST(neck_context_create(&wanted, &context));
    const int64_t before = memory.live;
    for (int64_t k = 0;; k++) {
        memory.before_failure = k;
        memory.failed = 0;
        neck_status status = write_and_read(context, p.path);
        ck_assert_int_eq(memory.live, before);
        if (!memory.failed) {
            ck_assert_int_ge(k, 7);
            MUST(status);
            break;
        }
        assert_fails(status, NECK_E_NOMEM, "out of memory", "a token file");
    }
    neck_context_destroy(context);
    scratch_remove(p.folder);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("token files");
    tcase_add_test(tcase, what_is_written_is_read);
    tcase_add_test(tcase, the_layout_is_as_documented);
    tcase_add_test(tcase, a_writer_refuses);
    tcase_add_test(tcase, damage_is_found);
    tcase_add_test(tcase, tokens_outside_the_vocabulary_never_come_out);
    tcase_add_test(tcase, all_tokens_are_checked);
    tcase_add_test(tcase, a_reader_refuses);
    tcase_add_test(tcase, sequential_batches_cover_their_part_once);
    tcase_add_test(tcase, random_batches_cover_their_part_evenly);
    tcase_add_test(tcase, a_step_gives_the_same_batch_for_ever);
    tcase_add_test(tcase, batches_refuse);
    tcase_add_test(tcase, the_hash_is_as_documented);
    tcase_add_test(tcase, every_allocation_may_fail);
    return run_suite("token_file", tcase);
}
