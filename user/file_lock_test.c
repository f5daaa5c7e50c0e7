/* flock and fcntl locks: between processes, ranges that split and join, release at close and exit, waiting. */
#include "check.h"
#include <sys/file.h>

static int file;

static int lock(int command, short kind, off_t start, off_t bytes)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = bytes };
	return fcntl(file, command, &lock);
}

/* What another process would find in the way of a lock. */
static struct flock find(short kind, off_t start, off_t bytes)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = bytes };
	int ends[2];
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(fcntl(file, F_GETLK, &lock), 0);
		CHECK_EQUAL(write(ends[1], &lock, sizeof lock), (ssize_t)sizeof lock);
		exit(0);
	}
	CHECK_EQUAL(read(ends[0], &lock, sizeof lock), (ssize_t)sizeof lock);
	CHECK_EXITS(child, 0);
	close(ends[0]);
	close(ends[1]);
	return lock;
}

int main(void)
{
	const char *scratch = enter_scratch();
	file = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
	CHECK(file >= 0);
	/* Ranges. */
	CHECK_EQUAL(lock(F_SETLK, F_WRLCK, 0, 100), 0);
	struct flock found = find(F_RDLCK, 50, 1);
	CHECK_EQUAL(found.l_type, F_WRLCK);
	CHECK_EQUAL(found.l_start, 0);
	CHECK_EQUAL(found.l_len, 100);
	CHECK_EQUAL(found.l_pid, getpid());
	CHECK_EQUAL(find(F_WRLCK, 100, 0).l_type, F_UNLCK);
	CHECK_EQUAL(lock(F_SETLK, F_UNLCK, 40, 20), 0);
	CHECK_EQUAL(find(F_RDLCK, 40, 20).l_type, F_UNLCK);
	found = find(F_RDLCK, 60, 100);
	CHECK_EQUAL(found.l_start, 60);
	CHECK_EQUAL(found.l_len, 40);
	CHECK_EQUAL(lock(F_SETLK, F_RDLCK, 0, 0), 0);
	CHECK_EQUAL(find(F_RDLCK, 0, 0).l_type, F_UNLCK);
	found = find(F_WRLCK, 1000, 1);
	CHECK_EQUAL(found.l_type, F_RDLCK);
	CHECK_EQUAL(found.l_len, 0);
	CHECK_ERRNO(lock(F_SETLK, F_WRLCK, -1, 1), EINVAL);
	CHECK_ERRNO(lock(F_SETLK, 77, 0, 1), EINVAL);
	/* A second descriptor of the same file, closed, takes all locks with it. */
	int second = open("file", O_RDONLY);
	CHECK_EQUAL(close(second), 0);
	CHECK_EQUAL(find(F_WRLCK, 0, 0).l_type, F_UNLCK);
	/* The mode counts. */
	int reader = open("file", O_RDONLY);
	struct flock wanted = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CHECK_ERRNO(fcntl(reader, F_SETLK, &wanted), EBADF);
	CHECK_EQUAL(close(reader), 0);
	/* Held by a child until it ends; waited for. */
	int ends[2];
	char byte;
	CHECK_EQUAL(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) {
		CHECK_EQUAL(lock(F_SETLK, F_WRLCK, 0, 10), 0);
		CHECK_EQUAL(write(ends[1], "x", 1), 1);
		sleep_ms(200);
		_exit(0);
	}
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	errno = 0;
	CHECK(lock(F_SETLK, F_RDLCK, 5, 1) < 0 && (errno == EAGAIN || errno == EACCES));
	int64_t start = now_ns();
	CHECK_EQUAL(lock(F_SETLKW, F_RDLCK, 5, 1), 0);
	CHECK(now_ns() - start > 50000000);
	CHECK_EXITS(child, 0);
	/* fork does not hand record locks on. */
	child = fork();
	if (child == 0) {
		errno = 0;
		CHECK(lock(F_SETLK, F_WRLCK, 5, 1) < 0 && errno == EAGAIN);
		exit(0);
	}
	CHECK_EXITS(child, 0);

	/* flock: of descriptions, shared by fork and dup. */
	int other = open("file", O_RDWR);
	CHECK_EQUAL(flock(file, LOCK_EX), 0);
	CHECK_ERRNO(flock(other, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	int copy = dup(file);
	CHECK_EQUAL(flock(copy, LOCK_SH | LOCK_NB), 0);
	CHECK_EQUAL(flock(other, LOCK_SH | LOCK_NB), 0);
	CHECK_ERRNO(flock(file, LOCK_EX | LOCK_NB), EWOULDBLOCK);
	CHECK_EQUAL(flock(other, LOCK_UN), 0);
	CHECK_EQUAL(flock(file, LOCK_EX | LOCK_NB), 0);
	CHECK_EQUAL(close(file), 0);
	CHECK_ERRNO(flock(other, LOCK_SH | LOCK_NB), EWOULDBLOCK);
	CHECK_EQUAL(close(copy), 0);
	CHECK_EQUAL(flock(other, LOCK_SH | LOCK_NB), 0);
	CHECK_ERRNO(flock(other, 3), EINVAL);
	/* Open file description locks. */
	file = open("file", O_RDWR);
	CHECK_EQUAL(lock(F_OFD_SETLK, F_WRLCK, 0, 10), 0);
	struct flock mine = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
	CHECK_ERRNO(fcntl(other, F_OFD_SETLK, &mine), EAGAIN);
	CHECK_EQUAL(fcntl(other, F_OFD_GETLK, &mine), 0);
	CHECK_EQUAL(mine.l_pid, -1);
	CHECK_EQUAL(close(file), 0);
	mine = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 5 };
	CHECK_EQUAL(fcntl(other, F_OFD_SETLK, &mine), 0);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return 0;
}
