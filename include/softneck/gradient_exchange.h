/* softneck/gradient_exchange.h - how several processes train one model: what they must do for each other. */
#ifndef SOFTNECK_GRADIENT_EXCHANGE_H
#define SOFTNECK_GRADIENT_EXCHANGE_H

#include "status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Given in the options of neck_training_create or neck_head_train, it makes count processes train together. Each makes
 * the same training from the same data, and calls the same functions in the same order. Of the rows of a step's batch
 * each takes a run (some may get none), of a validation as well; loss and gradients are means over the tokens of all.
 * Of every parameter each process has a run of elements, whose gradients it gets summed, whose optimizer state only it
 * keeps, and which it moves; then all get all parameters. A parameter that MUON orthogonalises belongs to one process
 * as a whole.
 *
 * What comes of it is that of a single process, but for the order of sums; it is bit for bit the same each time with as
 * many processes, if the exchange adds in a fixed order. States on disk are those of a single process: any number can
 * go on from them.
 *
 * The functions are called on the thread that trains, by all processes in the same order with the same sizes. Any of
 * them may do all of its work at once, or begin it and let finish wait: the gradients of the last layers can be on
 * their way while those of the first are computed. A failure of one process is told to all by agree. One of the
 * exchange itself ends the training: its parameters are then of no use, and it must not be called again.
 *
 *   sum      values (dtype NECK_F32 or NECK_F64; places[count] of them, places[0] = 0): process i gets in place the
 *            sums over all processes of elements [places[i], places[i + 1]); the others' elements may be left as they
 *            are, or spoilt
 *   spread   the other way: elements [places[i], places[i + 1]) (of size bytes each) of process i are copied to all
 *            others
 *   finish   all that sum and spread have begun is done: until then values and places stay where they are, and values
 *            are not touched
 *   add      values become their sums over processes: the same bits on all. Few numbers; done on return
 *   agree    every process says how it has fared, with a status and, unless that is NECK_OK, its neck_last_error();
 *            returns on all the status of the first that is not well, its message set by neck_error_set
 *
 * On one process (count 0 or 1) the struct is as good as none. Every function is needed otherwise. */
typedef struct neck_gradient_exchange {
    size_t struct_size;
    int32_t index, count; /* this process, of how many */
    void *user;
    neck_status (*sum)(void *user, void *values, int32_t dtype, const int64_t *places);
    neck_status (*spread)(void *user, void *values, int64_t size, const int64_t *places);
    neck_status (*finish)(void *user);
    neck_status (*add)(void *user, double *values, int64_t count);
    neck_status (*agree)(void *user, neck_status status);
} neck_gradient_exchange;

#ifdef __cplusplus
}
#endif
#endif
