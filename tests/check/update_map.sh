#!/bin/sh
# tests/check/update_map.sh - prints the version script for the functions the public headers declare.
set -eu
echo '/* The public functions, one node for the stable ABI. Written by make update-map, verified by make check-symbols. */'
echo 'SOFTNECK_0 {'
echo 'global:'
sh tests/check/public_functions.sh | sed 's/.*/    &;/'
echo 'local:'
echo '    *;'
echo '};'
