/* support_ngram_ways.h - the n-gram matrix of a corpus and its spectrum: by one process, or by all ranks together. */
#ifndef SUPPORT_NGRAM_WAYS_H
#define SUPPORT_NGRAM_WAYS_H

#include <softneck/density.h>

#include "support_ngram_corpus.h"

/* How a corpus is counted. scratch: a file that may be written meanwhile, this process's own. */
typedef struct ngram_recipe {
    int32_t order;
    int32_t weight; /* NECK_WEIGHT_* */
    int64_t memory; /* bytes of a process */
    const char *scratch;
} ngram_recipe;

/* Each has its own kind. */
typedef struct ngram_matrix ngram_matrix;

/* Of several ranks all call these in the same order, and all get the same, but for the density: only rank 0 has one. */
typedef struct ngram_ways {
    /* The first `tokens` tokens of a corpus, counted; make: the matrix of them. free: also before that, and of NULL. */
    neck_status (*count)(neck_context *context, const ngram_corpus *text, int64_t tokens, const ngram_recipe *recipe,
                         neck_ngrams_info *counts, ngram_matrix **out);
    neck_status (*make)(neck_context *context, ngram_matrix *matrix, neck_ngram_matrix_info *info);
    void (*free)(ngram_matrix *matrix);

    /* As neck_ngram_matrix_cost (of this process), _spectrum, _rest and _part_squares. */
    neck_status (*cost)(const ngram_matrix *matrix, int64_t *bytes, double *operations);
    neck_status (*spectrum)(neck_context *context, const ngram_matrix *matrix, int64_t memory, neck_spectrum **out);
    const char *(*solver)(const ngram_matrix *matrix, int64_t memory); /* who finds the spectrum of the largest part */
    neck_status (*rest)(neck_context *context, const ngram_matrix *matrix, double *values, double *bounds);
    neck_status (*squares)(const ngram_matrix *matrix, double *squares);

    /* Of the largest part, which there is: its largest singular values, `*count` or as many as it has; its density. */
    neck_status (*top)(neck_context *context, const ngram_matrix *matrix, int64_t *count, double *values,
                       double *bounds);
    neck_status (*density)(neck_context *context, const ngram_matrix *matrix, const neck_density_options *options,
                           neck_density **out);

    int32_t (*processes)(void); /* that share this machine's memory */
} ngram_ways;

/* ngram_ways_here     - those of all ranks where there are several, else those of one process.
 * ngram_ways_of_ranks - NULL: this program is one process. */
const ngram_ways *ngram_ways_here(void);
const ngram_ways *ngram_ways_of_ranks(void);

#endif
