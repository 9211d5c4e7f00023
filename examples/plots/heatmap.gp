# Singular values through training: colour sigma_i / sigma_1, training step across, singular rank i up.
# Given: panels, across, down, xname, and for panel i its file "panel-i" of columns[i] x rows[i] floats, ranks[i],
# title[i], left[i], right[i] (steps), low[i], high[i] (colours).
set palette defined (0 '#0d0887', 1 '#41049d', 2 '#6a00a8', 3 '#8f0da4', 4 '#b12a90', 5 '#cc4778', 6 '#e16462', \
    7 '#f2844b', 8 '#fca636', 9 '#fcce25', 10 '#f0f921')
set border lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set xlabel xname
set ylabel 'singular rank' offset -0.5,0
set cblabel 'singular value / largest' offset 0.6,0
set format '%g'
set multiplot
do for [i=1:panels] {
    # Where the panel stands, in shares of the figure; the top left one is the first.
    x = (i - 1) % across
    y = down - 1 - (i - 1) / across
    set lmargin at screen (x + 0.13) / across
    set rmargin at screen (x + 0.80) / across
    set bmargin at screen (y + 0.17) / down
    set tmargin at screen (y + 0.89) / down
    set colorbox user origin screen (x + 0.83) / across, screen (y + 0.17) / down size screen 0.03 / across, screen 0.72 / down
    k = ranks[i]
    by = k <= 12 ? 1 : k <= 24 ? 2 : k <= 60 ? 5 : k <= 120 ? 10 : k <= 250 ? 25 : k <= 600 ? 50 : 100 * ceil(k / 1000.0)
    set title title[i] noenhanced offset 0,-0.3
    set xrange [left[i]:right[i]]
    set yrange [0.5:k + 0.5]
    set ytics (1)
    set for [t=(by > 1 ? by : 2):k:by] ytics add (t)
    set cbrange [low[i]:high[i]]
    dx = 1.0 * (right[i] - left[i]) / columns[i]
    dy = 1.0 * k / rows[i]
    plot sprintf('panel-%d', i) binary array=(columns[i],rows[i]) origin=(left[i] + dx / 2, 0.5 + dy / 2) \
        dx=dx dy=dy format='%float32' with image notitle
}
unset multiplot
