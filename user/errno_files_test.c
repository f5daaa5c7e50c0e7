/* The errors of calls on descriptors, files and names, one row each: bad, closed and wrong descriptors, bad pointers, bad flags, names that lead
 * nowhere. What needs other identities is in permission_test, every kind of path in path_errno_test. */
#include "errno_table.h"
#include <linux/fs.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/uio.h>

enum { NONE = -1 };

static char buffer[8192];
static int file, read_only, write_only, directory, path_only, ends[2], closed;
static struct iovec part = { buffer, 16 };

static void prepare(void)
{
	file = open("file", O_RDWR | O_CREAT, 0600);
	read_only = open("file", O_RDONLY);
	write_only = open("file", O_WRONLY);
	path_only = open("file", O_PATH);
	CHECK_EQUAL(mkdir("dir", 0700) | mkdir("dir/inner", 0700) | mkdir("empty", 0700) | symlink("loop", "loop") | symlink("file", "link"), 0);
	CHECK_EQUAL(mkfifo("fifo", 0600), 0);
	directory = open("dir", O_RDONLY | O_DIRECTORY);
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	closed = dup(file);
	CHECK(file >= 0 && read_only >= 0 && write_only >= 0 && path_only >= 0 && directory >= 0 && closed >= 0 && close(closed) == 0);
	CHECK_EQUAL(write(file, "0123456789", 10), 10);
}

/* Every call that takes a descriptor, with one that is not open. */
static void bad_descriptors(int fd)
{
	struct stat status;
	struct statfs system;
	struct timespec times[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	FAILS(EBADF, read, fd, buffer, 1L);
	FAILS(EBADF, write, fd, buffer, 1L);
	FAILS(EBADF, close, fd);
	FAILS(EBADF, fstat, fd, &status);
	FAILS(EBADF, lseek, fd, 0L, SEEK_SET);
	FAILS(EBADF, pread64, fd, buffer, 1L, 0L);
	FAILS(EBADF, pwrite64, fd, buffer, 1L, 0L);
	FAILS(EBADF, readv, fd, &part, 1L);
	FAILS(EBADF, writev, fd, &part, 1L);
	FAILS(EBADF, preadv, fd, &part, 1L, 0L, 0L);
	FAILS(EBADF, pwritev, fd, &part, 1L, 0L, 0L);
	FAILS(EBADF, preadv2, fd, &part, 1L, 0L, 0L, 0);
	FAILS(EBADF, pwritev2, fd, &part, 1L, 0L, 0L, 0);
	FAILS(EBADF, ioctl, fd, FIONREAD, buffer);
	FAILS(EBADF, dup, fd);
	FAILS(EBADF, dup3, fd, 100, 0);
	FAILS(EBADF, fcntl, fd, F_GETFL, 0L);
	FAILS(EBADF, fsync, fd);
	FAILS(EBADF, fdatasync, fd);
	FAILS(EBADF, syncfs, fd);
	FAILS(EBADF, sync_file_range, fd, 0L, 1L, 0);
	FAILS(EBADF, ftruncate, fd, 0L);
	FAILS(EBADF, fallocate, fd, 0, 0L, 1L);
	FAILS(EBADF, fadvise64, fd, 0L, 1L, 0);
	FAILS(EBADF, readahead, fd, 0L, 1L);
	FAILS(EBADF, getdents64, fd, buffer, 100L);
	FAILS(EBADF, fchdir, fd);
	FAILS(EBADF, fchmod, fd, 0600);
	FAILS(EBADF, fchown, fd, -1, -1);
	FAILS(EBADF, flock, fd, 8);
	FAILS(EBADF, fstatfs, fd, &system);
	FAILS(EBADF, sendfile, fd, file, NULL, 1L);
	FAILS(EBADF, sendfile, file, fd, NULL, 1L);
	FAILS(EBADF, splice, fd, NULL, ends[1], NULL, 1L, 0);
	FAILS(EBADF, splice, ends[0], NULL, fd, NULL, 1L, 0);
	FAILS(EBADF, tee, fd, ends[1], 1L, 0);
	FAILS(EBADF, vmsplice, fd, &part, 1L, 0);
	FAILS(EBADF, copy_file_range, fd, NULL, file, NULL, 1L, 0);
	FAILS(EBADF, copy_file_range, file, NULL, fd, NULL, 1L, 0);
	FAILS(EBADF, fgetxattr, fd, "user.x", buffer, 1L);
	FAILS(EBADF, fsetxattr, fd, "user.x", buffer, 1L, 0);
	FAILS(EBADF, flistxattr, fd, buffer, 1L);
	FAILS(EBADF, fremovexattr, fd, "user.x");
	FAILS(EBADF, mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, fd, 0L);
	/* Directories. */
	FAILS(EBADF, openat, fd, "x", O_RDONLY);
	FAILS(EBADF, mkdirat, fd, "x", 0700);
	FAILS(EBADF, mknodat, fd, "x", S_IFREG, 0L);
	FAILS(EBADF, unlinkat, fd, "x", 0);
	FAILS(EBADF, renameat2, fd, "x", AT_FDCWD, "y", 0);
	FAILS(EBADF, renameat2, AT_FDCWD, "file", fd, "y", 0);
	FAILS(EBADF, linkat, fd, "x", AT_FDCWD, "y", 0);
	FAILS(EBADF, linkat, AT_FDCWD, "file", fd, "y", 0);
	FAILS(EBADF, symlinkat, "x", fd, "y");
	FAILS(EBADF, readlinkat, fd, "x", buffer, 100L);
	FAILS(EBADF, fchmodat, fd, "x", 0600);
	FAILS(EBADF, fchownat, fd, "x", -1, -1, 0);
	FAILS(EBADF, faccessat, fd, "x", F_OK);
	FAILS(EBADF, newfstatat, fd, "x", &status, 0);
	FAILS(EBADF, statx, fd, "x", 0, STATX_BASIC_STATS, buffer);
	FAILS(EBADF, utimensat, fd, "x", times, 0);
	FAILS(EBADF, execveat, fd, "x", NULL, NULL, 0);
}

static void wrong_descriptors(void)
{
	struct stat status;
	FAILS(EBADF, read, write_only, buffer, 1L);
	FAILS(EBADF, pread64, write_only, buffer, 1L, 0L);
	FAILS(EBADF, write, read_only, buffer, 1L);
	FAILS(EBADF, pwrite64, read_only, buffer, 1L, 0L);
	FAILS(EBADF, fallocate, read_only, 0, 0L, 1L);
	FAILS(EBADF, read, ends[1], buffer, 1L);
	FAILS(EBADF, write, ends[0], buffer, 1L);
	FAILS(EBADF, write, directory, buffer, 1L);
	FAILS(EBADF, copy_file_range, write_only, NULL, file, NULL, 1L, 0);
	FAILS(EBADF, copy_file_range, file, NULL, read_only, NULL, 1L, 0);
	FAILS(EBADF, sendfile, read_only, file, NULL, 1L);
	FAILS(EBADF, sendfile, ends[1], write_only, NULL, 1L);
	FAILS(EBADF, tee, ends[1], ends[1], 1L, 0);
	FAILS(EBADF, read, path_only, buffer, 1L);
	FAILS(EBADF, write, path_only, buffer, 1L);
	FAILS(EBADF, ioctl, path_only, FIONREAD, buffer);
	FAILS(EBADF, fchmod, path_only, 0600);
	FAILS(EBADF, fchown, path_only, -1, -1);
	FAILS(EBADF, fsync, path_only);
	FAILS(EBADF, ftruncate, path_only, 0L);
	FAILS(EBADF, fgetxattr, path_only, "user.x", buffer, 1L);
	FAILS(EBADF, lseek, path_only, 0L, SEEK_SET);
	FAILS(EBADF, getdents64, path_only, buffer, 100L);
	FAILS(EBADF, flock, path_only, 8);
	FAILS(EBADF, mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, path_only, 0L);
	FAILS(EACCES, mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, write_only, 0L);
	FAILS(EACCES, mmap, NULL, 4096L, PROT_WRITE, MAP_SHARED, read_only, 0L);
	FAILS(ENODEV, mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, ends[0], 0L);
	FAILS(ENODEV, mmap, NULL, 4096L, PROT_READ, MAP_PRIVATE, directory, 0L);
	FAILS(EISDIR, read, directory, buffer, 1L);
	FAILS(EISDIR, pread64, directory, buffer, 1L, 0L);
	FAILS(EISDIR, copy_file_range, directory, NULL, file, NULL, 1L, 0);
	FAILS(ENOTDIR, getdents64, file, buffer, 100L);
	FAILS(ENOTDIR, fchdir, file);
	FAILS(ENOTDIR, openat, file, "x", O_RDONLY);
	FAILS(ENOTDIR, newfstatat, file, "x", &status, 0);
	FAILS(ENOTDIR, mkdirat, file, "x", 0700);
	FAILS(ENOTDIR, unlinkat, file, "x", 0);
	FAILS(ESPIPE, lseek, ends[0], 0L, SEEK_SET);
	FAILS(ESPIPE, pread64, ends[0], buffer, 1L, 0L);
	FAILS(ESPIPE, pwrite64, ends[1], buffer, 1L, 0L);
	FAILS(ESPIPE, preadv, ends[0], &part, 1L, 0L, 0L);
	FAILS(ESPIPE, fallocate, ends[1], 0, 0L, 1L);
	FAILS(ESPIPE, fadvise64, ends[0], 0L, 1L, 0);
	FAILS(ESPIPE, sync_file_range, ends[0], 0L, 1L, 0);
	FAILS(ESPIPE, splice, ends[0], buffer, file, NULL, 1L, 0);
	FAILS(ENOTTY, ioctl, file, TCGETS, buffer);
	FAILS(ENOTTY, ioctl, file, TIOCGWINSZ, buffer);
	FAILS(ENOTTY, ioctl, ends[0], TIOCSCTTY, 0L);
	FAILS(ENOTTY, ioctl, directory, 0x12345678L, 0L);
	FAILS(EINVAL, ftruncate, read_only, 0L);
	FAILS(EINVAL, ftruncate, ends[1], 0L);
	FAILS(EINVAL, ftruncate, directory, 0L);
	FAILS(EINVAL, readahead, ends[0], 0L, 1L);
	FAILS(EINVAL, fsync, ends[0]);
	FAILS(EINVAL, splice, file, NULL, file, NULL, 1L, 0);
	FAILS(EINVAL, tee, ends[0], ends[1], 1L, 0);
	FAILS(EINVAL, tee, file, ends[1], 1L, 0);
	FAILS(EBADF, vmsplice, file, &part, 1L, 0);
	FAILS(EAGAIN, read, ends[0], buffer, 1L);
}

static void bad_pointers(void)
{
	int pipe_with_data[2];
	CHECK_EQUAL(pipe(pipe_with_data), 0);
	CHECK_EQUAL(write(pipe_with_data[1], "x", 1), 1);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	FAILS(EFAULT, read, file, NOWHERE, 1L);
	FAILS(EFAULT, pread64, file, NOWHERE, 1L, 0L);
	FAILS(EFAULT, write, file, NOWHERE, 1L);
	FAILS(EFAULT, pwrite64, file, NOWHERE, 1L, 0L);
	FAILS(EFAULT, readv, file, NOWHERE, 1L);
	FAILS(EFAULT, writev, file, NOWHERE, 1L);
	FAILS(EFAULT, read, pipe_with_data[0], NOWHERE, 1L);
	FAILS(EFAULT, write, pipe_with_data[1], NOWHERE, 1L);
	FAILS(EFAULT, vmsplice, pipe_with_data[1], NOWHERE, 1L, 0);
	FAILS(EFAULT, pipe2, NOWHERE, 0);
	FAILS(EFAULT, fstat, file, NOWHERE);
	FAILS(EFAULT, newfstatat, AT_FDCWD, "file", NOWHERE, 0);
	FAILS(EFAULT, newfstatat, AT_FDCWD, NOWHERE, buffer, 0);
	FAILS(EFAULT, statx, AT_FDCWD, "file", 0, STATX_BASIC_STATS, NOWHERE);
	FAILS(EFAULT, statx, AT_FDCWD, NOWHERE, 0, STATX_BASIC_STATS, buffer);
	FAILS(EFAULT, statfs, "file", NOWHERE);
	FAILS(EFAULT, statfs, NOWHERE, buffer);
	FAILS(EFAULT, fstatfs, file, NOWHERE);
	FAILS(EFAULT, openat, AT_FDCWD, NOWHERE, O_RDONLY);
	FAILS(EFAULT, mkdirat, AT_FDCWD, NOWHERE, 0700);
	FAILS(EFAULT, mknodat, AT_FDCWD, NOWHERE, S_IFREG, 0L);
	FAILS(EFAULT, unlinkat, AT_FDCWD, NOWHERE, 0);
	FAILS(EFAULT, renameat2, AT_FDCWD, NOWHERE, AT_FDCWD, "y", 0);
	FAILS(EFAULT, renameat2, AT_FDCWD, "file", AT_FDCWD, NOWHERE, 0);
	FAILS(EFAULT, linkat, AT_FDCWD, NOWHERE, AT_FDCWD, "y", 0);
	FAILS(EFAULT, linkat, AT_FDCWD, "file", AT_FDCWD, NOWHERE, 0);
	FAILS(EFAULT, symlinkat, NOWHERE, AT_FDCWD, "y");
	FAILS(EFAULT, symlinkat, "x", AT_FDCWD, NOWHERE);
	FAILS(EFAULT, readlinkat, AT_FDCWD, NOWHERE, buffer, 10L);
	FAILS(EFAULT, readlinkat, AT_FDCWD, "link", NOWHERE, 10L);
	FAILS(EFAULT, fchmodat, AT_FDCWD, NOWHERE, 0600);
	FAILS(EFAULT, fchownat, AT_FDCWD, NOWHERE, -1, -1, 0);
	FAILS(EFAULT, faccessat, AT_FDCWD, NOWHERE, F_OK);
	FAILS(EFAULT, utimensat, AT_FDCWD, NOWHERE, NULL, 0);
	FAILS(EFAULT, utimensat, AT_FDCWD, "file", NOWHERE, 0);
	FAILS(EFAULT, truncate, NOWHERE, 0L);
	FAILS(EFAULT, chdir, NOWHERE);
	FAILS(EFAULT, execve, NOWHERE, NULL, NULL);
	FAILS(EFAULT, getcwd, NOWHERE, 4096L);
	FAILS(EFAULT, getdents64, directory, NOWHERE, 4096L);
	FAILS(EFAULT, getxattr, NOWHERE, "user.x", buffer, 10L);
	FAILS(EFAULT, fcntl, file, F_GETLK, NOWHERE);
	FAILS(EFAULT, fcntl, file, F_SETLK, NOWHERE);
	FAILS(EFAULT, ioctl, pipe_with_data[0], FIONREAD, NOWHERE);
	FAILS(EFAULT, ioctl, pipe_with_data[0], FIONBIO, NOWHERE);
	FAILS(EFAULT, sendfile, pipe_with_data[1], file, NOWHERE, 1L);
	FAILS(EFAULT, splice, file, NOWHERE, pipe_with_data[1], NULL, 1L, 0);
	FAILS(EFAULT, copy_file_range, file, NOWHERE, file, NULL, 1L, 0);
	FAILS(EFAULT, memfd_create, NOWHERE, 0);
	FAILS(EFAULT, ppoll, NOWHERE, 1, NULL, NULL, 8L);
	CHECK_EQUAL(close(pipe_with_data[0]) | close(pipe_with_data[1]), 0);
}

static void bad_values(void)
{
	struct timespec times[2] = { { 0, 1000000000 }, { 0, UTIME_NOW } };
	struct stat status;
	struct flock lock = { .l_type = 77 };
	FAILS(EINVAL, lseek, file, 0L, 99);
	FAILS(EINVAL, lseek, file, -1L, SEEK_SET);
	FAILS(EINVAL, lseek, file, -100L, SEEK_END);
	FAILS(ENXIO, lseek, file, 1000L, SEEK_DATA);
	FAILS(ENXIO, lseek, file, 1000L, SEEK_HOLE);
	FAILS(EINVAL, pread64, file, buffer, 1L, -1L);
	FAILS(EINVAL, pwrite64, file, buffer, 1L, -1L);
	FAILS(EINVAL, preadv, file, &part, 1L, -1L, -1L);
	FAILS(EINVAL, readv, file, &part, 1025L);
	FAILS(EINVAL, writev, file, &part, -1L);
	FAILS(EOPNOTSUPP, preadv2, file, &part, 1L, 0L, 0L, 0x8000);
	FAILS(EINVAL, ftruncate, file, -1L);
	FAILS(EINVAL, truncate, "file", -1L);
	FAILS(EISDIR, truncate, "dir", 0L);
	FAILS(EINVAL, truncate, "fifo", 0L);
	FAILS(EINVAL, fallocate, file, 0, 0L, 0L);
	FAILS(EINVAL, fallocate, file, 0, -1L, 1L);
	FAILS(EFBIG, fallocate, file, 0, 0x7ffffffffffffff0L, 0x100L);
	FAILS(EOPNOTSUPP, fallocate, file, 0x4000, 0L, 1L);
	FAILS(EOPNOTSUPP, fallocate, file, 2, 0L, 1L);
	FAILS(EINVAL, fadvise64, file, 0L, 1L, 99);
	FAILS(EINVAL, sync_file_range, file, 0L, 1L, 0x100);
	FAILS(EINVAL, sync_file_range, file, -1L, 1L, 0);
	FAILS(EINVAL, dup3, file, file, 0);
	FAILS(EINVAL, dup3, file, 100, 1);
	FAILS(EBADF, dup3, file, -1, 0);
	FAILS(EINVAL, pipe2, buffer, 1);
	FAILS(EINVAL, fcntl, file, 9999, 0L);
	FAILS(EINVAL, fcntl, file, F_DUPFD, -1L);
	FAILS(EINVAL, fcntl, file, F_DUPFD, 0x7fffffffL);
	FAILS(EINVAL, fcntl, file, F_SETLK, &lock);
	FAILS(EINVAL, fcntl, file, F_SETSIG, 99L);
	FAILS(EBADF, fcntl, file, F_GETPIPE_SZ, 0L);
	FAILS(EINVAL, flock, file, 11);
	FAILS(EINVAL, openat, AT_FDCWD, ".", O_TMPFILE & ~O_DIRECTORY);
	FAILS(EINVAL, openat, AT_FDCWD, ".", O_TMPFILE | O_RDONLY, 0600);
	FAILS(EINVAL, linkat, AT_FDCWD, "file", AT_FDCWD, "y", 1);
	FAILS(EINVAL, unlinkat, AT_FDCWD, "file", 1);
	FAILS(EINVAL, unlinkat, AT_FDCWD, "dir/.", AT_REMOVEDIR);
	FAILS(EINVAL, renameat2, AT_FDCWD, "file", AT_FDCWD, "y", 0x100);
	FAILS(EINVAL, renameat2, AT_FDCWD, "file", AT_FDCWD, "dir", RENAME_NOREPLACE | RENAME_EXCHANGE);
	FAILS(EINVAL, renameat2, AT_FDCWD, "dir", AT_FDCWD, "dir/inner/x", 0);
	FAILS(EINVAL, newfstatat, AT_FDCWD, "file", &status, 1);
	FAILS(EINVAL, statx, AT_FDCWD, "file", 1, STATX_BASIC_STATS, buffer);
	FAILS(EINVAL, statx, AT_FDCWD, "file", 0, 0x80000000u, buffer);
	FAILS(EINVAL, fchownat, AT_FDCWD, "file", -1, -1, 1);
	FAILS(EINVAL, faccessat, AT_FDCWD, "file", 8);
	FAILS(EINVAL, utimensat, AT_FDCWD, "file", NULL, 1);
	FAILS(EINVAL, utimensat, AT_FDCWD, "file", times, 0);
	FAILS(EINVAL, readlinkat, AT_FDCWD, "link", buffer, 0L);
	FAILS(EINVAL, readlinkat, AT_FDCWD, "file", buffer, 10L);
	FAILS(EINVAL, getdents64, directory, buffer, 10L);
	FAILS(EINVAL, mknodat, AT_FDCWD, "x", 0xf000, 0L);
	FAILS(EPERM, mknodat, AT_FDCWD, "x", S_IFDIR, 0L);
	FAILS(ERANGE, getcwd, buffer, 1L);
	FAILS(EINVAL, memfd_create, "x", 0x8000);
	FAILS(EINVAL, splice, ends[0], NULL, file, NULL, 1L, 0x100);
	FAILS(EINVAL, copy_file_range, file, NULL, file, NULL, 5L, 1);
	FAILS_IF_THERE(EINVAL, close_range, 10, 9, 0);
	FAILS_IF_THERE(EINVAL, close_range, 1000, 1001, 0x80);
	struct {
		uint64_t flags, mode, resolve, more;
	} how = { O_RDONLY, 0, 0, 1 };
	FAILS_IF_THERE(EINVAL, openat2, AT_FDCWD, "file", &how, 8L);
	FAILS_IF_THERE(E2BIG, openat2, AT_FDCWD, "file", &how, 32L);
	how.mode = 0600;
	FAILS_IF_THERE(EINVAL, openat2, AT_FDCWD, "file", &how, 24L);
	how.mode = 0, how.resolve = 0x1000;
	FAILS_IF_THERE(EINVAL, openat2, AT_FDCWD, "file", &how, 24L);
}

static void bad_names(void)
{
	FAILS(EEXIST, mkdirat, AT_FDCWD, "dir", 0700);
	FAILS(EEXIST, mkdirat, AT_FDCWD, "loop", 0700);
	FAILS(EEXIST, mknodat, AT_FDCWD, "file", S_IFREG, 0L);
	FAILS(EEXIST, symlinkat, "x", AT_FDCWD, "file");
	FAILS(EEXIST, linkat, AT_FDCWD, "file", AT_FDCWD, "link", 0);
	FAILS(EEXIST, openat, AT_FDCWD, "file", O_RDWR | O_CREAT | O_EXCL, 0600);
	FAILS(EEXIST, openat, AT_FDCWD, "loop", O_RDWR | O_CREAT | O_EXCL, 0600);
	FAILS(EEXIST, renameat2, AT_FDCWD, "file", AT_FDCWD, "link", RENAME_NOREPLACE);
	FAILS(EPERM, linkat, AT_FDCWD, "dir", AT_FDCWD, "y", 0);
	FAILS(ENOTEMPTY, unlinkat, AT_FDCWD, "dir", AT_REMOVEDIR);
	FAILS(ENOTEMPTY, renameat2, AT_FDCWD, "empty", AT_FDCWD, "dir", 0);
	FAILS(ENOTDIR, unlinkat, AT_FDCWD, "file", AT_REMOVEDIR);
	FAILS(ENOTDIR, renameat2, AT_FDCWD, "dir", AT_FDCWD, "file", 0);
	FAILS(ENOTDIR, openat, AT_FDCWD, "file", O_RDONLY | O_DIRECTORY);
	FAILS(ENOTDIR, chdir, "file");
	FAILS(EISDIR, unlinkat, AT_FDCWD, "dir", 0);
	FAILS(EISDIR, renameat2, AT_FDCWD, "file", AT_FDCWD, "dir", 0);
	FAILS(EISDIR, openat, AT_FDCWD, "dir", O_WRONLY);
	FAILS(EISDIR, openat, AT_FDCWD, "dir", O_RDONLY | O_CREAT, 0600);
	FAILS(ENOENT, renameat2, AT_FDCWD, "file", AT_FDCWD, "none", RENAME_EXCHANGE);
	FAILS(ENOENT, symlinkat, "", AT_FDCWD, "y");
	FAILS(ELOOP, openat, AT_FDCWD, "link", O_RDONLY | O_NOFOLLOW);
	FAILS(ENOTDIR, openat, AT_FDCWD, "link", O_RDONLY | O_NOFOLLOW | O_DIRECTORY);
	FAILS(ENXIO, openat, AT_FDCWD, "fifo", O_WRONLY | O_NONBLOCK);
	FAILS(EACCES, execve, "dir", NULL, NULL);
	FAILS(EACCES, execve, "file", NULL, NULL);
}

int main(void)
{
	const char *scratch = enter_scratch();
	prepare();
	bad_descriptors(NONE);
	bad_descriptors(closed);
	bad_descriptors(0x7fffffff);
	wrong_descriptors();
	bad_pointers();
	bad_values();
	bad_names();
	/* Nothing was done on the way. */
	CHECK_EQUAL(pread(file, buffer, 100, 0), 10);
	CHECK(memcmp(buffer, "0123456789", 10) == 0 && access("y", F_OK) < 0 && access("x", F_OK) < 0);
	CHECK_EQUAL(unlink("file") | unlink("link") | unlink("loop") | unlink("fifo") | rmdir("dir/inner") | rmdir("dir") | rmdir("empty"), 0);
	leave_scratch(scratch);
	return end_of_table(383, 67);
}
