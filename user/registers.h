/* Every register a program has, loaded with given values, held over a long piece of code, and looked at again.
 *
 * `registers_hold` loads all registers from `registers_given`, runs through `registers_first`..`registers_last`, and stores all of them in
 * `registers_found`. The piece is thousands of instructions long; each changes one register, forty times each, so that in the end none is
 * changed, and no flag. Jumps lie between, since some emulators take interrupts at jumps only.
 *
 * The stack pointer holds a value like the others, so signals need an alternate stack. `registers_handler` is a handler that calls
 * `registers_signal` and returns with everything destroyed. Not held: segment bases (the C library's own), x87's addresses of the last
 * instruction (not every processor keeps them), state a program must first ask for (protection keys' rights, AMX), SVE. */
#ifndef REGISTERS_H
#define REGISTERS_H

#include "check.h"
#include <ucontext.h>

/* Called by `registers_handler`. */
void registers_signal(int number, siginfo_t *info, void *context);
void registers_handler(int number, siginfo_t *info, void *context);
void registers_hold(void);
extern const char registers_first[], registers_last[];

#if defined(__x86_64__)
#include <cpuid.h>

enum { GENERAL = 16, STATE_BYTES = 4096 };

/* The offsets are known to the code below. */
struct registers {
	uint64_t general[GENERAL];
	uint64_t flags;
	uint64_t unused[7];
	unsigned char state[STATE_BYTES] __attribute__((aligned(64))); /* as XSAVE and FXSAVE have it */
} __attribute__((aligned(64)));

struct registers registers_given, registers_found, registers_trash;
uint64_t registers_rounds, registers_stack;
/* Components of the state; 0 where there is no XSAVE. */
uint32_t registers_components;

__asm__(".text\n"
	".global registers_hold, registers_handler, registers_first, registers_last\n"
	".macro state fast slow area\n"
	"	movl registers_components(%rip), %eax\n"
	"	xorl %edx, %edx\n"
	"	testl %eax, %eax\n"
	"	jz 1f\n"
	"	\\fast \\area+192(%rip)\n"
	"	jmp 2f\n"
	"1:	\\slow \\area+192(%rip)\n"
	"2:\n"
	".endm\n"
	".macro general area\n"
	"	mov \\area+0(%rip), %rax; mov \\area+8(%rip), %rbx; mov \\area+16(%rip), %rcx; mov \\area+24(%rip), %rdx\n"
	"	mov \\area+32(%rip), %rsi; mov \\area+40(%rip), %rdi; mov \\area+48(%rip), %rbp; mov \\area+56(%rip), %r8\n"
	"	mov \\area+64(%rip), %r9; mov \\area+72(%rip), %r10; mov \\area+80(%rip), %r11; mov \\area+88(%rip), %r12\n"
	"	mov \\area+96(%rip), %r13; mov \\area+104(%rip), %r14; mov \\area+112(%rip), %r15\n"
	".endm\n"
	/* Every register changed once: complements, and exchanged halves. */
	".macro change\n"
	".irp name,rax,rbx,rcx,rdx,rsi,rdi,rbp,rsp,r8,r9,r10,r11,r12,r13,r14,r15\n"
	"	not %\\name\n	jmp .+2\n"
	".endr\n"
	".irp number,0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15\n"
	"	pshufd $0x4e, %xmm\\number, %xmm\\number\n	jmp .+2\n"
	".endr\n"
	".endm\n"
	"	.balign 16\n"
	"	.type registers_hold, @function\n"
	"registers_hold:\n"
	"	push %rbx; push %rbp; push %r12; push %r13; push %r14; push %r15\n"
	"	mov %rsp, registers_stack(%rip)\n"
	"	state xrstor64 fxrstor64 registers_given\n"
	"	push registers_given+128(%rip); popfq\n"
	"	general registers_given\n"
	"	mov registers_given+120(%rip), %rsp\n"
	"registers_first:\n"
	".rept 20\n	change\n	.endr\n"
	".rept 20\n	change\n	.endr\n"
	/* Counts without touching a flag or losing a register. */
	"	xchg %rcx, registers_rounds(%rip)\n"
	"	lea -1(%rcx), %rcx\n"
	"	jrcxz 4f\n"
	"	xchg %rcx, registers_rounds(%rip)\n"
	"	jmp registers_first\n"
	"4:	xchg %rcx, registers_rounds(%rip)\n"
	"registers_last:\n"
	"	mov %rax, registers_found+0(%rip); mov %rbx, registers_found+8(%rip); mov %rcx, registers_found+16(%rip)\n"
	"	mov %rdx, registers_found+24(%rip); mov %rsi, registers_found+32(%rip); mov %rdi, registers_found+40(%rip)\n"
	"	mov %rbp, registers_found+48(%rip); mov %r8, registers_found+56(%rip); mov %r9, registers_found+64(%rip)\n"
	"	mov %r10, registers_found+72(%rip); mov %r11, registers_found+80(%rip); mov %r12, registers_found+88(%rip)\n"
	"	mov %r13, registers_found+96(%rip); mov %r14, registers_found+104(%rip); mov %r15, registers_found+112(%rip)\n"
	"	mov %rsp, registers_found+120(%rip)\n"
	"	mov registers_stack(%rip), %rsp\n"
	"	pushfq; pop registers_found+128(%rip)\n"
	"	cld\n"
	"	state xsave64 fxsave64 registers_found\n"
	"	pop %r15; pop %r14; pop %r13; pop %r12; pop %rbp; pop %rbx\n"
	"	ret\n"
	"	.size registers_hold, .-registers_hold\n"
	"	.type registers_handler, @function\n"
	"registers_handler:\n"
	"	sub $8, %rsp\n"
	"	call registers_signal\n"
	"	add $8, %rsp\n"
	"	state xrstor64 fxrstor64 registers_trash\n"
	"	general registers_trash\n"
	"	push registers_trash+128(%rip); popfq\n"
	"	ret\n"
	"	.size registers_handler, .-registers_handler\n");

/* Bytes of `state` that are compared. */
static unsigned char registers_compared[STATE_BYTES];

static void registers_start(void)
{
	unsigned eax, ebx, ecx, edx, low, high;
	CHECK(__get_cpuid(1, &eax, &ebx, &ecx, &edx));
	memset(registers_compared, 0xff, 5);
	memset(registers_compared + 24, 0xff, 4);
	for (int i = 0; i < 8; i++)
		memset(registers_compared + 32 + 16 * i, 0xff, 10);
	memset(registers_compared + 160, 0xff, 256);
	if (!(ecx >> 27 & 1))
		return;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	registers_components = low & 0xe7;
	for (int component = 2; component < 8; component++)
		if (registers_components >> component & 1) {
			__cpuid_count(0xd, component, eax, ebx, ecx, edx);
			CHECK(ebx + eax <= STATE_BYTES);
			memset(registers_compared + ebx, 0xff, eax);
		}
}

/* Makes the random bytes in `to` values that registers can have. */
static void registers_allow(struct registers *to)
{
	static const uint16_t precisions[4] = { 0, 0x200, 0x300, 0x300 };
	uint16_t control, status;
	uint32_t vector_control;
	/* Carry, parity, adjust, zero, sign, direction, overflow. */
	to->flags = 0x202 | (to->flags & 0xcd5);
	memcpy(&control, to->state, 2), memcpy(&status, to->state + 2, 2), memcpy(&vector_control, to->state + 24, 4);
	/* Every exception masked; rounding and precision are free. */
	control = 0x7f | precisions[control >> 8 & 3] | (control & 0xc00);
	/* No exception pending; top of stack and conditions are free. */
	status &= 0x7f7f;
	vector_control = 0x1f80 | (vector_control & 0xe03f);
	memcpy(to->state, &control, 2), memcpy(to->state + 2, &status, 2), memcpy(to->state + 24, &vector_control, 4);
	memset(to->state + 512, 0, 64);
	memcpy(to->state + 512, &registers_components, 4);
}

static void registers_compare(void)
{
	for (int i = 0; i < GENERAL; i++)
		CHECK_EQUAL(registers_found.general[i], registers_given.general[i]);
	CHECK_EQUAL(registers_found.flags & 0xcd5, registers_given.flags & 0xcd5);
	for (int i = 0; i < STATE_BYTES; i++)
		if (registers_compared[i] && registers_found.state[i] != registers_given.state[i]) {
			fprintf(stderr, "byte %d of the state: %#x, expected %#x\n", i, registers_found.state[i], registers_given.state[i]);
			exit(1);
		}
}

static inline uint64_t registers_place(const ucontext_t *context)
{
	return context->uc_mcontext.gregs[REG_RIP];
}

#else

enum { GENERAL = 31 };

/* The offsets are known to the code below. */
struct registers {
	uint64_t general[GENERAL];
	uint64_t condition; /* NZCV */
	uint64_t rounds;
	uint64_t saved;
	uint64_t control; /* FPCR */
	uint64_t status;  /* FPSR */
	unsigned char vectors[32][16];
} __attribute__((aligned(16)));

struct registers registers_given, registers_found, registers_trash;
uint64_t registers_stack;

#define CHANGE_VECTOR(n) "	mvn v" #n ".16b, v" #n ".16b\n	b .+4\n"
#define CHANGE(n) "	mvn x" #n ", x" #n "\n	b .+4\n" CHANGE_VECTOR(n)

__asm__(".text\n"
	".global registers_hold, registers_handler, registers_first, registers_last\n"
	".macro vectors what\n"
	"	\\what q0, q1, [x1], #32\n	\\what q2, q3, [x1], #32\n	\\what q4, q5, [x1], #32\n	\\what q6, q7, [x1], #32\n"
	"	\\what q8, q9, [x1], #32\n	\\what q10, q11, [x1], #32\n	\\what q12, q13, [x1], #32\n	\\what q14, q15, [x1], #32\n"
	"	\\what q16, q17, [x1], #32\n	\\what q18, q19, [x1], #32\n	\\what q20, q21, [x1], #32\n	\\what q22, q23, [x1], #32\n"
	"	\\what q24, q25, [x1], #32\n	\\what q26, q27, [x1], #32\n	\\what q28, q29, [x1], #32\n	\\what q30, q31, [x1], #32\n"
	".endm\n"
	/* x0 to x29. */
	".macro general what base\n"
	"	\\what x0, x1, [\\base]\n	\\what x2, x3, [\\base, #16]\n	\\what x4, x5, [\\base, #32]\n	\\what x6, x7, [\\base, #48]\n"
	"	\\what x8, x9, [\\base, #64]\n	\\what x10, x11, [\\base, #80]\n	\\what x12, x13, [\\base, #96]\n"
	"	\\what x14, x15, [\\base, #112]\n	\\what x16, x17, [\\base, #128]\n	\\what x18, x19, [\\base, #144]\n"
	"	\\what x20, x21, [\\base, #160]\n	\\what x22, x23, [\\base, #176]\n	\\what x24, x25, [\\base, #192]\n"
	"	\\what x26, x27, [\\base, #208]\n	\\what x28, x29, [\\base, #224]\n"
	".endm\n"
	".macro load_state area\n"
	"	adrp x0, \\area\n	add x0, x0, :lo12:\\area\n"
	"	ldr x1, [x0, #272]\n	msr fpcr, x1\n"
	"	ldr x1, [x0, #280]\n	msr fpsr, x1\n"
	"	add x1, x0, #288\n	vectors ldp\n"
	"	ldr x1, [x0, #248]\n	msr nzcv, x1\n"
	".endm\n"
	".macro change\n"
	CHANGE(0) CHANGE(1) CHANGE(2) CHANGE(3) CHANGE(4) CHANGE(5) CHANGE(6) CHANGE(7) CHANGE(8) CHANGE(9) CHANGE(10) CHANGE(11)
	CHANGE(12) CHANGE(13) CHANGE(14) CHANGE(15) CHANGE(16) CHANGE(17) CHANGE(18) CHANGE(19) CHANGE(20) CHANGE(21) CHANGE(22)
	CHANGE(23) CHANGE(24) CHANGE(25) CHANGE(26) CHANGE(27) CHANGE(28) CHANGE(29) CHANGE(30) CHANGE_VECTOR(31)
	".endm\n"
	"	.balign 16\n"
	"	.type registers_hold, %function\n"
	"registers_hold:\n"
	"	stp x29, x30, [sp, #-176]!\n"
	"	stp x18, x19, [sp, #16]\n	stp x20, x21, [sp, #32]\n	stp x22, x23, [sp, #48]\n	stp x24, x25, [sp, #64]\n"
	"	stp x26, x27, [sp, #80]\n	str x28, [sp, #96]\n"
	"	stp d8, d9, [sp, #104]\n	stp d10, d11, [sp, #120]\n	stp d12, d13, [sp, #136]\n	stp d14, d15, [sp, #152]\n"
	"	mrs x0, fpcr\n	str x0, [sp, #168]\n"
	"	adrp x0, registers_stack\n	mov x1, sp\n	str x1, [x0, #:lo12:registers_stack]\n"
	"	load_state registers_given\n"
	"	adrp x0, registers_found\n	add x0, x0, :lo12:registers_found\n	mov sp, x0\n"
	"	adrp x30, registers_given\n	add x30, x30, :lo12:registers_given\n"
	"	general ldp x30\n"
	"	ldr x30, [x30, #240]\n"
	"registers_first:\n"
	".rept 20\n	change\n	.endr\n"
	".rept 20\n	change\n	.endr\n"
	"	str x0, [sp, #264]\n"
	"	ldr x0, [sp, #256]\n	sub x0, x0, #1\n	str x0, [sp, #256]\n"
	"	cbz x0, 4f\n"
	"	ldr x0, [sp, #264]\n	b registers_first\n"
	"4:	ldr x0, [sp, #264]\n"
	"registers_last:\n"
	"	general stp sp\n"
	"	str x30, [sp, #240]\n"
	"	mrs x0, nzcv\n	str x0, [sp, #248]\n"
	"	mrs x0, fpcr\n	str x0, [sp, #272]\n"
	"	mrs x0, fpsr\n	str x0, [sp, #280]\n"
	"	add x1, sp, #288\n	vectors stp\n"
	"	adrp x0, registers_stack\n	ldr x1, [x0, #:lo12:registers_stack]\n	mov sp, x1\n"
	"	ldr x0, [sp, #168]\n	msr fpcr, x0\n"
	"	ldp d8, d9, [sp, #104]\n	ldp d10, d11, [sp, #120]\n	ldp d12, d13, [sp, #136]\n	ldp d14, d15, [sp, #152]\n"
	"	ldp x18, x19, [sp, #16]\n	ldp x20, x21, [sp, #32]\n	ldp x22, x23, [sp, #48]\n	ldp x24, x25, [sp, #64]\n"
	"	ldp x26, x27, [sp, #80]\n	ldr x28, [sp, #96]\n"
	"	ldp x29, x30, [sp], #176\n"
	"	ret\n"
	"	.size registers_hold, .-registers_hold\n"
	"	.type registers_handler, %function\n"
	"registers_handler:\n"
	"	str x30, [sp, #-16]!\n"
	"	bl registers_signal\n"
	"	ldr x30, [sp], #16\n"
	"	load_state registers_trash\n"
	"	mov x29, x0\n"
	"	general ldp x29\n"
	"	ret\n"
	"	.size registers_handler, .-registers_handler\n");

static void registers_start(void) { }

/* Makes the random bytes in `to` values that registers can have. */
static void registers_allow(struct registers *to)
{
	to->condition &= 0xf0000000;
	/* Rounding, flush to zero, default NaN, alternative half precision. */
	to->control &= 0x07c00000;
	/* Saturation, and the exceptions seen. */
	to->status &= 0x0800009f;
}

static void registers_compare(void)
{
	for (int i = 0; i < GENERAL; i++)
		CHECK_EQUAL(registers_found.general[i], registers_given.general[i]);
	CHECK_EQUAL(registers_found.condition, registers_given.condition);
	CHECK_EQUAL(registers_found.control, registers_given.control);
	CHECK_EQUAL(registers_found.status, registers_given.status);
	for (int i = 0; i < 32; i++)
		CHECK(memcmp(registers_found.vectors[i], registers_given.vectors[i], 16) == 0);
}

static inline uint64_t registers_place(const ucontext_t *context)
{
	return context->uc_mcontext.pc;
}
#endif

/* Holds new random values for so many rounds of the piece, and compares. */
static inline void registers_try(uint64_t *random, uint64_t rounds)
{
	unsigned char *bytes = (unsigned char *)&registers_given;
	for (size_t at = 0; at < sizeof registers_given; at += sizeof(uint64_t)) {
		uint64_t word = next_random(random) * 0x2545f4914f6cdd1d;
		memcpy(bytes + at, &word, sizeof word);
	}
	registers_allow(&registers_given);
	memset(&registers_found, 0, sizeof registers_found);
#if defined(__x86_64__)
	registers_rounds = rounds;
#else
	registers_found.rounds = rounds;
#endif
	registers_hold();
	registers_compare();
}

/* What handlers leave behind: like the given values, none of them the same. */
static inline void registers_prepare(uint64_t *random)
{
	registers_start();
	unsigned char *bytes = (unsigned char *)&registers_trash;
	for (size_t at = 0; at < sizeof registers_trash; at++)
		bytes[at] = next_random(random) >> 24;
	registers_allow(&registers_trash);
}

#endif
