/* support_headrank_closed.h - heads of lower rank without training: a model's head truncated, measured, bounded. */
#ifndef SUPPORT_HEADRANK_CLOSED_H
#define SUPPORT_HEADRANK_CLOSED_H

#include "support_headrank_data.h"

/* One truncation at one rank. */
typedef struct headrank_truncated {
    int32_t kind; /* NECK_TRUNCATE_* */
    int64_t rank;
    int64_t parameters;
    int64_t saved; /* parameters of the whole head - these */
    neck_loss_gap gap;
} headrank_truncated;

/* headrank_closed - plain and weighted truncation at every rank, in that order: 2 * count rows, *made of them also when
 *                   not all could be had (error, or interrupted). The weights are moments of the training states; what
 *                   it costs is measured on the validation states. Release with free.
 * headrank_closed_head - the weighted truncation of that rank as a factored head.
 * headrank_closed_save - the same as a head file (a: V x rank, b: rank x d). 1, or 0 and error. */
headrank_truncated *headrank_closed(neck_context *context, const headrank_data *data, const int64_t *ranks,
                                    int64_t count, int centered, int64_t *made, measure_error *error);
neck_status headrank_closed_head(neck_context *context, const headrank_data *data, int64_t rank, int centered,
                                 neck_head **out);
int headrank_closed_save(neck_context *context, const headrank_data *data, int64_t rank, int centered, const char *path,
                         measure_error *error);

#endif
