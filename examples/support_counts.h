/* support_counts.h - how often each token occurs, from whatever tells. */
#ifndef SUPPORT_COUNTS_H
#define SUPPORT_COUNTS_H

#include "support_measure.h"

typedef struct counts_source {
    const char *path;      /* a token file, a .npy file of counts, or text: a document, or a .jsonl with one a line */
    const char *tokenizer; /* for text; NULL: the one beside the model */
    const char *model;
} counts_source;

/* counts_read - fills counts, count_count and counts_of_tokens of the request (release counts with free). 0 and error
 * when it fails. */
int counts_read(neck_context *context, const counts_source *from, measure_request *request, measure_error *error);

#endif
