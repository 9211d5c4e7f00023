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
    int code;             /* what args_next returns, from 256 on; a letter is the short option too */
    const char *argument; /* what --help calls the argument, NULL if there is none */
    const char *help;     /* lines after the first are indented */
} tool_option;

/* The options that every tool has, and the end of its table. quiet: what --help says of --quiet. */
enum { OPT_THREADS = 128, OPT_QUIET, OPT_VERSION };
#define ARGS_THREADS \
    {"threads", OPT_THREADS, "N", "how many threads (default: SOFTNECK_NUM_THREADS,\nelse the CPUs at hand)"}
#define ARGS_END(quiet) \
    {"quiet", OPT_QUIET, NULL, quiet}, {"help", 'h', NULL, "this text"}, \
    {"version", OPT_VERSION, NULL, "version and build"}, {NULL, 0, NULL, NULL}
#define ARGS_COMMON(quiet) ARGS_THREADS, ARGS_END(quiet)

/* What they ask for. */
typedef struct tool_common {
    int32_t threads; /* 0: the default */
    int quiet;
} tool_common;

typedef struct tool {
    const char *name; /* "neck-spectrum" */
    const char *summary;
    const tool_option *options; /* ends with ARGS_COMMON */
    const char *operands;       /* what follows them, for --help: "PATH..." */
    const char *notes;          /* the end of --help: what the exit statuses mean */
    void (*more_help)(void);    /* prints what --help says before the notes; may be NULL */
    int ranks;                  /* under mpirun its ranks work together; 0: it refuses to run on several */
} tool;

/* args_next - the code of the tool's own next option, its argument in optarg; -1 after the last one, with optind at the
 * first operand. Common options are taken into common; --help and --version print and end the program, an option the
 * tool does not have ends it with a usage error. */
int args_next(const tool *self, int argc, char **argv, tool_common *common);

/* args_usage_error - "NAME: message" and a hint on standard error, exit status TOOL_USAGE. */
_Noreturn void args_usage_error(const tool *self, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* args_complain - "NAME: text", args_tell_written - "NAME: wrote file"; a line on standard error, and the tool goes
 *   on. */
void args_complain(const tool *self, const char *text);
void args_tell_written(const tool *self, const char *file);

/* args_note - "NAME: note: ..." on standard error, of the tool whose options were read: what may be meant otherwise. */
void args_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* args_integer, args_real - the whole argument of option --name as a number in [least, most], else a usage error. */
int64_t args_integer(const tool *self, const char *name, const char *text, int64_t least, int64_t most);
double args_real(const tool *self, const char *name, const char *text, double least, double most);

/* args_split - text cut at commas: NULL-terminated array, one free() for all of it. */
char **args_split(const char *text);

#endif
