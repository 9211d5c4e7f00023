/* linalg/reduction_blocks.c - the pass over A: blocks of its upper triangle, updated and multiplied while in cache. */
#include <math.h>
#include <string.h>

#include "linalg/reduction_job.h"

void neck__reduction_update(const neck__reduction *job, int64_t row, int64_t col, double *to, int64_t ldto)
{
    int64_t strip = job->strip, size = 3 * BAND * strip;
    const double *left = job->update + row / strip * size + row % strip,
        *right = job->update + col / strip * size + BAND * strip;
    job->kernels->reflect.tile(2 * BAND, left, 1, strip, right, to, ldto, 1);
}

/* Pair number index of the pairs (row, col) with row <= col: (0,0) (0,1) (1,1) (0,2) ... */
static void pair_of(int64_t index, int64_t *row, int64_t *col)
{
    int64_t c = (int64_t)((sqrt(8.0 * (double)index + 1.0) - 1.0) / 2.0);
    while (c * (c + 1) / 2 > index) c--;
    while ((c + 1) * (c + 2) / 2 <= index) c++;
    *col = c;
    *row = index - c * (c + 1) / 2;
}

int64_t neck__reduction_parts(int64_t blocks)
{
    int64_t parts = blocks * (blocks + 1) / 2 / BLOCKS_A_PART;
    return parts < 1 ? 1 : parts < PARTS ? parts : PARTS;
}

/* The pairs of a part are those from here to where the next begins. */
static int64_t first_pair(const neck__reduction *job, int64_t part)
{
    return job->blocks * (job->blocks + 1) / 2 * part / job->parts;
}

/* Blocks of rows that a part's x has: those up to its last pair's column. */
static int64_t reach(const neck__reduction *job, int64_t part)
{
    int64_t row, col;
    pair_of(first_pair(job, part + 1) - 1, &row, &col);
    return col + 1;
}

typedef struct tile_of_a {
    int64_t row, col, rows, cols; /* beyond the panel; rows and cols are multiples of BAND */
    double *data;
} tile_of_a;

static int64_t extent(const neck__reduction *job, int64_t first)
{
    return job->padded - first < BLOCK ? job->padded - first : BLOCK;
}

/* Numbers of A in row r of the block, and where; on the diagonal, from the diagonal on. */
static int64_t row_of(const neck__reduction *job, const tile_of_a *b, int64_t r, double **in_a, double **in_block)
{
    int64_t skip = b->row == b->col ? r : 0, last = job->order - b->col < b->cols ? job->order - b->col : b->cols;
    if (b->row + r >= job->order) return 0;
    *in_a = job->a + (job->first + BAND + b->row + r) * job->lda + job->first + BAND + b->col + skip;
    *in_block = b->data + r * BUFFER_LINE + skip;
    return last - skip;
}

static void load(const neck__reduction *job, const tile_of_a *b)
{
    double *from, *to;
    if (b->row + b->rows > job->order || b->col + b->cols > job->order)
        memset(b->data, 0, BLOCK * BUFFER_LINE * sizeof(double));
    for (int64_t r = 0; r < b->rows; r++) {
        int64_t count = row_of(job, b, r, &from, &to);
        if (count > 0) memcpy(to, from, (size_t)count * sizeof *to);
    }
}

static void store(const neck__reduction *job, const tile_of_a *b)
{
    double *from, *to;
    for (int64_t r = 0; r < b->rows; r++) {
        int64_t count = row_of(job, b, r, &to, &from);
        if (count > 0) memcpy(to, from, (size_t)count * sizeof *to);
    }
}

static void update(const neck__reduction *job, const tile_of_a *b)
{
    for (int64_t c = 0; c < b->cols; c += job->strip)
        for (int64_t r = 0; r < b->rows && b->row + r < b->col + c + job->strip; r += job->group)
            neck__reduction_update(job, BAND + b->row + r, BAND + b->col + c, b->data + r * BUFFER_LINE + c,
                                   BUFFER_LINE);
}

static void mirror(const tile_of_a *b)
{
    for (int64_t r = 1; r < b->rows; r++)
        for (int64_t c = 0; c < r; c++) b->data[r * BUFFER_LINE + c] = b->data[c * BUFFER_LINE + r];
}

/* x from row `to` on += the block, or its transpose, times v from row `from` on. */
static void multiply(const neck__reduction *job, const tile_of_a *b, int transposed, int64_t from, int64_t to,
                     double *x)
{
    int64_t rows = transposed ? b->cols : b->rows, depth = transposed ? b->rows : b->cols, strip = job->strip;
    int64_t lda = transposed ? 1 : BUFFER_LINE, step = transposed ? BUFFER_LINE : 1;
    for (int64_t at = 0; at < BAND * job->padded; at += job->padded * strip)
        for (int64_t r = 0; r < rows; r += job->group)
            job->kernels->reflect.tile(depth, b->data + r * lda, lda, step, job->v + at + from * strip,
                                       x + at + (to + r) * strip, strip, 1);
}

static void one_block(const neck__reduction *job, const tile_of_a *b, double *x)
{
    load(job, b);
    if (job->first > 0) {
        update(job, b);
        store(job, b);
    }
    if (b->row == b->col) {
        mirror(b);
        multiply(job, b, 0, b->col, b->row, x);
    } else {
        multiply(job, b, 0, b->col, b->row, x);
        multiply(job, b, 1, b->row, b->col, x);
    }
}

void neck__reduction_multiply_task(void *data, int64_t part)
{
    const neck__reduction *job = data;
    int64_t row, col, rows = reach(job, part) * BLOCK, strip = job->strip;
    if (rows > job->padded) rows = job->padded;
    double *x = job->part_x + part * job->padded * BAND;
    for (int64_t at = 0; at < BAND * job->padded; at += job->padded * strip)
        memset(x + at, 0, (size_t)(rows * strip) * sizeof *x);
    for (int64_t index = first_pair(job, part); index < first_pair(job, part + 1); index++) {
        pair_of(index, &row, &col);
        row *= BLOCK, col *= BLOCK;
        tile_of_a b = {row, col, extent(job, row), extent(job, col), job->buffer + part * BLOCK * BUFFER_LINE};
        one_block(job, &b, x);
    }
}

void neck__reduction_sum_x(const neck__reduction *job, int64_t block)
{
    int64_t row = block * BLOCK, strip = job->strip, count = extent(job, row) * strip;
    for (int64_t at = row * strip; at < BAND * job->padded; at += job->padded * strip) {
        double *x = job->x + at;
        memset(x, 0, (size_t)count * sizeof *x);
        for (int64_t part = 0; part < job->parts; part++)
            if (block < reach(job, part))
                job->kernels->add_scaled(count, 1, job->part_x + part * job->padded * BAND + at, x);
    }
}
