/* Files beyond what ext2 finds without indirect blocks (12 blocks, 48 KiB): 64 KiB, then 5 MiB, every byte read back, and a hole. */
#include "suite.h"

static unsigned char bytes[65536], back[65536];

static void fill(uint64_t seed)
{
	for (size_t i = 0; i < sizeof bytes; i += 8) {
		uint64_t word = next_random(&seed);
		memcpy(bytes + i, &word, 8);
	}
}

int main(void)
{
	const char *scratch = enter_scratch();
	int file = open("large", O_RDWR | O_CREAT | O_EXCL, 0600);
	CHECK(file >= 0);
	fill(1);
	CHECK_EQUAL(write(file, bytes, sizeof bytes), (ssize_t)sizeof bytes);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(read(file, back, sizeof back), (ssize_t)sizeof back);
	CHECK(memcmp(bytes, back, sizeof bytes) == 0);
	/* Across the border, in pieces that fit no block. */
	for (int at = 49152 - 3000; at < 49152 + 3000; at += 999) {
		CHECK_EQUAL(pread(file, back, 999, at), 999);
		CHECK(memcmp(back, bytes + at, 999) == 0);
	}
	for (int i = 1; i < 80; i++) {
		fill((uint64_t)i + 1);
		CHECK_EQUAL(pwrite(file, bytes, sizeof bytes, (off_t)i * 65536), (ssize_t)sizeof bytes);
	}
	struct stat status;
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_size, 80 * 65536);
	CHECK(status.st_blocks >= 80 * 128);
	CHECK_EQUAL(close(file), 0);
	file = open("large", O_RDWR);
	for (int i = 79; i >= 0; i--) {
		fill((uint64_t)i + 1);
		CHECK_EQUAL(pread(file, back, sizeof back, (off_t)i * 65536), (ssize_t)sizeof back);
		CHECK(memcmp(bytes, back, sizeof bytes) == 0);
	}
	/* A byte far out: a hole before it that reads as zeros and takes no room. */
	CHECK_EQUAL(pwrite(file, "!", 1, 100 << 20), 1);
	CHECK_EQUAL(pread(file, back, 4096, 50 << 20), 4096);
	for (int i = 0; i < 4096; i++)
		CHECK_EQUAL(back[i], 0);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK_EQUAL(status.st_size, (100 << 20) + 1);
	CHECK(status.st_blocks < 90 * 128);
	CHECK_EQUAL(close(file), 0);
	CHECK_EQUAL(unlink("large"), 0);
	leave_scratch(scratch);
	return 0;
}
