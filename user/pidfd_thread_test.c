/* Descriptors of threads (PIDFD_THREAD), and signals through descriptors to a thread, a process, a process group. Linux has them since
 * 6.9; an older one has nothing to show. */
#include "check.h"
#include <poll.h>
#include <pthread.h>

#ifndef PIDFD_THREAD
#define PIDFD_THREAD O_EXCL
#endif
#define TO_THREAD 1
#define TO_PROCESS 2
#define TO_GROUP 4
#ifndef P_PIDFD
#define P_PIDFD 3
#endif

static int pidfd_open(pid_t pid, unsigned flags)
{
	return syscall(SYS_pidfd_open, pid, flags);
}

static int send_signal(int fd, int signal, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, NULL, flags);
}

static volatile pid_t thread_id, taken_by;
static volatile int code;
static int hold[2], ready[2];

static void note(int signal, siginfo_t *info, void *context)
{
	(void)signal, (void)context;
	code = info->si_code;
	taken_by = gettid();
}

static void *be_a_thread(void *unused)
{
	char byte;
	(void)unused;
	thread_id = gettid();
	CHECK_EQUAL(write(ready[1], "x", 1), 1);
	CHECK_EQUAL(read(hold[0], &byte, 1), 1);
	return NULL;
}

/* Waits until the signal was taken; answers by whom. */
static pid_t taker(void)
{
	while (taken_by == 0)
		sleep_ms(1);
	pid_t by = taken_by;
	taken_by = 0;
	return by;
}

static short events(int fd, int timeout)
{
	struct pollfd watched = { .fd = fd, .events = POLLIN };
	CHECK(poll(&watched, 1, timeout) >= 0);
	return watched.revents;
}

int main(void)
{
	char byte, name[64], line[128];
	pthread_t thread;
	siginfo_t info;
	alarm(120);
	struct sigaction action = { .sa_sigaction = note, .sa_flags = SA_SIGINFO | SA_RESTART };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	CHECK_EQUAL(pipe(hold) | pipe(ready), 0);
	CHECK_EQUAL(pthread_create(&thread, NULL, be_a_thread, NULL), 0);
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	int fd = pidfd_open(thread_id, PIDFD_THREAD);
	if (fd < 0) {
		CHECK_EQUAL(errno, EINVAL);
		return 0;
	}
	CHECK(fcntl(fd, F_GETFL) & PIDFD_THREAD);
	CHECK_EQUAL(events(fd, 0), 0);
	snprintf(name, sizeof name, "/proc/self/fdinfo/%d", fd);
	FILE *file = fopen(name, "r");
	int number = 0;
	CHECK(file != NULL);
	while (fgets(line, sizeof line, file))
		sscanf(line, "Pid: %d", &number);
	CHECK_EQUAL(fclose(file), 0);
	CHECK_EQUAL(number, thread_id);

	CHECK_EQUAL(send_signal(fd, SIGUSR1, 0), 0);
	CHECK_EQUAL(taker(), thread_id);
	CHECK_EQUAL(code, SI_TKILL);
	CHECK_EQUAL(send_signal(fd, SIGUSR1, TO_THREAD), 0);
	CHECK_EQUAL(taker(), thread_id);
	CHECK_EQUAL(send_signal(fd, SIGUSR1, TO_PROCESS), 0);
	CHECK(taker() != 0);
	CHECK_EQUAL(code, SI_USER);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, TO_THREAD | TO_PROCESS), EINVAL);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, 8), EINVAL);
	CHECK_ERRNO(waitid(P_PIDFD, fd, &info, WEXITED), ECHILD);

	/* The first thread, through the process. */
	int own = pidfd_open(getpid(), 0);
	CHECK(own >= 0);
	CHECK(!(fcntl(own, F_GETFL) & PIDFD_THREAD));
	CHECK_EQUAL(send_signal(own, SIGUSR1, TO_THREAD), 0);
	CHECK_EQUAL(taker(), getpid());
	CHECK_EQUAL(code, SI_TKILL);
	CHECK_EQUAL(close(own), 0);

	/* A thread that has ended is gone. */
	CHECK_EQUAL(write(hold[1], "x", 1), 1);
	CHECK(events(fd, 60000) & POLLIN);
	while (!(events(fd, 0) & POLLHUP))
		sleep_ms(1);
	CHECK_ERRNO(send_signal(fd, SIGUSR1, 0), ESRCH);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(close(fd), 0);

	/* A process group, by its first member. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setpgid(0, 0), 0);
		pid_t other = fork();
		CHECK(other >= 0);
		if (other != 0)
			CHECK_EQUAL(write(ready[1], "x", 1), 1);
		for (;;)
			pause();
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	int first = pidfd_open(child, 0), first_thread = pidfd_open(child, PIDFD_THREAD);
	CHECK(first >= 0 && first_thread >= 0);
	CHECK_EQUAL(events(first_thread, 0), 0);
	own = pidfd_open(getpid(), PIDFD_THREAD);
	if (getpgrp() != getpid())
		CHECK_ERRNO(send_signal(own, SIGUSR1, TO_GROUP), ESRCH);
	CHECK_EQUAL(send_signal(first, SIGTERM, TO_GROUP), 0);
	CHECK_EQUAL(events(first, 60000), POLLIN);
	CHECK_EQUAL(events(first_thread, 60000), POLLIN);
	CHECK_KILLED(child, SIGTERM);
	CHECK_EQUAL(events(first, 0) & POLLIN, POLLIN);
	CHECK_ERRNO(send_signal(first, SIGUSR1, 0), ESRCH);
	CHECK_EQUAL(close(first) | close(first_thread) | close(own), 0);
	return 0;
}
