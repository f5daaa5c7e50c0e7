/* Hunts a lock that is still held when the kernel goes to a program and does not come back that way: at fork's child, at exec, at the end
 * of a thread, at a signal's handler and at the return from one.
 *
 * Each of these is done right after, and during, calls of every kind that take locks: names, pipes, memory, signals, processes. The next
 * call of the same kind, by anyone, would hang. */
#include "../check.h"
#include <pthread.h>
#include <setjmp.h>
#include <sys/time.h>

enum { PROCESSES = 5, TURNS = 60 };

static sigjmp_buf back;
static volatile sig_atomic_t may_jump;
static void leave(int number)
{
	if (may_jump && number == SIGALRM)
		siglongjmp(back, 1);
}

static void take_locks(int turn)
{
	char name[64];
	int ends[2];
	snprintf(name, sizeof name, "/tmp/held_%d_%d", (int)getpid(), turn % 3);
	int file = open(name, O_RDWR | O_CREAT, 0600);
	if (file >= 0) {
		(void)!write(file, name, sizeof name);
		close(file);
	}
	unlink(name);
	if (pipe(ends) == 0) {
		(void)!write(ends[1], "x", 1);
		close(ends[0]);
		close(ends[1]);
	}
	char *area = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (area != MAP_FAILED) {
		area[5000] = 1;
		munmap(area, 65536);
	}
	kill(getpid(), 0);
	(void)!getpgid(getppid());
}

static void *end_at_once(void *argument)
{
	take_locks((int)(uintptr_t)argument);
	return argument;
}

static void worker(void)
{
	struct sigaction action = { .sa_handler = leave };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	for (volatile int turn = 0; turn < TURNS; turn++) {
		take_locks(turn);
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			take_locks(turn);
			execl("/proc/self/exe", "held_lock_stress", "child", "9", NULL);
			_exit(1);
		}
		pthread_t thread;
		CHECK_EQUAL(pthread_create(&thread, NULL, end_at_once, (void *)(uintptr_t)turn), 0);
		CHECK_EQUAL(pthread_join(thread, NULL), 0);
		CHECK_EXITS(child, 9);
		/* A handler that never returns, from the middle of the same calls. */
		if (sigsetjmp(back, 1) == 0) {
			may_jump = 1;
			struct itimerval soon = { { 0, 0 }, { 0, 100 + turn * 7 } };
			setitimer(ITIMER_REAL, &soon, NULL);
			for (;;)
				take_locks(turn);
		}
		may_jump = 0;
	}
}

int main(int count, char **arguments)
{
	if (count == 3)
		return atoi(arguments[2]);
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	for (int round = 0; round < rounds; round++) {
		pid_t children[PROCESSES];
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0) {
				worker();
				/* What a handler jumped over may be left. */
				char name[64];
				for (int j = 0; j < 3; j++) {
					snprintf(name, sizeof name, "/tmp/held_%d_%d", (int)getpid(), j);
					unlink(name);
				}
				_exit(0);
			}
		}
		for (int i = 0; i < PROCESSES; i++)
			CHECK_EXITS(children[i], 0);
	}
	return 0;
}
