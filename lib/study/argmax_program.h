/* study/argmax_program.h - verdicts by linear programs, for the tokens that a search for states has left. */
#ifndef NECK_STUDY_ARGMAX_PROGRAM_H
#define NECK_STUDY_ARGMAX_PROGRAM_H

#include "study/argmax_search.h"

/* Works through run->open, which shrinks to what stays undecided. */
neck_status neck__argmax_programs(neck__argmax_run *run);

#endif
