/* Hunts a resume at a stale program counter: of two paths that save a thread's registers, one that skips one of them.
 *
 * Processes compute a sum whose every step depends on the one before, in code that is left at any instruction by preemption, by signals
 * from a timer and from each other, by faults and by calls; a step done twice, or left out, changes the sum. */
#include "../check.h"
#include <sched.h>
#include <sys/time.h>

enum { PROCESSES = 6, STEPS = 400000 };

static volatile sig_atomic_t signals;
static void handler(int number) { signals += number > 0; }

static uint64_t chain(int disturbed)
{
	uint64_t state = 0x1234567, real_bits;
	double real = 1.5;
	char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(page != MAP_FAILED);
	for (int step = 0; step < STEPS; step++) {
		state = state * 6364136223846793005u + 1442695040888963407u;
		state ^= state >> 29;
		real = real * 1.000001 + (double)(state & 7);
		if (disturbed && step % 1024 == 0) {
			/* A fault, a call, and a wait in between. */
			madvise(page, 4096, MADV_DONTNEED);
			page[step % 4096] = 1;
			CHECK(getppid() > 0);
			if (step % 65536 == 0)
				sched_yield();
		}
	}
	munmap(page, 4096);
	memcpy(&real_bits, &real, 8);
	return state ^ real_bits;
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	uint64_t expected = chain(0);
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	sigaction(SIGALRM, &action, NULL);
	sigaction(SIGUSR1, &action, NULL);
	for (int round = 0; round < rounds * 3; round++) {
		pid_t children[PROCESSES];
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0) {
				struct itimerval timer = { { 0, 500 + 77 * i }, { 0, 500 } };
				setitimer(ITIMER_REAL, &timer, NULL);
				uint64_t found = chain(1);
				memset(&timer, 0, sizeof timer);
				setitimer(ITIMER_REAL, &timer, NULL);
				_exit(found != expected);
			}
		}
		for (int turn = 0; turn < 300; turn++)
			for (int i = 0; i < PROCESSES; i++)
				kill(children[i], SIGUSR1);
		for (int i = 0; i < PROCESSES; i++)
			CHECK_EXITS(children[i], 0);
	}
	return 0;
}
