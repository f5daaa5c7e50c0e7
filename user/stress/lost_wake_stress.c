/* Hunts a lost wake-up: one that comes between a sleeper's look and its sleep.
 *
 * Pairs pass a byte to and fro, where every wait must be ended by exactly the other's next step: through pipes, through local sockets,
 * through eventfds, by SIGCHLD with sigsuspend, and by poll on two files of which either may become ready. A lost wake-up hangs. */
#include "../check.h"
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

enum { PAIRS = 4, TURNS = 3000 };

static void through_files(int kind)
{
	int there[2], back[2];
	char byte = 'x';
	uint64_t one = 1;
	if (kind == 0) {
		CHECK_EQUAL(pipe(there), 0);
		CHECK_EQUAL(pipe(back), 0);
	} else if (kind == 1) {
		int ends[2];
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		there[1] = back[0] = ends[0];
		there[0] = back[1] = ends[1];
	} else {
		there[0] = there[1] = eventfd(0, 0);
		back[0] = back[1] = eventfd(0, 0);
		CHECK(there[0] >= 0 && back[0] >= 0);
	}
	void *message = kind == 2 ? (void *)&one : (void *)&byte;
	size_t bytes = kind == 2 ? 8 : 1;
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		for (int turn = 0; turn < TURNS; turn++) {
			CHECK_EQUAL(read(there[0], message, bytes), (ssize_t)bytes);
			CHECK_EQUAL(write(back[1], message, bytes), (ssize_t)bytes);
		}
		_exit(0);
	}
	struct pollfd both[2] = { { back[0], POLLIN, 0 }, { -1, POLLIN, 0 } };
	for (int turn = 0; turn < TURNS; turn++) {
		CHECK_EQUAL(write(there[1], message, bytes), (ssize_t)bytes);
		if (turn % 3 == 0)
			CHECK_EQUAL(poll(both, 2, -1), 1);
		CHECK_EQUAL(read(back[0], message, bytes), (ssize_t)bytes);
	}
	CHECK_EXITS(child, 0);
}

static volatile sig_atomic_t rung;
static void handler(int number) { rung += number == SIGCHLD; }

static void by_signal(void)
{
	sigset_t set, none;
	sigemptyset(&none);
	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	struct sigaction action = { .sa_handler = handler };
	CHECK_EQUAL(sigaction(SIGCHLD, &action, NULL), 0);
	CHECK_EQUAL(sigprocmask(SIG_BLOCK, &set, NULL), 0);
	for (int turn = 0; turn < 300; turn++) {
		rung = 0;
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			_exit(turn & 127);
		while (!rung)
			sigsuspend(&none);
		int status;
		CHECK_EQUAL(waitpid(child, &status, WNOHANG), child);
		CHECK_EQUAL(WEXITSTATUS(status), turn & 127);
	}
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	for (int round = 0; round < rounds; round++) {
		pid_t pairs[PAIRS];
		for (int i = 0; i < PAIRS; i++) {
			pairs[i] = fork();
			CHECK(pairs[i] >= 0);
			if (pairs[i] == 0) {
				if (i < 3)
					through_files(i);
				else
					by_signal();
				_exit(0);
			}
		}
		for (int i = 0; i < PAIRS; i++)
			CHECK_EXITS(pairs[i], 0);
	}
	return 0;
}
