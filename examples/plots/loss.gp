# Loss against training step, a line a series; dots coloured by the anisotropy of the last layer. Given: curves, file
# "curve-i" of step, loss and anisotropy for each, name[i], xname, left, right, low, high (the ranges).
set palette defined (0 '#0d0887', 1 '#41049d', 2 '#6a00a8', 3 '#8f0da4', 4 '#b12a90', 5 '#cc4778', 6 '#e16462', \
    7 '#f2844b', 8 '#fca636', 9 '#fcce25', 10 '#f0f921')
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set xlabel xname
set ylabel 'loss (nats per token)'
set cblabel 'anisotropy of the last layer' offset 0.8,0
set cbrange [0:1]
set rmargin at screen 0.82
set bmargin at screen 0.17
set format '%g'
set xrange [left:right]
set yrange [low:high]
if (curves == 1) {
    set title name[1] noenhanced offset 0,-0.3
    unset key
} else {
    set key outside top center horizontal Left reverse noenhanced samplen 2
}
array style[4] = [1, 2, 4, 5]
plot for [i=1:curves] sprintf('curve-%d', i) using 1:2 with lines lw 1.5 dt style[(i - 1) % 4 + 1] lc rgb '#999999' \
        title name[i] noenhanced, \
    for [i=1:curves] sprintf('curve-%d', i) using 1:2:3 with points pt 7 ps 0.9 lc palette notitle
