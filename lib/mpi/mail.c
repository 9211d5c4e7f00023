/* mpi/mail.c - a box for every rank, emptied together. */
#include "mpi/mail.h"

#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static neck_status take_memory(neck__mpi_mail *mail)
{
    size_t ranks = (size_t)mail->team->size;
    mail->out = malloc(ranks * (size_t)mail->box);
    mail->in = malloc(ranks * (size_t)mail->box);
    mail->used = calloc(ranks, sizeof *mail->used);
    mail->coming = calloc(ranks, sizeof *mail->coming);
    mail->counts = calloc(ranks, 4 * sizeof *mail->counts);
    if (mail->out && mail->in && mail->used && mail->coming && mail->counts) return NECK_OK;
    return neck__mpi_fail(NECK_E_NOMEM, "out of memory for boxes of %" PRId64 " bytes, one a rank", mail->box);
}

neck_status neck__mpi_mail_open(neck_mpi_team *team, int64_t memory, int64_t largest, neck__mpi_mail *mail)
{
    int64_t share = memory / 2 / team->size;
    *mail = (neck__mpi_mail){.team = team, .box = ((share > largest ? share : largest) + 7) / 8 * 8};
    neck_status status;
    if (mail->box > INT_MAX / team->size)
        status = neck__mpi_fail(NECK_E_OVERFLOW, "%d records of up to %" PRId64 " bytes are too many at a time",
                                team->size, mail->box);
    else
        status = take_memory(mail);
    return neck_mpi_agree(team, status);
}

void neck__mpi_mail_close(neck__mpi_mail *mail)
{
    void *const owned[] = {mail->out, mail->in, mail->used, mail->coming, mail->counts};
    for (size_t i = 0; i < sizeof owned / sizeof *owned && mail->team; i++) neck__mpi_free(mail->team, owned[i]);
    *mail = (neck__mpi_mail){.team = NULL};
}

char *neck__mpi_mail_put(neck__mpi_mail *mail, int32_t to, int64_t bytes)
{
    if (bytes > mail->box - mail->used[to]) return NULL;
    char *place = mail->out + to * mail->box + mail->used[to];
    mail->used[to] += bytes;
    return place;
}

static void place(neck__mpi_mail *mail)
{
    int *sent = mail->counts, *from = sent + mail->team->size, *got = from + mail->team->size,
        *to = got + mail->team->size;
    mail->received = 0;
    for (int32_t r = 0; r < mail->team->size; r++) {
        sent[r] = (int)mail->used[r];
        from[r] = (int)(r * mail->box);
        got[r] = (int)mail->coming[r];
        to[r] = (int)mail->received;
        mail->received += mail->coming[r];
    }
}

neck_status neck__mpi_mail_exchange(neck__mpi_mail *mail, neck_status status, int64_t *sums, int64_t count)
{
    neck_mpi_team *team = mail->team;
    MPI_Request request;
    NECK_TRY(neck_mpi_agree(team, status));
    NECK_TRY(neck_mpi_sum_integers(team, sums, count));
    int code = MPI_Ialltoall(mail->used, 1, MPI_INT64_T, mail->coming, 1, MPI_INT64_T, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "an exchange of records"));
    place(mail);
    const int *counts = mail->counts;
    int32_t ranks = team->size;
    code = MPI_Ialltoallv(mail->out, counts, counts + ranks, MPI_BYTE, mail->in, counts + 2 * ranks, counts + 3 * ranks,
                          MPI_BYTE, team->comm, &request);
    NECK_TRY(neck__mpi_await(team, code, &request, "an exchange of records"));
    memset(mail->used, 0, (size_t)ranks * sizeof *mail->used);
    return NECK_OK;
}
