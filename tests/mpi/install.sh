#!/bin/sh
# tests/mpi/install.sh - installs with MPI into a staging folder, builds a program against libsoftneck-mpi by pkg-config, runs it on two
# ranks, and uninstalls: nothing may be left. Environment: BUILD MAKE CC VERSION.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/softneck-install-mpi.XXXXXX")
trap 'rm -rf "$work"' EXIT
prefix=$work/prefix
fail() { echo "$*"; exit 1; }
package() { "$MAKE" --no-print-directory "$1" PREFIX="$prefix" > /dev/null; }

package install-mpi
cat > "$work/ranks.c" << 'END'
#include <softneck-mpi.h>
#include <stdio.h>
int main(int argc, char **argv)
{
    int threads;
    neck_mpi_team *team;
    MPI_Init_thread(&argc, &argv, MPI_THREAD_MULTIPLE, &threads);
    if (neck_mpi_team_create(MPI_COMM_WORLD, NULL, &team) != NECK_OK) return 1;
    double sum = 1 + neck_mpi_rank(team);
    if (neck_mpi_sum(team, &sum, 1) != NECK_OK) return 1;
    if (neck_mpi_rank(team) == 0) printf("%g\n", sum);
    neck_mpi_team_destroy(team);
    return MPI_Finalize();
}
END
export PKG_CONFIG_PATH="$prefix/lib/pkgconfig" LD_LIBRARY_PATH="$prefix/lib"
# shellcheck disable=SC2046
$CC -std=c11 -o "$work/ranks" "$work/ranks.c" $(pkg-config --cflags --libs softneck-mpi)
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1
[ "$(mpirun -np 2 "$work/ranks")" = 3 ] || fail 'two ranks do not sum to 3'
for tool in "$prefix"/bin/neck-*; do "$tool" --version > /dev/null || fail "$tool --version fails"; done
[ "$(mpirun -np 2 "$prefix/bin/neck-spectrum" --version | wc -l)" -eq 2 ] || fail 'more than one rank prints'
package uninstall-mpi
left=$(find "$prefix" ! -type d)
[ -z "$left" ] || fail "left behind: $left"
