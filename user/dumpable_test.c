/* Whether others may look into a program, and timer slack: both are stored, inherited, and reset as Linux does it. */
#include "check.h"
#include <pthread.h>
#include <sys/prctl.h>

static void *slack_of_thread(void *unused)
{
	(void)unused;
	CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), 777);
	CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 5), 0);
	CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), 777);
	CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 9), 0);
	return NULL;
}

static uid_t owner(pid_t pid, const char *file)
{
	char name[64];
	struct stat status;
	snprintf(name, sizeof name, "/proc/%d/%s", pid, file);
	CHECK_EQUAL(stat(name, &status), 0);
	return status.st_uid;
}

int main(int count, char **arguments)
{
	/* After exec: as after fork for slack, one again for dumpable. */
	if (count == 2) {
		CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), 777);
		CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 1);
		CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 0), 0);
		return prctl(PR_GET_TIMERSLACK) == atoi(arguments[1]) ? 0 : 1;
	}
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 1);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, 2), EINVAL);
	CHECK_ERRNO(prctl(PR_SET_DUMPABLE, -1L), EINVAL);
	CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(prctl(PR_GET_DUMPABLE));
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 1), 0);
	CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 1);

	int first = prctl(PR_GET_TIMERSLACK);
	CHECK_EQUAL(first, 50000);
	CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 777), 0);
	CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), 777);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, slack_of_thread, NULL), 0);
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), 777);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 0), 0);
		execl("/proc/self/exe", "again", "777", NULL);
		_exit(9);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(prctl(PR_SET_TIMERSLACK, 0), 0);
	CHECK_EQUAL(prctl(PR_GET_TIMERSLACK), first);

	/* Another user's rights make it so; the files in /proc then belong to the superuser, and others are kept out. */
	if (!is_superuser())
		return 0;
	int ready[2], over[2];
	char byte;
	CHECK_EQUAL(pipe(ready) | pipe(over), 0);
	child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(setresgid(1234, 1234, 1234), 0);
		CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
		CHECK_EQUAL(prctl(PR_GET_DUMPABLE), 0);
		CHECK_EQUAL(owner(getpid(), "status"), 0);
		CHECK_EQUAL(owner(getpid(), ""), 1234);
		CHECK_EQUAL(write(ready[1], "x", 1), 1);
		CHECK_EQUAL(read(over[0], &byte, 1), 1);
		CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 1), 0);
		CHECK_EQUAL(owner(getpid(), "status"), 1234);
		CHECK_EQUAL(write(ready[1], "x", 1), 1);
		CHECK_EQUAL(read(over[0], &byte, 1), 1);
		_exit(0);
	}
	CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	for (int round = 0; round < 2; round++) {
		pid_t looker = fork();
		CHECK(looker >= 0);
		if (looker == 0) {
			char name[64], target[64];
			CHECK_EQUAL(setresgid(1234, 1234, 1234), 0);
			CHECK_EQUAL(setresuid(1234, 1234, 1234), 0);
			snprintf(name, sizeof name, "/proc/%d/cwd", child);
			if (round == 0)
				CHECK_ERRNO(readlink(name, target, sizeof target), EACCES);
			else
				CHECK(readlink(name, target, sizeof target) > 0);
			_exit(0);
		}
		CHECK_EXITS(looker, 0);
		CHECK_EQUAL(write(over[1], "x", 1), 1);
		if (round == 0)
			CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	}
	CHECK_EXITS(child, 0);
	return 0;
}
