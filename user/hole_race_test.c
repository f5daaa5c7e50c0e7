/* Holes and shorter files under mappings that are made, touched and inherited at that moment: when the call has answered, nobody
 * sees what was there, neither through a mapping made meanwhile nor through one that a child got meanwhile. Private copies stay over
 * holes, and go with the end of the file. */
#include "check.h"
#include <pthread.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { PAGE = 4096, PAGES = 24, BYTES = PAGES * PAGE, ROUNDS = 16, MAPPERS = 2, CHILDREN = 2 };

static int file;
/* Shared with the process that forks. */
static struct {
	/* Even: the contents go away about now. Odd: they are gone. */
	volatile int phase;
	volatile int has_begun, has_checked, is_over;
} *shared;

static int sum_of(const volatile char *mapped)
{
	int sum = 0;
	for (int page = 0; page < PAGES; page++)
		sum += mapped[page * PAGE + page] != 0;
	return sum;
}

/* Asleep: those who wait shall not take the time of those who race. */
static void wait_while(volatile int *place, int value)
{
	while (__atomic_load_n(place, __ATOMIC_ACQUIRE) == value)
		usleep(200);
}

static void wait_until(volatile int *place, int value)
{
	while (__atomic_load_n(place, __ATOMIC_ACQUIRE) < value)
		usleep(200);
}

static void count(volatile int *place)
{
	__atomic_fetch_add(place, 1, __ATOMIC_ACQ_REL);
}

static int is_phase(int phase)
{
	return __atomic_load_n(&shared->phase, __ATOMIC_ACQUIRE) == phase;
}

static char *map(int protection, int kind)
{
	char *mapped = mmap(NULL, BYTES, protection, kind, file, 0);
	CHECK(mapped != MAP_FAILED);
	return mapped;
}

/* Maps and touches again and again; the last mapping of each round is looked at when the contents are gone. */
static void *map_and_touch(void *argument)
{
	int kind = (intptr_t)argument % 2 ? MAP_PRIVATE : MAP_SHARED;
	for (int phase = 0; !shared->is_over; phase += 2) {
		char *mapped = NULL;
		int has_begun = 0;
		while (is_phase(phase)) {
			if (mapped)
				CHECK_EQUAL(munmap(mapped, BYTES), 0);
			mapped = map(PROT_READ, kind);
			sum_of(mapped);
			if (!has_begun)
				count(&shared->has_begun);
			has_begun = 1;
		}
		if (shared->is_over)
			break;
		CHECK_EQUAL(sum_of(mapped), 0);
		CHECK_EQUAL(munmap(mapped, BYTES), 0);
		count(&shared->has_checked);
		wait_while(&shared->phase, phase + 1);
	}
	return NULL;
}

/* Forks, with the contents mapped and touched; the children look when they are gone. */
static void fork_meanwhile(void)
{
	char *mapped = map(PROT_READ, MAP_PRIVATE);
	for (int phase = 0; !shared->is_over; phase += 2) {
		pid_t children[CHILDREN];
		count(&shared->has_begun);
		for (int i = 0; i < CHILDREN; i++) {
			sum_of(mapped);
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0) {
				wait_while(&shared->phase, phase);
				_exit(sum_of(mapped));
			}
		}
		wait_while(&shared->phase, phase);
		for (int i = 0; i < CHILDREN; i++)
			CHECK_EXITS(children[i], 0);
		CHECK_EQUAL(sum_of(mapped), 0);
		count(&shared->has_checked);
		wait_while(&shared->phase, phase + 1);
	}
	exit(0);
}

static void race(void)
{
	static char bytes[BYTES];
	memset(bytes, 'x', sizeof bytes);
	CHECK_EQUAL(ftruncate(file, BYTES), 0);
	pid_t forker = fork();
	CHECK(forker >= 0);
	if (forker == 0)
		fork_meanwhile();
	pthread_t threads[MAPPERS];
	for (intptr_t i = 0; i < MAPPERS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, map_and_touch, (void *)i), 0);
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQUAL(pwrite(file, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
		wait_until(&shared->has_begun, MAPPERS + 1);
		CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, BYTES), 0);
		shared->has_begun = shared->has_checked = 0;
		count(&shared->phase);
		wait_until(&shared->has_checked, MAPPERS + 1);
		if (round == ROUNDS - 1)
			shared->is_over = 1;
		count(&shared->phase);
	}
	for (int i = 0; i < MAPPERS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	CHECK_EXITS(forker, 0);
}

/* Whether reading a byte is answered by SIGBUS. */
static int is_beyond(const volatile char *place)
{
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0)
		_exit(*place != 0);
	int status = wait_status(child);
	return WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS;
}

/* What is done to the file and what is then left of private copies and of other pages. */
static void check_copies(void)
{
	char bytes[BYTES];
	memset(bytes, 'o', sizeof bytes);
	CHECK_EQUAL(pwrite(file, bytes, sizeof bytes, 0), (ssize_t)sizeof bytes);
	char *copies = map(PROT_READ | PROT_WRITE, MAP_PRIVATE), *other = map(PROT_READ | PROT_WRITE, MAP_SHARED);
	CHECK_EQUAL(sum_of(copies) + sum_of(other), 2 * PAGES);
	copies[3 * PAGE] = copies[7 * PAGE] = copies[20 * PAGE] = 'c';
	CHECK_EQUAL(fallocate(file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 2 * PAGE, 8 * PAGE), 0);
	for (int page = 0; page < PAGES; page++) {
		int is_copy = page == 3 || page == 7 || page == 20, is_hole = page >= 2 && page < 10;
		CHECK_EQUAL(copies[page * PAGE], is_copy ? 'c' : is_hole ? 0 : 'o');
		CHECK_EQUAL(other[page * PAGE], is_hole ? 0 : 'o');
	}
	CHECK_EQUAL(ftruncate(file, 5 * PAGE), 0);
	CHECK(copies[3 * PAGE] == 'c' && is_beyond(&copies[7 * PAGE]) && is_beyond(&copies[20 * PAGE]) && is_beyond(&other[5 * PAGE]));
	CHECK_EQUAL(ftruncate(file, BYTES), 0);
	CHECK(copies[3 * PAGE] == 'c' && copies[7 * PAGE] == 0 && copies[20 * PAGE] == 0 && other[20 * PAGE] == 0);
	CHECK_EQUAL(munmap(copies, BYTES) | munmap(other, BYTES), 0);
}

int main(void)
{
	file = memfd_create("holes", 0);
	CHECK(file >= 0);
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(shared != MAP_FAILED);
	check_copies();
	race();
	return 0;
}
