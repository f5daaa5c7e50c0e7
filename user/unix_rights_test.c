/* Descriptors and credentials sent through local sockets: numbers, flags, boundaries, want of room, refusals. */
#include "check.h"
#include <sys/socket.h>
#include <sys/un.h>

static union {
	struct cmsghdr header;
	char bytes[2048];
} control;

static ssize_t send_rights(int fd, const char *text, const int *fds, int count)
{
	struct iovec segment = { (char *)text, strlen(text) };
	struct msghdr message = { .msg_iov = &segment, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(sizeof(int) * (size_t)count) };
	memset(&control, 0, sizeof control);
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int) * (size_t)count),
					   .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	memcpy(CMSG_DATA(&control.header), fds, sizeof(int) * (size_t)count);
	return sendmsg(fd, &message, 0);
}

static struct msghdr received;

/* Receives with room for control messages; answers the bytes. */
static ssize_t receive(int fd, char *text, size_t bytes, size_t room, int flags)
{
	struct iovec segment = { text, bytes };
	memset(&control, 0, sizeof control);
	received = (struct msghdr){ .msg_iov = &segment, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = room };
	return recvmsg(fd, &received, flags);
}

static int received_fd(int index)
{
	int fd;
	memcpy(&fd, CMSG_DATA(&control.header) + sizeof(int) * (size_t)index, sizeof fd);
	return fd;
}

static int open_count(void)
{
	int count = 0;
	for (int fd = 0; fd < 512; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void rights(int kind)
{
	int ends[2], pipes[2];
	char back[100];
	int before = open_count();
	CHECK_EQUAL(socketpair(AF_UNIX, kind | SOCK_NONBLOCK, 0, ends), 0);
	CHECK_EQUAL(pipe(pipes), 0);

	/* The description travels, not the number; it lives while it is on the way. */
	CHECK_EQUAL(send_rights(ends[0], "take", pipes, 2), 4);
	close(pipes[0]);
	close(pipes[1]);
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_SPACE(8), MSG_CMSG_CLOEXEC), 4);
	CHECK_EQUAL(received.msg_flags, MSG_CMSG_CLOEXEC);
	CHECK_EQUAL(received.msg_controllen, CMSG_SPACE(8));
	CHECK_EQUAL(control.header.cmsg_len, CMSG_LEN(8));
	CHECK_EQUAL(control.header.cmsg_level, SOL_SOCKET);
	CHECK_EQUAL(control.header.cmsg_type, SCM_RIGHTS);
	pipes[0] = received_fd(0);
	pipes[1] = received_fd(1);
	CHECK_EQUAL(fcntl(pipes[0], F_GETFD), FD_CLOEXEC);
	CHECK_EQUAL(write(pipes[1], "through", 7), 7);
	CHECK_EQUAL(read(pipes[0], back, 100), 7);

	/* No room for the second, or for any: cut, and closed. */
	CHECK_EQUAL(send_rights(ends[0], "cut", pipes, 2), 3);
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_LEN(4), 0), 3);
	CHECK(received.msg_flags & MSG_CTRUNC);
	CHECK_EQUAL(control.header.cmsg_len, CMSG_LEN(4));
	close(received_fd(0));
	CHECK_EQUAL(send_rights(ends[0], "none", pipes, 2), 4);
	CHECK_EQUAL(receive(ends[1], back, 100, 0, 0), 4);
	CHECK(received.msg_flags & MSG_CTRUNC);
	CHECK_EQUAL(send_rights(ends[0], "read", pipes, 2), 4);
	CHECK_EQUAL(read(ends[1], back, 100), 4);

	/* A look takes copies. */
	CHECK_EQUAL(send_rights(ends[0], "look", pipes, 1), 4);
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_SPACE(4), MSG_PEEK), 4);
	CHECK_EQUAL(control.header.cmsg_len, CMSG_LEN(4));
	close(received_fd(0));
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_SPACE(4), 0), 4);
	CHECK_EQUAL(control.header.cmsg_len, CMSG_LEN(4));
	close(received_fd(0));

	/* A stream does not join bytes across descriptors. */
	CHECK_EQUAL(send(ends[0], "ab", 2, 0), 2);
	CHECK_EQUAL(send_rights(ends[0], "cd", pipes, 1), 2);
	CHECK_EQUAL(send(ends[0], "ef", 2, 0), 2);
	int got = 0;
	for (int round = 0; got < 6 && round < 3; round++) {
		ssize_t bytes = receive(ends[1], back + got, 100 - (size_t)got, CMSG_SPACE(4), 0);
		CHECK(bytes > 0);
		got += (int)bytes;
		if (received.msg_controllen > 0) {
			CHECK_EQUAL(got, 4);
			close(received_fd(0));
		}
	}
	CHECK(got == 6 && memcmp(back, "abcdef", 6) == 0);

	/* Bad ones. */
	int bad = 500;
	CHECK_ERRNO(send_rights(ends[0], "bad", &bad, 1), EBADF);
	int many[254];
	for (int i = 0; i < 254; i++)
		many[i] = 0;
	CHECK_ERRNO(send_rights(ends[0], "many", many, 254), EINVAL);
	CHECK_EQUAL(send_rights(ends[0], "many", many, 253), 4);
	CHECK_EQUAL(receive(ends[1], back, 100, 0, 0), 4);
	struct iovec segment = { "x", 1 };
	struct msghdr message = { .msg_iov = &segment, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = 24 };
	control.header = (struct cmsghdr){ .cmsg_len = 100, .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
	CHECK_ERRNO(sendmsg(ends[0], &message, 0), EINVAL);
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(4), .cmsg_level = SOL_SOCKET, .cmsg_type = 77 };
	CHECK_ERRNO(sendmsg(ends[0], &message, 0), EINVAL);

	/* A socket goes through itself, and both are closed with it inside. */
	CHECK_EQUAL(send_rights(ends[0], "own", ends, 2), 3);
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_SPACE(8), 0), 3);
	close(received_fd(0));
	close(received_fd(1));
	CHECK_EQUAL(send_rights(ends[0], "lost", pipes, 2), 4);
	close(ends[0]);
	close(ends[1]);
	/* What was lost is closed: the pipe has no other writer left. */
	close(pipes[1]);
	CHECK_EQUAL(read(pipes[0], back, 1), 0);
	close(pipes[0]);
	CHECK_EQUAL(open_count(), before);
}

/* A socket in the queue of a socket in the queue of a socket ... all let go of at once. */
static void chain(void)
{
	int ends[2], next[2];
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	for (int i = 0; i < 200; i++) {
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, next), 0);
		CHECK_EQUAL(send_rights(next[0], "x", ends, 2), 1);
		close(ends[0]);
		close(ends[1]);
		ends[0] = next[0];
		ends[1] = next[1];
	}
	close(ends[0]);
	close(ends[1]);
}

static void credentials(void)
{
	int ends[2], on = 1;
	char back[100];
	struct ucred who;
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
	CHECK_EQUAL(setsockopt(ends[1], SOL_SOCKET, SO_PASSCRED, &on, sizeof on), 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(send(ends[0], "me", 2, 0), 2);
		_exit(0);
	}
	CHECK_EQUAL(receive(ends[1], back, 100, CMSG_SPACE(sizeof who), 0), 2);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(control.header.cmsg_type, SCM_CREDENTIALS);
	CHECK_EQUAL(control.header.cmsg_len, CMSG_LEN(sizeof who));
	memcpy(&who, CMSG_DATA(&control.header), sizeof who);
	CHECK_EQUAL(who.pid, child);
	CHECK_EQUAL(who.uid, geteuid());
	CHECK_EQUAL(who.gid, getegid());

	/* No room: the message comes, marked. */
	CHECK_EQUAL(send(ends[0], "me", 2, 0), 2);
	CHECK_EQUAL(receive(ends[1], back, 100, 0, 0), 2);
	CHECK(received.msg_flags & MSG_CTRUNC);

	/* Given by the sender: its own, or refused. */
	struct iovec segment = { "x", 1 };
	struct msghdr message = { .msg_iov = &segment, .msg_iovlen = 1, .msg_control = &control,
				  .msg_controllen = CMSG_SPACE(sizeof who) };
	memset(&control, 0, sizeof control);
	control.header = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof who), .cmsg_level = SOL_SOCKET,
					   .cmsg_type = SCM_CREDENTIALS };
	who = (struct ucred){ getpid(), getuid(), getgid() };
	memcpy(CMSG_DATA(&control.header), &who, sizeof who);
	CHECK_EQUAL(sendmsg(ends[0], &message, 0), 1);
	child = fork();
	if (child == 0) {
		if (is_superuser())
			CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
		CHECK_ERRNO(sendmsg(ends[0], &message, 0), EPERM);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	close(ends[0]);
	close(ends[1]);
}

int main(void)
{
	rights(SOCK_STREAM);
	rights(SOCK_DGRAM);
	rights(SOCK_SEQPACKET);
	chain();
	credentials();
	return 0;
}
