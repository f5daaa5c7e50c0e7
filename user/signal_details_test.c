/* What a signal tells (si_code, si_addr, si_value, sender), for every kind that a program can bring about: calls, faults, children, timers,
 * broken pipes; and how a wait tells of the same end. */
#include "check.h"
#include <sched.h>
#include <setjmp.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <ucontext.h>

static siginfo_t last;
static volatile sig_atomic_t count;
static sigjmp_buf back;
static volatile int leaves;

static void handler(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	last = *info;
	count++;
	if (leaves)
		siglongjmp(back, 1);
}

static void catch(int number)
{
	struct sigaction action = { .sa_sigaction = handler, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(number, &action, NULL), 0);
}

static void expect(int number, int code)
{
	CHECK_EQUAL(last.si_signo, number);
	CHECK_EQUAL(last.si_code, code);
	CHECK_EQUAL(last.si_errno, 0);
}

static void by_calls(void)
{
	catch(SIGUSR1), catch(SIGRTMIN), catch(SIGPIPE), catch(SIGALRM);
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	expect(SIGUSR1, SI_USER);
	CHECK(last.si_pid == getpid() && last.si_uid == getuid());
	CHECK_EQUAL(syscall(SYS_tgkill, getpid(), gettid(), SIGUSR1), 0);
	expect(SIGUSR1, SI_TKILL);
	CHECK_EQUAL(last.si_pid, getpid());
	CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_ptr = (void *)0x12345678abcd }), 0);
	expect(SIGRTMIN, SI_QUEUE);
	CHECK(last.si_value.sival_ptr == (void *)0x12345678abcd && last.si_pid == getpid());
	/* To itself a process may say what it likes, also that it is the kernel; to others not. */
	siginfo_t own = { .si_signo = SIGUSR1, .si_code = 77 };
	CHECK_EQUAL(syscall(SYS_rt_sigqueueinfo, getpid(), SIGUSR1, &own), 0);
	expect(SIGUSR1, 77);
	CHECK_ERRNO(syscall(SYS_rt_sigqueueinfo, getppid(), SIGUSR1, &own), EPERM);
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	close(ends[0]);
	CHECK_ERRNO(write(ends[1], "x", 1), EPIPE);
	expect(SIGPIPE, SI_USER);
	CHECK_EQUAL(last.si_pid, getpid());
	close(ends[1]);
	struct itimerval soon = { .it_value.tv_usec = 1000 };
	count = 0;
	CHECK_EQUAL(setitimer(ITIMER_REAL, &soon, NULL), 0);
	while (!count)
		sleep_ms(1);
	expect(SIGALRM, SI_KERNEL);
}

/* Runs `fault` in the handler's reach and checks what it tells. */
static void faults(void (*fault)(void), int number, int code, const void *address)
{
	catch(number);
	memset(&last, 0, sizeof last);
	if (sigsetjmp(back, 1) == 0) {
		leaves = 1;
		fault();
		leaves = 0;
		fprintf(stderr, "signal %d with code %d did not come\n", number, code);
		exit(1);
	}
	leaves = 0;
	expect(number, code);
	if (address)
		CHECK(last.si_addr == address);
	/* Without a handler, and with the signal blocked or ignored, the fault ends the process. */
	for (int way = 0; way < 3; way++) {
		pid_t child = fork();
		if (child == 0) {
			struct rlimit none = { 0, 0 };
			CHECK_EQUAL(setrlimit(RLIMIT_CORE, &none), 0);
			sigset_t set;
			sigemptyset(&set), sigaddset(&set, number);
			CHECK(signal(number, way == 2 ? SIG_IGN : SIG_DFL) != SIG_ERR);
			if (way == 1)
				CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
			fault();
			_exit(0);
		}
		int status = wait_status(child);
		CHECK(WIFSIGNALED(status));
		CHECK_EQUAL(WTERMSIG(status), number);
		/* No core was wanted, so none is told of. */
		CHECK(!WCOREDUMP(status));
	}
}

static char *unmapped, *forbidden, *beyond;
static void reads_unmapped(void) { *(volatile char *)unmapped; }
static void writes_unmapped(void) { *(volatile char *)unmapped = 1; }
static void writes_forbidden(void) { *(volatile char *)forbidden = 1; }
static void jumps_forbidden(void) { ((void (*)(void))forbidden)(); }
static void reads_beyond(void) { *(volatile char *)beyond; }
#if defined(__x86_64__)
static void divides(void) { __asm__ volatile("xor %%edx, %%edx; mov $1, %%eax; xor %%ecx, %%ecx; div %%ecx" ::: "rax", "rcx", "rdx"); }
static void undefined(void) { __asm__ volatile("ud2"); }
static void breaks(void) { __asm__ volatile("int3"); }
static void privileged(void) { __asm__ volatile("hlt"); }
static void not_canonical(void) { *(volatile char *)0x1234567890abcdef; }
#else
static void undefined(void) { __asm__ volatile(".inst 0x00000000"); }
static void breaks(void) { __asm__ volatile("brk #7"); }
static void privileged(void) { __asm__ volatile("msr ttbr0_el1, x0"); }
#endif

static void by_faults(void)
{
	forbidden = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int file = memfd_create("signal_details_test", 0);
	CHECK_EQUAL(ftruncate(file, 4096), 0);
	beyond = (char *)mmap(NULL, 8192, PROT_READ, MAP_SHARED, file, 0) + 4096 + 77;
	/* The hole is made last, or the next mapping would fill it. */
	unmapped = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(unmapped != MAP_FAILED);
	CHECK_EQUAL(munmap(unmapped + 4096, 4096), 0);
	unmapped += 4096 + 123;
	faults(reads_unmapped, SIGSEGV, SEGV_MAPERR, unmapped);
	faults(writes_unmapped, SIGSEGV, SEGV_MAPERR, unmapped);
	faults(writes_forbidden, SIGSEGV, SEGV_ACCERR, forbidden);
	faults(jumps_forbidden, SIGSEGV, SEGV_ACCERR, forbidden);
	faults(reads_beyond, SIGBUS, BUS_ADRERR, beyond);
#if defined(__x86_64__)
	faults(divides, SIGFPE, FPE_INTDIV, NULL);
	faults(undefined, SIGILL, ILL_ILLOPN, NULL);
	faults(privileged, SIGSEGV, SI_KERNEL, NULL);
	CHECK(last.si_addr == NULL);
	faults(not_canonical, SIGSEGV, SI_KERNEL, NULL);
	CHECK(last.si_addr == NULL);
	faults(breaks, SIGTRAP, SI_KERNEL, NULL);
#else
	faults(undefined, SIGILL, ILL_ILLOPC, NULL);
	faults(breaks, SIGTRAP, TRAP_BRKPT, NULL);
	faults(privileged, SIGILL, ILL_ILLOPC, NULL);
#endif
}

static void child_told(pid_t child, int code, int status)
{
	sigset_t set;
	siginfo_t info;
	sigemptyset(&set), sigaddset(&set, SIGCHLD);
	CHECK_EQUAL(sigwaitinfo(&set, &info), SIGCHLD);
	CHECK_EQUAL(info.si_code, code);
	CHECK_EQUAL(info.si_status, status);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_uid, getuid());
}

static void by_children(void)
{
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGCHLD);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	struct timespec now = { 0, 0 };
	while (sigtimedwait(&set, NULL, &now) > 0)
		;
	int ends[2];
	char byte;
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		/* Its end must not be told before this is taken: pending once, the signal tells one thing. */
		_exit(read(ends[0], &byte, 1) == 1 ? 33 : 1);
	}
	child_told(child, CLD_STOPPED, SIGSTOP);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	child_told(child, CLD_CONTINUED, SIGCONT);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	child_told(child, CLD_EXITED, 33);
	CHECK_EQUAL(close(ends[0]) | close(ends[1]), 0);
	CHECK_EXITS(child, 33);
	child = fork();
	if (child == 0)
		pause();
	CHECK_EQUAL(kill(child, SIGTERM), 0);
	child_told(child, CLD_KILLED, SIGTERM);
	CHECK_KILLED(child, SIGTERM);
	/* Continuing and stopping are not told to who does not want to know. */
	struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
	CHECK_EQUAL(sigaction(SIGCHLD, &action, NULL), 0);
	child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(1);
	}
	int status;
	CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	child_told(child, CLD_EXITED, 1);
	CHECK_EXITS(child, 1);
	CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
}

int main(void)
{
	by_calls();
	by_faults();
	by_children();
	return 0;
}
