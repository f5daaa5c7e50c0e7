/* A new program starts with every general register zero but the stack pointer, and nothing of the kernel or of another program in its
 * vector registers. Written without a C library, whose start would have used the registers before us. */
enum { GENERAL = 31, VECTOR = 64 };
struct at_start {
	unsigned long general[GENERAL];
	unsigned long vector[VECTOR];
} at_start;

static void say_and_exit(const char *text, long bytes, int status)
{
#ifdef __x86_64__
	long answer;
	__asm__ volatile("syscall" : "=a"(answer) : "a"(1L), "D"(2L), "S"(text), "d"(bytes) : "rcx", "r11", "memory");
	__asm__ volatile("syscall" : "=a"(answer) : "a"(231L), "D"((long)status) : "rcx", "r11", "memory");
#else
	register long number __asm__("x8") = 64, first __asm__("x0") = 2, third __asm__("x2") = bytes;
	register const char *second __asm__("x1") = text;
	__asm__ volatile("svc 0" : "+r"(first) : "r"(number), "r"(second), "r"(third) : "memory");
	number = 94, first = status;
	__asm__ volatile("svc 0" : "+r"(first) : "r"(number) : "memory");
#endif
	for (;;)
		;
}

__attribute__((used)) void look(unsigned long *stack)
{
	int wrong = 0;
	for (int i = 0; i < GENERAL; i++)
		wrong |= at_start.general[i] != 0;
	if (wrong)
		say_and_exit("a general register is not zero at the start\n", 44, 1);
	for (int i = 0; i < VECTOR; i++)
		wrong |= at_start.vector[i] != 0;
	if (wrong)
		say_and_exit("a vector register is not zero at the start\n", 43, 1);
	/* What the stack pointer leads to: the number of arguments, at a multiple of 16. */
	if ((unsigned long)stack % 16 != 0 || *stack != 1)
		say_and_exit("the stack pointer does not lead to the arguments\n", 49, 1);
	say_and_exit("", 0, 0);
}

void _start(void);
#ifdef __x86_64__
__asm__(".globl _start\n"
	"_start:\n"
	"	movq %rax, at_start+0(%rip)\n"
	"	movq %rbx, at_start+8(%rip)\n"
	"	movq %rcx, at_start+16(%rip)\n"
	"	movq %rdx, at_start+24(%rip)\n"
	"	movq %rsi, at_start+32(%rip)\n"
	"	movq %rdi, at_start+40(%rip)\n"
	"	movq %rbp, at_start+48(%rip)\n"
	"	movq %r8, at_start+56(%rip)\n"
	"	movq %r9, at_start+64(%rip)\n"
	"	movq %r10, at_start+72(%rip)\n"
	"	movq %r11, at_start+80(%rip)\n"
	"	movq %r12, at_start+88(%rip)\n"
	"	movq %r13, at_start+96(%rip)\n"
	"	movq %r14, at_start+104(%rip)\n"
	"	movq %r15, at_start+112(%rip)\n"
	"	leaq at_start+248(%rip), %rax\n"
	"	movups %xmm0, (%rax)\n	movups %xmm1, 16(%rax)\n	movups %xmm2, 32(%rax)\n	movups %xmm3, 48(%rax)\n"
	"	movups %xmm4, 64(%rax)\n	movups %xmm5, 80(%rax)\n	movups %xmm6, 96(%rax)\n	movups %xmm7, 112(%rax)\n"
	"	movups %xmm8, 128(%rax)\n	movups %xmm9, 144(%rax)\n	movups %xmm10, 160(%rax)\n	movups %xmm11, 176(%rax)\n"
	"	movups %xmm12, 192(%rax)\n	movups %xmm13, 208(%rax)\n	movups %xmm14, 224(%rax)\n	movups %xmm15, 240(%rax)\n"
	"	movq %rsp, %rdi\n"
	"	call look\n");
#else
/* One register must carry the address: x16, kept on the stack below the arguments meanwhile. */
__asm__(".globl _start\n"
	"_start:\n"
	"	str x16, [sp, -16]!\n"
	"	adrp x16, at_start\n"
	"	add x16, x16, :lo12:at_start\n"
	"	stp x0, x1, [x16]\n	stp x2, x3, [x16, 16]\n	stp x4, x5, [x16, 32]\n	stp x6, x7, [x16, 48]\n"
	"	stp x8, x9, [x16, 64]\n	stp x10, x11, [x16, 80]\n	stp x12, x13, [x16, 96]\n	stp x14, x15, [x16, 112]\n"
	"	stp x17, x18, [x16, 136]\n	stp x19, x20, [x16, 152]\n	stp x21, x22, [x16, 168]\n	stp x23, x24, [x16, 184]\n"
	"	stp x25, x26, [x16, 200]\n	stp x27, x28, [x16, 216]\n	stp x29, x30, [x16, 232]\n"
	"	ldr x0, [sp], 16\n"
	"	str x0, [x16, 128]\n"
	"	add x16, x16, 248\n"
	"	stp q0, q1, [x16]\n	stp q2, q3, [x16, 32]\n	stp q4, q5, [x16, 64]\n	stp q6, q7, [x16, 96]\n"
	"	stp q8, q9, [x16, 128]\n	stp q10, q11, [x16, 160]\n	stp q12, q13, [x16, 192]\n	stp q14, q15, [x16, 224]\n"
	"	stp q16, q17, [x16, 256]\n	stp q18, q19, [x16, 288]\n	stp q20, q21, [x16, 320]\n	stp q22, q23, [x16, 352]\n"
	"	stp q24, q25, [x16, 384]\n	stp q26, q27, [x16, 416]\n	stp q28, q29, [x16, 448]\n	stp q30, q31, [x16, 480]\n"
	"	mov x0, sp\n"
	"	bl look\n");
#endif
