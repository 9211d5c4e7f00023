# The chosen learning rate against rank; ticks are the rates that were tried. Points of several kinds stand a little
# beside each other. Given: curves, file "curve-i" with rank and learning rate in columns 1 and 6 for each, name[i],
# left, right (of ranks), low, high (of rates).
array colour[6] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] # told apart by all eyes
array point[6] = [7, 5, 9, 11, 13, 15]
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set logscale x 2
set logscale y 10
set format x '%g'
set xrange [left:right]
set yrange [low:high]
set xlabel 'rank of the head'
set ylabel 'chosen peak learning rate'
set bmargin at screen 0.17
set rmargin at screen 0.96
set key outside top center horizontal Left reverse noenhanced samplen 2.5
plot for [i=1:curves] sprintf('curve-%d', i) using ($1 * 1.03**(i - (curves + 1) / 2.0)):6 with linespoints \
        lw 1 dt 3 pt point[i] ps 1.1 lc rgb colour[i] title name[i] noenhanced
