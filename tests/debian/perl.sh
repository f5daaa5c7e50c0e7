# perl: hashes, fork and wait, a pipe from a command, an alarm that interrupts a sleep, a sort of many lines.
set -eu
cd /tmp
cat > perl_expected <<'T'
0=714264285,1=714278571,2=714292857,3=714307143,4=714321429,5=714335715,6=714250000
3
from pipe
alarm
49999 5000 500
T
perl -e 'use strict; $| = 1;
my %sums; $sums{$_ % 7} += $_ for 1..100000; print join(",", map {"$_=$sums{$_}"} sort keys %sums), "\n";
my $pid = fork; if (!$pid) { exit 3 } waitpid $pid, 0; print $? >> 8, "\n";
open my $pipe, "-|", "echo from pipe"; print <$pipe>;
local $SIG{ALRM} = sub { print "alarm\n" }; alarm 1; select undef, undef, undef, 100;
my @sorted = reverse sort {$a <=> $b} map {($_ * 7919) % 50000} 0..49999; print "$sorted[0] $sorted[44999] $sorted[49499]\n"' > perl_found
diff perl_expected perl_found
