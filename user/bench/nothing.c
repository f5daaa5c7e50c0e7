/* The smallest program: it exits with 0. What fork+exec is measured with; built without a library. */
void _start(void)
{
#ifdef __x86_64__
	__asm__ volatile("mov $60, %eax\n xor %edi, %edi\n syscall");
#else
	__asm__ volatile("mov x8, #93\n mov x0, #0\n svc #0");
#endif
	for (;;)
		;
}
