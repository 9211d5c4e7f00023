/* mpi/team_ngram_gram.c - D + R^T R, a few rows at a time: every rank makes them of its own rows and sends each piece
 * to the rank that has its blocks, which adds the pieces of all. */
#include "mpi/team_ngram_gram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct panels {
    const neck__mpi_grid *grid;
    int64_t height;       /* rows at a time, all of one block */
    double *panel;        /* height x n: this rank's */
    double *out, *in;     /* height x n, by the rank it goes to; size pieces of height x own_cols */
    double *sums;         /* n: of the rows */
    int *counts;          /* 4 x size: of MPI's calls */
} panels;

/* The panel, its copy that is sent, and what arrives: a row's worth for each row of the grid. */
static double bytes_a_row(const neck__mpi_grid *grid)
{
    return 8 * (double)grid->n * (3 + grid->rows);
}

static int64_t height_of(const neck__mpi_grid *grid)
{
    double rows = NECK__MPI_PANEL_MEMORY / bytes_a_row(grid);
    return rows < 1 ? 1 : rows > NECK__MPI_BLOCK ? NECK__MPI_BLOCK : (int64_t)rows;
}

/* What ELPA takes beside a rank's entries, measured: two and a half times as much, and some columns as wide as its
 * band. ScaLAPACK takes hardly anything. */
static double solver_bytes(const neck__mpi_grid *grid, double entries)
{
    return 2.5 * entries + 9216 * (double)grid->n;
}

double neck__mpi_ngram_gram_bytes(const neck__mpi_grid *grid)
{
    double down = (double)grid->n / grid->rows + NECK__MPI_BLOCK;
    double across = (double)grid->n / grid->cols + NECK__MPI_BLOCK;
    double entries = 8 * down * across, in_panels = bytes_a_row(grid) * (double)height_of(grid);
    return entries + fmax(in_panels, solver_bytes(grid, entries));
}

static neck_status take_memory(panels *p)
{
    const neck__mpi_grid *grid = p->grid;
    size_t ranks = (size_t)grid->team->size, height = (size_t)p->height, n = (size_t)grid->n;
    p->panel = malloc(height * n * sizeof *p->panel);
    p->out = malloc(height * n * sizeof *p->out);
    p->in = malloc((height * (size_t)grid->own_cols * ranks + 1) * sizeof *p->in);
    p->sums = calloc(n, sizeof *p->sums);
    p->counts = calloc(ranks, 4 * sizeof *p->counts);
    if (p->panel && p->out && p->in && p->sums && p->counts) return NECK_OK;
    return neck__mpi_fail(NECK_E_NOMEM, "out of memory for rows of a Gram matrix of order %lld", (long long)grid->n);
}

static void release(panels *p)
{
    void *const owned[] = {p->panel, p->out, p->in, p->sums, p->counts};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) neck__mpi_free(p->grid->team, owned[i]);
}

/* The columns of each rank of the row of the grid, side by side. */
static void pack(panels *p, int64_t first, int64_t height)
{
    const neck__mpi_grid *grid = p->grid;
    int32_t row = (int32_t)(first / NECK__MPI_BLOCK % grid->rows), ranks = grid->team->size;
    int *sent = p->counts, *from = sent + ranks, *got = from + ranks, *to = got + ranks;
    memset(p->counts, 0, 4 * (size_t)ranks * sizeof *p->counts);
    double *out = p->out;
    for (int32_t c = 0; c < grid->cols; c++) {
        int64_t cols = neck__mpi_grid_count(grid->n, c, grid->cols);
        from[row * grid->cols + c] = (int)(out - p->out);
        sent[row * grid->cols + c] = (int)(height * cols);
        for (int64_t i = 0; i < height; i++)
            for (int64_t k = 0; k < cols; k++) *out++ = p->panel[i * grid->n + neck__mpi_grid_index(k, c, grid->cols)];
    }
    for (int32_t r = 0; r < ranks && grid->row == row; r++) {
        got[r] = (int)(height * grid->own_cols);
        to[r] = (int)(r * height * grid->own_cols);
    }
}

static void add_pieces(const panels *p, int64_t first, int64_t height, double *a)
{
    const neck__mpi_grid *grid = p->grid;
    int64_t cols = grid->own_cols, piece = height * cols;
    int64_t at = first / NECK__MPI_BLOCK / grid->rows * NECK__MPI_BLOCK + first % NECK__MPI_BLOCK; /* among own rows */
    if (first / NECK__MPI_BLOCK % grid->rows != grid->row) return;
    for (int64_t i = 0; i < height; i++)
        for (int64_t k = 0; k < cols; k++) {
            double sum = p->in[i * cols + k];
            for (int32_t r = 1; r < grid->team->size; r++) sum += p->in[r * piece + i * cols + k];
            a[at + i + k * grid->own_rows] = sum;
        }
}

static neck_status make_panel(neck_context *context, const neck_ngram_matrix *shared, panels *p, int64_t first,
                              int64_t height)
{
    int64_t n = p->grid->n;
    NECK_TRY(neck_ngram_matrix_gram(context, shared, first, height, p->panel));
    for (int64_t i = 0; i < height; i++)
        for (int64_t j = 0; j < n; j++) p->sums[first + i] += p->panel[i * n + j];
    return NECK_OK;
}

static neck_status exchange(panels *p)
{
    neck_mpi_team *team = p->grid->team;
    MPI_Request request;
    const int *counts = p->counts;
    int32_t ranks = team->size;
    int code = MPI_Ialltoallv(p->out, counts, counts + ranks, MPI_DOUBLE, p->in, counts + 2 * ranks, counts + 3 * ranks,
                              MPI_DOUBLE, team->comm, &request);
    return neck__mpi_await(team, code, &request, "an exchange of a Gram matrix");
}

static neck_status fill(neck_context *context, const neck_ngram_matrix *shared, panels *p, double *a)
{
    for (int64_t first = 0, height; first < p->grid->n; first += height) {
        int64_t block_left = NECK__MPI_BLOCK - first % NECK__MPI_BLOCK, left = p->grid->n - first;
        height = p->height < block_left ? p->height : block_left;
        if (height > left) height = left;
        NECK_TRY(neck_mpi_agree(p->grid->team, make_panel(context, shared, p, first, height)));
        pack(p, first, height);
        NECK_TRY(exchange(p));
        add_pieces(p, first, height, a);
    }
    return neck_mpi_sum(p->grid->team, p->sums, p->grid->n);
}

/* Entries are not negative, so no eigenvalue is larger than the largest row sum (Perron). */
neck_status neck__mpi_ngram_gram(neck_context *context, const neck_mpi_ngram_matrix *matrix, const neck__mpi_grid *grid,
                                 double *a, double *norm)
{
    panels p = {.grid = grid, .height = height_of(grid)};
    neck_status status = neck_mpi_agree(grid->team, take_memory(&p));
    if (status == NECK_OK) status = fill(context, matrix->shared, &p, a);
    *norm = 0;
    for (int64_t i = 0; i < grid->n && status == NECK_OK; i++) *norm = fmax(*norm, p.sums[i]);
    release(&p);
    return status;
}
