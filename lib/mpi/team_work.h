/* mpi/team_work.h - a list of work under way, as the files of this library share it. */
#ifndef NECK_MPI_TEAM_WORK_INTERNAL_H
#define NECK_MPI_TEAM_WORK_INTERNAL_H

#include "mpi/team.h"
#include "softneck-mpi/work.h"

enum { NECK__WORK_MESSAGE = 900, NECK__WORK_PIECE = 1 << 16 };

/* Messages between rank 0 and the others. */
enum {
    /* to rank 0: a report, then its bytes; also the first time, when there is nothing to report */
    NECK__WORK_REPORT = 101,
    NECK__WORK_BYTES,  /* pieces of a result */
    NECK__WORK_TELL,   /* to rank 0: a unit and how far it is */
    NECK__WORK_ANSWER, /* from rank 0: an answer */
    NECK__WORK_STOP    /* from rank 0, at most once: the work has failed */
};

/* What became of a unit; unit -1: there was none. */
typedef struct neck__report {
    int64_t unit, size;
    int64_t status;
    char message[NECK__WORK_MESSAGE];
} neck__report;

typedef struct neck__answer {
    int64_t kind, unit; /* NECK_MPI_WORK_UNIT or _END */
    int64_t stopped;    /* a STOP was sent */
} neck__answer;

/* Rank 0's side. All behind the lock: its own thread and the one that answers the others take turns. */
typedef struct neck__list {
    pthread_mutex_t lock;
    pthread_t thread;
    int serving;        /* it was started */
    atomic_int quit;    /* it shall end at once */
    int64_t *units;   /* what each rank is at; -1: nothing */
    char *waiting;    /* which ranks await an answer ... */
    char *ended;      /* ... and which have got the last one */
    int64_t under_way;
    int64_t changes;  /* counts what could turn WAIT into something else */
    int64_t seen;     /* of the answering thread: changes when it last asked for those that wait */
    char stopped;     /* STOP was sent */
    neck_status status; /* the failure that ended the work */
    char message[NECK__WORK_MESSAGE + 100];
    neck__report report; /* on its way in, as are the next two: when a rank is lost they stay where they are */
    int64_t tell[2];
    char piece[NECK__WORK_PIECE];
    neck__answer answer; /* on its way out */
} neck__list;

struct neck_mpi_work {
    neck_mpi_team *team;
    neck_mpi_work_options options;
    neck__list *list; /* NULL but on rank 0 */
    int64_t unit;     /* being run on this rank */
    char *bytes;      /* its result */
    int64_t size, capacity;
    double last_told; /* seconds */
    int64_t tell[2];  /* on its way */
    MPI_Request telling;
    neck__answer answer;
    char nothing; /* what a STOP brings */
    char stopped;     /* STOP was received */
};

/* Rank 0's list: work_list.c.
 * neck__list_open - makes it, and starts the thread that answers. neck__list_end - waits until all others have got
 *   their last answer, or not when the work has not begun on all ranks. A no-op without a list.
 * neck__list_next - what this rank is to do. neck__list_report - its unit is done. neck__list_told - how far it is. */
neck_status neck__list_open(neck_mpi_work *work);
void neck__list_end(neck_mpi_work *work, int begun);
int32_t neck__list_next(neck_mpi_work *work, int64_t *unit);
void neck__list_report(neck_mpi_work *work, const neck__report *report);
void neck__list_told(neck_mpi_work *work, int64_t amount);
int neck__list_has_failed(neck_mpi_work *work);
void neck__list_free(neck_mpi_work *work);

#endif
