/* unshare: open files, root and working directory of one's own; what only a single thread may give up; and kcmp, which tells who shares
 * what. */
#include "check.h"
#include <linux/kcmp.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>

static int has_kcmp;

/* Whether two tasks have the same; -1 where that cannot be asked. */
static int is_same(pid_t first, pid_t second, int kind, unsigned long one, unsigned long other)
{
	if (!has_kcmp)
		return -1;
	int answer = syscall(SYS_kcmp, first, second, kind, one, other);
	CHECK(answer >= 0 && answer <= 3);
	return answer == 0;
}

static void *give_up(void *unused)
{
	pid_t me = syscall(SYS_gettid);
	(void)unused;
	CHECK(is_same(getpid(), me, KCMP_FILES, 0, 0) != 0);
	CHECK_EQUAL(unshare(CLONE_FS | CLONE_FILES), 0);
	CHECK(is_same(getpid(), me, KCMP_FILES, 0, 0) != 1);
	CHECK(is_same(getpid(), me, KCMP_FS, 0, 0) != 1);
	CHECK(is_same(getpid(), me, KCMP_VM, 0, 0) != 0);
	CHECK(is_same(getpid(), me, KCMP_SIGHAND, 0, 0) != 0);
	/* Files stay the same, descriptors are its own. */
	CHECK(is_same(getpid(), me, KCMP_FILE, 2, 2) != 0);
	CHECK_EQUAL(chdir("/proc"), 0);
	umask(077);
	CHECK_EQUAL(close(99), 0);
	/* A process of several threads cannot become one of one. */
	CHECK_ERRNO(unshare(CLONE_VM), EINVAL);
	CHECK_ERRNO(unshare(CLONE_SIGHAND), EINVAL);
	CHECK_ERRNO(unshare(CLONE_THREAD), EINVAL);
	return NULL;
}

static int go_to_root(void *unused)
{
	(void)unused;
	CHECK_EQUAL(unshare(CLONE_FS), 0);
	CHECK_EQUAL(chdir("/"), 0);
	return 0;
}

int main(void)
{
	char before[4096], after[4096];
	static char stack[65536] __attribute__((aligned(16)));
	has_kcmp = syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0) == 0;
	if (unshare(0) < 0) {
		/* Containers refuse the call itself. */
		CHECK_EQUAL(errno, EPERM);
		return 0;
	}
	CHECK_ERRNO(unshare(1), EINVAL);
	CHECK_EQUAL(unshare(CLONE_VM | CLONE_SIGHAND | CLONE_THREAD), 0);
	CHECK_EQUAL(chdir("/tmp"), 0);
	umask(022);
	CHECK_EQUAL(dup2(2, 99), 99);
	CHECK(getcwd(before, sizeof before) != NULL);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, give_up, NULL), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK(getcwd(after, sizeof after) != NULL);
	CHECK(strcmp(before, after) == 0);
	CHECK_EQUAL(umask(022), 022);
	CHECK_EQUAL(fcntl(99, F_GETFD), 0);

	/* What is not shared stays as it is, with the locks held through it. */
	int locked = memfd_create("locked", 0);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	CHECK_EQUAL(fcntl(locked, F_SETLK, &lock), 0);
	CHECK_EQUAL(unshare(CLONE_FILES), 0);
	pid_t rival = fork();
	if (rival == 0) {
		CHECK_ERRNO(fcntl(locked, F_SETLK, &lock), EAGAIN);
		_exit(0);
	}
	CHECK_EXITS(rival, 0);
	CHECK_EQUAL(close(locked), 0);

	/* A process that shares them with its parent. */
	pid_t child = clone(go_to_root, stack + sizeof stack, CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
	CHECK(child >= 0);
	CHECK_EXITS(child, 0);
	CHECK(getcwd(after, sizeof after) != NULL);
	CHECK(strcmp(before, after) == 0);

	if (!has_kcmp)
		return 0;
	int copy = dup(2), other = open("/dev/null", O_RDWR), another = open("/dev/null", O_RDWR);
	CHECK(copy >= 0 && other >= 0 && another >= 0);
	CHECK_EQUAL(is_same(getpid(), getpid(), KCMP_FILE, 2, copy), 1);
	CHECK_EQUAL(is_same(getpid(), getpid(), KCMP_FILE, other, another), 0);
	/* An order. */
	int order = syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, other, another);
	CHECK(order == 1 || order == 2);
	CHECK_EQUAL(syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, another, other), 3 - order);
	CHECK_ERRNO(syscall(SYS_kcmp, getpid(), getpid(), KCMP_FILE, other, 100), EBADF);
	CHECK_ERRNO(syscall(SYS_kcmp, getpid(), getpid(), 99, 0, 0), EINVAL);
	CHECK_ERRNO(syscall(SYS_kcmp, getpid(), 0x7ffffffe, KCMP_VM, 0, 0), ESRCH);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(is_same(getpid(), getppid(), KCMP_FILE, other, other), 1);
		CHECK_EQUAL(is_same(getpid(), getppid(), KCMP_VM, 0, 0), 0);
		CHECK_EQUAL(is_same(getpid(), getppid(), KCMP_FILES, 0, 0), 0);
		CHECK_EQUAL(is_same(getpid(), getppid(), KCMP_SIGHAND, 0, 0), 0);
		exit(0);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
