#!/bin/sh
# tests/check/install.sh - installs into a staging folder, moves the tree to another prefix, builds the programs of
# examples/install against it by pkg-config and by CMake, runs them, and uninstalls: nothing may be left.
# Environment: BUILD MAKE CC CXX VERSION.
set -eu
work=$(mktemp -d "${TMPDIR:-/tmp}/softneck-install.XXXXXX")
trap 'rm -rf "$work"' EXIT
stage=$work/stage
prefix=$work/moved
libdir=/opt/softneck/lib/nested
step() { echo "-- $*"; }
fail() { echo "$*"; exit 1; }

expect_output() { # PROGRAM: singular values 4 and 3, from the library whose version the headers carry
    output=$("$1") || fail "$1 does not run"
    [ "$output" = "$(printf 'softneck %s\n4\n3' "$VERSION")" ] || fail "$1 printed: $output"
}

make_package() { # TARGET
    "$MAKE" --no-print-directory "$1" DESTDIR="$stage" PREFIX=/opt/softneck LIBDIR=$libdir
}

step 'install with DESTDIR, then move'
make_package install
mkdir -p "$work" && cp -R "$stage/opt/softneck" "$prefix"
export LD_LIBRARY_PATH="$prefix/lib/nested"
if grep -rl "$stage" "$prefix" --include='*.pc' --include='*.cmake'; then fail 'names the staging folder'; fi

step 'tools run from where they were installed'
for tool in "$prefix"/bin/neck-*; do
    if [ -e "$tool" ]; then "$tool" --version > /dev/null || fail "$tool --version fails"; fi
done

step 'pkg-config'
export PKG_CONFIG_PATH="$prefix/lib/nested/pkgconfig"
cp -R examples/install "$work/consumer"
moved="--define-variable=prefix=$prefix"
[ "$(pkg-config --modversion softneck)" = "$VERSION" ] || fail 'pkg-config gives another version'
"$MAKE" -C "$work/consumer" CC="$CC" CXX="$CXX" CFLAGS='-O1 -Wall -Wextra -Wpedantic -Werror' \
    PACKAGE="$(pkg-config $moved --cflags --libs softneck)" > /dev/null
expect_output "$work/consumer/spectrum"
expect_output "$work/consumer/spectrum_raii"
# Our archive with the shared libraries it stands on: --static would ask for theirs as well.
$CC -std=c11 -o "$work/consumer/static" "$work/consumer/spectrum.c" $(pkg-config $moved --cflags softneck) \
    "$prefix/lib/nested/libsoftneck.a" $(pkg-config --libs $(pkg-config --print-requires-private softneck)) -lm -pthread
expect_output "$work/consumer/static"

step 'pkg-config, not installed'
$CC -std=c11 -o "$work/consumer/uninstalled" "$work/consumer/spectrum.c" \
    $(PKG_CONFIG_PATH=$BUILD/pkgconfig pkg-config --cflags --libs softneck) -Wl,-rpath,"$(cd "$BUILD/lib" && pwd)"
(unset LD_LIBRARY_PATH && expect_output "$work/consumer/uninstalled")

step 'CMake'
CC="$CC" CXX="$CXX" cmake -S examples/install -B "$work/cmake" -DCMAKE_PREFIX_PATH="$prefix" \
    -Dsoftneck_DIR="$prefix/lib/nested/cmake/softneck" > /dev/null
cmake --build "$work/cmake" > /dev/null
expect_output "$work/cmake/spectrum"
expect_output "$work/cmake/spectrum_raii"
[ ! -e "$work/cmake/spectrum_static" ] || expect_output "$work/cmake/spectrum_static"

# Another provider of BLAS or LAPACK would bring a second thread pool and other speed.
bindings() {
    LD_BIND_NOW=1 LD_DEBUG=bindings "$work/consumer/spectrum" 2>&1 > /dev/null |
        sed -n "s/.*binding file .*\(softneck\|lapacke\).* to \([^ ]*\) .*symbol .\(dsytrd_\|dgesdd_\|cblas_dgemm\)'.*/\3 from \2/p"
}
if [ "$(uname)" = Linux ]; then
    step 'BLAS and LAPACK come from OpenBLAS'
    [ -n "$(bindings)" ] || fail 'no BLAS or LAPACK symbol is bound'
    if bindings | grep -v 'from [^ ]*libopenblas'; then fail 'these come from another library'; fi
fi

step 'uninstall'
make_package uninstall > /dev/null
left=$(find "$stage" ! -type d)
[ -z "$left" ] || fail "left behind: $left"
[ ! -d "$stage/opt/softneck/include/softneck" ] || fail 'left behind: include/softneck'
