/* The errors of calls on processes, signals, time, memory, sockets and events, one row each; and that errno is each thread's own, whatever
 * the others' calls answer at the same time. */
#include "errno_table.h"
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/un.h>

enum { NOBODY = 0x3fffffff, FOUR_KIB = 4096, THREADS = 8 };

static char buffer[8192];
static int file;

static void processes(void)
{
	struct rlimit crossed = { 2, 1 };
	struct sched_param parameter = { 0 };
	FAILS(EINVAL, wait4, -1, NULL, 0x40, NULL);
	FAILS(ECHILD, wait4, -1, NULL, 0, NULL);
	FAILS(ECHILD, wait4, NOBODY, NULL, 0, NULL);
	FAILS(EINVAL, waitid, 99, 0, NULL, WEXITED, NULL);
	FAILS(EINVAL, waitid, P_ALL, 0, NULL, 0, NULL);
	FAILS(EINVAL, waitid, P_ALL, 0, NULL, WEXITED | 0x100, NULL);
	FAILS(EINVAL, waitid, P_PID, 0, NULL, WEXITED, NULL);
	FAILS(ECHILD, waitid, P_ALL, 0, NULL, WEXITED, NULL);
	FAILS(ESRCH, getpgid, NOBODY);
	FAILS(ESRCH, getsid, NOBODY);
	FAILS(EINVAL, setpgid, 0, -1);
	FAILS(ESRCH, setpgid, NOBODY, 0);
	FAILS(EPERM, setpgid, 0, NOBODY);
	FAILS(EINVAL, getpriority, 99, 0);
	FAILS(ESRCH, getpriority, PRIO_PROCESS, NOBODY);
	FAILS(EINVAL, setpriority, 99, 0, 0);
	FAILS(ESRCH, setpriority, PRIO_PROCESS, NOBODY, 0);
	FAILS(EINVAL, sched_getscheduler, -1);
	FAILS(ESRCH, sched_getscheduler, NOBODY);
	FAILS(EINVAL, sched_getparam, 0, NULL);
	FAILS(ESRCH, sched_getparam, NOBODY, &parameter);
	FAILS(EFAULT, sched_getparam, 0, NOWHERE);
	FAILS(EINVAL, sched_setparam, 0, NULL);
	FAILS(EFAULT, sched_setparam, 0, NOWHERE);
	FAILS(EINVAL, sched_setscheduler, 0, 99, &parameter);
	FAILS(EINVAL, sched_setscheduler, 0, SCHED_FIFO, &parameter);
	FAILS(ESRCH, sched_setscheduler, NOBODY, SCHED_OTHER, &parameter);
	FAILS(EINVAL, sched_get_priority_max, 99);
	FAILS(EINVAL, sched_get_priority_min, -1);
	FAILS(ESRCH, sched_rr_get_interval, NOBODY, buffer);
	FAILS(EFAULT, sched_rr_get_interval, 0, NOWHERE);
	FAILS(EINVAL, sched_getattr, 0, buffer, 1, 0);
	FAILS(EINVAL, sched_setattr, 0, NULL, 0);
	FAILS(EINVAL, sched_getaffinity, 0, 3L, buffer);
	FAILS(ESRCH, sched_getaffinity, NOBODY, 8192L, buffer);
	FAILS(EFAULT, sched_getaffinity, 0, 8192L, NOWHERE);
	FAILS(ESRCH, sched_setaffinity, NOBODY, 8L, "\1\0\0\0\0\0\0");
	FAILS(EINVAL, sched_setaffinity, 0, 8L, "\0\0\0\0\0\0\0");
	FAILS(EFAULT, sched_setaffinity, 0, 8L, NOWHERE);
	FAILS(EINVAL, prlimit64, 0, 99, NULL, NULL);
	FAILS(ESRCH, prlimit64, NOBODY, RLIMIT_CPU, NULL, NULL);
	FAILS(EFAULT, prlimit64, 0, RLIMIT_CPU, NULL, NOWHERE);
	FAILS(EFAULT, prlimit64, 0, RLIMIT_CPU, NOWHERE, NULL);
	FAILS(EINVAL, setrlimit, RLIMIT_CORE, &crossed);
	FAILS(EINVAL, getrusage, 99, buffer);
	FAILS(EFAULT, getrusage, RUSAGE_SELF, NOWHERE);
	FAILS(EFAULT, times, NOWHERE);
	FAILS(EFAULT, uname, NOWHERE);
	FAILS(EFAULT, sysinfo, NOWHERE);
	FAILS(EINVAL, prctl, 99999, 0L, 0L, 0L, 0L);
	FAILS(EINVAL, prctl, PR_SET_PDEATHSIG, 99L, 0L, 0L, 0L);
	FAILS(EFAULT, prctl, PR_SET_NAME, NOWHERE, 0L, 0L, 0L);
	FAILS(EFAULT, prctl, PR_GET_NAME, NOWHERE, 0L, 0L, 0L);
	FAILS(EINVAL, prctl, PR_SET_NO_NEW_PRIVS, 0L, 0L, 0L, 0L);
	FAILS(EINVAL, prctl, PR_SET_DUMPABLE, 99L, 0L, 0L, 0L);
	FAILS(EINVAL, getgroups, -1, NULL);
	FAILS(EFAULT, getresuid, NOWHERE, buffer, buffer);
	FAILS(EFAULT, getresgid, buffer, NOWHERE, buffer);
	FAILS(EFAULT, capget, NOWHERE, NULL);
	FAILS(EINVAL, getrandom, buffer, 1L, 0x100);
	FAILS(EFAULT, getrandom, NOWHERE, 1L, 0);
	FAILS(EFAULT, getcpu, NOWHERE, NULL, NULL);
	FAILS(EINVAL, clone, (long)(CLONE_THREAD | SIGCHLD), 0L, NULL, NULL, 0L);
	FAILS(EINVAL, clone, (long)(CLONE_SIGHAND | SIGCHLD), 0L, NULL, NULL, 0L);
	FAILS_IF_THERE(EINVAL, pidfd_open, -1, 0);
	FAILS_IF_THERE(EINVAL, pidfd_open, getpid(), 1);
	FAILS_IF_THERE(ESRCH, pidfd_open, NOBODY, 0);
	FAILS_IF_THERE(EBADF, pidfd_send_signal, -1, 0, NULL, 0);
	FAILS_IF_THERE(EBADF, pidfd_send_signal, file, 0, NULL, 0);
	FAILS(EINVAL, set_robust_list, buffer, 1L);
	FAILS(ESRCH, get_robust_list, NOBODY, buffer, buffer);
}

static void signals(void)
{
	struct timespec wrong = { 0, -1 };
	uint64_t set = 1 << (SIGUSR1 - 1);
	stack_t small = { .ss_sp = buffer, .ss_size = 100 }, flags = { .ss_sp = buffer, .ss_size = 8192, .ss_flags = 0x77 };
	FAILS(EINVAL, kill, getpid(), 65);
	FAILS(EINVAL, kill, getpid(), -1);
	FAILS(ESRCH, kill, NOBODY, 0);
	FAILS(ESRCH, kill, -NOBODY, 0);
	FAILS(EINVAL, tkill, -1, 0);
	FAILS(EINVAL, tkill, getpid(), 65);
	FAILS(ESRCH, tkill, NOBODY, 0);
	FAILS(EINVAL, tgkill, -1, getpid(), 0);
	FAILS(EINVAL, tgkill, getpid(), 0, 0);
	FAILS(ESRCH, tgkill, NOBODY, getpid(), 0);
	FAILS(EINVAL, rt_sigaction, SIGKILL, buffer, NULL, 8L);
	FAILS(EINVAL, rt_sigaction, SIGSTOP, buffer, NULL, 8L);
	FAILS(EINVAL, rt_sigaction, 0, NULL, NULL, 8L);
	FAILS(EINVAL, rt_sigaction, 65, NULL, NULL, 8L);
	FAILS(EINVAL, rt_sigaction, SIGUSR1, NULL, NULL, 4L);
	FAILS(EFAULT, rt_sigaction, SIGUSR1, NOWHERE, NULL, 8L);
	FAILS(EFAULT, rt_sigaction, SIGUSR1, NULL, NOWHERE, 8L);
	FAILS(EINVAL, rt_sigprocmask, 99, &set, NULL, 8L);
	FAILS(EINVAL, rt_sigprocmask, SIG_BLOCK, NULL, NULL, 4L);
	FAILS(EFAULT, rt_sigprocmask, SIG_BLOCK, NOWHERE, NULL, 8L);
	FAILS(EFAULT, rt_sigprocmask, SIG_BLOCK, NULL, NOWHERE, 8L);
	FAILS(EINVAL, rt_sigpending, buffer, 16L);
	FAILS(EFAULT, rt_sigpending, NOWHERE, 8L);
	FAILS(EINVAL, rt_sigsuspend, &set, 4L);
	FAILS(EFAULT, rt_sigsuspend, NOWHERE, 8L);
	FAILS(EINVAL, rt_sigtimedwait, &set, NULL, &wrong, 8L);
	FAILS(EINVAL, rt_sigtimedwait, &set, NULL, NULL, 4L);
	FAILS(EFAULT, rt_sigtimedwait, NOWHERE, NULL, NULL, 8L);
	FAILS(EFAULT, rt_sigtimedwait, &set, NULL, NOWHERE, 8L);
	wrong.tv_nsec = 0;
	FAILS(EAGAIN, rt_sigtimedwait, &set, NULL, &wrong, 8L);
	FAILS(EFAULT, rt_sigqueueinfo, getpid(), SIGUSR1, NOWHERE);
	FAILS(ENOMEM, sigaltstack, &small, NULL);
	FAILS(EINVAL, sigaltstack, &flags, NULL);
	FAILS(EFAULT, sigaltstack, NOWHERE, NULL);
	FAILS(EFAULT, sigaltstack, NULL, NOWHERE);
	FAILS(EINVAL, signalfd4, -1, &set, 4L, 0);
	FAILS(EINVAL, signalfd4, -1, &set, 8L, 1);
	FAILS(EINVAL, signalfd4, file, &set, 8L, 0);
	FAILS(EBADF, signalfd4, NOBODY, &set, 8L, 0);
	FAILS(EFAULT, signalfd4, -1, NOWHERE, 8L, 0);
}

static void times_and_timers(void)
{
	struct timespec wrong = { 0, 1000000000 }, negative = { -1, 0 }, time = { 0, 0 };
	struct itimerspec bad = { .it_value.tv_nsec = 1000000000 };
	struct itimerval bad_old = { .it_value.tv_usec = 1000000 };
	int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
	CHECK(timer >= 0);
	FAILS(EINVAL, nanosleep, &wrong, NULL);
	FAILS(EINVAL, nanosleep, &negative, NULL);
	FAILS(EFAULT, nanosleep, NOWHERE, NULL);
	FAILS(EINVAL, clock_nanosleep, 99, 0, &time, NULL);
	FAILS(EINVAL, clock_nanosleep, CLOCK_MONOTONIC, 0, &wrong, NULL);
	FAILS(EOPNOTSUPP, clock_nanosleep, CLOCK_MONOTONIC_RAW, 0, &time, NULL);
	FAILS(EFAULT, clock_nanosleep, CLOCK_MONOTONIC, 0, NOWHERE, NULL);
	FAILS(EINVAL, clock_gettime, 99, &time);
	FAILS(EFAULT, clock_gettime, CLOCK_MONOTONIC, NOWHERE);
	FAILS(EINVAL, clock_getres, 99, &time);
	FAILS(EFAULT, clock_getres, CLOCK_MONOTONIC, NOWHERE);
	FAILS_IF_THERE(EINVAL, clock_settime, CLOCK_MONOTONIC, &time);
	FAILS(EFAULT, gettimeofday, NOWHERE, NULL);
	FAILS(EINVAL, getitimer, 99, buffer);
	FAILS(EFAULT, getitimer, ITIMER_REAL, NOWHERE);
	FAILS(EINVAL, setitimer, ITIMER_REAL, &bad_old, NULL);
	FAILS(EINVAL, setitimer, 99, buffer, NULL);
	FAILS(EFAULT, setitimer, ITIMER_REAL, NOWHERE, NULL);
	FAILS(EINVAL, timer_create, 99, NULL, buffer);
	FAILS(EFAULT, timer_create, CLOCK_MONOTONIC, NULL, NOWHERE);
	FAILS(EFAULT, timer_create, CLOCK_MONOTONIC, NOWHERE, buffer);
	FAILS(EINVAL, timer_settime, 12345, 0, &bad, NULL);
	FAILS(EINVAL, timer_gettime, 12345, &bad);
	FAILS(EINVAL, timer_getoverrun, 12345);
	FAILS(EINVAL, timer_delete, 12345);
	FAILS(EINVAL, timerfd_create, 99, 0);
	FAILS(EINVAL, timerfd_create, CLOCK_MONOTONIC, 1);
	FAILS(EINVAL, timerfd_settime, timer, 0, &bad, NULL);
	FAILS(EINVAL, timerfd_settime, timer, 0x80, buffer, NULL);
	FAILS(EINVAL, timerfd_settime, file, 0, buffer, NULL);
	FAILS(EINVAL, timerfd_gettime, file, buffer);
	FAILS(EBADF, timerfd_settime, -1, 0, buffer, NULL);
	FAILS(EBADF, timerfd_gettime, -1, buffer);
	FAILS(EFAULT, timerfd_settime, timer, 0, NOWHERE, NULL);
	FAILS(EFAULT, timerfd_gettime, timer, NOWHERE);
	FAILS(EINVAL, read, timer, buffer, 7L);
	FAILS(EAGAIN, read, timer, buffer, 8L);
	CHECK_EQUAL(close(timer), 0);
}

static void memory(void)
{
	char *gone = mmap(NULL, 2 * FOUR_KIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(gone != MAP_FAILED && munmap(gone, FOUR_KIB) == 0);
	char *page = gone + FOUR_KIB;
	const long size = FOUR_KIB;
	FAILS(EINVAL, mmap, NULL, 0L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
	FAILS(EINVAL, mmap, NULL, size, PROT_READ, MAP_ANONYMOUS, -1, 0L);
	FAILS(EINVAL, mmap, page + 1, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
	FAILS(EINVAL, mmap, NULL, size, PROT_READ, MAP_PRIVATE, file, 1L);
	FAILS(EEXIST, mmap, page, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0L);
	FAILS(ENOMEM, mmap, NULL, 0x7ffffffffffff000L, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0L);
	FAILS(ENOMEM, mmap, 0xffff800000000000L, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0L);
	FAILS(EOVERFLOW, mmap, NULL, size, PROT_READ, MAP_PRIVATE, file, -4096L);
	FAILS(EINVAL, munmap, page + 1, size);
	FAILS(EINVAL, munmap, page, 0L);
	FAILS(EINVAL, munmap, page, 0x7ffffffffffff000L);
	FAILS(EINVAL, mprotect, page + 1, size, PROT_READ);
	FAILS(EINVAL, mprotect, page, size, 0x100);
	FAILS(EINVAL, mprotect, page, size, PROT_GROWSDOWN | PROT_GROWSUP);
	FAILS(EINVAL, mprotect, page, size, PROT_READ | PROT_GROWSDOWN);
	FAILS(ENOMEM, mprotect, gone, size, PROT_READ);
	FAILS(ENOMEM, mprotect, page, -size, PROT_READ);
	FAILS(EINVAL, mremap, page + 1, size, size, 0, 0L);
	FAILS(EINVAL, mremap, page, size, 0L, 0, 0L);
	FAILS(EINVAL, mremap, page, size, size, 0x10, 0L);
	FAILS(EINVAL, mremap, page, size, size, MREMAP_FIXED, page);
	FAILS(EINVAL, mremap, page, size, size, MREMAP_FIXED | MREMAP_MAYMOVE, page);
	FAILS(EFAULT, mremap, gone, size, 2 * size, MREMAP_MAYMOVE, 0L);
	FAILS(EINVAL, madvise, page + 1, size, MADV_NORMAL);
	FAILS(EINVAL, madvise, page, size, 9999);
	FAILS(ENOMEM, madvise, gone, size, MADV_DONTNEED);
	FAILS(EINVAL, msync, page + 1, size, MS_SYNC);
	FAILS(EINVAL, msync, page, size, MS_SYNC | MS_ASYNC);
	FAILS(EINVAL, msync, page, size, 0x80);
	FAILS(ENOMEM, msync, gone, size, MS_SYNC);
	FAILS(EINVAL, mincore, page + 1, size, buffer);
	FAILS(ENOMEM, mincore, gone, size, buffer);
	FAILS(EFAULT, mincore, page, size, NOWHERE);
	FAILS(ENOMEM, mlock, gone, size);
	FAILS(ENOMEM, munlock, gone, size);
	FAILS(EINVAL, mlock2, page, size, 0x80);
	FAILS(EINVAL, mlockall, 0);
	FAILS(EINVAL, mlockall, 0x80);
	CHECK_EQUAL(munmap(page, FOUR_KIB), 0);
}

static void sockets(void)
{
	struct sockaddr_un here = { AF_UNIX, "bound" }, none = { AF_UNIX, "none" }, plain = { AF_UNIX, "file" }, wrong = { 9, "bound" };
	const unsigned size = sizeof here, four = sizeof(int);
	int stream = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0), bound = socket(AF_UNIX, SOCK_STREAM, 0);
	int listening = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0), pair[2], value = 0;
	unsigned bytes = four, negative = -1;
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	CHECK_EQUAL(bind(bound, (void *)&here, size), 0);
	struct sockaddr_un other = { AF_UNIX, "listening" };
	CHECK_EQUAL(bind(listening, (void *)&other, size) | listen(listening, 1), 0);
	struct msghdr message = { .msg_iov = NOWHERE, .msg_iovlen = 1 };
	static const int wrongs[] = { -1, 0 };
	for (int i = 0; i < 2; i++) {
		int fd = wrongs[i] ? wrongs[i] : file, error = wrongs[i] ? EBADF : ENOTSOCK;
		FAILS(error, bind, fd, &here, size);
		FAILS(error, connect, fd, &here, size);
		FAILS(error, listen, fd, 1);
		FAILS(error, accept4, fd, NULL, NULL, 0);
		FAILS(error, getsockname, fd, buffer, &bytes);
		FAILS(error, getpeername, fd, buffer, &bytes);
		FAILS(error, sendto, fd, buffer, 1L, 0, NULL, 0);
		FAILS(error, recvfrom, fd, buffer, 1L, 0, NULL, NULL);
		FAILS(error, setsockopt, fd, SOL_SOCKET, SO_PASSCRED, &value, four);
		FAILS(error, getsockopt, fd, SOL_SOCKET, SO_PASSCRED, &value, &bytes);
		FAILS(error, shutdown, fd, SHUT_RD);
		FAILS(error, sendmsg, fd, &message, 0);
		FAILS(error, recvmsg, fd, &message, 0);
		FAILS(error, sendmmsg, fd, buffer, 1, 0);
		FAILS(error, recvmmsg, fd, buffer, 1, 0, NULL);
	}
	FAILS(EAFNOSUPPORT, socket, 99, SOCK_STREAM, 0);
	FAILS(EINVAL, socket, AF_UNIX, 99, 0);
	FAILS(EINVAL, socket, AF_UNIX, SOCK_STREAM | 0x100, 0);
	FAILS(EPROTONOSUPPORT, socket, AF_UNIX, SOCK_STREAM, 99);
	FAILS(EFAULT, socketpair, AF_UNIX, SOCK_STREAM, 0, NOWHERE);
	FAILS(EINVAL, bind, bound, &none, size);
	FAILS(EADDRINUSE, bind, stream, &here, size);
	FAILS(EADDRINUSE, bind, stream, &plain, size);
	FAILS(EINVAL, bind, stream, &here, 200);
	FAILS(EINVAL, bind, stream, &here, 1);
	FAILS(EINVAL, bind, stream, &wrong, size);
	FAILS(EFAULT, bind, stream, NOWHERE, size);
	FAILS(ENOENT, connect, stream, &none, size);
	FAILS(ECONNREFUSED, connect, stream, &plain, size);
	FAILS(ECONNREFUSED, connect, stream, &here, size);
	FAILS(EPROTOTYPE, connect, datagram, &other, size);
	FAILS(EINVAL, connect, stream, &wrong, size);
	FAILS(EFAULT, connect, stream, NOWHERE, size);
	FAILS(EISCONN, connect, pair[0], &other, size);
	FAILS(EINVAL, listen, stream, 1);
	FAILS(EOPNOTSUPP, listen, datagram, 1);
	FAILS(EINVAL, accept4, stream, NULL, NULL, 0);
	FAILS(EOPNOTSUPP, accept4, datagram, NULL, NULL, 0);
	FAILS(EINVAL, accept4, listening, NULL, NULL, 1);
	FAILS(EAGAIN, accept4, listening, NULL, NULL, 0);
	FAILS(ENOTCONN, getpeername, stream, buffer, &bytes);
	FAILS(EFAULT, getsockname, stream, buffer, NOWHERE);
	FAILS(EFAULT, getpeername, pair[0], NOWHERE, &bytes);
	FAILS(EINVAL, getsockname, stream, buffer, &negative);
	FAILS(ENOTCONN, sendto, stream, buffer, 1L, 0, NULL, 0);
	FAILS(ENOTCONN, sendto, datagram, buffer, 1L, 0, NULL, 0);
	FAILS(ENOENT, sendto, datagram, buffer, 1L, 0, &none, size);
	FAILS(EISCONN, sendto, pair[0], buffer, 1L, 0, &here, size);
	FAILS(EMSGSIZE, sendto, datagram, buffer, 1L << 30, 0, &here, size);
	FAILS(EFAULT, sendto, pair[0], NOWHERE, 1L, 0, NULL, 0);
	FAILS(EFAULT, sendmsg, pair[0], NOWHERE, 0);
	FAILS(EFAULT, sendmsg, pair[0], &message, 0);
	FAILS(EFAULT, recvmsg, pair[0], NOWHERE, 0);
	FAILS(EINVAL, recvfrom, stream, buffer, 1L, 0, NULL, NULL);
	FAILS(EAGAIN, recvfrom, pair[0], buffer, 1L, 0, NULL, NULL);
	FAILS(EINVAL, shutdown, pair[0], 99);
	FAILS(ENOPROTOOPT, setsockopt, stream, SOL_SOCKET, 9999, &value, four);
	FAILS(ENOPROTOOPT, getsockopt, stream, SOL_SOCKET, 9999, &value, &bytes);
	FAILS(EOPNOTSUPP, setsockopt, stream, 9999, 1, &value, four);
	FAILS(EOPNOTSUPP, getsockopt, stream, 9999, 1, &value, &bytes);
	FAILS(EINVAL, setsockopt, stream, SOL_SOCKET, SO_PASSCRED, &value, 1);
	FAILS(EFAULT, setsockopt, stream, SOL_SOCKET, SO_PASSCRED, NOWHERE, four);
	FAILS(EFAULT, getsockopt, stream, SOL_SOCKET, SO_PASSCRED, NOWHERE, &bytes);
	FAILS(ENOPROTOOPT, setsockopt, stream, SOL_SOCKET, SO_ERROR, &value, four);
	CHECK_EQUAL(close(pair[1]), 0);
	FAILS(EPIPE, sendto, pair[0], buffer, 1L, MSG_NOSIGNAL, NULL, 0);
	close(pair[0]), close(stream), close(datagram), close(bound), close(listening);
	CHECK_EQUAL(unlink("bound") | unlink("listening"), 0);
}

static void events(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int poller = epoll_create1(0), counter = eventfd(0, EFD_NONBLOCK), watches = inotify_init1(IN_NONBLOCK);
	uint64_t most = ~0ull;
	CHECK(poller >= 0 && counter >= 0 && watches >= 0);
	CHECK_EQUAL(epoll_ctl(poller, EPOLL_CTL_ADD, counter, &event), 0);
	FAILS(EINVAL, epoll_create1, 1);
	FAILS(EEXIST, epoll_ctl, poller, EPOLL_CTL_ADD, counter, &event);
	FAILS(EBADF, epoll_ctl, -1, EPOLL_CTL_ADD, counter, &event);
	FAILS(EBADF, epoll_ctl, poller, EPOLL_CTL_ADD, -1, &event);
	FAILS(EPERM, epoll_ctl, poller, EPOLL_CTL_ADD, file, &event);
	FAILS(ENOENT, epoll_ctl, poller, EPOLL_CTL_MOD, watches, &event);
	FAILS(ENOENT, epoll_ctl, poller, EPOLL_CTL_DEL, watches, NULL);
	FAILS(EINVAL, epoll_ctl, poller, EPOLL_CTL_ADD, poller, &event);
	FAILS(EINVAL, epoll_ctl, counter, EPOLL_CTL_ADD, watches, &event);
	FAILS(EINVAL, epoll_ctl, poller, 99, counter, &event);
	FAILS(EFAULT, epoll_ctl, poller, EPOLL_CTL_ADD, watches, NOWHERE);
	FAILS(EINVAL, epoll_pwait, poller, buffer, 0, 0, NULL, 8L);
	FAILS(EINVAL, epoll_pwait, poller, buffer, -1, 0, NULL, 8L);
	FAILS(EINVAL, epoll_pwait, counter, buffer, 1, 0, NULL, 8L);
	FAILS(EBADF, epoll_pwait, -1, buffer, 1, 0, NULL, 8L);
	FAILS(EINVAL, read, poller, buffer, 8L);
	FAILS(EINVAL, write, poller, buffer, 8L);
	FAILS(EINVAL, eventfd2, 0, 0x100);
	FAILS(EINVAL, read, counter, buffer, 7L);
	FAILS(EINVAL, write, counter, buffer, 7L);
	FAILS(EINVAL, write, counter, &most, 8L);
	FAILS(EAGAIN, read, counter, buffer, 8L);
	FAILS(EINVAL, inotify_init1, 1);
	FAILS(EBADF, inotify_add_watch, -1, ".", IN_CREATE);
	FAILS(EINVAL, inotify_add_watch, counter, ".", IN_CREATE);
	FAILS(EINVAL, inotify_add_watch, watches, ".", 0);
	FAILS(ENOENT, inotify_add_watch, watches, "none", IN_CREATE);
	FAILS(ENOTDIR, inotify_add_watch, watches, "file", IN_CREATE | IN_ONLYDIR);
	FAILS(EFAULT, inotify_add_watch, watches, NOWHERE, IN_CREATE);
	FAILS(EINVAL, inotify_rm_watch, watches, 77);
	FAILS(EINVAL, inotify_rm_watch, counter, 1);
	FAILS(EBADF, inotify_rm_watch, -1, 1);
	FAILS(EAGAIN, read, watches, buffer, 100L);
	FAILS(EFAULT, futex, NOWHERE, FUTEX_WAIT, 0, NULL, NULL, 0);
	FAILS(EINVAL, futex, buffer + 1, FUTEX_WAIT, 0, NULL, NULL, 0);
	FAILS(EAGAIN, futex, buffer, FUTEX_WAIT, 0x12345, NULL, NULL, 0);
	FAILS(EFAULT, futex, buffer, FUTEX_WAIT, 0, NOWHERE, NULL, 0);
	FAILS(EINVAL, futex, buffer, FUTEX_WAIT_BITSET, 0, NULL, NULL, 0);
	FAILS(EINVAL, futex, buffer, FUTEX_WAKE_BITSET, 0, NULL, NULL, 0);
	FAILS(ENOSYS, futex, buffer, 99, 0, NULL, NULL, 0);
	close(poller), close(counter), close(watches);
}

/* Each fails in another way, again and again, while the others do: nobody sees another one's errno. */
static int turns = 4000;

static void *fail_in_one_way(void *argument)
{
	const long me = (long)argument;
	static const int errors[THREADS] = { EBADF, EINVAL, ESRCH, EFAULT, ENOENT, ECHILD, ENOTTY, ENOTDIR };
	for (int turn = 0; turn < turns; turn++) {
		long answer;
		switch (me) {
		case 0: answer = close(-1); break;
		case 1: answer = dup2(file, file) == file ? munmap((void *)1, 1) : 0; break;
		case 2: answer = kill(NOBODY, 0); break;
		case 3: answer = syscall(SYS_pipe2, NOWHERE, 0); break;
		case 4: answer = access("none", F_OK); break;
		case 5: answer = waitpid(NOBODY, NULL, WNOHANG); break;
		case 6: answer = !isatty(file) ? -1 : 0; break;
		default: answer = access("file/x", F_OK);
		}
		int first = errno;
		if (turn % 64 == 0)
			sched_yield();
		CHECK_EQUAL(answer, -1);
		CHECK_EQUAL(first, errors[me]);
		CHECK_EQUAL(errno, errors[me]);
		/* What succeeds leaves it alone. */
		CHECK(getppid() >= 0 && errno == errors[me]);
	}
	return NULL;
}

int main(int count, char **arguments)
{
	if (count > 1)
		turns = atoi(arguments[1]);
	const char *scratch = enter_scratch();
	file = open("file", O_RDWR | O_CREAT, 0600);
	CHECK(file >= 0 && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	processes();
	signals();
	times_and_timers();
	memory();
	sockets();
	events();
	pthread_t threads[THREADS];
	for (long i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, fail_in_one_way, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return end_of_table(306, 101);
}
