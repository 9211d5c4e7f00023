#!/bin/sh
# tests/bench/ranks.sh PROGRAM - each kind of work on one process with two threads and on two ranks with one, turn by turn; sums also on
# four ranks, and over TCP.
set -eu
program=$1
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
    OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none
for work in gram count head; do
    for _ in 1 2 3; do
        SOFTNECK_NUM_THREADS=2 OMPI_MCA_btl=self "$program" $work
        SOFTNECK_NUM_THREADS=1 mpirun -np 2 "$program" $work
    done
done
for ranks in 2 4; do SOFTNECK_NUM_THREADS=1 mpirun -np $ranks "$program" sum; done
SOFTNECK_NUM_THREADS=1 OMPI_MCA_btl=self,tcp mpirun -np 2 "$program" sum
