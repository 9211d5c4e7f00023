/* ngram/run_read.c - reading runs, and noticing when they are not what was written. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "format/system_error.h"
#include "ngram/little.h"
#include "ngram/run.h"

static neck_status damaged(const neck__run_reader *reader)
{
    return neck__fail(NECK_E_FORMAT, "'%s': these counted n-grams are damaged", reader->file.path);
}

static neck_status check_length(const neck__run_reader *reader)
{
    struct stat info;
    if (fstat(reader->file.fd, &info) != 0) return neck__fail_system("examine", reader->file.path, errno);
    if (info.st_size != reader->run.bytes)
        return neck__fail(NECK_E_FORMAT, "'%s': %" PRId64 " bytes of counted n-grams: there were %" PRId64,
                          reader->file.path, (int64_t)info.st_size, reader->run.bytes);
    return NECK_OK;
}

neck_status neck__run_open(neck__run_reader *reader, const neck__allocator *allocator, const neck__key_form *form,
                           const char *path, const neck__run *run, int64_t buffer_bytes)
{
    *reader = (neck__run_reader){
        .run = *run, .records = run->records, .bytes = run->bytes, .sum = NECK__SUM_START};
    NECK_TRY(neck__run_file_init(&reader->file, allocator, form, path, buffer_bytes));
    reader->file.is_shared = run->fd >= 0;
    reader->file.fd = run->fd >= 0 ? run->fd : open(path, O_RDONLY | O_CLOEXEC);
    if (reader->file.is_shared) return NECK_OK;
    if (reader->file.fd < 0) return neck__fail_system("open", path, errno);
    return check_length(reader);
}

void neck__run_close(neck__run_reader *reader)
{
    neck__run_file_clear(&reader->file);
}

/* size bytes to the end of what is in the buffer. */
static neck_status read_in(neck__run_reader *reader, int64_t size)
{
    neck__run_file *file = &reader->file;
    unsigned char *to = file->buffer + file->used;
    const int64_t at = reader->run.begin + reader->run.bytes - reader->bytes;
    for (int64_t done = 0; done < size;) {
        ssize_t got = pread(file->fd, to + done, (size_t)(size - done), (off_t)(at + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return neck__fail_system("read", file->path, errno);
        if (got == 0) return damaged(reader); /* cut since it was opened */
        done += got;
    }
    const int64_t padding = -size & 7;
    memset(to + size, 0, (size_t)padding);
    reader->sum = neck__sum_words(reader->sum, to, size + padding);
    reader->bytes -= size;
    file->used += size;
    return NECK_OK;
}

/* Less than a record is left in the buffer: it goes to the front. */
static neck_status refill(neck__run_reader *reader)
{
    neck__run_file *file = &reader->file;
    file->used -= reader->at;
    memmove(file->buffer, file->buffer + reader->at, (size_t)file->used);
    reader->at = 0;
    return read_in(reader, reader->bytes < file->capacity ? reader->bytes : file->capacity);
}

static neck_status finish(const neck__run_reader *reader)
{
    const int whole = reader->bytes == 0 && reader->at == reader->file.used && reader->sum == reader->run.sum;
    return whole ? NECK_OK : damaged(reader);
}

neck_status neck__run_next(neck__run_reader *reader, uint64_t *key, int64_t *count, int32_t *done)
{
    const neck__key_form *form = reader->file.form;
    if (reader->records == 0) {
        *done = 1;
        return finish(reader);
    }
    if (reader->file.used - reader->at < NECK__RUN_RECORD && reader->bytes > 0) NECK_TRY(refill(reader));
    const unsigned char *record = reader->file.buffer + reader->at;
    const int64_t left = reader->file.used - reader->at;
    if (left < form->bytes + 1) return damaged(reader);
    for (int32_t i = 0; i < form->words; i++) key[i] = neck__little64(record + 8 * i);
    key[form->words - 1] &= form->top_mask;
    const int is_long = record[form->bytes] == NECK__RUN_LONG;
    if (is_long && left < form->bytes + 9) return damaged(reader);
    const uint64_t times = is_long ? neck__little64(record + form->bytes + 1) : record[form->bytes];
    if (times < 1 || times > INT64_MAX) return damaged(reader);
    *count = (int64_t)times;
    reader->at += form->bytes + (is_long ? 9 : 1);
    reader->records--;
    return NECK_OK;
}
