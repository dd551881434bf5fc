# SPDX-License-Identifier: GPL-2.0
#
# usage: gnuplot -e "from='DIR'; to='DIR'" user.gp: from the files of plots.sh.

set terminal svg size 900,360 font "sans-serif,13" background "#ffffff"
set grid linecolor "#dddddd"
set style line 1 linecolor "#0060ad" linewidth 2 pointtype 7 pointsize 0.6
set style line 2 linecolor "#dd181f" linewidth 2 pointtype 5 pointsize 0.6
set style line 3 linecolor "#777777" linewidth 2 pointtype 9 pointsize 0.6
set style line 4 linecolor "#2a9d3a" linewidth 2 pointtype 13 pointsize 0.6

file(name) = from . "/" . name

set datafile missing "?"
set output to . "/user-cost.svg"
set multiplot layout 1,3
set style data linespoints
set logscale xy
set xrange [0.7:6000]
set yrange [200:2000000]
set xlabel "operations in a system call"
set ylabel "instructions each"
set xtics (1, 16, 256, 4096)
set format y "10^{%L}"
set key center right
benches = "arm rearm cancel"
titles = "'arm' 're-arm' 'cancel'"
do for [i=1:words(benches)] {
	set title word(titles, i)
	plot file("batch." . word(benches, i)) using 1:2 linestyle 1 title "htw", \
		"" using 1:3 linestyle 2 title "timerfd", \
		"" using 1:4 linestyle 3 title "POSIX", \
		"" using 1:5 linestyle 4 title "io\\_uring"
}
unset multiplot

set output to . "/user-expire.svg"
unset title
unset logscale
set style data histograms
set style histogram rowstacked
set style fill solid border -1
set boxwidth 0.6
set xrange [*:*]
set yrange [0:*]
set xtics auto
unset xlabel
set format y "%g"
set xtics noenhanced
plot file("from_expiry") using 2:xtic(1) linecolor "#0060ad" title "until the program is left alone", \
	"" using 3 linecolor "#99c4e6" title "until it has collected all"

set output to . "/user-lateness.svg"
set multiplot layout 1,2
set style data linespoints
set logscale x
set xtics enhanced auto
set format x "%.0s%cs"
set xrange [1e-7:10]
set yrange [0:103]
set xlabel "late by less than"
set ylabel "% of the timers"
set key bottom right
rigs = "user-icount user-1"
titles = "'instructions counted' 'emulated on a busy host'"
do for [i=1:words(rigs)] {
	set title word(titles, i)
	name = file(word(rigs, i) . ".late_program")
	plot name . ".htw" using ($1/1e9):2 linestyle 1 title "htw", \
		name . ".timerfd" using ($1/1e9):2 linestyle 2 title "timerfd", \
		name . ".posix" using ($1/1e9):2 linestyle 3 title "POSIX", \
		name . ".io_uring" using ($1/1e9):2 linestyle 4 title "io\\_uring"
}
unset multiplot
