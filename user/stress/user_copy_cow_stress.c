/* Hunts a copy to user memory that is made under a lock which the copy-on-write fault needs.
 *
 * The kernel writes into pages that are shared after fork, by every kind of call that fills a caller's memory: read of pipes, files
 * and sockets, poll, epoll, select, waitpid, getdents, stat, clock_gettime, signal frames, pipe's own numbers, futex words at a thread's
 * end. Each answer is compared, and the other process's copy must stay as it was. Threads of one process do it at once, with forks beside. */
#include "../check.h"
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/sysinfo.h>

enum { PAGE = 4096, PAGES = 16, TURNS = 40 };

static char (*pages)[PAGE];
static volatile sig_atomic_t signals;
static void handler(int number) { signals += number == SIGUSR1; }

/* Every call writes to a page that is shared again since the last fork. */
static void fill_all(void)
{
	int pipes[2], sockets[2], set = epoll_create1(0);
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = 99 };
	CHECK_EQUAL(pipe((int *)pages[0]), 0);
	memcpy(pipes, pages[0], sizeof pipes);
	CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, (int *)pages[1]), 0);
	memcpy(sockets, pages[1], sizeof sockets);
	CHECK_EQUAL(write(pipes[1], "pipe", 4), 4);
	CHECK_EQUAL(write(sockets[1], "socket", 6), 6);
	CHECK_EQUAL(epoll_ctl(set, EPOLL_CTL_ADD, pipes[0], &event), 0);
	CHECK_EQUAL(epoll_wait(set, (struct epoll_event *)pages[2], 1, -1), 1);
	CHECK_EQUAL(((struct epoll_event *)pages[2])->data.u64, 99);
	struct pollfd *polled = (struct pollfd *)pages[3];
	*polled = (struct pollfd){ pipes[0], POLLIN, 0 };
	CHECK_EQUAL(poll(polled, 1, -1), 1);
	CHECK_EQUAL(polled->revents, POLLIN);
	/* The last thing the pages see before the call is a reader, so that they stay shared. */
	CHECK_EQUAL(read(pipes[0], pages[4] + PAGE - 2, 4), 4);
	CHECK(memcmp(pages[4] + PAGE - 2, "pipe", 4) == 0);
	CHECK_EQUAL(read(sockets[0], pages[6], 6), 6);
	CHECK(memcmp(pages[6], "socket", 6) == 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(21);
	CHECK_EQUAL(waitpid(child, (int *)pages[7], 0), child);
	CHECK_EQUAL(*(int *)pages[7], 21 << 8);
	CHECK_EQUAL(stat("/", (struct stat *)pages[8]), 0);
	CHECK(S_ISDIR(((struct stat *)pages[8])->st_mode));
	CHECK_EQUAL(syscall(SYS_clock_gettime, CLOCK_REALTIME, pages[9]), 0);
	CHECK(((struct timespec *)pages[9])->tv_sec > 1600000000);
	CHECK_EQUAL(sysinfo((struct sysinfo *)pages[10]), 0);
	int directory = open("/", O_RDONLY | O_DIRECTORY), self = open("/proc/self/stat", O_RDONLY);
	CHECK(syscall(SYS_getdents64, directory, pages[11], PAGE) > 0);
	CHECK(pread(self, pages[12], PAGE, 0) > 10);
	CHECK(getcwd(pages[13], PAGE) == pages[13]);
	sigset_t *pending = (sigset_t *)pages[14];
	CHECK_EQUAL(sigpending(pending), 0);
	raise(SIGUSR1);
	int numbers[] = { pipes[0], pipes[1], sockets[0], sockets[1], set, directory, self };
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		close(numbers[i]);
}

static void *forking(void *argument)
{
	for (int turn = 0; turn < TURNS; turn++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			_exit(0);
		CHECK_EXITS(child, 0);
	}
	return argument;
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK((void *)pages != MAP_FAILED);
	struct sigaction action = { .sa_handler = handler };
	CHECK_EQUAL(sigaction(SIGUSR1, &action, NULL), 0);
	for (int turn = 0; turn < rounds * TURNS; turn++) {
		memset(pages, 0xa5, PAGES * PAGE);
		int hold[2];
		CHECK_EQUAL(pipe(hold), 0);
		pid_t witness = fork();
		CHECK(witness >= 0);
		if (witness == 0) {
			char byte;
			close(hold[1]);
			(void)!read(hold[0], &byte, 1);
			for (int i = 0; i < PAGES * PAGE; i++)
				CHECK_EQUAL((unsigned char)pages[0][i], 0xa5);
			_exit(0);
		}
		close(hold[0]);
		fill_all();
		close(hold[1]);
		CHECK_EXITS(witness, 0);
	}
	/* The same with another thread that forks all the time, so that pages become shared in the middle of calls. */
	pthread_t forker;
	for (int round = 0; round < rounds; round++) {
		CHECK_EQUAL(pthread_create(&forker, NULL, forking, NULL), 0);
		for (int turn = 0; turn < TURNS; turn++)
			fill_all();
		CHECK_EQUAL(pthread_join(forker, NULL), 0);
	}
	return 0;
}
