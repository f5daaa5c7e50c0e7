/* Blocks are given back: truncating and removing frees them (st_blocks, and what the file system says is free), other files' bytes and
 * inodes stay as they were, and what was freed can be used again. */
#include "suite.h"
#include <sys/statfs.h>

enum { BLOCK = 4096, BLOCKS = 64 };

static void fill(const char *path, int seed)
{
	static char bytes[BLOCK];
	int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0);
	for (int i = 0; i < BLOCKS; i++) {
		memset(bytes, seed + i, BLOCK);
		CHECK_EQUAL(write(file, bytes, BLOCK), BLOCK);
	}
	/* Some file systems choose blocks only when they must. */
	CHECK_EQUAL(fsync(file), 0);
	CHECK_EQUAL(close(file), 0);
}

static void verify(const char *path, int seed, int blocks)
{
	static unsigned char bytes[BLOCK];
	int file = open(path, O_RDONLY);
	CHECK(file >= 0);
	for (int i = 0; i < blocks; i++) {
		CHECK_EQUAL(read(file, bytes, BLOCK), BLOCK);
		for (int j = 0; j < BLOCK; j++)
			CHECK_EQUAL(bytes[j], (unsigned char)(seed + i));
	}
	CHECK_EQUAL(read(file, bytes, 1), 0);
	CHECK_EQUAL(close(file), 0);
}

int main(void)
{
	const char *scratch = enter_scratch();
	struct stat status, left, right;
	struct statfs before, full, after;
	CHECK_EQUAL(statfs(".", &before), 0);
	fill("left", 1), fill("middle", 50), fill("right", 100);
	CHECK_EQUAL(stat("left", &left), 0);
	CHECK_EQUAL(stat("right", &right), 0);
	CHECK_EQUAL(stat("middle", &status), 0);
	CHECK(status.st_blocks >= BLOCKS * BLOCK / 512);
	CHECK_EQUAL(statfs(".", &full), 0);
	/* Half of it goes. */
	CHECK_EQUAL(truncate("middle", BLOCKS / 2 * BLOCK), 0);
	CHECK_EQUAL(stat("middle", &status), 0);
	CHECK(status.st_blocks >= BLOCKS / 2 * BLOCK / 512 && status.st_blocks < BLOCKS * BLOCK / 512);
	verify("middle", 50, BLOCKS / 2);
	CHECK_EQUAL(truncate("middle", 0), 0);
	CHECK_EQUAL(stat("middle", &status), 0);
	CHECK_EQUAL(status.st_blocks, 0);
	/* Grown again it reads as zeros, not as what was there. */
	CHECK_EQUAL(truncate("middle", BLOCK), 0);
	int file = open("middle", O_RDONLY);
	char bytes[BLOCK];
	CHECK_EQUAL(read(file, bytes, BLOCK), BLOCK);
	for (int i = 0; i < BLOCK; i++)
		CHECK_EQUAL(bytes[i], 0);
	CHECK_EQUAL(close(file), 0);
	/* The neighbours are as they were. */
	for (int turn = 0; turn < 8; turn++) {
		verify("left", 1, BLOCKS);
		verify("right", 100, BLOCKS);
		CHECK_EQUAL(stat("left", &status), 0);
		CHECK(status.st_ino == left.st_ino && status.st_size == left.st_size && status.st_mode == left.st_mode);
		CHECK_EQUAL(stat("right", &status), 0);
		CHECK(status.st_ino == right.st_ino && status.st_size == right.st_size && status.st_mode == right.st_mode);
		fill("middle", 10 * turn);
		verify("middle", 10 * turn, BLOCKS);
		CHECK_EQUAL(unlink("middle"), 0);
	}
	CHECK_EQUAL(unlink("left"), 0);
	CHECK_EQUAL(unlink("right"), 0);
	/* Others may use the same file system; only on a quiet one can the sums be compared, and there they are equal. */
	CHECK_EQUAL(statfs(".", &after), 0);
	if (getenv("SUITE_DIR") == NULL && getenv("SUITE_ROOT") == NULL && before.f_blocks != 0) {
		CHECK(full.f_bfree < before.f_bfree);
		CHECK(after.f_bfree > full.f_bfree);
	}
	leave_scratch(scratch);
	return 0;
}
