/* softneck-mpi.h - libsoftneck-mpi: the same results on many machines, over MPI. The only header to include; brings
 * softneck.h and mpi.h along. Built by `make mpi`; the core library knows nothing of it. */
#ifndef SOFTNECK_MPI_H
#define SOFTNECK_MPI_H

#include "softneck.h"

#include "softneck-mpi/team.h"
#include "softneck-mpi/evaluate.h"
#include "softneck-mpi/gram.h"
#include "softneck-mpi/ngram.h"
#include "softneck-mpi/operator.h"
#include "softneck-mpi/spectrum.h"
#include "softneck-mpi/training.h"
#include "softneck-mpi/work.h"

#endif
