/* mpi/team_ngrams.c - each rank reads a stretch of the text and sends its n-grams to those that count them. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mpi/mail.h"
#include "softneck-mpi/ngram.h"

enum { PIECE = 1 << 16, MOST_ORDER = 8, DEFAULT_ORDER = 5 }; /* PIECE: tokens read at a time */
#define DEFAULT_MEMORY (INT64_C(1) << 30)
#define MAIL_MEMORY (INT64_C(16) << 20)
#define LEAST_MEMORY (INT64_C(1) << 20)

/* What is left of this rank's share of the text. A piece of a document lies in tokens from BEFORE on; in front of it as
 * many of the tokens before it as n-grams reach back for. */
enum { BEFORE = MOST_ORDER };

typedef struct stretch {
    int64_t next, end;   /* of the text: what is read next, where the share ends */
    int64_t first;       /* where in tokens the document begins, or what is kept of it */
    int64_t at, held;    /* n-grams that end before `at` have been sent; tokens end before `held` */
    int64_t known;       /* tokens before `next` that have been read, BEFORE at most */
    int32_t tokens[BEFORE + PIECE];
} stretch;

typedef struct counting {
    neck_mpi_team *team;
    neck_context *context;
    const neck_mpi_text *text;
    int32_t order;
    neck_ngram_counter *counter;
    neck__mpi_mail mail;
    stretch *stretch;
    unsigned char *seen;       /* vocab_size: tokens that are a successor */
    int64_t tokens, documents; /* read since the last round */
    int64_t all_tokens, all_documents; /* that all ranks have read */
    int64_t own_ngrams;                /* counted here, with repetition */
} counting;

/* ---- reading ---------------------------------------------------------------------------------------------------- */

static neck_status read_some(const counting *self, int64_t begin, int64_t most, int32_t *tokens, int64_t document[2])
{
    const neck_mpi_text *text = self->text;
    NECK_TRY(text->read(text->user, begin, most, tokens, document));
    if (document[0] < 0 || document[0] > begin || document[1] <= begin || document[1] > text->tokens)
        return neck__mpi_fail(NECK_E_ARGUMENT,
                              "token %" PRId64 " of %" PRId64 " is said to be in a document from %" PRId64
                              " to %" PRId64,
                              begin, text->tokens, document[0], document[1]);
    if (most > document[1] - begin) most = document[1] - begin;
    for (int64_t i = 0; i < most; i++)
        if (tokens[i] < 0 || tokens[i] >= text->vocab_size)
            return neck__mpi_fail(NECK_E_ARGUMENT, "token %" PRId64 " is %d: the vocabulary has %" PRId64, begin + i,
                                  tokens[i], text->vocab_size);
    return NECK_OK;
}

/* A document counts for the rank whose share it begins in. Where a share begins within one, the tokens before it are
 * read too. */
static neck_status read_piece(counting *self)
{
    stretch *s = self->stretch;
    int64_t document[2], same[2], most = s->end - s->next < PIECE ? s->end - s->next : PIECE;
    memmove(s->tokens, s->tokens + s->held - BEFORE, BEFORE * sizeof *s->tokens);
    NECK_TRY(read_some(self, s->next, most, s->tokens + BEFORE, document));
    int64_t before = s->next - document[0] < self->order - 1 ? s->next - document[0] : self->order - 1;
    if (before > s->known) NECK_TRY(read_some(self, s->next - before, before, s->tokens + BEFORE - before, same));
    if (most > document[1] - s->next) most = document[1] - s->next;
    self->documents += document[0] == s->next;
    self->tokens += most;
    s->first = BEFORE - before;
    s->at = BEFORE;
    s->held = BEFORE + most;
    s->next += most;
    s->known = s->known + most < BEFORE ? s->known + most : BEFORE;
    return NECK_OK;
}

/* ---- sending ---------------------------------------------------------------------------------------------------- */

/* The n-gram that ends with token `at`; 0 when there is no room for it in this round. */
static int send(counting *self, int64_t at)
{
    const int32_t *gram = self->stretch->tokens + at + 1 - self->order;
    uint64_t hash = 0;
    for (int32_t i = 0; i < self->order - 1; i++) hash = neck__mpi_hash(hash, (uint64_t)gram[i] + 1);
    size_t bytes = (size_t)self->order * sizeof *gram;
    char *place = neck__mpi_mail_put(&self->mail, neck__mpi_rank_of(self->team, hash), (int64_t)bytes);
    if (place) memcpy(place, gram, bytes);
    return place != NULL;
}

/* Until a box is full, or the share has been read; *left says which. */
static neck_status fill(counting *self, int64_t *left)
{
    stretch *s = self->stretch;
    for (;;) {
        for (; s->at < s->held; s->at++)
            if (s->at + 1 - s->first >= self->order && !send(self, s->at)) {
                *left = 1;
                return NECK_OK;
            }
        *left = 0;
        if (s->next >= s->end) return NECK_OK;
        NECK_TRY(read_piece(self));
    }
}

/* ---- counting --------------------------------------------------------------------------------------------------- */

static neck_status take_in(counting *self, int64_t tokens, int64_t documents)
{
    const int32_t *grams = (const int32_t *)(void *)self->mail.in;
    int64_t count = self->mail.received / (int64_t)sizeof *grams / self->order;
    for (int64_t i = 1; i <= count; i++) self->seen[grams[i * self->order - 1]] = 1;
    self->all_tokens += tokens;
    self->all_documents += documents;
    self->own_ngrams += count;
    NECK_TRY(neck_ngram_counter_note(self->context, self->counter, tokens, documents));
    return neck_ngram_counter_add(self->context, self->counter, grams, count);
}

static neck_status count_all(counting *self)
{
    neck_status status = NECK_OK;
    for (int64_t left = 1; left > 0;) {
        if (status == NECK_OK) status = fill(self, &left);
        int64_t sums[] = {left, self->tokens, self->documents};
        NECK_TRY(neck__mpi_mail_exchange(&self->mail, status, sums, 3));
        left = sums[0];
        self->tokens = self->documents = 0;
        status = take_in(self, sums[1], sums[2]);
    }
    return neck_mpi_agree(self->team, status);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static neck_status own_info(neck_context *context, const char *path, neck_ngrams_info *info)
{
    neck_ngrams *ngrams = NULL;
    neck_status status = neck_ngrams_open(context, path, 1, &ngrams);
    if (status == NECK_OK) status = neck_ngrams_describe(ngrams, info);
    neck_ngrams_destroy(ngrams);
    return status;
}

/* Tokens that are a successor on any rank. */
static neck_status count_successors(counting *self, int64_t *out)
{
    int64_t vocab_size = self->text->vocab_size, *marks = malloc((size_t)vocab_size * sizeof *marks);
    neck_status status = marks ? NECK_OK : neck__mpi_fail(NECK_E_NOMEM, "out of memory for successors");
    status = neck_mpi_agree(self->team, status);
    for (int64_t i = 0; i < vocab_size && status == NECK_OK; i++) marks[i] = self->seen[i];
    if (status == NECK_OK) status = neck_mpi_sum_integers(self->team, marks, vocab_size);
    *out = 0;
    for (int64_t i = 0; i < vocab_size && status == NECK_OK; i++) *out += marks[i] > 0;
    neck__mpi_free(self->team, marks);
    return status;
}

static neck_status sum_up(counting *self, const neck_ngrams_info *own, neck_ngrams_info *whole)
{
    int64_t sums[] = {own->contexts, own->ngrams, own->occurrences, own->singletons, own->seen_once};
    NECK_TRY(neck_mpi_sum_integers(self->team, sums, 5));
    *whole = (neck_ngrams_info){.order = self->order,
                                .vocab_size = self->text->vocab_size,
                                .tokens = self->all_tokens,
                                .documents = self->all_documents,
                                .contexts = sums[0],
                                .ngrams = sums[1],
                                .occurrences = sums[2],
                                .singletons = sums[3],
                                .seen_once = sums[4]};
    return count_successors(self, &whole->successors);
}

/* Each rank's file, where it has n-grams; none anywhere is what it is in one process. Files of some ranks alone are
 * of no use. */
static neck_status finish(counting *self, const char *path, neck_ngrams_info *whole)
{
    neck_ngrams_info own = {.struct_size = sizeof own};
    neck_status status = NECK_OK;
    int written = 0;
    int64_t all = self->own_ngrams;
    NECK_TRY(neck_mpi_sum_integers(self->team, &all, 1));
    if (all == 0)
        return neck__mpi_fail(NECK_E_ARGUMENT, "no n-gram of order %d: all documents are shorter", self->order);
    if (self->own_ngrams > 0) {
        status = neck_ngram_counter_finish(self->context, self->counter, path);
        written = status == NECK_OK;
        if (written) status = own_info(self->context, path, &own);
    }
    status = neck_mpi_agree(self->team, status);
    if (status == NECK_OK) status = sum_up(self, &own, whole);
    if (status != NECK_OK && written) (void)unlink(path);
    return status;
}

static neck_status check(const neck_mpi_text *text, const char *path, const neck_ngrams_info *whole, const int32_t *any)
{
    if (!text || !path || !whole || !any) return neck__mpi_fail(NECK_E_ARGUMENT, "text, path, whole or any is NULL");
    if (whole->struct_size < sizeof whole->struct_size)
        return neck__mpi_fail(NECK_E_ARGUMENT, "whole's struct_size is not set");
    if (!text->read || text->tokens < 0 || text->vocab_size < 1 || text->vocab_size > INT32_MAX)
        return neck__mpi_fail(NECK_E_ARGUMENT, "text: read is NULL, or %" PRId64 " tokens below %" PRId64, text->tokens,
                              text->vocab_size);
    return NECK_OK;
}

/* What an eighth of the memory leaves is the counter's. */
static neck_status begin(counting *self, const neck_ngram_counter_options *options, int64_t *mail_memory)
{
    NECK__MPI_OPTIONS(neck_ngram_counter_options, own, options);
    if (own.resume) return neck__mpi_fail(NECK_E_ARGUMENT, "a count over ranks cannot be resumed");
    self->order = own.order ? own.order : DEFAULT_ORDER;
    if (own.order < 0 || self->order > MOST_ORDER)
        return neck__mpi_fail(NECK_E_ARGUMENT, "order is %d: it must be 2 to 8", own.order);
    if (own.memory_bytes == 0) own.memory_bytes = DEFAULT_MEMORY;
    *mail_memory = own.memory_bytes / 8 < MAIL_MEMORY ? own.memory_bytes / 8 : MAIL_MEMORY;
    if (own.memory_bytes - *mail_memory >= LEAST_MEMORY) own.memory_bytes -= *mail_memory;
    self->seen = calloc((size_t)self->text->vocab_size, 1);
    self->stretch = calloc(1, sizeof *self->stretch);
    if (!self->seen || !self->stretch) return neck__mpi_fail(NECK_E_NOMEM, "out of memory for a share of the text");
    int64_t count;
    neck_mpi_share(self->team, self->text->tokens, self->team->rank, &self->stretch->next, &count);
    self->stretch->end = self->stretch->next + count;
    self->stretch->at = self->stretch->held = BEFORE;
    return neck_ngram_counter_create(self->context, self->text->vocab_size, &own, &self->counter);
}

static neck_status run(counting *self, const neck_ngram_counter_options *options, const char *path,
                       neck_ngrams_info *whole)
{
    int64_t mail_memory = 0, least;
    NECK_TRY(neck_mpi_agree(self->team, begin(self, options, &mail_memory)));
    const char *const names[] = {"tokens", "vocab_size", "order"};
    const int64_t alike[] = {self->text->tokens, self->text->vocab_size, self->order};
    NECK_TRY(neck__mpi_same(self->team, "text", names, alike, 3));
    NECK_TRY(neck__mpi_least(self->team, mail_memory, &least));
    neck_status status = neck__mpi_mail_open(self->team, least, self->order * (int64_t)sizeof(int32_t), &self->mail);
    if (status == NECK_OK) status = count_all(self);
    neck__mpi_mail_close(&self->mail);
    return status == NECK_OK ? finish(self, path, whole) : status;
}

neck_status neck_mpi_ngrams_count(neck_context *context, neck_mpi_team *team, const neck_mpi_text *text,
                                  const neck_ngram_counter_options *options, const char *path, neck_ngrams_info *whole,
                                  int32_t *any)
{
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(neck_mpi_agree(team, check(text, path, whole, any)));
    counting self = {.team = team, .context = context, .text = text};
    neck_ngrams_info found;
    neck_status status = run(&self, options, path, &found);
    neck_ngram_counter_destroy(self.counter);
    free(self.seen);
    free(self.stretch);
    if (status != NECK_OK) return status;
    found.struct_size = whole->struct_size;
    memcpy(whole, &found, whole->struct_size < sizeof found ? whole->struct_size : sizeof found);
    *any = self.own_ngrams > 0;
    return NECK_OK;
}
