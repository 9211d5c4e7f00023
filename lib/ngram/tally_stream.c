/* ngram/tally_stream.c - one way to read what was counted, wherever it lies. */
#include "ngram/tally_stream.h"

#include "core/error.h"

static void next_in_memory(neck__tally_stream *stream)
{
    if (stream->left == 0) {
        stream->done = 1;
        return;
    }
    neck__key_copy(stream->form, stream->key, stream->keys);
    stream->count = (int64_t)*stream->counts++;
    stream->keys += stream->form->words;
    stream->left--;
}

void neck__tally_stream_over(neck__tally_stream *stream, const neck__key_buffer *buffer)
{
    *stream = (neck__tally_stream){
        .form = &buffer->form, .keys = buffer->keys, .counts = buffer->spare, .left = buffer->count};
    stream->reader.file.fd = -1;
    next_in_memory(stream);
}

neck_status neck__tally_stream_open(neck__tally_stream *stream, const neck__allocator *allocator,
                                    const neck__key_form *form, const char *path, const neck__run *run,
                                    int64_t buffer_bytes)
{
    *stream = (neck__tally_stream){.form = form};
    NECK_TRY(neck__run_open(&stream->reader, allocator, form, path, run, buffer_bytes));
    return neck__tally_stream_next(stream);
}

void neck__tally_stream_close(neck__tally_stream *stream)
{
    neck__run_close(&stream->reader);
}

neck_status neck__tally_stream_next(neck__tally_stream *stream)
{
    if (!stream->keys) return neck__run_next(&stream->reader, stream->key, &stream->count, &stream->done);
    next_in_memory(stream);
    return NECK_OK;
}
