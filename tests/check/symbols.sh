#!/bin/sh
# tests/check/symbols.sh ARCHIVE SHARED SONAME - three sets are equal: the functions the public headers declare, the
# names in lib/softneck.map, and what the shared library exports. A name in the map alone is silently not exported
# when it is hidden, so no two of the three are enough.
set -eu
archive=$1
shared=$2
soname=$3
work=$(mktemp -d "${TMPDIR:-/tmp}/softneck-symbols.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

complain() { # MESSAGE: what stands on standard input, when anything does
    found=$(cat)
    if [ -n "$found" ]; then
        printf '%s:\n%s\n' "$1" "$found"
        failed=1
    fi
}

export LC_ALL=C
sh tests/check/public_functions.sh > "$work/headers"
sed -n 's/^ *\(neck_[a-z0-9_]*\);$/\1/p' lib/softneck.map | sort > "$work/map"
nm -D --defined-only "$shared" | awk '$2 != "A" { sub(/@.*/, "", $3); print $3 }' | sort > "$work/shared"

[ -s "$work/headers" ] || echo 'include/softneck.h' | complain 'no public function found in'
comm -23 "$work/headers" "$work/map" | complain 'declared in a header, but not in lib/softneck.map (make update-map)'
comm -13 "$work/headers" "$work/map" | complain 'in lib/softneck.map, but declared in no header (make update-map)'
comm -23 "$work/headers" "$work/shared" | complain 'declared in a header, but not exported by the shared library'
comm -13 "$work/headers" "$work/shared" | complain 'exported by the shared library, but declared in no header'

# A static archive has no version script: whatever it defines globally can clash with the program's own names.
nm -g --defined-only "$archive" 2> /dev/null | awk 'NF == 3 && $3 !~ /^neck_/ { print $3 }' | sort -u |
    complain 'global names without the neck_ prefix in the static archive'

# One header is the whole public API.
${CC:-cc} -MM -Iinclude include/softneck.h > "$work/included"
for header in include/softneck/*.h; do
    grep -q "$header" "$work/included" || echo "$header"
done | complain 'not included by include/softneck.h'

readelf -d "$shared" > "$work/dynamic"
grep -q "SONAME.*\[$soname\]" "$work/dynamic" || echo "$soname" | complain 'the SONAME is not'
grep -q 'NODELETE' "$work/dynamic" || echo "$shared" | complain 'not marked nodelete (threads and TLS outlive dlclose)'
grep 'TEXTREL' "$work/dynamic" | complain 'text relocations'
grep -E 'RPATH|RUNPATH' "$work/dynamic" | complain 'a run path of the build machine'
readelf -lW "$shared" | awk '$1 == "GNU_STACK" && $7 ~ /E/' | complain 'executable stack'

# Linking with -ffast-math would make every program that loads the library flush denormals to zero.
"${PYTHON:-python3}" - "$shared" << 'END' | complain 'loading the library changes floating point'
import ctypes, os, sys
ctypes.CDLL(os.path.abspath(sys.argv[1]))
if sys.float_info.min / 2 == 0:
    print("the smallest normal double / 2 is 0 after loading", sys.argv[1])
END
exit $failed
