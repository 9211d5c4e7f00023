/* text/pattern_translate.c - Oniguruma's syntax into PCRE2's: the constructs pre-tokenizers use, nothing else.
 *
 * Two things differ in what both know. \s is Unicode's White_Space in Oniguruma and also U+180E in PCRE2. And \p{L},
 * \p{M} and \p{N} depend on the version of Unicode a library was built with: Hugging Face tokenizers has version 16, so
 * what versions 15 to 16 added to version 14, which older PCRE2 know, is spelled out; newer ones know it twice. */
#include <ctype.h>
#include <string.h>

#include "core/error.h"
#include "text/pattern.h"

#define SPACE "\\x{9}-\\x{D}\\x{85}\\p{Z}"

static const struct {
    char name;
    const char *added;
} newer[] = {
    {'L', "\\x{1C89}-\\x{1C8A}\\x{A7CB}-\\x{A7CD}\\x{A7DA}-\\x{A7DC}\\x{105C0}-\\x{105F3}\\x{10D4A}-\\x{10D65}"
          "\\x{10D6F}-\\x{10D85}\\x{10EC2}-\\x{10EC4}\\x{1123F}-\\x{11240}\\x{11380}-\\x{11389}\\x{1138B}\\x{1138E}"
          "\\x{11390}-\\x{113B5}\\x{113B7}\\x{113D1}\\x{113D3}\\x{11BC0}-\\x{11BE0}\\x{11F02}\\x{11F04}-\\x{11F10}"
          "\\x{11F12}-\\x{11F33}\\x{1342F}\\x{13441}-\\x{13446}\\x{13460}-\\x{143FA}\\x{16100}-\\x{1611D}"
          "\\x{16D40}-\\x{16D6C}\\x{18CFF}\\x{1B132}\\x{1B155}\\x{1DF25}-\\x{1DF2A}\\x{1E030}-\\x{1E06D}"
          "\\x{1E4D0}-\\x{1E4EB}\\x{1E5D0}-\\x{1E5ED}\\x{1E5F0}\\x{2B739}\\x{2EBF0}-\\x{2EE5D}\\x{31350}-\\x{323AF}"},
    {'M', "\\x{897}\\x{CF3}\\x{ECE}\\x{10D69}-\\x{10D6D}\\x{10EFC}-\\x{10EFF}\\x{11241}\\x{113B8}-\\x{113C0}\\x{113C2}"
          "\\x{113C5}\\x{113C7}-\\x{113CA}\\x{113CC}-\\x{113D0}\\x{113D2}\\x{113E1}-\\x{113E2}\\x{11F00}-\\x{11F01}"
          "\\x{11F03}\\x{11F34}-\\x{11F3A}\\x{11F3E}-\\x{11F42}\\x{11F5A}\\x{13440}\\x{13447}-\\x{13455}"
          "\\x{1611E}-\\x{1612F}\\x{1E08F}\\x{1E4EC}-\\x{1E4EF}\\x{1E5EE}-\\x{1E5EF}"},
    {'N', "\\x{10D40}-\\x{10D49}\\x{116D0}-\\x{116E3}\\x{11BF0}-\\x{11BF9}\\x{11F50}-\\x{11F59}\\x{16130}-\\x{16139}"
          "\\x{16D70}-\\x{16D79}\\x{1CCF0}-\\x{1CCF9}\\x{1D2C0}-\\x{1D2D3}\\x{1E4F0}-\\x{1E4F9}\\x{1E5F1}-\\x{1E5FA}"},
};

typedef struct reader {
    const char *at, *end;
    neck__buffer *out;
    int in_class;
} reader;

static neck_status put(reader *r, const char *text)
{
    return neck__buffer_append(r->out, text, (int64_t)strlen(text));
}

static neck_status copy(reader *r, int64_t length)
{
    const char *from = r->at;
    r->at += length;
    return neck__buffer_append(r->out, from, length);
}

static neck_status unknown(const reader *r)
{
    int64_t length = r->end - r->at < 12 ? r->end - r->at : 12;
    return neck__fail(NECK_E_UNSUPPORTED, "the tokenizer's regular expression has something unknown at '%.*s'",
                      (int)length, r->at);
}

/* A set of characters, as a class of its own or within one. */
static neck_status put_set(reader *r, int negated, const char *property, const char *added)
{
    if (!r->in_class) NECK_TRY(put(r, negated ? "[^" : "["));
    NECK_TRY(put(r, property));
    NECK_TRY(put(r, added));
    return r->in_class ? NECK_OK : put(r, "]");
}

/* \p{Name} and \P{Name}. */
static neck_status take_property(reader *r)
{
    const int negated = r->at[1] == 'P';
    const char *name = r->at + 3,
               *close = r->end - r->at > 3 && r->at[2] == '{' ? memchr(name, '}', (size_t)(r->end - name)) : NULL;
    if (!close || close == name) return unknown(r);
    for (const char *c = name; c < close; c++)
        if (!isalpha((unsigned char)*c) && *c != '_') return unknown(r);
    for (size_t i = 0; i < sizeof newer / sizeof *newer; i++) {
        if (close - name != 1 || *name != newer[i].name) continue;
        if (negated && r->in_class) return unknown(r);
        const char property[] = {'\\', 'p', '{', *name, '}', '\0'};
        r->at = close + 1;
        return put_set(r, negated, property, newer[i].added);
    }
    return copy(r, close + 1 - r->at);
}

/* \x{...} */
static neck_status take_code(reader *r)
{
    const char *close = r->end - r->at > 3 && r->at[2] == '{' ? memchr(r->at, '}', (size_t)(r->end - r->at)) : NULL;
    if (!close || close == r->at + 3) return unknown(r);
    for (const char *c = r->at + 3; c < close; c++)
        if (!isxdigit((unsigned char)*c)) return unknown(r);
    return copy(r, close + 1 - r->at);
}

static neck_status take_escape(reader *r)
{
    if (r->end - r->at < 2) return unknown(r);
    const char c = r->at[1];
    if (c == 'p' || c == 'P') return take_property(r);
    if (c == 'x') return take_code(r);
    if (c == 'S' && r->in_class) return unknown(r);
    if (c == 's' || c == 'S') {
        r->at += 2;
        return put_set(r, c == 'S', SPACE, "");
    }
    if (c == 'd') {
        r->at += 2;
        return put(r, "\\p{Nd}");
    }
    if (c == 'r' || c == 'n' || c == 't' || (ispunct((unsigned char)c) && (unsigned char)c < 0x80)) return copy(r, 2);
    return unknown(r);
}

/* Within [...]: nested classes, POSIX names and intersections are not taken. */
static neck_status take_in_class(reader *r)
{
    if (*r->at == '\\') return take_escape(r);
    if (*r->at == '[' || (*r->at == '&' && r->end - r->at > 1 && r->at[1] == '&')) return unknown(r);
    if (*r->at == ']') r->in_class = 0;
    return copy(r, 1);
}

static neck_status open_class(reader *r)
{
    int64_t length = r->end - r->at > 1 && r->at[1] == '^' ? 2 : 1;
    if (r->end - r->at <= length || r->at[length] == ']') return unknown(r);
    r->in_class = 1;
    return copy(r, length);
}

static neck_status take_group(reader *r)
{
    static const char *const openings[] = {"(?:", "(?i:", "(?=", "(?!", "(?>", "(?<=", "(?<!"};
    if (r->end - r->at < 2 || r->at[1] != '?') return r->end - r->at > 1 && r->at[1] == '*' ? unknown(r) : copy(r, 1);
    for (size_t i = 0; i < sizeof openings / sizeof *openings; i++) {
        const size_t length = strlen(openings[i]);
        if ((size_t)(r->end - r->at) > length && memcmp(r->at, openings[i], length) == 0)
            return copy(r, (int64_t)length);
    }
    return unknown(r);
}

/* {n,m}; a + behind it repeats in Oniguruma and is possessive in PCRE2. */
static neck_status take_interval(reader *r)
{
    const char *c = r->at + 1;
    while (c < r->end && (isdigit((unsigned char)*c) || *c == ',')) c++;
    if (c == r->end || *c != '}' || !isdigit((unsigned char)r->at[1])) return unknown(r);
    if (c + 1 < r->end && c[1] == '+') return unknown(r);
    return copy(r, c + 1 - r->at);
}

static neck_status take(reader *r)
{
    if (r->in_class) return take_in_class(r);
    switch (*r->at) {
    case '\\': return take_escape(r);
    case '[': return open_class(r);
    case '(': return take_group(r);
    case '{': return take_interval(r);
    case '^':
    case '$':
    case '.':
    case '\0': return unknown(r); /* lines and dots differ */
    default: return copy(r, 1);
    }
}

neck_status neck__pattern_translate(const char *text, int64_t length, neck__buffer *out)
{
    reader r = {text, text + length, out, 0};
    while (r.at < r.end) NECK_TRY(take(&r));
    return NECK_OK;
}
