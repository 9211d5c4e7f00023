/* support_measure_bytes.h - a measured checkpoint, or why there is none, as bytes that go from rank to rank. */
#ifndef SUPPORT_MEASURE_BYTES_H
#define SUPPORT_MEASURE_BYTES_H

#include "support_measure.h"

/* measured_give       - row becomes the result of the unit of work that is being run (support_work.h).
 * measured_give_error - so does the reason why there is none.
 * measured_take       - what came: 1 and out (free it with measured_free), or 0 and error. Bytes are of this very
 *                       program on a machine of the same kind. */
neck_status measured_give(const measured *row);
neck_status measured_give_error(const measure_error *error);
int measured_take(const void *bytes, measured *out, measure_error *error);

#endif
