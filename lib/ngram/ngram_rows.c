/* ngram/ngram_rows.c - rows of next-token distributions: a growing list behind a hash table. */
#include "ngram/ngram_rows.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "core/error.h"
#include "text/growing.h"
#include "text/hash.h"

void neck_ngram_rows_destroy(neck_ngram_rows *rows)
{
    if (!rows) return;
    neck__allocator allocator = rows->allocator;
    void *const parts[] = {rows->diagonal, rows->starts, rows->columns, rows->shares, rows->squares, rows->table.rows};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) neck__release(&allocator, parts[i]);
    neck__release(&allocator, rows);
}

neck_status neck_ngram_rows_create(neck_context *context, int64_t cols, neck_ngram_rows **out)
{
    if (!out) return neck__fail(NECK_E_ARGUMENT, "out is NULL");
    if (cols < 1 || cols > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT, "cols is %" PRId64 ": it must be 1 to 2^31 - 1", cols);
    neck__allocator allocator = neck__allocator_of(context);
    neck_ngram_rows *rows = neck__calloc(&allocator, 1, sizeof *rows, "rows of n-grams");
    if (!rows) return NECK_E_NOMEM;
    rows->allocator = allocator;
    rows->cols = cols;
    rows->diagonal = neck__calloc(&allocator, cols, sizeof *rows->diagonal, "the diagonal");
    neck_status status = rows->diagonal ? neck__ngram_rows_reserve(rows, 0, 0) : NECK_E_NOMEM;
    if (status != NECK_OK) {
        neck_ngram_rows_destroy(rows);
        return status;
    }
    rows->starts[0] = 0;
    *out = rows;
    return NECK_OK;
}

neck_status neck_ngram_rows_look(const neck_ngram_rows *rows, neck_ngram_rows_view *view)
{
    if (!rows || !view || view->struct_size < sizeof view->struct_size)
        return neck__fail(NECK_E_ARGUMENT, "rows or view is NULL, or view's struct_size is not set");
    neck_ngram_rows_view full = {view->struct_size, rows->contexts, rows->cols,   rows->diagonal, rows->count,
                                 rows->starts,      rows->columns,  rows->shares, rows->squares};
    memcpy(view, &full, view->struct_size < sizeof full ? view->struct_size : sizeof full);
    return NECK_OK;
}

/* ---- room ---- */

static neck_status grow(const neck__allocator *allocator, void *list, int64_t used, int64_t needed, int64_t size,
                        int64_t *room, const char *what)
{
    void **items = list; /* the caller's pointer to its items, of whatever type */
    if (*items && needed <= *room) return NECK_OK;
    void *grown = neck__grown(allocator, *items, used, needed, size, room, what);
    if (!grown) return NECK_E_NOMEM;
    *items = grown;
    return NECK_OK;
}

neck_status neck__ngram_rows_reserve(neck_ngram_rows *rows, int64_t more_rows, int64_t more_entries)
{
    const neck__allocator *allocator = &rows->allocator;
    int64_t count = rows->count, entries = rows->starts ? rows->starts[count] : 0, used = rows->starts ? count + 1 : 0,
            wanted, places;
    if (!neck__add(count + 1, more_rows, &wanted) || !neck__add(entries, more_entries, &places))
        return neck__fail(NECK_E_NOMEM, "out of memory for rows of n-grams");
    void *starts = rows->starts, *columns = rows->columns, *shares = rows->shares, *squares = rows->squares;
    neck_status status =
        grow(allocator, &starts, used, wanted, sizeof *rows->starts, &rows->room[0], "rows of n-grams");
    if (status == NECK_OK)
        status = grow(allocator, &columns, entries, places, sizeof *rows->columns, &rows->room[1], "successors");
    if (status == NECK_OK)
        status =
            grow(allocator, &shares, entries, places, sizeof *rows->shares, &rows->room[2], "shares of successors");
    if (status == NECK_OK)
        status = grow(allocator, &squares, count, wanted, sizeof *rows->squares, &rows->room[3], "weights of rows");
    rows->starts = starts;
    rows->columns = columns;
    rows->shares = shares;
    rows->squares = squares;
    return status;
}

/* ---- the table ---- */

static uint64_t row_hash(const neck_ngram_rows *rows, int64_t row)
{
    int64_t first = rows->starts[row], length = rows->starts[row + 1] - first;
    uint64_t successors = neck__hash_bytes((const unsigned char *)(rows->columns + first), length * 4);
    return neck__hash_number(successors ^ neck__hash_bytes((const unsigned char *)(rows->shares + first), length * 8));
}

static int same_row(const neck_ngram_rows *rows, int64_t a, int64_t b)
{
    int64_t first = rows->starts[a], other = rows->starts[b], length = rows->starts[a + 1] - first;
    return rows->starts[b + 1] - other == length &&
           memcmp(rows->columns + first, rows->columns + other, (size_t)length * sizeof *rows->columns) == 0 &&
           memcmp(rows->shares + first, rows->shares + other, (size_t)length * sizeof *rows->shares) == 0;
}

/* Where the row is, or could go. */
static int64_t *table_place(const neck__row_table *table, const neck_ngram_rows *rows, int64_t row)
{
    uint64_t mask = (uint64_t)table->capacity - 1, at = row_hash(rows, row) & mask;
    while (table->rows[at] != 0 && !same_row(rows, table->rows[at] - 1, row)) at = (at + 1) & mask;
    return &table->rows[at];
}

static neck_status table_grow(neck_ngram_rows *rows)
{
    neck__row_table larger = {1024, NULL};
    while (larger.capacity < 4 * (rows->count + 1)) larger.capacity *= 2;
    larger.rows = neck__calloc(&rows->allocator, larger.capacity, sizeof *larger.rows, "a table of rows");
    if (!larger.rows) return NECK_E_NOMEM;
    for (int64_t i = 0; i < rows->count; i++) *table_place(&larger, rows, i) = i + 1;
    neck__release(&rows->allocator, rows->table.rows);
    rows->table = larger;
    return NECK_OK;
}

neck_status neck__ngram_rows_append(neck_ngram_rows *rows, int64_t entries, double square)
{
    if (2 * (rows->count + 1) > rows->table.capacity) NECK_TRY(table_grow(rows));
    int64_t row = rows->count;
    rows->starts[row + 1] = rows->starts[row] + entries;
    int64_t *place = table_place(&rows->table, rows, row);
    if (*place == 0) {
        *place = row + 1;
        rows->squares[row] = 0;
        rows->count++;
    }
    rows->squares[*place - 1] += square;
    return NECK_OK;
}

void neck__ngram_rows_forget(neck_ngram_rows *rows)
{
    neck__release(&rows->allocator, rows->table.rows);
    rows->table = (neck__row_table){0, NULL};
}

/* ---- adding rows ---- */

static int is_size(double x)
{
    return x >= 0 && !isinf(x);
}

static neck_status check_row(const neck_ngram_rows_view *view, int64_t row)
{
    int64_t first = view->starts[row], last = view->starts[row + 1];
    if (first < 0 || last <= first) return neck__fail(NECK_E_ARGUMENT, "row %" PRId64 " has no entries", row);
    if (!is_size(view->squares[row]))
        return neck__fail(NECK_E_ARGUMENT, "squares[%" PRId64 "] is %g", row, view->squares[row]);
    for (int64_t e = first; e < last; e++)
        if (view->columns[e] < (e > first ? view->columns[e - 1] + 1 : 0) || view->columns[e] >= view->cols ||
            !(view->shares[e] > 0 && view->shares[e] <= 1))
            return neck__fail(NECK_E_ARGUMENT,
                              "row %" PRId64 ": columns must increase below %" PRId64
                              ", shares be above 0 and at most 1",
                              row, view->cols);
    return NECK_OK;
}

static neck_status check_view(const neck_ngram_rows *rows, const neck_ngram_rows_view *view)
{
    if (!rows || !view || view->struct_size < sizeof *view)
        return neck__fail(NECK_E_ARGUMENT, "rows or view is NULL, or view's struct_size is not set");
    if (view->cols != rows->cols)
        return neck__fail(NECK_E_ARGUMENT, "a view of %" PRId64 " columns, rows of %" PRId64, view->cols, rows->cols);
    if (view->contexts < 0 || view->rows < 0) return neck__fail(NECK_E_ARGUMENT, "contexts or rows is negative");
    if (view->rows > 0 && !(view->starts && view->columns && view->shares && view->squares))
        return neck__fail(NECK_E_ARGUMENT, "starts, columns, shares or squares is NULL");
    for (int64_t j = 0; view->diagonal && j < view->cols; j++)
        if (!is_size(view->diagonal[j]))
            return neck__fail(NECK_E_ARGUMENT, "diagonal[%" PRId64 "] is %g", j, view->diagonal[j]);
    for (int64_t i = 0; i < view->rows; i++) NECK_TRY(check_row(view, i));
    return NECK_OK;
}

neck_status neck_ngram_rows_add(neck_context *context, neck_ngram_rows *rows, const neck_ngram_rows_view *view)
{
    (void)context;
    NECK_TRY(check_view(rows, view));
    for (int64_t i = 0; i < view->rows; i++) {
        int64_t first = view->starts[i], entries = view->starts[i + 1] - first, at = rows->starts[rows->count];
        if (entries == 1) {
            rows->diagonal[view->columns[first]] += view->squares[i] * view->shares[first] * view->shares[first];
            continue;
        }
        NECK_TRY(neck__ngram_rows_reserve(rows, 1, entries));
        memcpy(rows->columns + at, view->columns + first, (size_t)entries * sizeof *rows->columns);
        memcpy(rows->shares + at, view->shares + first, (size_t)entries * sizeof *rows->shares);
        NECK_TRY(neck__ngram_rows_append(rows, entries, view->squares[i]));
    }
    for (int64_t j = 0; view->diagonal && j < view->cols; j++) rows->diagonal[j] += view->diagonal[j];
    rows->contexts += view->contexts;
    return NECK_OK;
}

void neck__ngram_rows_sum(const neck_ngram_rows *rows, double *frobenius_squared, double *roundings)
{
    double total = 0;
    for (int64_t j = 0; j < rows->cols; j++) total += rows->diagonal[j];
    double weights = total;
    for (int64_t i = 0; i < rows->count; i++) {
        double row = 0;
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++) row += rows->shares[e] * rows->shares[e];
        total += row * rows->squares[i];
        weights += rows->squares[i];
    }
    *frobenius_squared = total;
    *roundings = weights < 0x1p53 ? 0 : (double)rows->contexts;
}
