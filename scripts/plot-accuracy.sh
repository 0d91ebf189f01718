#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# docs/perf/accuracy.svg from docs/perf/accuracy.dat, with gnuplot.
cd "$(dirname "$0")/.." || exit 2
command -v gnuplot >/dev/null || {
    echo "plot-accuracy.sh: gnuplot is not installed (Debian: gnuplot-nox)" >&2
    exit 2
}
gnuplot <<'PLOT'
set datafile missing "?"
set terminal svg size 760,380 font "sans,13" background "white"
set output "docs/perf/accuracy.svg"
set title "Test accuracy, selected on validation: penstock at 1, 2, 3 and 4 ranks, and plain PyTorch"
set ylabel "percent"
set yrange [68:97]
set xrange [-0.6:4.6]
set grid ytics lc "#dddddd"
set key bottom right
data = "docs/perf/accuracy.dat"
plot data using ($0-0.24):2:3:xticlabels(1) with yerrorbars pt 7 ps 0.7 lc "#1f5f99" title "1 rank, deviation over seeds or splits", \
     data using ($0-0.12):4 with points pt 7 ps 0.7 lc "#3f8fc9" title "2 ranks", \
     data using ($0):5      with points pt 7 ps 0.7 lc "#6fb0dd" title "3 ranks", \
     data using ($0+0.12):6 with points pt 7 ps 0.7 lc "#9fcbe8" title "4 ranks", \
     data using ($0+0.28):(($7+$8)/2):7:8 with yerrorbars pt 5 ps 0.7 lc "#c05020" title "plain PyTorch, full batch"
PLOT
