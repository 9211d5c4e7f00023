# Loss of trained heads above that of the full one, against the W-error of the full head at their rank. Given: file
# "curve-1" of W-error, loss, its standard error, rank; full (what the loss is compared with).
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set format '%g'
unset key
set xlabel 'W-error of the full head at the rank beside each point'
set ylabel sprintf('loss above %s (nats per token)', full) noenhanced
set bmargin at screen 0.17
set rmargin at screen 0.96
set autoscale xfix
set autoscale yfix
set offsets graph 0.1, graph 0.04, graph 0.1, graph 0.06
plot 'curve-1' using 1:2:3 with yerrorlines lw 2 pt 7 ps 0.8 lc rgb '#0072b2', \
    'curve-1' using 1:2:(sprintf('%d', $4)) with labels right offset -0.9,0.5 textcolor rgb '#444444'
