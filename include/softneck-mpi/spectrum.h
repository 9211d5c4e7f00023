/* softneck-mpi/spectrum.h - the spectrum of one matrix whose rows lie on many ranks. */
#ifndef SOFTNECK_MPI_SPECTRUM_H
#define SOFTNECK_MPI_SPECTRUM_H

#include "../softneck/spectrum.h"
#include "team.h"

#ifdef __cplusplus
extern "C" {
#endif

/* neck_mpi_spectrum_compute - neck_spectrum_compute of the rows of all ranks, one rank's below the other's, the same
 * bits on every rank.
 *   own      this rank's rows; NULL: it has none. At least one rank has some, and all have the same columns
 *   options  alike on all ranks but for row_weights, which are those of own rows (NULL where there are none)
 * The method is the one that neck_spectrum_compute would take. GRAM: every rank pushes its rows into a gram, the grams
 * are summed, rank 0 finds the eigenvalues; sums of squares must stay in the range of double, nothing is scaled. QR:
 * every rank reduces its rows to a triangle, and the triangles are folded two by two, log2 of the ranks times. Values
 * differ from those of one process by rounding: far less than their error bounds. Centred variants read the rows once
 * more, for the mean.
 * Each rank needs cols^2 * 8 bytes three times over (QR: five) beside its rows, and sends and gets about 2 cols^2 * 8
 * bytes. Made for matrices with more rows than columns; others work, slower than alone.
 * Errors: those of neck_spectrum_compute, NECK_E_ARGUMENT (options or columns that differ), NECK_E_IO. */
NECK_API neck_status neck_mpi_spectrum_compute(neck_context *context, neck_mpi_team *team, const neck_matrix *own,
                                               const neck_spectrum_options *options, neck_spectrum **out);

#ifdef __cplusplus
}
#endif
#endif
