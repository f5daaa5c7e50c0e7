/* Tracing: system calls that are left to the tracer (PTRACE_SYSEMU), what is pending (PTRACE_PEEKSIGINFO), and the mask of a task
 * whose call has one of its own. */
#include "check.h"
#include <elf.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#ifndef PTRACE_SYSEMU
#define PTRACE_SYSEMU 31
#define PTRACE_SYSEMU_SINGLESTEP 32
#endif
#ifdef __x86_64__
#define RESULT(r) (r).rax
#else
#define RESULT(r) (r).regs[0]
#endif

static int stopped(pid_t pid)
{
	int status;
	CHECK_EQUAL(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFSTOPPED(status));
	return WSTOPSIG(status);
}

/* The number of the call at whose entry it has stopped. */
static long at_entry(pid_t pid)
{
	struct __ptrace_syscall_info info;
	CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) > 0);
	CHECK_EQUAL(info.op, PTRACE_SYSCALL_INFO_ENTRY);
	return info.entry.nr;
}

static void set_result(pid_t pid, long result)
{
	struct user_regs_struct words;
	struct iovec set = { &words, sizeof words };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), 0);
	RESULT(words) = result;
	CHECK_EQUAL(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set), 0);
}

static int tube[2];

static pid_t start(void (*body)(void))
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(ptrace(PTRACE_TRACEME, 0, 0, 0), 0);
		CHECK_EQUAL(syscall(SYS_kill, getpid(), SIGSTOP), 0);
		body();
		_exit(0);
	}
	CHECK_EQUAL(stopped(child), SIGSTOP);
	CHECK_EQUAL(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
	return child;
}

static void body_emulated(void)
{
	long first = syscall(SYS_getppid), second = syscall(SYS_write, tube[1], "x", 1), third = syscall(SYS_getuid);
	long fourth = syscall(SYS_write, tube[1], "y", 1), fifth = syscall(SYS_write, tube[1], "z", 1);
	CHECK_EQUAL(first, 1234);
	CHECK(second == -1 && errno == ENOSPC);
	CHECK_EQUAL(third, 7);
	CHECK_EQUAL(fourth, 1);
	CHECK_EQUAL(fifth, 55);
}

static void emulate(void)
{
	pid_t child = start(body_emulated);
	CHECK_EQUAL(ptrace(PTRACE_SYSEMU, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	CHECK_EQUAL(at_entry(child), SYS_getppid);
	set_result(child, 1234);
	/* There is no stop at the end of what is not served. */
	CHECK_EQUAL(ptrace(PTRACE_SYSEMU, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	CHECK_EQUAL(at_entry(child), SYS_write);
	set_result(child, -ENOSPC);
	CHECK_EQUAL(ptrace(PTRACE_SYSEMU, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	CHECK_EQUAL(at_entry(child), SYS_getuid);
	set_result(child, 7);
	/* Unless the tracer then asks for stops at both. */
	CHECK_EQUAL(ptrace(PTRACE_SYSCALL, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	struct __ptrace_syscall_info info;
	CHECK(ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info) > 0);
	CHECK_EQUAL(info.op, PTRACE_SYSCALL_INFO_EXIT);
	CHECK_EQUAL(info.exit.rval, 7);
	/* A call that was to be served when it began is. */
	CHECK_EQUAL(ptrace(PTRACE_SYSCALL, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	CHECK_EQUAL(at_entry(child), SYS_write);
	CHECK_EQUAL(ptrace(PTRACE_SYSEMU, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP | 0x80);
	CHECK_EQUAL(at_entry(child), SYS_write);
	set_result(child, 55);
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EXITS(child, 0);
	char byte;
	CHECK_EQUAL(read(tube[0], &byte, 1), 1);
	CHECK_EQUAL(byte, 'y');
	CHECK(read(tube[0], &byte, 1) == -1 && errno == EAGAIN);
}

static void body_one_call(void)
{
	CHECK_EQUAL(syscall(SYS_getppid), 99);
}

static void emulate_step_by_step(void)
{
	pid_t child = start(body_one_call);
	int steps = 0;
	for (;;) {
		CHECK_EQUAL(ptrace(PTRACE_SYSEMU_SINGLESTEP, child, 0, 0), 0);
		int signal = stopped(child);
		if (signal == (SIGTRAP | 0x80))
			break;
		CHECK_EQUAL(signal, SIGTRAP);
		CHECK(++steps < 100000);
	}
	CHECK(steps > 0);
	CHECK_EQUAL(at_entry(child), SYS_getppid);
	set_result(child, 99);
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EXITS(child, 0);
}

static void body_pending(void)
{
	sigset_t all;
	sigfillset(&all);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	for (int i = 1; i <= 3; i++)
		CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 5, (union sigval){ .sival_int = i * 11 }), 0);
	CHECK_EQUAL(syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGUSR2), 0);
	/* Stops for good. */
	CHECK_EQUAL(syscall(SYS_kill, getpid(), SIGSTOP), 0);
}

static void peek(void)
{
	pid_t child = start(body_pending);
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGSTOP);
	siginfo_t found[5];
	struct __ptrace_peeksiginfo_args arguments = { .off = 0, .flags = PTRACE_PEEKSIGINFO_SHARED, .nr = 5 };
	for (int round = 0; round < 2; round++) {
		CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 3);
		for (int i = 0; i < 3; i++) {
			CHECK_EQUAL(found[i].si_signo, SIGRTMIN + 5);
			CHECK_EQUAL(found[i].si_code, SI_QUEUE);
			CHECK_EQUAL(found[i].si_value.sival_int, (i + 1) * 11);
			CHECK_EQUAL(found[i].si_pid, child);
		}
	}
	arguments.off = 1;
	arguments.nr = 1;
	CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 1);
	CHECK_EQUAL(found[0].si_value.sival_int, 22);
	arguments.off = 3;
	CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 0);
	arguments.off = ~0ULL;
	CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 0);
	arguments = (struct __ptrace_peeksiginfo_args){ .off = 0, .flags = 0, .nr = 5 };
	CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 1);
	CHECK_EQUAL(found[0].si_signo, SIGUSR2);
	CHECK_EQUAL(found[0].si_code, SI_TKILL);
	CHECK_ERRNO(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, (void *)8), EFAULT);
	CHECK_ERRNO(ptrace(PTRACE_PEEKSIGINFO, child, (void *)8, found), EFAULT);
	arguments.nr = 0;
	CHECK_EQUAL(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), 0);
	arguments.nr = -1;
	CHECK_ERRNO(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), EINVAL);
	arguments.nr = 1;
	arguments.flags = 2;
	CHECK_ERRNO(ptrace(PTRACE_PEEKSIGINFO, child, &arguments, found), EINVAL);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
}

static void handle(int signal)
{
	(void)signal;
}

/* A task in sigsuspend: its mask is the one that it will have again. */
static void suspended(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		sigset_t some, none;
		sigemptyset(&none);
		sigemptyset(&some);
		sigaddset(&some, SIGUSR1);
		sigaddset(&some, SIGRTMIN + 1);
		CHECK(signal(SIGUSR1, handle) != SIG_ERR);
		CHECK_EQUAL(sigprocmask(SIG_SETMASK, &some, NULL), 0);
		CHECK_ERRNO(sigsuspend(&none), EINTR);
		/* What the tracer has put in its place. */
		CHECK_EQUAL(sigprocmask(SIG_SETMASK, NULL, &some), 0);
		CHECK(sigismember(&some, SIGHUP) == 1 && sigismember(&some, SIGUSR1) == 0);
		exit(0);
	}
	wait_asleep(child);
	CHECK_EQUAL(ptrace(PTRACE_SEIZE, child, 0, 0), 0);
	CHECK_EQUAL(ptrace(PTRACE_INTERRUPT, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGTRAP);
	uint64_t mask = 0, hup = 1 << (SIGHUP - 1);
	CHECK_EQUAL(ptrace(PTRACE_GETSIGMASK, child, 8, &mask), 0);
	CHECK_EQUAL(mask, 1ULL << (SIGUSR1 - 1) | 1ULL << SIGRTMIN);
	CHECK_ERRNO(ptrace(PTRACE_GETSIGMASK, child, 4, &mask), EINVAL);
	CHECK_EQUAL(ptrace(PTRACE_SETSIGMASK, child, 8, &hup), 0);
	CHECK_EQUAL(ptrace(PTRACE_GETSIGMASK, child, 8, &mask), 0);
	CHECK_EQUAL(mask, hup);
	CHECK_EQUAL(kill(child, SIGUSR1), 0);
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EQUAL(stopped(child), SIGUSR1);
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, SIGUSR1), 0);
	CHECK_EXITS(child, 0);
}

int main(void)
{
	alarm(120);
	CHECK_EQUAL(pipe2(tube, O_NONBLOCK), 0);
	emulate();
	emulate_step_by_step();
	peek();
	suspended();
	return 0;
}
