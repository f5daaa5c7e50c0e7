/* Sockets sent into each other and closed: nobody can receive them any more, so they end, with all that was sent along. Those
 * that somebody can still reach, if only through others, stay. */
#include "check.h"
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

static void send_fds(int to, const int *fds, int count)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	char byte = 'x';
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control };
	message.msg_controllen = CMSG_SPACE(count * sizeof(int));
	memset(&control, 0, sizeof control);
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(count * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, count * sizeof(int));
	/* Linux bounds what a user has on the way, and looks for what cannot be reached in its own time. */
	ssize_t sent;
	while ((sent = sendmsg(to, &message, 0)) < 0 && errno == ETOOMANYREFS)
		sleep_ms(5);
	CHECK_EQUAL(sent, 1);
}

static int receive_fd(int from)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(8 * sizeof(int))];
	} control;
	char byte;
	int fds[8];
	struct iovec data = { &byte, 1 };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control };
	message.msg_controllen = sizeof control;
	CHECK_EQUAL(recvmsg(from, &message, 0), 1);
	CHECK_EQUAL(control.header.cmsg_type, SCM_RIGHTS);
	int count = (control.header.cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(&control.header), count * sizeof(int));
	for (int i = 1; i < count; i++)
		CHECK_EQUAL(close(fds[i]), 0);
	return fds[0];
}

static void make_pair(int pair[2])
{
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
}

/* Something ends, which is when it is looked for what cannot be reached. */
static void stir(void)
{
	int pair[2];
	make_pair(pair);
	CHECK_EQUAL(close(pair[0]) | close(pair[1]), 0);
}

/* Whether the last writer of the pipe goes. */
static void check_ends(int reader)
{
	struct pollfd watched = { .fd = reader, .events = POLLIN };
	for (int i = 0; i < 500; i++) {
		stir();
		if (poll(&watched, 1, 10) == 1)
			break;
	}
	CHECK_EQUAL(watched.revents, POLLHUP);
	CHECK_EQUAL(close(reader), 0);
}

static void check_stays(int reader)
{
	struct pollfd watched = { .fd = reader, .events = POLLIN };
	for (int i = 0; i < 20; i++)
		stir();
	CHECK_EQUAL(poll(&watched, 1, 20), 0);
}

int main(void)
{
	int pair[2], others[2], ends[2], third[2];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	/* A pair, each end in the other's queue. */
	CHECK_EQUAL(pipe(ends), 0);
	make_pair(pair);
	int fds[3] = { pair[0], pair[1], ends[1] };
	send_fds(pair[0], fds, 3);
	send_fds(pair[1], fds, 2);
	CHECK_EQUAL(close(pair[0]) | close(pair[1]) | close(ends[1]), 0);
	check_ends(ends[0]);
	/* A socket in its own queue. */
	CHECK_EQUAL(pipe(ends), 0);
	make_pair(pair);
	fds[0] = pair[1];
	fds[1] = ends[1];
	send_fds(pair[0], fds, 2);
	CHECK_EQUAL(close(pair[0]) | close(pair[1]) | close(ends[1]), 0);
	check_ends(ends[0]);
	/* A ring of three pairs; one end of it is kept, and with it everything, until it goes too. */
	CHECK_EQUAL(pipe(ends), 0);
	make_pair(pair);
	make_pair(others);
	make_pair(third);
	fds[0] = others[1];
	send_fds(pair[0], fds, 1);
	fds[0] = third[1];
	send_fds(others[0], fds, 1);
	fds[0] = pair[1];
	fds[1] = ends[1];
	send_fds(third[0], fds, 2);
	CHECK_EQUAL(close(pair[0]) | close(others[0]) | close(third[0]) | close(third[1]) | close(others[1]) | close(ends[1]), 0);
	check_stays(ends[0]);
	int second = receive_fd(pair[1]);
	CHECK_EQUAL(close(pair[1]), 0);
	check_stays(ends[0]);
	int last = receive_fd(second);
	CHECK_EQUAL(close(second), 0);
	check_stays(ends[0]);
	int first = receive_fd(last);
	CHECK_EQUAL(close(last) | close(first), 0);
	check_ends(ends[0]);
	/* The same ring, all let go of at once. */
	CHECK_EQUAL(pipe(ends), 0);
	make_pair(pair);
	make_pair(others);
	fds[0] = others[1];
	send_fds(pair[0], fds, 1);
	fds[0] = pair[1];
	fds[1] = ends[1];
	send_fds(others[0], fds, 2);
	CHECK_EQUAL(close(pair[0]) | close(pair[1]) | close(others[0]) | close(others[1]) | close(ends[1]), 0);
	check_ends(ends[0]);
	/* A listening socket that was sent to a connection nobody accepted. */
	snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "unix_cycle_test %d", getpid());
	int server = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(bind(server, (struct sockaddr *)&address, sizeof address), 0);
	CHECK_EQUAL(listen(server, 4), 0);
	CHECK_EQUAL(connect(client, (struct sockaddr *)&address, sizeof address), 0);
	fds[0] = server;
	fds[1] = ends[1];
	send_fds(client, fds, 2);
	CHECK_EQUAL(close(server) | close(ends[1]), 0);
	CHECK_EQUAL(close(client), 0);
	check_ends(ends[0]);
	/* More than may ever be on the way at once, if they stayed. */
	for (int i = 0; i < 9000; i++) {
		make_pair(pair);
		fds[0] = pair[0];
		fds[1] = pair[1];
		send_fds(pair[0], fds, 2);
		send_fds(pair[1], fds, 2);
		CHECK_EQUAL(close(pair[0]) | close(pair[1]), 0);
		if (i % 16 == 0)
			stir();
	}
	return 0;
}
