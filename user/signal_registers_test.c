/* Every general, floating-point and vector register survives signals that arrive at arbitrary instructions, whatever the handler does to
 * them; what the handler changes in the frame is what the program goes on with; and the frame has the layout that Linux documents.
 *
 * A timer and another thread interrupt a loop that does nothing but compare registers with what they were given. Usage:
 * signal_registers_test [SIGNALS]; without an argument a few hundred, for a million give it. */
#include "check.h"
#include <pthread.h>
#include <sys/time.h>
#include <ucontext.h>

static volatile sig_atomic_t count;
static int wanted = 300;
static uint64_t places[64];

#if defined(__x86_64__)
enum { VECTOR_BYTES = 32, VECTORS = 16, GENERAL = 14 };
#else
enum { VECTOR_BYTES = 16, VECTORS = 32, GENERAL = 29 };
#endif

struct image {
	uint64_t general[GENERAL];
	uint64_t flags;
	unsigned char vectors[VECTORS][VECTOR_BYTES] __attribute__((aligned(32)));
} __attribute__((aligned(64)));

static struct image given, found;

#if defined(__x86_64__)
static int has_avx;

/* Loads every register, spins, and stores every register. rdi counts the spins, rsp stays. */
__attribute__((naked, noinline)) static void spin(const struct image *from __attribute__((unused)),
						   struct image *to __attribute__((unused)),
						   uint64_t spins __attribute__((unused)), int wide __attribute__((unused)))
{
	__asm__ volatile(
		"push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n\t"
		"push %rsi; push %rcx; push %rdx\n\t"
		"test %ecx, %ecx; jz 1f\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"vmovdqa 128+32*\\n(%rdi), %ymm\\n\n\t"
		".endr\n\t"
		"jmp 2f\n\t"
		"1:\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movdqa 128+32*\\n(%rdi), %xmm\\n\n\t"
		".endr\n\t"
		"2:\n\t"
		"push 112(%rdi); popfq\n\t"
		"mov 0(%rdi), %rax; mov 8(%rdi), %rbx; mov 16(%rdi), %rcx; mov 24(%rdi), %rdx\n\t"
		"mov 32(%rdi), %rsi; mov 40(%rdi), %rbp; mov 48(%rdi), %r8; mov 56(%rdi), %r9\n\t"
		"mov 64(%rdi), %r10; mov 72(%rdi), %r11; mov 80(%rdi), %r12; mov 88(%rdi), %r13\n\t"
		"mov 96(%rdi), %r14; mov 104(%rdi), %r15\n\t"
		"mov (%rsp), %rdi\n\t"
		/* Counts without touching a flag: jrcxz wants rcx, so it is exchanged for the length of the look. */
		"3:\n\t"
		"lea -1(%rdi), %rdi\n\t"
		"xchg %rcx, %rdi\n\t"
		"jrcxz 4f\n\t"
		"xchg %rcx, %rdi\n\t"
		"jmp 3b\n\t"
		"4: xchg %rcx, %rdi\n\t"
		"mov 16(%rsp), %rdi\n\t"
		"mov %rax, 0(%rdi); mov %rbx, 8(%rdi); mov %rcx, 16(%rdi); mov %rdx, 24(%rdi)\n\t"
		"mov %rsi, 32(%rdi); mov %rbp, 40(%rdi); mov %r8, 48(%rdi); mov %r9, 56(%rdi)\n\t"
		"mov %r10, 64(%rdi); mov %r11, 72(%rdi); mov %r12, 80(%rdi); mov %r13, 88(%rdi)\n\t"
		"mov %r14, 96(%rdi); mov %r15, 104(%rdi)\n\t"
		"pushfq; pop 112(%rdi)\n\t"
		"cmpl $0, 8(%rsp); je 5f\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"vmovdqa %ymm\\n, 128+32*\\n(%rdi)\n\t"
		".endr\n\t"
		"jmp 6f\n\t"
		"5:\n\t"
		".irp n,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n\t"
		"movdqa %xmm\\n, 128+32*\\n(%rdi)\n\t"
		".endr\n\t"
		"6:\n\t"
		"add $24, %rsp\n\t"
		"cld\n\t"
		"pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n\t"
		"ret");
}

__attribute__((target("avx"))) static void clobber_wide(void)
{
	__asm__ volatile("vpcmpeqd %%xmm0, %%xmm0, %%xmm0; vinsertf128 $1, %%xmm0, %%ymm0, %%ymm0; vmovaps %%ymm0, %%ymm1; vmovaps %%ymm0, %%ymm7; vmovaps %%ymm0, %%ymm15; vzeroall" ::: "memory");
}

static void clobber(void)
{
	if (has_avx)
		clobber_wide();
	__asm__ volatile("fninit; fldpi; pxor %%xmm0, %%xmm0; pxor %%xmm5, %%xmm5; pxor %%xmm15, %%xmm15" ::: "memory");
}

/* Flags that a program may set: carry, parity, adjust, zero, sign, direction, overflow. */
static uint64_t random_flags(uint64_t word) { return 0x202 | (word & 0x8d5) | (word >> 20 & 0x400); }
static int same_flags(uint64_t one, uint64_t other) { return ((one ^ other) & 0xcd5) == 0; }

static void check_frame(ucontext_t *context)
{
	/* The instruction, the stack and the words that announce an extended state. */
	unsigned char *state = (unsigned char *)context->uc_mcontext.fpregs;
	CHECK(((uintptr_t)state & 63) == 0);
	uint32_t magic, bytes, end;
	memcpy(&magic, state + 464, 4), memcpy(&bytes, state + 468, 4);
	if (has_avx) {
		CHECK_EQUAL(magic, 0x46505853);
		CHECK(bytes >= 832 + 4);
		memcpy(&end, state + bytes - 4, 4);
		CHECK_EQUAL(end, 0x46505845);
		CHECK(context->uc_flags & 1);
	}
	uint64_t components;
	memcpy(&components, state + 472, 8);
	CHECK(!has_avx || (components & 7) == 7);
}

static uint64_t place_of(ucontext_t *context) { return context->uc_mcontext.gregs[REG_RIP]; }

#else
/* Loads every register but the platform's own (x18), the frame pointer and the link, spins, and stores every register. x0 counts. */
__attribute__((noinline)) static void spin(const struct image *from, struct image *to, uint64_t spins, int wide)
{
	(void)wide;
	uint64_t arguments[4] = { (uint64_t)from, (uint64_t)to, spins, 0 };
	__asm__ volatile(
		"stp x29, x30, [sp, #-96]!\n\t"
		"stp x18, x19, [sp, #16]\n\t"
		"mov x29, %0\n\t"
		"str x29, [sp, #40]\n\t"
		"ldr x30, [x29]\n\t"
		"ldr x0, [x30, #232]\n\t"
		"msr nzcv, x0\n\t"
		"add x0, x30, #256\n\t"
		"ldp q0, q1, [x0], #32\n\t" "ldp q2, q3, [x0], #32\n\t" "ldp q4, q5, [x0], #32\n\t" "ldp q6, q7, [x0], #32\n\t"
		"ldp q8, q9, [x0], #32\n\t" "ldp q10, q11, [x0], #32\n\t" "ldp q12, q13, [x0], #32\n\t" "ldp q14, q15, [x0], #32\n\t"
		"ldp q16, q17, [x0], #32\n\t" "ldp q18, q19, [x0], #32\n\t" "ldp q20, q21, [x0], #32\n\t" "ldp q22, q23, [x0], #32\n\t"
		"ldp q24, q25, [x0], #32\n\t" "ldp q26, q27, [x0], #32\n\t" "ldp q28, q29, [x0], #32\n\t" "ldp q30, q31, [x0], #32\n\t"
		"ldr x0, [x29, #16]\n\t"
		"ldp x1, x2, [x30, #8]\n\t" "ldp x3, x4, [x30, #24]\n\t" "ldp x5, x6, [x30, #40]\n\t" "ldp x7, x8, [x30, #56]\n\t"
		"ldp x9, x10, [x30, #72]\n\t" "ldp x11, x12, [x30, #88]\n\t" "ldp x13, x14, [x30, #104]\n\t" "ldp x15, x16, [x30, #120]\n\t"
		"ldr x17, [x30, #136]\n\t" "ldp x19, x20, [x30, #152]\n\t" "ldp x21, x22, [x30, #168]\n\t" "ldp x23, x24, [x30, #184]\n\t"
		"ldp x25, x26, [x30, #200]\n\t" "ldp x27, x28, [x30, #216]\n\t"
		"3:\n\t"
		"sub x0, x0, #1\n\t"
		"cbnz x0, 3b\n\t"
		"ldr x30, [x29, #8]\n\t"
		"stp x1, x2, [x30, #8]\n\t" "stp x3, x4, [x30, #24]\n\t" "stp x5, x6, [x30, #40]\n\t" "stp x7, x8, [x30, #56]\n\t"
		"stp x9, x10, [x30, #72]\n\t" "stp x11, x12, [x30, #88]\n\t" "stp x13, x14, [x30, #104]\n\t" "stp x15, x16, [x30, #120]\n\t"
		"str x17, [x30, #136]\n\t" "stp x19, x20, [x30, #152]\n\t" "stp x21, x22, [x30, #168]\n\t" "stp x23, x24, [x30, #184]\n\t"
		"stp x25, x26, [x30, #200]\n\t" "stp x27, x28, [x30, #216]\n\t"
		"mrs x0, nzcv\n\t"
		"str x0, [x30, #232]\n\t"
		"add x0, x30, #256\n\t"
		"stp q0, q1, [x0], #32\n\t" "stp q2, q3, [x0], #32\n\t" "stp q4, q5, [x0], #32\n\t" "stp q6, q7, [x0], #32\n\t"
		"stp q8, q9, [x0], #32\n\t" "stp q10, q11, [x0], #32\n\t" "stp q12, q13, [x0], #32\n\t" "stp q14, q15, [x0], #32\n\t"
		"stp q16, q17, [x0], #32\n\t" "stp q18, q19, [x0], #32\n\t" "stp q20, q21, [x0], #32\n\t" "stp q22, q23, [x0], #32\n\t"
		"stp q24, q25, [x0], #32\n\t" "stp q26, q27, [x0], #32\n\t" "stp q28, q29, [x0], #32\n\t" "stp q30, q31, [x0], #32\n\t"
		"ldp x18, x19, [sp, #16]\n\t"
		"ldp x29, x30, [sp], #96\n\t"
		:
		: "r"(arguments)
		: "x0", "x1", "x2", "x3", "x4", "x5", "x6", "x7", "x8", "x9", "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17",
		  "x20", "x21", "x22", "x23", "x24", "x25", "x26", "x27", "x28", "x30", "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7",
		  "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24",
		  "v25", "v26", "v27", "v28", "v29", "v30", "v31", "memory", "cc");
}

static void clobber(void)
{
	__asm__ volatile("movi v0.16b, #255\n\tmovi v7.16b, #255\n\tmovi v16.16b, #255\n\tmovi v31.16b, #255" ::: "v0", "v7", "v16", "v31");
}

static uint64_t random_flags(uint64_t word) { return word & 0xf0000000; }
static int same_flags(uint64_t one, uint64_t other) { return ((one ^ other) & 0xf0000000) == 0; }

static void check_frame(ucontext_t *context)
{
	struct _aarch64_ctx head;
	memcpy(&head, context->uc_mcontext.__reserved, sizeof head);
	CHECK_EQUAL(head.magic, FPSIMD_MAGIC);
	CHECK_EQUAL(head.size, sizeof(struct fpsimd_context));
}

static uint64_t place_of(ucontext_t *context) { return context->uc_mcontext.pc; }
#endif

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)info;
	check_frame(context);
	places[place_of(context) & 63]++;
	clobber();
	count++;
}

/* A handler that changes registers in the frame: the program must go on with those. */
static void changes(int number, siginfo_t *info, void *context_pointer)
{
	(void)number, (void)info;
	ucontext_t *context = context_pointer;
	static const unsigned char pattern[16] = "written by hand";
#if defined(__x86_64__)
	context->uc_mcontext.gregs[REG_RBX] = 0x1122334455667788;
	memcpy((char *)context->uc_mcontext.fpregs->_xmm + 16 * 9, pattern, 16);
#else
	context->uc_mcontext.regs[20] = 0x1122334455667788;
	struct fpsimd_context *state = (void *)context->uc_mcontext.__reserved;
	memcpy(&state->vregs[9], pattern, 16);
#endif
	count++;
}

static void change_in_frame(void)
{
	struct sigaction action = { .sa_sigaction = changes, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	unsigned char vector[16];
	uint64_t general;
	long result, pid = getpid();
#if defined(__x86_64__)
	__asm__ volatile("pxor %%xmm9, %%xmm9; xor %%ebx, %%ebx; syscall; movdqu %%xmm9, %[vector]; mov %%rbx, %[general]"
			 : "=a"(result), [vector] "=m"(vector), [general] "=r"(general)
			 : "a"(SYS_kill), "D"(pid), "S"((long)SIGUSR1)
			 : "rbx", "rcx", "r11", "xmm9", "memory");
#else
	register long x0 __asm__("x0") = pid, x1 __asm__("x1") = SIGUSR1, x8 __asm__("x8") = SYS_kill;
	__asm__ volatile("movi v9.16b, #0\n\tmov x20, #0\n\tsvc #0\n\tstr q9, [%[vector]]\n\tmov %[general], x20"
			 : "+r"(x0), [general] "=&r"(general)
			 : "r"(x1), "r"(x8), [vector] "r"(vector)
			 : "x20", "v9", "memory");
	result = x0;
#endif
	CHECK_EQUAL(result, 0);
	CHECK_EQUAL(general, 0x1122334455667788);
	CHECK(memcmp(vector, "written by hand", 16) == 0);
}

static volatile pid_t target;

/* Sends one signal after the other, each when the last has been handled and a moment of random length has passed. */
static void *sends(void *unused)
{
	uint64_t random = 1181783497276652981;
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGALRM);
	CHECK_EQUAL(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
	while (count < wanted) {
		int before = count;
		CHECK_EQUAL(syscall(SYS_tgkill, getpid(), target, SIGALRM), 0);
		for (int step = 0; count == before && count < wanted; step++)
			if (step > 1000)
				sched_yield();
		for (volatile int step = next_random(&random) % 3000; step > 0; step--)
			;
	}
	return unused;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		wanted = atoi(argv[1]);
#if defined(__x86_64__)
	has_avx = __builtin_cpu_supports("avx") != 0;
#endif
	change_in_frame();
	count = 0;
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	struct itimerval timer = { { 0, 300 }, { 0, 300 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	pthread_t sender;
	target = gettid();
	CHECK_EQUAL(pthread_create(&sender, NULL, sends, NULL), 0);
	uint64_t random = 88172645463325252;
	while (count < wanted) {
		unsigned char *bytes = (unsigned char *)&given;
		for (size_t at = 0; at < sizeof given; at++)
			bytes[at] = next_random(&random) >> 32;
		given.flags = random_flags(given.flags);
#if defined(__x86_64__)
		if (!has_avx)
			for (int index = 0; index < VECTORS; index++)
				memset(given.vectors[index] + 16, 0, 16);
#endif
		memset(&found, 0, sizeof found);
		/* Lengths of different phase against the timer: signals come at every instruction of the loop and around it. */
		spin(&given, &found, next_random(&random) % 40000 + 1, 0
#if defined(__x86_64__)
			+ has_avx
#endif
		);
		for (int index = 0; index < GENERAL; index++) {
#if defined(__aarch64__)
			if (index == 0 || index == 18)
				continue;
#endif
			CHECK_EQUAL(found.general[index], given.general[index]);
		}
		CHECK(same_flags(found.flags, given.flags));
		for (int index = 0; index < VECTORS; index++)
			CHECK(memcmp(found.vectors[index], given.vectors[index], VECTOR_BYTES) == 0);
	}
	memset(&timer, 0, sizeof timer);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
	CHECK_EQUAL(pthread_join(sender, NULL), 0);
	return 0;
}
