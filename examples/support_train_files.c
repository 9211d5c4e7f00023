/* support_train_files.c - small files of a run folder, written whole or not at all. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "support_text.h"
#include "support_train_run.h"

/* Written beside its name, synced, renamed. */
int train_file_write(const char *path, const char *bytes, size_t size)
{
    size_t room = strlen(path) + 8;
    char *partial = text_alloc(room);
    snprintf(partial, room, "%s.tmp", path);
    FILE *file = fopen(partial, "wb");
    int good = file && fwrite(bytes, 1, size, file) == size && fflush(file) == 0 && fsync(fileno(file)) == 0;
    if (file) good = fclose(file) == 0 && good;
    good = good && rename(partial, path) == 0;
    int error = errno;
    if (!good) unlink(partial);
    free(partial);
    errno = error;
    return good;
}

int train_file_copy(const char *from, const char *to)
{
    FILE *file = fopen(from, "rb");
    if (!file) return 0;
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    char *bytes = text_alloc(size > 0 ? (size_t)size : 1);
    int good = size >= 0 && fseek(file, 0, SEEK_SET) == 0 && fread(bytes, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    good = good && train_file_write(to, bytes, (size_t)size);
    free(bytes);
    return good;
}

/* What there is of a run before its first step. */
static const char *const first_files[TRAIN_FIRST_FILES] = {"run.json", "tokenizer.json", "tokens.bin"};

void train_start_note(train_run *self)
{
    self->had_folder = access(self->folder, F_OK) == 0;
    for (int i = 0; i < TRAIN_FIRST_FILES; i++) {
        char *path = train_run_path(self, first_files[i]);
        self->had_file[i] = access(path, F_OK) == 0;
        free(path);
    }
}

void train_start_undo(const train_run *self)
{
    for (int i = 0; i < TRAIN_FIRST_FILES; i++) {
        char *path = train_run_path(self, first_files[i]);
        if (!self->had_file[i]) unlink(path);
        free(path);
    }
    if (!self->had_folder) rmdir(self->folder);
}
