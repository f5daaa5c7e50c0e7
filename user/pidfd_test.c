/* Process descriptors: made by number and by clone, polled, waited for, signalled, borrowed through; they never mean another process. */
#include "check.h"
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <linux/sched.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int getfd(int fd, int target, unsigned flags)
{
	return syscall(SYS_pidfd_getfd, fd, target, flags);
}

/* Containers refuse the call itself. */
static int may_get(void) { return getfd(-1, 0, 0) == -1 && errno == EBADF; }

static short ready(int fd, int timeout)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN | POLLOUT };
	CHECK(poll(&watched, 1, timeout) >= 0);
	return watched.revents;
}

static pid_t start_pausing(void)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		for (;;)
			pause();
	return child;
}

static volatile pid_t thread_id;
static int hold[2];

static void *be_a_thread(void *unused)
{
	char byte;
	(void)unused;
	thread_id = gettid();
	CHECK_EQUAL(write(hold[1], "x", 1), 1);
	CHECK_EQUAL(read(hold[0], &byte, 1), 1);
	return NULL;
}

static void check_open(void)
{
	pthread_t thread;
	char byte, name[64], target[64];
	int pair[2];
	CHECK_ERRNO(pidfd_open(0, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(-1, 0), EINVAL);
	CHECK_ERRNO(pidfd_open(getpid(), 1), EINVAL);
	CHECK_ERRNO(pidfd_open(1 << 22, 0), ESRCH);
	int own = pidfd_open(getpid(), 0);
	CHECK(own >= 0);
	CHECK_EQUAL(fcntl(own, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(fcntl(own, F_GETFL) & O_ACCMODE, O_RDWR);
	snprintf(name, sizeof name, "/proc/self/fd/%d", own);
	ssize_t length = readlink(name, target, sizeof target);
	CHECK(length == 18 && memcmp(target, "anon_inode:[pidfd]", 18) == 0);
	CHECK_ERRNO(read(own, &byte, 1), EINVAL);
	CHECK_ERRNO(write(own, "x", 1), EINVAL);
	CHECK_ERRNO(lseek(own, 0, SEEK_SET), ESPIPE);
	CHECK_EQUAL(ready(own, 0), 0);
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", own);
	FILE *info = fopen(name, "r");
	char line[64];
	int told = 0;
	CHECK(info);
	while (fgets(line, sizeof line, info))
		if (sscanf(line, "Pid: %d", &told) == 1)
			break;
	CHECK_EQUAL(told, getpid());
	fclose(info);
	CHECK_EQUAL(close(own), 0);
	/* A thread is no process. */
	CHECK_EQUAL(pipe(pair), 0);
	hold[0] = pair[0];
	CHECK_EQUAL(pipe(pair), 0);
	hold[1] = pair[1];
	CHECK_EQUAL(pthread_create(&thread, NULL, be_a_thread, NULL), 0);
	CHECK_EQUAL(read(pair[0], &byte, 1), 1);
	CHECK_EQUAL(pidfd_open(thread_id, 0), -1);
	CHECK(errno == ENOENT || errno == EINVAL);
}

static void check_signals(void)
{
	siginfo_t info;
	pid_t child = start_pausing();
	int fd = pidfd_open(child, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(send_signal(fd, 0, NULL, 0), 0);
	CHECK_ERRNO(send_signal(fd, 65, NULL, 0), EINVAL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, NULL, 8), EINVAL);
	CHECK_ERRNO(send_signal(0, 0, NULL, 0), EBADF);
	CHECK_ERRNO(send_signal(999, 0, NULL, 0), EBADF);
	memset(&info, 0, sizeof info);
	info.si_signo = SIGUSR1;
	info.si_code = SI_QUEUE;
	CHECK_ERRNO(send_signal(fd, SIGTERM, &info, 0), EINVAL);
	info.si_signo = SIGTERM;
	info.si_code = SI_USER;
	CHECK_ERRNO(send_signal(fd, SIGTERM, &info, 0), EPERM);
	info.si_code = SI_QUEUE;
	CHECK_EQUAL(send_signal(fd, SIGTERM, &info, 0), 0);
	CHECK_EQUAL(ready(fd, 10000), POLLIN);
	/* Ended, but not waited for. */
	CHECK_EQUAL(send_signal(fd, SIGKILL, NULL, 0), 0);
	if (may_get())
		CHECK_ERRNO(getfd(fd, 0, 0), ESRCH);
	int again = pidfd_open(child, 0);
	CHECK(again >= 0);
	CHECK_EQUAL(ready(again, 0), POLLIN);
	CHECK_KILLED(child, SIGTERM);
	CHECK_ERRNO(send_signal(fd, 0, NULL, 0), ESRCH);
	CHECK_ERRNO(pidfd_open(child, 0), ESRCH);
	CHECK(ready(fd, 0) & POLLIN);
	CHECK_EQUAL(close(fd) | close(again), 0);
}

static void check_waitid(void)
{
	siginfo_t info;
	pid_t child = start_pausing();
	int fd = pidfd_open(child, O_NONBLOCK);
	CHECK(fd >= 0);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &info, WEXITED), EAGAIN);
	info.si_pid = 1;
	CHECK_EQUAL(waitid(P_PIDFD, fd, &info, WEXITED | WNOHANG), 0);
	CHECK_EQUAL(info.si_pid, 0);
	CHECK_ERRNO(waitid(P_PIDFD, 0, &info, WEXITED), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, 99, &info, WEXITED), EBADF);
	CHECK_ERRNO(waitid(P_PIDFD, -1, &info, WEXITED), EINVAL);
	CHECK_EQUAL(send_signal(fd, SIGKILL, NULL, 0), 0);
	CHECK_EQUAL(fcntl(fd, F_SETFL, 0), 0);
	CHECK_EQUAL(waitid(P_PIDFD, fd, &info, WEXITED | WNOWAIT), 0);
	CHECK_EQUAL(waitid(P_PIDFD, fd, &info, WEXITED), 0);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_code, CLD_KILLED);
	CHECK_EQUAL(info.si_status, SIGKILL);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);
	CHECK_EQUAL(close(fd), 0);
	/* Not a child of ours. */
	fd = pidfd_open(getppid(), 0);
	CHECK(fd >= 0);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);
	CHECK_EQUAL(close(fd), 0);
}

static void check_getfd(void)
{
	int data[2], ready_pipe[2];
	char byte;
	CHECK_EQUAL(pipe(ready_pipe), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(pipe(data), 0);
		CHECK_EQUAL(dup2(data[1], 100), 100);
		CHECK_EQUAL(write(ready_pipe[1], "x", 1), 1);
		CHECK_EQUAL(read(data[0], &byte, 1), 1);
		_exit(byte);
	}
	CHECK_EQUAL(read(ready_pipe[0], &byte, 1), 1);
	int fd = pidfd_open(child, 0);
	CHECK_ERRNO(getfd(fd, 101, 0), EBADF);
	CHECK_ERRNO(getfd(fd, 100, 1), EINVAL);
	CHECK_ERRNO(getfd(0, 100, 0), EBADF);
	int borrowed = getfd(fd, 100, 0);
	CHECK(borrowed >= 0);
	CHECK_EQUAL(fcntl(borrowed, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(write(borrowed, "M", 1), 1);
	CHECK_EXITS(child, 'M');
	CHECK_EQUAL(close(fd) | close(borrowed) | close(ready_pipe[0]) | close(ready_pipe[1]), 0);
	/* Other users' processes are their own. */
	if (!is_superuser())
		return;
	child = start_pausing();
	pid_t other = fork();
	CHECK(other >= 0);
	if (other == 0) {
		CHECK_EQUAL(setresgid(4321, 4321, 4321) | setresuid(4321, 4321, 4321), 0);
		fd = pidfd_open(child, 0);
		CHECK(fd >= 0);
		CHECK_ERRNO(getfd(fd, 0, 0), EPERM);
		CHECK_ERRNO(send_signal(fd, SIGKILL, NULL, 0), EPERM);
		_exit(0);
	}
	CHECK_EXITS(other, 0);
	CHECK_EQUAL(kill(child, SIGKILL), 0);
	CHECK_KILLED(child, SIGKILL);
}

static void check_clone(void)
{
	int fd = -5;
	siginfo_t info;
	struct clone_args arguments = { .flags = CLONE_PIDFD, .pidfd = (uintptr_t)&fd, .exit_signal = SIGCHLD };
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, 0, &fd, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, (void *)8, 0, 0), EFAULT);
	CHECK_ERRNO(waitid(P_ALL, 0, &info, WEXITED), ECHILD);
	long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, 0, &fd, 0, 0);
	CHECK(child >= 0);
	if (child == 0)
		_exit(7);
	CHECK(fd >= 0);
	CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(waitid(P_PIDFD, fd, &info, WEXITED), 0);
	CHECK_EQUAL(info.si_status, 7);
	CHECK_EQUAL(close(fd), 0);
	child = syscall(SYS_clone3, &arguments, sizeof arguments);
	/* Containers refuse this one too. */
	if (child < 0 && (errno == ENOSYS || errno == EPERM))
		return;
	CHECK(child >= 0);
	if (child == 0) {
		sleep_ms(20);
		_exit(8);
	}
	/* epoll tells the end. */
	int set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 3 };
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event), 0);
	CHECK_EQUAL(epoll_wait(set, &event, 1, 10000), 1);
	CHECK_EQUAL(event.data.u64, 3);
	CHECK_EQUAL(waitid(P_PIDFD, fd, &info, WEXITED), 0);
	CHECK_EQUAL(info.si_pid, child);
	CHECK_EQUAL(info.si_status, 8);
	CHECK_EQUAL(close(fd) | close(set), 0);
}

int main(void)
{
	check_signals();
	check_waitid();
	if (may_get())
		check_getfd();
	check_clone();
	check_open();
	return 0;
}
