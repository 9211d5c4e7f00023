#!/bin/sh
# tests/check/run.sh PART... - runs tests and checks, prints one line for each and the output of those that fail, and
# ends with "N passed, N failed". Exit status 1 when anything failed. A PART is one of
#   PROGRAM        a Check program; every test in it counts      (WRAPPER: a command to run it under)
#   python:PATH    unittest, of a folder or of one file; every test counts
#   ranks:N:PROGRAM a Check program, or one that ends like it, on N ranks under mpirun; every test in it counts
#   replay:READER  $BUILD/fuzz/replay_READER over tests/corpus/READER; counts as one
#   make:TARGET    counts as one; exit status 77 means that a tool it needs is missing
# Parts run LANES at a time (2), a target of make, which may build what others use, alone.
# Environment: BUILD, MAKE, PYTHON.
set -u
# Check gives a test 4 seconds, and some tests ask for a minute or two, which says more about a busy machine than about
# the test: only one that hangs is to reach its limit.
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-60}" CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-5}"

# ---- one part: each runner leaves its output in $output and sets ok and bad ------------------------------------------

run_program() {
    ${WRAPPER:-} "$1" > "$output" 2>&1
    status=$?
    # Check's last line: "97%: Checks: 41, Failures: 1, Errors: 0"
    set -- $(sed -n 's/^[0-9]*%: Checks: \([0-9]*\), Failures: \([0-9]*\), Errors: \([0-9]*\)$/\1 \2 \3/p' "$output")
    bad=$((${2:-0} + ${3:-0}))
    ok=$((${1:-0} - bad))
    # No tests at all, a crash, or a complaint of the wrapper is a failure too.
    if [ $((ok + bad)) -eq 0 ] || { [ $status -ne 0 ] && [ $bad -eq 0 ]; }; then bad=1; fi
}

# More ranks than cores, by whoever runs it, on this machine alone; each with its share of the cores.
run_ranks() { # N PROGRAM
    OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1 \
        OMPI_MCA_mpi_yield_when_idle=1 OMPI_MCA_hwloc_base_binding_policy=none \
        OMPI_MCA_btl_vader_single_copy_mechanism=none OMPI_MCA_btl="${OMPI_MCA_btl:-self,vader}" \
        SOFTNECK_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 \
        WRAPPER="mpirun --timeout 600 -np $1" run_program "$2"
}

run_python() {
    case $1 in
    *.py) folder=${1%/*} files=${1##*/} ;;
    *) folder=$1 files='test*.py' ;;
    esac
    PYTHONPATH=lib/python "$PYTHON" -m unittest discover -s "$folder" -t "$folder" -p "$files" > "$output" 2>&1
    status=$?
    count=$(sed -n 's/^Ran \([0-9]*\) tests\{0,1\} in .*/\1/p' "$output" | tail -n 1)
    bad=$(sed -n 's/^FAILED (\(.*\))$/\1/p' "$output" | tr ',' '\n' |
        awk -F= '/failures|errors|unexpected/ { sum += $2 } END { print sum + 0 }')
    ok=$((${count:-0} - bad))
    if [ $ok -lt 0 ]; then ok=0; fi
    if [ $((ok + bad)) -eq 0 ] || { [ $status -ne 0 ] && [ "$bad" -eq 0 ]; }; then bad=1; fi
}

run_one() { # COMMAND...
    if "$@" > "$output" 2>&1; then ok=1 bad=0; else
        status=$?
        ok=0 bad=1
        # make answers 2 for a recipe that failed and names the recipe's own status
        if [ $status -eq 77 ] || grep -q 'Error 77$' "$output"; then bad=0; fi
    fi
}

run_part() { # PART: prints a line for the reader at the end of this file
    name=$1
    began=$(date +%s)
    case $1 in
    python:*) run_python "${1#*:}" ;;
    ranks:*)
        ranks=${1#*:}
        name="$(basename "$1") x ${ranks%%:*}" && run_ranks "${ranks%%:*}" "${ranks#*:}" ;;
    replay:*) run_one "$BUILD/fuzz/replay_${1#*:}" "tests/corpus/${1#*:}" ;;
    make:*) name=${1#*:} && run_one "$MAKE" --no-print-directory "$name" ;;
    *) name=$(basename "$1") && run_program "$1" ;;
    esac
    printf '%s\n' "$output $ok $bad $(($(date +%s) - began)) $name"
}

if [ "${1:-}" = --lane ]; then # FOLDER PART
    output=$(mktemp "$2/XXXXXX") && run_part "$3"
    exit
fi

# ---- all parts -------------------------------------------------------------------------------------------------------

work=$(mktemp -d "${TMPDIR:-/tmp}/softneck-check.XXXXXX") || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

lanes() {
    if [ $# -gt 0 ]; then printf '%s\n' "$@" | xargs -n 1 -P "${LANES:-2}" sh "$0" --lane "$work"; fi
}

run_all() {
    together=
    for part; do
        case $part in
        make:*)
            lanes $together
            together=
            lanes "$part" ;;
        *) together="$together $part" ;;
        esac
    done
    lanes $together
}

run_all "$@" | {
    passed=0
    failed=0
    skipped=0
    left=$#
    while read -r output ok bad took name; do
        left=$((left - 1))
        passed=$((passed + ok))
        failed=$((failed + bad))
        if [ "$bad" -gt 0 ]; then
            printf '  FAILED   %-26s %3d passed %4d s, %d failed\n' "$name" "$ok" "$took" "$bad"
            sed 's/^/    | /' "$output"
        elif [ "$ok" -eq 0 ]; then
            skipped=$((skipped + 1))
            printf '  skipped  %-26s %s\n' "$name" "$(grep -v '^make' "$output" | tail -n 1)"
        else
            printf '  ok       %-26s %3d passed %4d s\n' "$name" "$ok" "$took"
        fi
    done
    if [ $left -gt 0 ]; then echo "$left were not run" && failed=$((failed + left)); fi
    if [ $skipped -gt 0 ]; then echo "$skipped skipped: a tool they need is missing"; fi
    echo "$passed passed, $failed failed"
    [ $failed -eq 0 ]
}
