#!/bin/sh
# demo.sh [BUILD] - the main job on real checkpoints: two tables, and two figures in BUILD/demo/.
set -eu
build=${1:-build}
data=$(dirname "$0")/data
tool=$build/examples/neck-spectrum
figure=$build/demo/hybridstories.svg
mkdir -p "$build/demo"
rm -f "$build/demo/hybridstories.svg" "$build/demo/hybridstories-entropy.svg"

echo 'A head through training: ten checkpoints of one model. Its spectrum drifts and stays flat; nothing collapses.'
echo
"$tool" --quiet --plot "$figure" "$data/hybridstories"
echo
echo 'Another head: one direction carries two thirds of its squared weight, and rank 1 alone leaves a W-error below 0.6.'
echo
"$tool" --quiet "$data/stories260K"

test -s "$figure" && test -s "${figure%.svg}-entropy.svg"
echo
echo 'Figures:'
echo "  $figure          singular values over training (colour: share of the largest)"
echo "  ${figure%.svg}-entropy.svg  singular entropy over training (0 is flat)"
