/* support_measure_bytes.c - a row of a table on its way. */
#include "support_measure_bytes.h"

#include <stdlib.h>
#include <string.h>

#include "support_text.h"
#include "support_work.h"

/* What comes first. Behind it, unless status tells of a failure, whose text then follows: path, tensor, the spectrum as
 * numbers, the metrics, the components. */
typedef struct heading {
    int64_t status;
    int64_t path_size, tensor_size; /* of the text too, with its NUL */
    int64_t numbers;
    measured row; /* pointers mean nothing */
} heading;

neck_status measured_give_error(const measure_error *error)
{
    heading first = {.status = error->status, .path_size = (int64_t)strlen(error->text) + 1};
    neck_status status = work_give(&first, sizeof first);
    return status == NECK_OK ? work_give(error->text, first.path_size) : status;
}

neck_status measured_give(const measured *row)
{
    heading first = {.path_size = (int64_t)strlen(row->path) + 1,
                     .tensor_size = (int64_t)strlen(row->tensor) + 1,
                     .numbers = neck_spectrum_numbers(row->spectrum),
                     .row = *row};
    double *numbers = text_alloc((size_t)first.numbers * sizeof *numbers);
    const struct {
        const void *bytes;
        int64_t size;
    } pieces[] = {
        {&first, sizeof first},
        {row->path, first.path_size},
        {row->tensor, first.tensor_size},
        {numbers, first.numbers * (int64_t)sizeof *numbers},
        {row->metrics, neck_metric_count() * (int64_t)sizeof *row->metrics},
        {row->frequency, row->components * (int64_t)sizeof *row->frequency},
    };
    neck_status status = neck_spectrum_get(row->spectrum, numbers);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces && status == NECK_OK; i++)
        status = work_give(pieces[i].bytes, pieces[i].size);
    free(numbers);
    return status;
}

/* A copy of the next size bytes. */
static void *next_piece(const char **at, int64_t size)
{
    void *piece = text_alloc((size_t)size + 1);
    if (size > 0) memcpy(piece, *at, (size_t)size);
    *at += size;
    return piece;
}

int measured_take(const void *bytes, measured *out, measure_error *error)
{
    heading first;
    const char *at = bytes;
    memcpy(&first, at, sizeof first);
    at += sizeof first;
    char *path = next_piece(&at, first.path_size);
    error->status = (neck_status)first.status;
    if (error->status != NECK_OK) {
        snprintf(error->text, sizeof error->text, "%s", path);
        free(path);
        return 0;
    }
    *out = first.row;
    out->path = path;
    out->tensor = next_piece(&at, first.tensor_size);
    double *numbers = next_piece(&at, first.numbers * (int64_t)sizeof *numbers);
    out->metrics = next_piece(&at, neck_metric_count() * (int64_t)sizeof *out->metrics);
    out->frequency = out->components > 0 ? next_piece(&at, out->components * (int64_t)sizeof *out->frequency) : NULL;
    neck_status status = neck_spectrum_from_numbers(NULL, numbers, first.numbers, &out->spectrum);
    free(numbers);
    if (status == NECK_OK) return 1;
    out->spectrum = NULL;
    measure_fail(error, status, out->path);
    measured_free(out);
    return 0;
}
