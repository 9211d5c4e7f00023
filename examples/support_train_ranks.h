/* support_train_ranks.h - a training run that several ranks share: their files, and what they do for each other. */
#ifndef SUPPORT_TRAIN_RANKS_H
#define SUPPORT_TRAIN_RANKS_H

#include "support_train_run.h"

/* All ranks call these together; alone they do nothing.
 * train_ranks_files    - a rank that does not find the first one's run.json, tokenizer.json and tokens.bin in
 *                        self->folder gets copies, in a folder of its own under $TMPDIR, which becomes its
 *                        self->folder. 0 and a line in self->error on failure, which may be this rank's alone.
 * train_ranks_exchange - sets self->exchange. 0 on failure, on all.
 * train_ranks_end      - after the training has been freed. */
int train_ranks_files(train_run *self);
int train_ranks_exchange(train_run *self);
void train_ranks_end(void);

#endif
