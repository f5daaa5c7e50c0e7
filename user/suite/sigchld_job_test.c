/* What a shell does with SIGCHLD: children polled with WNOHANG, several reaped in one loop, and every macro of the wait status. */
#include "suite.h"

static volatile sig_atomic_t rung;
static void handler(int number) { rung += number == SIGCHLD; }

int main(void)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART };
	CHECK_EQUAL(sigaction(SIGCHLD, &action, NULL), 0);
	sigset_t set, none;
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	enum { EXITS, DIES, STOPS, KINDS };
	pid_t children[KINDS];
	for (int kind = 0; kind < KINDS; kind++) {
		children[kind] = fork();
		CHECK(children[kind] >= 0);
		if (children[kind] == 0) {
			if (kind == EXITS)
				_exit(77);
			raise(kind == DIES ? SIGKILL : SIGSTOP);
			_exit(5);
		}
	}
	int told[KINDS] = { 0 }, stops = 0, goes_on = 0, status;
	while (told[EXITS] + told[DIES] + told[STOPS] < 3) {
		pid_t found = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED);
		if (found == 0) {
			/* Nothing to tell: every change rings the bell, and it is blocked until here. */
			sigsuspend(&none);
			continue;
		}
		if (found == children[EXITS]) {
			CHECK(WIFEXITED(status) && !WIFSIGNALED(status) && !WIFSTOPPED(status) && !WIFCONTINUED(status));
			CHECK_EQUAL(WEXITSTATUS(status), 77);
			told[EXITS]++;
		} else if (found == children[DIES]) {
			CHECK(WIFSIGNALED(status) && !WIFEXITED(status) && !WIFSTOPPED(status));
			CHECK_EQUAL(WTERMSIG(status), SIGKILL);
			told[DIES]++;
		} else {
			CHECK_EQUAL(found, children[STOPS]);
			if (WIFSTOPPED(status)) {
				CHECK_EQUAL(WSTOPSIG(status), SIGSTOP);
				CHECK_EQUAL(kill(found, SIGCONT), 0);
				stops++;
			} else if (WIFCONTINUED(status)) {
				goes_on++;
			} else {
				CHECK(WIFEXITED(status));
				CHECK_EQUAL(WEXITSTATUS(status), 5);
				told[STOPS]++;
			}
		}
	}
	CHECK_EQUAL(stops, 1);
	/* It may have ended before that it went on was asked for. */
	CHECK(goes_on <= 1);
	/* All may have happened before anybody waited for it. */
	CHECK_EQUAL(sigprocmask(SIG_UNBLOCK, &set, NULL), 0);
	CHECK(rung >= 1);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	/* Many at once, one loop; the bell rings at least once for all of them. */
	rung = 0;
	for (int i = 0; i < 20; i++)
		if (fork() == 0)
			_exit(i);
	int sum = 0;
	for (int reaped = 0; reaped < 20;) {
		pid_t found = waitpid(-1, &status, WNOHANG);
		if (found == 0) {
			sigsuspend(&none);
			continue;
		}
		CHECK(found > 0);
		sum += WEXITSTATUS(status);
		reaped++;
	}
	CHECK_EQUAL(sum, 190);
	CHECK_ERRNO(waitpid(-1, &status, WNOHANG), ECHILD);
	return 0;
}
