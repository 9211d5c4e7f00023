/* evaluate/evaluation_object.h - what a neck_evaluation is inside the library. */
#ifndef NECK_EVALUATE_EVALUATION_OBJECT_H
#define NECK_EVALUATE_EVALUATION_OBJECT_H

#include "evaluate/watch.h"
#include "evaluate/windows.h"
#include "softneck/evaluate.h"

struct neck_evaluation {
    neck__allocator allocator;
    neck_model *model;
    neck_evaluation_options options; /* defaults filled in */
    neck__watch watch;               /* no layers unless they are watched */
    int64_t documents;
    int64_t tokens;
    int64_t correct;
    double bytes;
    double words;
    double nll_sum;
    double nll_squares;
};

#endif
