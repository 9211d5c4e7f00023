/* support_headrank_runs.h - the folder of a sweep: what was asked, and every training that is finished. */
#ifndef SUPPORT_HEADRANK_RUNS_H
#define SUPPORT_HEADRANK_RUNS_H

#include <jansson.h>
#include <stdint.h>

/* One finished training. */
typedef struct headrank_run {
    int32_t kind;   /* NECK_HEAD_* */
    int32_t chosen; /* its learning rate is the one its head and rank were given */
    int32_t diverged;
    int64_t rank;
    double learning_rate;
    int64_t seed;
    double valid_loss; /* INFINITY when diverged */
    double accuracy;
    double train_loss;
    int64_t tokens; /* trained on, with repetition */
    int64_t parameters;
    int64_t rank_limit;
    double seconds; /* since it was last taken up */
} headrank_run;

/* The folder: configuration.json, runs.jsonl (a line a run), and a checkpoint while a run is under way. */
typedef struct headrank_runs {
    char *folder;
    int lock; /* a file that one process at a time may hold */
    headrank_run *items;
    int64_t count, capacity;
    char error[6144]; /* what went wrong last, or "" */
} headrank_runs;

/* headrank_runs_open  - makes the folder or takes up what it holds; configuration (borrowed) must be the same then. 1,
 *                       or 0 and error. dropped: 1 when the last line was torn and left out.
 * headrank_runs_follow - for other ranks than the one that opened it: the folder alone.
 * headrank_runs_find  - the run of that head, rank, learning rate and seed, or NULL.
 * headrank_runs_add   - appends; headrank_runs_write puts all on disk: the file is whole at every moment. 0 and error
 *                       on failure.
 * headrank_runs_file  - the path of a file in the folder; release with free. */
int headrank_runs_open(const char *folder, const json_t *configuration, headrank_runs *out, int *dropped);
void headrank_runs_follow(const char *folder, headrank_runs *out);
void headrank_runs_close(headrank_runs *runs);
headrank_run *headrank_runs_find(const headrank_runs *runs, int32_t kind, int64_t rank, double rate, int64_t seed);
headrank_run *headrank_runs_add(headrank_runs *runs, const headrank_run *run);
int headrank_runs_write(headrank_runs *runs);
char *headrank_runs_file(const headrank_runs *runs, const char *name);

#endif
