// Stacks of many kinds without frame pointers, for whoever finds callers (the profiler's tests run this with an argument): functions with known
// callers and shares, in a thread, in a signal's handler, below a function with a frame of unknown size, in the vDSO, deep; and registers that
// point nowhere. Without an argument it does a little of each and checks that it comes back.
//
//     callers_test all      one after the other
//     callers_test wild     loops with stack and frame pointers of all values
#pragma GCC optimize("omit-frame-pointer", "no-optimize-sibling-calls")
#include "check.h"
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OWN __attribute__((noinline, noclone))

#if defined(__x86_64__)
#define LOOP(rounds) __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(rounds) : : "cc", "memory")
#else
#define LOOP(rounds) __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(rounds) : : "cc", "memory")
#endif

// Something after a call, so that it is a call.
#define AFTER __asm__ volatile("" : : : "memory")

OWN void at_the_bottom(unsigned long rounds) { LOOP(rounds); }
OWN void three_tenths(unsigned long rounds) { at_the_bottom(3 * rounds); AFTER; }
OWN void seven_tenths(unsigned long rounds) { at_the_bottom(7 * rounds); AFTER; }
OWN void both(unsigned long rounds)
{
	for (int i = 0; i < 10; i++) {
		three_tenths(rounds);
		seven_tenths(rounds);
	}
}

// A frame whose size only the program knows.
OWN void with_room(unsigned long bytes, unsigned long rounds)
{
	volatile char room[bytes];
	room[0] = 1;
	at_the_bottom(rounds);
	room[bytes - 1] = room[0];
}

OWN void deep(unsigned depth, unsigned long rounds)
{
	volatile char room[400];
	room[0] = 1;
	if (depth == 0)
		at_the_bottom(rounds);
	else
		deep(depth - 1, rounds);
	room[1] = room[0];
}

OWN void *in_a_thread(void *rounds)
{
	both(*(unsigned long *)rounds);
	AFTER;
	return NULL;
}

OWN void threads(unsigned long rounds)
{
	pthread_t thread;
	CHECK(pthread_create(&thread, NULL, in_a_thread, &rounds) == 0);
	CHECK(pthread_join(thread, NULL) == 0);
}

static unsigned long handler_rounds;

OWN void handler(int signal)
{
	CHECK(signal == SIGUSR1);
	at_the_bottom(handler_rounds);
	AFTER;
}

OWN void signals(unsigned long rounds)
{
	handler_rounds = rounds;
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK(raise(SIGUSR1) == 0);
}

OWN void clocks(unsigned long rounds)
{
	struct timespec t;
	for (unsigned long i = 0; i < rounds; i++)
		CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
}

// Runs the loop with these registers.
OWN void with_registers(unsigned long stack, unsigned long frame, unsigned long rounds)
{
#if defined(__x86_64__)
	register unsigned long s __asm__("r14") = stack;
	register unsigned long f __asm__("r15") = frame;
	register unsigned long r __asm__("rcx") = rounds;
	__asm__ volatile("mov %%rsp, %%r12\n mov %%rbp, %%r13\n mov %1, %%rsp\n mov %2, %%rbp\n"
			 "1: dec %0\n jnz 1b\n mov %%r12, %%rsp\n mov %%r13, %%rbp"
			 : "+r"(r)
			 : "r"(s), "r"(f)
			 : "cc", "memory", "r12", "r13");
#else
	__asm__ volatile("mov x9, sp\n mov x10, x29\n mov x11, x30\n mov sp, %1\n mov x29, %2\n mov x30, %2\n"
			 "1: subs %0, %0, #1\n b.ne 1b\n mov sp, x9\n mov x29, x10\n mov x30, x11"
			 : "+r"(rounds)
			 : "r"(stack), "r"(frame)
			 : "cc", "memory", "x9", "x10", "x11", "x30");
#endif
}

OWN void wild(unsigned values, unsigned long rounds)
{
	unsigned long page = (unsigned long)&page & ~4095ul, x = 88172645463325252ul;
	const unsigned long edges[] = {0, 1, 7, 8, 4096, page, page + 4088, page + 4095, (1ul << 47) - 8, (1ul << 47) - 4096,
				       1ul << 47, (1ul << 48) - 8, 1ul << 63, ~0ul, ~7ul, 0xffffffff80000000, (unsigned long)wild};
	const unsigned count = sizeof edges / sizeof edges[0];
	for (unsigned i = 0; i < values; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		unsigned long stack = i < count * count ? edges[i % count] : i % 3 ? (unsigned long)&x + x % 8192 : x >> x % 64;
		unsigned long frame = i < count * count ? edges[i / count] : i % 5 ? (unsigned long)&x + (x >> 20) % 8192 : x;
		with_registers(stack, frame, rounds);
	}
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	unsigned long unit = what[0] ? 100000 : 10;
	if (strcmp(what, "wild") == 0) {
		wild(2000, 20000);
		return 0;
	}
	both(4 * unit);
	with_room(1000, 40 * unit);
	deep(20, 40 * unit);
	threads(unit);
	signals(40 * unit);
	clocks(what[0] ? 200000 : 10);
	wild(10, 10);
	return 0;
}
