/* support_share.h - one matrix, one evaluation, shared out over a tool's ranks. Alone: all of it. */
#ifndef SUPPORT_SHARE_H
#define SUPPORT_SHARE_H

#include <softneck.h>

/* share_of         - which of total items are this rank's: [*first, *first + *count).
 * share_spectrum   - neck_spectrum_compute of a matrix that every rank can read, each reading its share of the rows;
 *                    the spectrum is on all ranks.
 * share_evaluation - adds up the evaluations of all ranks.
 * share_copy       - bytes of rank from's memory to all others. All ranks call the last three together. */
void share_of(int64_t total, int64_t *first, int64_t *count);
neck_status share_spectrum(neck_context *context, const neck_matrix *matrix, const neck_spectrum_options *options,
                           neck_spectrum **out);
neck_status share_evaluation(neck_evaluation *evaluation);
neck_status share_copy(void *bytes, size_t size, int32_t from);

#endif
