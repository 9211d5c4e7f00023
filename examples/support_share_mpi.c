/* support_share_mpi.c - rows and batches over the ranks that mpirun has started. */
#include "support_share.h"

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

neck_status share_copy(void *bytes, size_t size, int32_t from)
{
    return ranks_team() ? neck_mpi_broadcast(ranks_team(), bytes, (int64_t)size, from) : NECK_OK;
}
