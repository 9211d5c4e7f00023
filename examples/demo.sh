#!/bin/sh
# demo.sh [BUILD] - the main jobs on real checkpoints and on models trained here: tables, figures and reports in BUILD/demo/.
set -eu
build=${1:-build}
data=$(dirname "$0")/data
tool=$build/examples/neck-spectrum
figure=$build/demo/hybridstories.svg
depth=$build/demo/stories260K.svg
states=$build/demo/states.safetensors
ranks=$build/demo/headrank.svg
ngrams=$build/demo/ngrams.svg
mkdir -p "$build/demo"
rm -f "$ngrams" "$build"/demo/*.html "$figure" "${figure%.svg}-entropy.svg" "$depth" "$ranks" "${ranks%.svg}"-*.svg
rm -rf "${ranks%.svg}"

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
    --dump-states "$states" --text "$data/text/tinystories-100.jsonl" "$data/stories260K/stories260K.bin"

echo
echo 'What rank that head needs: heads trained on those states, each at the learning rate it does best at.'
echo
headrank() { "$build/examples/neck-headrank" --quiet --model "$data/stories260K/stories260K.bin" "$@"; }
headrank --out "${ranks%.svg}" --ranks 4,16,64 --lr-grid 2e-2,5e-2,1e-1 --steps 150 --plot "$ranks" "$states"
echo
echo 'The same head truncated, not trained: weighing directions by the states beats the plain SVD, and bounds hold.'
echo
headrank --no-train --ranks 4,16,32 "$states"

echo
echo 'Two widths trained from nothing on a thousand stories, their heads watched: seconds here, hours as `make study-width`.'
echo
"${PYTHON:-python3}" "$(dirname "$0")/study_width.py" --quick --build "$build" --out "$build/demo/width"

echo
echo 'How many dimensions those stories have: the W-error of their matrix of 5-grams, all singular values exact.'
echo
"$build/examples/neck-ngram" --quiet --tokenizer words:2048 --ranks 250,500,1000,2000 --plot "$ngrams" "$data/text/tinystories-1000.jsonl"

echo
echo 'The verdict on a real run, the training loss of Pythia-70m, and on the width 8 trained above.'
echo
"$build/examples/neck-saturation" --quiet --column 70m --report "$build/demo/pythia-70m.html" "$data/pythia/train-loss.csv"
"$build/examples/neck-saturation" --quiet --report "$build/demo/width-8.html" "$build/demo/width/d8-seed0" > "$build/demo/width-8.txt"

test -s "$ngrams" && test -s "$build/demo/pythia-70m.html" && test -s "$build/demo/width-8.html"
test -s "$figure" && test -s "${figure%.svg}-entropy.svg" && test -s "$depth" && test -s "$ranks"
echo
echo 'Figures:'
echo "  $figure          singular values over training (colour: share of the largest)"
echo "  ${figure%.svg}-entropy.svg  singular entropy over training (0 is flat)"
echo "  $depth            anisotropy against depth"
echo "  $ranks              loss and accuracy against rank"
echo "  ${ranks%.svg}-rates.svg        the learning rates that were chosen"
echo "  ${ranks%.svg}-werror.svg       loss against the W-error of the full head"
echo "  $build/demo/width/loss.svg, entropy.svg, anisotropy.svg   the two trainings"
echo "  $ngrams              W-error of the stories' 5-grams"
echo 'Reports, for a browser:'
echo "  $build/demo/pythia-70m.html      a run that saturated"
echo "  $build/demo/width-8.html         the smaller of the two trainings"
