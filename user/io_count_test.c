/* /proc/PID/io: bytes and calls of reading and writing, of the process, of a thread, and of children that were waited for. */
#include "check.h"
#include <sys/sendfile.h>
#include <sys/uio.h>

struct count {
	unsigned long long rchar, wchar, syscr, syscw, read_bytes, write_bytes, cancelled;
};

static struct count look(const char *path)
{
	char text[512];
	int file = open(path, O_RDONLY);
	CHECK(file >= 0);
	ssize_t got = read(file, text, sizeof text - 1);
	CHECK(got > 0);
	close(file);
	text[got] = 0;
	struct count now;
	CHECK_EQUAL(sscanf(text, "rchar: %llu\nwchar: %llu\nsyscr: %llu\nsyscw: %llu\nread_bytes: %llu\nwrite_bytes: %llu\n"
				 "cancelled_write_bytes: %llu\n",
			   &now.rchar, &now.wchar, &now.syscr, &now.syscw, &now.read_bytes, &now.write_bytes, &now.cancelled),
		    7);
	return now;
}

/* What `work` added, beyond what looking itself does. */
static struct count added(const char *path, void (*work)(void))
{
	struct count first = look(path), second = look(path);
	work();
	struct count third = look(path);
	/* The length of the text may differ by a few digits: so it is not subtracted exactly but by calls. */
	struct count sum = { third.rchar - second.rchar, third.wchar - second.wchar,
			     third.syscr - second.syscr - (second.syscr - first.syscr),
			     third.syscw - second.syscw - (second.syscw - first.syscw), 0, 0, 0 };
	return sum;
}

enum { BIG = 100000 };
static char bytes[BIG];
static int file;

static void read_and_write(void)
{
	CHECK_EQUAL(pwrite(file, bytes, BIG, 0), BIG);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(read(file, bytes, BIG), BIG);
	CHECK_EQUAL(read(file, bytes, BIG), 0);
	struct iovec parts[2] = { { bytes, BIG / 2 }, { bytes + BIG / 2, BIG / 2 } };
	CHECK_EQUAL(preadv(file, parts, 2, 0), BIG);
	CHECK_EQUAL(pwritev(file, parts, 2, 0), BIG);
}

static void fail(void)
{
	CHECK_ERRNO(read(-1, bytes, 1), EBADF);
	CHECK_EQUAL(write(file, bytes, 0), 0);
}

static void send(void)
{
	int copy = open("/dev/null", O_WRONLY);
	off_t at = 0;
	CHECK_EQUAL(sendfile(copy, file, &at, BIG), BIG);
	close(copy);
}

static void child(void)
{
	pid_t pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		CHECK_EQUAL(pwrite(file, bytes, BIG, 0), BIG);
		_exit(0);
	}
	CHECK_EXITS(pid, 0);
}

int main(void)
{
	char path[] = "/tmp/io_XXXXXX";
	file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	const char *own = "/proc/self/io", *thread = "/proc/thread-self/io";
	struct count sum = added(own, read_and_write);
	CHECK(sum.rchar >= 2 * BIG && sum.rchar < 2 * BIG + 1000);
	CHECK_EQUAL(sum.wchar, 2 * BIG);
	CHECK_EQUAL(sum.syscr, 3);
	CHECK_EQUAL(sum.syscw, 2);
	sum = added(thread, read_and_write);
	CHECK(sum.rchar >= 2 * BIG && sum.rchar < 2 * BIG + 1000);
	CHECK_EQUAL(sum.wchar, 2 * BIG);
	sum = added(own, fail);
	CHECK_EQUAL(sum.syscr, 0);
	CHECK_EQUAL(sum.syscw, 1);
	CHECK_EQUAL(sum.wchar, 0);
	sum = added(own, send);
	CHECK(sum.rchar >= BIG && sum.rchar < BIG + 1000);
	CHECK_EQUAL(sum.wchar, BIG);
	/* A child counts for its parent once it was waited for, but not for the thread that waited. */
	sum = added(own, child);
	CHECK_EQUAL(sum.wchar, BIG);
	sum = added(thread, child);
	CHECK_EQUAL(sum.wchar, 0);
	return 0;
}
