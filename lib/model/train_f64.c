/* model/train_f64.c - training passes in double precision, their loops in portable C: the yardstick of the other. */
#include "kernels/kernels.h"

#define REAL double
#define OF(name) name##_f64
#define LOOPS (&neck__train_loops_double)
#define LARGEST_STRIP NECK__LARGEST_STRIP
#include "model/train_run_template.h"
#include "model/train_linear_template.h"
#include "model/train_attention_template.h"
#include "model/train_block_template.h"
#include "model/train_pass_template.h"
