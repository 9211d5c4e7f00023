/* ngram/key.h - n-grams packed into fixed-width numbers: their order as numbers is the order of their tokens, first to
 * last. */
#ifndef NECK_NGRAM_KEY_H
#define NECK_NGRAM_KEY_H

#include <stdint.h>

enum { NECK__KEY_WORDS = 4, NECK__ORDER_MIN = 2, NECK__ORDER_MAX = 8 };

/* How n-grams of an order over a vocabulary are packed: order tokens of so many bits, the last one lowest; the number
 * lies in words of 64 bits, the lowest first, and takes that many bytes. At most 8 tokens of 31 bits: 248 bits. */
typedef struct neck__key_form {
    int32_t order, bits, words, bytes;
    uint64_t token_mask; /* of the lowest word */
    uint64_t top_mask;   /* of the highest word */
} neck__key_form;

static inline neck__key_form neck__key_form_packed(int32_t order, int32_t token_bits)
{
    const int32_t bits = order * token_bits, top = (bits - 1) % 64 + 1;
    return (neck__key_form){.order = order,
                            .bits = token_bits,
                            .words = (bits + 63) / 64,
                            .bytes = (bits + 7) / 8,
                            .token_mask = (UINT64_C(1) << token_bits) - 1,
                            .top_mask = UINT64_MAX >> (64 - top)};
}

static inline neck__key_form neck__key_form_of(int32_t order, int64_t vocab_size)
{
    int32_t bits = 1;
    while (bits < 31 && (vocab_size - 1) >> bits != 0) bits++;
    return neck__key_form_packed(order, bits);
}

/* Of n-grams without their first token. */
static inline neck__key_form neck__key_form_rest(const neck__key_form *form)
{
    return neck__key_form_packed(form->order - 1, form->bits);
}

/* A first token before the rest, which takes one word. */
static inline void neck__key_join(const neck__key_form *form, uint64_t *key, int64_t first, uint64_t rest)
{
    const int32_t at = form->bits * (form->order - 1);
    key[0] = at < 64 ? rest | (uint64_t)first << at : rest;
    if (form->words > 1) key[1] = (uint64_t)first >> (64 - at);
}

/* Drops the first token, appends one. */
static inline void neck__key_push(const neck__key_form *form, uint64_t *key, int32_t token)
{
    for (int32_t i = form->words - 1; i > 0; i--) key[i] = key[i] << form->bits | key[i - 1] >> (64 - form->bits);
    key[0] = key[0] << form->bits | (uint64_t)token;
    key[form->words - 1] &= form->top_mask;
}

/* The token at a place, 0 to order - 1. */
static inline int32_t neck__key_token(const neck__key_form *form, const uint64_t *key, int32_t place)
{
    const uint32_t at = (uint32_t)(form->bits * (form->order - 1 - place));
    if (form->words == 1) return (int32_t)(*key >> at & form->token_mask);
    const uint32_t word = at / 64, low = at % 64;
    uint64_t value = key[word] >> low;
    if (low + (uint32_t)form->bits > 64) value |= key[word + 1] << (64 - low);
    return (int32_t)(value & form->token_mask);
}

static inline int neck__key_less(const neck__key_form *form, const uint64_t *a, const uint64_t *b)
{
    for (int32_t i = form->words - 1; i > 0; i--)
        if (a[i] != b[i]) return a[i] < b[i];
    return a[0] < b[0];
}

static inline int neck__key_equal(const neck__key_form *form, const uint64_t *a, const uint64_t *b)
{
    for (int32_t i = 0; i < form->words; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

/* All tokens but the last are the same. */
static inline int neck__key_same_context(const neck__key_form *form, const uint64_t *a, const uint64_t *b)
{
    if (((a[0] ^ b[0]) & ~form->token_mask) != 0) return 0;
    for (int32_t i = 1; i < form->words; i++)
        if (a[i] != b[i]) return 0;
    return 1;
}

static inline void neck__key_copy(const neck__key_form *form, uint64_t *to, const uint64_t *from)
{
    for (int32_t i = 0; i < form->words; i++) to[i] = from[i];
}

#endif
