/* train/lm_state.h - the files of a training's state. */
#ifndef NECK_TRAIN_LM_STATE_H
#define NECK_TRAIN_LM_STATE_H

#include "train/lm_training.h"

/* By all processes of a training; folder: NULL but on the first.
 * neck__lm_write_state - writes the two files of a state into folder, which is there. A failure may be the first's
 *                        alone.
 * neck__lm_read_state  - puts them back, or changes nothing. */
neck_status neck__lm_write_state(neck_context *context, neck_training *self, const char *folder);
neck_status neck__lm_read_state(neck_context *context, neck_training *self, const char *folder);

#endif
