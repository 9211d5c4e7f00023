# Curves on a log axis: singular entropy against training step, or singular values against rank.
# Given: curves, file "curve-i" of x and y for each, name[i], xname, yname, left, right, low, high (the ranges), xlog and
# ylog (0 or 1), marks (1: a dot at each value).
array colour[7] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#333333'] # told apart by all eyes
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set xlabel xname
set ylabel yname
set rmargin at screen 0.95
set bmargin at screen 0.17
set format '%g'
set xrange [left:right]
set yrange [low:high]
if (xlog) {
    set logscale x
    set xtics ()
    do for [decade=0:floor(log10(right))] {
        set for [m in '1 2 5'] xtics add (m * 10.0 ** decade)
    }
}
if (ylog) set logscale y
if (curves == 1) {
    set title name[1] noenhanced offset 0,-0.3
    unset key
} else {
    set key outside top center horizontal Left reverse noenhanced samplen 2
}
# Tics of a log axis: decades when many are in sight, 1 2 5 when few, even steps when not one.
if (ylog && high / low > 300) set format y '10^{%T}'
if (ylog && high / low <= 300) {
    set ytics () format '%g'
    if (high / low > 4) {
        do for [decade=floor(log10(low)):floor(log10(high))] {
            set for [m in '1 2 5'] ytics add (m * 10.0 ** decade)
        }
    } else {
        by = 10.0 ** floor(log10(high - low))
        by = (high - low) / by < 2 ? by / 5 : (high - low) / by < 5 ? by / 2 : by
        set for [t=ceil(low / by):floor(high / by)] ytics add (t * by)
    }
}
plot for [i=1:curves] sprintf('curve-%d', i) using 1:2 with lines lw 2 lc rgb colour[(i - 1) % 7 + 1] \
        title name[i] noenhanced, \
    for [i=1:(marks ? curves : 0)] sprintf('curve-%d', i) using 1:2 with points pt 7 ps 0.6 \
        lc rgb colour[(i - 1) % 7 + 1] notitle
