# Anisotropy against relative depth, a line a model. Given: curves, file "curve-i" of depth, anisotropy and training
# step for each, name[i], low, high (of anisotropy), stepped (1: colour tells the step, from first to last; 0: a name
# each).
array colour[7] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#333333'] # told apart by all eyes
set palette defined (0 '#0d0887', 1 '#41049d', 2 '#6a00a8', 3 '#8f0da4', 4 '#b12a90', 5 '#cc4778', 6 '#e16462', \
    7 '#f2844b', 8 '#fca636', 9 '#fcce25', 10 '#f0f921')
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set xlabel 'relative depth (0: embedding, 1: after the final norm)'
set ylabel 'anisotropy (mean cosine)'
set bmargin at screen 0.17
set format '%g'
set xrange [-0.02:1.02]
set xtics 0.2
set yrange [low:high]
if (stepped) {
    unset key
    set rmargin at screen 0.80
    set cblabel 'training step' offset 1.2,0
    set cbrange [first:last]
    plot for [i=1:curves] sprintf('curve-%d', i) using 1:2:3 with linespoints lw 2 pt 7 ps 0.5 lc palette notitle
} else {
    set rmargin at screen 0.95
    set key outside top center horizontal Left reverse noenhanced samplen 2
    plot for [i=1:curves] sprintf('curve-%d', i) using 1:2 with linespoints lw 2 \
        pt (i <= 7 ? 7 : 5) ps 0.6 lc rgb colour[(i - 1) % 7 + 1] title name[i] noenhanced
}
