/* clone and clone3: what flags refuse, where thread numbers are written, shared and copied files and memory. */
#include "check.h"
#include <sched.h>
#include <linux/sched.h>

static char stack[65536] __attribute__((aligned(16)));
static int shared, child_number;
static int change(void *a) { shared = 42; close((int)(long)a); return 11; }

static long clone3(struct clone_args *arguments, size_t bytes) { return syscall(SYS_clone3, arguments, bytes); }

int main(void)
{
	int fd = dup(1), parent_number = 0;
	CHECK(fd >= 0);
	pid_t child = clone(change, stack + sizeof stack, CLONE_VM | CLONE_FILES | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD,
			    (void *)(long)fd, &parent_number, NULL, &child_number);
	CHECK(child > 0);
	CHECK_EQUAL(parent_number, child);
	CHECK_EXITS(child, 11);
	CHECK_EQUAL(shared, 42);
	CHECK_ERRNO(fcntl(fd, F_GETFD), EBADF);
	shared = 0;
	fd = dup(1);
	child = clone(change, stack + sizeof stack, SIGCHLD, (void *)(long)fd);
	CHECK(child > 0);
	CHECK_EXITS(child, 11);
	CHECK_EQUAL(shared, 0);
	CHECK_EQUAL(fcntl(fd, F_GETFD), 0);

	CHECK_ERRNO(clone(change, stack + sizeof stack, CLONE_THREAD | SIGCHLD, NULL), EINVAL);
	CHECK_ERRNO(clone(change, stack + sizeof stack, CLONE_SIGHAND | SIGCHLD, NULL), EINVAL);
	/* A child with another exit signal is only waited for by those who ask for such. */
	child = clone(change, stack + sizeof stack, 0, (void *)(long)fd);
	CHECK(child > 0);
	int status;
	CHECK_ERRNO(waitpid(child, &status, 0), ECHILD);
	CHECK_EQUAL(waitpid(child, &status, __WALL), child);
	CHECK_EQUAL(WEXITSTATUS(status), 11);

	struct clone_args arguments = { .exit_signal = SIGCHLD };
	long result = clone3(&arguments, sizeof arguments);
	if (result == 0)
		_exit(23);
	/* Containers refuse it, so that their filters see the flags of clone. */
	if (result < 0 && (errno == ENOSYS || errno == EPERM))
		return 0;
	CHECK(result > 0);
	CHECK_EXITS(result, 23);
	CHECK_ERRNO(clone3(&arguments, 8), EINVAL);
	CHECK_ERRNO(clone3(&arguments, 1 << 20), E2BIG);
	arguments.flags = SIGCHLD;
	CHECK_ERRNO(clone3(&arguments, sizeof arguments), EINVAL);
	arguments = (struct clone_args){ .exit_signal = SIGCHLD, .stack = 4096 };
	CHECK_ERRNO(clone3(&arguments, sizeof arguments), EINVAL);
	struct { struct clone_args known; uint64_t more; } longer = { .known = { .exit_signal = SIGCHLD }, .more = 1 };
	CHECK_ERRNO(clone3(&longer.known, sizeof longer), E2BIG);
	return 0;
}
