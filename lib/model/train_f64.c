/* model/train_f64.c - training passes in double precision, in portable C: the yardstick of the other. */
#include "kernels/kernels.h"

#define REAL double
#define OF(name) name##_f64
#define LOOPS (&neck__train_loops_double)
#define LARGEST_STRIP 16 /* at least neck__strip_f64 */
#include "model/train_run_template.h"
#include "model/train_linear_template.h"
#include "model/train_attention_template.h"
#include "model/train_block_template.h"
#include "model/train_pass_template.h"
