/* study/rows.c - blocks of rows, converted on all threads. */
#include "study/rows.h"

#include "core/parallel.h"
#include "linalg/view.h"

enum { PIECE = 512, BLOCK_NUMBERS = 1 << 19 };

typedef struct reading {
    const neck__rows *rows;
    int32_t dtype;
    void *out;
} reading;

static void put(const reading *job, int64_t at, int64_t count, const double *piece)
{
    if (job->dtype == NECK_F64)
        for (int64_t j = 0; j < count; j++) ((double *)job->out)[at + j] = piece[j];
    else
        for (int64_t j = 0; j < count; j++) ((float *)job->out)[at + j] = (float)piece[j];
}

static void read_row(void *data, int64_t i)
{
    const reading *job = data;
    const neck__rows *rows = job->rows;
    int64_t cols = rows->view->cols, row = rows->index ? rows->index[i] : rows->first + i;
    double piece[PIECE];
    for (int64_t col = 0; col < cols; col += PIECE) {
        int64_t count = cols - col < PIECE ? cols - col : PIECE;
        neck__view_read(rows->view, row, col, count, piece);
        for (int64_t j = 0; rows->minus && j < count; j++) piece[j] -= rows->minus[col + j];
        put(job, i * cols + col, count, piece);
    }
}

void neck__rows_read(neck_context *context, const neck__rows *rows, int32_t dtype, void *out)
{
    neck__parallel(context, rows->count, read_row, &(reading){rows, dtype, out});
}

int64_t neck__rows_per_block(int64_t cols)
{
    return cols < BLOCK_NUMBERS / 16 ? BLOCK_NUMBERS / cols : 16;
}
