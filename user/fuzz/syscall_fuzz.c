/* Calls the kernel with hostile arguments: every number, pointers that lead nowhere or across the end of memory, structures of noise,
 * threads that change what others are just passing, children that inherit all of it.
 *
 *	syscall_fuzz SEED ROUNDS [CALLS [THREADS [ONLY_CALL]]]
 *
 * A round is a process of its own with its own seed, made from SEED and the round's number: `syscall_fuzz SEED+N 1` repeats round N (as
 * far as threads let it). Odd rounds run as an ordinary user, even ones as the superuser, with the few values left out that would end the
 * machine by right. Every call is noted in memory that the watcher, this program's first process, shares; so it can tell what a round
 * that hangs was doing. What makes a thread run anywhere is left to children that cannot write there. After each round nothing may be left: no process that cannot be killed, and, from round to round, no
 * more memory, processes or descriptors than before. What a call answers is checked too: an error number that Linux knows, and no
 * kernel address.
 *
 * Exits with 0, or says which round, seed and calls were concerned and exits with 1. Also runs on Linux (as an ordinary user). */
#include "values.h"

#include <dirent.h>
#include <errno.h>
#include <ftw.h>
#include <grp.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ipc.h>
#include <sys/mount.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>

struct call {
	long number;
	const char *name;
	const char *kinds;
};

static const struct call CALLS[] = {
#define CALL(number, name, kinds) { number, name, kinds },
#include "calls.h"
};

enum {
	MOST_CALLS = sizeof CALLS / sizeof *CALLS,
	MOST_THREADS = 8,
	/* Numbers that exist lie below this. */
	NUMBERS = 470,
	/* Milliseconds without a call before a round is ended, and for all of a round. */
	PATIENCE = 3000,
	MOST_TIME = 60000,
	/* Rounds after which caches and pools have their size. */
	WARM_UP = 24,
	/* Most growth of used memory over a run, in bytes, besides what each round may leave in caches. */
	SLACK = 6 << 20,
};

/* What a thread is doing, for the watcher. */
struct note {
	volatile uint64_t count;
	volatile int tid;
	volatile int is_inside;
	volatile long number;
	volatile uint64_t arguments[6];
	volatile int has_failed;
	volatile long answer;
};

struct shared {
	struct note notes[MOST_THREADS + 1];
	/* The line at which a round could not be set up. */
	volatile int not_set_up, setup_error;
	volatile uint64_t total;
};

static struct shared *shared;
static struct places at;
static uint64_t calls_of_thread = 1500;
static int threads = 3;
static long only = -1;
/* How rounds ended: by a signal, or by themselves (0). */
static unsigned statuses[128];
static const char DIRECTORY[] = "/tmp/syscall_fuzz";

/* A call without the C library: errno lies in memory that a call may have taken away. */
static inline long enter(long number, const uint64_t *a)
{
#if defined __x86_64__
	register uint64_t r10 __asm__("r10") = a[3], r8 __asm__("r8") = a[4], r9 __asm__("r9") = a[5];
	long answer;
	__asm__ volatile("syscall" : "=a"(answer) : "a"(number), "D"(a[0]), "S"(a[1]), "d"(a[2]), "r"(r10), "r"(r8), "r"(r9) : "rcx", "r11", "memory");
	return answer;
#else
	register long x8 __asm__("x8") = number;
	register uint64_t x0 __asm__("x0") = a[0], x1 __asm__("x1") = a[1], x2 __asm__("x2") = a[2];
	register uint64_t x3 __asm__("x3") = a[3], x4 __asm__("x4") = a[4], x5 __asm__("x5") = a[5];
	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
	return (long)x0;
#endif
}

static _Noreturn void leave(int status)
{
	for (;;)
		enter(SYS_exit_group, (uint64_t[6]){ (uint64_t)status });
}

static _Noreturn void give_up(int line)
{
	shared->setup_error = errno;
	shared->not_set_up = line;
	leave(4);
}

static const char *name_of(long number)
{
	for (size_t i = 0; i < MOST_CALLS; i++)
		if (CALLS[i].number == number)
			return CALLS[i].name;
	return "unknown";
}

static int is(long number, const long *list)
{
	while (*list >= 0)
		if (*list++ == number)
			return 1;
	return 0;
}

/* Calls that a round cannot go on after, or that need care: they run in a child, and seldom. */
static const long FATAL[] = {
	SYS_exit, SYS_exit_group, SYS_execve, SYS_execveat, SYS_set_robust_list, SYS_set_tid_address, SYS_munmap, SYS_brk,
#ifdef SYS_arch_prctl
	SYS_arch_prctl,
#endif
	SYS_rt_sigsuspend, SYS_rt_sigprocmask, SYS_prctl, SYS_seccomp, SYS_mremap, SYS_mprotect, SYS_ptrace, SYS_setrlimit, SYS_prlimit64,
	SYS_close_range, SYS_rseq,
	-1,
};

/* Calls that the superuser must not make here: they end or starve the machine, or break it for the watcher, as they should. */
static const long FORBIDDEN[] = {
	SYS_reboot, SYS_pivot_root, SYS_swapon, SYS_swapoff, SYS_init_module, SYS_finit_module, SYS_delete_module, SYS_kexec_load,
	SYS_sched_setscheduler, SYS_sched_setparam, SYS_sched_setattr, SYS_settimeofday, SYS_clock_settime, SYS_adjtimex, SYS_clock_adjtime,
	SYS_pidfd_send_signal, SYS_process_vm_writev, SYS_acct, SYS_bpf, SYS_setns, SYS_move_mount, SYS_open_tree, SYS_fsmount,
	SYS_vhangup, -1,
};

/* Calls after which a thread goes on with registers out of noise, or keeps them where others write: it may run anywhere in this
 * program, even where notes are written. They are made by children that cannot reach the notes and are nobody's superuser. */
static const long WILD[] = { SYS_rt_sigreturn, SYS_sigaltstack, -1 };

static const long FORKS[] = {
	SYS_clone,
#ifdef SYS_fork
	SYS_fork, SYS_vfork,
#endif
	SYS_clone3, -1,
};

static void some_calls(struct choices *from, struct note *note, uint64_t count, int depth);

/* What a fresh child does: a few calls of its own, then it goes. */
static _Noreturn void be_child(struct choices *from, int depth)
{
	struct note own = { 0 };
	from->state ^= 0x5555;
	some_calls(from, &own, below(from, 12), depth + 1);
	leave(0);
}

static int run_thread(void *argument)
{
	struct choices from = { (uint64_t)(uintptr_t)argument };
	be_child(&from, 1);
}

/* Makes a process or thread, by flags that keep this one whole. */
static long make_child(struct choices *from, long number, uint64_t *a, int depth)
{
	static char stacks[MOST_THREADS][32768] __attribute__((aligned(4096)));
	if (depth > 1)
		return 0;
	uint64_t flags = a[0];
	if (number == SYS_clone && one_in(from, 3)) {
		/* One that shares the memory, on a stack of its own. */
		char *top = stacks[below(from, MOST_THREADS)] + sizeof *stacks;
		return clone(run_thread, top, (int)((flags & ~(uint64_t)CLONE_VFORK) | CLONE_VM), (void *)(uintptr_t)next(from));
	}
	long answer;
	if (number == SYS_clone3) {
		/* Only what cannot succeed with shared memory: its stack would be ours. */
		uint64_t arguments[11] = { flags & ~(uint64_t)(CLONE_VM | CLONE_VFORK), a[1], a[2], a[3], below(from, 65), 0, 0, 0, 0, 0, 0 };
		answer = enter(number, (uint64_t[6]){ (uint64_t)arguments, one_in(from, 3) ? length(from) : 64 });
	} else if (number == SYS_clone) {
		a[0] &= ~(uint64_t)(CLONE_VM | CLONE_VFORK);
		a[1] = 0;
		answer = enter(number, a);
	} else {
		/* Of vfork only the going is safe. */
		answer = enter(number, a);
#ifdef SYS_vfork
		if (answer == 0 && number == SYS_vfork)
			leave(0);
#endif
	}
	if (answer == 0)
		be_child(from, depth);
	return answer;
}

/* An answer is a value or an error number that programs know; never an address of the kernel, never one of its private numbers. */
static int is_sound(long number, long answer)
{
	if (answer >= 0 || answer < -4095)
		return (uint64_t)answer < 0xffff000000000000ull || number == SYS_rt_sigreturn;
	return answer > -134;
}

static long call(struct choices *from, struct note *note, long number, uint64_t *a, int depth)
{
	for (int i = 0; i < 6; i++)
		note->arguments[i] = a[i];
	note->number = number;
	note->is_inside = 1;
	long answer = is(number, FORKS) ? make_child(from, number, a, depth) : enter(number, a);
	note->is_inside = 0;
	note->count++;
	if (!is_sound(number, answer)) {
		note->answer = answer;
		note->has_failed = 1;
		leave(3);
	}
	return answer;
}

/* Chooses a call and its arguments. */
static long choose(struct choices *from, uint64_t *a)
{
	const char *kinds = "";
	long number;
	if (only >= 0 && !one_in(from, 4)) {
		number = only;
	} else if (one_in(from, 8)) {
		number = one_in(from, 8) ? (long)next(from) : (long)below(from, NUMBERS);
	} else {
		number = CALLS[below(from, MOST_CALLS)].number;
	}
	for (size_t i = 0; i < MOST_CALLS; i++)
		if (CALLS[i].number == number)
			kinds = CALLS[i].kinds;
	size_t known = strlen(kinds);
	for (size_t i = 0; i < 6; i++)
		a[i] = argument(from, &at, i < known ? kinds[i] : "fspztgoi"[below(from, 8)]);
	return number;
}

/* As the superuser: what would end the watcher or the machine becomes harmless. */
static int is_allowed(struct choices *from, long number, uint64_t *a)
{
	if (!at.is_privileged)
		return number != SYS_reboot;
	if (is(number, FORBIDDEN))
		return 0;
	static const long ABOUT_OTHERS[] = {
		SYS_kill, SYS_tkill, SYS_tgkill, SYS_rt_sigqueueinfo, SYS_rt_tgsigqueueinfo, SYS_prlimit64, SYS_ptrace, SYS_process_vm_readv,
		SYS_setpriority, SYS_sched_setaffinity, SYS_pidfd_open, SYS_setpgid, SYS_migrate_pages, SYS_move_pages, SYS_kcmp, -1,
	};
	if (is(number, ABOUT_OTHERS))
		for (int i = 0; i < 2; i++)
			if ((int32_t)a[i] == at.watcher || (int32_t)a[i] == -at.watcher || (int32_t)a[i] == 1 || (int32_t)a[i] == -1)
				a[i] = (uint64_t)at.self;
	/* Nor are signals about files for the watcher, whatever they are about. */
	if (number == SYS_fcntl && ((int)a[1] == F_SETOWN || (int)a[1] == F_SETOWN_EX)) {
		a[1] = F_SETOWN;
		a[2] = (uint64_t)at.self;
	}
	if (number == SYS_ioctl && ((uint32_t)a[1] == 0x8901 /* FIOSETOWN */ || (uint32_t)a[1] == 0x8902 /* SIOCSPGRP */))
		return 0;
	/* Names that the watcher needs are out of reach behind these. */
	static const char *const OWN[] = { "d", "a", "d/e", "link" };
	if (number == SYS_mount || number == SYS_umount2 || number == SYS_chroot) {
		char *place = at.arena + (below(from, ARENA - 512) & ~7ull);
		strcpy(place, OWN[below(from, 4)]);
		a[number == SYS_mount ? 1 : 0] = (uint64_t)place;
		/* The other threads' changes must not make another name of it. */
		return number != SYS_mount || below(from, 4) == 0;
	}
	return 1;
}

/* A child that is let do anything: only the superuser can make one that is sure to leave others alone. */
static void run_wild(struct choices *from, long number, uint64_t *a)
{
	uint64_t none[6] = { SIGCHLD };
	if (!at.has_ordinary_user || !one_in(from, 8) || enter(SYS_clone, none) != 0)
		return;
	struct note own = { 0 };
	uint64_t user = 1000;
	/* By themselves: the C library would ask the other threads, which are not here. */
	if (at.is_privileged && (enter(SYS_setgroups, (uint64_t[6]){ 0 }) != 0 || enter(SYS_setresgid, (uint64_t[6]){ user, user, user }) != 0 ||
				 enter(SYS_setresuid, (uint64_t[6]){ user, user, user }) != 0))
		leave(0);
	if (enter(SYS_munmap, (uint64_t[6]){ (uint64_t)shared, sizeof *shared }) != 0)
		leave(0);
	call(from, &own, number, a, 2);
	some_calls(from, &own, below(from, 6), 2);
	leave(0);
}

static void some_calls(struct choices *from, struct note *note, uint64_t count, int depth)
{
	for (uint64_t i = 0; i < count; i++) {
		uint64_t a[6];
		long number = choose(from, a);
		if (!is_allowed(from, number, a) || (is(number, FORKS) && !one_in(from, 20)))
			continue;
		if (is(number, WILD)) {
			if (depth < 2)
				run_wild(from, number, a);
			continue;
		}
		/* What stays in force for the whole round is mostly tried by a child. */
		if (depth == 0 && is(number, FATAL) && number != only && !one_in(from, 60)) {
			if (!one_in(from, 8))
				continue;
			uint64_t none[6] = { SIGCHLD };
			if (enter(SYS_clone, none) == 0) {
				struct note own = { 0 };
				call(from, &own, number, a, 2);
				some_calls(from, &own, below(from, 6), 2);
				leave(0);
			}
			continue;
		}
		call(from, note, number, a, depth);
	}
}

/* Set once all threads are made: what one of them calls may leave none of the memory that another is made of. */
static int may_begin;

static void *thread(void *argument)
{
	while (!__atomic_load_n(&may_begin, __ATOMIC_ACQUIRE))
		sched_yield();
	uintptr_t index = (uintptr_t)argument;
	struct note *note = &shared->notes[index];
	struct choices from = { at.self * 0ull + (uint64_t)(uintptr_t)note->arguments[0] };
	note->tid = (int)syscall(SYS_gettid);
	some_calls(&from, note, calls_of_thread, 0);
	note->count |= 1ull << 63;
	return NULL;
}

/* Changes what the others are passing, and the rights to it. */
static void *change(void *argument)
{
	struct choices from = { (uint64_t)(uintptr_t)argument };
	for (;;) {
		size_t place = below(&from, ARENA - 512);
		fill(&from, &at, at.arena + place, 512);
		if (one_in(&from, 64)) {
			char *page = at.arena + below(&from, ARENA / PAGE) * PAGE;
			switch (below(&from, 3)) {
			case 0: madvise(page, PAGE, MADV_DONTNEED); break;
			case 1: mprotect(at.arena, ARENA, PROT_READ | PROT_WRITE); break;
			default: mprotect(at.of_file, PAGE, one_in(&from, 2) ? PROT_READ : PROT_READ | PROT_WRITE); break;
			}
		}
		if (one_in(&from, 16))
			sched_yield();
	}
	return NULL;
}

/* Goes on after a signal that somebody sent; a fault would only come again. */
static void ignore(int number, siginfo_t *info, void *context)
{
	(void)context;
	int is_fault = number == SIGSEGV || number == SIGBUS || number == SIGILL || number == SIGFPE || number == SIGTRAP || number == SIGSYS;
	if (is_fault && info->si_code > 0)
		leave(5);
}

/* Descriptors of every kind there is. What fails to open is left out. */
static void open_descriptors(void)
{
	int pair[2];
	close(0);
	if (open("/dev/null", O_RDWR) != 0)
		give_up(__LINE__);
	dup2(0, 1);
	dup2(0, 2);
	for (int i = 0; i < 2; i++)
		if (pipe(pair) == 0 && i == 1)
			fcntl(pair[1], F_SETFL, O_NONBLOCK);
	socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
	socketpair(AF_UNIX, SOCK_DGRAM, 0, pair);
	socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, pair);
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX, .sun_path = "socket" };
	bind(listener, (struct sockaddr *)&name, sizeof name);
	listen(listener, 4);
	socket(AF_UNIX, SOCK_STREAM, 0);
	int epoll = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN };
	epoll_ctl(epoll, EPOLL_CTL_ADD, pair[0], &event);
	eventfd(0, EFD_NONBLOCK);
	syscall(SYS_timerfd_create, CLOCK_MONOTONIC, 0);
	uint64_t mask = 0x200;
	syscall(SYS_signalfd4, -1, &mask, 8, O_NONBLOCK);
	syscall(SYS_memfd_create, "memory", 2);
	syscall(SYS_pidfd_open, getpid(), 0);
	open("a", O_RDWR | O_CREAT, 0666);
	open("b", O_RDWR | O_CREAT | O_APPEND, 0666);
	open(".", O_RDONLY | O_DIRECTORY);
	open("d", O_PATH);
	open("/dev/zero", O_RDWR);
	open("/proc/self/maps", O_RDONLY);
	open("/proc/self/status", O_RDONLY);
	open("/dev/ptmx", O_RDWR | O_NOCTTY | O_NONBLOCK);
}

static void *map(size_t bytes, int protection, int fd)
{
	void *place = mmap(NULL, bytes, protection, fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);
	if (place == MAP_FAILED)
		give_up(__LINE__);
	return place;
}

/* One round, in a process of its own. */
static _Noreturn void be_round(uint64_t seed, int is_privileged)
{
	struct choices from = { seed };
	at.self = getpid();
	at.watcher = getppid();
	at.has_ordinary_user = getuid() == 0;
	at.is_privileged = is_privileged || getuid() != 0;
	setsid();
	if (!is_privileged && getuid() == 0 && (setgroups(0, NULL) != 0 || setresgid(1000, 1000, 1000) != 0 || setresuid(1000, 1000, 1000) != 0))
		give_up(__LINE__);
	prctl(PR_SET_DUMPABLE, 1);
	struct rlimit files = { 256, 256 }, core = { 0, 0 }, size = { 1 << 22, 1 << 22 }, memory = { 1ul << 30, 1ul << 30 };
	setrlimit(RLIMIT_NOFILE, &files);
	setrlimit(RLIMIT_CORE, &core);
	setrlimit(RLIMIT_FSIZE, &size);
	setrlimit(RLIMIT_AS, &memory);
	open_descriptors();
	struct sigaction handler = { .sa_sigaction = ignore, .sa_flags = SA_SIGINFO };
	for (int number = 1; number < NSIG; number++)
		sigaction(number, &handler, NULL);
	/* Two are the C library's own, which does not let them be caught; as if blocked, they must not end the round. */
	uint64_t of_library = 3ull << 31;
	enter(SYS_rt_sigprocmask, (uint64_t[6]){ SIG_BLOCK, (uint64_t)&of_library, 0, 8 });
	/* The page behind the arena is not there. */
	char *room = map(ARENA + PAGE, PROT_NONE, -1);
	at.arena = room;
	mprotect(at.arena, ARENA, PROT_READ | PROT_WRITE);
	at.read_only = map(PAGE, PROT_READ, -1);
	at.forbidden = map(PAGE, PROT_NONE, -1);
	at.hole = map(2 * PAGE, PROT_NONE, -1);
	munmap(at.hole, 2 * PAGE);
	int file = open("c", O_RDWR | O_CREAT | O_TRUNC, 0666);
	at.of_file = ftruncate(file, PAGE / 2) == 0 ? map(PAGE, PROT_READ | PROT_WRITE, file) : at.read_only;
	for (size_t place = 0; place < ARENA; place += 256)
		fill(&from, &at, at.arena + place, 256);
	pthread_t workers[MOST_THREADS], changer;
	for (int i = 0; i < threads; i++) {
		shared->notes[i].arguments[0] = next(&from);
		if (pthread_create(&workers[i], NULL, thread, (void *)(uintptr_t)i) != 0)
			give_up(__LINE__);
	}
	if (pthread_create(&changer, NULL, change, (void *)(uintptr_t)next(&from)) != 0)
		give_up(__LINE__);
	__atomic_store_n(&may_begin, 1, __ATOMIC_RELEASE);
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i], NULL);
	leave(0);
}

static long long now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void nap(long us)
{
	struct timespec time = { 0, us * 1000 };
	nanosleep(&time, NULL);
}

static void tell_notes(void)
{
	for (int i = 0; i < threads; i++) {
		struct note *note = &shared->notes[i];
		printf("  thread %d, call %llu, %s: %s %ld(%#llx, %#llx, %#llx, %#llx, %#llx, %#llx)", note->tid,
		       (unsigned long long)(note->count & ~(1ull << 63)), note->is_inside ? "in" : "after", name_of(note->number), note->number,
		       (unsigned long long)note->arguments[0], (unsigned long long)note->arguments[1], (unsigned long long)note->arguments[2],
		       (unsigned long long)note->arguments[3], (unsigned long long)note->arguments[4], (unsigned long long)note->arguments[5]);
		if (note->has_failed)
			printf(" answered %ld (%#lx)", note->answer, note->answer);
		printf("\n");
	}
}

static void tell_process(const char *pid)
{
	static const char *const FILES[] = { "stat", "wchan", "syscall", "status" };
	for (size_t i = 0; i < 4; i++) {
		char name[300], text[400];
		snprintf(name, sizeof name, "/proc/%s/%s", pid, FILES[i]);
		int fd = open(name, O_RDONLY);
		ssize_t bytes = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
		if (bytes > 0)
			printf("  %s: %.*s\n", name, (int)bytes, text);
		if (fd >= 0)
			close(fd);
	}
}

/* Ends every process below the watcher. False if one does not go. */
static int end_all(pid_t watcher)
{
	long long start = now_ms();
	for (;;) {
		int status, left = 0, is_late = now_ms() - start > 20000;
		while (waitpid(-1, &status, WNOHANG | __WALL) > 0)
			;
		DIR *processes = opendir("/proc");
		if (!processes)
			return 1;
		for (struct dirent *entry; (entry = readdir(processes));) {
			int pid = atoi(entry->d_name);
			char name[64], text[256] = "";
			if (pid <= 1 || pid == watcher)
				continue;
			snprintf(name, sizeof name, "/proc/%d/stat", pid);
			int fd = open(name, O_RDONLY);
			if (fd < 0)
				continue;
			ssize_t bytes = read(fd, text, sizeof text - 1);
			close(fd);
			/* Only what this program made, which matters on Linux. */
			char *after = bytes > 0 ? strrchr(text, ')') : NULL;
			int parent = 0;
			if (!after || sscanf(after + 1, " %*c %d", &parent) != 1 || parent != watcher)
				continue;
			left++;
			kill(pid, SIGKILL);
			if (is_late)
				tell_process(entry->d_name);
		}
		closedir(processes);
		if (left == 0)
			return 1;
		if (is_late)
			return 0;
		nap(1000);
	}
}

static int remove_entry(const char *name, const struct stat *data, int kind, struct FTW *walk)
{
	(void)data, (void)kind, (void)walk;
	return remove(name) && 0;
}

static int open_entry(const char *name, const struct stat *data, int kind, struct FTW *walk)
{
	(void)data, (void)walk;
	return (kind == FTW_D || kind == FTW_DNR) && chmod(name, 0777) && 0;
}

/* When this run began. */
static time_t begun;

/* Objects of System V outlive whoever made them. Only what this run may have made is removed, which matters on Linux. */
static void remove_objects(void)
{
	struct shmid_ds segment;
	struct msqid_ds queue;
	struct semid_ds set;
	union { struct semid_ds *set; struct seminfo *info; } argument = { .set = &set };
	struct seminfo limits;
	struct shm_info segments;
	struct msginfo queues;
	for (int at = shmctl(0, SHM_INFO, (struct shmid_ds *)&segments); at >= 0; at--) {
		int id = shmctl(at, SHM_STAT_ANY, &segment);
		if (id >= 0 && segment.shm_ctime >= begun)
			shmctl(id, IPC_RMID, NULL);
	}
	for (int at = msgctl(0, MSG_INFO, (struct msqid_ds *)&queues); at >= 0; at--) {
		int id = msgctl(at, MSG_STAT_ANY, &queue);
		if (id >= 0 && queue.msg_ctime >= begun)
			msgctl(id, IPC_RMID, NULL);
	}
	argument.info = &limits;
	int last = semctl(0, 0, SEM_INFO, argument);
	argument.set = &set;
	for (int at = last; at >= 0; at--) {
		int id = semctl(at, 0, SEM_STAT_ANY, argument);
		if (id >= 0 && set.sem_ctime >= begun)
			semctl(id, 0, IPC_RMID);
	}
}

/* What every round needs and the superuser's may change the rights of, with what they were. */
static struct {
	const char *name;
	struct stat was;
} needed[] = { { .name = "/" }, { .name = "/tmp" }, { .name = "/dev" }, { .name = "/dev/null" }, { .name = "/dev/zero" }, { .name = "/dev/ptmx" } };

enum { NEEDED = sizeof needed / sizeof *needed };

static void remember_rights(void)
{
	for (size_t i = 0; i < NEEDED; i++)
		if (stat(needed[i].name, &needed[i].was) != 0)
			memset(&needed[i].was, 0, sizeof needed[i].was);
}

static void restore_rights(void)
{
	for (size_t i = 0; i < NEEDED && getuid() == 0; i++) {
		struct stat now, *was = &needed[i].was;
		if (was->st_mode == 0)
			continue;
		if (stat(needed[i].name, &now) != 0)
			printf("%s is gone\n", needed[i].name);
		else if ((now.st_mode != was->st_mode || now.st_uid != was->st_uid || now.st_gid != was->st_gid) &&
			 (chown(needed[i].name, was->st_uid, was->st_gid) != 0 || chmod(needed[i].name, was->st_mode & 07777) != 0))
			printf("cannot mend %s\n", needed[i].name);
	}
}

static void clean_up(void)
{
	remove_objects();
	static const char *const MOUNTED[] = { "d/e", "d", "a", "link", "." };
	for (int again = 0; again < 8; again++)
		for (size_t i = 0; i < 5; i++)
			if (getuid() == 0)
				umount2(MOUNTED[i], MNT_DETACH);
	restore_rights();
	if (chdir("/") != 0)
		return;
	for (int again = 0; again < 4; again++)
		nftw(DIRECTORY, open_entry, 16, FTW_PHYS);
	nftw(DIRECTORY, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

static int make_directory(void)
{
	if (mkdir(DIRECTORY, 0777) != 0 && errno != EEXIST)
		return 0;
	if (chmod(DIRECTORY, 0777) != 0 || chdir(DIRECTORY) != 0 || mkdir("d", 0777) != 0 || mkdir("d/e", 0777) != 0)
		return 0;
	chmod("d", 0777);
	return symlink("d", "link") == 0 && symlink("loop", "loop") == 0 && mkfifo("fifo", 0666) == 0;
}

struct counts {
	unsigned long used_bytes;
	int processes, descriptors;
};

static struct counts count_all(void)
{
	struct sysinfo info;
	struct counts counts = { 0, 0, 0 };
	if (sysinfo(&info) == 0) {
		counts.used_bytes = (info.totalram - info.freeram) * info.mem_unit;
		counts.processes = info.procs;
	}
	DIR *open_files = opendir("/proc/self/fd");
	while (open_files && readdir(open_files))
		counts.descriptors++;
	if (open_files)
		closedir(open_files);
	return counts;
}

/* Watches one round to its end. False: something is wrong, and has been told. */
static int watch(pid_t round)
{
	long long start = now_ms(), last = start;
	uint64_t seen = 0;
	for (;;) {
		int status;
		pid_t done = waitpid(round, &status, WNOHANG | __WALL);
		if (done == round) {
			statuses[WIFSIGNALED(status) ? WTERMSIG(status) : 0]++;
			for (int i = 0; i < threads; i++)
				if (shared->notes[i].has_failed) {
					printf("a call answered what no call may answer:\n");
					tell_notes();
					return 0;
				}
			if (shared->not_set_up) {
				printf("the round could not be set up, line %d: %s\n", shared->not_set_up, strerror(shared->setup_error));
				/* Perhaps an earlier round changed what it should not have been able to, or what it should not be let. */
				fflush(stdout);
				if (system("ls -la / /dev /tmp") != 0)
					printf("no shell to look around\n");
				return 0;
			}
			return 1;
		}
		uint64_t sum = 0;
		for (int i = 0; i < threads; i++) {
			sum += shared->notes[i].count;
			/* Whoever waits is told to go on; who blocked the signal waits for the end of the round. */
			if (shared->notes[i].is_inside && shared->notes[i].tid)
				syscall(SYS_tgkill, round, shared->notes[i].tid, SIGUSR1);
		}
		kill(round, SIGCONT);
		long long now = now_ms();
		if (sum != seen)
			last = now;
		seen = sum;
		if (now - last > PATIENCE / (sum > 200 ? 30 : 1) || now - start > MOST_TIME)
			return 1;
		nap(1000);
	}
}

static int run_round(uint64_t seed)
{
	memset(shared, 0, sizeof *shared);
	if (!make_directory()) {
		printf("cannot make %s: %s\n", DIRECTORY, strerror(errno));
		return 0;
	}
	pid_t watcher = getpid();
	fflush(stdout);
	pid_t round = fork();
	if (round == 0)
		be_round(seed, getuid() == 0 && seed % 2 == 0);
	if (round < 0) {
		printf("cannot fork: %s\n", strerror(errno));
		return 0;
	}
	int is_good = watch(round);
	if (!end_all(watcher)) {
		printf("a process does not go:\n");
		tell_notes();
		is_good = 0;
	}
	for (int i = 0; i < threads; i++)
		shared->total += (shared->notes[i].count & ~(1ull << 63)) % (1u << 30);
	uint64_t total = shared->total;
	clean_up();
	shared->total = total;
	return is_good;
}

int main(int count, char **words)
{
	if (count < 3) {
		fprintf(stderr, "usage: syscall_fuzz SEED ROUNDS [CALLS [THREADS [ONLY_CALL]]]\n");
		return 2;
	}
	uint64_t seed = strtoull(words[1], NULL, 0), rounds = strtoull(words[2], NULL, 0), total = 0;
	if (count > 3)
		calls_of_thread = strtoull(words[3], NULL, 0);
	if (count > 4)
		threads = atoi(words[4]) % (MOST_THREADS + 1);
	for (size_t i = 0; count > 5 && i < MOST_CALLS; i++)
		if (strcmp(CALLS[i].name, words[5]) == 0)
			only = CALLS[i].number;
	shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	/* What its children leave behind comes to the watcher. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGHUP, SIG_IGN);
	begun = time(NULL);
	remember_rights();
	clean_up();
	struct counts before = count_all();
	long long start = now_ms();
	for (uint64_t round = 0; round < rounds; round++) {
		if (round % 50 == 0 || rounds < 50) {
			printf("round %llu of %llu, seed %llu, %llu calls, %llu KiB in use\n", (unsigned long long)round, (unsigned long long)rounds,
			       (unsigned long long)(seed + round), (unsigned long long)total, (unsigned long long)count_all().used_bytes / 1024);
			fflush(stdout);
		}
		if (!run_round(seed + round)) {
			printf("FAILED in round %llu: syscall_fuzz %llu 1 %llu %d\n", (unsigned long long)round, (unsigned long long)(seed + round),
			       (unsigned long long)calls_of_thread, threads);
			return 1;
		}
		total += shared->total;
		if (round < WARM_UP)
			before = count_all();
	}
	struct counts after = count_all();
	long long growth = (long long)after.used_bytes - (long long)before.used_bytes;
	printf("%llu calls in %llu rounds, %lld ms; processes %d then %d, descriptors %d then %d, memory in use %+lld KiB\n",
	       (unsigned long long)total, (unsigned long long)rounds, now_ms() - start, before.processes, after.processes, before.descriptors,
	       after.descriptors, growth / 1024);
	for (int i = 0; i < 128; i++)
		if (statuses[i])
			printf("%u rounds ended by signal %d\n", statuses[i], i);
	if (after.processes > before.processes || after.descriptors > before.descriptors || growth > SLACK) {
		printf("FAILED: something was left behind, seed %llu, %llu rounds\n", (unsigned long long)seed, (unsigned long long)rounds);
		return 1;
	}
	return 0;
}
