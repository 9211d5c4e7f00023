#!/bin/sh
# demo.sh [BUILD] - the main jobs on real checkpoints: three tables, and three figures in BUILD/demo/.
set -eu
build=${1:-build}
data=$(dirname "$0")/data
tool=$build/examples/neck-spectrum
figure=$build/demo/hybridstories.svg
depth=$build/demo/stories260K.svg
mkdir -p "$build/demo"
rm -f "$figure" "${figure%.svg}-entropy.svg" "$depth"

echo 'A head through training: ten checkpoints of one model. Its spectrum drifts and stays flat; nothing collapses.'
echo
"$tool" --quiet --plot "$figure" "$data/hybridstories"
echo
echo 'Another head: one direction carries two thirds of its squared weight, and rank 1 alone leaves a W-error below 0.6.'
echo
"$tool" --quiet "$data/stories260K"

echo
echo 'The same model reading 100 stories: what it loses on them, and the states of every layer. Directions spread evenly'
echo 'once their mean is taken away; the last state uses the fewest dimensions.'
echo
"$build/examples/neck-layers" --quiet --tokenizer "$data/stories260K/tok512.bin" --plot "$depth" \
    --text "$data/text/tinystories-100.jsonl" "$data/stories260K/stories260K.bin"

test -s "$figure" && test -s "${figure%.svg}-entropy.svg" && test -s "$depth"
echo
echo 'Figures:'
echo "  $figure          singular values over training (colour: share of the largest)"
echo "  ${figure%.svg}-entropy.svg  singular entropy over training (0 is flat)"
echo "  $depth            anisotropy against depth"
