/* ngram/counter_finish.c - neck_ngram_counter_finish: runs are merged until one is left, which becomes the file. */
#include <string.h>

#include "core/error.h"
#include "ngram/counter.h"
#include "ngram/ngrams.h"
#include "ngram/run_merge.h"

enum {
    MOST_RUNS = 64, /* merged at a time: as many files are open */
    LEAST_BUFFER = 16 << 10,
    MOST_BUFFER = 1 << 20,
    FILE_BUFFER = 64 << 10
};

/* ---- merging ---- */

/* As many runs as there are buffers for, one more being for what is written. */
static int64_t runs_at_a_time(const neck_ngram_counter *counter)
{
    const int64_t fit = counter->memory / LEAST_BUFFER - 1;
    return fit < MOST_RUNS ? fit : MOST_RUNS;
}

static int64_t buffer_for(const neck_ngram_counter *counter, int64_t runs)
{
    const int64_t share = counter->memory / (runs + 1);
    return share < MOST_BUFFER ? share - 1024 : MOST_BUFFER; /* a little for what is beside the buffer */
}

static neck_status open_run(const neck_ngram_counter *counter, const neck__run *run, int64_t buffer_bytes,
                            neck__tally_stream *stream)
{
    char *path = neck__spill_path(&counter->spill, run->number);
    if (!path) {
        memset(stream, 0, sizeof *stream);
        stream->reader.file.fd = -1;
        return NECK_E_NOMEM;
    }
    neck_status status =
        neck__tally_stream_open(stream, &counter->allocator, &counter->buffer.form, path, run, buffer_bytes);
    neck__release(&counter->allocator, path);
    return status;
}

/* The first runs into the writer. */
static neck_status merge_into(neck_context *context, neck_ngram_counter *counter, int64_t runs,
                              neck__run_writer *writer)
{
    const neck__run *first = counter->spill.runs;
    int64_t opened = 0, total = 0;
    neck_status status = NECK_OK;
    neck__tally_stream *streams = neck__alloc(&counter->allocator, runs, sizeof *streams, "runs being merged");
    if (!streams) return NECK_E_NOMEM;
    while (status == NECK_OK && opened < runs) {
        total += first[opened].records;
        status = open_run(counter, &first[opened], buffer_for(counter, runs), &streams[opened]);
        opened++;
    }
    if (status == NECK_OK) status = neck__run_merge(context, streams, runs, total, writer);
    for (int64_t i = 0; i < opened; i++) neck__tally_stream_close(&streams[i]);
    neck__release(&counter->allocator, streams);
    return status;
}

/* The first runs become one, the last in the list. They are removed once the list on disk does without them. */
static neck_status merge(neck_context *context, neck_ngram_counter *counter, int64_t runs)
{
    neck__spill *spill = &counter->spill;
    neck__run merged[MOST_RUNS];
    neck__run_writer writer;
    neck__spill_turn(spill);
    NECK_TRY(neck__spill_create(spill, &counter->buffer.form, buffer_for(counter, runs), &writer));
    neck_status status = merge_into(context, counter, runs, &writer);
    if (status == NECK_OK) status = neck__spill_add(spill, &writer);
    if (status != NECK_OK) {
        neck__run_abandon(&writer);
        return status;
    }
    memcpy(merged, spill->runs, (size_t)runs * sizeof *merged);
    neck__spill_drop(spill, runs);
    status = neck__spill_save(spill, &counter->buffer.form, counter->vocab_size, &counter->position);
    if (status == NECK_OK || !spill->resume) neck__spill_unlink(spill, merged, runs);
    return status;
}

/* The first merge takes so few runs that all later ones can be as wide as possible: fewest passes over the data. */
static neck_status merge_all(neck_context *context, neck_ngram_counter *counter)
{
    const int64_t widest = runs_at_a_time(counter);
    for (int64_t count; (count = counter->spill.count) > 1;) {
        const int64_t excess = (count - 1) % (widest - 1);
        NECK_TRY(merge(context, counter, excess > 0 ? excess + 1 : widest));
    }
    return NECK_OK;
}

/* ---- the file ---- */

/* What was counted, from its beginning: the only run, or what is in memory. */
static neck_status open_all(const neck_ngram_counter *counter, neck__tally_stream *stream)
{
    if (counter->spill.count > 0) return open_run(counter, counter->spill.runs, FILE_BUFFER, stream);
    neck__tally_stream_over(stream, &counter->buffer);
    return NECK_OK;
}

static neck_status survey(neck_context *context, const neck_ngram_counter *counter, int64_t total,
                          neck__ngrams_header *header)
{
    neck__tally_stream stream;
    neck_status status = open_all(counter, &stream);
    if (status == NECK_OK) status = neck__ngrams_survey(context, &stream, total, header);
    neck__tally_stream_close(&stream);
    return status;
}

static neck_status write_file(neck_context *context, const neck_ngram_counter *counter, neck__ngrams_header *header,
                              neck__atomic_file *file)
{
    neck__tally_stream stream;
    const int64_t total = counter->spill.count > 0 ? counter->spill.runs[0].records : counter->buffer.count;
    NECK_TRY(survey(context, counter, total, header));
    neck_status status = open_all(counter, &stream);
    if (status == NECK_OK) status = neck__ngrams_write(context, &stream, header, file);
    neck__tally_stream_close(&stream);
    return status;
}

/* Whether there is any n-gram; what precedes a shard makes its document longer, but no n-gram. */
static neck_status check_any(const neck_ngram_counter *counter, const neck__text_position *end)
{
    if (counter->spill.count > 0 || counter->buffer.count > 0) return NECK_OK;
    NECK_TRY(neck__ngram_check_any(counter->buffer.form.order, end));
    return neck__fail(NECK_E_ARGUMENT, "no n-gram: nothing follows the tokens that precede this text");
}

/* Everything sorted and in one place. */
static neck_status gather_all(neck_context *context, neck_ngram_counter *counter)
{
    if (counter->spill.count == 0) return neck__key_buffer_tally(context, &counter->buffer);
    if (counter->buffer.count > 0) NECK_TRY(neck__counter_spill(context, counter));
    neck__key_buffer_clear(&counter->buffer);
    return merge_all(context, counter);
}

neck_status neck_ngram_counter_finish(neck_context *context, neck_ngram_counter *counter, const char *path)
{
    NECK_TRY(neck__counter_usable(counter));
    if (!path) return neck__fail(NECK_E_ARGUMENT, "path is NULL");
    neck__text_position end = counter->position;
    neck__text_end_document(&end);
    NECK_TRY(check_any(counter, &end));
    neck__ngrams_header header = {.info = neck__ngram_info(counter->buffer.form.order, counter->vocab_size, &end)};
    neck__atomic_file *file; /* first of all: a path that cannot be written must not cost the count */
    NECK_TRY(neck__atomic_file_create(&counter->allocator, path, &file));
    neck_status status = gather_all(context, counter);
    if (status == NECK_OK) status = write_file(context, counter, &header, file);
    if (status == NECK_OK)
        status = neck__atomic_file_commit(file);
    else
        neck__atomic_file_abandon(file);
    if (status != NECK_OK) return neck__counter_fail(counter, status);
    counter->state = NECK__COUNTER_FINISHED;
    neck__spill_remove(&counter->spill);
    return NECK_OK;
}
