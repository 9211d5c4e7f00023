# What truncating a head costs: the measured loss gap and its bound against rank. Given: files "curve-1" (plain) and
# "curve-2" (weighted) of rank, gap, bound; left, right (of ranks).
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set logscale x 2
set logscale y 10
set format x '%g'
set format y '10^{%T}'
set xrange [left:right]
set xlabel 'rank of the truncated head'
set ylabel 'loss gap (nats per token)'
set bmargin at screen 0.17
set rmargin at screen 0.96
set key outside top center vertical maxrows 2 Left reverse noenhanced samplen 2.5
set datafile missing 'nan'
plot 'curve-1' using 1:2 with linespoints lw 2 pt 5 ps 0.8 lc rgb '#d55e00' title 'plain truncation', \
    'curve-1' using 1:3 with lines lw 1.5 dt 2 lc rgb '#d55e00' title 'its bound', \
    'curve-2' using 1:2 with linespoints lw 2 pt 7 ps 0.8 lc rgb '#0072b2' title 'weighted truncation', \
    'curve-2' using 1:3 with lines lw 1.5 dt 2 lc rgb '#0072b2' title 'its bound'
