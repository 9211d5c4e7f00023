/* text/token_file.c - neck_token_file: token files, mapped and checked. */
#include "text/token_file.h"

#include <inttypes.h>
#include <string.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "core/parallel.h"
#include "format/mapping.h"

struct neck_token_file {
    neck__allocator allocator;
    neck__mapping *mapping;
    neck__token_header header;
    const unsigned char *tokens, *ends;
};

/* ---- tokens ---- */

static uint32_t token_at(const neck_token_file *file, int64_t index)
{
    const unsigned char *bytes = file->tokens + index * file->header.width;
    const uint32_t low = bytes[0] | (uint32_t)bytes[1] << 8;
    return file->header.width == 2 ? low : low | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* The first token of [begin, end) that is outside the vocabulary, end when there is none. */
static int64_t first_bad(const neck_token_file *file, int64_t begin, int64_t end)
{
    for (int64_t i = begin; i < end; i++)
        if (token_at(file, i) >= file->header.vocab_size) return i;
    return end;
}

static neck_status bad_token(const neck_token_file *file, int64_t index)
{
    return neck__fail(NECK_E_FORMAT, "token %" PRId64 " is %" PRIu32 ": the vocabulary has %" PRId64, index,
                      token_at(file, index), file->header.vocab_size);
}

/* ---- checking all of them, a part of the file at a time ---- */

enum { TASK_TOKENS = 1 << 18, ROUND_TASKS = 64 };

typedef struct check_job {
    const neck_token_file *file;
    int64_t from; /* of the round */
    int64_t bad[ROUND_TASKS]; /* the first bad token of each task, -1: none */
} check_job;

static void check_task(void *data, int64_t index)
{
    check_job *job = data;
    const int64_t count = job->file->header.count, begin = job->from + index * TASK_TOKENS;
    const int64_t end = count - begin < TASK_TOKENS ? count : begin + TASK_TOKENS;
    const int64_t found = begin < end ? first_bad(job->file, begin, end) : end;
    job->bad[index] = found < end ? found : -1;
}

static neck_status check_tokens(neck_context *context, const neck_token_file *file)
{
    const int64_t count = file->header.count, round = (int64_t)ROUND_TASKS * TASK_TOKENS;
    check_job job = {.file = file};
    for (; job.from < count; job.from += round) {
        NECK_TRY(neck__progress(context, "checking tokens", "tokens", job.from, count));
        neck__parallel(context, ROUND_TASKS, check_task, &job);
        for (int i = 0; i < ROUND_TASKS; i++)
            if (job.bad[i] >= 0) return bad_token(file, job.bad[i]);
    }
    return NECK_OK;
}

/* ---- opening ---- */

static neck_status check_size(const neck_token_file *file)
{
    const neck__token_header *header = &file->header;
    const int64_t needed = neck__token_documents_at(header->count, header->width) + 8 * header->documents;
    const int64_t size = file->mapping->size;
    if (size < needed)
        return neck__fail(NECK_E_FORMAT, "%" PRId64 " bytes where %" PRId64 " tokens and %" PRId64
                          " documents take %" PRId64, size, header->count, header->documents, needed);
    if (size > needed)
        return neck__fail(NECK_E_TRAILING_DATA, "%" PRId64 " bytes behind the end of the token file", size - needed);
    return NECK_OK;
}

static neck_status check_documents(const neck_token_file *file)
{
    uint64_t before = 0;
    for (int64_t i = 0; i < file->header.documents; i++) {
        const uint64_t end = neck__get_little(file->ends + 8 * i, 8);
        if (end < before || end > (uint64_t)file->header.count)
            return neck__fail(NECK_E_FORMAT, "document %" PRId64 " ends at token %" PRIu64, i, end);
        before = end;
    }
    if (file->header.documents > 0 && before != (uint64_t)file->header.count)
        return neck__fail(NECK_E_FORMAT, "the last tokens belong to no document");
    return NECK_OK;
}

static neck_status read_file(neck_context *context, neck_token_file *file, int32_t lazy)
{
    if (file->mapping->size < NECK__TOKEN_HEADER_SIZE)
        return neck__fail(NECK_E_FORMAT, "not a token file: %" PRId64 " bytes", file->mapping->size);
    NECK_TRY(neck__token_header_read(file->mapping->data, &file->header));
    NECK_TRY(check_size(file));
    file->tokens = file->mapping->data + NECK__TOKEN_HEADER_SIZE;
    file->ends = file->mapping->data + neck__token_documents_at(file->header.count, file->header.width);
    NECK_TRY(check_documents(file));
    return lazy ? NECK_OK : check_tokens(context, file);
}

neck_status neck__token_file_over(neck_context *context, struct neck__mapping *mapping, int32_t lazy,
                                  neck_token_file **out)
{
    const neck__allocator allocator = neck__allocator_of(context);
    neck_token_file *file = neck__calloc(&allocator, 1, sizeof *file, "a token file");
    if (!file) {
        neck__mapping_close(mapping);
        return NECK_E_NOMEM;
    }
    file->allocator = allocator;
    file->mapping = mapping;
    neck_status status = read_file(context, file, lazy);
    if (status == NECK_OK)
        *out = file;
    else
        neck_token_file_destroy(file);
    return status;
}

neck_status neck_token_file_open(neck_context *context, const char *path, const neck_token_file_options *options,
                                 neck_token_file **out)
{
    NECK_OPTIONS(neck_token_file_options, given, options);
    if (!path || !out) return neck__fail(NECK_E_ARGUMENT, "path or out is NULL");
    if (given.reserved) return neck__fail(NECK_E_ARGUMENT, "neck_token_file_options.reserved must be 0");
    const neck__allocator allocator = neck__allocator_of(context);
    neck__mapping *mapping;
    NECK_TRY(neck__mapping_open(&allocator, path, &mapping));
    neck_status status = neck__token_file_over(context, mapping, given.lazy, out);
    return status == NECK_OK || status == NECK_E_CANCELLED ? status : neck__fail_in(status, "'%s'", path);
}

void neck_token_file_destroy(neck_token_file *file)
{
    if (!file) return;
    const neck__allocator allocator = file->allocator;
    neck__mapping_close(file->mapping);
    neck__release(&allocator, file);
}

/* ---- reading ---- */

int64_t neck_token_file_count(const neck_token_file *file)
{
    return file ? file->header.count : 0;
}

int64_t neck_token_file_vocab_size(const neck_token_file *file)
{
    return file ? file->header.vocab_size : 0;
}

uint64_t neck_token_file_tokenizer_hash(const neck_token_file *file)
{
    return file ? file->header.tokenizer_hash : 0;
}

int64_t neck_token_file_documents(const neck_token_file *file)
{
    return file ? file->header.documents : 0;
}

/* end_of(-1) is where the first document begins. The file may have changed since it was opened. */
static int64_t end_of(const neck_token_file *file, int64_t document)
{
    const uint64_t end = document < 0 ? 0 : neck__get_little(file->ends + 8 * document, 8);
    return end < (uint64_t)file->header.count ? (int64_t)end : file->header.count;
}

neck_status neck_token_file_document(const neck_token_file *file, int64_t index, int64_t *begin, int64_t *end)
{
    if (!file || !begin || !end) return neck__fail(NECK_E_ARGUMENT, "file, begin or end is NULL");
    if (index < 0 || index >= file->header.documents)
        return neck__fail(NECK_E_ARGUMENT, "document %" PRId64 ": there are %" PRId64, index, file->header.documents);
    *begin = end_of(file, index - 1);
    *end = end_of(file, index);
    return NECK_OK;
}

neck_status neck_token_file_read(const neck_token_file *file, int64_t begin, int64_t count, int32_t *ids)
{
    if (!file || (!ids && count != 0)) return neck__fail(NECK_E_ARGUMENT, "file or ids is NULL");
    if (begin < 0 || count < 0 || begin > file->header.count || count > file->header.count - begin)
        return neck__fail(NECK_E_ARGUMENT, "%" PRId64 " tokens from %" PRId64 ": there are %" PRId64, count, begin,
                          file->header.count);
    const int64_t bad = first_bad(file, begin, begin + count);
    if (bad < begin + count) return bad_token(file, bad);
    for (int64_t i = 0; i < count; i++) ids[i] = (int32_t)token_at(file, begin + i);
    return NECK_OK;
}
