/* Permission bits against an ordinary user: search, read, write, sticky directories, ownership, set-id bits.
 * As an ordinary user there is nobody else to test with; then only what needs no second user is checked. */
#include "check.h"
#include <grp.h>
#include <utime.h>

static void as_user(void)
{
	struct stat status;
	CHECK_EQUAL(setgroups(0, NULL), 0);
	CHECK_EQUAL(setresgid(1000, 1000, 1000), 0);
	CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
	CHECK_ERRNO(open("secret", O_RDONLY), EACCES);
	CHECK_ERRNO(open("readable", O_WRONLY), EACCES);
	CHECK_ERRNO(open("readable", O_RDONLY | O_TRUNC), EACCES);
	CHECK_ERRNO(truncate("readable", 0), EACCES);
	int file = open("readable", O_RDONLY);
	CHECK(file >= 0);
	CHECK_ERRNO(fchmod(file, 0777), EPERM);
	CHECK_ERRNO(chmod("readable", 0777), EPERM);
	CHECK_ERRNO(chown("readable", 1000, -1), EPERM);
	CHECK_EQUAL(chown("readable", -1, -1), 0);
	CHECK_ERRNO(utime("readable", NULL), EACCES);
	struct utimbuf times = { 1, 2 };
	CHECK_ERRNO(utime("readable", &times), EPERM);
	CHECK_ERRNO(open("readable", O_RDONLY | O_NOATIME), EPERM);
	CHECK_EQUAL(access("readable", R_OK), 0);
	CHECK_ERRNO(access("readable", W_OK), EACCES);
	CHECK_ERRNO(stat("closed/inside", &status), EACCES);
	CHECK_ERRNO(stat("closed/nothing", &status), EACCES);
	CHECK_ERRNO(open("closed", O_RDONLY | O_DIRECTORY), EACCES);
	/* Search without read: names can be used but not listed. */
	CHECK_EQUAL(stat("search/inside", &status), 0);
	CHECK_ERRNO(open("search", O_RDONLY | O_DIRECTORY), EACCES);
	CHECK_ERRNO(open("search/new", O_WRONLY | O_CREAT, 0644), EACCES);
	CHECK_ERRNO(unlink("search/inside"), EACCES);
	CHECK_ERRNO(mkdir("search/new", 0755), EACCES);
	CHECK_ERRNO(rename("search/inside", "search/other"), EACCES);
	CHECK_ERRNO(symlink("x", "search/other"), EACCES);
	CHECK_ERRNO(mkdir("search/inside", 0755), EEXIST);
	CHECK_ERRNO(mknod("shared/device", S_IFCHR | 0666, 0x103), EPERM);
	CHECK_ERRNO(chroot("/tmp"), EPERM);
	CHECK_ERRNO(execl("./secret", "secret", NULL), EACCES);
	CHECK_ERRNO(execl("./readable", "readable", NULL), EACCES);
	/* A sticky directory: only one's own files go. */
	CHECK_ERRNO(unlink("shared/foreign"), EPERM);
	CHECK_ERRNO(rename("shared/foreign", "shared/mine"), EPERM);
	int mine = open("shared/mine", O_RDWR | O_CREAT | O_EXCL, 0400);
	CHECK(mine >= 0);
	CHECK_EQUAL(write(mine, "x", 1), 1);
	CHECK_ERRNO(open("shared/mine", O_WRONLY), EACCES);
	CHECK_EQUAL(fstat(mine, &status), 0);
	CHECK_EQUAL(status.st_uid, 1000);
	CHECK_EQUAL(chmod("shared/mine", 06755), 0);
	CHECK_EQUAL(stat("shared/mine", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 06755);
	/* Writing takes the set-id bits away. */
	CHECK_EQUAL(write(mine, "y", 1), 1);
	CHECK_EQUAL(stat("shared/mine", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0755);
	CHECK_EQUAL(unlink("shared/mine"), 0);
	/* A directory with the set-group-id bit hands its group on. */
	CHECK_EQUAL(mkdir("group/sub", 0755), 0);
	CHECK_EQUAL(stat("group/sub", &status), 0);
	CHECK_EQUAL(status.st_gid, 50);
	CHECK(status.st_mode & S_ISGID);
	exit(0);
}

static void make(const char *name, int mode)
{
	int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
	CHECK(file >= 0);
	CHECK_EQUAL(fchmod(file, mode), 0);
	CHECK_EQUAL(close(file), 0);
}

int main(void)
{
	struct stat status;
	umask(022);
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("made", 0777), 0);
	CHECK_EQUAL(stat("made", &status), 0);
	CHECK_EQUAL(status.st_mode & 07777, 0755);
	CHECK_EQUAL(rmdir("made"), 0);
	CHECK_EQUAL(umask(077), 022);
	CHECK_EQUAL(umask(022), 077);
	make("readable", 0644);
	if (is_superuser()) {
		make("secret", 0600);
		mkdir("closed", 0700);
		make("closed/inside", 0644);
		mkdir("search", 0711);
		make("search/inside", 0644);
		mkdir("shared", 0777);
		CHECK_EQUAL(chmod("shared", 01777), 0);
		make("shared/foreign", 0666);
		mkdir("group", 0777);
		CHECK_EQUAL(chown("group", -1, 50), 0);
		CHECK_EQUAL(chmod("group", 02777), 0);
		pid_t child = fork();
		if (child == 0)
			as_user();
		CHECK_EXITS(child, 0);
		/* The superuser reads everything but executes only what is executable. */
		int file = open("secret", O_RDWR);
		CHECK(file >= 0);
		CHECK_EQUAL(close(file), 0);
		CHECK_ERRNO(execl("./secret", "secret", NULL), EACCES);
		CHECK_EQUAL(chmod("secret", 04755), 0);
		CHECK_EQUAL(chown("secret", 1, 1), 0);
		CHECK_EQUAL(stat("secret", &status), 0);
		CHECK_EQUAL(status.st_mode & 07777, 0755);
		CHECK_EQUAL(rmdir("group/sub") | rmdir("group") | unlink("shared/foreign") | rmdir("shared"), 0);
		CHECK_EQUAL(unlink("search/inside") | rmdir("search") | unlink("closed/inside") | rmdir("closed"), 0);
		CHECK_EQUAL(unlink("secret"), 0);
	}
	CHECK_EQUAL(unlink("readable"), 0);
	leave_scratch(scratch);
	return 0;
}
