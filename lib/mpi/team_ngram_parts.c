/* mpi/team_ngram_parts.c - union-find of each rank's rows, then of what all ranks have found. */
#include "mpi/team_ngram_parts.h"

#include <stdlib.h>
#include <string.h>

void neck__mpi_parts_free(neck__mpi_parts *parts)
{
    free(parts->root);
    free(parts->columns);
    free(parts->place);
    *parts = (neck__mpi_parts){0};
}

static int32_t find_root(int32_t *root, int32_t column)
{
    while (root[column] != column) {
        root[column] = root[root[column]]; /* the path halves as it is walked */
        column = root[column];
    }
    return column;
}

/* The smaller column stays root: the same parts have the same roots, whatever order they were found in. */
static void connect(int32_t *root, int32_t a, int32_t b)
{
    a = find_root(root, a);
    b = find_root(root, b);
    if (a < b) root[b] = a;
    else root[a] = b;
}

static void connect_rows(const neck_ngram_rows_view *rows, int32_t *root)
{
    for (int64_t i = 0; i < rows->rows; i++)
        for (int64_t e = rows->starts[i] + 1; e < rows->starts[i + 1]; e++)
            connect(root, rows->columns[rows->starts[i]], rows->columns[e]);
    for (int64_t j = 0; j < rows->cols; j++) root[j] = find_root(root, (int32_t)j);
}

/* What each rank has found reaches all others in turn. */
static neck_status connect_ranks(neck_mpi_team *team, int64_t cols, int32_t *root, int32_t *own, int32_t *theirs)
{
    memcpy(own, root, (size_t)cols * sizeof *own);
    for (int32_t r = 0; r < team->size; r++) {
        int32_t *from = r == team->rank ? own : theirs;
        NECK_TRY(neck_mpi_broadcast(team, from, cols * (int64_t)sizeof *from, r));
        for (int64_t j = 0; j < cols; j++)
            if (from[j] != j) connect(root, (int32_t)j, from[j]);
    }
    for (int64_t j = 0; j < cols; j++) root[j] = find_root(root, (int32_t)j);
    return NECK_OK;
}

static void measure(neck__mpi_parts *parts, int32_t *sizes)
{
    memset(sizes, 0, (size_t)parts->cols * sizeof *sizes);
    for (int64_t j = 0; j < parts->cols; j++) sizes[parts->root[j]]++;
    for (int64_t j = 0; j < parts->cols; j++) {
        if (sizes[j] < 2) continue;
        parts->parts++;
        parts->coupled += sizes[j];
        if (sizes[j] <= parts->largest) continue;
        parts->largest = sizes[j];
        parts->largest_root = (int32_t)j;
    }
    int64_t at = 0;
    for (int64_t j = 0; j < parts->cols; j++) {
        int inside = parts->largest > 0 && parts->root[j] == parts->largest_root;
        parts->place[j] = inside ? (int32_t)at : -1;
        if (inside) parts->columns[at++] = (int32_t)j;
    }
}

static neck_status find(neck_mpi_team *team, const neck_ngram_rows_view *rows, neck__mpi_parts *parts, int32_t *scratch)
{
    for (int64_t j = 0; j < parts->cols; j++) parts->root[j] = (int32_t)j;
    connect_rows(rows, parts->root);
    NECK_TRY(connect_ranks(team, parts->cols, parts->root, scratch, scratch + parts->cols));
    measure(parts, scratch);
    return NECK_OK;
}

neck_status neck__mpi_parts_find(neck_mpi_team *team, const neck_ngram_rows_view *rows, neck__mpi_parts *out)
{
    neck__mpi_parts parts = {.cols = rows->cols};
    size_t cols = (size_t)rows->cols;
    int32_t *scratch = malloc(2 * cols * sizeof *scratch);
    parts.root = malloc(cols * sizeof *parts.root);
    parts.columns = malloc(cols * sizeof *parts.columns);
    parts.place = malloc(cols * sizeof *parts.place);
    neck_status status = NECK_OK;
    if (!scratch || !parts.root || !parts.columns || !parts.place)
        status = neck__mpi_fail(NECK_E_NOMEM, "out of memory for parts of %lld columns", (long long)rows->cols);
    status = neck_mpi_agree(team, status);
    if (status == NECK_OK) status = find(team, rows, &parts, scratch);
    if (status == NECK_OK)
        *out = parts;
    else
        neck__mpi_parts_free(&parts);
    neck__mpi_free(team, scratch);
    return status;
}
