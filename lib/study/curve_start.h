/* study/curve_start.h - where a curve that rises from its start, before anything else happens to it, is past that. */
#ifndef NECK_STUDY_CURVE_START_H
#define NECK_STUDY_CURVE_START_H

#include "study/curve_levels.h"

/* Drops the levels before the highest one that precedes the curve's largest lasting rise. A rise counts if it is at
 * least least_rise high, from a level a fifth of that below what went before; without one, or with fewer than fewest
 * levels left, all levels stay. */
void neck__levels_skip_start(neck__levels *levels, double least_rise, int64_t fewest);

#endif
