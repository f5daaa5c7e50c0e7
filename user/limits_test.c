/* Resource limits: read, lowered, not raised past the hard one, inherited; the process limit of an ordinary user holds. */
#include "check.h"
#include <sys/resource.h>

int main(void)
{
	struct rlimit limit, again;
	CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(limit.rlim_cur <= limit.rlim_max);
	CHECK_ERRNO(getrlimit(99, &limit), EINVAL);
	CHECK_EQUAL(getrlimit(RLIMIT_STACK, &limit), 0);
	limit.rlim_cur = 1 << 20;
	CHECK_EQUAL(setrlimit(RLIMIT_STACK, &limit), 0);
	CHECK_EQUAL(getrlimit(RLIMIT_STACK, &again), 0);
	CHECK_EQUAL(again.rlim_cur, 1 << 20);
	limit.rlim_cur = 100;
	limit.rlim_max = 50;
	CHECK_ERRNO(setrlimit(RLIMIT_CORE, &limit), EINVAL);

	struct rlimit files = { 64, 64 };
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setrlimit(RLIMIT_NOFILE, &files), 0);
		int last = -1, fd;
		while ((fd = dup(1)) >= 0)
			last = fd;
		CHECK_EQUAL(errno, EMFILE);
		CHECK_EQUAL(last, 63);
		pid_t grandchild = fork();
		CHECK(grandchild >= 0);
		if (grandchild == 0) {
			CHECK_EQUAL(getrlimit(RLIMIT_NOFILE, &again), 0);
			_exit(again.rlim_cur == 64 ? 0 : 1);
		}
		CHECK_EXITS(grandchild, 0);
		if (is_superuser()) {
			struct rlimit tasks = { 3, 3 };
			CHECK_EQUAL(setrlimit(RLIMIT_NPROC, &tasks), 0);
			/* A user of our own, or another run's tasks would count. */
			CHECK_EQUAL(setuid(20000 + getpid() % 40000), 0);
			files.rlim_max = 65;
			CHECK_ERRNO(setrlimit(RLIMIT_NOFILE, &files), EPERM);
			pid_t first = fork();
			CHECK(first >= 0);
			if (first == 0)
				for (;;)
					pause();
			pid_t second = fork();
			CHECK(second >= 0);
			if (second == 0)
				for (;;)
					pause();
			CHECK_ERRNO(fork(), EAGAIN);
			kill(first, SIGKILL);
			kill(second, SIGKILL);
		}
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(prlimit(0, RLIMIT_NOFILE, NULL, &again), 0);
	CHECK(again.rlim_cur > 64);
	return 0;
}
