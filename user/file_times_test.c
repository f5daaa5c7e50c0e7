/* Which of a file's times each operation changes, and setting them. */
#include "check.h"
#include <sys/time.h>
#include <utime.h>

static struct stat before;

static int64_t ns(struct timespec time)
{
	return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static void look(const char *name)
{
	CHECK_EQUAL(lstat(name, &before), 0);
	sleep_ms(20);
}

/* Requires that exactly the times named by the letters m and c changed since `look`. */
static void check_changed(const char *name, const char *which)
{
	struct stat after;
	CHECK_EQUAL(lstat(name, &after), 0);
	CHECK_EQUAL(ns(after.st_mtim) > ns(before.st_mtim), strchr(which, 'm') != NULL);
	CHECK_EQUAL(ns(after.st_ctim) > ns(before.st_ctim), strchr(which, 'c') != NULL);
}

int main(void)
{
	char bytes[16];
	struct stat status;
	const char *scratch = enter_scratch();
	look(".");
	int file = open("file", O_RDWR | O_CREAT | O_EXCL, 0644);
	CHECK(file >= 0);
	check_changed(".", "mc");
	look(".");
	look("file");
	CHECK_EQUAL(write(file, "hello", 5), 5);
	check_changed("file", "mc");
	look("file");
	CHECK_EQUAL(read(file, bytes, 16), 0);
	CHECK_EQUAL(write(file, "", 0), 0);
	check_changed("file", "");
	look("file");
	CHECK_EQUAL(fchmod(file, 0600), 0);
	check_changed("file", "c");
	look("file");
	CHECK_EQUAL(link("file", "other"), 0);
	check_changed("file", "c");
	look(".");
	CHECK_EQUAL(rename("other", "third"), 0);
	check_changed(".", "mc");
	look("file");
	CHECK_EQUAL(unlink("third"), 0);
	check_changed("file", "c");
	look("file");
	CHECK_EQUAL(ftruncate(file, 2), 0);
	check_changed("file", "mc");
	look("file");
	close(open("file", O_WRONLY | O_TRUNC));
	check_changed("file", "mc");
	/* Reading marks the access time when it is older than the change. */
	CHECK_EQUAL(pwrite(file, "hello", 5, 0), 5);
	look("file");
	CHECK_EQUAL(pread(file, bytes, 5, 0), 5);
	CHECK_EQUAL(stat("file", &status), 0);
	CHECK(ns(status.st_atim) >= ns(status.st_mtim));
	/* Setting. */
	struct timespec times[2] = { { 1000, 123456789 }, { 2000, 987654321 } };
	look("file");
	CHECK_EQUAL(futimens(file, times), 0);
	CHECK_EQUAL(stat("file", &status), 0);
	CHECK_EQUAL(ns(status.st_atim), 1000123456789LL);
	CHECK_EQUAL(ns(status.st_mtim), 2000987654321LL);
	CHECK(ns(status.st_ctim) > ns(before.st_ctim));
	times[0].tv_nsec = UTIME_OMIT;
	times[1].tv_nsec = UTIME_NOW;
	CHECK_EQUAL(utimensat(AT_FDCWD, "file", times, 0), 0);
	CHECK_EQUAL(stat("file", &status), 0);
	CHECK_EQUAL(status.st_atim.tv_sec, 1000);
	CHECK(status.st_mtim.tv_sec >= before.st_ctim.tv_sec);
	times[1].tv_nsec = 1000000000;
	CHECK_ERRNO(utimensat(AT_FDCWD, "file", times, 0), EINVAL);
	CHECK_ERRNO(utimensat(AT_FDCWD, "nothing", NULL, 0), ENOENT);
	times[0] = times[1] = (struct timespec){ 5, 6 };
	CHECK_EQUAL(symlink("file", "link"), 0);
	CHECK_EQUAL(utimensat(AT_FDCWD, "link", times, AT_SYMLINK_NOFOLLOW), 0);
	CHECK_EQUAL(lstat("link", &status), 0);
	CHECK_EQUAL(ns(status.st_mtim), 5000000006LL);
	struct utimbuf seconds = { 7, 8 };
	CHECK_EQUAL(utime("file", &seconds), 0);
	CHECK_EQUAL(stat("file", &status), 0);
	CHECK_EQUAL(status.st_mtim.tv_sec, 8);
	CHECK_EQUAL(status.st_mtim.tv_nsec, 0);
	CHECK_EQUAL(unlink("file") | unlink("link"), 0);
	leave_scratch(scratch);
	return 0;
}
