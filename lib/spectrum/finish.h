/* spectrum/finish.h - the last steps every computed spectrum goes through. */
#ifndef NECK_SPECTRUM_FINISH_H
#define NECK_SPECTRUM_FINISH_H

#include "softneck/spectrum.h"

/* Undoes the scale and, for DROP_TOP, takes the largest component out. NECK_E_OVERFLOW when a value leaves double's
 * range, NECK_E_ARGUMENT when nothing would be left. */
neck_status neck__spectrum_finish(neck_spectrum *spectrum, double scale);

#endif
