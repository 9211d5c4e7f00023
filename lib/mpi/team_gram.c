/* mpi/team_gram.c - grams of all ranks become one. */
#include "softneck-mpi/gram.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "mpi/team.h"

/* What must agree: cols, whether a Gram matrix is kept, the shift (by a hash of its bytes). */
enum { MARKS = 3 };

static void mark(const neck_gram *gram, int64_t marks[MARKS])
{
    const double *shift = neck_gram_shift(gram);
    uint64_t hash = 0xCBF29CE484222325u;
    marks[0] = neck_gram_cols(gram);
    marks[1] = neck_gram_size(gram);
    for (int64_t j = 0; shift && j < marks[0]; j++) {
        uint64_t bits;
        double value = shift[j] + 0.0; /* -0 is 0 */
        memcpy(&bits, &value, sizeof bits);
        if (bits) hash = (hash ^ bits ^ (uint64_t)j << 40) * 0x100000001B3u;
    }
    marks[2] = (int64_t)hash;
}

static neck_status compare(neck_mpi_team *team, const neck_gram *gram)
{
    static const char *const what[MARKS] = {
        "another number of columns", "only moments, or a Gram matrix where that one does not", "another shift"};
    int64_t mine[MARKS] = {0}, first[MARKS];
    neck_status status = gram ? NECK_OK : neck__mpi_fail(NECK_E_ARGUMENT, "gram is NULL");
    if (gram) mark(gram, mine);
    memcpy(first, mine, sizeof first);
    NECK_TRY(neck_mpi_agree(team, status));
    NECK_TRY(neck_mpi_broadcast(team, first, sizeof first, 0));
    for (int i = 0; i < MARKS && status == NECK_OK; i++)
        if (mine[i] != first[i])
            status = neck__mpi_fail(NECK_E_ARGUMENT, "this gram has %s: rank 0's differs", what[i]);
    return neck_mpi_agree(team, status);
}

static neck_status sum_numbers(neck_mpi_team *team, neck_gram *gram, double *numbers)
{
    neck_gram_get(gram, numbers);
    NECK_TRY(neck_mpi_sum(team, numbers, neck_gram_size(gram)));
    return neck_mpi_agree(team, neck_gram_set(gram, numbers));
}

neck_status neck_mpi_gram_sum(neck_mpi_team *team, neck_gram *gram)
{
    NECK_TRY(neck__mpi_usable(team));
    NECK_TRY(compare(team, gram));
    if (team->size == 1) return NECK_OK;
    double *numbers = malloc((size_t)neck_gram_size(gram) * sizeof *numbers);
    neck_status status = NECK_OK;
    if (!numbers)
        status = neck__mpi_fail(NECK_E_NOMEM, "out of memory: %" PRId64 " numbers of a gram", neck_gram_size(gram));
    status = neck_mpi_agree(team, status);
    if (status == NECK_OK) status = sum_numbers(team, gram, numbers);
    neck__mpi_free(team, numbers);
    return status;
}
