/* text/encode.c - neck_tokenizer_encode: a text through all parts of a tokenizer. */
#include <inttypes.h>

#include "core/context.h"
#include "core/error.h"
#include "core/options.h"
#include "text/characters.h"
#include "text/tokenizer_object.h"

typedef struct encoding {
    const neck_tokenizer *tokenizer;
    neck__bpe_run run;
    neck__splitting splitting;
    neck__buffer normal[2];
    int32_t flags; /* NECK__PIECE_* of the stretch at hand, true of its beginning */
} encoding;

static void put_token(void *user, int32_t id)
{
    encoding *e = user;
    neck__bpe_put(&e->run, id);
}

static neck_status put_piece(void *user, const unsigned char *bytes, int64_t size)
{
    encoding *e = user;
    return neck__bpe_piece(&e->run, bytes, size);
}

static neck_status split_normal(void *user, const unsigned char *text, int64_t begin, int64_t end)
{
    encoding *e = user;
    return neck__pretokenize(&e->splitting, text + begin, end - begin, begin == 0 ? e->flags : 0);
}

/* A stretch without added tokens. */
static neck_status encode_stretch(void *user, const unsigned char *text, int64_t begin, int64_t end)
{
    encoding *e = user;
    const int32_t flags = e->flags;
    const unsigned char *normal;
    int64_t size;
    if (begin > 0) e->flags = 0;
    neck_status status = neck__normalize(&e->tokenizer->normalizer, e->normal, e->flags & NECK__PIECE_CONTINUES,
                                         text + begin, end - begin, &normal, &size);
    if (status == NECK_OK)
        status = neck__added_tokens_split(&e->tokenizer->normalized, normal, size, split_normal, put_token, e);
    e->flags = flags;
    return status;
}

/* Well-formed stretches one after the other, the bytes between them by themselves. */
static neck_status encode_text(encoding *e, const unsigned char *text, int64_t size, int32_t strict)
{
    for (int64_t at = 0; at < size;) {
        int64_t valid = neck__valid_length(text + at, size - at);
        e->flags = at == 0 ? NECK__PIECE_FIRST : NECK__PIECE_CONTINUES;
        NECK_TRY(neck__added_tokens_split(&e->tokenizer->raw, text + at, valid, encode_stretch, put_token, e));
        at += valid;
        int64_t bad = at;
        while (at < size && neck__valid_length(text + at, size - at < 4 ? size - at : 4) == 0) at++;
        if (strict && at > bad)
            return neck__fail(NECK_E_FORMAT, "the text is not UTF-8: byte %" PRId64 " is 0x%02X", bad, text[bad]);
        NECK_TRY(neck__bpe_piece(&e->run, text + bad, at - bad));
    }
    return NECK_OK;
}

static void put_frame(encoding *e, const neck__frame *frame)
{
    for (int64_t i = 0; i < frame->count; i++) neck__bpe_put(&e->run, frame->ids[i]);
}

static neck_status encode(encoding *e, const char *text, int64_t size, const neck_encode_options *options)
{
    if (!options->no_special_tokens) put_frame(e, &e->tokenizer->before);
    NECK_TRY(encode_text(e, (const unsigned char *)text, size, options->strict_utf8));
    if (!options->no_special_tokens) put_frame(e, &e->tokenizer->behind);
    return NECK_OK;
}

neck_status neck_tokenizer_encode(neck_context *context, const neck_tokenizer *tokenizer, const char *text,
                                  int64_t size, const neck_encode_options *options, int32_t *ids, int64_t capacity,
                                  int64_t *count)
{
    NECK_OPTIONS(neck_encode_options, given, options);
    if (!tokenizer || !count || (!text && size != 0) || (!ids && capacity != 0))
        return neck__fail(NECK_E_ARGUMENT, "tokenizer, text, ids or count is NULL");
    if (size < 0 || capacity < 0)
        return neck__fail(NECK_E_ARGUMENT, "size is %" PRId64 ", capacity %" PRId64, size, capacity);
    neck__allocator allocator = neck__allocator_of(context);
    encoding e = {.tokenizer = tokenizer, .normal = {{.allocator = allocator}, {.allocator = allocator}}};
    neck_status status = neck__bpe_begin(&e.run, &tokenizer->bpe, &allocator, size, ids, capacity);
    if (status == NECK_OK)
        status = neck__splitting_begin(&e.splitting, &tokenizer->pretokenizer, &allocator, put_piece, &e);
    if (status == NECK_OK) status = encode(&e, text, size, &given);
    neck__splitting_end(&e.splitting);
    neck__bpe_end(&e.run);
    neck__buffer_clear(&e.normal[0]);
    neck__buffer_clear(&e.normal[1]);
    if (status != NECK_OK) return status;
    *count = e.run.count;
    if (e.run.count > capacity)
        return neck__fail(NECK_E_OVERFLOW, "%" PRId64 " tokens do not fit into room for %" PRId64, e.run.count,
                          capacity);
    return NECK_OK;
}
