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

neck_status share_sum(double *numbers, int64_t count)
{
    (void)numbers;
    (void)count;
    return NECK_OK;
}

uint64_t share_mark(uint64_t mark, const void *bytes, size_t size)
{
    (void)mark;
    (void)bytes;
    (void)size;
    return 0;
}

neck_status share_alike(const char *what, uint64_t mark)
{
    (void)what;
    (void)mark;
    return NECK_OK;
}

neck_status share_copy(void *bytes, size_t size, int32_t from)
{
    (void)bytes;
    (void)size;
    (void)from;
    return NECK_OK;
}
