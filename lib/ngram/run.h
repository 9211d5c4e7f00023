/* ngram/run.h - counted n-grams spilled to disk: a run is a file of records in increasing order, an n-gram each: the
 * lowest bytes of its key, lowest first, then its count: one byte, or 255 and eight bytes. What guards it is kept
 * apart, where the runs are listed. */
#ifndef NECK_NGRAM_RUN_H
#define NECK_NGRAM_RUN_H

#include "core/memory.h"
#include "ngram/key.h"

/* What is known of a finished run. */
typedef struct neck__run {
    int64_t number; /* which gives it its name */
    int32_t fd;     /* or the file without a name in which it lies among others; -1: it has one */
    int64_t begin;  /* there */
    int64_t records, bytes;
    uint64_t sum; /* of its bytes, zeros added up to a multiple of 8 */
} neck__run;

/* An open run. */
typedef struct neck__run_file {
    neck__allocator allocator;
    const neck__key_form *form;
    char *path;
    int fd;
    int is_shared; /* with other runs: it stays open */
    unsigned char *buffer;
    int64_t used, capacity; /* of the buffer; behind it is room for a record */
} neck__run_file;

typedef struct neck__run_writer {
    neck__run_file file;
    neck__run run; /* so far */
} neck__run_writer;

/* neck__run_create - a new file at path or, where fd is not -1, in that file from begin on; path is then for messages.
 *   buffer_bytes: memory for it.
 * neck__run_append - keys must increase.
 * neck__run_finish - writes the rest (with sync, to the disk itself) and closes; *run is then complete but for its
 *   number.
 * neck__run_abandon - instead of finish, and after any failure: closes and removes the file, if it has a name.
 * Errors: NECK_E_IO, NECK_E_NOMEM. */
neck_status neck__run_create(neck__run_writer *writer, const neck__allocator *allocator, const neck__key_form *form,
                             const char *path, int fd, int64_t begin, int64_t buffer_bytes);
neck_status neck__run_append(neck__run_writer *writer, const uint64_t *key, int64_t count);
neck_status neck__run_finish(neck__run_writer *writer, int sync, neck__run *run);
void neck__run_abandon(neck__run_writer *writer);

typedef struct neck__run_reader {
    neck__run_file file;
    neck__run run;   /* as it must be */
    int64_t at;      /* in the buffer */
    int64_t records; /* still to come */
    int64_t bytes;   /* not yet read */
    uint64_t sum;    /* of those read */
} neck__run_reader;

/* neck__run_open - path as for create. Errors: NECK_E_IO, NECK_E_FORMAT (not as long as it was), NECK_E_NOMEM.
 * neck__run_next - the next n-gram, or *done: then the whole file has been checked against run. Errors: NECK_E_IO,
 *   NECK_E_FORMAT.
 * neck__run_close - also after a failure to open, and twice. */
neck_status neck__run_open(neck__run_reader *reader, const neck__allocator *allocator, const neck__key_form *form,
                           const char *path, const neck__run *run, int64_t buffer_bytes);
neck_status neck__run_next(neck__run_reader *reader, uint64_t *key, int64_t *count, int32_t *done);
void neck__run_close(neck__run_reader *reader);

/* For both. */
enum {
    NECK__RUN_RECORD = 48, /* bytes a record takes at most, and a whole last word */
    NECK__RUN_LONG = 255   /* the count follows */
};
neck_status neck__run_file_init(neck__run_file *file, const neck__allocator *allocator, const neck__key_form *form,
                                const char *path, int64_t buffer_bytes);
void neck__run_file_clear(neck__run_file *file);

#endif
