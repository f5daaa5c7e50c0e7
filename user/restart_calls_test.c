/* More calls between a signal and SA_RESTART than signal_interrupts_test has: those that go on (connect, send, sendmsg, writev,
 * locks of descriptions, reads of inotify and signalfd) and those that never do (System V's messages, timed sockets, epoll_pwait2).
 * Another process interrupts when this one sleeps, twice, and only then lets the call succeed: nothing here depends on how long anything takes. */
#include "check.h"
#include <sys/epoll.h>
#include <sys/file.h>
#include <sys/inotify.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

#ifndef SYS_epoll_pwait2
#define SYS_epoll_pwait2 441
#endif

static volatile int hits;
static char block[4096];
static int pair[2], timed[2], server, watches, signals, own_lock, queue, poller, ends[2], full[2];
static struct sockaddr_un address = { .sun_family = AF_UNIX };

static void handler(int number) { (void)number, hits++; }

/* The calls. */
static long connects(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	long answer = connect(fd, (void *)&address, sizeof address);
	int error = errno;
	close(fd);
	errno = error;
	return answer;
}
static long sends(void) { return send(pair[0], block, sizeof block, 0); }
static long sends_message(void) { struct iovec part = { block, sizeof block }; struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 }; return sendmsg(pair[0], &message, 0); }
static long writes_vector(void) { struct iovec parts[2] = { { block, 10 }, { block, 10 } }; return writev(full[1], parts, 2); }
static long locks_own(void) { struct flock lock = { .l_type = F_WRLCK }; return fcntl(own_lock, F_OFD_SETLKW, &lock); }
static long reads_watch(void) { return read(watches, block, sizeof block); }
static long reads_signal(void) { return read(signals, block, sizeof block); }
static long receives_message(void) { return msgrcv(queue, block, 100, 7, 0); }
static long waits_epoll(void) { struct epoll_event event; struct timespec time = { 1000, 0 }; return syscall(SYS_epoll_pwait2, poller, &event, 1, &time, NULL, 8); }
static long sends_timed(void) { return send(timed[0], block, sizeof block, 0); }
static long receives_timed(void) { return recv(timed[1], block, 1, 0); }

/* What makes them succeed. */
static void accepts(void) { CHECK(accept(server, NULL, NULL) >= 0); }
static void drains_pair(void) { while (recv(pair[1], block, sizeof block, MSG_DONTWAIT) > 0); }
static void drains_pipe(void) { CHECK(read(full[0], block, sizeof block) > 0); }
static void makes_file(void) { CHECK(mkdir("made", 0700) == 0 && rmdir("made") == 0); }
static void sends_signal(void) { CHECK_EQUAL(kill(getppid(), SIGUSR2), 0); }

static void interrupts(pid_t parent, int times)
{
	for (int i = 0; i < times; i++) {
		wait_asleep(parent);
		CHECK_EQUAL(kill(parent, SIGUSR1), 0);
		sleep_ms(10);
	}
	wait_asleep(parent);
}

static void set_flags(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
}

/* `help` makes the call succeed; without one it never goes on. `hold` takes what the call waits for, in the other process. */
static void try(const char *name, long (*call)(void), void (*help)(void), void (*hold)(void))
{
	pid_t parent = getpid();
	int ready[2];
	char byte;
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		int goes_on = flags && help;
		hits = 0;
		set_flags(flags);
		CHECK_EQUAL(pipe(ready), 0);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			if (hold)
				hold();
			CHECK_EQUAL(write(ready[1], "x", 1), 1);
			interrupts(parent, goes_on ? 2 : 1);
			if (goes_on)
				help();
			_exit(0);
		}
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		errno = 0;
		long answer = call();
		int error = errno;
		if (goes_on ? answer < 0 || hits != 2 : answer != -1 || error != EINTR || hits != 1)
			fprintf(stderr, "%s with flags %x answered %ld with errno %d after %d signals\n", name, flags, answer, error, hits);
		CHECK(goes_on ? answer >= 0 && hits == 2 : answer == -1 && error == EINTR && hits == 1);
		/* One that helps comes to its end by itself. */
		if (!goes_on)
			CHECK_EQUAL(kill(child, SIGKILL), 0);
		int status = wait_status(child);
		CHECK(!goes_on || status == 0);
		CHECK_EQUAL(close(ready[0]) | close(ready[1]), 0);
	}
}

static int held_file;
static void hold_lock(void)
{
	held_file = open("lock", O_RDWR);
	struct flock lock = { .l_type = F_WRLCK };
	CHECK(held_file >= 0 && fcntl(held_file, F_OFD_SETLK, &lock) == 0);
}
static void gives_lock(void) { CHECK_EQUAL(close(held_file), 0); }

int main(void)
{
	const char *scratch = enter_scratch();
	struct timeval time = { 1000, 0 };
	struct epoll_event event = { .events = EPOLLIN };
	sigset_t set;
	sigemptyset(&set), sigaddset(&set, SIGUSR2);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	CHECK_EQUAL(pipe(ends) | pipe2(full, O_NONBLOCK) | socketpair(AF_UNIX, SOCK_STREAM, 0, pair) | socketpair(AF_UNIX, SOCK_STREAM, 0, timed), 0);
	while (write(full[1], block, sizeof block) > 0)
		;
	CHECK_EQUAL(fcntl(full[1], F_SETFL, 0), 0);
	while (send(pair[0], block, sizeof block, MSG_DONTWAIT) > 0)
		;
	while (send(timed[0], block, sizeof block, MSG_DONTWAIT) > 0)
		;
	CHECK_EQUAL(setsockopt(timed[0], SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time) | setsockopt(timed[1], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	/* A server whose queue is full. */
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, "server");
	CHECK_EQUAL(bind(server, (void *)&address, sizeof address) | listen(server, 0), 0);
	int waiting = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQUAL(connect(waiting, (void *)&address, sizeof address), 0);
	watches = inotify_init1(0), signals = signalfd(-1, &set, 0), poller = epoll_create1(0);
	own_lock = open("lock", O_RDWR | O_CREAT, 0600);
	CHECK(watches >= 0 && signals >= 0 && poller >= 0 && own_lock >= 0 && inotify_add_watch(watches, ".", IN_CREATE) > 0);
	CHECK_EQUAL(epoll_ctl(poller, EPOLL_CTL_ADD, ends[0], &event), 0);

	try("send", sends, drains_pair, NULL);
	while (send(pair[0], block, sizeof block, MSG_DONTWAIT) > 0)
		;
	try("sendmsg", sends_message, drains_pair, NULL);
	try("connect", connects, accepts, NULL);
	try("writev", writes_vector, drains_pipe, NULL);
	try("F_OFD_SETLKW", locks_own, gives_lock, hold_lock);
	try("inotify", reads_watch, makes_file, NULL);
	try("signalfd", reads_signal, sends_signal, NULL);
	try("send with a limit", sends_timed, NULL, NULL);
	/* Its other direction is empty. */
	CHECK_EQUAL(setsockopt(timed[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	timed[1] = timed[0];
	try("recv with a limit", receives_timed, NULL, NULL);
	if (syscall(SYS_epoll_pwait2, poller, &event, 1, &(struct timespec){ 0, 0 }, NULL, 8) == 0 || errno != ENOSYS)
		try("epoll_pwait2", waits_epoll, NULL, NULL);
	queue = msgget(IPC_PRIVATE, 0600);
	if (queue >= 0) {
		try("msgrcv", receives_message, NULL, NULL);
		CHECK_EQUAL(msgctl(queue, IPC_RMID, NULL), 0);
	}
	CHECK_EQUAL(unlink("lock") | unlink("server"), 0);
	leave_scratch(scratch);
	return 0;
}
