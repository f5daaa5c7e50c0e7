/* The memory devices: null, zero, full, random. */
#include "../check.h"

int main(void)
{
	char bytes[256];
	int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR), full = open("/dev/full", O_RDWR);
	int random = open("/dev/urandom", O_RDONLY);
	CHECK(null >= 0 && zero >= 0 && full >= 0 && random >= 0);
	CHECK_EQUAL(read(null, bytes, 256), 0);
	CHECK_EQUAL(write(null, bytes, 256), 256);
	memset(bytes, 1, 256);
	CHECK_EQUAL(read(zero, bytes, 256), 256);
	for (int i = 0; i < 256; i++)
		CHECK_EQUAL(bytes[i], 0);
	CHECK_EQUAL(write(zero, bytes, 256), 256);
	CHECK_ERRNO(write(full, bytes, 256), ENOSPC);
	CHECK_EQUAL(read(full, bytes, 256), 256);
	CHECK_EQUAL(read(random, bytes, 256), 256);
	int kinds = 0, seen[256] = { 0 };
	for (int i = 0; i < 256; i++)
		kinds += seen[(unsigned char)bytes[i]]++ == 0;
	CHECK(kinds > 100);
	struct stat status;
	CHECK_EQUAL(stat("/dev/null", &status), 0);
	CHECK(S_ISCHR(status.st_mode));
	CHECK_EQUAL(status.st_rdev, 0x103);
	return 0;
}
