/* Record locks that would wait in a ring: the one who closes it is told, the others go on; chains without a ring just wait. */
#include "check.h"
#include <sys/mman.h>

enum { FILES = 2, BYTES = 4, WORKERS = 4, ROUNDS = 150 };
static int files[FILES];

static int lock(int file, int command, short kind, off_t start)
{
	struct flock lock = { .l_type = kind, .l_whence = SEEK_SET, .l_start = start, .l_len = 1 };
	return fcntl(files[file], command, &lock);
}

/* Each of `count` processes holds one byte and then waits for the next one's: exactly one is told, and giving its own up lets all go on. */
static void check_ring(int count)
{
	int ready[2], go[2], told = 0;
	char byte;
	CHECK_EQUAL(pipe(ready) | pipe(go), 0);
	pid_t children[WORKERS];
	for (int i = 0; i < count; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			int next = (i + 1) % count;
			CHECK_EQUAL(lock(i % FILES, F_SETLK, F_WRLCK, i), 0);
			CHECK_EQUAL(write(ready[1], "x", 1), 1);
			CHECK_EQUAL(read(go[0], &byte, 1), 1);
			int outcome = lock(next % FILES, F_SETLKW, i % 2 ? F_RDLCK : F_WRLCK, next);
			CHECK(outcome == 0 || errno == EDEADLK);
			_exit(outcome == 0 ? 0 : 7);
		}
	}
	for (int i = 0; i < count; i++)
		CHECK_EQUAL(read(ready[0], &byte, 1), 1);
	CHECK_EQUAL(write(go[1], "xxxx", count), count);
	for (int i = 0; i < count; i++) {
		int status;
		CHECK_EQUAL(waitpid(children[i], &status, 0), children[i]);
		CHECK(WIFEXITED(status) && (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 7));
		told += WEXITSTATUS(status) == 7;
	}
	CHECK_EQUAL(told, 1);
	close(ready[0]), close(ready[1]), close(go[0]), close(go[1]);
}

/* Many take two random bytes in random order. Whoever is told gives up and begins again: nobody waits for ever, and a byte has one owner. */
static void work(int seed, int (*owners)[BYTES])
{
	unsigned state = seed * 2654435761u + 1;
	for (int round = 0; round < ROUNDS;) {
		int file[2], byte[2], has = 0;
		for (int i = 0; i < 2; i++) {
			state = state * 1664525 + 1013904223;
			file[i] = state >> 30 & 1, byte[i] = state >> 20 & 3;
		}
		if (file[0] == file[1] && byte[0] == byte[1])
			continue;
		while (has < 2 && lock(file[has], F_SETLKW, F_WRLCK, byte[has]) == 0) {
			CHECK_EQUAL(__atomic_exchange_n(&owners[file[has]][byte[has]], getpid(), __ATOMIC_ACQ_REL), 0);
			has++;
		}
		if (has < 2)
			CHECK_EQUAL(errno, EDEADLK);
		else
			round++;
		for (int i = 0; i < has; i++) {
			CHECK_EQUAL(__atomic_exchange_n(&owners[file[i]][byte[i]], 0, __ATOMIC_ACQ_REL), getpid());
			CHECK_EQUAL(lock(file[i], F_SETLK, F_UNLCK, byte[i]), 0);
		}
	}
}

int main(void)
{
	const char *scratch = enter_scratch();
	for (int i = 0; i < FILES; i++) {
		char name[] = { '0' + i, 0 };
		files[i] = open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
		CHECK(files[i] >= 0);
	}
	for (int count = 2; count <= WORKERS; count++)
		check_ring(count);

	int(*owners)[BYTES] = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(owners != MAP_FAILED);
	pid_t workers[WORKERS];
	for (int i = 0; i < WORKERS; i++) {
		workers[i] = fork();
		if (workers[i] == 0) {
			work(i, owners);
			_exit(0);
		}
	}
	for (int i = 0; i < WORKERS; i++)
		CHECK_EXITS(workers[i], 0);
	CHECK_EQUAL(unlink("0") | unlink("1"), 0);
	leave_scratch(scratch);
	return 0;
}
