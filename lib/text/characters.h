/* text/characters.h - the characters of UTF-8 text, and GPT-2's alphabet for bytes. */
#ifndef NECK_TEXT_CHARACTERS_H
#define NECK_TEXT_CHARACTERS_H

#include <stdint.h>

/* How many bytes from the start of text are well-formed UTF-8. */
int64_t neck__valid_length(const unsigned char *text, int64_t size);

/* Length of the character at text, which has at least one byte, or 1 for a byte that begins none; *code is its number,
 * -1 for such a byte. */
int64_t neck__character(const unsigned char *text, int64_t size, int32_t *code);

/* How many bytes of white space (Unicode's White_Space) text begins with; ends with. The text is well-formed. */
int64_t neck__space_before(const unsigned char *text, int64_t size);
int64_t neck__space_behind(const unsigned char *text, int64_t size);

/* GPT-2's alphabet writes every byte as a visible character, all below U+0800 and so at most 2 bytes of UTF-8.
 * spell: writes that character, returns its length. unspell: the byte of a character, -1 for any other. */
enum { NECK__SPELLED_MAX = 2 };
int64_t neck__byte_spell(unsigned char byte, unsigned char out[NECK__SPELLED_MAX]);
int32_t neck__byte_unspell(int32_t code);

#endif
