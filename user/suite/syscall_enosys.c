/* Numbers without a call answer ENOSYS, and registers survive a call. */
#include "../check.h"

int main(void)
{
	CHECK_ERRNO(syscall(999), ENOSYS);
	CHECK_ERRNO(syscall(-1), ENOSYS);
	CHECK_ERRNO(syscall(0x7fffffff), ENOSYS);
	CHECK_ERRNO(syscall(600, -1, -1, -1, -1, -1, -1), ENOSYS);
#ifdef __x86_64__
	register long r8 __asm__("r8") = 8, r9 __asm__("r9") = 9, r10 __asm__("r10") = 10, r12 __asm__("r12") = 12;
	long result = SYS_getppid, rdi = 1, rsi = 2, rdx = 3;
	__asm__ volatile("syscall" : "+a"(result), "+D"(rdi), "+S"(rsi), "+d"(rdx), "+r"(r8), "+r"(r9), "+r"(r10), "+r"(r12) : : "rcx", "r11", "memory");
	CHECK_EQUAL(rdi * 10000 + rsi * 1000 + rdx * 100, 12300);
	CHECK_EQUAL(r8 + r9 + r10 + r12, 39);
#else
	register long x0 __asm__("x0") = 1, x1 __asm__("x1") = 2, x5 __asm__("x5") = 5, x8 __asm__("x8") = SYS_getppid, x17 __asm__("x17") = 17;
	__asm__ volatile("svc #0" : "+r"(x0), "+r"(x1), "+r"(x5), "+r"(x8), "+r"(x17) : : "memory");
	long result = x0;
	CHECK_EQUAL(x1 + x5 + x17, 24);
	CHECK_EQUAL(x8, SYS_getppid);
#endif
	CHECK_EQUAL(result, getppid());
	return 0;
}
