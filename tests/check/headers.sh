#!/bin/sh
# tests/check/headers.sh [HEADER...] - each public header compiles alone, twice included, as C11 and as C++17, without a warning,
# with gcc and with clang where there is one.
set -eu
strict="-Wall -Wextra -Wpedantic -Wshadow -Werror -fsyntax-only -Iinclude ${HEADER_CFLAGS:-}"
if [ $# -eq 0 ]; then set -- include/softneck.h include/softneck/*.h; fi
failed=0

compile() { # COMPILER STANDARD LANGUAGE HEADER
    printf '#include <%s>\n#include <%s>\nextern int not_empty;\n' "$4" "$4" | "$1" -std=$2 $strict -x "$3" - || {
        echo "$4 does not compile as $2 with $1"
        failed=1
    }
}

for header; do
    header=${header#include/}
    for compiler in gcc clang; do
        command -v $compiler > /dev/null 2>&1 && compile $compiler 'c11 -Wstrict-prototypes' c "$header"
    done
    for compiler in g++ clang++; do
        command -v $compiler > /dev/null 2>&1 && compile $compiler c++17 c++ "$header"
    done
done
exit $failed
