/* mpi/team.h - a team, as the files of this library share it. */
#ifndef NECK_MPI_TEAM_INTERNAL_H
#define NECK_MPI_TEAM_INTERNAL_H

#include <pthread.h>
#include <stdatomic.h>

#include "softneck-mpi/team.h"

/* Longest item count of one MPI call here: counts of MPI 3 are int, and a segment's buffer must fit. */
enum { NECK__MPI_SEGMENT = 1 << 20 };

/* What is no longer than this passes through the team's own memory: whatever arrives late then, when a rank was lost,
 * does not meet its caller's stack. */
enum { NECK__MPI_SMALL = 2048 };

struct neck_mpi_team {
    MPI_Comm comm;  /* what the ranks exchange */
    MPI_Comm watch; /* what their watching threads do */
    int32_t rank, size;
    double silence;
    neck_mpi_lost_fn lost;
    void *lost_user;
    char (*hosts)[MPI_MAX_PROCESSOR_NAME];
    pthread_t thread;
    int watching;           /* the thread was started */
    atomic_int unwanted;    /* the team was never made: its thread ends without a goodbye */
    double *heard;          /* of the thread: when each rank was last heard of, seconds */
    char *gone;             /* of the thread: which ranks have said goodbye */
    MPI_Request *beats;     /* of the thread: its sends under way, one a rank */
    atomic_int leaving;     /* the team is being destroyed */
    atomic_int breaking;    /* who comes first says how the team broke ... */
    int32_t missed;         /* the rank that was lost, or whose MPI failed ... */
    int at_fault;           /* and whether it was the latter; then */
    atomic_int broken;      /* it is; message says which */
    atomic_int asks;        /* a ticket is asked for ... */
    atomic_int answered;    /* ... and there */
    int64_t ticket;
    int64_t tickets;        /* rank 0: given so far */
    int *counts;            /* 4 x size: of MPI's calls; statuses */
    char *few;              /* pieces of a small sum: as small a message, and a number a rank */
    _Alignas(16) char small[NECK__MPI_SMALL];
    char message[512];
};

/* Sets neck_last_error() and returns status. */
neck_status neck__mpi_fail(neck_status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* What MPI's code says, while doing what; NECK_OK for MPI_SUCCESS. A failure breaks the team (NULL: there is none
 * yet): from there on ranks are out of step, and others wait for what this one will not send.
 * neck__mpi_break - the team ends, all ranks being told: because rank is silent, or of what MPI says on this one. */
neck_status neck__mpi_check(neck_mpi_team *team, int code, const char *what);
void neck__mpi_break(neck_mpi_team *team, int32_t rank, const char *fault);

/* Reads a caller's options struct as the core does (softneck/context.h): ours (size bytes, its first member
 * struct_size) is zeroed and gets what of the caller's it knows; bytes beyond that must be zero. NULL: all default. */
neck_status neck__mpi_options(const char *type, const void *given, void *ours, size_t size);
#define NECK__MPI_OPTIONS(type, name, given) \
    type name;                               \
    NECK_TRY(neck__mpi_options(#type, given, &name, sizeof name))

/* NECK_E_STATE when the team is NULL or broken. */
neck_status neck__mpi_usable(const neck_mpi_team *team);

/* Waits until a request is complete, or the team breaks (NECK_E_IO): buffers of what is under way must then stay
 * where they are.
 * neck__mpi_await - code: what the call of MPI that began it has returned.
 * neck__mpi_free  - frees what MPI may have been given, unless the team is broken. */
neck_status neck__mpi_wait(neck_mpi_team *team, MPI_Request *request, const char *what);
neck_status neck__mpi_await(neck_mpi_team *team, int code, MPI_Request *request, const char *what);
void neck__mpi_free(const neck_mpi_team *team, void *memory);

/* That numbers (count of them, at most NECK__MPI_MOST_ALIKE), each of `what`, are the same on all ranks. Errors:
 * NECK_E_ARGUMENT.
 * neck__mpi_least - the smallest of all ranks' numbers. */
enum { NECK__MPI_MOST_ALIKE = 8 };
neck_status neck__mpi_same(neck_mpi_team *team, const char *what, const char *const *names,
                           const int64_t *numbers, int32_t count);
neck_status neck__mpi_least(neck_mpi_team *team, int64_t own, int64_t *out);

/* The watching thread: team_watch.c. */
neck_status neck__mpi_watch_start(neck_mpi_team *team);
void neck__mpi_watch_stop(neck_mpi_team *team);

double neck__mpi_clock(void);

#define NECK_TRY(expression)                            \
    do {                                                \
        neck_status try_status_ = (expression);         \
        if (try_status_ != NECK_OK) return try_status_; \
    } while (0)

#endif
