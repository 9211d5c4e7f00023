/* support_train_ranks_mpi.c - the first rank's files for ranks that do not see its folder; the exchange of gradients.
 * */
#include "support_train_ranks.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support_ranks.h"
#include "support_ranks_mpi.h"
#include "support_text.h"

enum { FILES = 3, PIECE = 1 << 20 };

static const char *const names[FILES] = {"run.json", "tokenizer.json", "tokens.bin"};

static neck_gradient_exchange *exchange;
static char *own_folder; /* of copies */

/* ---- files ------------------------------------------------------------------------------------------------------ */

static int fail(train_run *self, const char *path)
{
    snprintf(self->error, sizeof self->error, "%s: %s", path, strerror(errno));
    return 0;
}

/* -1: not there. */
static int64_t size_of(const train_run *self, const char *name)
{
    struct stat about;
    char *path = train_run_path(self, name);
    int64_t size = stat(path, &about) == 0 ? (int64_t)about.st_size : -1;
    free(path);
    return size;
}

static int make_own_folder(train_run *self)
{
    const char *above = getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
    size_t room = strlen(above) + 32;
    char *path = text_alloc(room);
    snprintf(path, room, "%s/neck-train-XXXXXX", above);
    if (!mkdtemp(path)) {
        fail(self, path);
        free(path);
        return 0;
    }
    self->folder = own_folder = path;
    return 1;
}

/* Piece by piece from the first rank to all, whether they want it or not; a rank that fails stays with the others. */
static int pass_file(train_run *self, const char *name, int64_t size, int keeps)
{
    int first = ranks_rank() == 0, good = 1;
    char *path = train_run_path(self, name), *piece = text_alloc(PIECE);
    FILE *file = first ? fopen(path, "rb") : keeps ? fopen(path, "wb") : NULL;
    if (!file && (first || keeps)) good = fail(self, path);
    for (int64_t done = 0; done < size; done += PIECE) {
        int64_t length = size - done < PIECE ? size - done : PIECE;
        if (first && good && fread(piece, 1, (size_t)length, file) != (size_t)length) good = fail(self, path);
        if (neck_mpi_broadcast(ranks_team(), piece, length, 0) != NECK_OK) {
            good = train_run_fail(self, NULL);
            break;
        }
        if (keeps && good && fwrite(piece, 1, (size_t)length, file) != (size_t)length) good = fail(self, path);
    }
    if (file && fclose(file) != 0 && good) good = fail(self, path);
    if (!neck_mpi_broken(ranks_team())) free(piece); /* else what is late is still written there */
    free(path);
    return good;
}

int train_ranks_files(train_run *self)
{
    int64_t sizes[FILES];
    int lacks = 0, good = 1;
    if (ranks_size() == 1) return 1;
    for (int i = 0; i < FILES; i++) sizes[i] = size_of(self, names[i]);
    if (neck_mpi_broadcast(ranks_team(), sizes, sizeof sizes, 0) != NECK_OK) return train_run_fail(self, NULL);
    for (int i = 0; i < FILES; i++) lacks |= size_of(self, names[i]) != sizes[i];
    if (!ranks_any(lacks)) return 1;
    if (lacks) good = make_own_folder(self);
    for (int i = 0; i < FILES; i++) good = pass_file(self, names[i], sizes[i], lacks && good) && good;
    return good;
}

/* ---- the exchange ----------------------------------------------------------------------------------------------- */

int train_ranks_exchange(train_run *self)
{
    if (ranks_size() == 1) return 1;
    if (neck_mpi_exchange_create(ranks_team(), NULL, &exchange) != NECK_OK) return train_run_fail(self, NULL);
    self->exchange = exchange;
    return 1;
}

void train_ranks_end(void)
{
    for (int i = 0; own_folder && i < FILES; i++) {
        size_t room = strlen(own_folder) + 32;
        char *path = text_alloc(room);
        snprintf(path, room, "%s/%s", own_folder, names[i]);
        unlink(path);
        free(path);
    }
    if (own_folder) rmdir(own_folder);
    free(own_folder);
    own_folder = NULL;
    neck_mpi_exchange_destroy(exchange);
    exchange = NULL;
}
