/* Local sockets with names: bind, listen, connect, accept, by path and by abstract name; backlog; refusals. */
#include "../check.h"
#include <poll.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static struct sockaddr_un address;

static socklen_t path_address(const char *path)
{
	memset(&address, 0, sizeof address);
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path, path);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

static socklen_t abstract_address(const char *name)
{
	memset(&address, 0, sizeof address);
	address.sun_family = AF_UNIX;
	strcpy(address.sun_path + 1, name);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name));
}

#define ADDRESS (struct sockaddr *)&address

static int connected(int kind, socklen_t bytes)
{
	int fd = socket(AF_UNIX, kind, 0);
	CHECK(fd >= 0);
	CHECK_EQUAL(connect(fd, ADDRESS, bytes), 0);
	return fd;
}

static void serve(int kind, socklen_t bytes)
{
	char back[100];
	int listener = socket(AF_UNIX, kind, 0);
	CHECK(listener >= 0);
	CHECK_ERRNO(listen(listener, 1), EINVAL);
	CHECK_EQUAL(bind(listener, ADDRESS, bytes), 0);
	int early = socket(AF_UNIX, kind, 0);
	CHECK_ERRNO(connect(early, ADDRESS, bytes), ECONNREFUSED);
	CHECK_EQUAL(listen(listener, 5), 0);
	int accepts = 0;
	socklen_t length = sizeof accepts;
	CHECK_EQUAL(getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &accepts, &length), 0);
	CHECK_EQUAL(accepts, 1);
	struct pollfd one = { listener, POLLIN | POLLOUT, 0 };
	CHECK_EQUAL(poll(&one, 1, 0), 0);

	/* Written before it is accepted. */
	CHECK_EQUAL(connect(early, ADDRESS, bytes), 0);
	CHECK_EQUAL(send(early, "early", 5, 0), 5);
	CHECK_EQUAL(poll(&one, 1, 0), 1);
	CHECK_EQUAL(one.revents, POLLIN);
	struct sockaddr_un name;
	length = sizeof name;
	int server = accept4(listener, (struct sockaddr *)&name, &length, SOCK_CLOEXEC | SOCK_NONBLOCK);
	CHECK(server >= 0);
	CHECK_EQUAL(length, 2);
	CHECK_EQUAL(fcntl(server, F_GETFD), FD_CLOEXEC);
	CHECK(fcntl(server, F_GETFL) & O_NONBLOCK);
	CHECK_EQUAL(recv(server, back, 100, 0), 5);
	CHECK_ERRNO(recv(server, back, 100, 0), EAGAIN);
	CHECK_ERRNO(connect(early, ADDRESS, bytes), EISCONN);
	CHECK_ERRNO(listen(early, 1), EINVAL);

	/* Both ends know the listener's name. */
	length = sizeof name;
	CHECK_EQUAL(getpeername(early, (struct sockaddr *)&name, &length), 0);
	CHECK_EQUAL(length, bytes);
	CHECK(memcmp(&name, &address, bytes) == 0);
	length = sizeof name;
	CHECK_EQUAL(getsockname(server, (struct sockaddr *)&name, &length), 0);
	CHECK_EQUAL(length, bytes);
	struct ucred peer;
	length = sizeof peer;
	CHECK_EQUAL(getsockopt(server, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	CHECK_EQUAL(peer.pid, getpid());
	close(server);
	CHECK_EQUAL(recv(early, back, 100, 0), 0);
	close(early);

	/* A connection from another process, accepted by one that sleeps. */
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(20);
		int fd = connected(kind, bytes);
		CHECK_EQUAL(send(fd, "ping", 4, 0), 4);
		CHECK_EQUAL(recv(fd, back, 100, 0), 4);
		CHECK(memcmp(back, "pong", 4) == 0);
		_exit(0);
	}
	server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	length = sizeof peer;
	CHECK_EQUAL(getsockopt(server, SOL_SOCKET, SO_PEERCRED, &peer, &length), 0);
	CHECK_EQUAL(peer.pid, child);
	CHECK_EQUAL(recv(server, back, 100, 0), 4);
	CHECK_EQUAL(send(server, "pong", 4, 0), 4);
	CHECK_EXITS(child, 0);
	close(server);

	/* A full backlog: EAGAIN, or waiting for an accept. */
	CHECK_EQUAL(listen(listener, 1), 0);
	int first = connected(kind, bytes), second = connected(kind, bytes);
	int third = socket(AF_UNIX, kind | SOCK_NONBLOCK, 0);
	CHECK_ERRNO(connect(third, ADDRESS, bytes), EAGAIN);
	child = fork();
	if (child == 0) {
		connected(kind, bytes);
		_exit(0);
	}
	sleep_ms(20);
	for (int i = 0; i < 3; i++)
		CHECK((server = accept(listener, NULL, NULL)) >= 0 && close(server) == 0);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(recv(first, back, 1, 0), 0);
	close(first);
	close(second);
	close(third);

	/* The listener goes: those who wait are reset, the name is refused. */
	first = connected(kind, bytes);
	close(listener);
	CHECK_ERRNO(recv(first, back, 1, 0), ECONNRESET);
	close(first);
	first = socket(AF_UNIX, kind, 0);
	CHECK_ERRNO(connect(first, ADDRESS, bytes), ECONNREFUSED);
	close(first);
}

/* An address where nothing is, unknown to the compiler. */
static void *volatile nowhere = (void *)8;

int main(void)
{
	char directory[] = "/tmp/unix_XXXXXX";
	CHECK(mkdtemp(directory));
	CHECK_EQUAL(chdir(directory), 0);
	umask(022);

	socklen_t bytes = path_address("stream");
	serve(SOCK_STREAM, bytes);
	struct stat status;
	CHECK_EQUAL(stat("stream", &status), 0);
	CHECK(S_ISSOCK(status.st_mode));
	CHECK_EQUAL(status.st_mode & 0777, 0755);
	CHECK_ERRNO(open("stream", O_RDWR), ENXIO);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_ERRNO(bind(fd, ADDRESS, bytes), EADDRINUSE);
	CHECK_EQUAL(unlink("stream"), 0);
	CHECK_ERRNO(connect(fd, ADDRESS, bytes), ENOENT);
	CHECK_EQUAL(bind(fd, ADDRESS, bytes), 0);
	path_address("other");
	CHECK_ERRNO(bind(fd, ADDRESS, bytes), EINVAL);
	path_address("stream");

	/* Types must agree. */
	CHECK_EQUAL(listen(fd, 1), 0);
	int other = socket(AF_UNIX, SOCK_DGRAM, 0);
	CHECK_ERRNO(connect(other, ADDRESS, bytes), EPROTOTYPE);
	CHECK_ERRNO(listen(other, 1), EOPNOTSUPP);
	CHECK_ERRNO(accept(other, NULL, NULL), EOPNOTSUPP);
	close(other);
	CHECK_ERRNO(connect(fd, ADDRESS, bytes), EINVAL);
	other = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	CHECK_EQUAL(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(accept(fd, NULL, NULL), EAGAIN);
	CHECK_ERRNO(accept4(fd, NULL, NULL, 1), EINVAL);
	close(fd);

	/* What no address is. */
	CHECK_ERRNO(bind(other, ADDRESS, 0), EINVAL);
	CHECK_ERRNO(bind(other, ADDRESS, 1), EINVAL);
	CHECK_ERRNO(bind(other, ADDRESS, 111), EINVAL);
	CHECK_ERRNO(bind(other, (struct sockaddr *)nowhere, 10), EFAULT);
	CHECK_ERRNO(connect(other, ADDRESS, 2), EINVAL);
	address.sun_family = AF_INET;
	CHECK_ERRNO(bind(other, ADDRESS, bytes), EINVAL);
	bytes = path_address("missing/name");
	CHECK_ERRNO(bind(other, ADDRESS, bytes), ENOENT);
	CHECK_ERRNO(connect(other, ADDRESS, bytes), ENOENT);
	close(open("file", O_CREAT | O_RDWR, 0600));
	bytes = path_address("file");
	CHECK_ERRNO(connect(other, ADDRESS, bytes), ECONNREFUSED);
	CHECK_ERRNO(bind(other, ADDRESS, bytes), EADDRINUSE);
	close(other);

	serve(SOCK_SEQPACKET, path_address("packets"));

	/* Abstract names are free again when the socket is closed; the zero byte is part of the name. */
	char name[50];
	snprintf(name, sizeof name, "unix_named_%d", (int)getpid());
	bytes = abstract_address(name);
	serve(SOCK_STREAM, bytes);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	other = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK_EQUAL(bind(fd, ADDRESS, bytes), 0);
	CHECK_ERRNO(bind(other, ADDRESS, bytes), EADDRINUSE);
	CHECK_EQUAL(bind(other, ADDRESS, bytes + 1), 0);
	close(fd);
	close(other);

	/* A name of the kernel's choice. */
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	address.sun_family = AF_UNIX;
	CHECK_EQUAL(bind(fd, ADDRESS, 2), 0);
	socklen_t length = sizeof address;
	CHECK_EQUAL(getsockname(fd, ADDRESS, &length), 0);
	CHECK_EQUAL(length, 8);
	CHECK_EQUAL(address.sun_path[0], 0);
	CHECK_EQUAL(listen(fd, 1), 0);
	close(connected(SOCK_STREAM, length));
	close(fd);

	CHECK_EQUAL(unlink("stream"), 0);
	CHECK_EQUAL(unlink("packets"), 0);
	CHECK_EQUAL(unlink("file"), 0);
	CHECK_EQUAL(chdir("/"), 0);
	CHECK_EQUAL(rmdir(directory), 0);
	return 0;
}
