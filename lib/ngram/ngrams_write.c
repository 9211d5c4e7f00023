/* ngram/ngrams_write.c - counted n-grams become a file: surveyed first, because its sections lie one behind the other,
 * then written to all four at a time. */
#include <string.h>

#include "core/error.h"
#include "ngram/ngrams.h"
#include "text/token_file.h"

enum {
    TOLD_EVERY = 1 << 20,   /* n-grams between two reports */
    BUFFER_SIZE = 64 << 10, /* of a section */
    ITEM = 8                /* the longest number */
};

/* ---- what there is ---- */

/* One context on the way. */
typedef struct context_sums {
    int64_t distinct, occurrences;
} context_sums;

static void end_context(neck_ngrams_info *info, context_sums *sums)
{
    info->contexts += sums->distinct > 0;
    info->singletons += sums->distinct == 1;
    info->seen_once += sums->occurrences == 1;
    *sums = (context_sums){0, 0};
}

/* seen: a bit for every token that is a successor. Sums are kept in a copy: a byte that is stored may be part of
 * anything else, as far as the compiler knows. */
static neck_status survey(neck_context *context, neck__tally_stream *stream, int64_t total, unsigned char *seen,
                          neck__ngrams_header *header)
{
    const neck__key_form form = *stream->form;
    neck_ngrams_info info = header->info;
    uint64_t before[NECK__KEY_WORDS] = {0};
    context_sums sums = {0, 0};
    int64_t most = 0;
    for (; !stream->done; info.ngrams++) {
        if (info.ngrams % TOLD_EVERY == 0)
            NECK_TRY(neck__progress(context, "surveying n-grams", "n-grams", info.ngrams, total));
        if (!neck__key_same_context(&form, stream->key, before)) end_context(&info, &sums);
        const uint64_t token = stream->key[0] & form.token_mask;
        const unsigned char bit = (unsigned char)(1 << token % 8);
        if (!(seen[token / 8] & bit)) {
            seen[token / 8] |= bit;
            info.successors++;
        }
        if (__builtin_add_overflow(info.occurrences, stream->count, &info.occurrences))
            return neck__fail(NECK_E_FORMAT, "more than 2^63 n-grams");
        if (stream->count > most) most = stream->count;
        sums.distinct++;
        sums.occurrences += stream->count;
        neck__key_copy(&form, before, stream->key);
        NECK_TRY(neck__tally_stream_next(stream));
    }
    end_context(&info, &sums);
    header->info = info;
    header->count_width = most > UINT32_MAX ? 8 : 4;
    return NECK_OK;
}

neck_status neck__ngrams_survey(neck_context *context, neck__tally_stream *stream, int64_t total,
                                neck__ngrams_header *header)
{
    const neck__allocator allocator = neck__allocator_of(context);
    header->token_width = neck__token_width(header->info.vocab_size);
    /* A token is below the mask's end whatever a damaged run says. */
    unsigned char *seen = neck__calloc(&allocator, (int64_t)(stream->form->token_mask / 8 + 1), 1, "marks of tokens");
    if (!seen) return NECK_E_NOMEM;
    neck_status status = survey(context, stream, total, seen, header);
    neck__release(&allocator, seen);
    return status;
}

/* ---- writing ---- */

typedef struct section {
    unsigned char *buffer;
    int64_t used;
    int64_t at; /* where in the file the buffer belongs */
    uint64_t sum;
} section;

typedef struct ngrams_writer {
    neck__ngrams_header *header;
    section sections[NECK__SECTIONS];
    neck__atomic_file *file;
} ngrams_writer;

static neck_status flush(ngrams_writer *writer, section *part, int64_t size)
{
    part->sum = neck__sum_words(part->sum, part->buffer, size);
    NECK_TRY(neck__atomic_file_rewrite(writer->file, part->at, part->buffer, size));
    part->at += size;
    part->used -= size;
    return NECK_OK;
}

/* Room for some more numbers. */
static neck_status reserve(ngrams_writer *writer, section *part)
{
    if (part->used <= BUFFER_SIZE - ITEM * NECK__ORDER_MAX) return NECK_OK;
    const int64_t size = part->used & ~(int64_t)7, rest = part->used - size;
    NECK_TRY(flush(writer, part, size));
    memcpy(part->buffer, part->buffer + size, (size_t)rest);
    return NECK_OK;
}

static void put_number(section *part, int32_t width, uint64_t number)
{
    unsigned char *at = part->buffer + part->used;
    part->used += width;
    if (width == 2) neck__little16_put(at, number);
    else if (width == 4) neck__little32_put(at, number);
    else neck__little64_put(at, number);
}

static neck_status put_context(ngrams_writer *writer, const neck__key_form *form, const uint64_t *key, int64_t ngrams)
{
    section *contexts = &writer->sections[NECK__CONTEXTS], *starts = &writer->sections[NECK__STARTS];
    NECK_TRY(reserve(writer, contexts));
    NECK_TRY(reserve(writer, starts));
    for (int32_t i = 0; i < form->order - 1; i++)
        put_number(contexts, writer->header->token_width, (uint64_t)neck__key_token(form, key, i));
    put_number(starts, 8, (uint64_t)ngrams);
    return NECK_OK;
}

static neck_status put_ngram(ngrams_writer *writer, uint64_t token, int64_t count)
{
    section *successors = &writer->sections[NECK__SUCCESSORS], *counts = &writer->sections[NECK__COUNTS];
    NECK_TRY(reserve(writer, successors));
    NECK_TRY(reserve(writer, counts));
    put_number(successors, writer->header->token_width, token);
    put_number(counts, writer->header->count_width, (uint64_t)count);
    return NECK_OK;
}

/* The last start and what is in the buffers; sections end at multiples of 8. */
static neck_status end_sections(ngrams_writer *writer)
{
    NECK_TRY(reserve(writer, &writer->sections[NECK__STARTS]));
    put_number(&writer->sections[NECK__STARTS], 8, (uint64_t)writer->header->info.ngrams);
    for (int32_t i = 0; i < NECK__SECTIONS; i++) {
        section *part = &writer->sections[i];
        for (; part->used % 8 != 0; part->used++) part->buffer[part->used] = 0;
        NECK_TRY(flush(writer, part, part->used));
        writer->header->sums[i] = part->sum;
    }
    return NECK_OK;
}

/* What comes a second time must be what was surveyed, or the sections would run into each other: a run may have been
 * replaced in between. */
static neck_status check_room(const ngrams_writer *writer, int64_t contexts, int64_t ngrams)
{
    const neck_ngrams_info *info = &writer->header->info;
    if (contexts <= info->contexts && ngrams <= info->ngrams) return NECK_OK;
    return neck__fail(NECK_E_FORMAT, "the counted n-grams changed while they were read");
}

static neck_status write_sections(neck_context *context, neck__tally_stream *stream, ngrams_writer *writer)
{
    const neck__key_form form = *stream->form;
    const int64_t total = writer->header->info.ngrams;
    uint64_t before[NECK__KEY_WORDS];
    int64_t contexts = 0, ngrams = 0;
    for (; !stream->done; ngrams++) {
        if (ngrams % TOLD_EVERY == 0)
            NECK_TRY(neck__progress(context, "writing n-grams", "n-grams", ngrams, total));
        const int is_new = ngrams == 0 || !neck__key_same_context(&form, stream->key, before);
        contexts += is_new;
        NECK_TRY(check_room(writer, contexts, ngrams + 1));
        if (is_new) NECK_TRY(put_context(writer, &form, stream->key, ngrams));
        NECK_TRY(put_ngram(writer, stream->key[0] & form.token_mask, stream->count));
        neck__key_copy(&form, before, stream->key);
        NECK_TRY(neck__tally_stream_next(stream));
    }
    if (contexts != writer->header->info.contexts || ngrams != total)
        return neck__fail(NECK_E_FORMAT, "the counted n-grams changed while they were read");
    return end_sections(writer);
}

neck_status neck__ngrams_write(neck_context *context, neck__tally_stream *stream, neck__ngrams_header *header,
                               neck__atomic_file *file)
{
    const neck__allocator allocator = neck__allocator_of(context);
    unsigned char bytes[NECK__NGRAMS_HEADER];
    int64_t at[NECK__SECTIONS + 1];
    ngrams_writer writer = {.header = header, .file = file};
    neck__ngrams_layout(header, at);
    unsigned char *buffers = neck__alloc(&allocator, NECK__SECTIONS, BUFFER_SIZE, "buffers of n-grams");
    if (!buffers) return NECK_E_NOMEM;
    for (int32_t i = 0; i < NECK__SECTIONS; i++)
        writer.sections[i] = (section){buffers + i * BUFFER_SIZE, 0, at[i], NECK__SUM_START};
    neck_status status = write_sections(context, stream, &writer);
    neck__release(&allocator, buffers);
    NECK_TRY(status);
    neck__ngrams_header_write(header, bytes);
    return neck__atomic_file_rewrite(file, 0, bytes, sizeof bytes);
}
