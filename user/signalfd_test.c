/* signalfd: several signals in one read, in order and with their details; poll, epoll, changing the set, blocking reads, signals of the
 * thread before those of the process, and that a read takes the signal away. */
#include "check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>

static int is_ready(int fd, int timeout)
{
	struct pollfd watched = { fd, POLLIN | POLLOUT, 0 };
	int found = poll(&watched, 1, timeout);
	CHECK(found == 0 || watched.revents == POLLIN);
	return found;
}

int main(void)
{
	sigset_t set;
	struct signalfd_siginfo info[8];
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1), sigaddset(&set, SIGUSR2), sigaddset(&set, SIGCHLD), sigaddset(&set, SIGRTMIN + 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_ERRNO(signalfd(-1, &set, 1), EINVAL);
	CHECK_ERRNO(signalfd(0, &set, 0), EINVAL);
	CHECK_ERRNO(signalfd(99, &set, 0), EBADF);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, &set, 4, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_signalfd4, -1, (void *)8, 8, 0), EFAULT);
	int fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	CHECK(fd >= 0);
	CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
	CHECK_ERRNO(read(fd, info, 127), EINVAL);
	CHECK_ERRNO(write(fd, info, 128), EINVAL);
	CHECK_EQUAL(is_ready(fd, 0), 0);

	/* Several at once: ordinary ones once, real-time ones each, lowest number first. */
	CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 }), 0);
	CHECK_EQUAL(sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_ptr = (void *)0x123456789abc }), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR2), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR2), 0);
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	CHECK_EQUAL(is_ready(fd, 0), 1);
	memset(info, 0x55, sizeof info);
	CHECK_EQUAL(read(fd, info, 2 * 128 + 100), 256);
	CHECK_EQUAL(info[0].ssi_signo, SIGUSR1);
	CHECK_EQUAL(info[0].ssi_code, SI_USER);
	CHECK_EQUAL(info[0].ssi_pid, getpid());
	CHECK_EQUAL(info[0].ssi_uid, getuid());
	CHECK_EQUAL(info[1].ssi_signo, SIGUSR2);
	CHECK_EQUAL(read(fd, info, sizeof info), 256);
	CHECK_EQUAL(info[0].ssi_signo, SIGRTMIN + 1);
	CHECK_EQUAL(info[0].ssi_code, SI_QUEUE);
	CHECK_EQUAL(info[0].ssi_int, 7);
	CHECK_EQUAL(info[1].ssi_ptr, 0x123456789abc);
	CHECK_EQUAL(info[1].ssi_pid, getpid());
	CHECK_ERRNO(read(fd, info, sizeof info), EAGAIN);
	sigset_t pending;
	CHECK_EQUAL(sigpending(&pending), 0);
	CHECK_EQUAL(sigismember(&pending, SIGUSR1), 0);

	/* A child's end, waited for by epoll; a child's own signals are its own. */
	int poller = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 5 };
	CHECK_EQUAL(epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQUAL(epoll_wait(poller, &event, 1, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(raise(SIGUSR1), 0);
		CHECK_EQUAL(is_ready(fd, 0), 1);
		CHECK_EQUAL(read(fd, info, sizeof info), 128);
		CHECK_EQUAL(info[0].ssi_pid, getpid());
		CHECK_EQUAL(info[0].ssi_code, SI_TKILL);
		_exit(3);
	}
	CHECK_EQUAL(epoll_wait(poller, &event, 1, -1), 1);
	CHECK_EQUAL(read(fd, info, sizeof info), 128);
	CHECK_EQUAL(info[0].ssi_signo, SIGCHLD);
	CHECK_EQUAL(info[0].ssi_code, CLD_EXITED);
	CHECK_EQUAL(info[0].ssi_pid, child);
	CHECK_EQUAL(info[0].ssi_status, 3);
	CHECK_EXITS(child, 3);

	/* Only what the set says now; SIGKILL and SIGSTOP are left out without a word. */
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2), sigaddset(&set, SIGKILL);
	CHECK_EQUAL(signalfd(fd, &set, 0), fd);
	CHECK_EQUAL(raise(SIGUSR1), 0);
	CHECK_EQUAL(is_ready(fd, 0), 0);
	CHECK_EQUAL(raise(SIGUSR2), 0);
	CHECK_EQUAL(read(fd, info, sizeof info), 128);
	CHECK_EQUAL(info[0].ssi_signo, SIGUSR2);
	sigaddset(&set, SIGUSR1);
	CHECK_EQUAL(signalfd(fd, &set, 0), fd);
	CHECK_EQUAL(read(fd, info, sizeof info), 128);
	CHECK_EQUAL(info[0].ssi_signo, SIGUSR1);

	/* A blocking read, woken by another process; a timer's signal has the timer's number and overrun. */
	CHECK_EQUAL(fcntl(fd, F_SETFL, O_RDWR), 0);
	child = fork();
	if (child == 0) {
		sleep_ms(50);
		CHECK_EQUAL(kill(getppid(), SIGUSR1), 0);
		_exit(0);
	}
	CHECK_EQUAL(read(fd, info, sizeof info), 128);
	CHECK_EQUAL(info[0].ssi_pid, child);
	CHECK_EXITS(child, 0);
	struct sigevent timed = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 31 };
	int id;
	struct itimerspec spec = { { 0, 3000000 }, { 0, 3000000 } };
	CHECK_EQUAL(syscall(SYS_timer_create, CLOCK_MONOTONIC, &timed, &id), 0);
	CHECK_EQUAL(syscall(SYS_timer_settime, id, 0, &spec, NULL), 0);
	sleep_ms(20);
	CHECK_EQUAL(read(fd, info, sizeof info[0]), 128);
	CHECK_EQUAL(info[0].ssi_code, SI_TIMER);
	CHECK_EQUAL(info[0].ssi_tid, id);
	CHECK_EQUAL(info[0].ssi_int, 31);
	CHECK(info[0].ssi_overrun >= 4);
	return 0;
}
