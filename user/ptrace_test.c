/* Tracing: TRACEME and system call stops, registers and memory, single steps and breakpoints, signals on their way, events of fork,
 * clone and exec, ATTACH, SEIZE and INTERRUPT, DETACH, who may trace whom, and what becomes of the traced without a tracer. */
#include "check.h"
#include <elf.h>
#include <pthread.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>

#define EVENT(status) ((status) >> 16)
/* What each architecture calls the same registers. */
#ifdef __x86_64__
typedef struct user_regs_struct registers;
#define PC(r) (r).rip
#define RESULT(r) (r).rax
#define ARGUMENT(r) (r).rdi
#define SP(r) (r).rsp
static const unsigned char BREAKPOINT[] = { 0xcc };
#define AFTER_BREAKPOINT 1
#else
typedef struct user_regs_struct registers;
#define PC(r) (r).pc
#define RESULT(r) (r).regs[0]
#define ARGUMENT(r) (r).regs[0]
#define SP(r) (r).sp
static const unsigned char BREAKPOINT[] = { 0x00, 0x00, 0x20, 0xd4 };
#define AFTER_BREAKPOINT 0
#endif

static registers get(pid_t pid)
{
	registers found;
	struct iovec set = { &found, sizeof found };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &set), 0);
	CHECK_EQUAL(set.iov_len, sizeof found);
	return found;
}

static void put(pid_t pid, registers wanted)
{
	struct iovec set = { &wanted, sizeof wanted };
	CHECK_EQUAL(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &set), 0);
}

/* Waits for a stop and answers the status. */
static int stopped(pid_t pid)
{
	int status;
	CHECK_EQUAL(waitpid(pid, &status, __WALL), pid);
	CHECK(WIFSTOPPED(status));
	return status;
}

#define EXPECT_STOP(pid, signal, event)                                                           \
	do {                                                                                      \
		int status_ = stopped(pid);                                                       \
		CHECK_EQUAL(WSTOPSIG(status_), signal);                                           \
		CHECK_EQUAL(EVENT(status_), event);                                               \
	} while (0)

static void go(int request, pid_t pid, long signal)
{
	CHECK_EQUAL(ptrace(request, pid, 0, signal), 0);
}

static volatile long shared_word = 0x1122334455667788;
static const char text[] = "constant text";

__attribute__((noinline)) static long answer(long number)
{
	__asm__ volatile("" : "+r"(number));
	return number * 3;
}

static volatile sig_atomic_t handled;

static void note(int number)
{
	handled = number;
}

/* A child that is traced and has stopped itself. */
static pid_t start(void (*body)(void))
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(ptrace(PTRACE_TRACEME, 0, 0, 0), 0);
		CHECK_ERRNO(ptrace(PTRACE_TRACEME, 0, 0, 0), EPERM);
		raise(SIGSTOP);
		body();
		exit(0);
	}
	EXPECT_STOP(child, SIGSTOP, 0);
	return child;
}

static void body_calls(void)
{
	syscall(SYS_getppid);
	/* The tracer makes this 77. */
	CHECK_EQUAL(syscall(SYS_getuid), 77);
	/* And this fail. */
	CHECK_ERRNO(syscall(SYS_getppid), EXDEV);
	_exit(5);
}

static void calls(void)
{
	pid_t child = start(body_calls);
	struct __ptrace_syscall_info info;
	registers found;
	CHECK_EQUAL(ptrace(PTRACE_SETOPTIONS, child, 0, PTRACE_O_TRACESYSGOOD), 0);
	CHECK_ERRNO(ptrace(PTRACE_SETOPTIONS, child, 0, 1 << 25), EINVAL);
	int count = 0;
	for (int is_entry = 1;; is_entry = !is_entry) {
		go(PTRACE_SYSCALL, child, 0);
		int status;
		CHECK_EQUAL(waitpid(child, &status, 0), child);
		if (WIFEXITED(status)) {
			CHECK_EQUAL(WEXITSTATUS(status), 5);
			break;
		}
		CHECK_EQUAL(WSTOPSIG(status), SIGTRAP | 0x80);
		long bytes = ptrace(PTRACE_GET_SYSCALL_INFO, child, sizeof info, &info);
		CHECK_EQUAL(bytes, is_entry ? 80 : 33);
		CHECK_EQUAL(info.op, is_entry ? PTRACE_SYSCALL_INFO_ENTRY : PTRACE_SYSCALL_INFO_EXIT);
		found = get(child);
		CHECK_EQUAL(info.instruction_pointer, PC(found));
		CHECK_EQUAL(info.stack_pointer, SP(found));
		if (is_entry)
			count += info.entry.nr == SYS_getppid || info.entry.nr == SYS_getuid;
		if (count == 1 && !is_entry) {
			CHECK_EQUAL(info.exit.rval, getpid());
			CHECK(!info.exit.is_error);
			CHECK_EQUAL(RESULT(found), getpid());
			count++;
		} else if (count == 3 && !is_entry) {
			RESULT(found) = 77;
			put(child, found);
			count++;
		} else if (count == 5 && is_entry) {
			/* No call is made; the result is ours. */
#ifdef __x86_64__
			found.orig_rax = -1;
			RESULT(found) = -EXDEV;
			put(child, found);
#else
			int none = -1;
			struct iovec set = { &none, sizeof none };
			CHECK_EQUAL(ptrace(PTRACE_SETREGSET, child, NT_ARM_SYSTEM_CALL, &set), 0);
			RESULT(found) = -EXDEV;
			put(child, found);
#endif
			count++;
		}
	}
	CHECK_EQUAL(count, 6);
}

static void body_memory(void)
{
	CHECK_EQUAL(shared_word, 0x4242);
	const char *seen = text;
	__asm__ volatile("" : "+r"(seen));
	CHECK_EQUAL(seen[0], 'C');
	exit(answer(5));
}

static void memory_and_registers(void)
{
	pid_t child = start(body_memory);
	errno = 0;
	CHECK_EQUAL(ptrace(PTRACE_PEEKDATA, child, &shared_word, 0), 0x1122334455667788);
	CHECK_EQUAL(errno, 0);
	CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, child, 8, 0), EIO);
	CHECK_ERRNO(ptrace(PTRACE_POKEDATA, child, 8, 0), EIO);
	CHECK_EQUAL(ptrace(PTRACE_POKEDATA, child, &shared_word, 0x4242), 0);
	/* The other process's memory is its own, and constants can be changed in it. */
	CHECK_EQUAL(shared_word, 0x1122334455667788);
	long word = ptrace(PTRACE_PEEKTEXT, child, text, 0);
	CHECK_EQUAL(memcmp(&word, text, sizeof word), 0);
	((char *)&word)[0] = 'C';
	CHECK_EQUAL(ptrace(PTRACE_POKETEXT, child, text, word), 0);

	/* The same by the file, and in segments. */
	char name[64], found[64] = { 0 };
	snprintf(name, sizeof name, "/proc/%d/mem", child);
	int file = open(name, O_RDWR);
	CHECK(file >= 0);
	CHECK_EQUAL(pread(file, found, sizeof text, (off_t)text), sizeof text);
	CHECK_EQUAL(memcmp(found, "Constant text", sizeof text), 0);
	CHECK_ERRNO(pread(file, found, 8, 8), EIO);
	struct iovec own[2] = { { found, 3 }, { found + 32, 5 } };
	struct iovec others[2] = { { (void *)text, 4 }, { (void *)text, 4 } };
	CHECK_EQUAL(process_vm_readv(child, own, 2, others, 2, 0), 8);
	CHECK_EQUAL(memcmp(found, "Con", 3), 0);
	CHECK_EQUAL(memcmp(found + 32, "sCons", 5), 0);
	own[0].iov_base = "\x42\x42\0\0\0\0\0";
	own[0].iov_len = 8;
	others[0].iov_base = (void *)&shared_word;
	others[0].iov_len = 8;
	CHECK_EQUAL(process_vm_writev(child, own, 1, others, 1, 0), 8);
	others[0].iov_base = (void *)8;
	CHECK_ERRNO(process_vm_readv(child, own, 1, others, 1, 0), EFAULT);
	others[0].iov_base = (void *)text;
	CHECK_ERRNO(process_vm_writev(child, own, 1, others, 1, 0), EFAULT);
	CHECK_ERRNO(process_vm_readv(child, own, 1, others, 1, 1), EINVAL);
	CHECK_ERRNO(process_vm_readv(4194000, own, 1, others, 1, 0), ESRCH);

	/* A breakpoint where the function begins: stop there, change its argument, go on. */
	unsigned char saved[4], back[4];
	CHECK_EQUAL(pread(file, saved, sizeof BREAKPOINT, (off_t)answer), sizeof BREAKPOINT);
	CHECK_EQUAL(pwrite(file, BREAKPOINT, sizeof BREAKPOINT, (off_t)answer), sizeof BREAKPOINT);
	CHECK_EQUAL(pread(file, back, sizeof BREAKPOINT, (off_t)answer), sizeof BREAKPOINT);
	CHECK_EQUAL(memcmp(back, BREAKPOINT, sizeof BREAKPOINT), 0);
	go(PTRACE_CONT, child, 0);
	EXPECT_STOP(child, SIGTRAP, 0);
	siginfo_t info;
	CHECK_EQUAL(ptrace(PTRACE_GETSIGINFO, child, 0, &info), 0);
	CHECK_EQUAL(info.si_signo, SIGTRAP);
	registers at = get(child);
	CHECK_EQUAL(PC(at), (unsigned long)answer + AFTER_BREAKPOINT);
	CHECK_EQUAL(ARGUMENT(at), 5);
	ARGUMENT(at) = 7;
	PC(at) = (unsigned long)answer;
	put(child, at);
	at = get(child);
	CHECK_EQUAL(ARGUMENT(at), 7);
	CHECK_EQUAL(pwrite(file, saved, sizeof BREAKPOINT, (off_t)answer), sizeof BREAKPOINT);

	/* Some steps, each to another instruction. */
	unsigned long last = (unsigned long)answer;
	for (int i = 0; i < 3; i++) {
		go(PTRACE_SINGLESTEP, child, 0);
		EXPECT_STOP(child, SIGTRAP, 0);
		at = get(child);
		CHECK(PC(at) != last);
		last = PC(at);
	}

	/* Floating-point registers. */
	unsigned char fp[1024], changed[1024];
	struct iovec set = { fp, sizeof fp };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, child, NT_PRFPREG, &set), 0);
	CHECK(set.iov_len >= 512);
	memcpy(changed, fp, sizeof fp);
	changed[set.iov_len / 2] ^= 0x55;
	set.iov_base = changed;
	CHECK_EQUAL(ptrace(PTRACE_SETREGSET, child, NT_PRFPREG, &set), 0);
	memset(fp, 0, sizeof fp);
	set = (struct iovec){ fp, sizeof fp };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, child, NT_PRFPREG, &set), 0);
	CHECK_EQUAL(memcmp(fp, changed, set.iov_len), 0);
	CHECK_ERRNO(ptrace(PTRACE_GETREGSET, child, 0x9999, &set), EINVAL);
#ifdef __x86_64__
	struct user_regs_struct all;
	CHECK_EQUAL(ptrace(PTRACE_GETREGS, child, 0, &all), 0);
	CHECK_EQUAL(all.rip, PC(at));
	CHECK_EQUAL(all.cs, 0x33);
	CHECK(all.fs_base != 0);
	CHECK_EQUAL(ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, regs.rip), 0), (long)all.rip);
	CHECK_ERRNO(ptrace(PTRACE_PEEKUSER, child, 3, 0), EIO);
	CHECK_EQUAL(ptrace(PTRACE_SETREGS, child, 0, &all), 0);
#else
	unsigned long tls = 0;
	set = (struct iovec){ &tls, sizeof tls };
	CHECK_EQUAL(ptrace(PTRACE_GETREGSET, child, NT_ARM_TLS, &set), 0);
	CHECK(tls != 0);
#endif
	go(PTRACE_CONT, child, 0);
	CHECK_EXITS(child, 21);
	close(file);
}

static void body_signals(void)
{
	signal(SIGUSR1, note);
	signal(SIGUSR2, note);
	raise(SIGUSR1);
	CHECK_EQUAL(handled, 0);
	raise(SIGUSR1);
	CHECK_EQUAL(handled, SIGUSR1);
	raise(SIGUSR1);
	CHECK_EQUAL(handled, SIGUSR2);
	/* Ignored ones are seen by the tracer too. */
	signal(SIGUSR1, SIG_IGN);
	raise(SIGUSR1);
	struct timespec pause = { 0, 300000000 };
	/* A call that is interrupted by a signal that is suppressed goes on. */
	CHECK_EQUAL(nanosleep(&pause, NULL), 0);
	for (;;)
		pause.tv_nsec++;
}

static void signals(void)
{
	siginfo_t info;
	sigset_t mask;
	pid_t child = start(body_signals);
	go(PTRACE_CONT, child, 0);
	EXPECT_STOP(child, SIGUSR1, 0);
	CHECK_EQUAL(ptrace(PTRACE_GETSIGINFO, child, 0, &info), 0);
	CHECK_EQUAL(info.si_signo, SIGUSR1);
	CHECK_EQUAL(info.si_code, SI_TKILL);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(ptrace(PTRACE_GETSIGMASK, child, 8, &mask), 0);
	CHECK_ERRNO(ptrace(PTRACE_GETSIGMASK, child, 4, &mask), EINVAL);
	go(PTRACE_CONT, child, 0);
	EXPECT_STOP(child, SIGUSR1, 0);
	go(PTRACE_CONT, child, SIGUSR1);
	EXPECT_STOP(child, SIGUSR1, 0);
	CHECK_ERRNO(ptrace(PTRACE_CONT, child, 0, 99), EIO);
	go(PTRACE_CONT, child, SIGUSR2);
	EXPECT_STOP(child, SIGUSR1, 0);
	go(PTRACE_CONT, child, SIGUSR1);
	sleep_ms(50);
	CHECK_EQUAL(kill(child, SIGUSR2), 0);
	EXPECT_STOP(child, SIGUSR2, 0);
	go(PTRACE_CONT, child, 0);
	/* Only who is stopped can be asked. */
	CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, child, &shared_word, 0), ESRCH);
	CHECK_ERRNO(ptrace(PTRACE_CONT, child, 0, 0), ESRCH);
	sleep_ms(400);
	CHECK_EQUAL(kill(child, SIGTERM), 0);
	EXPECT_STOP(child, SIGTERM, 0);
	go(PTRACE_CONT, child, SIGTERM);
	CHECK_KILLED(child, SIGTERM);
}

static void *thread_body(void *nothing)
{
	return nothing;
}

static void body_events(void)
{
	pid_t child = fork();
	if (child == 0)
		_exit(3);
	CHECK_EXITS(child, 3);
	child = vfork();
	if (child == 0)
		_exit(4);
	CHECK_EXITS(child, 4);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, thread_body, NULL), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	execl("/proc/self/exe", "ptrace_test", "executed", NULL);
}

/* Goes through everything that happens, in any order, and counts. */
static void events(int is_seized)
{
	pid_t child;
	long options = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC |
		       PTRACE_O_TRACEVFORKDONE | PTRACE_O_TRACEEXIT | PTRACE_O_EXITKILL;
	if (is_seized) {
		int go_on[2];
		char byte;
		CHECK_EQUAL(pipe(go_on), 0);
		child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			CHECK_EQUAL(read(go_on[0], &byte, 1), 1);
			body_events();
		}
		CHECK_ERRNO(ptrace(PTRACE_SEIZE, child, 1, options), EIO);
		CHECK_EQUAL(ptrace(PTRACE_SEIZE, child, 0, options), 0);
		CHECK_ERRNO(ptrace(PTRACE_SEIZE, child, 0, options), EPERM);
		/* It runs on, until it is interrupted. */
		CHECK_ERRNO(ptrace(PTRACE_PEEKDATA, child, &shared_word, 0), ESRCH);
		CHECK_EQUAL(ptrace(PTRACE_INTERRUPT, child, 0, 0), 0);
		EXPECT_STOP(child, SIGTRAP, PTRACE_EVENT_STOP);
		go(PTRACE_CONT, child, 0);
		CHECK_EQUAL(write(go_on[1], "x", 1), 1);
	} else {
		child = start(body_events);
		CHECK_EQUAL(ptrace(PTRACE_SETOPTIONS, child, 0, options), 0);
		go(PTRACE_CONT, child, 0);
	}
	int counts[10] = { 0 }, births = 0, ends = 0, statuses = 0;
	for (;;) {
		int status;
		pid_t pid = waitpid(-1, &status, __WALL);
		if (pid < 0) {
			CHECK_EQUAL(errno, ECHILD);
			break;
		}
		if (WIFEXITED(status)) {
			ends++;
			statuses += WEXITSTATUS(status);
			continue;
		}
		CHECK(WIFSTOPPED(status));
		int event = EVENT(status);
		unsigned long message = 0;
		long signal = 0;
		if (event && event < 10) {
			counts[event]++;
			CHECK_EQUAL(WSTOPSIG(status), SIGTRAP);
			CHECK_EQUAL(ptrace(PTRACE_GETEVENTMSG, pid, 0, &message), 0);
			if (event == PTRACE_EVENT_EXEC)
				CHECK_EQUAL(message, child);
			else if (event == PTRACE_EVENT_EXIT)
				CHECK(pid != child || message == 6 << 8);
			else
				CHECK(message != 0 && message != (unsigned long)child);
		} else if (event == PTRACE_EVENT_STOP) {
			CHECK(is_seized);
			births++;
		} else if (WSTOPSIG(status) == SIGSTOP && pid != child) {
			births++;
		} else {
			signal = WSTOPSIG(status);
		}
		go(PTRACE_CONT, pid, signal);
	}
	CHECK_EQUAL(counts[PTRACE_EVENT_FORK], 1);
	CHECK_EQUAL(counts[PTRACE_EVENT_VFORK], 1);
	CHECK_EQUAL(counts[PTRACE_EVENT_VFORK_DONE], 1);
	CHECK_EQUAL(counts[PTRACE_EVENT_CLONE], 1);
	CHECK_EQUAL(counts[PTRACE_EVENT_EXEC], 1);
	CHECK_EQUAL(counts[PTRACE_EVENT_EXIT], 4);
	CHECK_EQUAL(births, 3);
	/* Both children, the thread, and the first one. */
	CHECK_EQUAL(ends, 4);
	CHECK_EQUAL(statuses, 3 + 4 + 0 + 6);
}

static volatile int spinning;

static void *spin(void *nothing)
{
	(void)nothing;
	for (;;)
		spinning++;
	return NULL;
}

static void attach(void)
{
	int ready[2];
	char byte;
	pid_t tid;
	CHECK_EQUAL(pipe(ready), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		pthread_t thread;
		pthread_create(&thread, NULL, spin, NULL);
		CHECK_EQUAL(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK_EQUAL(ptrace(PTRACE_ATTACH, child, 0, 0), 0);
	EXPECT_STOP(child, SIGSTOP, 0);
	/* Each thread by itself. */
	char name[64], line[256];
	snprintf(name, sizeof name, "/proc/%d/status", child);
	FILE *status = fopen(name, "r");
	int tracer = -1;
	while (fgets(line, sizeof line, status)) {
		sscanf(line, "TracerPid: %d", &tracer);
		if (!strncmp(line, "State:", 6))
			CHECK(strstr(line, "tracing stop") != NULL);
	}
	fclose(status);
	CHECK_EQUAL(tracer, getpid());
	for (tid = child + 1; tid < child + 50; tid++) {
		snprintf(name, sizeof name, "/proc/%d/task/%d", child, tid);
		if (access(name, F_OK) == 0)
			break;
	}
	CHECK_EQUAL(ptrace(PTRACE_ATTACH, tid, 0, 0), 0);
	EXPECT_STOP(tid, SIGSTOP, 0);
	registers at = get(tid);
	CHECK(PC(at) != 0);
	go(PTRACE_SINGLESTEP, tid, 0);
	EXPECT_STOP(tid, SIGTRAP, 0);
	CHECK_EQUAL(ptrace(PTRACE_DETACH, tid, 0, 0), 0);
	CHECK_ERRNO(ptrace(PTRACE_DETACH, tid, 0, 0), ESRCH);
	/* Whoever is traced can be killed although it is stopped. */
	CHECK_EQUAL(ptrace(PTRACE_CONT, child, 0, 0), 0);
	CHECK_EQUAL(syscall(SYS_tgkill, child, child, SIGUSR1), 0);
	EXPECT_STOP(child, SIGUSR1, 0);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
	CHECK_ERRNO(ptrace(PTRACE_ATTACH, child, 0, 0), ESRCH);
	CHECK_ERRNO(ptrace(PTRACE_ATTACH, getpid(), 0, 0), EPERM);
}

/* A tracer that ends: the traced goes on, or ends with it. */
static void lost_tracer(long options)
{
	int ready[2], done[2];
	char byte;
	CHECK_EQUAL(pipe(ready), 0);
	CHECK_EQUAL(pipe(done), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		exit(9);
	}
	pid_t tracer = fork();
	CHECK(tracer >= 0);
	if (tracer == 0) {
		CHECK_EQUAL(ptrace(PTRACE_SEIZE, child, 0, options), 0);
		CHECK_EQUAL(ptrace(PTRACE_INTERRUPT, child, 0, 0), 0);
		EXPECT_STOP(child, SIGTRAP, PTRACE_EVENT_STOP);
		_exit(0);
	}
	CHECK_EXITS(tracer, 0);
	CHECK_EQUAL(write(ready[1], "x", 1), 1);
	if (options & PTRACE_O_EXITKILL)
		CHECK_KILLED(child, SIGKILL);
	else
		CHECK_EXITS(child, 9);
}

static void stop_and_listen(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	CHECK_EQUAL(ptrace(PTRACE_SEIZE, child, 0, 0), 0);
	CHECK_EQUAL(kill(child, SIGSTOP), 0);
	EXPECT_STOP(child, SIGSTOP, 0);
	go(PTRACE_CONT, child, SIGSTOP);
	EXPECT_STOP(child, SIGSTOP, PTRACE_EVENT_STOP);
	CHECK_EQUAL(ptrace(PTRACE_LISTEN, child, 0, 0), 0);
	sleep_ms(30);
	CHECK_EQUAL(waitpid(child, NULL, WNOHANG), 0);
	CHECK_EQUAL(kill(child, SIGCONT), 0);
	EXPECT_STOP(child, SIGTRAP, PTRACE_EVENT_STOP);
	go(PTRACE_CONT, child, 0);
	EXPECT_STOP(child, SIGCONT, 0);
	CHECK_EQUAL(ptrace(PTRACE_DETACH, child, 0, 0), 0);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
}

static void rights(void)
{
	if (!is_superuser())
		return;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	pid_t other = fork();
	CHECK(other >= 0);
	if (other == 0) {
		char byte;
		struct iovec own = { &byte, 1 }, others = { (void *)text, 1 };
		CHECK_EQUAL(setresgid(1000, 1000, 1000), 0);
		CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
		CHECK_ERRNO(ptrace(PTRACE_ATTACH, child, 0, 0), EPERM);
		CHECK_ERRNO(process_vm_readv(child, &own, 1, &others, 1, 0), EPERM);
		/* The same user's, unless the program must not be looked into. */
		prctl(PR_SET_DUMPABLE, 1);
		for (int dumpable = 0; dumpable < 2; dumpable++) {
			int ready[2];
			CHECK_EQUAL(pipe(ready), 0);
			pid_t mine = fork();
			if (mine == 0) {
				CHECK_EQUAL(prctl(PR_SET_DUMPABLE, dumpable), 0);
				CHECK_EQUAL(write(ready[1], "x", 1), 1);
				for (;;)
					pause();
			}
			CHECK_EQUAL(read(ready[0], &byte, 1), 1);
			if (dumpable) {
				CHECK_EQUAL(ptrace(PTRACE_ATTACH, mine, 0, 0), 0);
				EXPECT_STOP(mine, SIGSTOP, 0);
			} else {
				CHECK_ERRNO(ptrace(PTRACE_ATTACH, mine, 0, 0), EPERM);
			}
			CHECK_EQUAL(kill(mine, SIGKILL), 0);
			CHECK_KILLED(mine, SIGKILL);
		}
		exit(0);
	}
	CHECK_EXITS(other, 0);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "executed"))
		return 6;
	calls();
	memory_and_registers();
	signals();
	events(0);
	events(1);
	attach();
	lost_tracer(0);
	lost_tracer(PTRACE_O_EXITKILL);
	stop_and_listen();
	rights();
	return 0;
}
