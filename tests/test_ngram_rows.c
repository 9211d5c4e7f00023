/* Rows of n-grams: taken apart, moved and put together again they make the same matrix; what they refuse. Counting in
 * shards, which is what they are moved for, gives the same n-grams. */
#include <check.h>

#include "ngram/ngram_matrix.h"
#include "ngram_support.h"

enum { COLS = 40 };

static neck_ngram_rows *make_rows(int64_t cols)
{
    neck_ngram_rows *rows = NULL;
    MUST(neck_ngram_rows_create(NULL, cols, &rows));
    return rows;
}

static neck_ngram_rows_view look(const neck_ngram_rows *rows)
{
    neck_ngram_rows_view view = {.struct_size = sizeof view};
    MUST(neck_ngram_rows_look(rows, &view));
    return view;
}

static neck_ngrams *count_text(const text *given, int32_t order)
{
    neck_ngrams *ngrams = NULL;
    MUST(neck_ngrams_count(NULL, given->tokens, given->count, given->ends, given->documents, given->vocab_size, order,
                           &ngrams));
    return ngrams;
}

/* ---- rows ---- */

/* W^T W the plain way: every context a row. */
static void square(const neck_ngrams *ngrams, double *out)
{
    neck_ngrams_info info = {.struct_size = sizeof info};
    MUST(neck_ngrams_describe(ngrams, &info));
    int64_t *starts = malloc((size_t)(info.contexts + 1) * sizeof *starts), *counts;
    counts = malloc((size_t)info.ngrams * sizeof *counts);
    int32_t *successors = malloc((size_t)info.ngrams * sizeof *successors);
    MUST(neck_ngrams_read(ngrams, 0, info.contexts, NULL, starts, successors, counts));
    memset(out, 0, COLS * COLS * sizeof *out);
    for (int64_t c = 0; c < info.contexts; c++) {
        double total = 0;
        for (int64_t e = starts[c]; e < starts[c + 1]; e++) total += (double)counts[e];
        for (int64_t a = starts[c]; a < starts[c + 1]; a++)
            for (int64_t b = starts[c]; b < starts[c + 1]; b++)
                out[successors[a] * COLS + successors[b]] += (double)counts[a] * (double)counts[b] / total;
    }
    free(starts);
    free(counts);
    free(successors);
}

/* Rows in two heaps, the second in pieces of one row, put together: the same matrix. */
START_TEST(rows_that_moved_make_the_same_matrix)
{
    static double truth[COLS * COLS], gram[COLS * COLS], of_view[COLS * COLS];
    neck_ngrams *ngrams = count_text(make_text(3000, COLS, 7), 3);
    neck_ngram_rows *whole = make_rows(COLS), *moved = make_rows(COLS);
    neck_ngram_matrix *matrix = NULL, *direct = NULL;
    square(ngrams, truth);
    MUST(neck_ngram_rows_read(NULL, whole, ngrams, NECK_WEIGHT_ROOT_COUNT));
    neck_ngram_rows_view view = look(whole);
    neck_ngram_rows_view first = view;
    first.rows = view.rows / 2;
    MUST(neck_ngram_rows_add(NULL, moved, &first));
    for (int64_t i = first.rows; i < view.rows; i++) {
        neck_ngram_rows_view one = {.struct_size = sizeof one, .cols = COLS, .rows = 1, .starts = view.starts + i,
                                    .columns = view.columns, .shares = view.shares, .squares = view.squares + i};
        MUST(neck_ngram_rows_add(NULL, moved, &one));
    }
    MUST(neck_ngram_matrix_of_rows(NULL, moved, &matrix));
    MUST(neck_ngram_matrix_create(NULL, ngrams, NECK_WEIGHT_ROOT_COUNT, &direct));
    MUST(neck_ngram_matrix_gram(NULL, matrix, 0, 13, gram));
    MUST(neck_ngram_matrix_gram(NULL, matrix, 13, COLS - 13, gram + 13 * COLS));
    for (int64_t j = 0; j < COLS; j++) of_view[j * COLS + j] = view.diagonal[j];
    for (int64_t i = 0; i < view.rows; i++)
        for (int64_t a = view.starts[i]; a < view.starts[i + 1]; a++)
            for (int64_t b = view.starts[i]; b < view.starts[i + 1]; b++)
                of_view[view.columns[a] * COLS + view.columns[b]] += view.shares[a] * view.shares[b] * view.squares[i];
    for (int i = 0; i < COLS * COLS; i++) {
        ck_assert_double_eq_tol(gram[i], truth[i], 1e-12 * truth[0]);
        ck_assert_double_eq_tol(of_view[i], truth[i], 1e-12 * truth[0]);
        ck_assert_double_eq(gram[i], gram[i % COLS * COLS + i / COLS]); /* to the last bit */
    }
    neck_ngram_matrix_info a = {.struct_size = sizeof a}, b = a;
    MUST(neck_ngram_matrix_describe(matrix, &a));
    MUST(neck_ngram_matrix_describe(direct, &b));
    ck_assert_mem_eq(&a, &b, offsetof(neck_ngram_matrix_info, frobenius_squared));
    ck_assert_double_eq_tol(a.frobenius_squared, b.frobenius_squared, 1e-12 * b.frobenius_squared);
    neck_ngram_matrix_destroy(matrix);
    neck_ngram_matrix_destroy(direct);
    neck_ngram_rows_destroy(whole);
    neck_ngram_rows_destroy(moved);
    neck_ngrams_destroy(ngrams);
}
END_TEST

/* Equal rows become one, from wherever they come; one successor goes to the diagonal. */
START_TEST(equal_rows_meet)
{
    const int64_t starts[] = {0, 2, 3, 5};
    const int32_t columns[] = {1, 3, 2, 1, 3};
    const double shares[] = {0.25, 0.75, 1, 0.25, 0.75}, squares[] = {1, 4, 2}, diagonal[COLS] = {[2] = 1};
    neck_ngram_rows_view view = {.struct_size = sizeof view, .contexts = 7, .cols = COLS, .diagonal = diagonal,
                                 .rows = 3, .starts = starts, .columns = columns, .shares = shares, .squares = squares};
    neck_ngram_rows *rows = make_rows(COLS);
    MUST(neck_ngram_rows_add(NULL, rows, &view));
    MUST(neck_ngram_rows_add(NULL, rows, &view));
    neck_ngram_rows_view found = look(rows);
    ck_assert_int_eq(found.contexts, 14);
    ck_assert_int_eq(found.rows, 1);
    ck_assert_double_eq(found.squares[0], 6);
    ck_assert_double_eq(found.diagonal[2], 10);
    ck_assert_int_eq(found.starts[1], 2);
    neck_ngram_rows_destroy(rows);
}
END_TEST

START_TEST(rows_that_are_not_rows_are_refused)
{
    const int64_t starts[] = {0, 2}, none[] = {0, 0};
    const int32_t columns[] = {1, 3}, wild[] = {1, COLS}, falling[] = {3, 1}, negative[] = {-1, 3};
    const double shares[] = {0.5, 0.5}, wrong[] = {0.5, 1.5}, nothing[] = {0, 1}, squares[] = {1}, sign[] = {-1},
                 diagonal[COLS] = {[3] = -1};
    const neck_ngram_rows_view good = {.struct_size = sizeof good, .cols = COLS, .rows = 1, .starts = starts,
                                       .columns = columns, .shares = shares, .squares = squares};
    neck_ngram_rows *rows = make_rows(COLS);
    neck_ngram_rows_view cases[11];
    for (int i = 0; i < 11; i++) cases[i] = good;
    cases[0].starts = none;
    cases[1].columns = wild;
    cases[2].columns = falling;
    cases[3].columns = negative;
    cases[4].shares = wrong;
    cases[5].shares = nothing;
    cases[6].squares = sign;
    cases[7].diagonal = diagonal;
    cases[8].cols = COLS + 1;
    cases[9].squares = NULL;
    cases[10].struct_size = 0;
    for (int i = 0; i < 11; i++) ck_assert_int_eq(neck_ngram_rows_add(NULL, rows, &cases[i]), NECK_E_ARGUMENT);
    ck_assert_int_eq(look(rows).rows, 0);
    ck_assert_int_eq(neck_ngram_rows_create(NULL, 0, &rows), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_rows_look(NULL, &cases[0]), NECK_E_ARGUMENT);
    neck_ngrams *ngrams = count_text(make_text(100, 7, 1), 2);
    ck_assert_int_eq(neck_ngram_rows_read(NULL, rows, ngrams, NECK_WEIGHT_UNIFORM), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_rows_read(NULL, rows, ngrams, 3), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_rows_read(NULL, rows, NULL, 0), NECK_E_ARGUMENT);
    neck_ngrams_destroy(ngrams);
    neck_ngram_rows_destroy(rows);
}
END_TEST

/* Nothing at all is a matrix of zeros, as a rank without rows has it. */
START_TEST(no_rows_are_a_matrix_too)
{
    double gram[4] = {1, 1, 1, 1}, x[2] = {1, 2}, y[2] = {1, 1};
    neck_ngram_rows *rows = make_rows(2);
    neck_ngram_matrix *matrix = NULL;
    MUST(neck_ngram_matrix_of_rows(NULL, rows, &matrix));
    MUST(neck_ngram_matrix_gram(NULL, matrix, 0, 2, gram));
    MUST(neck_operator_apply_normal(NULL, neck_ngram_matrix_operator(matrix), 1, x, y));
    for (int i = 0; i < 4; i++) ck_assert_double_eq(gram[i], 0);
    ck_assert(y[0] == 0 && y[1] == 0);
    ck_assert_int_eq(neck_ngram_matrix_gram(NULL, matrix, 1, 2, gram), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_matrix_gram(NULL, matrix, -1, 1, gram), NECK_E_ARGUMENT);
    neck_ngram_matrix_destroy(matrix);
    neck_ngram_rows_destroy(rows);
}
END_TEST

/* ---- shards ---- */

static neck_ngrams *finished(neck_ngram_counter *counter)
{
    char folder[PATH_CAPACITY], path[PATH_CAPACITY];
    neck_ngrams *ngrams = NULL;
    scratch_make(folder);
    scratch_file(path, folder, "ngrams");
    MUST(neck_ngram_counter_finish(NULL, counter, path));
    MUST(neck_ngrams_open(NULL, path, 0, &ngrams));
    neck_ngram_counter_destroy(counter);
    scratch_remove(folder);
    return ngrams;
}

static neck_ngram_counter *start(const text *given, int32_t order)
{
    const neck_ngram_counter_options options = {.struct_size = sizeof options, .order = order,
                                                .memory_bytes = 1 << 20};
    neck_ngram_counter *counter = NULL;
    MUST(neck_ngram_counter_create(NULL, given->vocab_size, &options, &counter));
    return counter;
}

static void assert_same(const neck_ngrams *a, const neck_ngrams *b)
{
    ck_assert_mem_eq(&a->header.info, &b->header.info, sizeof a->header.info);
    for (int i = 0; i < NECK__SECTIONS; i++) {
        int64_t at[NECK__SECTIONS + 1];
        neck__ngrams_layout(&a->header, at);
        ck_assert_mem_eq(a->section[i], b->section[i], (size_t)(at[i + 1] - at[i]));
    }
}

/* n-grams one by one, backwards: spilled several times. */
START_TEST(ngrams_that_are_added_count)
{
    const int32_t order = 2 + _i;
    const text *given = make_text(MOST_TOKENS, 500, 9);
    neck_ngrams *whole = count_text(given, order);
    neck_ngram_counter *counter = start(given, order);
    plain all = count_plainly(given, order);
    for (int64_t i = all.count; i > 0;) {
        int64_t piece = i < 700 ? i : 700;
        i -= piece;
        MUST(neck_ngram_counter_add(NULL, counter, all.grams + i * order, piece));
    }
    neck_ngrams_info info = {.struct_size = sizeof info};
    MUST(neck_ngrams_describe(whole, &info));
    MUST(neck_ngram_counter_note(NULL, counter, info.tokens, info.documents));
    neck_ngrams *added = finished(counter);
    assert_same(added, whole);
    neck_ngrams_destroy(added);
    neck_ngrams_destroy(whole);
    free(all.grams);
}
END_TEST

/* The text in three shards, cut in the middle of documents: occurrences, tokens and documents add up. */
START_TEST(shards_know_what_precedes_them)
{
    const int32_t order = 2 + _i;
    const text *given = make_text(6001, 50, 9);
    const int64_t cuts[] = {0, 1999, 2003, 6001};
    neck_ngrams *whole = count_text(given, order);
    int64_t sums[3] = {0, 0, 0};
    for (int s = 0; s < 3; s++) {
        neck_ngram_counter *counter = start(given, order);
        int64_t begin = 0, document = 0;
        while (given->ends[document] <= cuts[s]) begin = given->ends[document++];
        int64_t before = cuts[s] - begin < order - 1 ? cuts[s] - begin : order - 1;
        MUST(neck_ngram_counter_precede(NULL, counter, given->tokens + cuts[s] - before, before));
        for (int64_t at = cuts[s]; at < cuts[s + 1]; document++) {
            int64_t end = given->ends[document] < cuts[s + 1] ? given->ends[document] : cuts[s + 1];
            MUST(neck_ngram_counter_push(NULL, counter, given->tokens + at, end - at));
            MUST(neck_ngram_counter_end_document(NULL, counter));
            at = end;
        }
        ck_assert_int_eq(neck_ngram_counter_precede(NULL, counter, given->tokens, 1), NECK_E_ARGUMENT);
        neck_ngrams *shard = finished(counter);
        sums[0] += shard->header.info.occurrences;
        sums[1] += shard->header.info.tokens;
        sums[2] += shard->header.info.documents;
        neck_ngrams_destroy(shard);
    }
    ck_assert_int_eq(sums[0], whole->header.info.occurrences);
    ck_assert_int_eq(sums[1], whole->header.info.tokens);
    ck_assert_int_eq(sums[2], whole->header.info.documents);
    neck_ngrams_destroy(whole);
}
END_TEST

/* Nobody has said what text they come from. */
START_TEST(ngrams_without_a_text_can_be_read)
{
    const int32_t grams[] = {1, 2, 1, 2, 3, 4};
    const text *given = make_text(100, 500, 1);
    neck_ngram_counter *counter = start(given, 2);
    MUST(neck_ngram_counter_add(NULL, counter, grams, 3));
    neck_ngrams *ngrams = finished(counter);
    ck_assert_int_eq(ngrams->header.info.occurrences, 3);
    ck_assert_int_eq(ngrams->header.info.tokens, 0);
    neck_ngrams_destroy(ngrams);
}
END_TEST

START_TEST(what_precedes_is_no_ngram)
{
    const text *given = make_text(100, 500, 1);
    neck_ngram_counter *counter = start(given, 2);
    MUST(neck_ngram_counter_precede(NULL, counter, given->tokens, 50));
    ck_assert_int_eq(neck_ngram_counter_finish(NULL, counter, "/nonexistent/counted"), NECK_E_ARGUMENT);
    ck_assert_ptr_nonnull(strstr(neck_last_error(), "nothing follows"));
    neck_ngram_counter_destroy(counter);
}
END_TEST

START_TEST(what_cannot_be_added_is_refused)
{
    const int32_t wild[] = {1, 500}, good[] = {1, 2};
    const text *given = make_text(100, 500, 1);
    neck_ngram_counter *counter = start(given, 2);
    ck_assert_int_eq(neck_ngram_counter_add(NULL, counter, wild, 1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_add(NULL, counter, NULL, 1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_add(NULL, counter, good, -1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_add(NULL, NULL, good, 1), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_precede(NULL, counter, wild, 2), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_note(NULL, counter, 1, 2), NECK_E_ARGUMENT);
    ck_assert_int_eq(neck_ngram_counter_note(NULL, counter, -1, 0), NECK_E_ARGUMENT);
    MUST(neck_ngram_counter_add(NULL, counter, good, 1)); /* none of it spoils the count */
    MUST(neck_ngram_counter_note(NULL, counter, 2, 1));
    neck_ngrams *ngrams = finished(counter);
    ck_assert_int_eq(ngrams->header.info.occurrences, 1);
    neck_ngrams_destroy(ngrams);
}
END_TEST

int main(void)
{
    TCase *tcase = tcase_create("rows");
    tcase_add_test(tcase, rows_that_moved_make_the_same_matrix);
    tcase_add_test(tcase, equal_rows_meet);
    tcase_add_test(tcase, rows_that_are_not_rows_are_refused);
    tcase_add_test(tcase, no_rows_are_a_matrix_too);
    tcase_add_loop_test(tcase, ngrams_that_are_added_count, 0, 7);
    tcase_add_test(tcase, ngrams_without_a_text_can_be_read);
    tcase_add_test(tcase, what_precedes_is_no_ngram);
    tcase_add_loop_test(tcase, shards_know_what_precedes_them, 0, 4);
    tcase_add_test(tcase, what_cannot_be_added_is_refused);
    return run_suite("ngram_rows", tcase);
}
