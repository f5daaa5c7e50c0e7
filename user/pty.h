/* A pseudo-terminal for the tests of terminals, and what they do with it again and again. */
#ifndef PTY_H
#define PTY_H
#include "check.h"
#include <poll.h>
#include <sys/ioctl.h>
#include <termios.h>

/* Opens a pseudo-terminal; `name` may be NULL. */
static inline int open_master(char *name, size_t bytes)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY);
	CHECK(master >= 0);
	CHECK_EQUAL(grantpt(master), 0);
	CHECK_EQUAL(unlockpt(master), 0);
	if (name)
		CHECK_EQUAL(ptsname_r(master, name, bytes), 0);
	return master;
}

/* The same with its slave opened, which does not become the controlling terminal. */
static inline int open_pair(int *slave)
{
	char name[64];
	int master = open_master(name, sizeof name);
	*slave = open(name, O_RDWR | O_NOCTTY);
	CHECK(*slave >= 0);
	return master;
}

/* Whether `fd` becomes readable within a while. */
static inline int is_readable(int fd, int ms)
{
	struct pollfd poller = { fd, POLLIN, 0 };
	int ready;
	do
		ready = poll(&poller, 1, ms);
	while (ready < 0 && errno == EINTR);
	CHECK(ready >= 0);
	return ready == 1 && (poller.revents & POLLIN);
}

/* Reads until exactly the bytes of `text` have come. */
static inline void expect_bytes(int fd, const char *text, size_t bytes, const char *file, int line)
{
	char found[8192];
	size_t have = 0;
	while (have < bytes) {
		if (!is_readable(fd, 10000))
			break;
		ssize_t count = read(fd, found + have, bytes - have);
		if (count <= 0)
			break;
		have += count;
	}
	if (have != bytes || memcmp(found, text, bytes)) {
		fprintf(stderr, "%s:%d: found %zu bytes \"%.*s\", expected %zu bytes \"%.*s\"\n", file, line, have,
			(int)have, found, bytes, (int)bytes, text);
		exit(1);
	}
}
#define EXPECT(fd, text) expect_bytes(fd, text, sizeof(text) - 1, __FILE__, __LINE__)

/* Writes all of `text`. */
#define SEND(fd, text) CHECK_EQUAL(write(fd, text, sizeof(text) - 1), sizeof(text) - 1)

/* Nothing comes for a moment. */
#define EXPECT_NOTHING(fd) CHECK(!is_readable(fd, 50))

/* Runs `body` in a child that leads a session whose controlling terminal is `slave`. */
static inline pid_t in_session(int slave, void (*body)(int))
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setsid(), getpid());
		CHECK_EQUAL(ioctl(slave, TIOCSCTTY, 0), 0);
		body(slave);
		exit(0);
	}
	return child;
}

#endif
