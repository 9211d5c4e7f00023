/* support_share_mpi.c - rows and batches over the ranks that mpirun has started. */
#include "support_share.h"

#include <stdio.h>
#include <string.h>

#include "support_ranks_mpi.h"

void share_of(int64_t total, int64_t *first, int64_t *count)
{
    neck_mpi_share(ranks_team(), total, neck_mpi_rank(ranks_team()), first, count);
}

neck_status share_spectrum(neck_context *context, const neck_matrix *matrix, const neck_spectrum_options *options,
                           neck_spectrum **out)
{
    int64_t first, stride = matrix->row_stride ? matrix->row_stride : matrix->cols;
    neck_matrix own = *matrix;
    neck_spectrum_options mine = *options;
    if (!ranks_team()) return neck_spectrum_compute(context, matrix, options, out);
    share_of(matrix->rows, &first, &own.rows);
    own.data = (const char *)matrix->data + first * stride * neck_dtype_size(matrix->dtype);
    if (mine.row_weights) mine.row_weights = own.rows > 0 ? mine.row_weights + first : NULL;
    return neck_mpi_spectrum_compute(context, ranks_team(), own.rows > 0 ? &own : NULL, &mine, out);
}

neck_status share_evaluation(neck_evaluation *evaluation)
{
    return ranks_team() ? neck_mpi_evaluation_sum(ranks_team(), evaluation) : NECK_OK;
}

neck_status share_sum(double *numbers, int64_t count)
{
    return ranks_team() ? neck_mpi_sum(ranks_team(), numbers, count) : NECK_OK;
}

static uint64_t stir(uint64_t mark, uint64_t value)
{
    mark = (mark ^ value) * UINT64_C(0x9E3779B97F4A7C15);
    return mark ^ mark >> 29;
}

uint64_t share_mark(uint64_t mark, const void *bytes, size_t size)
{
    enum { WORD = sizeof(uint64_t), SAMPLES = 4096 };
    size_t words = size / WORD, stride = words / SAMPLES + 1;
    if (!ranks_team()) return 0;
    mark = stir(mark, size);
    for (size_t i = 0; i < words; i += stride) {
        uint64_t word;
        memcpy(&word, (const char *)bytes + i * WORD, WORD);
        mark = stir(mark, word);
    }
    for (size_t i = words * WORD; i < size; i++) mark = stir(mark, ((const unsigned char *)bytes)[i]);
    return mark;
}

neck_status share_alike(const char *what, uint64_t mark)
{
    char text[256];
    uint64_t first = mark;
    if (!ranks_team()) return NECK_OK;
    neck_status status = neck_mpi_broadcast(ranks_team(), &first, sizeof first, 0);
    if (status != NECK_OK) return status;
    snprintf(text, sizeof text, "%.200s differ from those of rank 0", what);
    return neck_mpi_agree(ranks_team(), mark == first ? NECK_OK : neck_error_set(NECK_E_ARGUMENT, text));
}

neck_status share_copy(void *bytes, size_t size, int32_t from)
{
    return ranks_team() ? neck_mpi_broadcast(ranks_team(), bytes, (int64_t)size, from) : NECK_OK;
}
