/* A file's pages change under those who have mapped them: by write, through a shared mapping of another process, by truncation. All see it,
 * but for private copies.
 *
 *     mapped_write_test [FILE]
 *
 * FILE, of five pages or more, is used and damaged instead of a new one: how a file came to be must make no difference. */
#include "check.h"
#include <setjmp.h>

enum { PAGE = 4096, PAGES = 5 };

static unsigned char before[PAGES * PAGE];
static sigjmp_buf after_fault;

static void on_fault(int number)
{
	siglongjmp(after_fault, number);
}

static int fault_of(volatile unsigned char *place)
{
	int number = sigsetjmp(after_fault, 1);
	if (number == 0)
		(void)*place;
	return number;
}

static unsigned char *map(int file, int protection, int flags)
{
	unsigned char *at = mmap(NULL, PAGES * PAGE, protection, flags, file, 0);
	CHECK(at != MAP_FAILED);
	return at;
}

int main(int count, char **arguments)
{
	char path[] = "/tmp/mapped_write_XXXXXX";
	int file;
	CHECK(signal(SIGBUS, on_fault) != SIG_ERR);
	if (count > 1) {
		file = open(arguments[1], O_RDWR);
		CHECK(file >= 0);
	} else {
		file = mkstemp(path);
		CHECK(file >= 0);
		for (int i = 0; i < PAGES * PAGE; i++)
			before[i] = (unsigned char)(i * 7 + i / PAGE);
		CHECK_EQUAL(write(file, before, sizeof before), (ssize_t)sizeof before);
		CHECK_EQUAL(unlink(path), 0);
	}
	CHECK_EQUAL(pread(file, before, sizeof before, 0), (ssize_t)sizeof before);
	unsigned char *shared = map(file, PROT_READ, MAP_SHARED), *only_read = map(file, PROT_READ, MAP_PRIVATE);
	unsigned char *copied = map(file, PROT_READ | PROT_WRITE, MAP_PRIVATE);
	/* Touched by reading, all of it, before anything changes. */
	CHECK(memcmp(shared, before, sizeof before) == 0 && memcmp(only_read, before, sizeof before) == 0);
	CHECK(memcmp(copied, before, sizeof before) == 0);
	copied[10] = (unsigned char)~before[10];
	CHECK_EQUAL(shared[10], before[10]);

	int ends[2], back[2];
	CHECK_EQUAL(pipe(ends), 0);
	CHECK_EQUAL(pipe(back), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char step;
		unsigned char *writable = map(file, PROT_READ | PROT_WRITE, MAP_SHARED);
		CHECK_EQUAL(writable[2 * PAGE + 5], before[2 * PAGE + 5]);
		CHECK_EQUAL(write(back[1], "a", 1), 1);
		CHECK_EQUAL(read(ends[0], &step, 1), 1);
		CHECK_EQUAL(shared[PAGE + 1], (unsigned char)~before[PAGE + 1]);
		CHECK_EQUAL(only_read[PAGE + 1], (unsigned char)~before[PAGE + 1]);
		CHECK_EQUAL(writable[PAGE + 1], (unsigned char)~before[PAGE + 1]);
		/* First read, then written, through one mapping; the kernel writes into another page of it. */
		writable[2 * PAGE + 5] = (unsigned char)~before[2 * PAGE + 5];
		CHECK_EQUAL(pread(file, writable + 3 * PAGE, 16, 0), 16);
		CHECK_EQUAL(write(back[1], "b", 1), 1);
		_exit(0);
	}
	char step;
	CHECK_EQUAL(read(back[0], &step, 1), 1);
	unsigned char changed = (unsigned char)~before[PAGE + 1];
	CHECK_EQUAL(pwrite(file, &changed, 1, PAGE + 1), 1);
	CHECK_EQUAL(shared[PAGE + 1], changed);
	CHECK_EQUAL(only_read[PAGE + 1], changed);
	/* This page of the copy was never written. */
	CHECK_EQUAL(copied[PAGE + 1], changed);
	CHECK_EQUAL(shared[PAGE + 2], before[PAGE + 2]);
	CHECK_EQUAL(write(ends[1], "x", 1), 1);
	CHECK_EQUAL(read(back[0], &step, 1), 1);
	CHECK_EXITS(child, 0);
	changed = (unsigned char)~before[2 * PAGE + 5];
	CHECK_EQUAL(shared[2 * PAGE + 5], changed);
	CHECK_EQUAL(only_read[2 * PAGE + 5], changed);
	CHECK(memcmp(shared + 3 * PAGE, before, 16) == 0);
	CHECK(memcmp(shared + 3 * PAGE + 16, before + 3 * PAGE + 16, PAGE - 16) == 0);
	unsigned char read_back[16];
	CHECK_EQUAL(pread(file, read_back, 16, 3 * PAGE), 16);
	CHECK(memcmp(read_back, before, 16) == 0);
	CHECK_EQUAL(copied[10], (unsigned char)~before[10]);

	/* Shorter: the rest of the last page is zeros, in mappings too, and what lies behind is gone. */
	CHECK_EQUAL(ftruncate(file, 4 * PAGE + 100), 0);
	CHECK_EQUAL(shared[4 * PAGE + 99], before[4 * PAGE + 99]);
	for (int i = 100; i < PAGE; i++)
		CHECK_EQUAL(shared[4 * PAGE + i], 0);
	CHECK_EQUAL(ftruncate(file, PAGE), 0);
	CHECK_EQUAL(fault_of(shared + PAGE), SIGBUS);
	CHECK_EQUAL(fault_of(only_read + 4 * PAGE), SIGBUS);
	CHECK_EQUAL(fault_of(copied + 4 * PAGE), SIGBUS);
	CHECK_EQUAL(copied[10], (unsigned char)~before[10]);
	CHECK_EQUAL(ftruncate(file, PAGES * PAGE), 0);
	CHECK_EQUAL(shared[PAGE + 1], 0);
	CHECK_EQUAL(copied[4 * PAGE + 7], 0);
	CHECK_EQUAL(shared[11], before[11]);
	return 0;
}
