#!/bin/sh
# tests/check/update_map.sh [HEADER PREFIX NODE] - prints the version script for the functions the public headers declare.
set -eu
echo '/* The public functions, one node for the stable ABI. Written by make update-map, verified by make check-symbols. */'
echo "${3:-SOFTNECK_0} {"
echo 'global:'
sh tests/check/public_functions.sh "${1:-softneck.h}" "${2:-neck_}" | sed 's/.*/    &;/'
echo 'local:'
echo '    *;'
echo '};'
