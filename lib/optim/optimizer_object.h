/* optim/optimizer_object.h - what an optimizer is: parameters, and for each a rule with its numbers and state. */
#ifndef NECK_OPTIM_OPTIMIZER_OBJECT_H
#define NECK_OPTIM_OPTIMIZER_OBJECT_H

#include "core/memory.h"
#include "kernels/kernels.h"
#include "softneck/optimizer.h"

enum { NECK__ARRAYS = 4 }; /* of an update: parameter, gradient, up to two of the rule's */

typedef struct neck__rule neck__rule;

typedef struct neck__slot {
    neck_parameter parameter; /* its name is ours */
    const neck__rule *rule;
    neck_optimizer_options options; /* defaults filled in; learning_rate and weight_decay as they hold for this parameter */
    void *arrays[NECK__ARRAYS];     /* as kernels.h wants them */
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

/* Fills in the defaults, refuses what makes no sense. */
neck_status neck__optimizer_options_read(const neck_optimizer_options *options, neck_optimizer_options *out);

#endif
