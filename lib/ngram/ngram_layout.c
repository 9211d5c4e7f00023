/* ngram/ngram_layout.c - connected parts by union-find; columns and rows to their places by sorting. */
#include "ngram/ngram_layout.h"

#include <stdlib.h>
#include <string.h>

void neck__ngram_layout_free(neck__ngram_layout *layout)
{
    void *const arrays[] = {layout->part, layout->tokens, layout->places, layout->order};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) neck__release(&layout->allocator, arrays[i]);
    *layout = (neck__ngram_layout){0};
}

/* A column on its way to its place. */
typedef struct column {
    int64_t part_size; /* columns of its part */
    int64_t uses;      /* rows it occurs in */
    int32_t root;      /* which part */
    int32_t token;
} column;

static int32_t find_root(column *columns, int32_t token)
{
    while (columns[token].root != token) {
        columns[token].root = columns[columns[token].root].root; /* the path halves as it is walked */
        token = columns[token].root;
    }
    return token;
}

/* The larger tree takes the smaller one in. */
static void connect(column *columns, int32_t a, int32_t b)
{
    a = find_root(columns, a);
    b = find_root(columns, b);
    if (a == b) return;
    int32_t root = columns[a].part_size >= columns[b].part_size ? a : b, other = root == a ? b : a;
    columns[other].root = root;
    columns[root].part_size += columns[other].part_size;
}

static void find_parts(const neck_ngram_rows *rows, column *columns)
{
    for (int64_t j = 0; j < rows->cols; j++) columns[j] = (column){1, 0, (int32_t)j, (int32_t)j};
    for (int64_t i = 0; i < rows->count; i++)
        for (int64_t e = rows->starts[i]; e < rows->starts[i + 1]; e++) {
            columns[rows->columns[e]].uses++;
            connect(columns, rows->columns[rows->starts[i]], rows->columns[e]);
        }
    for (int64_t j = 0; j < rows->cols; j++) {
        columns[j].root = find_root(columns, (int32_t)j);
        columns[j].part_size = columns[columns[j].root].part_size;
    }
}

#define DIFFER(a, b) (((a) > (b)) - ((a) < (b)))

static int compare_columns(const void *a, const void *b)
{
    const column *x = a, *y = b;
    if (x->part_size != y->part_size) return DIFFER(y->part_size, x->part_size);
    if (x->root != y->root) return DIFFER(x->root, y->root);
    if (x->uses != y->uses) return DIFFER(y->uses, x->uses);
    return DIFFER(x->token, y->token);
}

/* Columns are sorted; parts are counted, or written down when there is room for them. */
static void list_parts(const column *columns, neck__ngram_layout *out)
{
    out->parts = out->coupled = 0;
    while (out->coupled < out->cols && columns[out->coupled].part_size > 1) {
        int64_t size = columns[out->coupled].part_size;
        if (out->part) out->part[out->parts] = (neck__ngram_part){.first_column = out->coupled, .columns = size};
        out->parts++;
        out->coupled += size;
    }
}

static int64_t part_of_column(const neck__ngram_layout *layout, int64_t place)
{
    int64_t low = 0, high = layout->parts - 1;
    while (low < high) {
        int64_t middle = (low + high + 1) / 2;
        if (layout->part[middle].first_column <= place)
            low = middle;
        else
            high = middle - 1;
    }
    return low;
}

/* One pass of a radix sort: numbers go to out in order of their keys, those of the same key as they came. next: a
 * counter for each key up to the largest, and one more. */
static void sort_by_key(int64_t count, const int64_t *numbers, const int64_t *keys, int64_t largest, int64_t *next,
                        int64_t *out)
{
    memset(next, 0, (size_t)(largest + 2) * sizeof *next);
    for (int64_t i = 0; i < count; i++) next[keys[i] + 1]++;
    for (int64_t k = 1; k <= largest; k++) next[k] += next[k - 1];
    for (int64_t i = 0; i < count; i++) out[next[keys[numbers[i]]]++] = numbers[i];
}

/* What sorting rows takes. */
typedef struct sorting {
    int64_t *numbers, *keys; /* of rows */
    int64_t *next;           /* cols + 2 */
} sorting;

/* By length, then by part. */
static void place_rows(const neck_ngram_rows *rows, const sorting *sort, neck__ngram_layout *out)
{
    for (int64_t i = 0; i < rows->count; i++) {
        out->order[i] = i;
        sort->keys[i] = rows->starts[i + 1] - rows->starts[i];
    }
    sort_by_key(rows->count, out->order, sort->keys, rows->cols, sort->next, sort->numbers);
    for (int64_t i = 0; i < rows->count; i++) {
        sort->keys[i] = part_of_column(out, out->places[rows->columns[rows->starts[i]]]);
        out->part[sort->keys[i]].rows++;
    }
    sort_by_key(rows->count, sort->numbers, sort->keys, out->parts, sort->next, out->order);
    for (int64_t p = 1; p < out->parts; p++)
        out->part[p].first_row = out->part[p - 1].first_row + out->part[p - 1].rows;
}

static neck_status find(const neck_ngram_rows *rows, column *columns, const sorting *sort, neck__ngram_layout *out)
{
    find_parts(rows, columns);
    qsort(columns, (size_t)rows->cols, sizeof *columns, compare_columns);
    list_parts(columns, out);
    out->part = neck__calloc(&out->allocator, out->parts, sizeof *out->part, "parts of columns");
    if (!out->part) return NECK_E_NOMEM;
    list_parts(columns, out);
    for (int64_t j = 0; j < rows->cols; j++) {
        out->tokens[j] = columns[j].token;
        out->places[columns[j].token] = (int32_t)j;
    }
    place_rows(rows, sort, out);
    return NECK_OK;
}

neck_status neck__ngram_layout_find(const neck_ngram_rows *rows, neck__ngram_layout *out)
{
    neck__ngram_layout made = {.allocator = rows->allocator, .cols = rows->cols, .rows = rows->count};
    const neck__allocator *allocator = &made.allocator;
    column *columns = neck__alloc(allocator, rows->cols, sizeof *columns, "columns to be sorted");
    sorting sort = {.numbers = neck__alloc(allocator, rows->count, sizeof *sort.numbers, "rows to be sorted"),
                    .keys = neck__alloc(allocator, rows->count, sizeof *sort.keys, "keys of rows"),
                    .next = neck__alloc(allocator, rows->cols + 2, sizeof *sort.next, "counters")};
    made.tokens = neck__alloc(allocator, rows->cols, sizeof *made.tokens, "tokens of columns");
    made.places = neck__alloc(allocator, rows->cols, sizeof *made.places, "columns of tokens");
    made.order = neck__alloc(allocator, rows->count, sizeof *made.order, "the order of rows");
    int all = columns && sort.numbers && sort.keys && sort.next && made.tokens && made.places && made.order;
    neck_status status = all ? find(rows, columns, &sort, &made) : NECK_E_NOMEM;
    void *const scratch[] = {columns, sort.numbers, sort.keys, sort.next};
    for (size_t i = 0; i < sizeof scratch / sizeof *scratch; i++) neck__release(allocator, scratch[i]);
    if (status == NECK_OK)
        *out = made;
    else
        neck__ngram_layout_free(&made);
    return status;
}
