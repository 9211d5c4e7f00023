/* model/train_f32.c - training passes in single precision, on the kernels of this CPU. */
#include "kernels/kernels.h"

#define REAL float
#define OF(name) name##_f32
#define LOOPS (&neck__kernels_get()->train)
#define LARGEST_STRIP NECK__LARGEST_STRIP_F32
#include "model/train_run_template.h"
#include "model/train_linear_template.h"
#include "model/train_attention_template.h"
#include "model/train_block_template.h"
#include "model/train_pass_template.h"
