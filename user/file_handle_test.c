/* Handles of files: file systems that have none say so, and opening by handle needs the right to go past directories. */
#include "check.h"

static int tell(int fd, const char *path, struct file_handle *handle, int *mount, int flags)
{
	return syscall(SYS_name_to_handle_at, fd, path, handle, mount, flags);
}

static int open_it(int fd, struct file_handle *handle, int flags)
{
	return syscall(SYS_open_by_handle_at, fd, handle, flags);
}

int main(void)
{
	char space[sizeof(struct file_handle) + 128] __attribute__((aligned(8)));
	struct file_handle *handle = (struct file_handle *)space;
	int mount;
	memset(space, 0, sizeof space);
	handle->handle_bytes = 128;
	if (tell(AT_FDCWD, "/proc/version", handle, &mount, 1 << 30) == -1 && errno == EPERM)
		return 0; /* a container that refuses the call */
	CHECK_ERRNO(tell(AT_FDCWD, "/proc/version", handle, &mount, 1 << 30), EINVAL);
	CHECK_ERRNO(tell(AT_FDCWD, "/no such file", handle, &mount, 0), ENOENT);
	CHECK_ERRNO(tell(AT_FDCWD, (char *)8, handle, &mount, 0), EFAULT);
	CHECK_ERRNO(tell(-1, "", handle, &mount, AT_EMPTY_PATH), EBADF);
	CHECK_ERRNO(tell(AT_FDCWD, "", handle, &mount, 0), ENOENT);
	int proc = open("/proc", O_RDONLY);
	CHECK(proc >= 0);
	/* The processes' file system gives none out. */
	CHECK_ERRNO(tell(AT_FDCWD, "/proc/version", handle, &mount, 0), EOPNOTSUPP);
	CHECK_ERRNO(tell(proc, "version", handle, &mount, AT_SYMLINK_FOLLOW), EOPNOTSUPP);
	CHECK_ERRNO(tell(proc, "", handle, &mount, AT_EMPTY_PATH), EOPNOTSUPP);

	handle->handle_bytes = 8;
	handle->handle_type = 1;
	if (has_capability(CAP_DAC_READ_SEARCH)) {
		int answer = open_it(proc, handle, O_RDONLY);
		CHECK(answer == -1);
		if (errno == EPERM)
			return 0; /* in a container the right is not over the whole system */
		CHECK_EQUAL(errno, ESTALE);
		handle->handle_bytes = 0;
		CHECK_ERRNO(open_it(proc, handle, O_RDONLY), EINVAL);
		handle->handle_bytes = 129;
		CHECK_ERRNO(open_it(proc, handle, O_RDONLY), EINVAL);
		CHECK_ERRNO(open_it(proc, (struct file_handle *)8, O_RDONLY), EFAULT);
		handle->handle_bytes = 8;
		CHECK_ERRNO(open_it(-1, handle, O_RDONLY), EBADF);
	}
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = { 0 };
	CHECK_EQUAL(syscall(SYS_capset, &header, data), 0);
	CHECK_ERRNO(open_it(proc, handle, O_RDONLY), EPERM);
	return 0;
}
