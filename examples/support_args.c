/* support_args.c - getopt_long driven by a table. */
#include "support_args.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <softneck.h>

#include "support_text.h"

#define MOST_OPTIONS 64
#define HELP_COLUMN 26

static void say(const tool *self, const char *verb, const char *text)
{
    fprintf(stderr, "%s: %s", self->name, verb);
    text_print(stderr, text);
    fputc('\n', stderr);
}

void args_complain(const tool *self, const char *text)
{
    say(self, "", text);
}

void args_tell_written(const tool *self, const char *file)
{
    say(self, "wrote ", file);
}

static const tool *running;

void args_note(const char *format, ...)
{
    char message[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    if (running) say(running, "note: ", message);
}

void args_usage_error(const tool *self, const char *format, ...)
{
    char message[1024];
    va_list values;
    va_start(values, format);
    vsnprintf(message, sizeof message, format, values);
    va_end(values);
    fprintf(stderr, "%s: ", self->name);
    text_print(stderr, message);
    fprintf(stderr, "\nTry '%s --help'.\n", self->name);
    exit(TOOL_USAGE);
}

static int is_letter(int code)
{
    return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

static const tool_option *option_of(const tool *self, int code)
{
    for (const tool_option *option = self->options; option->name; option++)
        if (option->code == code) return option;
    return NULL;
}

/* getopt_long's own form of the table. The leading ':' makes it tell a missing argument from an unknown option. */
static void translate(const tool *self, struct option *longs, char *shorts)
{
    *shorts++ = ':';
    for (const tool_option *option = self->options; option->name; option++) {
        int takes = option->argument ? required_argument : no_argument;
        *longs++ = (struct option){option->name, takes, NULL, option->code};
        if (!is_letter(option->code)) continue;
        *shorts++ = (char)option->code;
        if (option->argument) *shorts++ = ':';
    }
    *longs = (struct option){NULL, 0, NULL, 0};
    *shorts = '\0';
}

static int next_of_all(const tool *self, int argc, char **argv)
{
    struct option longs[MOST_OPTIONS];
    char shorts[2 * MOST_OPTIONS];
    translate(self, longs, shorts);
    opterr = 0;
    int code = getopt_long(argc, argv, shorts, longs, NULL);
    const tool_option *known = option_of(self, optopt);
    if (code == ':') args_usage_error(self, "--%s needs %s", known->name, known->argument);
    if (code == '?' && known) args_usage_error(self, "--%s takes no argument", known->name);
    if (code == '?' && optopt) args_usage_error(self, "unknown option '-%c'", optopt);
    if (code == '?') args_usage_error(self, "unknown or ambiguous option '%s'", argv[optind - 1]);
    return code;
}

static void print_option(const tool_option *option)
{
    int used = is_letter(option->code) ? printf("  -%c,", option->code) : printf(" ");
    used += printf(" --%s", option->name);
    if (option->argument) used += printf(" %s", option->argument);
    if (used > HELP_COLUMN - 2) {
        putchar('\n');
        used = 0;
    }
    for (const char *line = option->help; line;) {
        const char *end = strchr(line, '\n');
        int length = end ? (int)(end - line) : (int)strlen(line);
        printf("%*s%.*s\n", HELP_COLUMN - used, "", length, line);
        used = 0;
        line = end ? end + 1 : NULL;
    }
}

static void print_help(const tool *self)
{
    printf("Usage: %s [OPTION]... %s\n%s\n\nOptions:\n", self->name, self->operands, self->summary);
    for (const tool_option *option = self->options; option->name; option++) print_option(option);
    if (self->more_help) self->more_help();
    printf("\n%s\n", self->notes);
}

int args_next(const tool *self, int argc, char **argv, tool_common *common)
{
    running = self;
    for (;;) {
        int code = next_of_all(self, argc, argv);
        switch (code) {
        case OPT_THREADS: common->threads = (int32_t)args_integer(self, "threads", optarg, 1, 1024); break;
        case OPT_QUIET: common->quiet = 1; break;
        case OPT_VERSION: printf("%s %s\n%s\n", self->name, neck_version_string(), neck_build_info()); exit(TOOL_OK);
        case 'h': print_help(self); exit(TOOL_OK);
        default: return code;
        }
    }
}

int64_t args_integer(const tool *self, const char *name, const char *text, int64_t least, int64_t most)
{
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    if (end == text || *end || errno || number < least || number > most)
        args_usage_error(self, "--%s is '%s': it must be a whole number from %lld to %lld", name, text,
                         (long long)least, (long long)most);
    return number;
}

double args_real(const tool *self, const char *name, const char *text, double least, double most)
{
    char *end;
    double number = strtod(text, &end);
    if (end == text || *end || !(number >= least && number <= most))
        args_usage_error(self, "--%s is '%s': it must be a number from %g to %g", name, text, least, most);
    return number;
}

char **args_split(const char *text)
{
    size_t count = 1;
    for (const char *at = text; *at; at++) count += *at == ',';
    size_t table = (count + 1) * sizeof(char *);
    char **parts = text_alloc(table + strlen(text) + 1);
    char *copy = (char *)parts + table;
    strcpy(copy, text);
    for (size_t i = 0; i < count; i++) {
        parts[i] = copy;
        copy += strcspn(copy, ",");
        *copy++ = '\0';
    }
    parts[count] = NULL;
    return parts;
}
