/* model/model_object.h - what a model is inside the library. */
#ifndef NECK_MODEL_MODEL_OBJECT_H
#define NECK_MODEL_MODEL_OBJECT_H

#include "model/weights.h"
#include "softneck/model.h"

struct neck_model {
    neck__allocator allocator;
    neck_checkpoint *checkpoint;
    neck__config config;
    int64_t parameters;
    neck__place *places; /* (layers + 1) x NECK__MODULES */

    neck_matrix embedding, positions, head; /* as stored, in the mapping; positions.data is NULL when there are none */
    neck__linear project_in, project_out;
    neck__norm final_norm;
    float *wide_head;    /* the head in f32; NULL: it is as stored, or has no room and is converted anew in every
                            call */
    neck__block *blocks; /* the first `resident` ones; the others are loaded anew in every call */
    int64_t resident;
};

#endif
