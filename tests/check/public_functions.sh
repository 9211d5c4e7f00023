#!/bin/sh
# tests/check/public_functions.sh - the names declared NECK_API in the public headers, sorted, one a line.
# Declarations are read after preprocessing, so a name in a comment does not count.
set -eu
cpp=${CC:-cc}
echo '#include <softneck.h>' | $cpp -E -P -Iinclude -x c - | tr '\n' ' ' | tr ';{}' '\n\n\n' |
    sed -n 's/.*visibility("default")))[^(]*[ *]\(neck_[a-z0-9_]*\) *(.*/\1/p' | LC_ALL=C sort
