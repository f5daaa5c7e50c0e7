/* Orphaned process groups: one that loses its last link to its session while a member is stopped gets SIGHUP and SIGCONT; one that
 * was orphaned before is left alone, whoever of it stops and whoever ends. */
#include "check.h"

static volatile sig_atomic_t hung_up;
static void handler(int number) { hung_up += number == SIGHUP; }

static pid_t stopped_child(void)
{
	int status;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		raise(SIGSTOP);
		_exit(hung_up ? 3 : 4);
	}
	CHECK_EQUAL(waitpid(child, &status, WUNTRACED), child);
	CHECK(WIFSTOPPED(status));
	return child;
}

int main(void)
{
	signal(SIGHUP, handler);
	pid_t leader = fork();
	CHECK(leader >= 0);
	if (leader == 0) {
		/* Its parent is of another session: the group is orphaned from the start. */
		CHECK_EQUAL(setsid(), getpid());
		pid_t stopped = stopped_child();
		for (int i = 0; i < 5; i++) {
			pid_t child = fork();
			if (child == 0) {
				/* With a grandchild, which gets another parent. */
				if (fork() == 0)
					_exit(0);
				_exit(i);
			}
			CHECK_EXITS(child, i);
		}
		CHECK_EQUAL(hung_up, 0);
		CHECK_EQUAL(kill(stopped, SIGCONT), 0);
		CHECK_EXITS(stopped, 4);

		/* A job: its group's only link to the session is its leader's parent, us. */
		int told[2];
		CHECK_EQUAL(pipe(told), 0);
		pid_t job = fork();
		if (job == 0) {
			CHECK_EQUAL(setpgid(0, 0), 0);
			pid_t member = fork();
			if (member == 0) {
				raise(SIGSTOP);
				/* Both come at once; the handler runs before this goes on. */
				CHECK_EQUAL(hung_up, 1);
				CHECK_EQUAL(write(told[1], "h", 1), 1);
				_exit(0);
			}
			int status;
			CHECK_EQUAL(waitpid(member, &status, WUNTRACED), member);
			CHECK(WIFSTOPPED(status));
			_exit(0);
		}
		CHECK_EXITS(job, 0);
		char byte;
		CHECK_EQUAL(read(told[0], &byte, 1), 1);
		CHECK_EQUAL(hung_up, 0);
		_exit(0);
	}
	CHECK_EXITS(leader, 0);
	CHECK_EQUAL(hung_up, 0);
	return 0;
}
