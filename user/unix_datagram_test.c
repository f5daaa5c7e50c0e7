/* Local datagram and packet sockets: boundaries, truncation, addresses, destinations, queues that are full. */
#include "check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>

static char prefix[50];

static socklen_t set_address(struct sockaddr_un *address, const char *name)
{
	memset(address, 0, sizeof *address);
	address->sun_family = AF_UNIX;
	int length = snprintf(address->sun_path + 1, sizeof address->sun_path - 1, "%s%s", prefix, name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

static int bound(const char *name)
{
	struct sockaddr_un address;
	socklen_t bytes = set_address(&address, name);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(bind(fd, (struct sockaddr *)&address, bytes), 0);
	return fd;
}

static ssize_t send_to(int fd, const char *name, const char *text)
{
	struct sockaddr_un address;
	socklen_t bytes = set_address(&address, name);
	return sendto(fd, text, strlen(text), 0, (struct sockaddr *)&address, bytes);
}

static int connect_to(int fd, const char *name)
{
	struct sockaddr_un address;
	socklen_t bytes = set_address(&address, name);
	return connect(fd, (struct sockaddr *)&address, bytes);
}

static void boundaries(int kind)
{
	int ends[2], count;
	char back[100];
	CHECK_EQUAL(socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, ends), 0);
	CHECK_EQUAL(send(ends[0], "first", 5, 0), 5);
	CHECK_EQUAL(send(ends[0], "", 0, 0), 0);
	CHECK_EQUAL(write(ends[0], "third", 5), 5);
	CHECK_EQUAL(ioctl(ends[1], FIONREAD, &count), 0);
	CHECK_EQUAL(count, kind == SOCK_DGRAM ? 5 : 10);
	CHECK_EQUAL(recv(ends[1], back, 2, MSG_PEEK), 2);
	CHECK_EQUAL(recv(ends[1], back, 2, MSG_PEEK | MSG_TRUNC), 5);
	CHECK_EQUAL(recv(ends[1], back, 100, 0), 5);
	CHECK(memcmp(back, "first", 5) == 0);
	CHECK_EQUAL(recv(ends[1], back, 100, 0), 0);
	struct iovec segment = { back, 3 };
	struct msghdr message = { .msg_iov = &segment, .msg_iovlen = 1 };
	CHECK_EQUAL(recvmsg(ends[1], &message, 0), 3);
	CHECK_EQUAL(message.msg_flags, MSG_TRUNC);
	CHECK_ERRNO(recv(ends[1], back, 100, 0), EAGAIN);

	/* Several at once. */
	struct mmsghdr several[3];
	struct iovec segments[3] = { { "a", 1 }, { "bb", 2 }, { "ccc", 3 } };
	memset(several, 0, sizeof several);
	for (int i = 0; i < 3; i++) {
		several[i].msg_hdr.msg_iov = &segments[i];
		several[i].msg_hdr.msg_iovlen = 1;
	}
	CHECK_EQUAL(sendmmsg(ends[0], several, 3, 0), 3);
	CHECK_EQUAL(several[2].msg_len, 3);
	char texts[3][10];
	for (int i = 0; i < 3; i++)
		segments[i] = (struct iovec){ texts[i], 10 };
	CHECK_EQUAL(recvmmsg(ends[1], several, 2, MSG_WAITFORONE, NULL), 2);
	CHECK_EQUAL(several[1].msg_len, 2);
	CHECK_EQUAL(recvmmsg(ends[1], several, 3, 0, NULL), 1);
	CHECK_EQUAL(several[0].msg_len, 3);
	CHECK_ERRNO(recvmmsg(ends[1], several, 3, 0, NULL), EAGAIN);

	/* Too large for the buffer at all; as many as fit. */
	static char large[300000];
	CHECK_ERRNO(send(ends[0], large, sizeof large, 0), EMSGSIZE);
	CHECK_EQUAL(send(ends[0], large, 100000, 0), 100000);
	int sent = 1;
	while (send(ends[0], large, 100000, 0) == 100000)
		sent++;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK(sent >= 2 && sent <= 4);
	for (; sent > 0; sent--)
		CHECK_EQUAL(recv(ends[1], large, sizeof large, 0), 100000);

	/* The end. */
	CHECK_EQUAL(shutdown(ends[0], SHUT_WR), 0);
	signal(SIGPIPE, SIG_IGN);
	CHECK_ERRNO(send(ends[0], "x", 1, 0), EPIPE);
	if (kind == SOCK_SEQPACKET)
		CHECK_EQUAL(recv(ends[1], back, 10, 0), 0);
	else
		CHECK_ERRNO(recv(ends[1], back, 10, 0), EAGAIN);
	close(ends[0]);
	if (kind == SOCK_SEQPACKET)
		CHECK_ERRNO(send(ends[1], "x", 1, 0), EPIPE);
	else
		CHECK_ERRNO(send(ends[1], "x", 1, 0), ECONNREFUSED);
	close(ends[1]);
}

int main(void)
{
	snprintf(prefix, sizeof prefix, "unix_datagram_%d_", (int)getpid());
	boundaries(SOCK_DGRAM);
	boundaries(SOCK_SEQPACKET);

	/* To a name, from a name, and back. */
	char back[100];
	int first = bound("first"), second = bound("second");
	CHECK_EQUAL(send_to(first, "second", "hello"), 5);
	struct sockaddr_un from, expected;
	socklen_t length = sizeof from;
	CHECK_EQUAL(recvfrom(second, back, 100, 0, (struct sockaddr *)&from, &length), 5);
	CHECK_EQUAL(length, set_address(&expected, "first"));
	CHECK(memcmp(&from, &expected, length) == 0);
	CHECK_EQUAL(sendto(second, "back", 4, 0, (struct sockaddr *)&from, length), 4);
	CHECK_EQUAL(recv(first, back, 100, 0), 4);
	CHECK_ERRNO(send(first, "x", 1, 0), ENOTCONN);
	CHECK_ERRNO(send_to(first, "nobody", "x"), ECONNREFUSED);

	/* A sender without a name has no address. */
	int nameless = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	CHECK_EQUAL(send_to(nameless, "second", "anon"), 4);
	length = sizeof from;
	CHECK_EQUAL(recvfrom(second, back, 100, 0, (struct sockaddr *)&from, &length), 4);
	CHECK_EQUAL(length, 0);

	/* A standing destination, which also says from whom. */
	CHECK_EQUAL(connect_to(second, "first"), 0);
	CHECK_EQUAL(send(second, "direct", 6, 0), 6);
	CHECK_EQUAL(recv(first, back, 100, 0), 6);
	CHECK_ERRNO(send_to(nameless, "second", "x"), EPERM);
	CHECK_ERRNO(connect_to(nameless, "second"), EPERM);
	length = sizeof from;
	CHECK_EQUAL(getpeername(second, (struct sockaddr *)&from, &length), 0);
	CHECK_EQUAL(length, set_address(&expected, "first"));
	struct sockaddr none = { .sa_family = AF_UNSPEC };
	CHECK_EQUAL(connect(second, &none, sizeof none), 0);
	CHECK_ERRNO(getpeername(second, (struct sockaddr *)&from, &length), ENOTCONN);
	CHECK_EQUAL(send_to(nameless, "second", "again"), 5);
	CHECK_EQUAL(recv(second, back, 100, 0), 5);

	/* A queue that is full: EAGAIN, not ready, then ready again. */
	CHECK_EQUAL(connect_to(nameless, "second"), 0);
	int sent = 0;
	while (send(nameless, "x", 1, 0) == 1)
		sent++;
	CHECK_EQUAL(errno, EAGAIN);
	CHECK(sent >= 5 && sent < 1000);
	struct pollfd one = { nameless, POLLOUT, 0 };
	CHECK_EQUAL(poll(&one, 1, 0), 0);
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(30);
		for (int i = 0; i < sent; i++)
			CHECK_EQUAL(recv(second, back, 100, 0), 1);
		_exit(0);
	}
	CHECK_EQUAL(poll(&one, 1, 5000), 1);
	CHECK_EQUAL(one.revents, POLLOUT);
	CHECK_EXITS(child, 0);

	/* The same, sleeping in send. */
	while (send(nameless, "x", 1, 0) == 1)
		;
	CHECK_EQUAL(fcntl(nameless, F_SETFL, 0), 0);
	child = fork();
	if (child == 0) {
		sleep_ms(30);
		CHECK_EQUAL(recv(second, back, 100, 0), 1);
		_exit(0);
	}
	CHECK_EQUAL(send(nameless, "y", 1, 0), 1);
	CHECK_EXITS(child, 0);

	/* The destination goes. */
	close(second);
	CHECK_ERRNO(send(nameless, "x", 1, 0), ECONNREFUSED);
	CHECK_ERRNO(send(nameless, "x", 1, 0), ENOTCONN);
	close(nameless);
	close(first);
	return 0;
}
