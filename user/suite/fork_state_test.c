/* fork: descriptors (with one shared offset), handlers, masks, group, session and directory are inherited. */
#include "../check.h"

static volatile sig_atomic_t caught;
static void handler(int number) { caught = number; }

int main(void)
{
	char path[] = "/tmp/fork_state_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink(path), 0);
	CHECK_EQUAL(write(file, "0123456789", 10), 10);
	CHECK_EQUAL(lseek(file, 2, SEEK_SET), 2);
	CHECK(signal(SIGUSR1, handler) != SIG_ERR);
	CHECK(signal(SIGUSR2, SIG_IGN) != SIG_ERR);
	sigset_t blocked, now;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	CHECK_EQUAL(chdir("/tmp"), 0);
	umask(027);
	pid_t group = getpgrp(), session = getsid(0);
	pid_t child = fork();
	if (child == 0) {
		char bytes[3] = "";
		CHECK_EQUAL(read(file, bytes, 2), 2);
		CHECK(memcmp(bytes, "23", 2) == 0);
		CHECK_EQUAL(raise(SIGUSR1), 0);
		CHECK_EQUAL(caught, SIGUSR1);
		CHECK_EQUAL(raise(SIGUSR2), 0);
		CHECK_EQUAL(sigprocmask(SIG_BLOCK, NULL, &now), 0);
		CHECK(sigismember(&now, SIGTERM));
		CHECK_EQUAL(getpgrp(), group);
		CHECK_EQUAL(getsid(0), session);
		char here[64];
		CHECK(getcwd(here, sizeof here) && strcmp(here, "/tmp") == 0);
		CHECK_EQUAL(umask(0), 027);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(caught, 0);
	/* The offset is the open file's, so the child's read moved ours. */
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 4);
	return 0;
}
