/* ngram/spill_list.c - the list of runs on disk, from which an interrupted count goes on. Numbers are little-endian:
 *    0  8 bytes  "NECKRUNS"
 *    8  uint32   version, 1
 *   12  uint32   order
 *   16  uint64   size of the vocabulary
 *   24  uint64 x 4: tokens, documents, length of the current document, of the longest (see neck__text_position)
 *   56  uint64 x 4: that document's latest tokens, packed
 *   88  uint64   number of the next run
 *   96  uint64   number of runs
 *  104           of each run: uint64 x 4: number, records, bytes, sum
 *       uint64   FNV-1a of everything before */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "format/atomic_file.h"
#include "format/folder.h"
#include "format/mapping.h"
#include "ngram/little.h"
#include "ngram/spill.h"
#include "text/token_file.h"

#define MAGIC "NECKRUNS"

enum { VERSION = 1, POSITION_AT = 24, LAST_AT = 56, NEXT_AT = 88, COUNT_AT = 96, RUNS_AT = 104, RUN = 32, HASH = 8 };

static void put_numbers(unsigned char *at, const uint64_t *numbers, int32_t count)
{
    for (int32_t i = 0; i < count; i++) neck__little64_put(at + 8 * i, numbers[i]);
}

static void fill_in(const neck__spill *spill, const neck__key_form *form, int64_t vocab_size,
                    const neck__text_position *position, unsigned char *bytes, int64_t size)
{
    const uint64_t place[] = {(uint64_t)position->tokens, (uint64_t)position->documents, (uint64_t)position->length,
                              (uint64_t)position->longest};
    memcpy(bytes, MAGIC, 8);
    neck__little32_put(bytes + 8, VERSION);
    neck__little32_put(bytes + 12, (uint64_t)form->order);
    neck__little64_put(bytes + 16, (uint64_t)vocab_size);
    put_numbers(bytes + POSITION_AT, place, 4);
    put_numbers(bytes + LAST_AT, position->last, NECK__KEY_WORDS);
    neck__little64_put(bytes + NEXT_AT, (uint64_t)spill->next);
    neck__little64_put(bytes + COUNT_AT, (uint64_t)spill->count);
    for (int64_t i = 0; i < spill->count; i++) {
        const neck__run *run = &spill->runs[i];
        const uint64_t entry[] = {(uint64_t)run->number, (uint64_t)run->records, (uint64_t)run->bytes, run->sum};
        put_numbers(bytes + RUNS_AT + RUN * i, entry, 4);
    }
    neck__little64_put(bytes + size - HASH, neck__fnv(NECK__FNV_OFFSET, bytes, size - HASH));
}

static neck_status write_list(const neck__spill *spill, const unsigned char *bytes, int64_t size)
{
    char *path = neck__path_join(&spill->allocator, spill->folder, NECK__SPILL_LIST);
    if (!path) return NECK_E_NOMEM;
    neck__atomic_file *file;
    neck_status status = neck__atomic_file_create(&spill->allocator, path, &file);
    neck__release(&spill->allocator, path);
    NECK_TRY(status);
    status = neck__atomic_file_write(file, bytes, size);
    if (status == NECK_OK) return neck__atomic_file_commit(file);
    neck__atomic_file_abandon(file);
    return status;
}

neck_status neck__spill_save(const neck__spill *spill, const neck__key_form *form, int64_t vocab_size,
                             const neck__text_position *position)
{
    if (!spill->resume) return NECK_OK;
    const int64_t size = RUNS_AT + RUN * spill->count + HASH;
    unsigned char *bytes = neck__alloc(&spill->allocator, size, 1, "a list of runs");
    if (!bytes) return NECK_E_NOMEM;
    fill_in(spill, form, vocab_size, position, bytes, size);
    neck_status status = write_list(spill, bytes, size);
    neck__release(&spill->allocator, bytes);
    return status;
}

/* ---- reading ---- */

static neck_status check_list(const unsigned char *bytes, int64_t size)
{
    if (size < RUNS_AT + HASH || memcmp(bytes, MAGIC, 8) != 0) return neck__fail(NECK_E_FORMAT, "not a list of runs");
    if (neck__little32(bytes + 8) != VERSION)
        return neck__fail(NECK_E_UNSUPPORTED, "a list of runs of version %" PRIu64 ": this library knows %d",
                          neck__little32(bytes + 8), VERSION);
    const uint64_t count = neck__little64(bytes + COUNT_AT);
    if ((size - RUNS_AT - HASH) % RUN != 0 || count != (uint64_t)(size - RUNS_AT - HASH) / RUN ||
        neck__little64(bytes + size - HASH) != neck__fnv(NECK__FNV_OFFSET, bytes, size - HASH))
        return neck__fail(NECK_E_FORMAT, "the list of runs is damaged");
    return NECK_OK;
}

static neck_status check_count(const unsigned char *bytes, const neck__key_form *form, int64_t vocab_size)
{
    const uint64_t order = neck__little32(bytes + 12), vocabulary = neck__little64(bytes + 16);
    if (order == (uint64_t)form->order && vocabulary == (uint64_t)vocab_size) return NECK_OK;
    return neck__fail(NECK_E_ARGUMENT, "a count of order %" PRIu64 " over a vocabulary of %" PRIu64
                      " was interrupted here, not one of order %d over %" PRId64, order, vocabulary, form->order,
                      vocab_size);
}

/* A number that is a size. */
static int take_size(const unsigned char *at, int64_t *out)
{
    const uint64_t value = neck__little64(at);
    *out = (int64_t)value;
    return value <= INT64_MAX / 128;
}

/* A text that began in the middle of a document has ended one fewer. */
static int is_preceded(const int64_t *field, const neck__text_position *position)
{
    return field == &position->documents && *field == -1;
}

static int take_position(const unsigned char *bytes, neck__text_position *position)
{
    int64_t *const fields[] = {&position->tokens, &position->documents, &position->length, &position->longest};
    int sound = 1;
    for (int32_t i = 0; i < 4; i++)
        sound &= take_size(bytes + POSITION_AT + 8 * i, fields[i]) || is_preceded(fields[i], position);
    for (int32_t i = 0; i < NECK__KEY_WORDS; i++) position->last[i] = neck__little64(bytes + LAST_AT + 8 * i);
    return sound;
}

static neck_status take_runs(neck__spill *spill, const unsigned char *bytes)
{
    int64_t count;
    int sound = take_size(bytes + COUNT_AT, &count) & take_size(bytes + NEXT_AT, &spill->next);
    spill->runs = neck__alloc(&spill->allocator, count, sizeof *spill->runs, "runs of n-grams");
    if (!spill->runs) return NECK_E_NOMEM;
    spill->count = spill->capacity = count;
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *entry = bytes + RUNS_AT + RUN * i;
        neck__run *run = &spill->runs[i];
        sound &= take_size(entry, &run->number) & take_size(entry + 8,
                                                            &run->records) & take_size(entry + 16, &run->bytes);
        sound &= run->number < spill->next;
        run->sum = neck__little64(entry + 24);
        run->fd = -1;
        run->begin = 0;
    }
    return sound ? NECK_OK : neck__fail(NECK_E_FORMAT, "the list of runs contradicts itself");
}

static neck_status load(neck__spill *spill, const neck__mapping *file, const neck__key_form *form, int64_t vocab_size,
                        neck__text_position *position)
{
    NECK_TRY(check_list(file->data, file->size));
    NECK_TRY(check_count(file->data, form, vocab_size));
    if (!take_position(file->data, position)) return neck__fail(NECK_E_FORMAT, "the list of runs contradicts itself");
    return take_runs(spill, file->data);
}

neck_status neck__spill_load(neck__spill *spill, const char *path, const neck__key_form *form, int64_t vocab_size,
                             neck__text_position *position)
{
    neck__mapping *file;
    NECK_TRY(neck__mapping_open(&spill->allocator, path, &file));
    neck_status status = load(spill, file, form, vocab_size, position);
    neck__mapping_close(file);
    return status == NECK_OK ? NECK_OK : neck__fail_in(status, "'%s'", path);
}
