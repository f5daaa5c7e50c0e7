# gdb: a break point, a backtrace, variables, single steps, a watch point in software, a signal, and a core-less end.
set -eu
rm -rf /tmp/gdb
mkdir /tmp/gdb
cd /tmp/gdb
cat > debugged.c <<'T'
#include <stdio.h>
static int sum(int n)
{
	int total = 0;
	for (int i = 1; i <= n; i++)
		total += i;
	return total;
}
int main(void)
{
	printf("%d\n", sum(10));
	return 3;
}
T
gcc -g -O0 -o debugged debugged.c
gdb -q -batch -nx -ex 'set debuginfod enabled off' -ex 'break sum' -ex run -ex backtrace -ex 'next 3' -ex 'print total + 100' \
	-ex 'finish' -ex continue ./debugged > log 2>&1
grep -q '^Breakpoint 1, sum (n=10)' log
grep -q '#1 .* main ()' log
grep -q '\$1 = 10[01]' log
grep -q 'Value returned is.* = 55' log
grep -q 'exited with code 03' log

# A signal of its own is told before the program sees it; a variable is watched by single steps; the end by a signal leaves nothing to look at.
cat > signalled.c <<'T'
#include <signal.h>
#include <stdlib.h>
static volatile int caught, watched;
static void handler(int number) { caught = number; }
int main(void)
{
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	for (int i = 1; i <= 2; i++)
		watched = caught * i;
	abort();
}
T
gcc -g -O0 -o signalled signalled.c
gdb -q -batch -nx -ex 'set debuginfod enabled off' -ex 'set can-use-hw-watchpoints 0' -ex run -ex 'break signalled.c:10' -ex continue -ex 'watch watched' -ex 'delete 1' \
	-ex continue -ex continue -ex 'delete' -ex continue -ex 'backtrace' -ex continue -ex 'backtrace' ./signalled > log 2>&1 || cat log
grep -q 'Program received signal SIGUSR1' log
grep -q '^Watchpoint 2: watched' log
grep -q '^New value = 10' log
grep -q '^Old value = 10' log
grep -q '^New value = 20' log
grep -q 'Program received signal SIGABRT' log
grep -q ' in main () at signalled.c:11' log
grep -q 'Program terminated with signal SIGABRT' log
grep -q '^No stack' log
