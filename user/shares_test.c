// Work in known shares, for whoever measures where time goes (the profiler's tests run this with an argument). Without one it does a little
// of each kind and checks that it comes back.
//
//     shares_test all       halves, thirds, kernel, corrupt, jit, one after the other
//     shares_test measure   a loop of instructions, then one of system calls: prints the nanoseconds of each
//     shares_test pair      two processes that do the same
//
// Loops are written in assembly, two instructions a round, so that shares are known to the instruction.
#pragma GCC optimize("no-omit-frame-pointer", "no-optimize-sibling-calls")
#include "check.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define OWN __attribute__((noinline, noclone))

#if defined(__x86_64__)
#define LOOP(rounds) __asm__ volatile("1: dec %0\n jnz 1b" : "+r"(rounds) : : "cc", "memory")
#else
#define LOOP(rounds) __asm__ volatile("1: subs %0, %0, #1\n b.ne 1b" : "+r"(rounds) : : "cc", "memory")
#endif

OWN void half_one(unsigned long rounds) { LOOP(rounds); }
OWN void half_two(unsigned long rounds) { LOOP(rounds); }
OWN void three_tenths(unsigned long rounds) { LOOP(rounds); }
OWN void seven_tenths(unsigned long rounds) { LOOP(rounds); }
OWN void beside_the_kernel(unsigned long rounds) { LOOP(rounds); }
OWN void of_the_pair(unsigned long rounds) { LOOP(rounds); }
OWN void measured(unsigned long rounds) { LOOP(rounds); }

static unsigned long long now(void)
{
	struct timespec t;
	CHECK(clock_gettime(CLOCK_MONOTONIC, &t) == 0);
	return (unsigned long long)t.tv_sec * 1000000000 + (unsigned long long)t.tv_nsec;
}

OWN void halves(unsigned long size)
{
	for (int i = 0; i < 20; i++) {
		half_one(size);
		half_two(size);
	}
}

OWN void tenths(unsigned long size)
{
	for (int i = 0; i < 15; i++) {
		three_tenths(size * 3);
		seven_tenths(size * 7);
	}
}

// Answers the share of the kernel in thousandths.
OWN unsigned long kernel(unsigned long size)
{
	static char buffer[1 << 20];
	unsigned long long inside = 0, all = now();
	int fd = open("/dev/zero", O_RDONLY);
	CHECK(fd >= 0);
	for (int i = 0; i < 10; i++) {
		beside_the_kernel(size);
		unsigned long long start = now();
		for (unsigned long done = 0; done < size; done += 250000)
			CHECK(read(fd, buffer, sizeof buffer) == sizeof buffer);
		inside += now() - start;
	}
	CHECK(close(fd) == 0);
	return (unsigned long)(inside * 1000 / (now() - all));
}

// Runs the loop with a frame pointer that is none.
OWN void with_frame_pointer(unsigned long value, unsigned long rounds)
{
#if defined(__x86_64__)
	__asm__ volatile("sub $128, %%rsp\n push %%rbp\n mov %1, %%rbp\n"
			 "1: dec %0\n jnz 1b\n pop %%rbp\n add $128, %%rsp"
			 : "+r"(rounds)
			 : "r"(value)
			 : "cc", "memory");
#else
	__asm__ volatile("mov x9, x29\n mov x29, %1\n"
			 "1: subs %0, %0, #1\n b.ne 1b\n mov x29, x9"
			 : "+r"(rounds)
			 : "r"(value)
			 : "cc", "memory", "x9");
#endif
}

OWN void corrupt(unsigned long rounds)
{
	// A chain that leads to itself, and one whose links are far apart.
	unsigned long itself[4] = {(unsigned long)itself, (unsigned long)corrupt};
	unsigned long far[4] = {(unsigned long)far + (1ul << 40), (unsigned long)corrupt};
	const unsigned long bad[] = {
		1, 8, 0xfff, ~0ul, ~0ul & ~15ul, 1ul << 63, 0xffffffff80000000, 0x00007ffffffffff0, 0x0000ffffffffffff8 & ~7ul,
		(unsigned long)itself, (unsigned long)far, (unsigned long)itself + 1, (unsigned long)corrupt & ~15ul,
	};
	for (unsigned i = 0; i < sizeof bad / sizeof bad[0]; i++)
		with_frame_pointer(bad[i], rounds);
}

// Makes a function, tells of it as JIT compilers do, and runs it.
OWN void jit(unsigned long rounds)
{
#if defined(__x86_64__)
	// dec rdi; jnz; ret
	static const unsigned char code[] = {0x48, 0xff, 0xcf, 0x75, 0xfb, 0xc3};
#else
	// subs x0, x0, #1; b.ne; ret
	static const unsigned code[] = {0xf1000400, 0x54ffffe1, 0xd65f03c0};
#endif
	char *place = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(place != MAP_FAILED);
	memcpy(place, code, sizeof code);
	CHECK(mprotect(place, 4096, PROT_READ | PROT_EXEC) == 0);
	__builtin___clear_cache(place, place + sizeof code);
	char name[64];
	snprintf(name, sizeof name, "/tmp/perf-%d.map", (int)getpid());
	FILE *map = fopen(name, "w");
	CHECK(map != NULL);
	fprintf(map, "%lx %lx made while it ran\n", (unsigned long)place, (unsigned long)sizeof code);
	CHECK(fclose(map) == 0);
	((void (*)(unsigned long))(unsigned long)place)(rounds);
	CHECK(munmap(place, 4096) == 0);
}

OWN void measure(unsigned long rounds, unsigned long calls)
{
	unsigned long long start = now();
	measured(rounds);
	unsigned long long middle = now();
	for (unsigned long i = 0; i < calls; i++)
		syscall(SYS_getppid);
	printf("loop %llu calls %llu\n", middle - start, now() - middle);
}

OWN void pair(unsigned long size)
{
	int child = fork();
	CHECK(child >= 0);
	for (int i = 0; i < 50; i++)
		of_the_pair(size);
	if (child == 0)
		_exit(0);
	int status;
	CHECK(waitpid(child, &status, 0) == child && status == 0);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	if (strcmp(what, "all") == 0) {
		halves(1000000);
		tenths(200000);
		printf("kernel %lu\n", kernel(1500000));
		corrupt(1000000);
		jit(10000000);
	} else if (strcmp(what, "measure") == 0) {
		measure(50000000, 200000);
	} else if (strcmp(what, "pair") == 0) {
		pair(1000000);
	} else {
		halves(100);
		tenths(100);
		CHECK(kernel(250000) <= 1000);
		corrupt(100);
		pair(100);
	}
	return 0;
}
