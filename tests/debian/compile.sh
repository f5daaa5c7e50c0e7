# gcc and make: a program of several files built by make -j4, with threads, run; built again, nothing to do; a static one; one that is wrong.
set -eu
rm -rf /tmp/compile
mkdir /tmp/compile
cd /tmp/compile
cat > main.c <<'T'
#include <pthread.h>
#include <stdio.h>
int square(int);
static void *work(void *number) { *(int *)number = square(*(int *)number); return 0; }
int main(void)
{
	pthread_t threads[4];
	int numbers[4] = { 1, 2, 3, 4 };
	for (int i = 0; i < 4; i++) pthread_create(&threads[i], 0, work, &numbers[i]);
	for (int i = 0; i < 4; i++) pthread_join(threads[i], 0);
	printf("%d %d %d %d\n", numbers[0], numbers[1], numbers[2], numbers[3]);
	return numbers[3];
}
T
echo 'int square(int x) { return x * x; }' > square.c
cat > Makefile <<'T'
OBJECTS = main.o square.o $(patsubst %,made%.o,1 2 3 4 5 6)
program: $(OBJECTS)
	gcc -pthread -o $@ $(OBJECTS)
made%.c:
	echo 'int made$*(void) { return $*; }' > $@
%.o: %.c
	gcc -O2 -c -o $@ $<
T
make -j4 > log
test "$(grep -c 'gcc -O2' log)" = 8
status=0
./program > found || status=$?
test $status = 16
test "$(cat found)" = "1 4 9 16"
make -q program
touch square.c
make -j4 > log
test "$(grep -c 'gcc -O2' log)" = 1
gcc -static -O1 -pthread -o static main.c square.c
status=0
./static > found || status=$?
test $status = 16
echo 'int main(void) { return missing; }' > wrong.c
if gcc wrong.c 2> log; then exit 1; fi
grep -q "'missing' undeclared" log || grep -q 'missing.*undeclared' log
