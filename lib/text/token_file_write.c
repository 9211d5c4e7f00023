/* text/token_file_write.c - neck_token_writer: tokens to disk as they come, the header last. */
#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "format/atomic_file.h"
#include "text/growing.h"
#include "text/token_file.h"

#define CHUNK 4096 /* tokens narrowed at a time */

struct neck_token_writer {
    neck__allocator allocator;
    neck__token_header header; /* of what has been written so far */
    neck__atomic_file *file;
    uint64_t *ends; /* of the documents, in tokens */
    int64_t end_capacity;
};

/* Room for the header, which is known at the end. */
static neck_status begin_file(neck_token_writer *writer, const char *path)
{
    static const unsigned char room[NECK__TOKEN_HEADER_SIZE];
    NECK_TRY(neck__atomic_file_create(&writer->allocator, path, &writer->file));
    return neck__atomic_file_write(writer->file, room, sizeof room);
}

neck_status neck_token_writer_create(neck_context *context, const char *path, int64_t vocab_size,
                                     uint64_t tokenizer_hash, neck_token_writer **out)
{
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    if (vocab_size < 1 || vocab_size > INT32_MAX)
        return neck__fail(NECK_E_ARGUMENT, "vocab_size is %" PRId64 ": it must be 1 to 2^31 - 1", vocab_size);
    const neck__allocator allocator = neck__allocator_of(context);
    neck_token_writer *writer = neck__calloc(&allocator, 1, sizeof *writer, "a token file being written");
    if (!writer) return NECK_E_NOMEM;
    writer->allocator = allocator;
    writer->header = (neck__token_header){
        .width = neck__token_width(vocab_size), .tokenizer_hash = tokenizer_hash, .vocab_size = vocab_size};
    neck_status status = begin_file(writer, path);
    if (status == NECK_OK)
        *out = writer;
    else
        neck_token_writer_destroy(writer);
    return status;
}

void neck_token_writer_destroy(neck_token_writer *writer)
{
    if (!writer) return;
    const neck__allocator allocator = writer->allocator;
    neck__atomic_file_abandon(writer->file);
    neck__release(&allocator, writer->ends);
    neck__release(&allocator, writer);
}

static neck_status write_chunk(neck_token_writer *writer, const int32_t *ids, int64_t count)
{
    unsigned char bytes[CHUNK * 4];
    const int32_t width = writer->header.width;
    for (int64_t i = 0; i < count; i++) neck__put_little(bytes + i * width, (uint32_t)ids[i], width);
    return neck__atomic_file_write(writer->file, bytes, count * width);
}

neck_status neck_token_writer_push(neck_token_writer *writer, const int32_t *ids, int64_t count)
{
    if (!writer || (!ids && count != 0)) return neck__fail(NECK_E_ARGUMENT, "writer or ids is NULL");
    if (count < 0) return neck__fail(NECK_E_ARGUMENT, "count is %" PRId64, count);
    for (int64_t i = 0; i < count; i++)
        if (ids[i] < 0 || ids[i] >= writer->header.vocab_size)
            return neck__fail(NECK_E_ARGUMENT, "token %" PRId64 " is %d: the vocabulary has %" PRId64, i, ids[i],
                              writer->header.vocab_size);
    for (int64_t done = 0; done < count; done += CHUNK)
        NECK_TRY(write_chunk(writer, ids + done, count - done < CHUNK ? count - done : CHUNK));
    writer->header.count += count;
    return NECK_OK;
}

neck_status neck_token_writer_end_document(neck_token_writer *writer)
{
    if (!writer) return neck__fail(NECK_E_ARGUMENT, "writer is NULL");
    const int64_t documents = writer->header.documents;
    if (documents == writer->end_capacity) {
        uint64_t *grown = neck__grown(&writer->allocator, writer->ends, documents, documents + 1, sizeof *grown,
                                      &writer->end_capacity, "documents");
        if (!grown) return NECK_E_NOMEM;
        writer->ends = grown;
    }
    writer->ends[writer->header.documents++] = (uint64_t)writer->header.count;
    return NECK_OK;
}

static neck_status write_end(neck_token_writer *writer)
{
    static const unsigned char zeros[8];
    const neck__token_header *header = &writer->header;
    unsigned char bytes[NECK__TOKEN_HEADER_SIZE];
    if (header->documents > 0 && writer->ends[header->documents - 1] != (uint64_t)header->count)
        return neck__fail(NECK_E_STATE, "the last tokens belong to no document");
    NECK_TRY(neck__atomic_file_write(writer->file, zeros,
                                     neck__token_documents_at(header->count, header->width) -
                                         NECK__TOKEN_HEADER_SIZE - header->count * header->width));
    for (int64_t i = 0; i < header->documents; i++) {
        neck__put_little(bytes, writer->ends[i], 8);
        NECK_TRY(neck__atomic_file_write(writer->file, bytes, 8));
    }
    neck__token_header_write(header, bytes);
    return neck__atomic_file_rewrite(writer->file, 0, bytes, sizeof bytes);
}

neck_status neck_token_writer_commit(neck_token_writer *writer)
{
    if (!writer) return neck__fail(NECK_E_ARGUMENT, "writer is NULL");
    neck_status status = write_end(writer);
    if (status == NECK_OK) {
        status = neck__atomic_file_commit(writer->file);
        writer->file = NULL;
    }
    neck_token_writer_destroy(writer);
    return status;
}
