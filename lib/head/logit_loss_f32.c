/* head/logit_loss_f32.c - the engine in single precision, on the kernels of this CPU. */
#include "kernels/kernels.h"

#define REAL float
#define OF(name) name##_f32
#define REAL_DTYPE NECK_F32
#define COLUMN_MAX(...) neck__kernels_get()->column_max_f32(__VA_ARGS__)
#define COLUMN_EXP_SUM(...) neck__kernels_get()->column_exp_sum_f32(__VA_ARGS__)
#define COLUMN_GRADIENT(...) neck__kernels_get()->column_gradient_f32(__VA_ARGS__)
#define SUM_BELOW(...) neck__kernels_get()->sum_below_f32(__VA_ARGS__)
#define SELECT(...) neck__kernels_get()->select_f32(__VA_ARGS__)
#define ADD_BELOW(...) neck__kernels_get()->add_below_f32(__VA_ARGS__)
#define ADD_ROWS(...) neck__kernels_get()->add_rows_f32(__VA_ARGS__)
#define EXP(count, x) (void)neck__kernels_get()->exp_sum_f32(count, 0, x)
#include "head/logit_work_template.h"
