/* lseek: from the start, from here, from the end, negative from the end, beyond it (a hole), before the start (refused). */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	char bytes[16] = "";
	int file = open(fixture("/lines.txt"), O_RDONLY);
	CHECK(file >= 0);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), 111);
	CHECK_EQUAL(lseek(file, -7, SEEK_END), 104);
	CHECK_EQUAL(read(file, bytes, 16), 7);
	CHECK(memcmp(bytes, "line15\n", 7) == 0);
	CHECK_EQUAL(lseek(file, 5, SEEK_SET), 5);
	CHECK_EQUAL(lseek(file, 3, SEEK_CUR), 8);
	CHECK_EQUAL(lseek(file, -8, SEEK_CUR), 0);
	CHECK_ERRNO(lseek(file, -1, SEEK_SET), EINVAL);
	CHECK_ERRNO(lseek(file, -112, SEEK_END), EINVAL);
	CHECK_ERRNO(lseek(file, 0, 99), EINVAL);
	CHECK_EQUAL(lseek(file, 0, SEEK_CUR), 0);
	CHECK_EQUAL(close(file), 0);
	file = open("file", O_RDWR | O_CREAT, 0600);
	CHECK_EQUAL(write(file, "start", 5), 5);
	CHECK_EQUAL(lseek(file, 10000, SEEK_SET), 10000);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), 5);
	CHECK_EQUAL(lseek(file, 9995, SEEK_CUR), 10000);
	CHECK_EQUAL(read(file, bytes, 1), 0);
	CHECK_EQUAL(write(file, "end", 3), 3);
	CHECK_EQUAL(lseek(file, 0, SEEK_END), 10003);
	CHECK_EQUAL(lseek(file, 5, SEEK_SET), 5);
	CHECK_EQUAL(read(file, bytes, 16), 16);
	for (int i = 0; i < 16; i++)
		CHECK_EQUAL(bytes[i], 0);
	CHECK_EQUAL(lseek(file, -3, SEEK_END), 10000);
	CHECK_EQUAL(read(file, bytes, 16), 3);
	CHECK(memcmp(bytes, "end", 3) == 0);
	CHECK_EQUAL(close(file), 0);
	CHECK_ERRNO(lseek(file, 0, SEEK_SET), EBADF);
	CHECK_EQUAL(unlink("file"), 0);
	leave_scratch(scratch);
	return 0;
}
