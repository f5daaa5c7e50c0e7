/* Which calls go on after a handler with SA_RESTART and which never do (signal(7)), and which go on by themselves after a stop and SIGCONT, with
 * what is left of their time.
 *
 * A timer interrupts again and again; for calls that go on, another process makes them succeed once they have been interrupted. */
#include "check.h"
#include <linux/futex.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/file.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>

static volatile int *hits;
static uint32_t *word;
static int ends[2], full[2], pair[2], server, events, timer_file, lock_file;
static char path[64], fifo[64];
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static socklen_t address_bytes;
static char block[4096];

static void handler(int number) { (void)number, __atomic_add_fetch(hits, 1, __ATOMIC_SEQ_CST); }

static void interrupt_every_20_ms(int flags, int on)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	struct itimerval timer = { { 0, on ? 20000 : 0 }, { 0, on ? 20000 : 0 } };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	CHECK_EQUAL(setitimer(ITIMER_REAL, &timer, NULL), 0);
}

/* The calls. Each answers as the call does. */
static pid_t child;
static int exclusive;
static long read_pipe(void) { return read(ends[0], block, 1); }
static long readv_pipe(void) { struct iovec part = { block, 1 }; return readv(ends[0], &part, 1); }
static long write_pipe(void) { return write(full[1], block, 1); }
static long read_event(void) { return read(events, block, 8); }
static long read_timer(void) { return read(timer_file, block, 8); }
static long receive(void) { return recv(pair[0], block, 1, 0); }
static long receive_message(void) { struct iovec part = { block, 1 }; struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 }; return recvmsg(pair[0], &message, 0); }
static long accepts(void) { int fd = accept(server, NULL, NULL); if (fd >= 0) close(fd); return fd; }
static long open_fifo(void) { int fd = open(fifo, O_RDONLY); if (fd >= 0) close(fd); return fd; }
static long waits(void) { return waitpid(child, NULL, 0); }
static long waits_id(void) { siginfo_t info; return waitid(P_PID, child, &info, WEXITED | WNOWAIT); }
static long locks(void) { return flock(exclusive, LOCK_EX); }
static long locks_record(void) { struct flock lock = { .l_type = F_WRLCK }; return fcntl(lock_file, F_SETLKW, &lock); }
static long waits_futex(void) { return syscall(SYS_futex, word, FUTEX_WAIT, 0, NULL, NULL, 0); }

static struct timespec long_time = { 100, 0 };
static long polls(void) { struct pollfd watched = { ends[0], POLLIN, 0 }; return poll(&watched, 1, 100000); }
static long polls_for_ever(void) { struct pollfd watched = { ends[0], POLLIN, 0 }; return poll(&watched, 1, -1); }
static long ppolls(void) { struct pollfd watched = { ends[0], POLLIN, 0 }; return ppoll(&watched, 1, &long_time, NULL); }
static long selects(void) { fd_set set; FD_ZERO(&set); FD_SET(ends[0], &set); return select(ends[0] + 1, &set, NULL, NULL, NULL); }
static long pselects(void) { fd_set set; FD_ZERO(&set); FD_SET(ends[0], &set); return pselect(ends[0] + 1, &set, NULL, NULL, &long_time, NULL); }
static long epolls(void) { struct epoll_event event; static int poller; if (!poller) poller = epoll_create1(0); return epoll_wait(poller, &event, 1, 100000); }
static long sleeps(void) { return nanosleep(&long_time, NULL); }
static long clock_sleeps(void) { errno = clock_nanosleep(CLOCK_MONOTONIC, 0, &long_time, NULL); return errno ? -1 : 0; }
static long sleeps_until(void) { struct timespec then = { now_ns() / 1000000000 + 100, 0 }; errno = clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL); return errno ? -1 : 0; }
static long pauses(void) { return pause(); }
static long suspends(void) { sigset_t none; sigemptyset(&none); return sigsuspend(&none); }
static long waits_signal(void) { sigset_t set; sigemptyset(&set), sigaddset(&set, SIGUSR2); return sigtimedwait(&set, NULL, &long_time); }
static long waits_futex_long(void) { return syscall(SYS_futex, word, FUTEX_WAIT, 0, &long_time, NULL, 0); }
static long waits_futex_until(void) { struct timespec then = { now_ns() / 1000000000 + 100, 0 }; return syscall(SYS_futex, word, FUTEX_WAIT_BITSET, 0, &then, NULL, ~0u); }
static long receive_timed(void)
{
	struct timeval time = { 100, 0 };
	CHECK_EQUAL(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	long answer = recv(pair[0], block, 1, 0);
	int error = errno;
	time.tv_sec = 0;
	CHECK_EQUAL(setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time), 0);
	errno = error;
	return answer;
}

/* What makes them succeed, in another process. */
static void put(void) { CHECK_EQUAL(write(ends[1], "x", 1), 1); }
static void drain(void) { CHECK(read(full[0], block, sizeof block) > 0); }
static void add(void) { uint64_t one = 1; CHECK_EQUAL(write(events, &one, 8), 8); }
static void expire(void) { struct itimerspec soon = { .it_value.tv_nsec = 1 }; CHECK_EQUAL(timerfd_settime(timer_file, 0, &soon, NULL), 0); }
static void sends(void) { CHECK_EQUAL(send(pair[1], "x", 1, 0), 1); }
static void connects(void) { int fd = socket(AF_UNIX, SOCK_STREAM, 0); CHECK_EQUAL(connect(fd, (void *)&address, address_bytes), 0); }
static void opens(void) { CHECK(open(fifo, O_WRONLY) >= 0); }
static void wakes(void) { while (syscall(SYS_futex, word, FUTEX_WAKE, 1, NULL, NULL, 0) == 0) sleep_ms(5); }

/* Without SA_RESTART every call answers EINTR; with it, it goes on if it is one that does. */
static void try(const char *name, long (*call)(void), void (*help)(void))
{
	(void)name;
	interrupt_every_20_ms(0, 1);
	CHECK_ERRNO(call(), EINTR);
	interrupt_every_20_ms(0, 0);
	if (!help) {
		interrupt_every_20_ms(SA_RESTART, 1);
		CHECK_ERRNO(call(), EINTR);
		interrupt_every_20_ms(SA_RESTART, 0);
		return;
	}
	*hits = 0;
	pid_t helper = fork();
	if (helper == 0) {
		while (*hits < 3)
			sleep_ms(5);
		help();
		_exit(0);
	}
	interrupt_every_20_ms(SA_RESTART, 1);
	CHECK(call() >= 0);
	interrupt_every_20_ms(SA_RESTART, 0);
	CHECK_EXITS(helper, 0);
}

/* A child of this one that ends when it has been interrupted often enough. */
static void for_wait(const char *name, long (*call)(void))
{
	(void)name;
	child = fork();
	if (child == 0) {
		pause();
		_exit(0);
	}
	interrupt_every_20_ms(0, 1);
	CHECK_ERRNO(call(), EINTR);
	interrupt_every_20_ms(0, 0);
	*hits = 0;
	pid_t helper = fork();
	if (helper == 0) {
		while (*hits < 3)
			sleep_ms(5);
		kill(child, SIGKILL);
		_exit(0);
	}
	interrupt_every_20_ms(SA_RESTART, 1);
	CHECK(call() >= 0);
	interrupt_every_20_ms(SA_RESTART, 0);
	waitpid(child, NULL, 0);
	CHECK_EXITS(helper, 0);
}

/* Locks that a child holds until this one has been interrupted often enough. */
static void for_lock(long (*call)(void), int is_record)
{
	for (int flags = 0; flags <= SA_RESTART; flags += SA_RESTART) {
		int ready[2];
		char byte;
		CHECK_EQUAL(pipe(ready), 0);
		*hits = 0;
		pid_t holder = fork();
		if (holder == 0) {
			int own = open(path, O_RDWR);
			struct flock lock = { .l_type = F_WRLCK };
			CHECK_EQUAL(is_record ? fcntl(own, F_SETLKW, &lock) : flock(own, LOCK_EX), 0);
			CHECK_EQUAL(write(ready[1], "x", 1), 1);
			while (*hits < 3)
				sleep_ms(5);
			_exit(0);
		}
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
		interrupt_every_20_ms(flags, 1);
		if (flags)
			CHECK_EQUAL(call(), 0);
		else
			CHECK_ERRNO(call(), EINTR);
		while (*hits < 3)
			sleep_ms(5);
		interrupt_every_20_ms(flags, 0);
		CHECK_EXITS(holder, 0);
		close(ready[0]), close(ready[1]);
		struct flock lock = { .l_type = F_UNLCK };
		CHECK_EQUAL(is_record ? fcntl(lock_file, F_SETLK, &lock) : flock(exclusive, LOCK_UN), 0);
	}
}

static struct timespec short_time = { 0, 250000000 };
static long sleeps_short(void) { return nanosleep(&short_time, NULL); }
static long polls_short(void) { struct pollfd watched = { ends[0], POLLIN, 0 }; return poll(&watched, 1, 250); }
static long futex_short(void) { return syscall(SYS_futex, word, FUTEX_WAIT, 0, &short_time, NULL, 0); }
static long selects_short(void) { struct timeval time = { 0, 250000 }; return select(0, NULL, NULL, NULL, &time); }

/* Stopped and continued, without any handler. */
static void stopped(long (*call)(void), long answer, int error)
{
	pid_t subject = fork();
	if (subject == 0) {
		int64_t start = now_ns();
		errno = 0;
		long found = call();
		if (found != answer || (found < 0 && errno != error))
			fprintf(stderr, "answered %ld with errno %d, expected %ld with %d\n", found, errno, answer, error);
		_exit(found != answer || (found < 0 && errno != error) ? 1 : error == EINTR || now_ns() - start >= 249000000 ? 0 : 2);
	}
	int status;
	for (int round = 0; round < 3; round++) {
		sleep_ms(30);
		CHECK_EQUAL(kill(subject, SIGSTOP), 0);
		if (waitpid(subject, &status, WUNTRACED) != subject || !WIFSTOPPED(status)) {
			CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
			return;
		}
		CHECK_EQUAL(kill(subject, SIGCONT), 0);
	}
	CHECK_EXITS(subject, 0);
}

int main(void)
{
	hits = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(hits != MAP_FAILED);
	word = (uint32_t *)hits + 16;
	snprintf(path, sizeof path, "/tmp/interrupts-%d", getpid());
	snprintf(fifo, sizeof fifo, "/tmp/interrupts-fifo-%d", getpid());
	CHECK_EQUAL(mkfifo(fifo, 0600), 0);
	CHECK_EQUAL(pipe(ends) | pipe2(full, O_NONBLOCK) | socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	while (write(full[1], block, sizeof block) > 0)
		;
	CHECK_EQUAL(fcntl(full[1], F_SETFL, 0), 0);
	server = socket(AF_UNIX, SOCK_STREAM, 0);
	address_bytes = sizeof address.sun_family + 1 + sprintf(address.sun_path + 1, "interrupts-%d", getpid());
	CHECK_EQUAL(bind(server, (void *)&address, address_bytes) | listen(server, 4), 0);
	events = eventfd(0, 0), timer_file = timerfd_create(CLOCK_MONOTONIC, 0);
	lock_file = open(path, O_RDWR | O_CREAT, 0600), exclusive = open(path, O_RDWR);
	CHECK(events >= 0 && timer_file >= 0 && lock_file >= 0 && exclusive >= 0);

	try("read", read_pipe, put);
	try("readv", readv_pipe, put);
	try("write", write_pipe, drain);
	try("eventfd", read_event, add);
	try("timerfd", read_timer, expire);
	try("recv", receive, sends);
	try("recvmsg", receive_message, sends);
	try("accept", accepts, connects);
	try("open", open_fifo, opens);
	try("futex", waits_futex, wakes);
	for_wait("waitid", waits_id);
	for_wait("waitpid", waits);
	for_lock(locks, 0);
	for_lock(locks_record, 1);
	try("poll", polls, NULL);
	try("poll without a limit", polls_for_ever, NULL);
	try("ppoll", ppolls, NULL);
	try("select", selects, NULL);
	try("pselect", pselects, NULL);
	try("epoll_wait", epolls, NULL);
	try("nanosleep", sleeps, NULL);
	try("clock_nanosleep", clock_sleeps, NULL);
	try("clock_nanosleep until", sleeps_until, NULL);
	try("pause", pauses, NULL);
	try("sigsuspend", suspends, NULL);
	try("sigtimedwait", waits_signal, NULL);
	try("futex with a limit", waits_futex_long, NULL);
	try("futex until", waits_futex_until, NULL);
	try("recv with a limit", receive_timed, NULL);

	stopped(sleeps_short, 0, 0);
	stopped(polls_short, 0, 0);
	stopped(selects_short, 0, 0);
	stopped(futex_short, -1, ETIMEDOUT);
	stopped(epolls, -1, EINTR);
	stopped(waits_signal, -1, EINTR);
	unlink(path), unlink(fifo);
	return 0;
}
