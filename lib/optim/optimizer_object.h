/* optim/optimizer_object.h - what an optimizer is: parameters, and for each a rule with its numbers and state. */
#ifndef NECK_OPTIM_OPTIMIZER_OBJECT_H
#define NECK_OPTIM_OPTIMIZER_OBJECT_H

#include "core/memory.h"
#include "format/safetensors.h"
#include "kernels/kernels.h"
#include "softneck/optimizer.h"

enum { NECK__ARRAYS = 4 }; /* of an update: parameter, gradient, up to two of the rule's */

typedef struct neck__rule neck__rule;

typedef struct neck__slot {
    neck_parameter parameter; /* its name is ours */
    const neck__rule *rule;
    neck_optimizer_options options; /* defaults filled in; learning_rate and weight_decay as they hold for this one */
    int64_t first, size;            /* which of the parameter's elements are moved here: all, unless it is in parts */
    void *arrays[NECK__ARRAYS];     /* of that run, as kernels.h wants them */
} neck__slot;

/* One way to move a parameter. A new rule is a new row: of this kind, of the kernels' table, of rule_for in
 * optimizer.c. */
struct neck__rule {
    const char *name; /* in saved states; never changes */
    int kind;         /* NECK__ADAMW ...: the loop that applies it */
    int arrays;       /* that it keeps */
    const char *saved[NECK__ARRAYS - 2]; /* their names in saved states; NULL: only in use within a step */
    int saved_nonnegative[NECK__ARRAYS - 2];

    /* What the loop needs for step number `step` (from 1) at a learning rate. */
    void (*numbers)(const neck__slot *slot, int64_t step, double rate, neck__update *out);

    /* The part of a step that can fail; changes nothing but arrays that are not saved. NULL: nothing can. */
    neck_status (*prepare)(neck_context *context, const neck__slot *slot);
};

extern const neck__rule neck__rule_adamw, neck__rule_sgd, neck__rule_momentum, neck__rule_muon;

struct neck_optimizer {
    neck__allocator allocator;
    neck__slot *slots;
    int64_t count, steps;
};

/* Whether a parameter must be moved as a whole: its rule does more than go from element to element. */
int neck__optimizer_needs_whole(const neck_optimizer_options *options, const neck_parameter *parameter);

/* neck__optimizer_create_part - neck_optimizer_create for one of several processes, which moves runs[2 i + 1] elements
 *                               of parameter i from runs[2 i] on, and keeps state for those alone; all of it or nothing
 *                               where it needs a whole. Gradients of other elements are not looked at. NULL: all.
 * neck__optimizer_prepare     - all of a step that can fail; changes nothing that is saved.
 * neck__optimizer_apply       - the rest of it. */
neck_status neck__optimizer_create_part(neck_context *context, const neck_optimizer_options *options,
                                        const neck_parameter *parameters, int64_t count, const int64_t *runs,
                                        neck_optimizer **out);
neck_status neck__optimizer_prepare(neck_context *context, const neck_optimizer *optimizer, double scale);
void neck__optimizer_apply(neck_context *context, neck_optimizer *optimizer, double scale);

/* The arrays of an optimizer's file, in its order, whatever parts of them are here.
 * neck__optimizer_saved - finds array number index: its slot, its number among the slot's; 0 when there are no more.
 * neck__optimizer_take  - copies our run of a whole array. */
int neck__optimizer_saved(const neck_optimizer *optimizer, int64_t index, const neck__slot **slot, int *array);
void neck__optimizer_take(neck_optimizer *optimizer, int64_t index, const void *whole);

/* neck_optimizer_save with whole arrays fetched one after the other. */
neck_status neck__optimizer_save(neck_context *context, const neck_optimizer *optimizer, const char *path,
                                 neck__safetensors_fetch_fn fetch, void *user);

/* A file that fits an optimizer; its arrays lie in arrays[index].data. */
typedef struct neck__optimizer_file {
    neck__allocator allocator;
    neck_checkpoint *checkpoint;
    neck_tensor *arrays;
    int64_t steps;
} neck__optimizer_file;

neck_status neck__optimizer_file_open(neck_context *context, const neck_optimizer *optimizer, const char *path,
                                      neck__optimizer_file *out);
void neck__optimizer_file_close(neck__optimizer_file *file);

/* Fills in the defaults, refuses what makes no sense. */
neck_status neck__optimizer_options_read(const neck_optimizer_options *options, neck_optimizer_options *out);

#endif
