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
