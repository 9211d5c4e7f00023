/* support_share_alone.c - one process has no one to share with. */
#include "support_share.h"

void share_of(int64_t total, int64_t *first, int64_t *count)
{
    *first = 0;
    *count = total;
}

neck_status share_spectrum(neck_context *context, const neck_matrix *matrix, const neck_spectrum_options *options,
                           neck_spectrum **out)
{
    return neck_spectrum_compute(context, matrix, options, out);
}

neck_status share_evaluation(neck_evaluation *evaluation)
{
    (void)evaluation;
    return NECK_OK;
}

neck_status share_copy(void *bytes, size_t size, int32_t from)
{
    (void)bytes;
    (void)size;
    (void)from;
    return NECK_OK;
}
