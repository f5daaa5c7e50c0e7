/* Every general and vector register survives signals delivered at random instants. */
#include "../check.h"
#include <sys/time.h>

static volatile sig_atomic_t count;
static void handler(int number)
{
	/* Spoil what a handler may spoil, integer and vector alike. */
	volatile double spoil = number;
	for (int i = 0; i < 20; i++)
		spoil = spoil * 1.5 + i;
	count++;
}

/* Loads patterns into registers, spins, and compares; answers 0 when all were kept. */
static int rounds(long spins)
{
	long bad = 0;
#ifdef __x86_64__
	__asm__ volatile(
		"mov $0x1111111111111111, %%rax\n mov $0x2222222222222222, %%rbx\n mov $0x3333333333333333, %%rdx\n"
		"mov $0x4444444444444444, %%rsi\n mov $0x5555555555555555, %%rdi\n mov $0x6666666666666666, %%r8\n"
		"mov $0x7777777777777777, %%r9\n mov $0x0888888888888888, %%r10\n mov $0x0999999999999999, %%r11\n"
		"mov $0x0aaaaaaaaaaaaaaa, %%r12\n mov $0x0bbbbbbbbbbbbbbb, %%r13\n mov $0x0ccccccccccccccc, %%r14\n"
		"movq %%rax, %%xmm0\n movq %%rbx, %%xmm7\n movq %%r8, %%xmm8\n movq %%r14, %%xmm15\n"
		"1: dec %%rcx\n jnz 1b\n"
		"movq %%xmm0, %%rcx\n cmp %%rax, %%rcx\n jne 2f\n movq %%xmm7, %%rcx\n cmp %%rbx, %%rcx\n jne 2f\n"
		"movq %%xmm8, %%rcx\n cmp %%r8, %%rcx\n jne 2f\n movq %%xmm15, %%rcx\n cmp %%r14, %%rcx\n jne 2f\n"
		"mov $0x1111111111111111, %%rcx\n cmp %%rcx, %%rax\n jne 2f\n mov $0x2222222222222222, %%rcx\n cmp %%rcx, %%rbx\n jne 2f\n"
		"mov $0x3333333333333333, %%rcx\n cmp %%rcx, %%rdx\n jne 2f\n mov $0x4444444444444444, %%rcx\n cmp %%rcx, %%rsi\n jne 2f\n"
		"mov $0x5555555555555555, %%rcx\n cmp %%rcx, %%rdi\n jne 2f\n mov $0x6666666666666666, %%rcx\n cmp %%rcx, %%r8\n jne 2f\n"
		"mov $0x7777777777777777, %%rcx\n cmp %%rcx, %%r9\n jne 2f\n mov $0x0888888888888888, %%rcx\n cmp %%rcx, %%r10\n jne 2f\n"
		"mov $0x0999999999999999, %%rcx\n cmp %%rcx, %%r11\n jne 2f\n mov $0x0aaaaaaaaaaaaaaa, %%rcx\n cmp %%rcx, %%r12\n jne 2f\n"
		"mov $0x0bbbbbbbbbbbbbbb, %%rcx\n cmp %%rcx, %%r13\n jne 2f\n mov $0x0ccccccccccccccc, %%rcx\n cmp %%rcx, %%r14\n jne 2f\n"
		"xor %%eax, %%eax\n jmp 3f\n 2: mov $1, %%eax\n 3:\n"
		: "=a"(bad), "+c"(spins)
		:
		: "rbx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "xmm0", "xmm7", "xmm8", "xmm15", "cc",
		  "memory");
#else
	__asm__ volatile(
		"mov x1, %1\n mov x2, #0x2222\n movk x2, #0x2222, lsl #48\n mov x3, #0x3333\n mov x4, #0x4444\n mov x5, #0x5555\n"
		"mov x6, #0x6666\n mov x7, #0x7777\n mov x8, #0x8888\n mov x9, #0x9999\n mov x10, #0xaaaa\n mov x11, #0xbbbb\n"
		"mov x12, #0xcccc\n mov x13, #0xdddd\n mov x14, #0xeeee\n mov x15, #0xf00f\n mov x16, #0x1616\n mov x17, #0x1717\n"
		"mov x19, #0x1919\n mov x20, #0x2020\n mov x28, #0x2828\n mov x30, #0x3030\n"
		"fmov d0, x2\n mov v0.d[1], x3\n fmov d15, x4\n mov v15.d[1], x5\n fmov d31, x6\n mov v31.d[1], x7\n"
		"1: subs x1, x1, #1\n b.ne 1b\n"
		"mov %0, #0\n"
		"fmov x1, d0\n cmp x1, x2\n cinc %0, %0, ne\n mov x1, v0.d[1]\n cmp x1, x3\n cinc %0, %0, ne\n"
		"fmov x1, d15\n cmp x1, x4\n cinc %0, %0, ne\n mov x1, v15.d[1]\n cmp x1, x5\n cinc %0, %0, ne\n"
		"fmov x1, d31\n cmp x1, x6\n cinc %0, %0, ne\n mov x1, v31.d[1]\n cmp x1, x7\n cinc %0, %0, ne\n"
		"mov x1, #0x2222\n movk x1, #0x2222, lsl #48\n cmp x1, x2\n cinc %0, %0, ne\n"
		"mov x1, #0x3333\n cmp x1, x3\n cinc %0, %0, ne\n mov x1, #0x4444\n cmp x1, x4\n cinc %0, %0, ne\n"
		"mov x1, #0x5555\n cmp x1, x5\n cinc %0, %0, ne\n mov x1, #0x6666\n cmp x1, x6\n cinc %0, %0, ne\n"
		"mov x1, #0x7777\n cmp x1, x7\n cinc %0, %0, ne\n mov x1, #0x8888\n cmp x1, x8\n cinc %0, %0, ne\n"
		"mov x1, #0x9999\n cmp x1, x9\n cinc %0, %0, ne\n mov x1, #0xaaaa\n cmp x1, x10\n cinc %0, %0, ne\n"
		"mov x1, #0xbbbb\n cmp x1, x11\n cinc %0, %0, ne\n mov x1, #0xcccc\n cmp x1, x12\n cinc %0, %0, ne\n"
		"mov x1, #0xdddd\n cmp x1, x13\n cinc %0, %0, ne\n mov x1, #0xeeee\n cmp x1, x14\n cinc %0, %0, ne\n"
		"mov x1, #0xf00f\n cmp x1, x15\n cinc %0, %0, ne\n mov x1, #0x1616\n cmp x1, x16\n cinc %0, %0, ne\n"
		"mov x1, #0x1717\n cmp x1, x17\n cinc %0, %0, ne\n mov x1, #0x1919\n cmp x1, x19\n cinc %0, %0, ne\n"
		"mov x1, #0x2020\n cmp x1, x20\n cinc %0, %0, ne\n mov x1, #0x2828\n cmp x1, x28\n cinc %0, %0, ne\n"
		"mov x1, #0x3030\n cmp x1, x30\n cinc %0, %0, ne\n"
		: "=&r"(bad)
		: "r"(spins)
		: "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "x19",
		  "x20", "x28", "x30", "v0", "v15", "v31", "cc", "memory");
#endif
	return bad != 0;
}

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct itimerval often = { .it_interval = { 0, 1000 }, .it_value = { 0, 1000 } };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &often, NULL), 0);
	uint64_t state = 42;
	while (count < 100)
		CHECK_EQUAL(rounds(1000 + (long)(next_random(&state) % 100000)), 0);
	return 0;
}
