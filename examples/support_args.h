/* support_args.h - command lines of the tools: one table of options gives parsing, --help and usage errors. */
#ifndef SUPPORT_ARGS_H
#define SUPPORT_ARGS_H

#include <stdint.h>

/* What every tool exits with. */
enum {
    TOOL_OK = 0,
    TOOL_FAILED = 1,
    TOOL_USAGE = 2,
    TOOL_INTERRUPTED = 130 /* 128 + SIGINT, as shells expect */
};

typedef struct tool_option {
    const char *name;     /* long name, without the dashes */
    int code;             /* what args_next returns; a letter is the short option too */
    const char *argument; /* what --help calls the argument, NULL if there is none */
    const char *help;     /* lines after the first are indented */
} tool_option;

typedef struct tool {
    const char *name; /* "neck-spectrum" */
    const char *summary;
    const tool_option *options; /* ends with a NULL name */
    const char *operands;       /* what follows them, for --help: "PATH..." */
} tool;

/* args_next - the code of the next option, its argument in optarg; -1 after the last one, with optind at the first
 * operand. An option the tool does not have ends the program with a usage error. */
int args_next(const tool *self, int argc, char **argv);

/* args_help - the usage line, the summary and the table of options, on standard output. */
void args_help(const tool *self);

/* args_usage_error - "NAME: message" and a hint on standard error, exit status TOOL_USAGE. */
_Noreturn void args_usage_error(const tool *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* args_complain - "NAME: text", args_tell_written - "NAME: wrote file"; a line on standard error, and the tool goes on. */
void args_complain(const tool *self, const char *text);
void args_tell_written(const tool *self, const char *file);

/* args_integer, args_real - the whole argument of option --name as a number in [least, most], else a usage error. */
int64_t args_integer(const tool *self, const char *name, const char *text, int64_t least, int64_t most);
double args_real(const tool *self, const char *name, const char *text, double least, double most);

/* args_split - text cut at commas: NULL-terminated array, one free() for all of it. */
char **args_split(const char *text);

#endif
