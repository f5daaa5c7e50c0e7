/* System calls change the registers they may and no others: the result's, and on x86-64 rcx and r11. Quick calls, calls that sleep,
 * calls that fail, and calls with a signal on their way out. */
#include "suite.h"

enum { CALLS = 7 };
static volatile sig_atomic_t count;
static void handler(int number) { count += number == SIGUSR1; }

static long number[CALLS], argument[CALLS][3];

/* Makes call `which` with a pattern in every other register; answers how many changed. */
static __attribute__((noinline)) int changed_by(int which)
{
	unsigned long seen[32];
#ifdef __x86_64__
	register long rax __asm__("rax") = number[which];
	register long rdi __asm__("rdi") = argument[which][0], rsi __asm__("rsi") = argument[which][1], rdx __asm__("rdx") = argument[which][2];
	__asm__ volatile("pushq %%rbx\n	pushq %%rbp\n	pushq %[seen]\n"
			 "	movq $0x1111, %%rbx\n	movq $0x2222, %%rbp\n	movq $0x3333, %%r8\n	movq $0x4444, %%r9\n"
			 "	movq $8, %%r10\n	movq $0x6666, %%r12\n	movq $0x7777, %%r13\n	movq $0x8888, %%r14\n	movq $0x9999, %%r15\n"
			 "	std\n	cld\n	syscall\n"
			 "	popq %%rcx\n"
			 "	movq %%rbx, (%%rcx)\n	movq %%rbp, 8(%%rcx)\n	movq %%r8, 16(%%rcx)\n	movq %%r9, 24(%%rcx)\n"
			 "	movq %%r10, 32(%%rcx)\n	movq %%r12, 40(%%rcx)\n	movq %%r13, 48(%%rcx)\n	movq %%r14, 56(%%rcx)\n"
			 "	movq %%r15, 64(%%rcx)\n"
			 "	movq %%rdi, 72(%%rcx)\n	movq %%rsi, 80(%%rcx)\n	movq %%rdx, 88(%%rcx)\n"
			 "	popq %%rbp\n	popq %%rbx\n"
			 : "+r"(rax), "+r"(rdi), "+r"(rsi), "+r"(rdx)
			 : [seen] "r"(seen)
			 : "rcx", "r11", "r8", "r9", "r10", "r12", "r13", "r14", "r15", "memory", "cc");
	const unsigned long expected[] = { 0x1111, 0x2222, 0x3333, 0x4444, 8, 0x6666, 0x7777, 0x8888, 0x9999,
					   (unsigned long)argument[which][0], (unsigned long)argument[which][1], (unsigned long)argument[which][2] };
#else
	register long x8 __asm__("x8") = number[which];
	register long x0 __asm__("x0") = argument[which][0], x1 __asm__("x1") = argument[which][1], x2 __asm__("x2") = argument[which][2];
	register unsigned long *x19 __asm__("x19") = seen;
	__asm__ volatile("mov x3, 8\n	mov x4, 0x44\n	mov x5, 0x55\n	mov x6, 0x66\n	mov x7, 0x77\n	mov x9, 0x99\n"
			 "	mov x10, 0xa0\n	mov x11, 0xb0\n	mov x12, 0xc0\n	mov x13, 0xd0\n	mov x14, 0xe0\n	mov x15, 0xf0\n"
			 "	mov x16, 0x160\n	mov x17, 0x170\n	mov x20, 0x200\n	mov x21, 0x210\n	mov x22, 0x220\n"
			 "	mov x23, 0x230\n	mov x24, 0x240\n	mov x25, 0x250\n	mov x26, 0x260\n	mov x27, 0x270\n	mov x28, 0x280\n"
			 "	svc 0\n"
			 "	stp x3, x4, [x19]\n	stp x5, x6, [x19, 16]\n	stp x7, x9, [x19, 32]\n	stp x10, x11, [x19, 48]\n"
			 "	stp x12, x13, [x19, 64]\n	stp x14, x15, [x19, 80]\n	stp x16, x17, [x19, 96]\n	stp x20, x21, [x19, 112]\n"
			 "	stp x22, x23, [x19, 128]\n	stp x24, x25, [x19, 144]\n	stp x26, x27, [x19, 160]\n	stp x28, x1, [x19, 176]\n"
			 "	stp x2, x8, [x19, 192]\n"
			 : "+r"(x0)
			 : "r"(x1), "r"(x2), "r"(x8), "r"(x19)
			 : "x3", "x4", "x5", "x6", "x7", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x20", "x21", "x22",
			   "x23", "x24", "x25", "x26", "x27", "x28", "memory", "cc");
	const unsigned long expected[] = { 8, 0x44, 0x55, 0x66, 0x77, 0x99, 0xa0, 0xb0, 0xc0, 0xd0, 0xe0, 0xf0, 0x160, 0x170, 0x200, 0x210, 0x220,
					   0x230, 0x240, 0x250, 0x260, 0x270, 0x280, (unsigned long)argument[which][1],
					   (unsigned long)argument[which][2], (unsigned long)number[which] };
#endif
	int changed = 0;
	for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
		if (seen[i] != expected[i]) {
			fprintf(stderr, "call %ld: register %zu is %#lx, was %#lx\n", number[which], i, seen[i], expected[i]);
			changed++;
		}
	return changed;
}

int main(void)
{
	static struct timespec nap = { 0, 1000000 };
	static char bytes[8];
	signal(SIGUSR1, handler);
	const long calls[CALLS][4] = {
		{ SYS_getppid, 1, 2, 3 },
		{ SYS_sched_yield, 4, 5, 6 },
		{ SYS_nanosleep, (long)&nap, 0, 7 },
		{ SYS_read, 999, (long)bytes, 8 },
		{ SYS_rt_sigprocmask, SIG_BLOCK, 0, 0 },
		{ SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR1 },
		{ 999, 1, 2, 3 },
	};
	for (int i = 0; i < CALLS; i++) {
		number[i] = calls[i][0];
		memcpy(argument[i], &calls[i][1], sizeof argument[i]);
	}
	for (int turn = 0; turn < 50; turn++)
		for (int i = 0; i < CALLS; i++)
			CHECK_EQUAL(changed_by(i), 0);
	CHECK_EQUAL(count, 50);
	return 0;
}
