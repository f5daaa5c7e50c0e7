/* The errno of every path call for trailing slashes, dots, roots, links, long names and removed directories. */
#include "check.h"
#include <limits.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

static int touch(const char *name)
{
	int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	return file < 0 ? -1 : close(file);
}

int main(void)
{
	struct stat status;
	char bytes[PATH_MAX + 2];
	const char *scratch = enter_scratch();
	CHECK_EQUAL(touch("file"), 0);
	CHECK_EQUAL(mkdir("dir/", 0755), 0);
	CHECK_EQUAL(symlink("file", "to_file"), 0);
	CHECK_EQUAL(symlink("dir", "to_dir"), 0);
	CHECK_EQUAL(symlink("nothing", "to_nothing"), 0);
	CHECK_EQUAL(symlink("to_self", "to_self"), 0);

	/* Trailing slashes. */
	CHECK_ERRNO(stat("file/", &status), ENOTDIR);
	CHECK_ERRNO(lstat("to_file/", &status), ENOTDIR);
	CHECK_EQUAL(lstat("to_dir/", &status), 0);
	CHECK(S_ISDIR(status.st_mode));
	CHECK_EQUAL(lstat("to_dir", &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_ERRNO(stat("to_nothing", &status), ENOENT);
	CHECK_ERRNO(stat("to_self", &status), ELOOP);
	CHECK_ERRNO(open("new/", O_WRONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open("file/", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(open("dir", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open(".", O_RDONLY | O_CREAT, 0644), EISDIR);
	CHECK_ERRNO(open("dir", O_RDONLY | O_TRUNC), EISDIR);
	CHECK_ERRNO(unlink("file/"), ENOTDIR);
	CHECK_ERRNO(unlink("dir/"), EISDIR);
	CHECK_ERRNO(unlink("nothing/"), ENOENT);
	CHECK_ERRNO(symlink("x", "new/"), ENOENT);
	CHECK_ERRNO(link("file", "new/"), ENOENT);
	CHECK_ERRNO(link("file", "dir/"), EEXIST);
	CHECK_ERRNO(mknod("new/", S_IFREG | 0644, 0), ENOENT);
	CHECK_ERRNO(rename("file", "new/"), ENOTDIR);
	CHECK_ERRNO(rename("file/", "new"), ENOTDIR);
	CHECK_EQUAL(rename("dir/", "dir2/"), 0);
	CHECK_EQUAL(rename("dir2", "dir"), 0);
	CHECK_ERRNO(rmdir("to_dir"), ENOTDIR);
	CHECK_ERRNO(rmdir("to_dir/"), ENOTDIR);
	CHECK_ERRNO(chdir("file"), ENOTDIR);
	CHECK_ERRNO(readlink("to_dir/", bytes, 10), EINVAL);

	/* Dots and roots. */
	CHECK_ERRNO(mkdir(".", 0755), EEXIST);
	CHECK_ERRNO(mkdir("..", 0755), EEXIST);
	CHECK_ERRNO(mkdir("/", 0755), EEXIST);
	CHECK_ERRNO(mkdir("///", 0755), EEXIST);
	CHECK_ERRNO(mkdir("dir/.", 0755), EEXIST);
	CHECK_ERRNO(mkdir("nothing/.", 0755), ENOENT);
	CHECK_ERRNO(rmdir("."), EINVAL);
	CHECK_ERRNO(rmdir("dir/."), EINVAL);
	CHECK_ERRNO(rmdir("dir/.."), ENOTEMPTY);
	CHECK_ERRNO(rmdir("/"), EBUSY);
	CHECK_ERRNO(unlink("."), EISDIR);
	CHECK_ERRNO(unlink("/"), EISDIR);
	CHECK_ERRNO(unlink("dir/.."), EISDIR);
	CHECK_ERRNO(rename(".", "x"), EBUSY);
	CHECK_ERRNO(rename("dir/..", "x"), EBUSY);
	CHECK_ERRNO(rename("dir", "."), EBUSY);
	/* The second where this is another file system. */
	CHECK(rename("/", "x") == -1 && (errno == EBUSY || errno == EXDEV));
	CHECK_ERRNO(rename("dir", "dir/x"), EINVAL);
	CHECK_EQUAL(mkdir("dir/sub", 0755), 0);
	CHECK_ERRNO(rename("dir/sub", "dir"), ENOTEMPTY);
	CHECK_EQUAL(rmdir("dir/sub"), 0);
	char name[600];
	snprintf(name, sizeof name, "/../..%s/./file", scratch);
	CHECK_EQUAL(stat(name, &status), 0);
	CHECK_EQUAL(stat("dir//..////file", &status), 0);
	CHECK_ERRNO(stat("file/..", &status), ENOTDIR);
	CHECK_ERRNO(stat("file/.", &status), ENOTDIR);
	CHECK_ERRNO(stat("", &status), ENOENT);
	CHECK_ERRNO(mkdir("", 0755), ENOENT);
	CHECK_ERRNO(unlink(""), ENOENT);
	CHECK_ERRNO(symlink("", "x"), ENOENT);
	CHECK_ERRNO(open("", O_RDONLY | O_CREAT, 0644), ENOENT);

	/* Creating and existing. */
	CHECK_ERRNO(open("to_nothing", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST);
	CHECK_ERRNO(open("to_file", O_RDONLY | O_NOFOLLOW), ELOOP);
	CHECK_ERRNO(open("to_dir", O_RDONLY | O_NOFOLLOW | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open("to_self", O_WRONLY | O_CREAT, 0644), ELOOP);
	CHECK_ERRNO(open("dir", O_RDWR), EISDIR);
	CHECK_ERRNO(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERRNO(open("file/x", O_RDONLY | O_CREAT, 0644), ENOTDIR);
	CHECK_ERRNO(open("nothing/x", O_RDONLY | O_CREAT, 0644), ENOENT);
	int through = open("to_nothing", O_WRONLY | O_CREAT, 0600);
	CHECK(through >= 0);
	CHECK_EQUAL(close(through), 0);
	CHECK_EQUAL(stat("nothing", &status), 0);
	CHECK_EQUAL(unlink("nothing"), 0);
	CHECK_ERRNO(mknod("x", S_IFDIR | 0755, 0), EPERM);
	CHECK_ERRNO(mknod("x", S_IFLNK | 0755, 0), EINVAL);
	CHECK_ERRNO(link("dir", "x"), EPERM);
	CHECK_ERRNO(link("nothing", "x"), ENOENT);
	CHECK_ERRNO(linkat(AT_FDCWD, "file", AT_FDCWD, "x", 0x8000), EINVAL);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "file", 0x8000), EINVAL);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "file", AT_REMOVEDIR), ENOTDIR);
	CHECK_ERRNO(unlinkat(AT_FDCWD, "dir", 0), EISDIR);
	CHECK_ERRNO(renameat2(AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_NOREPLACE), EEXIST);
	CHECK_ERRNO(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", RENAME_EXCHANGE), ENOENT);
	CHECK_ERRNO(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", RENAME_EXCHANGE | RENAME_NOREPLACE), EINVAL);
	CHECK_ERRNO(renameat2(AT_FDCWD, "file", AT_FDCWD, "x", 0x100), EINVAL);
	CHECK_ERRNO(rename("/proc/version", "x"), EXDEV);
	CHECK_ERRNO(link("/proc/version", "x"), EXDEV);

	/* Descriptors as starting points. */
	int file = open("file", O_RDONLY), dir = open("dir", O_RDONLY | O_DIRECTORY);
	CHECK_ERRNO(openat(file, "x", O_RDONLY), ENOTDIR);
	CHECK_ERRNO(openat(999, "x", O_RDONLY), EBADF);
	CHECK_ERRNO(openat(dir, "x", O_RDONLY), ENOENT);
	snprintf(name, sizeof name, "%s/file", scratch);
	int absolute = openat(999, name, O_RDONLY);
	CHECK(absolute >= 0);
	CHECK_EQUAL(fstatat(file, "", &status, AT_EMPTY_PATH), 0);
	CHECK_ERRNO(fstatat(file, "", &status, 0), ENOENT);
	CHECK_ERRNO(fstatat(file, "", &status, 0x40000000), EINVAL);
	CHECK_ERRNO(faccessat(AT_FDCWD, "file", 8, 0), EINVAL);
	CHECK_ERRNO(access("nothing", F_OK), ENOENT);
	CHECK_EQUAL(access("file", R_OK | W_OK), 0);
	CHECK_ERRNO(access("file", X_OK), EACCES);

	/* O_PATH. */
	int path = open("file", O_PATH);
	CHECK(path >= 0);
	CHECK_ERRNO(read(path, bytes, 1), EBADF);
	CHECK_ERRNO(fchmod(path, 0600), EBADF);
	CHECK_ERRNO(ftruncate(path, 0), EBADF);
	CHECK_EQUAL(fstat(path, &status), 0);
	CHECK_EQUAL(fcntl(path, F_GETFL) & O_PATH, O_PATH);
	int link_itself = open("to_file", O_PATH | O_NOFOLLOW);
	CHECK(link_itself >= 0);
	CHECK_EQUAL(fstat(link_itself, &status), 0);
	CHECK(S_ISLNK(status.st_mode));
	CHECK_EQUAL(readlinkat(link_itself, "", bytes, 10), 4);
	CHECK_ERRNO(readlink("to_file", bytes, 0), EINVAL);

	/* Lengths: 255 bytes a name, 4095 a path. */
	memset(bytes, 'n', sizeof bytes);
	bytes[256] = 0;
	CHECK_ERRNO(stat(bytes, &status), ENAMETOOLONG);
	CHECK_ERRNO(open(bytes, O_WRONLY | O_CREAT, 0644), ENAMETOOLONG);
	CHECK_ERRNO(rename("file", bytes), ENAMETOOLONG);
	bytes[255] = 0;
	CHECK_ERRNO(stat(bytes, &status), ENOENT);
	for (int i = 0; i < PATH_MAX; i++)
		bytes[i] = i % 2 ? '/' : '.';
	bytes[PATH_MAX] = 0;
	CHECK_ERRNO(stat(bytes, &status), ENAMETOOLONG);
	bytes[PATH_MAX - 1] = 0;
	CHECK_EQUAL(stat(bytes, &status), 0);

	/* Forty links are followed, forty-one are not. */
	char from[16], to[16];
	strcpy(to, "file");
	for (int i = 0; i < 41; i++) {
		snprintf(from, sizeof from, "chain%d", i);
		CHECK_EQUAL(symlink(to, from), 0);
		strcpy(to, from);
	}
	CHECK_EQUAL(stat("chain39", &status), 0);
	CHECK_ERRNO(stat("chain40", &status), ELOOP);
	for (int i = 0; i < 41; i++) {
		snprintf(from, sizeof from, "chain%d", i);
		CHECK_EQUAL(unlink(from), 0);
	}

	/* A removed working directory. */
	CHECK_EQUAL(mkdir("gone", 0755), 0);
	CHECK_EQUAL(chdir("gone"), 0);
	CHECK_EQUAL(rmdir("../gone"), 0);
	CHECK_ERRNO(open("x", O_WRONLY | O_CREAT, 0644), ENOENT);
	CHECK_ERRNO(mkdir("x", 0755), ENOENT);
	CHECK_ERRNO(syscall(SYS_getcwd, bytes, sizeof bytes), ENOENT);
	CHECK_EQUAL(stat(".", &status), 0);
	CHECK_EQUAL(status.st_nlink, 0);
	CHECK_EQUAL(chdir(".."), 0);
	CHECK_EQUAL(stat("file", &status), 0);

	const char *files[] = { "file", "to_file", "to_dir", "to_nothing", "to_self" };
	for (int i = 0; i < 5; i++)
		CHECK_EQUAL(unlink(files[i]), 0);
	CHECK_EQUAL(rmdir("dir"), 0);
	leave_scratch(scratch);
	return 0;
}
