/* Threads on other CPUs must forget a translation before its frame is used for something else: after munmap and after mmap over
 * an area, after mprotect, and after fork has made pages copy-on-write. */
#include "check.h"
#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>

enum { PAGE = 4096, PAGES = 16, WRITERS = 3, ROUNDS = 60 };

static char *area;
static atomic_int stop, writes;
static const uint64_t MARK = 0xdeadbeefcafef00d;

static void *write_marks(void *nothing)
{
	(void)nothing;
	while (!atomic_load(&stop)) {
		for (int page = 0; page < PAGES; page++)
			*(volatile uint64_t *)(area + page * PAGE) = MARK;
		atomic_fetch_add(&writes, 1);
	}
	return NULL;
}

/* Fresh memory, probably of the frames just freed, must stay as we write it. */
static void check_fresh_memory(void)
{
	uint64_t *fresh = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(fresh != MAP_FAILED);
	for (int turn = 0; turn < 4; turn++)
		for (int page = 0; page < PAGES; page++) {
			uint64_t *word = fresh + page * PAGE / 8;
			CHECK_EQUAL(*(volatile uint64_t *)word, turn ? (uint64_t)page + turn - 1 : 0);
			*(volatile uint64_t *)word = page + turn;
		}
	CHECK_EQUAL(munmap(fresh, PAGES * PAGE), 0);
}

static void check_replacing(void)
{
	for (int round = 0; round < ROUNDS; round++) {
		CHECK(mmap(area, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == area);
		check_fresh_memory();
	}
	for (int round = 0; round < ROUNDS; round++) {
		CHECK_EQUAL(madvise(area, PAGES * PAGE, MADV_DONTNEED), 0);
		check_fresh_memory();
	}
}

/* What the child has at its beginning, no write of the parent's threads changes. */
static void check_fork(void)
{
	for (int round = 0; round < 10; round++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			uint64_t first[PAGES];
			for (int page = 0; page < PAGES; page++)
				first[page] = *(volatile uint64_t *)(area + page * PAGE + 8);
			for (int turn = 0; turn < 200; turn++)
				for (int page = 0; page < PAGES; page++)
					if (*(volatile uint64_t *)(area + page * PAGE + 8) != first[page])
						_exit(1);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
	}
}

static void *count_up(void *nothing)
{
	(void)nothing;
	for (uint64_t value = 0; !atomic_load(&stop); value++)
		for (int page = 0; page < PAGES; page++)
			*(volatile uint64_t *)(area + page * PAGE + 8) = value;
	return NULL;
}

static sigjmp_buf back;
static atomic_int faults;

static void on_fault(int number)
{
	(void)number;
	atomic_fetch_add(&faults, 1);
	siglongjmp(back, 1);
}

/* After mprotect has returned no thread can write any more. */
static void *write_until_fault(void *nothing)
{
	(void)nothing;
	if (sigsetjmp(back, 1) == 0)
		for (uint64_t value = 1;; value++)
			*(volatile uint64_t *)area = value;
	return NULL;
}

static void check_protecting(void)
{
	struct sigaction action = { .sa_handler = on_fault };
	CHECK_EQUAL(sigaction(SIGSEGV, &action, NULL), 0);
	for (int round = 0; round < 10; round++) {
		CHECK_EQUAL(mprotect(area, PAGE, PROT_READ | PROT_WRITE), 0);
		*(volatile uint64_t *)area = 0;
		pthread_t writer;
		CHECK_EQUAL(pthread_create(&writer, NULL, write_until_fault, NULL), 0);
		while (*(volatile uint64_t *)area == 0)
			sched_yield();
		CHECK_EQUAL(mprotect(area, PAGE, PROT_READ), 0);
		uint64_t seen = *(volatile uint64_t *)area;
		for (int turn = 0; turn < 100; turn++) {
			CHECK_EQUAL(*(volatile uint64_t *)area, seen);
			if (turn % 10 == 0)
				sched_yield();
		}
		CHECK_EQUAL(pthread_join(writer, NULL), 0);
	}
	CHECK_EQUAL(atomic_load(&faults), 10);
}

int main(void)
{
	area = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	pthread_t threads[WRITERS];
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, write_marks, NULL), 0);
	check_replacing();
	atomic_store(&stop, 1);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	atomic_store(&stop, 0);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, count_up, NULL), 0);
	check_fork();
	atomic_store(&stop, 1);
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	check_protecting();
	return 0;
}
