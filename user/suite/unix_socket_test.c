/* Local stream sockets in pairs: data, end of file, EPIPE, buffers, options, readiness, errors. */
#include "../check.h"
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
	(void)number;
	signals++;
}

static int poll_now(int fd)
{
	struct pollfd one = { fd, POLLIN | POLLOUT | POLLRDHUP, 0 };
	CHECK(poll(&one, 1, 0) >= 0);
	return one.revents;
}

/* An address where nothing is, unknown to the compiler. */
static void *volatile nowhere = (void *)8;

int main(void)
{
	int ends[2];
	char back[65536];
	static char bytes[300000], copy[300000];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 7 + i / 251);

	/* Data both ways, cut and joined as a stream. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQUAL(write(ends[0], "hello", 5), 5);
	CHECK_EQUAL(write(ends[0], " world", 6), 6);
	int count = 0;
	CHECK_EQUAL(ioctl(ends[1], FIONREAD, &count), 0);
	CHECK_EQUAL(count, 11);
	CHECK_EQUAL(recv(ends[1], back, 8, MSG_PEEK), 8);
	CHECK(memcmp(back, "hello wo", 8) == 0);
	CHECK_EQUAL(read(ends[1], back, 3), 3);
	CHECK_EQUAL(read(ends[1], back + 3, 100), 8);
	CHECK(memcmp(back, "hello world", 11) == 0);
	struct iovec out[2] = { { "ab", 2 }, { "cde", 3 } };
	CHECK_EQUAL(writev(ends[1], out, 2), 5);
	struct iovec in[2] = { { back, 4 }, { back + 10, 4 } };
	CHECK_EQUAL(readv(ends[0], in, 2), 5);
	CHECK(memcmp(back, "abcd", 4) == 0 && back[10] == 'e');
	CHECK_EQUAL(read(ends[0], back, 0), 0);
	CHECK_EQUAL(write(ends[0], back, 0), 0);

	/* What it is. */
	struct stat status;
	CHECK_EQUAL(fstat(ends[0], &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_ERRNO(lseek(ends[0], 0, SEEK_CUR), ESPIPE);
	CHECK_ERRNO(pread(ends[0], back, 1, 0), ESPIPE);
	CHECK_EQUAL(fcntl(ends[0], F_GETFL) & O_ACCMODE, O_RDWR);

	/* Readiness. */
	CHECK_EQUAL(poll_now(ends[0]), POLLOUT);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EQUAL(poll_now(ends[0]), POLLIN | POLLOUT);
	CHECK_EQUAL(read(ends[0], back, 10), 1);

	/* Nothing there: EAGAIN, by flag of the call and of the descriptor. */
	CHECK_ERRNO(recv(ends[0], back, 1, MSG_DONTWAIT), EAGAIN);
	CHECK_EQUAL(fcntl(ends[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(read(ends[0], back, 1), EAGAIN);

	/* Full. */
	CHECK_EQUAL(fcntl(ends[1], F_SETFL, O_NONBLOCK), 0);
	size_t filled = 0;
	ssize_t n;
	while ((n = write(ends[1], bytes, 1000)) > 0)
		filled += (size_t)n;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK(filled > 60000 && filled < 300000);
	CHECK_EQUAL(poll_now(ends[1]), 0);
	while (filled > 0 && (n = read(ends[0], back, sizeof back)) > 0)
		filled -= (size_t)n;
	CHECK_EQUAL(filled, 0);
	CHECK_EQUAL(poll_now(ends[1]), POLLOUT);

	/* EFAULT takes nothing. */
	CHECK_ERRNO(write(ends[1], (void *)nowhere, 5), EFAULT);
	CHECK_EQUAL(write(ends[1], "kept", 4), 4);
	CHECK_ERRNO(read(ends[0], (void *)nowhere, 5), EFAULT);
	CHECK_EQUAL(read(ends[0], back, 10), 4);
	CHECK(memcmp(back, "kept", 4) == 0);
	close(ends[0]);
	close(ends[1]);

	/* End of file after the data; EPIPE with and without a signal. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	signal(SIGPIPE, count_signal);
	CHECK_EQUAL(write(ends[1], "last", 4), 4);
	close(ends[1]);
	CHECK_EQUAL(poll_now(ends[0]), POLLIN | POLLOUT | POLLRDHUP | POLLHUP);
	CHECK_EQUAL(read(ends[0], back, 10), 4);
	CHECK_EQUAL(read(ends[0], back, 10), 0);
	CHECK_ERRNO(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQUAL(signals, 0);
	CHECK_ERRNO(write(ends[0], "x", 1), EPIPE);
	CHECK_EQUAL(signals, 1);
	close(ends[0]);
	pid_t child = fork();
	if (child == 0) {
		signal(SIGPIPE, SIG_DFL);
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		close(ends[1]);
		(void)!write(ends[0], "x", 1);
		_exit(0);
	}
	CHECK_KILLED(child, SIGPIPE);

	/* The other end was closed with data unread. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_EQUAL(write(ends[0], "unread", 6), 6);
	close(ends[1]);
	CHECK_ERRNO(read(ends[0], back, 10), ECONNRESET);
	CHECK_EQUAL(read(ends[0], back, 10), 0);
	close(ends[0]);

	/* shutdown: one direction at a time. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	CHECK_ERRNO(shutdown(ends[0], 3), EINVAL);
	CHECK_EQUAL(shutdown(ends[0], SHUT_WR), 0);
	CHECK_ERRNO(send(ends[0], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQUAL(read(ends[1], back, 10), 0);
	CHECK_EQUAL(write(ends[1], "back", 4), 4);
	CHECK_EQUAL(read(ends[0], back, 10), 4);
	CHECK_EQUAL(shutdown(ends[0], SHUT_RD), 0);
	CHECK_ERRNO(send(ends[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	close(ends[0]);
	close(ends[1]);

	/* More than fits, in both directions of waiting. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	CHECK_EQUAL(fcntl(ends[0], F_GETFD), FD_CLOEXEC);
	child = fork();
	if (child == 0) {
		close(ends[0]);
		CHECK_EQUAL(write(ends[1], bytes, sizeof bytes), (ssize_t)sizeof bytes);
		_exit(0);
	}
	close(ends[1]);
	sleep_ms(20);
	CHECK_EQUAL(recv(ends[0], copy, sizeof copy, MSG_WAITALL), (ssize_t)sizeof copy);
	CHECK(memcmp(bytes, copy, sizeof bytes) == 0);
	CHECK_EQUAL(recv(ends[0], copy, 10, MSG_WAITALL), 0);
	CHECK_EXITS(child, 0);
	close(ends[0]);

	/* A reader that sleeps is woken, by data and by epoll; a timeout ends its sleep. */
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	child = fork();
	if (child == 0) {
		sleep_ms(30);
		CHECK_EQUAL(write(ends[1], "a", 1), 1);
		sleep_ms(30);
		CHECK_EQUAL(write(ends[1], "b", 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ends[0], back, 1), 1);
	int set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.u64 = 7 };
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, ends[0], &event), 0);
	CHECK_EQUAL(epoll_wait(set, &event, 1, 5000), 1);
	CHECK_EQUAL(event.events, EPOLLIN);
	CHECK_EQUAL(event.data.u64, 7);
	CHECK_EQUAL(read(ends[0], back, 1), 1);
	CHECK_EXITS(child, 0);
	struct timeval soon = { 0, 30000 };
	CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &soon, sizeof soon), 0);
	int64_t before = now_ns();
	CHECK_ERRNO(read(ends[0], back, 1), EAGAIN);
	CHECK(now_ns() - before >= 29000000);
	close(set);

	/* Options. */
	int value = -1;
	socklen_t length = sizeof value;
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_TYPE, &value, &length), 0);
	CHECK_EQUAL(value, SOCK_STREAM);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_DOMAIN, &value, &length), 0);
	CHECK_EQUAL(value, AF_UNIX);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_PROTOCOL, &value, &length), 0);
	CHECK_EQUAL(value, 0);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_ERROR, &value, &length), 0);
	CHECK_EQUAL(value, 0);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &value, &length), 0);
	CHECK_EQUAL(value, 212992);
	value = 10000;
	CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &value, sizeof value), 0);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &value, &length), 0);
	CHECK_EQUAL(value, 20000);
	value = 0;
	CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &value, sizeof value), 0);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_RCVBUF, &value, &length), 0);
	CHECK_EQUAL(value, 2304);
	value = 7;
	CHECK_EQUAL(setsockopt(ends[0], SOL_SOCKET, SO_KEEPALIVE, &value, sizeof value), 0);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_KEEPALIVE, &value, &length), 0);
	CHECK_EQUAL(value, 1);
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_ACCEPTCONN, &value, &length), 0);
	CHECK_EQUAL(value, 0);
	struct ucred peer;
	length = sizeof peer;
	CHECK_EQUAL(getsockopt(ends[0], SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	CHECK_EQUAL(peer.pid, getpid());
	CHECK_EQUAL(peer.uid, geteuid());
	CHECK_ERRNO(getsockopt(ends[0], SOL_SOCKET, 9999, &value, &length), ENOPROTOOPT);
	CHECK_ERRNO(getsockopt(ends[0], 6, 1, &value, &length), EOPNOTSUPP);
	CHECK_ERRNO(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &value, 3), EINVAL);
	CHECK_ERRNO(setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, (void *)nowhere, 4), EFAULT);

	/* Names of the nameless. */
	struct sockaddr_un name;
	length = sizeof name;
	CHECK_EQUAL(getsockname(ends[0], (struct sockaddr *)&name, &length), 0);
	CHECK_EQUAL(length, 2);
	CHECK_EQUAL(name.sun_family, AF_UNIX);
	length = sizeof name;
	CHECK_EQUAL(getpeername(ends[0], (struct sockaddr *)&name, &length), 0);
	CHECK_EQUAL(length, 2);
	close(ends[0]);
	close(ends[1]);

	/* Errors. */
	CHECK_ERRNO(socketpair(AF_UNIX, 77, 0, ends), EINVAL);
	CHECK_ERRNO(socket(AF_UNIX, 12, 0), EINVAL);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_RDM, 0), ESOCKTNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM, 6), EPROTONOSUPPORT);
	CHECK_ERRNO(socket(-1, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(1000, SOCK_STREAM, 0), EAFNOSUPPORT);
	CHECK_ERRNO(socket(AF_UNIX, SOCK_STREAM | 0x100, 0), EINVAL);
	CHECK_ERRNO(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)nowhere), EFAULT);
	CHECK_ERRNO(send(0x7fffffff, "x", 1, 0), EBADF);
	int pipes[2];
	CHECK_EQUAL(pipe(pipes), 0);
	CHECK_ERRNO(send(pipes[1], "x", 1, 0), ENOTSOCK);
	CHECK_ERRNO(listen(pipes[0], 1), ENOTSOCK);
	int lone = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK(lone >= 0);
	CHECK_ERRNO(send(lone, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(read(lone, back, 1), EINVAL);
	CHECK_ERRNO(getpeername(lone, (struct sockaddr *)&name, &length), ENOTCONN);
	CHECK_EQUAL(poll_now(lone), POLLOUT | POLLHUP);
	CHECK_ERRNO(listen(lone, 1), EINVAL);
	CHECK_ERRNO(accept(lone, NULL, NULL), EINVAL);
	return 0;
}
