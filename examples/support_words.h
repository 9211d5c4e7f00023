/* support_words.h - text as words, numbered by how often they occur: the tokenizer that needs no file. */
#ifndef SUPPORT_WORDS_H
#define SUPPORT_WORDS_H

#include <stdint.h>

/* Words seen so far and every one of their occurrences. A word is a run of letters, digits, marks and underscores (by
 * Unicode); any other character but white space and controls is a word by itself. */
typedef struct words words;

/* words_make, words_free - an empty list; all memory of one.
 * words_add - the words of one text behind those before.
 * words_rank - ends the list: the commonest word becomes number 0 and so on, of equally common ones the one seen first.
 *   Of more than `most` words (0: any number), all but the most - 1 commonest become one unknown word, the last number.
 *   Returns how many numbers there are.
 * words_count, words_ids - all occurrences in order, as those numbers (before words_rank: in order of first sight). */
words *words_make(void);
void words_free(words *self);
void words_add(words *self, const char *text, int64_t size);
int64_t words_rank(words *self, int64_t most);
int64_t words_count(const words *self);
const int32_t *words_ids(const words *self);

#endif
