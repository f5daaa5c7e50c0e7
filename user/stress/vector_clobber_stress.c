/* Hunts vector registers that the kernel uses for itself, in an interrupt, a fault or a call, without keeping the program's.
 *
 * All vector registers hold known values while the kernel clears pages, copies pages and strings, and takes timer interrupts and signals;
 * they are compared over and over. */
#include "../check.h"
#include <sys/time.h>

enum { PROCESSES = 4, TURNS = 4000 };

static volatile sig_atomic_t signals;
static void handler(int number)
{
	/* The handler's own use must not show either. */
	volatile double busy = number;
	for (int i = 0; i < 20; i++)
		busy = busy * 1.25 + i;
	signals++;
}

#ifdef __x86_64__
enum { REGISTERS = 16 };
#define LOAD(n) "movdqu " #n "*16(%[values]), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", " #n "*16(%[found])\n"
#define ALL(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15)
#else
enum { REGISTERS = 32 };
#define LOAD(n) "ldr q" #n ", [%[values], " #n "*16]\n"
#define STORE(n) "str q" #n ", [%[found], " #n "*16]\n"
#define ALL(x) x(0) x(1) x(2) x(3) x(4) x(5) x(6) x(7) x(8) x(9) x(10) x(11) x(12) x(13) x(14) x(15) x(16) x(17) x(18) x(19) x(20) x(21) \
	x(22) x(23) x(24) x(25) x(26) x(27) x(28) x(29) x(30) x(31)
#endif

/* With the registers full: faults on 16 pages, a call, and some time. */
static void hold(const uint64_t *values, uint64_t *found, volatile char *pages)
{
#ifdef __x86_64__
	long number = SYS_madvise;
	__asm__ volatile(ALL(LOAD)
			 "xorl %%ecx, %%ecx\n"
			 "1:	movb $1, (%[pages], %%rcx)\n"
			 "addq $4096, %%rcx\n	cmpq $65536, %%rcx\n	jb 1b\n"
			 "movl $2000, %%ecx\n"
			 "2:	decl %%ecx\n	jnz 2b\n"
			 "movq %[pages], %%rdi\n	movl $65536, %%esi\n	movl $4, %%edx\n	syscall\n" ALL(STORE)
			 : "+a"(number)
			 : [values] "r"(values), [found] "r"(found), [pages] "r"(pages)
			 : "rcx", "r11", "rdi", "rsi", "rdx", "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
			   "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
	CHECK_EQUAL(number, 0);
#else
	register long x8 __asm__("x8") = SYS_madvise;
	register long x0 __asm__("x0") = 0, x1 __asm__("x1") = 0, x2 __asm__("x2") = 0;
	__asm__ volatile(ALL(LOAD)
			 "mov x9, 0\n"
			 "1:	strb wzr, [%[pages], x9]\n	add x9, x9, 4096\n	cmp x9, 65536\n	b.lo 1b\n"
			 "mov x9, 2000\n"
			 "2:	subs x9, x9, 1\n	b.ne 2b\n"
			 "mov x0, %[pages]\n	mov x1, 65536\n	mov x2, 4\n	svc 0\n" ALL(STORE)
			 : "+r"(x0), "+r"(x1), "+r"(x2)
			 : "r"(x8), [values] "r"(values), [found] "r"(found), [pages] "r"(pages)
			 : "x9", "memory", "cc", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
			   "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31");
	CHECK_EQUAL(x0, 0);
#endif
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	pid_t children[PROCESSES];
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	for (int i = 0; i < PROCESSES; i++) {
		children[i] = fork();
		CHECK(children[i] >= 0);
		if (children[i] != 0)
			continue;
		uint64_t values[REGISTERS * 2], found[REGISTERS * 2], seed = (uint64_t)i + 5;
		volatile char *pages = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		struct itimerval timer = { { 0, 700 }, { 0, 700 } };
		CHECK(pages != MAP_FAILED);
		CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
		for (int turn = 0; turn < rounds * TURNS; turn++) {
			for (int j = 0; j < REGISTERS * 2; j++)
				values[j] = next_random(&seed);
			hold(values, found, pages);
			CHECK_EQUAL(memcmp(values, found, sizeof values), 0);
		}
		_exit(0);
	}
	for (int i = 0; i < PROCESSES; i++)
		CHECK_EXITS(children[i], 0);
	return 0;
}
