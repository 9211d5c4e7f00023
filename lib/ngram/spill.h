/* ngram/spill.h - the folder where a count keeps its runs, and the list of them that lets it be resumed. */
#ifndef NECK_NGRAM_SPILL_H
#define NECK_NGRAM_SPILL_H

#include "ngram/key_buffer.h"
#include "ngram/run.h"

typedef struct neck__spill {
    neck__allocator allocator;
    char *folder;   /* NULL: runs lie one behind the other in a file without a name */
    int fd;         /* that file; -1: none yet */
    int64_t end;    /* of the last run there */
    int32_t resume; /* runs are listed on disk, and stay when the count is given up */
    neck__run *runs;
    int64_t count, capacity;
    int64_t next; /* number of the next run */
} neck__spill;

/* Neither folder nor resume touches the disk yet. Errors: NECK_E_NOMEM. */
neck_status neck__spill_init(neck__spill *spill, const neck__allocator *allocator, const char *folder, int32_t resume);

/* Makes the folder, or looks at what is in it: with resume what an interrupted count left, whose place in the text goes
 * to position; files of it that are not listed are removed. Errors: NECK_E_ARGUMENT (another count's; without resume:
 * not empty), NECK_E_IO, NECK_E_FORMAT, NECK_E_NOMEM. */
neck_status neck__spill_begin(neck__spill *spill, const neck__key_form *form, int64_t vocab_size,
                              neck__text_position *position);

/* The path of a run, or of the folder of the file without a name, in new memory. */
char *neck__spill_path(const neck__spill *spill, int64_t number);

/* neck__spill_create - a writer for the next run.
 * neck__spill_turn   - what is written from now on goes to another file without a name than the first run: its room is
 *   free once the runs in it have been removed.
 * neck__spill_add    - finishes the writer and lists its run last.
 * neck__spill_drop   - removes the first count runs from the list; their files stay until they are removed.
 * neck__spill_unlink - removes the files of runs.
 * Errors: NECK_E_IO, NECK_E_NOMEM. After a failure of add the writer still has to be abandoned. */
neck_status neck__spill_create(neck__spill *spill, const neck__key_form *form, int64_t buffer_bytes,
                               neck__run_writer *writer);
void neck__spill_turn(neck__spill *spill);
neck_status neck__spill_add(neck__spill *spill, neck__run_writer *writer);
void neck__spill_drop(neck__spill *spill, int64_t count);
void neck__spill_unlink(const neck__spill *spill, const neck__run *runs, int64_t count);

/* Removes everything of this count, and the folder if nothing else is in it. */
void neck__spill_remove(neck__spill *spill);
/* Releases memory; files with names stay. */
void neck__spill_clear(neck__spill *spill);

/* The list on disk: with resume it is written whenever the runs, and with them the place in the text up to which
 * everything has been counted, have changed; without, it does nothing. Errors: NECK_E_IO, NECK_E_NOMEM. */
neck_status neck__spill_save(const neck__spill *spill, const neck__key_form *form, int64_t vocab_size,
                             const neck__text_position *position);
/* Errors: NECK_E_IO, NECK_E_NOMEM, NECK_E_FORMAT, NECK_E_ARGUMENT (another order or vocabulary). */
neck_status neck__spill_load(neck__spill *spill, const char *path, const neck__key_form *form, int64_t vocab_size,
                             neck__text_position *position);

#define NECK__SPILL_LIST "runs.list"

#endif
