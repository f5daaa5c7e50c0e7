/* openat2: walks that stay beneath a directory, within it as if it were the root, on one mount, and that follow no links. Does nothing
 * where the call is not there. */
#include "check.h"

enum { NO_XDEV = 1, NO_MAGICLINKS = 2, NO_SYMLINKS = 4, BENEATH = 8, IN_ROOT = 16, RACES = 3000 };

static int open_by(int directory, const char *path, int flags, uint64_t resolve)
{
	struct {
		uint64_t flags, mode, resolve;
	} how = { (uint64_t)flags, flags & O_CREAT ? 0600 : 0, resolve };
	return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

#define OPENS(directory, path, flags, resolve)                                                     \
	do {                                                                                      \
		int file_ = open_by(directory, path, flags, resolve);                             \
		CHECK(file_ >= 0);                                                                \
		CHECK_EQUAL(close(file_), 0);                                                     \
	} while (0)

static void make(const char *path)
{
	int file = open(path, O_CREAT | O_WRONLY, 0644);
	CHECK(file >= 0);
	CHECK_EQUAL(close(file), 0);
}

static void scoped(int root)
{
	OPENS(root, "inner/file", O_RDONLY, BENEATH);
	OPENS(root, "inner/../file", O_RDONLY, BENEATH);
	OPENS(root, "inner/back", O_RDONLY, BENEATH);
	OPENS(root, ".", O_RDONLY, BENEATH);
	CHECK_ERRNO(open_by(root, "../outside", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "inner/../../outside", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "..", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "/", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "absolute", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "up", O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "up", O_RDWR | O_CREAT, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "../made", O_RDWR | O_CREAT, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(root, "absolute/made", O_RDWR | O_CREAT, BENEATH), EXDEV);
	CHECK_ERRNO(access("made", F_OK), ENOENT);
	OPENS(root, "inner/made", O_RDWR | O_CREAT, BENEATH);
	CHECK_EQUAL(unlinkat(root, "inner/made", 0), 0);

	OPENS(root, "/inner/file", O_RDONLY, IN_ROOT);
	OPENS(root, "../../inner/file", O_RDONLY, IN_ROOT);
	OPENS(root, "/inner/back", O_RDONLY, IN_ROOT);
	CHECK_ERRNO(open_by(root, "absolute", O_RDONLY, IN_ROOT), ENOENT);
	CHECK_ERRNO(open_by(root, "up", O_RDONLY, IN_ROOT), ENOENT);
	CHECK_ERRNO(open_by(root, "inner/file", O_RDONLY, IN_ROOT | BENEATH), EINVAL);

	OPENS(root, "inner/file", O_RDONLY, NO_SYMLINKS);
	CHECK_ERRNO(open_by(root, "inner/back", O_RDONLY, NO_SYMLINKS), ELOOP);
	OPENS(root, "inner/back", O_RDONLY, NO_MAGICLINKS);
}

/* Links of /proc, which lead to objects and not to names; mounts. */
static void objects(int file)
{
	char link[32];
	int self = open("/proc/self", O_RDONLY | O_DIRECTORY), proc = open("/proc", O_RDONLY | O_DIRECTORY), top = open("/", O_RDONLY);
	CHECK(self >= 0 && proc >= 0 && top >= 0);
	snprintf(link, sizeof link, "fd/%d", file);
	OPENS(self, link, O_RDONLY, 0);
	CHECK_ERRNO(open_by(self, link, O_RDONLY, NO_MAGICLINKS), ELOOP);
	CHECK_ERRNO(open_by(self, link, O_RDONLY, NO_SYMLINKS), ELOOP);
	CHECK_ERRNO(open_by(self, link, O_RDONLY, BENEATH), EXDEV);
	CHECK_ERRNO(open_by(self, link, O_RDONLY, IN_ROOT), EXDEV);
	CHECK_ERRNO(open_by(self, link, O_RDWR | O_CREAT, IN_ROOT), EXDEV);
	CHECK_ERRNO(open_by(self, link, O_RDONLY, NO_XDEV), EXDEV);
	CHECK_ERRNO(open_by(self, "root/etc", O_RDONLY, BENEATH), EXDEV);
	OPENS(proc, "self/stat", O_RDONLY, NO_XDEV);
	OPENS(proc, "self/stat", O_RDONLY, BENEATH);
	CHECK_ERRNO(open_by(proc, "..", O_RDONLY, NO_XDEV), EXDEV);
	CHECK_ERRNO(open_by(top, "proc", O_RDONLY, NO_XDEV), EXDEV);
	CHECK_ERRNO(open_by(top, "/proc/self/stat", O_RDONLY, NO_XDEV), EXDEV);
	OPENS(top, ".", O_RDONLY, NO_XDEV);
	OPENS(top, "..", O_RDONLY, NO_XDEV);
	close(self), close(proc), close(top);
}

/* A directory that is moved out while a walk is in it does not lead out. */
static void race(int root)
{
	pid_t mover = fork();
	CHECK(mover >= 0);
	if (mover == 0)
		for (;;)
			if (rename("root/inner/moved", "moved") != 0 || rename("moved", "root/inner/moved") != 0)
				_exit(1);
	for (int i = 0; i < RACES; i++) {
		int found = open_by(root, "inner/moved/../outside", O_RDONLY, i % 2 ? BENEATH : IN_ROOT);
		CHECK(found < 0 && (errno == ENOENT || errno == EAGAIN || errno == EXDEV));
	}
	CHECK_EQUAL(kill(mover, SIGKILL), 0);
	CHECK_KILLED(mover, SIGKILL);
	rename("moved", "root/inner/moved");
}

int main(void)
{
	if (open_by(AT_FDCWD, "/", O_RDONLY, 0) < 0) {
		/* An old kernel, or a container's filter. */
		CHECK(errno == ENOSYS || errno == EPERM);
		return 0;
	}
	const char *scratch = enter_scratch();
	CHECK_EQUAL(mkdir("root", 0755) | mkdir("root/inner", 0755) | mkdir("root/inner/moved", 0755), 0);
	make("outside"), make("root/file"), make("root/inner/file");
	CHECK_EQUAL(symlink("../outside", "root/up") | symlink("../file", "root/inner/back"), 0);
	CHECK_EQUAL(symlink("/tmp", "root/absolute"), 0);
	int root = open("root", O_RDONLY | O_DIRECTORY), file = open("root/file", O_RDONLY);
	CHECK(root >= 0 && file >= 0);
	scoped(root);
	objects(file);
	race(root);
	CHECK_EQUAL(unlink("outside") | unlink("root/file") | unlink("root/inner/file") | unlink("root/absolute"), 0);
	CHECK_EQUAL(unlink("root/up") | unlink("root/inner/back") | rmdir("root/inner/moved"), 0);
	CHECK_EQUAL(rmdir("root/inner") | rmdir("root"), 0);
	leave_scratch(scratch);
	return 0;
}
