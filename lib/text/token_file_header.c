/* text/token_file_header.c - the first 64 bytes of a token file; hashes. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "text/token_file.h"
#include "text/tokenizer_object.h"

#define MAGIC "NECKTOKS"
#define VERSION 1
#define CHECKED 56 /* bytes before the header's own hash */
#define FNV_PRIME UINT64_C(0x100000001B3)
#define NO_TOKEN UINT32_MAX

uint64_t neck__fnv(uint64_t hash, const void *bytes, int64_t size)
{
    const unsigned char *at = bytes;
    for (int64_t i = 0; i < size; i++) hash = (hash ^ at[i]) * FNV_PRIME;
    return hash;
}

void neck__put_little(unsigned char *out, uint64_t value, int32_t size)
{
    for (int32_t i = 0; i < size; i++) out[i] = (unsigned char)(value >> 8 * i);
}

uint64_t neck__get_little(const unsigned char *bytes, int32_t size)
{
    uint64_t value = 0;
    for (int32_t i = 0; i < size; i++) value |= (uint64_t)bytes[i] << 8 * i;
    return value;
}

uint64_t neck_tokenizer_hash(const neck_tokenizer *tokenizer)
{
    uint64_t hash = NECK__FNV_OFFSET;
    const int64_t count = tokenizer ? neck_tokenizer_vocab_size(tokenizer) : 0;
    for (int64_t id = 0; id < count; id++) {
        const neck__vocabulary *vocabulary = &tokenizer->bpe.vocabulary;
        const neck__token *token = neck__vocabulary_token(vocabulary, id);
        unsigned char length[4];
        neck__put_little(length, token ? (uint32_t)token->length : NO_TOKEN, sizeof length);
        hash = neck__fnv(hash, length, sizeof length);
        if (token) hash = neck__fnv(hash, neck__vocabulary_spelling(vocabulary, token), token->length);
    }
    return hash;
}

int32_t neck__token_width(int64_t vocab_size)
{
    return vocab_size <= UINT16_MAX + 1 ? 2 : 4;
}

int64_t neck__token_documents_at(int64_t count, int32_t width)
{
    return NECK__TOKEN_HEADER_SIZE + (count * width + 7) / 8 * 8;
}

void neck__token_header_write(const neck__token_header *header, unsigned char out[NECK__TOKEN_HEADER_SIZE])
{
    memset(out, 0, NECK__TOKEN_HEADER_SIZE);
    memcpy(out, MAGIC, 8);
    neck__put_little(out + 8, VERSION, 4);
    neck__put_little(out + 12, (uint64_t)header->width, 4);
    neck__put_little(out + 16, header->tokenizer_hash, 8);
    neck__put_little(out + 24, (uint64_t)header->vocab_size, 8);
    neck__put_little(out + 32, (uint64_t)header->count, 8);
    neck__put_little(out + 40, (uint64_t)header->documents, 8);
    neck__put_little(out + CHECKED, neck__fnv(NECK__FNV_OFFSET, out, CHECKED), 8);
}

/* Numbers from which sizes can be computed without overflow. */
static neck_status check_numbers(const unsigned char *bytes)
{
    const uint64_t width = neck__get_little(bytes + 12, 4), vocab_size = neck__get_little(bytes + 24, 8);
    if (vocab_size < 1 || vocab_size > INT32_MAX)
        return neck__fail(NECK_E_FORMAT, "a vocabulary of %" PRIu64 " tokens", vocab_size);
    if (width != (uint64_t)neck__token_width((int64_t)vocab_size))
        return neck__fail(NECK_E_FORMAT, "%" PRIu64 " bytes a token for a vocabulary of %" PRIu64, width, vocab_size);
    if (neck__get_little(bytes + 32, 8) > INT64_MAX / 16 || neck__get_little(bytes + 40, 8) > INT64_MAX / 32)
        return neck__fail(NECK_E_FORMAT, "more than 2^58 tokens or documents");
    if (neck__get_little(bytes + 48, 8) != 0) return neck__fail(NECK_E_FORMAT, "bytes 48 to 55 are not zero");
    return NECK_OK;
}

neck_status neck__token_header_read(const unsigned char bytes[NECK__TOKEN_HEADER_SIZE], neck__token_header *out)
{
    if (memcmp(bytes, MAGIC, 8) != 0) return neck__fail(NECK_E_FORMAT, "not a token file");
    const uint64_t version = neck__get_little(bytes + 8, 4);
    if (version != VERSION)
        return neck__fail(NECK_E_UNSUPPORTED, "a token file of version %" PRIu64 ": this library knows %d", version,
                          VERSION);
    if (neck__get_little(bytes + CHECKED, 8) != neck__fnv(NECK__FNV_OFFSET, bytes, CHECKED))
        return neck__fail(NECK_E_FORMAT, "the header of the token file is damaged");
    NECK_TRY(check_numbers(bytes));
    *out = (neck__token_header){.width = (int32_t)neck__get_little(bytes + 12, 4),
                                .tokenizer_hash = neck__get_little(bytes + 16, 8),
                                .vocab_size = (int64_t)neck__get_little(bytes + 24, 8),
                                .count = (int64_t)neck__get_little(bytes + 32, 8),
                                .documents = (int64_t)neck__get_little(bytes + 40, 8)};
    return NECK_OK;
}
