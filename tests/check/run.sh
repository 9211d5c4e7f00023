#!/bin/sh
# tests/check/run.sh PART... - runs tests and checks, prints one line for each and the output of those that fail, and
# ends with "N passed, N failed". Exit status 1 when anything failed. A PART is one of
#   PROGRAM        a Check program; every test in it counts      (WRAPPER: a command to run it under)
#   python:FOLDER  unittest discover FOLDER; every test counts
#   ranks:N:PROGRAM a Check program, or one that ends like it, on N ranks under mpirun; every test in it counts
#   replay:READER  $BUILD/fuzz/replay_READER over tests/corpus/READER; counts as one
#   make:TARGET    counts as one; exit status 77 means that a tool it needs is missing
# Environment: BUILD, MAKE, PYTHON.
set -u
# Check gives a test 4 seconds, and some tests ask for a minute or two, which says more about a busy machine than about
# the test: only one that hangs is to reach its limit.
export CK_DEFAULT_TIMEOUT="${CK_DEFAULT_TIMEOUT:-60}" CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-5}"
passed=0
failed=0
skipped=0
output=$(mktemp "${TMPDIR:-/tmp}/softneck-check.XXXXXX") || exit 1
trap 'rm -f "$output"' EXIT
trap 'exit 130' INT TERM

# Each runner leaves its output in $output and sets ok and bad.
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
        OMPI_MCA_hwloc_base_binding_policy=none OMPI_MCA_btl_vader_single_copy_mechanism=none \
        OMPI_MCA_btl="${OMPI_MCA_btl:-self,vader}" SOFTNECK_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 WRAPPER="mpirun --timeout 600 -np $1" run_program "$2"
}

run_python() {
    PYTHONPATH=lib/python "$PYTHON" -m unittest discover -s "$1" -t "$1" > "$output" 2>&1
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

for part; do
    name=$part
    began=$(date +%s)
    case $part in
    python:*) run_python "${part#*:}" ;;
    ranks:*)
        ranks=${part#*:}
        name="$(basename "$part") x ${ranks%%:*}" && run_ranks "${ranks%%:*}" "${ranks#*:}" ;;
    replay:*) run_one "$BUILD/fuzz/replay_${part#*:}" "tests/corpus/${part#*:}" ;;
    make:*) name=${part#*:} && run_one "$MAKE" --no-print-directory "$name" ;;
    *) name=$(basename "$part") && run_program "$part" ;;
    esac
    took=$(($(date +%s) - began))
    passed=$((passed + ok))
    failed=$((failed + bad))
    if [ $bad -gt 0 ]; then
        printf '  FAILED   %-26s %3d passed %4d s, %d failed\n' "$name" $ok $took "$bad"
        sed 's/^/    | /' "$output"
    elif [ $ok -eq 0 ]; then
        skipped=$((skipped + 1))
        printf '  skipped  %-26s %s\n' "$name" "$(grep -v '^make' "$output" | tail -n 1)"
    else
        printf '  ok       %-26s %3d passed %4d s\n' "$name" $ok $took
    fi
done

if [ $skipped -gt 0 ]; then echo "$skipped skipped: a tool they need is missing"; fi
echo "$passed passed, $failed failed"
[ $failed -eq 0 ]
