/* ngram/ngrams_header.c - the first 192 bytes of a file of n-grams, and where its sections lie. */
#include <inttypes.h>
#include <string.h>

#include "core/error.h"
#include "ngram/ngrams.h"
#include "text/token_file.h"

#define MAGIC "NECKNGRM"
#define VERSION 1
#define SUMS_AT 96
#define CHECKED (NECK__NGRAMS_HEADER - 8) /* bytes before the header's own hash */
#define MOST (INT64_MAX / 128)            /* of anything: sizes are then below 2^63 */

/* Numbers of eight bytes, by their places. */
static const struct {
    int32_t at;
    size_t field;
} numbers[] = {
    {24, offsetof(neck_ngrams_info, vocab_size)},   {32, offsetof(neck_ngrams_info, tokens)},
    {40, offsetof(neck_ngrams_info, documents)},    {48, offsetof(neck_ngrams_info, contexts)},
    {56, offsetof(neck_ngrams_info, ngrams)},       {64, offsetof(neck_ngrams_info, occurrences)},
    {72, offsetof(neck_ngrams_info, singletons)},   {80, offsetof(neck_ngrams_info, seen_once)},
    {88, offsetof(neck_ngrams_info, successors)},
};

#define NUMBERS (sizeof numbers / sizeof *numbers)

static int64_t padded(int64_t size)
{
    return (size + 7) / 8 * 8;
}

void neck__ngrams_layout(const neck__ngrams_header *header, int64_t at[NECK__SECTIONS + 1])
{
    const neck_ngrams_info *info = &header->info;
    at[NECK__CONTEXTS] = NECK__NGRAMS_HEADER;
    at[NECK__STARTS] = at[NECK__CONTEXTS] + padded(info->contexts * (info->order - 1) * header->token_width);
    at[NECK__SUCCESSORS] = at[NECK__STARTS] + 8 * (info->contexts + 1);
    at[NECK__COUNTS] = at[NECK__SUCCESSORS] + padded(info->ngrams * header->token_width);
    at[NECK__SECTIONS] = at[NECK__COUNTS] + padded(info->ngrams * header->count_width);
}

void neck__ngrams_header_write(const neck__ngrams_header *header, unsigned char out[NECK__NGRAMS_HEADER])
{
    memset(out, 0, NECK__NGRAMS_HEADER);
    memcpy(out, MAGIC, 8);
    neck__little32_put(out + 8, VERSION);
    neck__little32_put(out + 12, (uint64_t)header->info.order);
    neck__little32_put(out + 16, (uint64_t)header->token_width);
    neck__little32_put(out + 20, (uint64_t)header->count_width);
    for (size_t i = 0; i < NUMBERS; i++) {
        int64_t value;
        memcpy(&value, (const char *)&header->info + numbers[i].field, sizeof value);
        neck__little64_put(out + numbers[i].at, (uint64_t)value);
    }
    for (int32_t i = 0; i < NECK__SECTIONS; i++) neck__little64_put(out + SUMS_AT + 8 * i, header->sums[i]);
    neck__little64_put(out + CHECKED, neck__fnv(NECK__FNV_OFFSET, out, CHECKED));
}

/* Each in its range, and those below others that they are part of. */
static neck_status check_numbers(const neck__ngrams_header *header)
{
    const neck_ngrams_info *info = &header->info;
    if (info->order < NECK__ORDER_MIN || info->order > NECK__ORDER_MAX)
        return neck__fail(NECK_E_FORMAT, "n-grams of order %d", info->order);
    if (info->vocab_size < 1 || info->vocab_size > INT32_MAX)
        return neck__fail(NECK_E_FORMAT, "a vocabulary of %" PRId64 " tokens", info->vocab_size);
    if (header->token_width != neck__token_width(info->vocab_size))
        return neck__fail(NECK_E_FORMAT, "%d bytes a token for a vocabulary of %" PRId64, header->token_width,
                          info->vocab_size);
    if (header->count_width != 4 && header->count_width != 8)
        return neck__fail(NECK_E_FORMAT, "%d bytes a count", header->count_width);
    const int sound = info->contexts >= 1 && info->contexts <= info->ngrams && info->ngrams <= info->occurrences &&
                      info->occurrences <= MOST && info->tokens <= MOST && info->documents >= 0 &&
                      info->documents <= info->tokens && info->singletons <= info->contexts &&
                      info->seen_once <= info->singletons && info->successors >= 1 &&
                      info->successors <= info->vocab_size && info->singletons >= 0 && info->seen_once >= 0;
    return sound ? NECK_OK : neck__fail(NECK_E_FORMAT, "the numbers in the header contradict each other");
}

neck_status neck__ngrams_header_read(const unsigned char bytes[NECK__NGRAMS_HEADER], neck__ngrams_header *out)
{
    if (memcmp(bytes, MAGIC, 8) != 0) return neck__fail(NECK_E_FORMAT, "not a file of n-grams");
    const uint64_t version = neck__little32(bytes + 8);
    if (version != VERSION)
        return neck__fail(NECK_E_UNSUPPORTED, "n-grams of version %" PRIu64 ": this library knows %d", version,
                          VERSION);
    if (neck__little64(bytes + CHECKED) != neck__fnv(NECK__FNV_OFFSET, bytes, CHECKED))
        return neck__fail(NECK_E_FORMAT, "the header of the n-grams is damaged");
    neck__ngrams_header header = {.info.struct_size = sizeof header.info,
                                  .info.order = (int32_t)neck__little32(bytes + 12),
                                  .token_width = (int32_t)neck__little32(bytes + 16),
                                  .count_width = (int32_t)neck__little32(bytes + 20)};
    for (size_t i = 0; i < NUMBERS; i++) {
        const int64_t value = (int64_t)neck__little64(bytes + numbers[i].at);
        memcpy((char *)&header.info + numbers[i].field, &value, sizeof value);
    }
    for (int32_t i = 0; i < NECK__SECTIONS; i++) header.sums[i] = neck__little64(bytes + SUMS_AT + 8 * i);
    for (int32_t at = SUMS_AT + 8 * NECK__SECTIONS; at < CHECKED; at++)
        if (bytes[at] != 0) return neck__fail(NECK_E_FORMAT, "byte %d of the header is not zero", at);
    NECK_TRY(check_numbers(&header));
    *out = header;
    return NECK_OK;
}
