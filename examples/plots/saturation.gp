# The judged curve over training steps, its best level, and where it turned.
# Given: file "points" (step, value), "levels" (step, smoothed value), xname, yname, heading, low, high (the range of values),
# turned (0 or 1), onset, onset_low, onset_high, best; steps as the axis has them.
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set xlabel xname
set ylabel yname noenhanced
set title heading noenhanced offset 0,-0.3
set rmargin at screen 0.95
set format '%g'
set yrange [low:high]
set autoscale xfix
unset key
if (turned) {
    set object 1 rectangle from onset_low, graph 0 to onset_high, graph 1 fc rgb '#d55e00' fs transparent solid 0.12 noborder behind
    set arrow 1 from onset, graph 0 to onset, graph 1 nohead lw 1.5 lc rgb '#d55e00'
}
plot best with lines lw 1 dt 2 lc rgb '#009e73', 'points' using 1:2 with lines lw 1 lc rgb '#9ecae1', \
    'levels' using 1:2 with lines lw 2 lc rgb '#0072b2'
