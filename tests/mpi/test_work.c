/* test_work.c - units handed out to whoever is free: each once, in an order that may depend on what is done, until
 * one fails. */
#include "mpi_test.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

enum { MOST = 400 };

/* What rank 0 knows. */
typedef struct list {
    int64_t count, given;
    int64_t opens_at;     /* units from here on wait until all before are done; 0: none do */
    int64_t finished;
    int64_t fails;        /* a unit that fails, or -1 */
    int64_t done_fails;   /* a unit whose done fails, or -1 */
    int64_t told;         /* calls */
    int64_t wrong_tells;
    int given_to[MOST], done_by[MOST], bad_bytes;
    int64_t result_size;
    int64_t ran;          /* on this rank */
    int cancelled;        /* a tell said so */
    long naps;            /* of a unit, in ms */
    int64_t patient;      /* units from here on end when they are told that the work has failed */
    int meets;            /* a unit ends when each rank is at one */
    pthread_mutex_t inside; /* to see that callbacks do not overlap */
    int overlaps;
} list;

static void enter(list *self)
{
    if (pthread_mutex_trylock(&self->inside) != 0) self->overlaps++;
}

static void leave(list *self)
{
    pthread_mutex_unlock(&self->inside);
}

static int32_t next(void *user, int32_t to, int64_t *unit)
{
    list *self = user;
    int32_t answer = NECK_MPI_WORK_UNIT;
    enter(self);
    if (self->given == self->count) answer = NECK_MPI_WORK_END;
    else if (self->opens_at && self->given >= self->opens_at && self->finished < self->opens_at)
        answer = NECK_MPI_WORK_WAIT;
    else {
        self->given_to[self->given] = to + 1;
        *unit = self->given++;
    }
    leave(self);
    return answer;
}

static unsigned char byte_at(int64_t unit, int64_t place)
{
    return (unsigned char)(unit * 31 + place * 7 + place / 251);
}

static neck_status run(void *user, neck_mpi_work *work, int64_t unit)
{
    list *self = user;
    struct timespec nap = {self->naps / 1000, self->naps % 1000 * 1000000};
    self->ran++;
    nanosleep(&nap, NULL);
    if (self->meets) MPI_Barrier(MPI_COMM_WORLD);
    if (unit == self->fails) return neck_error_set(NECK_E_FORMAT, "unit is torn");
    int cancelled = neck_mpi_work_tell(work, unit * 10) == NECK_E_CANCELLED;
    for (int waits = 0; !cancelled && unit >= self->patient && waits < 60000; waits++) {
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
        cancelled = neck_mpi_work_tell(work, unit * 10) == NECK_E_CANCELLED;
    }
    self->cancelled |= cancelled;
    int64_t size = self->result_size + unit % 3;
    unsigned char *bytes = malloc((size_t)size + 1);
    for (int64_t i = 0; i < size; i++) bytes[i] = byte_at(unit, i);
    neck_status status = neck_mpi_work_give(work, bytes, size / 2); /* in two pieces */
    if (status == NECK_OK) status = neck_mpi_work_give(work, bytes + size / 2, size - size / 2);
    free(bytes);
    return status;
}

static neck_status done(void *user, int32_t by, int64_t unit, const void *bytes, int64_t size)
{
    list *self = user;
    const unsigned char *all = bytes;
    enter(self);
    self->bad_bytes += size != self->result_size + unit % 3;
    for (int64_t i = 0; i < size; i++) self->bad_bytes += all[i] != byte_at(unit, i);
    self->done_by[unit] = self->done_by[unit] ? -1 : by + 1;
    self->finished++;
    leave(self);
    return unit == self->done_fails ? neck_error_set(NECK_E_IO, "disk is full") : NECK_OK;
}

static void told(void *user, int32_t by, int64_t unit, int64_t amount)
{
    list *self = user;
    enter(self);
    self->told++;
    self->wrong_tells += amount != unit * 10 || self->given_to[unit] != by + 1;
    leave(self);
}

static neck_status work_on(list *self)
{
    pthread_mutex_init(&self->inside, NULL);
    neck_mpi_work_options options = {.struct_size = sizeof options, .user = self, .run = run};
    if (rank == 0) {
        options.next = next;
        options.done = done;
        options.told = told;
    }
    neck_status status = neck_mpi_work_run(team, &options);
    pthread_mutex_destroy(&self->inside);
    EXPECT(self->overlaps == 0 && self->bad_bytes == 0 && self->wrong_tells == 0, "%d, %d, %lld", self->overlaps,
           self->bad_bytes, (long long)self->wrong_tells);
    return status;
}

static list plain(int64_t count)
{
    return (list){.count = count, .fails = -1, .done_fails = -1, .patient = count, .result_size = 5};
}

static void each_unit_is_run_once(void)
{
    const int64_t counts[] = {0, 1, 2, 3, 50, MOST}, sizes[] = {0, 5, 70000};
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
        for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
            list self = plain(counts[c]);
            self.result_size = sizes[s];
            EXPECT_OK(work_on(&self));
            int64_t ran = self.ran;
            EXPECT_OK(neck_mpi_sum_integers(team, &ran, 1));
            EXPECT(ran == self.count, "%lld of %lld units", (long long)ran, (long long)self.count);
            for (int64_t i = 0; i < self.count && rank == 0; i++)
                EXPECT(self.done_by[i] > 0 && self.done_by[i] == self.given_to[i], "unit %lld: %d", (long long)i,
                       self.done_by[i]);
        }
}

static void all_ranks_work_when_units_take_time(void)
{
    list self = plain(3 * ranks);
    self.meets = 1;
    EXPECT_OK(work_on(&self));
    EXPECT(self.ran == 3, "%lld units", (long long)self.ran);
    EXPECT(rank > 0 || self.told > 0, "nothing was told");
}

static void units_may_wait_for_others(void)
{
    list self = plain(30);
    self.opens_at = 11;
    self.naps = 3;
    EXPECT_OK(work_on(&self));
    EXPECT(rank > 0 || self.finished == 30, "%lld", (long long)self.finished);
}

static void waiting_for_nothing_is_an_error(void)
{
    list self = plain(4);
    self.opens_at = 4;
    self.count = 5;
    self.finished = -1; /* never enough */
    EXPECT(work_on(&self) == NECK_E_STATE, "%s", neck_last_error());
    EXPECT(strstr(neck_last_error(), "under way"), "%s", neck_last_error());
}

static void a_failing_unit_ends_the_work(void)
{
    list self = plain(MOST);
    self.fails = 20;
    self.patient = 21;
    EXPECT(work_on(&self) == NECK_E_FORMAT, "%s", neck_last_error());
    EXPECT(strncmp(neck_last_error(), "rank ", 5) == 0 && strstr(neck_last_error(), "): unit is torn"), "%s",
           neck_last_error());
    EXPECT(self.given < 21 + ranks, "%lld were handed out", (long long)self.given);
    for (int64_t i = 0; i < self.given && rank == 0; i++)
        EXPECT((self.done_by[i] > 0) == (i != 20), "unit %lld: %d", (long long)i, self.done_by[i]);
}

static void what_cannot_be_kept_ends_the_work(void)
{
    list self = plain(MOST);
    self.done_fails = 7;
    self.patient = 8;
    EXPECT(work_on(&self) == NECK_E_IO, "%s", neck_last_error());
    EXPECT(strncmp(neck_last_error(), "rank 0 (", 8) == 0 && strstr(neck_last_error(), "disk is full"), "%s",
           neck_last_error());
    EXPECT(self.given < 8 + ranks, "%lld were handed out", (long long)self.given);
}

/* The last unit fails while the others are at work: they learn of it. */
static void others_learn_of_a_failure(void)
{
    list self = plain(ranks);
    self.fails = ranks - 1;
    self.patient = 0;
    EXPECT(work_on(&self) == NECK_E_FORMAT, "%s", neck_last_error());
    int64_t cancelled = self.cancelled, ran = self.ran;
    EXPECT_OK(neck_mpi_sum_integers(team, &cancelled, 1));
    EXPECT_OK(neck_mpi_sum_integers(team, &ran, 1));
    EXPECT(ran == ranks && cancelled == ran - 1, "%lld of %lld were told", (long long)cancelled, (long long)ran - 1);
}

/* Done units are written down; what takes the work up again runs the rest. */
static void work_can_be_taken_up_again(void)
{
    list self = plain(60);
    self.fails = 31;
    EXPECT(work_on(&self) == NECK_E_FORMAT, "%s", neck_last_error());
    int64_t finished = self.finished;
    self.fails = -1;
    self.given = self.count - 29;
    EXPECT_OK(work_on(&self));
    EXPECT(rank > 0 || self.finished == finished + 29, "%lld", (long long)self.finished);
}

static void wrong_use_of_work_is_refused(void)
{
    list self = plain(3);
    neck_mpi_work_options options = {
        .struct_size = sizeof options, .user = &self, .run = run, .next = next, .done = done};
    EXPECT(neck_mpi_work_run(NULL, &options) == NECK_E_ARGUMENT, "no team");
    EXPECT(neck_mpi_work_run(team, NULL) == NECK_E_ARGUMENT, "no options");
    if (rank == 0) options.next = NULL;
    EXPECT(neck_mpi_work_run(team, &options) == NECK_E_ARGUMENT, "no next on rank 0");
    options.next = next;
    if (rank == ranks - 1) options.run = NULL;
    EXPECT(neck_mpi_work_run(team, &options) == NECK_E_ARGUMENT, "no run on the last rank");
    EXPECT(neck_mpi_work_give(NULL, "", 0) == NECK_E_ARGUMENT, "nothing to give to");
    EXPECT(neck_mpi_work_tell(NULL, 0) == NECK_E_ARGUMENT, "nothing to tell of");
    EXPECT(self.ran == 0, "%lld ran", (long long)self.ran);
}

static const mpi_test_fn tests[] = {
    each_unit_is_run_once,           all_ranks_work_when_units_take_time, units_may_wait_for_others,
    waiting_for_nothing_is_an_error, a_failing_unit_ends_the_work,        what_cannot_be_kept_ends_the_work,
    others_learn_of_a_failure,       work_can_be_taken_up_again,          wrong_use_of_work_is_refused,
};
MPI_TEST_MAIN(tests)
