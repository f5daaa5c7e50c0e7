/* A program whose file is LARGE_BYTES long: it exits with 0, and reads each page of its ballast first if it has an argument.
 * Built without a library, so that the file's size is all that differs. */
#define PAGE 4096
static const char ballast[LARGE_BYTES] __attribute__((aligned(PAGE))) = { 1 };

static void leave(void)
{
#ifdef __x86_64__
	__asm__ volatile("mov $60, %eax\n xor %edi, %edi\n syscall");
#else
	__asm__ volatile("mov x8, #93\n mov x0, #0\n svc #0");
#endif
}

__attribute__((used)) static void run(const long *stack)
{
	if (stack[0] > 1)
		for (long i = 0; i < LARGE_BYTES; i += PAGE)
			(void)*(const volatile char *)&ballast[i];
	leave();
}

#ifdef __x86_64__
__asm__(".globl _start\n_start: mov %rsp, %rdi\n and $-16, %rsp\n call run\n");
#else
__asm__(".globl _start\n_start: mov x0, sp\n bl run\n");
#endif
