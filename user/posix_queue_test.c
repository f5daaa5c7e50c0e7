/* POSIX message queues: names, rights and sizes, order by priority, waiting with and without an end, signals, poll, notification. */
#include "check.h"
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <sys/resource.h>

static char name[64];
static char buffer[8192];
static unsigned priority;

static mqd_t make(int flags, long messages, long bytes)
{
	struct mq_attr attributes = { .mq_maxmsg = messages, .mq_msgsize = bytes };
	return mq_open(name, flags, 0600, &attributes);
}

/* Receives, which must be this. */
#define RECEIVE(queue, text, of_priority)                                                         \
	do {                                                                                      \
		CHECK_EQUAL(mq_receive(queue, buffer, sizeof buffer, &priority), (ssize_t)strlen(text)); \
		CHECK(memcmp(buffer, text, strlen(text)) == 0);                                   \
		CHECK_EQUAL(priority, of_priority);                                               \
	} while (0)

static struct timespec in_ms(long ms)
{
	struct timespec when;
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &when), 0);
	when.tv_nsec += ms % 1000 * 1000000;
	when.tv_sec += ms / 1000 + when.tv_nsec / 1000000000;
	when.tv_nsec %= 1000000000;
	return when;
}

static void names(void)
{
	char file[PATH_MAX];
	CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
	CHECK_ERRNO(mq_unlink(name), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_open, "", O_RDWR | O_CREAT, 0600, NULL), ENOENT);
	CHECK_ERRNO(syscall(SYS_mq_open, "a/b", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	CHECK_ERRNO(syscall(SYS_mq_open, "..", O_RDWR | O_CREAT, 0600, NULL), EACCES);
	memset(file, 'x', sizeof file);
	file[256] = 0;
	CHECK_ERRNO(syscall(SYS_mq_open, file, O_RDWR | O_CREAT, 0600, NULL), ENAMETOOLONG);
	CHECK_ERRNO(make(O_RDWR | O_CREAT, 0, 10), EINVAL);
	CHECK_ERRNO(make(O_RDWR | O_CREAT, 10, -1), EINVAL);
	CHECK_ERRNO(make(O_RDWR | O_CREAT, 65537, 10), EINVAL);
	CHECK_ERRNO(make(O_RDWR | O_CREAT, 1, 16777217), EINVAL);
	mqd_t queue = make(O_RDWR | O_CREAT | O_EXCL, 4, 64), again = mq_open(name, O_RDONLY | O_NONBLOCK);
	CHECK(queue >= 0 && again >= 0);
	CHECK_EQUAL(fcntl(queue, F_GETFD), FD_CLOEXEC);
	CHECK_ERRNO(make(O_RDWR | O_CREAT | O_EXCL, 4, 64), EEXIST);
	CHECK_ERRNO(mq_open(name, O_RDWR | O_WRONLY), EINVAL);
	struct stat status;
	CHECK_EQUAL(fstat(queue, &status), 0);
	CHECK_EQUAL(status.st_mode, S_IFREG | 0600);
	CHECK_EQUAL(status.st_uid, geteuid());
	struct mq_attr attributes, old;
	CHECK_EQUAL(mq_getattr(again, &attributes), 0);
	CHECK(attributes.mq_flags == O_NONBLOCK && attributes.mq_maxmsg == 4 && attributes.mq_msgsize == 64);
	CHECK_EQUAL(attributes.mq_curmsgs, 0);
	attributes.mq_flags = O_NONBLOCK | O_APPEND;
	CHECK_ERRNO(mq_setattr(queue, &attributes, NULL), EINVAL);
	attributes.mq_flags = O_NONBLOCK;
	attributes.mq_maxmsg = 99;
	CHECK_EQUAL(mq_setattr(queue, &attributes, &old), 0);
	CHECK(old.mq_flags == 0 && old.mq_maxmsg == 4);
	CHECK(fcntl(queue, F_GETFL) & O_NONBLOCK);
	CHECK_ERRNO(mq_send(again, "x", 1, 0), EBADF);
	CHECK_ERRNO(mq_getattr(0, &attributes), EBADF);
	CHECK_ERRNO(mq_getattr(999, &attributes), EBADF);
	/* It lives while it is open; its name can be another's. */
	CHECK_EQUAL(mq_unlink(name), 0);
	CHECK_ERRNO(mq_open(name, O_RDWR), ENOENT);
	CHECK_EQUAL(mq_send(queue, "kept", 4, 0), 0);
	mqd_t other = make(O_RDWR | O_CREAT | O_NONBLOCK, 4, 64);
	CHECK(other >= 0);
	CHECK_ERRNO(mq_receive(other, buffer, sizeof buffer, NULL), EAGAIN);
	RECEIVE(again, "kept", 0);
	CHECK_EQUAL(mq_close(queue) | mq_close(again) | mq_close(other) | mq_unlink(name), 0);
}

static void order(void)
{
	mqd_t queue = make(O_RDWR | O_CREAT | O_NONBLOCK, 5, 16);
	CHECK(queue >= 0);
	struct pollfd poller = { queue, POLLIN | POLLOUT, 0 };
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLOUT);
	CHECK_EQUAL(mq_send(queue, "low", 3, 1), 0);
	CHECK_EQUAL(mq_send(queue, "high", 4, 32767), 0);
	CHECK_EQUAL(mq_send(queue, "low again", 9, 1), 0);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLIN | POLLOUT);
	CHECK_EQUAL(mq_send(queue, "", 0, 2), 0);
	CHECK_EQUAL(mq_send(queue, "least", 5, 0), 0);
	CHECK_EQUAL(poll(&poller, 1, 0), 1);
	CHECK_EQUAL(poller.revents, POLLIN);
	CHECK_ERRNO(mq_send(queue, "x", 1, 0), EAGAIN);
	CHECK_ERRNO(mq_send(queue, "x", 1, 32768), EINVAL);
	CHECK_ERRNO(mq_send(queue, buffer, 17, 0), EMSGSIZE);
	CHECK_ERRNO(mq_send(queue, (char *)8, 4, 0), EFAULT);
	CHECK_ERRNO(mq_receive(queue, buffer, 15, NULL), EMSGSIZE);
	/* In words, all its bytes. */
	ssize_t length = read(queue, buffer, sizeof buffer - 1);
	CHECK(length > 0);
	buffer[length] = 0;
	CHECK(strncmp(buffer, "QSIZE:21 ", 9) == 0 && strstr(buffer, "NOTIFY_PID:0 "));
	struct mq_attr attributes;
	CHECK_EQUAL(mq_getattr(queue, &attributes), 0);
	CHECK_EQUAL(attributes.mq_curmsgs, 5);
	RECEIVE(queue, "high", 32767);
	RECEIVE(queue, "", 2);
	RECEIVE(queue, "low", 1);
	RECEIVE(queue, "low again", 1);
	RECEIVE(queue, "least", 0);
	CHECK_ERRNO(mq_receive(queue, buffer, sizeof buffer, NULL), EAGAIN);
	CHECK_EQUAL(mq_close(queue) | mq_unlink(name), 0);
}

static void handle(int number) { (void)number; }

static void waiting(void)
{
	struct timespec when = in_ms(30), bad = { 0, 1000000000 }, far = in_ms(1000000);
	mqd_t queue = make(O_RDWR | O_CREAT, 1, 16);
	CHECK(queue >= 0);
	CHECK_ERRNO(mq_timedreceive(queue, buffer, 16, NULL, &when), ETIMEDOUT);
	when = in_ms(0);
	CHECK(when.tv_sec > 0);
	CHECK_ERRNO(mq_timedreceive(queue, buffer, 16, NULL, &bad), EINVAL);
	CHECK_EQUAL(mq_timedsend(queue, "first", 5, 3, &when), 0);
	when = in_ms(30);
	CHECK_ERRNO(mq_timedsend(queue, "second", 6, 3, &when), ETIMEDOUT);
	/* LINUX: a bad time is refused even where nobody has to wait. */
	CHECK_ERRNO(mq_timedreceive(queue, buffer, 16, NULL, &bad), EINVAL);
	/* A sender waits for room, a receiver for a message. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(mq_send(queue, "second", 6, 7), 0);
		_exit(0);
	}
	wait_asleep(child);
	RECEIVE(queue, "first", 3);
	CHECK_EXITS(child, 0);
	RECEIVE(queue, "second", 7);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		RECEIVE(queue, "third", 0);
		_exit(0);
	}
	wait_asleep(child);
	CHECK_EQUAL(mq_timedsend(queue, "third", 5, 0, &far), 0);
	CHECK_EXITS(child, 0);
	/* A signal ends it, or not, as the handler wants. */
	for (int restarts = 0; restarts < 2; restarts++) {
		CHECK((child = fork()) >= 0);
		if (child == 0) {
			struct sigaction action = { .sa_handler = handle, .sa_flags = restarts ? SA_RESTART : 0 };
			CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
			if (restarts)
				RECEIVE(queue, "fourth", 0);
			else
				CHECK_ERRNO(mq_receive(queue, buffer, sizeof buffer, NULL), EINTR);
			_exit(0);
		}
		/* It may still be on its way. */
		wait_asleep(child);
		CHECK_EQUAL(kill(child, SIGUSR1), 0);
		if (restarts) {
			wait_asleep(child);
			CHECK_EQUAL(mq_send(queue, "fourth", 6, 0), 0);
		}
		CHECK_EXITS(child, 0);
	}
	/* poll wakes. */
	struct pollfd poller = { queue, POLLIN, 0 };
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		CHECK_EQUAL(poll(&poller, 1, 100000), 1);
		_exit(poller.revents);
	}
	wait_asleep(child);
	CHECK_EQUAL(mq_send(queue, "x", 1, 0), 0);
	CHECK_EXITS(child, POLLIN);
	CHECK_EQUAL(mq_close(queue) | mq_unlink(name), 0);
}

static volatile siginfo_t told;
static volatile int times;

static void tell(int number, siginfo_t *info, void *context)
{
	(void)number, (void)context;
	told = *info;
	times++;
}

static void notification(void)
{
	mqd_t queue = make(O_RDWR | O_CREAT | O_NONBLOCK, 4, 16);
	CHECK(queue >= 0);
	struct sigaction action = { .sa_sigaction = tell, .sa_flags = SA_SIGINFO };
	CHECK_EQUAL(sigaction(SIGUSR2, &action, NULL), 0);
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 77 };
	struct sigevent nothing = { .sigev_notify = SIGEV_NONE }, bad = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 65 };
	CHECK_ERRNO(mq_notify(queue, &bad), EINVAL);
	bad.sigev_notify = 77;
	CHECK_ERRNO(mq_notify(queue, &bad), EINVAL);
	CHECK_ERRNO(mq_notify(0, &event), EBADF);
	CHECK_EQUAL(mq_notify(queue, NULL), 0);
	CHECK_EQUAL(mq_notify(queue, &event), 0);
	CHECK_ERRNO(mq_notify(queue, &event), EBUSY);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_ERRNO(mq_notify(queue, &nothing), EBUSY);
		/* Not its to end. */
		CHECK_EQUAL(mq_notify(queue, NULL), 0);
		CHECK_ERRNO(mq_notify(queue, &nothing), EBUSY);
		CHECK_EQUAL(mq_send(queue, "one", 3, 0), 0);
		CHECK_EQUAL(mq_send(queue, "two", 3, 0), 0);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(times, 1);
	CHECK(told.si_code == SI_MESGQ && told.si_pid == child && told.si_uid == getuid());
	CHECK_EQUAL(told.si_value.sival_int, 77);
	/* Once only, and only of what comes to the empty queue. */
	CHECK_EQUAL(mq_notify(queue, &event), 0);
	CHECK_EQUAL(mq_send(queue, "three", 5, 0), 0);
	CHECK_EQUAL(times, 1);
	for (int i = 0; i < 3; i++)
		CHECK(mq_receive(queue, buffer, sizeof buffer, NULL) > 0);
	CHECK_EQUAL(mq_send(queue, "four", 4, 0), 0);
	CHECK_EQUAL(times, 2);
	RECEIVE(queue, "four", 0);
	/* Who waits for a message gets it, and nobody is told. */
	CHECK_EQUAL(mq_notify(queue, &event), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0) {
		struct mq_attr waits = { .mq_flags = 0 };
		CHECK_EQUAL(mq_setattr(queue, &waits, NULL), 0);
		RECEIVE(queue, "five", 0);
		_exit(0);
	}
	wait_asleep(child);
	CHECK_EQUAL(mq_send(queue, "five", 4, 0), 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(times, 2);
	/* Closing any descriptor of the queue ends it; so does the end of the process. */
	int second = dup(queue);
	CHECK(second >= 0);
	CHECK_EQUAL(close(second), 0);
	CHECK((child = fork()) >= 0);
	if (child == 0)
		_exit(mq_notify(queue, &nothing) != 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(mq_notify(queue, &nothing), 0);
	CHECK_EQUAL(mq_notify(queue, NULL), 0);
	CHECK_EQUAL(mq_close(queue) | mq_unlink(name), 0);
}

static void rights(void)
{
	struct rlimit limit;
	CHECK_EQUAL(getrlimit(RLIMIT_MSGQUEUE, &limit), 0);
	limit.rlim_cur = 1000;
	CHECK_EQUAL(setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
	CHECK_ERRNO(make(O_RDWR | O_CREAT, 2, 512), EMFILE);
	limit.rlim_cur = limit.rlim_max;
	CHECK_EQUAL(setrlimit(RLIMIT_MSGQUEUE, &limit), 0);
	if (!is_superuser())
		return;
	umask(022);
	struct mq_attr attributes = { .mq_maxmsg = 2, .mq_msgsize = 8 }, large = { .mq_maxmsg = 11, .mq_msgsize = 8 };
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0666, &attributes);
	CHECK(queue >= 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setresgid(4321, 4321, 4321) | setresuid(4321, 4321, 4321), 0);
		CHECK(mq_open(name, O_RDONLY) >= 0);
		CHECK_ERRNO(mq_open(name, O_WRONLY), EACCES);
		CHECK_ERRNO(mq_open(name, O_RDWR | O_CREAT, 0666, &attributes), EACCES);
		CHECK(mq_unlink(name) == -1 && (errno == EPERM || errno == EACCES));
		name[1] = 'o';
		CHECK_ERRNO(mq_open(name, O_RDWR | O_CREAT, 0666, &large), EINVAL);
		/* Who makes it may use it, whatever its permissions; nobody else, not even the same again. */
		mqd_t own = mq_open(name, O_RDWR | O_CREAT, 0, &attributes);
		CHECK(own >= 0);
		CHECK_EQUAL(mq_send(own, "x", 1, 0), 0);
		CHECK_ERRNO(mq_open(name, O_RDONLY), EACCES);
		CHECK_EQUAL(mq_unlink(name), 0);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(mq_close(queue) | mq_unlink(name), 0);
}

int main(void)
{
	snprintf(name, sizeof name, "/posix_queue_test-%d", getpid());
	mqd_t probe = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	/* A Linux built without them, or a user who may have none. */
	if (probe < 0 && (errno == ENOSYS || errno == EMFILE || errno == ENOSPC))
		return 0;
	CHECK(probe >= 0);
	CHECK_EQUAL(mq_close(probe) | mq_unlink(name), 0);
	names();
	order();
	waiting();
	notification();
	rights();
	return 0;
}
