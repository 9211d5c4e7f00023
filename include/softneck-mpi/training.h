/* softneck-mpi/training.h - training by many ranks: the exchange that a training asks for. */
#ifndef SOFTNECK_MPI_TRAINING_H
#define SOFTNECK_MPI_TRAINING_H

#include "../softneck/gradient_exchange.h"
#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct neck_mpi_exchange_options {
    size_t struct_size;
    int64_t bucket; /* bytes that are sent together, 4096 .. 2^30; 0: 4 MiB. All ranks the same. Shows in no bits */
} neck_mpi_exchange_options;

/* neck_mpi_exchange_create  - what a team's ranks do for each other in training. Give *out in the options of trainings,
 *                             one at a time, on every rank:
 *
 *     neck_mpi_exchange_create(team, NULL, &exchange);
 *     options.exchange = exchange;
 *     neck_training_create(context, &options, &training);
 *
 *                             Arrays are put together to buckets, each of which is on its way while others are
 *                             computed: it is cut into one piece a rank, added there in order of rank. A step sends
 *                             and gets about 2 (P - 1) / P times the bytes of all parameters. Memory: 8 buckets.
 * neck_mpi_exchange_destroy - after the trainings. NULL is a no-op. Local.
 * Collective. Errors: NECK_E_ARGUMENT (options), NECK_E_NOMEM, NECK_E_STATE. The exchange's functions return NECK_E_IO
 * when a rank is lost. The team must outlive it. */
NECK_API neck_status neck_mpi_exchange_create(neck_mpi_team *team, const neck_mpi_exchange_options *options,
                                              neck_gradient_exchange **out);
NECK_API void neck_mpi_exchange_destroy(neck_gradient_exchange *exchange);

#ifdef __cplusplus
}
#endif
#endif
