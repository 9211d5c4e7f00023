#!/bin/sh
# tests/check/public_functions.sh [HEADER PREFIX] - the names declared NECK_API that HEADER (softneck.h) brings and that begin with PREFIX
# (neck_), sorted, one a line. Declarations are read after preprocessing, so a name in a comment does not count.
set -eu
header=${1:-softneck.h}
prefix=${2:-neck_}
cpp=${CC:-cc}
# shellcheck disable=SC2086
echo "#include <$header>" | $cpp ${HEADER_CFLAGS:-} -E -P -Iinclude -x c - | tr '\n' ' ' | tr ';{}' '\n\n\n' |
    sed -n 's/.*visibility("default")))[^(]*[ *]\(neck_[a-z0-9_]*\) *(.*/\1/p' | grep "^$prefix" | LC_ALL=C sort
