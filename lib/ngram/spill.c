/* ngram/spill.c - a folder of runs. */
#include "ngram/spill.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"
#include "format/folder.h"
#include "format/nameless_file.h"
#include "format/system_error.h"
#include "text/growing.h"

#define RUN_PREFIX "run-"

neck_status neck__spill_init(neck__spill *spill, const neck__allocator *allocator, const char *folder, int32_t resume)
{
    *spill = (neck__spill){.allocator = *allocator, .fd = -1, .resume = resume};
    if (!folder) return NECK_OK;
    spill->folder = neck__strdup(allocator, folder);
    return spill->folder ? NECK_OK : NECK_E_NOMEM;
}

/* ---- what lies in the folder ---- */

/* The number in a run's name, -1: it is none. */
static int64_t run_number(const char *name)
{
    char *end;
    if (strncmp(name, RUN_PREFIX, strlen(RUN_PREFIX)) != 0) return -1;
    const char *digits = name + strlen(RUN_PREFIX);
    if (*digits < '0' || *digits > '9') return -1;
    errno = 0;
    const long long number = strtoll(digits, &end, 10);
    return *end == '\0' && errno == 0 ? number : -1;
}

static int is_listed(const neck__spill *spill, int64_t number)
{
    for (int64_t i = 0; i < spill->count; i++)
        if (spill->runs[i].number == number) return 1;
    return 0;
}

/* The list itself, or one that was being written. */
static int is_list(const char *name)
{
    return strncmp(name, NECK__SPILL_LIST, strlen(NECK__SPILL_LIST)) == 0;
}

static neck_status check_names(const neck__spill *spill, const neck__names *names)
{
    if (!spill->resume && names->count > 0)
        return neck__fail(NECK_E_ARGUMENT, "'%s' is not empty: n-grams are counted in a folder of their own",
                          spill->folder);
    for (int64_t i = 0; i < names->count; i++)
        if (run_number(names->names[i]) < 0 && !is_list(names->names[i]))
            return neck__fail(NECK_E_ARGUMENT, "'%s' in '%s' does not belong to a count of n-grams", names->names[i],
                              spill->folder);
    return NECK_OK;
}

/* What a count that died was in the middle of writing. */
static neck_status remove_strays(const neck__spill *spill, const neck__names *names)
{
    for (int64_t i = 0; i < names->count; i++) {
        const char *name = names->names[i];
        const int64_t number = run_number(name);
        if (number >= 0 ? is_listed(spill, number) : strcmp(name, NECK__SPILL_LIST) == 0) continue;
        char *path = neck__path_join(&spill->allocator, spill->folder, name);
        if (!path) return NECK_E_NOMEM;
        unlink(path);
        neck__release(&spill->allocator, path);
    }
    return NECK_OK;
}

static neck_status look_around(neck__spill *spill, const neck__names *names, const neck__key_form *form,
                               int64_t vocab_size, neck__text_position *position)
{
    NECK_TRY(check_names(spill, names));
    char *list = neck__path_join(&spill->allocator, spill->folder, NECK__SPILL_LIST);
    if (!list) return NECK_E_NOMEM;
    neck_status status = NECK_OK;
    if (neck__is_file(list)) status = neck__spill_load(spill, list, form, vocab_size, position);
    neck__release(&spill->allocator, list);
    return status == NECK_OK ? remove_strays(spill, names) : status;
}

neck_status neck__spill_begin(neck__spill *spill, const neck__key_form *form, int64_t vocab_size,
                              neck__text_position *position)
{
    if (!spill->folder || mkdir(spill->folder, 0777) == 0) return NECK_OK;
    if (errno != EEXIST) return neck__fail_system("make", spill->folder, errno);
    neck__names names;
    NECK_TRY(neck__names_read(&spill->allocator, spill->folder, &names));
    neck_status status = look_around(spill, &names, form, vocab_size, position);
    neck__names_clear(&names);
    return status;
}

/* ---- runs ---- */

/* Where files without a name lie. */
static const char *nameless_folder(void)
{
    const char *root = getenv("TMPDIR");
    return root && *root ? root : "/tmp";
}

char *neck__spill_path(const neck__spill *spill, int64_t number)
{
    if (!spill->folder) return neck__strdup(&spill->allocator, nameless_folder());
    char name[40];
    snprintf(name, sizeof name, RUN_PREFIX "%08" PRId64, number);
    return neck__path_join(&spill->allocator, spill->folder, name);
}

neck_status neck__spill_create(neck__spill *spill, const neck__key_form *form, int64_t buffer_bytes,
                               neck__run_writer *writer)
{
    if (!spill->folder && spill->fd < 0)
        NECK_TRY(neck__nameless_file_open(&spill->allocator, nameless_folder(), &spill->fd));
    char *path = neck__spill_path(spill, spill->next);
    if (!path) return NECK_E_NOMEM;
    neck_status status =
        neck__run_create(writer, &spill->allocator, form, path, spill->fd, spill->end, buffer_bytes);
    neck__release(&spill->allocator, path);
    if (status != NECK_OK) neck__run_abandon(writer);
    return status;
}

void neck__spill_turn(neck__spill *spill)
{
    if (spill->count == 0 || spill->runs[0].fd != spill->fd) return;
    spill->fd = -1; /* the runs know it */
    spill->end = 0;
}

neck_status neck__spill_add(neck__spill *spill, neck__run_writer *writer)
{
    if (spill->count == spill->capacity) {
        neck__run *grown = neck__grown(&spill->allocator, spill->runs, spill->count, spill->count + 1, sizeof *grown,
                                       &spill->capacity, "runs of n-grams");
        if (!grown) return NECK_E_NOMEM;
        spill->runs = grown;
    }
    neck__run run;
    NECK_TRY(neck__run_finish(writer, spill->resume, &run));
    run.number = spill->next++;
    spill->runs[spill->count++] = run;
    if (run.fd >= 0) spill->end = run.begin + run.bytes;
    return NECK_OK;
}

void neck__spill_drop(neck__spill *spill, int64_t count)
{
    spill->count -= count;
    memmove(spill->runs, spill->runs + count, (size_t)spill->count * sizeof *spill->runs);
}

/* Into the file's name in the caller's buffer, so that cleaning up needs no memory. */
static void unlink_in(const char *folder, const char *name)
{
    char path[4096];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) < (int)sizeof path) unlink(path);
}

/* Runs in a file without a name lie one behind the other in the list too: a file is done with where that changes. */
static void close_between(int fd, int following)
{
    if (fd >= 0 && fd != following) close(fd);
}

void neck__spill_unlink(const neck__spill *spill, const neck__run *runs, int64_t count)
{
    char name[40];
    const int behind = spill->count > 0 ? spill->runs[0].fd : spill->fd;
    for (int64_t i = 0; i < count; i++) {
        close_between(runs[i].fd, i + 1 < count ? runs[i + 1].fd : behind);
        if (!spill->folder) continue;
        snprintf(name, sizeof name, RUN_PREFIX "%08" PRId64, runs[i].number);
        unlink_in(spill->folder, name);
    }
}

/* The files without a name. */
static void close_all(neck__spill *spill)
{
    for (int64_t i = 0; i < spill->count; i++)
        close_between(spill->runs[i].fd, i + 1 < spill->count ? spill->runs[i + 1].fd : spill->fd);
    close_between(spill->fd, -1);
    spill->fd = -1;
    spill->end = spill->count = 0;
}

void neck__spill_remove(neck__spill *spill)
{
    if (spill->folder) {
        unlink_in(spill->folder, NECK__SPILL_LIST); /* first: a list of runs that are gone could not be resumed */
        neck__spill_unlink(spill, spill->runs, spill->count);
        rmdir(spill->folder);
    }
    close_all(spill);
}

void neck__spill_clear(neck__spill *spill)
{
    close_all(spill);
    neck__release(&spill->allocator, spill->folder);
    neck__release(&spill->allocator, spill->runs);
    spill->folder = NULL;
    spill->runs = NULL;
    spill->capacity = 0;
}
