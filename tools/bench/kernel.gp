# SPDX-License-Identifier: GPL-2.0
#
# usage: gnuplot -e "from='DIR'; to='DIR'" kernel.gp: from the files of plots.sh.

set terminal svg size 900,640 font "sans-serif,13" background "#ffffff"
set style data linespoints
set grid linecolor "#dddddd"
set key top left
set style line 1 linecolor "#0060ad" linewidth 2 pointtype 7 pointsize 0.6
set style line 2 linecolor "#dd181f" linewidth 2 pointtype 5 pointsize 0.6
set style line 3 linecolor "#777777" linewidth 2 pointtype 9 pointsize 0.6

file(name) = from . "/" . name

set output to . "/cost.svg"
set multiplot layout 2,3
set logscale xy
set xrange [700:1500000]
set xlabel "timers"
set ylabel "ns each"
set format x "10^{%L}"
benches = "arm_random rearm_random push_later cancel arm_relative expire"
titles = "'arm, at random' 're-arm at random' 'push later' 'cancel' 'arm, relative' 'expire'"
do for [i=1:words(benches)] {
	set title word(titles, i)
	plot file(word(benches, i)) using 1:2 linestyle 1 title "htw", \
		"" using 1:3 linestyle 2 title "timer\\_list", \
		"" using 1:4 linestyle 3 title "hrtimer"
}
unset multiplot

set terminal svg size 900,360 font "sans-serif,13" background "#ffffff"
set output to . "/scaling.svg"
unset logscale
set multiplot layout 1,3
set xrange [0.5:4.5]
set yrange [0:*]
set xtics (1, 2, 4)
set xlabel "CPUs"
set ylabel "ns each, emulated"
set format x "%g"
benches = "arm_local cancel_remote migrate"
titles = "'arm on its own CPU' 'cancel on another' 're-arm from another'"
do for [i=1:words(benches)] {
	set title word(titles, i)
	plot file(word(benches, i)) using 1:2 linestyle 1 title "htw", \
		"" using 1:3 linestyle 2 title "timer\\_list", \
		"" using 1:4 linestyle 3 title "hrtimer"
}
unset multiplot

set output to . "/lateness.svg"
set multiplot layout 1,2
set logscale x
set xtics auto
set format x "%.0s%cs"
set xrange [1e-8:10]
set yrange [0:103]
set xlabel "late by less than"
set ylabel "% of the timers"
set key bottom right
benches = "uml.late_live uml-travel.late_minute"
titles = "'20 000 within 2 s, native' '100 000 within a minute, virtual time'"
do for [i=1:words(benches)] {
	set title word(titles, i)
	name = file(word(benches, i))
	plot name . ".htw" using ($1/1e9):2 linestyle 1 title "htw", \
		name . ".timer_list" using ($1/1e9):2 linestyle 2 title "timer\\_list", \
		name . ".hrtimer" using ($1/1e9):2 linestyle 3 title "hrtimer"
}
unset multiplot
