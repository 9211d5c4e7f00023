/* study/turn_test.h - is a turn more than noise makes, whatever the noise's correlation? */
#ifndef NECK_STUDY_TURN_TEST_H
#define NECK_STUDY_TURN_TEST_H

#include "study/turn.h"

typedef struct neck__turn_chances {
    double ended;     /* of "it never turned" for a curve that has turned at its end, */
    double recovered; /* and for one that had, and has made that good */
} neck__turn_chances;

/* For a curve with those levels and that noise, its turn, and what neck__turn_recovered says of it. Curves that neither
 * improve nor worsen are simulated, NECK__TURN_SPARE times as many as simulations, each with a correlation of its own.
 * A chance is the share of them whose statistic, of the end or of what was made good, whichever is larger, is as large:
 * looking at both does not make turns more likely to be found where there are none. Of which of them: where the curve
 * came down far further than it rose, of those, as many as simulations, whose memory is most like the turn's; else of
 * those of the strongest correlation that may have left as little memory.
 * correlations: those of the curves most alike, in the order they were drawn: what the noise's may be. */
#define NECK__TURN_SPARE 4
neck_status neck__turn_test(neck_context *context, const neck__levels *levels, const neck__noise *noise,
                            const neck__turn *turn, double recovered, int64_t simulations,
                            neck__turn_chances *chances, double *correlations);

#endif
