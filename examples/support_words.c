/* support_words.c - words cut by Unicode's categories, kept in a hash table. */
#include "support_words.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "support_text.h"

typedef struct word {
    int64_t start, size; /* its spelling */
    int64_t seen;        /* how often */
    int32_t number;      /* order of first sight, which sorting would lose */
} word;

struct words {
    char *spelling; /* of all words, one behind the other */
    word *list;
    int32_t *table; /* number + 1 under the hash of the spelling; 0: free. At most half full */
    int32_t *ids;
    int64_t spelling_used, spelling_room, count, room, table_room, occurrences, ids_room;
};

/* The array, or a larger one in its place: it has room for at least `needed` items. */
static void *grown(void *array, int64_t used, int64_t *room, int64_t needed, size_t size)
{
    if (needed <= *room) return array;
    *room = needed > 2 * *room ? needed : 2 * *room;
    void *larger = text_alloc((size_t)*room * size);
    if (used > 0) memcpy(larger, array, (size_t)used * size);
    free(array);
    return larger;
}

words *words_make(void)
{
    words *self = text_alloc(sizeof *self);
    self->table_room = 1024;
    self->table = text_alloc((size_t)self->table_room * sizeof *self->table);
    return self;
}

void words_free(words *self)
{
    if (!self) return;
    free(self->spelling);
    free(self->list);
    free(self->table);
    free(self->ids);
    free(self);
}

static uint64_t hash_of(const char *text, int64_t size)
{
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (int64_t i = 0; i < size; i++) hash = (hash ^ (unsigned char)text[i]) * UINT64_C(0x100000001B3);
    return hash ^ hash >> 32;
}

/* Where the word is in the table, or belongs. */
static int32_t *place_of(const words *self, const char *text, int64_t size)
{
    uint64_t mask = (uint64_t)self->table_room - 1, at = hash_of(text, size) & mask;
    for (; self->table[at] != 0; at = (at + 1) & mask) {
        const word *other = &self->list[self->table[at] - 1];
        if (other->size == size && memcmp(self->spelling + other->start, text, (size_t)size) == 0) break;
    }
    return &self->table[at];
}

static void grow_table(words *self)
{
    free(self->table);
    self->table_room *= 2;
    self->table = text_alloc((size_t)self->table_room * sizeof *self->table);
    for (int64_t i = 0; i < self->count; i++)
        *place_of(self, self->spelling + self->list[i].start, self->list[i].size) = (int32_t)i + 1;
}

static void add_word(words *self, const char *text, int64_t size)
{
    int32_t *place = place_of(self, text, size);
    if (*place == 0) {
        self->spelling = grown(self->spelling, self->spelling_used, &self->spelling_room, self->spelling_used + size,
                               1);
        self->list = grown(self->list, self->count, &self->room, self->count + 1, sizeof *self->list);
        memcpy(self->spelling + self->spelling_used, text, (size_t)size);
        self->list[self->count] = (word){self->spelling_used, size, 0, (int32_t)self->count};
        self->spelling_used += size;
        *place = (int32_t)++self->count;
    }
    int32_t number = *place - 1;
    self->list[number].seen++;
    self->ids = grown(self->ids, self->occurrences, &self->ids_room, self->occurrences + 1, sizeof *self->ids);
    self->ids[self->occurrences++] = number;
    if (2 * self->count >= self->table_room) grow_table(self);
}

enum { SPACE, ALONE, INSIDE };

/* What the character at text is, and its size; a byte that belongs to none stands alone. */
static int kind_of(const char *text, int64_t size, int64_t *length)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t got = utf8proc_iterate((const utf8proc_uint8_t *)text, size, &code);
    *length = got > 0 ? got : 1;
    if (got <= 0) return ALONE;
    utf8proc_category_t category = utf8proc_category(code);
    if ((category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) || code == '_') return INSIDE;
    return category >= UTF8PROC_CATEGORY_ZS && category <= UTF8PROC_CATEGORY_CC ? SPACE : ALONE;
}

void words_add(words *self, const char *text, int64_t size)
{
    int64_t begin = 0, length; /* of the word under way */
    for (int64_t at = 0; at < size; at += length) {
        int kind = kind_of(text + at, size - at, &length);
        if (kind == INSIDE) continue;
        if (at > begin) add_word(self, text + begin, at - begin);
        if (kind == ALONE) add_word(self, text + at, length);
        begin = at + length;
    }
    if (size > begin) add_word(self, text + begin, size - begin);
}

static int commonest_first(const void *a, const void *b)
{
    const word *x = a, *y = b;
    if (x->seen != y->seen) return x->seen < y->seen ? 1 : -1;
    return x->number < y->number ? -1 : 1;
}

int64_t words_rank(words *self, int64_t most)
{
    int32_t *ranks = text_alloc((size_t)self->count * sizeof *ranks);
    int64_t kept = most > 0 && self->count > most ? most - 1 : self->count;
    if (self->count > 0) qsort(self->list, (size_t)self->count, sizeof *self->list, commonest_first);
    for (int64_t i = 0; i < self->count; i++) ranks[self->list[i].number] = (int32_t)(i < kept ? i : kept);
    for (int64_t i = 0; i < self->occurrences; i++) self->ids[i] = ranks[self->ids[i]];
    free(ranks);
    return kept < self->count ? kept + 1 : kept;
}

int64_t words_count(const words *self)
{
    return self->occurrences;
}

const int32_t *words_ids(const words *self)
{
    return self->ids;
}
