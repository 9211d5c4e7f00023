/* support_curves.h - everything that was measured along a run, each under its name; read from logs of any trainer. */
#ifndef SUPPORT_CURVES_H
#define SUPPORT_CURVES_H

#include <stdint.h>

#define CURVES_ERROR_SIZE 512

typedef struct curve {
    char *name;
    int64_t *steps; /* in the order they were read */
    double *values; /* may be NaN or infinite, if the log says so */
    double *errors; /* standard errors, NaN: not known */
    int64_t count, room;
} curve;

typedef struct curves {
    curve *list;
    int64_t count;
    int fractional; /* some step was not a whole number, and was rounded */
} curves;

/* A row of a table is taken when its cell of that column is this text. */
typedef struct curve_filter {
    const char *column, *value;
} curve_filter;

/* How a log is to be read. */
typedef struct curve_request {
    const char *step; /* the name of the step column; NULL: step, global_step, iteration ...; of a table also epoch */
    const curve_filter *filters;
    int64_t filter_count;
} curve_request;

/* curves_add - one more point. error: NaN where unknown.
 * curves_find - the curve of that name, NULL when there is none; valid until the next curves_add.
 * curves_free - all of it. */
void curves_add(curves *self, const char *name, int64_t step, double value, double error);
curve *curves_find(const curves *self, const char *name);
void curves_free(curves *self);

/* A curve made ready to be drawn; free x, y and smooth. */
typedef struct drawn_curve {
    double *x, *y;      /* finite points in order of step; the last entry of each step */
    double *smooth;     /* medians of windows of a fortieth of the points */
    int64_t count;
    double low, high;   /* of y once the first twentieth of the steps is over, but for the highest and lowest hundredth */
} drawn_curve;

drawn_curve curve_draw(const curve *from);
void drawn_curve_free(drawn_curve *self);

/* For readers. curves_step_rank - of a column that may hold the steps, the likeliest 0; CURVES_NO_STEP: it may not.
 * curves_take_step - a number as a step; 0: it is none. */
enum { CURVES_NO_STEP = 99 };
int curves_step_rank(const char *name);
int curves_take_step(curves *self, double number, int64_t *step);

/* curves_read_csv   - a table with a heading line, of commas, semicolons or tabs; cells that are no number, and empty
 *                     ones, are left out; so are columns of a name and __MIN or __MAX beside one of that name. Decimal
 *                     commas are read, and steps like 12,500. NAME_stderr is taken for the standard errors of column
 *                     NAME.
 * curves_read_jsonl - one JSON object a line, its numbers and texts that are numbers; a torn last line, as a kill
 *                     leaves it, is none. Members of an object A count as A/NAME, of "values" (neck_monitor's logs) as
 *                     the line's own.
 * curves_read_json  - a file of one JSON array of such objects, or of TensorBoard's triples, or an object with one as
 *                     "log_history" (trainer_state.json). Both know NaN and Infinity.
 * curves_read       - by the first character, which tells JSON from tables, and the name's ending.
 * All return 0 and one line in error on failure; what was read by then stays. */
int curves_read_csv(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE]);
int curves_read_jsonl(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE]);
int curves_read_json(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE]);
int curves_read(curves *self, const char *path, const curve_request *request, char error[CURVES_ERROR_SIZE]);

#endif
