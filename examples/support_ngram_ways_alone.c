/* support_ngram_ways_alone.c - a build without MPI has no other ranks. */
#include <stddef.h>

#include "support_ngram_ways.h"

const ngram_ways *ngram_ways_of_ranks(void) { return NULL; }
