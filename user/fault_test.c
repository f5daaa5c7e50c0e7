/* Programs that misbehave die by the right signal, with the right si_code and address for a handler. */
#include "check.h"
#include <setjmp.h>

static sigjmp_buf back;
static volatile siginfo_t seen;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	seen = *info;
	siglongjmp(back, 1);
}

#define DIES(number, body)                                                                        \
	do {                                                                                      \
		pid_t child = fork();                                                             \
		CHECK(child >= 0);                                                                \
		if (child == 0) {                                                                 \
			body;                                                                     \
			_exit(99);                                                                \
		}                                                                                 \
		CHECK_KILLED(child, number);                                                      \
	} while (0)

static int overflow(volatile char *before)
{
	volatile char room[4096];
	room[0] = before ? before[0] : 0;
	return overflow(room) + room[1];
}

int main(void)
{
	volatile char *null = NULL;
	char *read_only = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *none = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *data = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(read_only != MAP_FAILED && none != MAP_FAILED && data != MAP_FAILED);

	DIES(SIGSEGV, *null = 1);
	DIES(SIGSEGV, (void)*(volatile char *)null);
	DIES(SIGSEGV, *(volatile char *)read_only = 1);
	DIES(SIGSEGV, (void)*(volatile char *)none);
	DIES(SIGSEGV, ((void (*)(void))data)());
	DIES(SIGSEGV, ((void (*)(void))0xffffffff80000000)());
	DIES(SIGSEGV, *(volatile char *)0xffff800000000000 = 1);
	DIES(SIGSEGV, (void)*(volatile char *)0xffffffffffffff00);
	DIES(SIGSEGV, overflow(NULL));
#ifdef __x86_64__
	DIES(SIGILL, __builtin_trap());
	DIES(SIGSEGV, __asm__ volatile("hlt"));
	DIES(SIGSEGV, (void)*(volatile char *)0x123456789abcdef0);
	DIES(SIGFPE, __asm__ volatile("xor %%edx,%%edx; xor %%ecx,%%ecx; mov $1,%%eax; div %%ecx" ::: "eax", "ecx", "edx"));
	DIES(SIGTRAP, __asm__ volatile("int3"));
#else
	DIES(SIGILL, __asm__ volatile(".inst 0"));
	DIES(SIGILL, __asm__ volatile("mrs x0, vbar_el1" ::: "x0"));
	DIES(SIGTRAP, __asm__ volatile("brk #0"));
#endif

	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER };
	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	CHECK_EQUAL(sigaction(SIGBUS, &action, NULL), 0);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)(null + 0x123) = 1;
		CHECK(!"reached");
	}
	CHECK_EQUAL(seen.si_signo, SIGSEGV);
	CHECK_EQUAL(seen.si_code, SEGV_MAPERR);
	CHECK_EQUAL((uintptr_t)seen.si_addr, 0x123);
	if (sigsetjmp(back, 1) == 0) {
		*(volatile char *)(read_only + 5) = 1;
		CHECK(!"reached");
	}
	CHECK_EQUAL(seen.si_code, SEGV_ACCERR);
	CHECK_EQUAL((uintptr_t)seen.si_addr, (uintptr_t)read_only + 5);

	/* A page of a mapped file beyond its end is SIGBUS. */
	char path[] = "/tmp/fault_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(ftruncate(file, 100), 0);
	char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	CHECK(mapped != MAP_FAILED);
	CHECK_EQUAL(mapped[4095], 0);
	if (sigsetjmp(back, 1) == 0) {
		(void)*(volatile char *)(mapped + 4096);
		CHECK(!"reached");
	}
	CHECK_EQUAL(seen.si_signo, SIGBUS);
	CHECK_EQUAL(seen.si_code, BUS_ADRERR);

	/* A fault whose signal is blocked kills all the same. */
	signal(SIGSEGV, SIG_DFL);
	DIES(SIGSEGV, {
		sigset_t set;
		sigfillset(&set);
		sigprocmask(SIG_BLOCK, &set, NULL);
		*null = 1;
	});
	return 0;
}
