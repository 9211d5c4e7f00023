/* support_table.c - headings over several lines, cells of fixed width. */
#include "support_table.h"

#include <stdio.h>
#include <string.h>

#define WIDEST_LINE 13
#define NARROWEST 8
#define GAP 2
#define MOST_LINES 8
#define LINE_SIZE 48

/* A heading, cut into lines. */
typedef struct heading {
    char lines[MOST_LINES][LINE_SIZE];
    int count;
    int width;
} heading;

/* As a new line, or after a space on the last one where it fits there. */
static void add_word(heading *into, const char *word, int length, int may_join)
{
    char *last = into->count ? into->lines[into->count - 1] : NULL;
    int used = last ? (int)strlen(last) : 0;
    if (last && may_join && used + 1 + length <= WIDEST_LINE) {
        used += snprintf(last + used, LINE_SIZE - (size_t)used, " %.*s", length, word);
    } else if (into->count < MOST_LINES) {
        used = snprintf(into->lines[into->count++], LINE_SIZE, "%.*s", length, word);
    }
    if (used > into->width) into->width = used;
}

static heading cut(const table_column *column)
{
    heading made = {.count = 0, .width = NARROWEST};
    for (const char *word = column->name; *word;) {
        int length = (int)strcspn(word, "_ ");
        add_word(&made, word, length, 1);
        word += length + (word[length] != '\0');
    }
    if (column->unit && *column->unit && strcmp(column->unit, "1") != 0) {
        char unit[LINE_SIZE];
        int length = snprintf(unit, sizeof unit, "[%.*s]", LINE_SIZE - 3, column->unit);
        add_word(&made, unit, length, 0);
    }
    return made;
}

/* Line number row of every heading, side by side; blanks wait until something follows them. */
static void print_line(const heading *headings, size_t count, int row, int tallest)
{
    int blanks = 0;
    for (size_t i = 0; i < count; i++) {
        int own = row - (tallest - headings[i].count);
        const char *text = own < 0 ? "" : headings[i].lines[own];
        int length = (int)strlen(text);
        int before = i + 1 < count ? GAP + headings[i].width - length : GAP;
        blanks += before;
        if (length > 0) {
            printf("%*s%s", blanks, "", text);
            blanks = 0;
        }
    }
    putchar('\n');
}

void table_print_head(const table_column *columns, size_t count)
{
    heading headings[TABLE_MOST_COLUMNS];
    int tallest = 0, total = 0;
    for (size_t i = 0; i < count; i++) {
        headings[i] = cut(&columns[i]);
        if (headings[i].count > tallest) tallest = headings[i].count;
        total += headings[i].width + GAP;
    }
    for (int row = 0; row < tallest; row++) print_line(headings, count, row, tallest);
    for (int i = 0; i < total; i++) putchar(i < GAP ? ' ' : '-');
    putchar('\n');
}

void table_print_cell(const table_column *column, const char *text)
{
    printf(" %*s", cut(column).width + GAP - 1, text); /* a long number shifts its row, it never touches its neighbour */
}
