#!/bin/sh
# pkgconfig/fill.sh TEMPLATES BUILD - fills the templates of the pkg-config and CMake packages.
# Reads VERSION ABI PREFIX LIBDIR INCLUDEDIR PKGS PRIVATE_LIBS from the environment. Folders below the prefix are
# written relative to it, so that an installed tree may be moved.
set -eu
templates=$1
build=$2

below_prefix() { # PATH HOW: the path with its leading prefix written as HOW
    case $1 in
    "$PREFIX"/*) printf '%s/%s' "$2" "${1#"$PREFIX"/}" ;;
    *) printf '%s' "$1" ;;
    esac
}

way_up() { # from LIBDIR/cmake/softneck to the prefix; the prefix itself when LIBDIR is not below it
    case $LIBDIR in
    "$PREFIX"/*) printf '${CMAKE_CURRENT_LIST_DIR}/%s/../..' "$(echo "${LIBDIR#"$PREFIX"/}" | sed 's,[^/][^/]*,..,g')" ;;
    *) printf '%s' "$PREFIX" ;;
    esac
}

fill() { # TEMPLATE > FILE; '|' separates because paths hold '/'
    sed -e "s|@VERSION@|$VERSION|g" -e "s|@ABI@|$ABI|g" -e "s|@PREFIX@|$PREFIX|g" \
        -e "s|@PKGS@|$PKGS|g" -e "s|@PRIVATE_LIBS@|$PRIVATE_LIBS|g" \
        -e "s|@PC_LIBDIR@|$(below_prefix "$LIBDIR" '${prefix}')|g" \
        -e "s|@PC_INCLUDEDIR@|$(below_prefix "$INCLUDEDIR" '${prefix}')|g" \
        -e "s|@CMAKE_LIBDIR@|$(below_prefix "$LIBDIR" '${softneck_prefix}')|g" \
        -e "s|@CMAKE_INCLUDEDIR@|$(below_prefix "$INCLUDEDIR" '${softneck_prefix}')|g" \
        -e "s|@CMAKE_PREFIX@|$(way_up)|g" \
        -e "s|@SOURCE@|$(pwd)|g" -e "s|@BUILD@|$(cd "$build" && pwd)|g" "$templates/$1"
}

for name in softneck.pc softneck-uninstalled.pc softneckConfig.cmake softneckConfigVersion.cmake; do
    fill "$name.in" > "$build/pkgconfig/$name"
done
