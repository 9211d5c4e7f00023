/* support_gnuplot.c - a temporary folder, a script, a child process without a shell. */
#include "support_gnuplot.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "support_text.h"

#define NOT_INSTALLED 127

/* The terminal is set first; gnuplot without cairo still has a plain png. Everything is drawn twice as large in a PNG,
 * which knows pixels only. */
static const char svg_terminal[] =
    "set terminal svg size width,height font 'Helvetica,Arial,sans-serif,15' background 'white'\n";
static const char png_terminal[] =
    "if (strstrt(GPVAL_TERMINALS, 'pngcairo')) {\n"
    "    set terminal pngcairo size 2*width,2*height font 'sans,14' fontscale 2 linewidth 2 pointscale 2 \\\n"
    "        background 'white'\n"
    "} else {\n"
    "    set terminal png size 2*width,2*height font 'sans,28' linewidth 2 background '#ffffff'\n"
    "}\n";

static int fail(figure *self, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(figure *self, const char *format, ...)
{
    if (self->error[0]) return 0;
    va_list values;
    va_start(values, format);
    vsnprintf(self->error, sizeof self->error, format, values);
    va_end(values);
    return 0;
}

static int has_suffix(const char *name, const char *suffix)
{
    size_t length = strlen(name), wanted = strlen(suffix);
    return length > wanted && strcmp(name + length - wanted, suffix) == 0;
}

void figure_check(const tool *self, const char *plot)
{
    if (plot && !has_suffix(plot, ".svg") && !has_suffix(plot, ".png"))
        args_usage_error(self, "--plot is '%s': the name must end in .svg or .png", plot);
}

char *figure_beside(const char *output, const char *suffix)
{
    size_t stem = strlen(output) - 4;
    size_t size = strlen(output) + strlen(suffix) + 1;
    char *name = text_alloc(size);
    snprintf(name, size, "%.*s%s%s", (int)stem, output, suffix, output + stem);
    return name;
}

static char *inside(const figure *self, const char *name)
{
    size_t size = strlen(self->folder) + strlen(name) + 2;
    char *path = text_alloc(size);
    snprintf(path, size, "%s/%s", self->folder, name);
    return path;
}

static void remove_folder(figure *self)
{
    DIR *folder = opendir(self->folder);
    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        char *path = inside(self, entry->d_name);
        if (entry->d_name[0] != '.') unlink(path);
        free(path);
    }
    if (folder) closedir(folder);
    rmdir(self->folder);
}

FILE *figure_data(figure *self, const char *name)
{
    char *path = inside(self, name);
    FILE *file = fopen(path, "w");
    if (!file) fail(self, "%s: %s", path, strerror(errno));
    free(path);
    return file;
}

void figure_close_data(figure *self, FILE *file)
{
    int failed = ferror(file);
    if (fclose(file) != 0 || failed) fail(self, "%s: cannot write the figure's data", self->folder);
}

int figure_begin(figure *self)
{
    *self = (figure){.script = NULL};
    const char *parent = getenv("TMPDIR");
    snprintf(self->folder, sizeof self->folder, "%s/softneck-figure-XXXXXX", parent && *parent ? parent : "/tmp");
    if (!mkdtemp(self->folder)) return fail(self, "%s: %s (TMPDIR names another place)", self->folder, strerror(errno));
    self->script = figure_data(self, "script");
    if (self->script) return 1;
    remove_folder(self);
    return 0;
}

void figure_number(figure *self, const char *name, double value)
{
    fprintf(self->script, "%s = %.17g\n", name, value);
}

void figure_text(figure *self, const char *name, const char *text)
{
    char *visible = text_visible(text);
    fprintf(self->script, "%s = '", name);
    for (const char *at = visible; *at; at++) {
        if (*at == '\'') fputc('\'', self->script);
        fputc(*at, self->script);
    }
    fputs("'\n", self->script);
    free(visible);
}

/* In the child: only calls that are safe after fork in a program with threads. */
static void run_child(const char *folder)
{
    char *arguments[] = {"gnuplot", "script", NULL};
    int nothing = open("/dev/null", O_RDONLY);
    if (chdir(folder) != 0 || nothing < 0) _exit(1);
    int messages = open("messages", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (messages < 0 || dup2(nothing, 0) < 0 || dup2(messages, 1) < 0 || dup2(messages, 2) < 0) _exit(1);
    execvp(arguments[0], arguments);
    _exit(errno == ENOENT ? NOT_INSTALLED : 1);
}

/* The last line gnuplot wrote that is not blank: its complaint. */
static int fail_with_messages(figure *self)
{
    char *path = inside(self, "messages");
    char line[256], last[256] = "it said nothing";
    FILE *file = fopen(path, "r");
    while (file && fgets(line, sizeof line, file)) {
        line[strcspn(line, "\n")] = '\0';
        if (line[strspn(line, " \t")]) memcpy(last, line, sizeof last);
    }
    if (file) fclose(file);
    free(path);
    return fail(self, "gnuplot failed: %s", last);
}

static int run(figure *self)
{
    pid_t child = fork();
    if (child == 0) run_child(self->folder);
    int status = 0;
    pid_t ended = -1;
    do {
        if (child > 0) ended = waitpid(child, &status, 0);
    } while (child > 0 && ended < 0 && errno == EINTR);
    if (child < 0 || ended < 0) return fail(self, "cannot start gnuplot: %s", strerror(errno));
    if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED)
        return fail(self, "figures need gnuplot, which is not installed");
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 1 : fail_with_messages(self);
}

/* Copied, not renamed: the folder may be on another file system, and output may be a link or a device. */
static int deliver(figure *self, const char *output)
{
    char block[65536];
    char *path = inside(self, "figure");
    FILE *from = fopen(path, "rb");
    free(path);
    if (!from) return fail_with_messages(self);
    FILE *to = fopen(output, "wb");
    if (!to) {
        fail(self, "%s: %s", output, strerror(errno));
        fclose(from);
        return 0;
    }
    int good = 1;
    for (size_t got; good && (got = fread(block, 1, sizeof block, from)) > 0;) good = fwrite(block, 1, got, to) == got;
    good = good && !ferror(from);
    good = fclose(to) == 0 && good;
    fclose(from);
    return good ? 1 : fail(self, "%s: cannot write the figure: %s", output, strerror(errno));
}

int figure_finish(figure *self, const char *drawing, const char *output, int width, int height)
{
    fprintf(self->script, "set encoding utf8\nwidth = %d\nheight = %d\n", width, height);
    fputs(has_suffix(output, ".png") ? png_terminal : svg_terminal, self->script);
    fputs("set output 'figure'\n", self->script);
    fputs(drawing, self->script);
    figure_close_data(self, self->script);
    int drawn = !self->error[0] && run(self) && deliver(self, output);
    remove_folder(self);
    return drawn;
}
