/* support_text.c - UTF-8 repair, visible text, numbers. */
#include "support_text.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "support_args.h"

void *text_alloc(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (memory) return memory;
    fprintf(stderr, "out of memory: %zu bytes\n", size);
    exit(TOOL_FAILED);
}

char *text_copy(const char *text)
{
    size_t size = strlen(text) + 1;
    return memcpy(text_alloc(size), text, size);
}

/* Bytes of the UTF-8 character that starts at text; 0 when none does. */
static size_t character(const char *text)
{
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    const unsigned char *byte = (const unsigned char *)text;
    if (byte[0] < 0x80) return 1;
    size_t size = byte[0] >= 0xf0 ? 4 : byte[0] >= 0xe0 ? 3 : 2;
    if (byte[0] < 0xc2 || byte[0] > 0xf4) return 0;
    uint32_t code = byte[0] & (0x7fu >> size);
    for (size_t i = 1; i < size; i++) {
        if ((byte[i] & 0xc0) != 0x80) return 0;
        code = code << 6 | (byte[i] & 0x3f);
    }
    int surrogate = code >= 0xd800 && code <= 0xdfff;
    return code < least[size] || code > 0x10ffff || surrogate ? 0 : size;
}

char *text_utf8(const char *bytes)
{
    char *copy = text_alloc(3 * strlen(bytes) + 1);
    char *to = copy;
    while (*bytes) {
        size_t size = character(bytes);
        memcpy(to, size ? bytes : "\xef\xbf\xbd", size ? size : 3);
        to += size ? size : 3;
        bytes += size ? size : 1;
    }
    return copy;
}

size_t text_strange(const char *bytes, size_t size, size_t *first)
{
    size_t count = 0;
    for (size_t at = 0; at < size;) {
        size_t length = character(bytes + at);
        if (!length && count++ == 0) *first = at;
        at += length ? length : 1;
    }
    return count;
}

/* C0, DEL, C1 (two bytes, c2 80 to c2 9f). */
static int is_control(const char *text)
{
    const unsigned char *byte = (const unsigned char *)text;
    return byte[0] < 0x20 || byte[0] == 0x7f || (byte[0] == 0xc2 && byte[1] < 0xa0);
}

char *text_visible(const char *bytes)
{
    char *copy = text_alloc(4 * strlen(bytes) + 1);
    char *to = copy;
    while (*bytes) {
        size_t size = character(bytes);
        if (size && !is_control(bytes)) {
            memcpy(to, bytes, size);
            to += size;
            bytes += size;
            continue;
        }
        if (*bytes == '\n') to += sprintf(to, "\\n");
        else if (*bytes == '\t') to += sprintf(to, "\\t");
        else to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)*bytes);
        bytes++;
        if (size == 2) to += sprintf(to, "\\x%02x", (unsigned)(unsigned char)*bytes++);
    }
    return copy;
}

int text_print(FILE *stream, const char *bytes)
{
    char *visible = text_visible(bytes);
    int columns = 0;
    for (const char *at = visible; *at; at += character(at)) columns++;
    fputs(visible, stream);
    free(visible);
    return columns;
}

/* "1.5e+08" as "1.5e8", "1.5e-08" as "1.5e-8": the zeros and the plus say nothing. */
static void shorten_exponent(char *text)
{
    char *exponent = strchr(text, 'e');
    if (!exponent) return;
    char *to = exponent + 1;
    char *from = to;
    if (*from == '-') to++;
    from++;
    while (*from == '0') from++;
    memmove(to, from, strlen(from) + 1);
}

const char *text_number(char buffer[32], double value, double error)
{
    if (isnan(value)) return strcpy(buffer, "-");
    int sure = isinf(value) || error <= TEXT_ACCURACY * fabs(value);
    int whole = error == 0 && fabs(value) < 1e9 && value == floor(value);
    snprintf(buffer, 32, whole ? "%s%.0f" : "%s%#.5g", sure ? "" : "~", value);
    size_t length = strlen(buffer);
    if (buffer[length - 1] == '.') buffer[length - 1] = '\0';
    shorten_exponent(buffer);
    return buffer;
}

const char *text_base_name(const char *path)
{
    const char *base = path;
    for (const char *at = path; *at; at++)
        if (at[0] == '/' && at[1]) base = at + 1;
    return base;
}

char *text_path_name(const char *path)
{
    char *name = text_copy(text_base_name(path));
    size_t length = strlen(name);
    while (length > 1 && name[length - 1] == '/') name[--length] = '\0';
    if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0) return name;
    char *absolute = realpath(path, NULL);
    if (!absolute) return name;
    free(name);
    name = text_copy(text_base_name(absolute));
    free(absolute);
    return name;
}
