# W-error against rank, a curve a corpus. Given: curves, file "curve-i" of rank, W-error and the ends of its band for each, name[i],
# right (the largest rank shown).
array colour[7] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#333333'] # told apart by all eyes
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set xlabel 'rank d'
set ylabel 'W-error(d)'
set rmargin at screen 0.95
set bmargin at screen 0.17
set format '%g'
set xrange [0:right]
set yrange [0:1.02]
set ytics 0.1
if (curves == 1) {
    set title name[1] noenhanced offset 0,-0.3
    unset key
} else {
    set key top right Left reverse noenhanced samplen 2
}
set style fill transparent solid 0.25 noborder
plot for [i=1:curves] sprintf('curve-%d', i) using 1:3:4 with filledcurves lc rgb colour[(i - 1) % 7 + 1] notitle, \
    for [i=1:curves] sprintf('curve-%d', i) using 1:2 with lines lw 2 lc rgb colour[(i - 1) % 7 + 1] \
        title name[i] noenhanced
