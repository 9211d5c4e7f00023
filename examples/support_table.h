/* support_table.h - tables for people, printed row by row as results come in. */
#ifndef SUPPORT_TABLE_H
#define SUPPORT_TABLE_H

#include <stddef.h>

/* A column of right-aligned cells. Its heading is the name broken at spaces and underscores, with the unit below
 * ("1" and "" say nothing and are left out). */
typedef struct table_column {
    const char *name;
    const char *unit;
} table_column;

#define TABLE_MOST_COLUMNS 64

/* table_print_head - the heading lines and a rule. The last heading is left-aligned, for names of any length.
 * table_print_cell - text as the next cell of that column. */
void table_print_head(const table_column *columns, size_t count);
void table_print_cell(const table_column *column, const char *text);

#endif
