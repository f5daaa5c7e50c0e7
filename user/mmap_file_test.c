/* Mapped files: private and shared, seen by read and write, a private writable mapping of a read-only descriptor. */
#include "check.h"

enum { PAGE = 4096 };

int main(void)
{
	char path[] = "/tmp/mmap_file_XXXXXX";
	int file = mkstemp(path);
	CHECK(file >= 0);
	char bytes[3 * PAGE];
	for (int i = 0; i < 3 * PAGE; i++)
		bytes[i] = (char)(i % 251);
	CHECK_EQUAL(write(file, bytes, sizeof bytes), (ssize_t)sizeof bytes);
	CHECK_EQUAL(ftruncate(file, 2 * PAGE + 100), 0);
	int reading = open(path, O_RDONLY);
	CHECK(reading >= 0);

	char *private = mmap(NULL, 3 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, reading, 0);
	CHECK(private != MAP_FAILED);
	CHECK(memcmp(private, bytes, 2 * PAGE + 100) == 0);
	for (int i = 2 * PAGE + 100; i < 3 * PAGE; i++)
		CHECK_EQUAL(private[i], 0);
	private[0] = 'P';
	char byte;
	CHECK_EQUAL(pread(file, &byte, 1, 0), 1);
	CHECK_EQUAL(byte, bytes[0]);

	char *shared = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, PAGE);
	CHECK(shared != MAP_FAILED);
	shared[7] = 'S';
	CHECK_EQUAL(pread(file, &byte, 1, PAGE + 7), 1);
	CHECK_EQUAL(byte, 'S');
	CHECK_EQUAL(pwrite(file, "W", 1, PAGE + 8), 1);
	CHECK_EQUAL(shared[8], 'W');
	CHECK_EQUAL(private[PAGE + 8], 'W');
	CHECK_EQUAL(private[0], 'P');
	CHECK_EQUAL(msync(shared, 2 * PAGE, MS_SYNC), 0);
	/* Shared with a child, too. */
	pid_t child = fork();
	if (child == 0) {
		shared[9] = 'C';
		private[1] = 'c';
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(shared[9], 'C');
	CHECK_EQUAL(private[1], bytes[1]);

	CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, reading, 0) == MAP_FAILED && errno == EACCES);
	int writing = open(path, O_WRONLY);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_SHARED, writing, 0) == MAP_FAILED && errno == EACCES);
	CHECK(mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, file, 100) == MAP_FAILED && errno == EINVAL);
	/* The mapping outlives the descriptor and the name. */
	CHECK_EQUAL(close(file) | close(reading) | close(writing) | unlink(path), 0);
	CHECK_EQUAL(shared[9], 'C');
	return 0;
}
