/* support_share.h - one matrix, one evaluation, shared out over a tool's ranks. Alone: all of it. */
#ifndef SUPPORT_SHARE_H
#define SUPPORT_SHARE_H

#include <softneck.h>

/* share_of         - which of total items are this rank's: [*first, *first + *count).
 * share_spectrum   - neck_spectrum_compute of a matrix that every rank can read, each reading its share of the rows;
 *                    the spectrum is on all ranks.
 * share_evaluation - adds up the evaluations of all ranks.
 * share_sum        - numbers become their sums over ranks.
 * share_copy       - bytes of rank from's memory to all others.
 * share_mark       - a mark of a few thousand samples of some bytes, and of how many there are; goes on from another
 *                    mark. Alone: 0.
 * share_alike      - NECK_E_ARGUMENT on all, naming the rank, unless all have the first one's mark: files of other
 *                    content would give results of nothing. All ranks call all of these but the marks together. */
void share_of(int64_t total, int64_t *first, int64_t *count);
neck_status share_spectrum(neck_context *context, const neck_matrix *matrix, const neck_spectrum_options *options,
                           neck_spectrum **out);
neck_status share_evaluation(neck_evaluation *evaluation);
neck_status share_sum(double *numbers, int64_t count);
neck_status share_copy(void *bytes, size_t size, int32_t from);
uint64_t share_mark(uint64_t mark, const void *bytes, size_t size);
neck_status share_alike(const char *what, uint64_t mark);

#endif
