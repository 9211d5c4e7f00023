/* ngram/run_write.c - writing runs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "core/error.h"
#include "format/system_error.h"
#include "ngram/little.h"
#include "ngram/run.h"

neck_status neck__run_create(neck__run_writer *writer, const neck__allocator *allocator, const neck__key_form *form,
                             const char *path, int fd, int64_t begin, int64_t buffer_bytes)
{
    writer->run = (neck__run){.fd = fd, .begin = begin, .sum = NECK__SUM_START};
    NECK_TRY(neck__run_file_init(&writer->file, allocator, form, path, buffer_bytes));
    writer->file.is_shared = fd >= 0;
    writer->file.fd = fd >= 0 ? fd : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    return writer->file.fd < 0 ? neck__fail_system("create", path, errno) : NECK_OK;
}

/* The first size bytes of the buffer, which are padded for the sum. */
static neck_status write_out(neck__run_writer *writer, int64_t size)
{
    neck__run_file *file = &writer->file;
    const int64_t padding = -size & 7;
    memset(file->buffer + file->used, 0, (size_t)padding);
    writer->run.sum = neck__sum_words(writer->run.sum, file->buffer, size + padding);
    const int64_t end = writer->run.begin + writer->run.bytes;
    for (int64_t done = 0; done < size;) {
        ssize_t written = pwrite(file->fd, file->buffer + done, (size_t)(size - done), (off_t)(end + done));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return neck__fail_system("write", file->path, errno);
        done += written;
    }
    writer->run.bytes += size;
    return NECK_OK;
}

static neck_status flush_full(neck__run_writer *writer)
{
    neck__run_file *file = &writer->file;
    NECK_TRY(write_out(writer, file->capacity));
    file->used -= file->capacity;
    memcpy(file->buffer, file->buffer + file->capacity, (size_t)file->used);
    return NECK_OK;
}

neck_status neck__run_append(neck__run_writer *writer, const uint64_t *key, int64_t count)
{
    neck__run_file *file = &writer->file;
    const neck__key_form *form = file->form;
    unsigned char *record = file->buffer + file->used, *end = record + form->bytes;
    for (int32_t i = 0; i < form->words; i++) neck__little64_put(record + 8 * i, key[i]);
    if (count < NECK__RUN_LONG) {
        *end++ = (unsigned char)count;
    } else {
        *end = NECK__RUN_LONG;
        neck__little64_put(end + 1, (uint64_t)count);
        end += 9;
    }
    file->used = end - file->buffer;
    writer->run.records++;
    return file->used >= file->capacity ? flush_full(writer) : NECK_OK;
}

neck_status neck__run_finish(neck__run_writer *writer, int sync, neck__run *run)
{
    neck__run_file *file = &writer->file;
    NECK_TRY(write_out(writer, file->used));
    file->used = 0;
    if (sync && fsync(file->fd) != 0) return neck__fail_system("write", file->path, errno);
    const int fd = file->fd;
    file->fd = -1;
    if (!file->is_shared && close(fd) != 0) /* network file systems report late */
        return neck__fail_system("write", file->path, errno);
    *run = writer->run;
    neck__run_file_clear(file);
    return NECK_OK;
}

void neck__run_abandon(neck__run_writer *writer)
{
    if (writer->file.path && !writer->file.is_shared) unlink(writer->file.path);
    neck__run_file_clear(&writer->file);
}
