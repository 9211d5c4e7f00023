# Validation loss and accuracy against rank, a line a kind of head; a level for kinds without a rank to choose. Given:
# curves, file "curve-i" of rank, loss, its standard error, accuracy, its standard error for each, name[i], level[i],
# left, right (of ranks), has_model, model_loss, model_accuracy.
array colour[6] = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'] # told apart by all eyes
array point[6] = [7, 5, 9, 11, 13, 15]
set border 3 lw 1 lc rgb '#444444'
set tics out nomirror scale 0.6 textcolor rgb '#222222'
set grid ytics lt 1 lw 0.6 lc rgb '#e4e4e4'
set logscale x 2
set format x '%g'
set xrange [left:right]
set autoscale yfix
set offsets 0, 0, graph 0.05, graph 0.05
set xlabel 'rank of the head'
set key top right inside vertical Left reverse noenhanced samplen 2.5
set multiplot
set tmargin at screen 0.96
set bmargin at screen 0.17
do for [panel=1:2] {
    set lmargin at screen (panel == 1 ? 0.075 : 0.585)
    set rmargin at screen (panel == 1 ? 0.475 : 0.985)
    set ylabel (panel == 1 ? 'validation loss (nats per token)' : 'top-1 accuracy (%)') offset 1.2,0
    model = panel == 1 ? model_loss : model_accuracy
    if (panel == 2) { unset key }
    plot for [i=1:curves] sprintf('curve-%d', i) \
            using (left):2*panel:(level[i] ? right - left : 0):(0) with vectors nohead lw 1.5 dt 2 lc rgb colour[i] \
            notitle, \
        for [i=1:curves] sprintf('curve-%d', i) using 1:2*panel:(column(2*panel + 1)) with yerrorlines \
            lw 2 pt point[i] ps 0.8 lc rgb colour[i] title name[i] noenhanced, \
        (has_model ? model : NaN) with lines lw 1.5 dt 3 lc rgb '#333333' title (has_model ? "the model's own" : '')
}
unset multiplot
