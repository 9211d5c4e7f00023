/* mpi/work_list.c - rank 0's side of a list of work: what is next, what is done, and the thread that answers the
 * others. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "mpi/team_work.h"

#define NAP 1000000 /* nanoseconds between two looks for messages */

/* ---- what is next, what is done: with the lock held -------------------------------------------------------------- */

static void fail(neck_mpi_work *work, int32_t rank, neck_status status, const char *message)
{
    neck__list *list = work->list;
    if (list->status != NECK_OK) return;
    list->status = status;
    snprintf(list->message, sizeof list->message, "rank %d (%.80s): %s", rank, neck_mpi_host(work->team, rank),
             message);
}

static int32_t ask(neck_mpi_work *work, int32_t rank, int64_t *unit)
{
    neck__list *list = work->list;
    if (list->status != NECK_OK) return NECK_MPI_WORK_END;
    int32_t kind = work->options.next(work->options.user, rank, unit);
    if (kind == NECK_MPI_WORK_WAIT && list->under_way == 0)
        fail(work, 0, NECK_E_STATE, "nothing is under way that could give the next unit");
    if (kind == NECK_MPI_WORK_WAIT && list->status == NECK_OK) return kind;
    if (kind != NECK_MPI_WORK_UNIT) return NECK_MPI_WORK_END;
    list->units[rank] = *unit;
    list->under_way++;
    return kind;
}

static void take_report(neck_mpi_work *work, int32_t rank, const neck__report *report, const char *bytes)
{
    neck__list *list = work->list;
    if (report->unit < 0) return;
    list->units[rank] = -1;
    list->under_way--;
    list->changes++;
    if (report->status != NECK_OK) {
        fail(work, rank, (neck_status)report->status, report->message);
        return;
    }
    neck_status status = work->options.done(work->options.user, rank, report->unit, bytes, report->size);
    if (status != NECK_OK) fail(work, 0, status, neck_last_error());
}

/* ---- this rank's own units --------------------------------------------------------------------------------------- */

int32_t neck__list_next(neck_mpi_work *work, int64_t *unit)
{
    pthread_mutex_lock(&work->list->lock);
    int32_t kind = ask(work, 0, unit);
    pthread_mutex_unlock(&work->list->lock);
    return kind;
}

void neck__list_report(neck_mpi_work *work, const neck__report *report)
{
    pthread_mutex_lock(&work->list->lock);
    take_report(work, 0, report, work->bytes);
    pthread_mutex_unlock(&work->list->lock);
}

void neck__list_told(neck_mpi_work *work, int64_t amount)
{
    pthread_mutex_lock(&work->list->lock);
    if (work->options.told) work->options.told(work->options.user, 0, work->unit, amount);
    pthread_mutex_unlock(&work->list->lock);
}

int neck__list_has_failed(neck_mpi_work *work)
{
    pthread_mutex_lock(&work->list->lock);
    int failed = work->list->status != NECK_OK;
    pthread_mutex_unlock(&work->list->lock);
    return failed;
}

/* ---- the other ranks --------------------------------------------------------------------------------------------- */

static neck_status receive(neck_mpi_team *team, void *into, int64_t size, int32_t from, int tag)
{
    MPI_Request request;
    int code = MPI_Irecv(into, (int)size, MPI_BYTE, from, tag, team->comm, &request);
    return neck__mpi_await(team, code, &request, "a report");
}

static neck_status send(neck_mpi_team *team, const void *from, int64_t size, int32_t to, int tag)
{
    MPI_Request request;
    int code = MPI_Isend(from, (int)size, MPI_BYTE, to, tag, team->comm, &request);
    return neck__mpi_await(team, code, &request, "an answer");
}

/* Without memory for them they are received all the same: their sender waits. */
static neck_status receive_bytes(neck_mpi_work *work, int32_t from, int64_t size, char *bytes)
{
    for (int64_t first = 0; first < size; first += NECK__WORK_PIECE) {
        int64_t length = size - first < NECK__WORK_PIECE ? size - first : NECK__WORK_PIECE;
        NECK_TRY(receive(work->team, work->list->piece, length, from, NECK__WORK_BYTES));
        if (bytes) memcpy(bytes + first, work->list->piece, (size_t)length);
    }
    return NECK_OK;
}

static neck_status take_report_of(neck_mpi_work *work, int32_t from)
{
    neck__list *list = work->list;
    neck__report *report = &list->report;
    NECK_TRY(receive(work->team, report, sizeof *report, from, NECK__WORK_REPORT));
    char *bytes = malloc((size_t)report->size + 1);
    neck_status status = receive_bytes(work, from, report->size, bytes);
    if (status == NECK_OK && !bytes) {
        report->status = NECK_E_NOMEM;
        snprintf(report->message, sizeof report->message, "rank 0 is out of memory for a result of %lld bytes",
                 (long long)report->size);
    }
    if (status == NECK_OK) {
        pthread_mutex_lock(&list->lock);
        take_report(work, from, report, bytes);
        list->waiting[from] = 1;
        list->changes++; /* it has not asked yet */
        pthread_mutex_unlock(&list->lock);
    }
    free(bytes);
    return status;
}

static neck_status take_tell_of(neck_mpi_work *work, int32_t from)
{
    neck__list *list = work->list;
    NECK_TRY(receive(work->team, list->tell, sizeof list->tell, from, NECK__WORK_TELL));
    pthread_mutex_lock(&list->lock);
    if (work->options.told && list->units[from] == list->tell[0])
        work->options.told(work->options.user, from, list->tell[0], list->tell[1]);
    pthread_mutex_unlock(&list->lock);
    return NECK_OK;
}

static neck_status take_all(neck_mpi_work *work)
{
    static const struct {
        int tag;
        neck_status (*take)(neck_mpi_work *work, int32_t from);
    } kinds[] = {{NECK__WORK_TELL, take_tell_of}, {NECK__WORK_REPORT, take_report_of}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        for (int found = 1; found;) {
            MPI_Status about;
            int code = MPI_Iprobe(MPI_ANY_SOURCE, kinds[i].tag, work->team->comm, &found, &about);
            NECK_TRY(neck__mpi_check(work->team, code, "looking for reports"));
            if (found) NECK_TRY(kinds[i].take(work, about.MPI_SOURCE));
        }
    return NECK_OK;
}

static neck_status answer(neck_mpi_work *work, int32_t rank)
{
    neck__list *list = work->list;
    neck__answer *made = &list->answer;
    *made = (neck__answer){.unit = -1, .stopped = list->stopped};
    pthread_mutex_lock(&list->lock);
    made->kind = ask(work, rank, &made->unit);
    pthread_mutex_unlock(&list->lock);
    if (made->kind == NECK_MPI_WORK_WAIT) return NECK_OK;
    list->waiting[rank] = 0;
    list->ended[rank] = made->kind == NECK_MPI_WORK_END;
    return send(work->team, made, sizeof *made, rank, NECK__WORK_ANSWER);
}

/* Only when something has changed: what was refused once would be refused again. */
static neck_status answer_all(neck_mpi_work *work)
{
    neck__list *list = work->list;
    pthread_mutex_lock(&list->lock);
    int news = list->changes != list->seen || list->status != NECK_OK;
    list->seen = list->changes;
    pthread_mutex_unlock(&list->lock);
    for (int32_t rank = 1; rank < work->team->size && news; rank++)
        if (list->waiting[rank]) NECK_TRY(answer(work, rank));
    return NECK_OK;
}

static neck_status stop_all(neck_mpi_work *work)
{
    neck__list *list = work->list;
    if (list->stopped || !neck__list_has_failed(work)) return NECK_OK;
    list->stopped = 1;
    for (int32_t rank = 1; rank < work->team->size; rank++)
        if (!list->ended[rank]) NECK_TRY(send(work->team, "", 0, rank, NECK__WORK_STOP));
    return NECK_OK;
}

static int all_ended(const neck_mpi_work *work)
{
    for (int32_t rank = 1; rank < work->team->size; rank++)
        if (!work->list->ended[rank]) return 0;
    return 1;
}

static void *serve(void *argument)
{
    neck_mpi_work *work = argument;
    const struct timespec nap = {0, NAP};
    neck_status status = NECK_OK;
    while (status == NECK_OK && !all_ended(work) && !atomic_load(&work->list->quit)) {
        status = take_all(work);
        if (status == NECK_OK) status = stop_all(work);
        if (status == NECK_OK) status = answer_all(work);
        if (status == NECK_OK && atomic_load(&work->team->broken))
            status = neck__mpi_fail(NECK_E_IO, "%s", work->team->message);
        nanosleep(&nap, NULL);
    }
    if (status == NECK_OK) status = take_all(work); /* a last tell may have come with the report behind it */
    if (status == NECK_OK) return NULL;
    pthread_mutex_lock(&work->list->lock);
    fail(work, 0, status, neck_last_error());
    pthread_mutex_unlock(&work->list->lock);
    return NULL;
}

/* ---- making and ending ------------------------------------------------------------------------------------------- */

/* Signals are for the threads of the program. */
static neck_status start(neck_mpi_work *work)
{
    sigset_t all, before;
    if (work->team->size == 1) return NECK_OK;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&work->list->thread, NULL, serve, work);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed)
        return neck__mpi_fail(NECK_E_NOMEM, "a thread that hands out work cannot be started: %s", strerror(failed));
    work->list->serving = 1;
    return NECK_OK;
}

neck_status neck__list_open(neck_mpi_work *work)
{
    size_t size = (size_t)work->team->size;
    neck__list *list = calloc(1, sizeof *list);
    if (!list) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for a list of work");
    pthread_mutex_init(&list->lock, NULL);
    work->list = list;
    list->units = malloc(size * sizeof *list->units);
    list->waiting = calloc(size, 1);
    list->ended = calloc(size, 1);
    if (!list->units || !list->waiting || !list->ended)
        return neck__mpi_fail(NECK_E_NOMEM, "out of memory for the work of %d ranks", work->team->size);
    for (size_t i = 0; i < size; i++) list->units[i] = -1;
    return start(work);
}

void neck__list_end(neck_mpi_work *work, int begun)
{
    if (!work->list || !work->list->serving) return;
    if (!begun) atomic_store(&work->list->quit, 1);
    pthread_join(work->list->thread, NULL);
}

void neck__list_free(neck_mpi_work *work)
{
    if (!work->list) return;
    pthread_mutex_destroy(&work->list->lock);
    free(work->list->units);
    free(work->list->waiting);
    free(work->list->ended);
    free(work->list);
}
