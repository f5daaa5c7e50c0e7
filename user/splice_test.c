/* splice, tee, vmsplice: bytes go between pipes, files and sockets; what one side does not take stays in the other. */
#include "check.h"
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { LONG = 300000 };
static char bytes[LONG], found[LONG];
static int ends[2], others[2], pair[2], file;

static void expect(int fd, const char *text)
{
	ssize_t length = strlen(text);
	CHECK_EQUAL(read(fd, found, sizeof found), length);
	CHECK(memcmp(found, text, length) == 0);
}

static void errors(void)
{
	loff_t at = 0;
	CHECK_ERRNO(splice(file, NULL, file, NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(ends[0], NULL, ends[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(ends[1], NULL, others[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(file, NULL, ends[0], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(999, NULL, ends[1], NULL, 1, 0), EBADF);
	CHECK_ERRNO(splice(ends[0], &at, file, NULL, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(file, NULL, ends[1], &at, 1, 0), ESPIPE);
	CHECK_ERRNO(splice(pair[0], &at, ends[1], NULL, 1, 0), EINVAL);
	CHECK_ERRNO(splice(file, NULL, ends[1], NULL, 1, 1 << 10), EINVAL);
	CHECK_EQUAL(splice(999, NULL, 999, NULL, 0, 0), 0);
	CHECK_ERRNO(splice(ends[0], NULL, others[1], NULL, 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(tee(ends[0], others[1], 1, SPLICE_F_NONBLOCK), EAGAIN);
	CHECK_ERRNO(tee(ends[0], ends[1], 1, 0), EINVAL);
	CHECK_ERRNO(tee(file, ends[1], 1, 0), EINVAL);
	CHECK_ERRNO(tee(ends[1], others[1], 1, 0), EBADF);
	struct iovec one = { found, 1 };
	CHECK_ERRNO(vmsplice(file, &one, 1, 0), EBADF);
	CHECK_ERRNO(vmsplice(999, NULL, 0, 0), EBADF);
	int counter = eventfd(1, 0);
	CHECK_ERRNO(splice(counter, NULL, ends[1], NULL, 8, 0), EINVAL);
	CHECK_EQUAL(close(counter), 0);
	int appended = open("/proc/self/fd/0", O_RDONLY);
	if (appended >= 0)
		close(appended);
	CHECK_EQUAL(fcntl(file, F_SETFL, O_APPEND), 0);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_ERRNO(splice(ends[0], NULL, file, NULL, 1, 0), EINVAL);
	CHECK_EQUAL(fcntl(file, F_SETFL, 0), 0);
	expect(ends[0], "x");
}

static void files(void)
{
	loff_t at = 3;
	CHECK_EQUAL(pwrite(file, "0123456789", 10, 0), 10);
	CHECK_EQUAL(splice(file, &at, ends[1], NULL, 4, 0), 4);
	CHECK_EQUAL(at, 7);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 0);
	expect(ends[0], "3456");
	CHECK_EQUAL(splice(file, NULL, ends[1], NULL, 100, 0), 10);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 10);
	CHECK_EQUAL(splice(file, NULL, ends[1], NULL, 100, 0), 0);
	at = 20;
	CHECK_EQUAL(splice(ends[0], NULL, file, &at, 4, 0), 4);
	CHECK_EQUAL(at, 24);
	CHECK_EQUAL(splice(ends[0], NULL, file, NULL, 3, 0), 3);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 13);
	CHECK_EQUAL(pread(file, found, 100, 10), 14);
	CHECK(memcmp(found, "456\0\0\0\0\0\0\0" "0123", 14) == 0);
	expect(ends[0], "789");
	/* As much as there is room for, no more. */
	CHECK_EQUAL(pwrite(file, bytes, LONG, 0), LONG);
	at = 0;
	long moved = splice(file, &at, ends[1], NULL, LONG, 0);
	CHECK(moved > 0 && moved <= 65536);
	CHECK_EQUAL(at, moved);
	CHECK_EQUAL(splice(file, &at, ends[1], NULL, LONG, SPLICE_F_NONBLOCK) < 0 && errno == EAGAIN, moved == 65536);
	for (long done = 0; done < moved;) {
		ssize_t part = read(ends[0], found, sizeof found);
		CHECK(part > 0 && memcmp(found, bytes + done, part) == 0);
		done += part;
		if (done == moved)
			moved = at;
	}
	/* A device, and the end of a pipe. */
	int zero = open("/dev/zero", O_RDONLY);
	CHECK(splice(zero, NULL, ends[1], NULL, 100, 0) > 0);
	CHECK(read(ends[0], found, sizeof found) > 0);
	CHECK_EQUAL(found[0], 0);
	CHECK_EQUAL(close(zero), 0);
}

static void pipes(void)
{
	struct iovec two[2] = { { (void *)"vm", 2 }, { (void *)"splice", 6 } };
	CHECK_EQUAL(vmsplice(ends[1], two, 2, 0), 8);
	CHECK_EQUAL(tee(ends[0], others[1], 100, 0), 8);
	CHECK_EQUAL(tee(ends[0], others[1], 2, 0), 2);
	expect(others[0], "vmsplicevm");
	CHECK_EQUAL(splice(ends[0], NULL, others[1], NULL, 3, 0), 3);
	expect(others[0], "vms");
	struct iovec into = { found, 3 };
	CHECK_EQUAL(vmsplice(ends[0], &into, 1, 0), 3);
	CHECK(memcmp(found, "pli", 3) == 0);
	expect(ends[0], "ce");
	CHECK_ERRNO(vmsplice(ends[0], &into, 1, SPLICE_F_NONBLOCK), EAGAIN);
	/* Nobody reads. */
	int lonely[2];
	CHECK_EQUAL(pipe(lonely), 0);
	CHECK_EQUAL(close(lonely[0]), 0);
	CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
	CHECK_EQUAL(write(ends[1], "kept", 4), 4);
	CHECK_ERRNO(splice(ends[0], NULL, lonely[1], NULL, 4, 0), EPIPE);
	CHECK_ERRNO(tee(ends[0], lonely[1], 4, 0), EPIPE);
	expect(ends[0], "kept");
	/* Nobody writes. */
	CHECK_EQUAL(close(lonely[1]) | pipe(lonely), 0);
	CHECK_EQUAL(write(lonely[1], "end", 3), 3);
	CHECK_EQUAL(close(lonely[1]), 0);
	CHECK_EQUAL(splice(lonely[0], NULL, others[1], NULL, 100, 0), 3);
	CHECK_EQUAL(splice(lonely[0], NULL, others[1], NULL, 100, 0), 0);
	CHECK_EQUAL(tee(lonely[0], others[1], 100, 0), 0);
	expect(others[0], "end");
	CHECK_EQUAL(close(lonely[0]), 0);
}

static void sockets(void)
{
	CHECK_EQUAL(write(pair[1], "from a socket", 13), 13);
	CHECK_EQUAL(splice(pair[0], NULL, ends[1], NULL, 100, 0), 13);
	CHECK_EQUAL(splice(ends[0], NULL, pair[0], NULL, 100, 0), 13);
	expect(pair[1], "from a socket");
	CHECK_EQUAL(fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
	CHECK_ERRNO(splice(pair[0], NULL, ends[1], NULL, 100, 0), EAGAIN);
	/* A socket that takes no more: what it did not take is in the pipe. */
	long sent = 0, put = 0;
	for (;;) {
		ssize_t written = write(ends[1], bytes + put % 1000, 1000);
		CHECK_EQUAL(written, 1000);
		put += written;
		ssize_t moved = splice(ends[0], NULL, pair[0], NULL, 1000, 0);
		if (moved < 0)
			break;
		sent += moved;
	}
	CHECK_EQUAL(errno, EAGAIN);
	CHECK(sent > 10000);
	CHECK_EQUAL(fcntl(pair[0], F_SETFL, 0), 0);
	CHECK_EQUAL(read(ends[0], found, sizeof found), put - sent);
	for (long done = 0; done < sent;) {
		ssize_t part = read(pair[1], found, sizeof found);
		CHECK(part > 0);
		done += part;
	}
}

static void *copy_through(void *unused)
{
	(void)unused;
	for (long done = 0; done < LONG;) {
		ssize_t moved = splice(ends[0], NULL, pair[0], NULL, LONG - done, SPLICE_F_MOVE);
		CHECK(moved > 0);
		done += moved;
	}
	return NULL;
}

static void *feed(void *unused)
{
	loff_t at = 0;
	(void)unused;
	while (at < LONG)
		CHECK(splice(file, &at, ends[1], NULL, LONG - at, SPLICE_F_MORE) > 0);
	return NULL;
}

/* File to pipe to socket, all at once. */
static void in_a_row(void)
{
	pthread_t threads[2];
	CHECK_EQUAL(pwrite(file, bytes, LONG, 0), LONG);
	CHECK_EQUAL(pthread_create(&threads[0], NULL, copy_through, NULL), 0);
	CHECK_EQUAL(pthread_create(&threads[1], NULL, feed, NULL), 0);
	for (long done = 0; done < LONG;) {
		ssize_t part = read(pair[1], found, 5000);
		CHECK(part > 0 && memcmp(found, bytes + done, part) == 0);
		done += part;
	}
	CHECK_EQUAL(pthread_join(threads[0], NULL) | pthread_join(threads[1], NULL), 0);
}

int main(void)
{
	for (int i = 0; i < LONG; i++)
		bytes[i] = i * 13 + i / 1000;
	CHECK_EQUAL(pipe(ends) | pipe(others) | socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	file = memfd_create("splice_test", 0);
	CHECK(file >= 0);
	errors();
	files();
	pipes();
	sockets();
	in_a_row();
	return 0;
}
