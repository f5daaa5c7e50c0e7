/* Reads the fixture /hello.txt: whole, in pieces, past its end, and by stat's size. */
#include "suite.h"

int main(void)
{
	char text[64] = "";
	struct stat status;
	int file = open(fixture("/hello.txt"), O_RDONLY);
	CHECK(file >= 0);
	CHECK_EQUAL(fstat(file, &status), 0);
	CHECK(S_ISREG(status.st_mode));
	CHECK_EQUAL(status.st_size, 17);
	CHECK_EQUAL(read(file, text, sizeof text), 17);
	CHECK(strcmp(text, "Hello from Ochre\n") == 0);
	CHECK_EQUAL(read(file, text, sizeof text), 0);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	for (int i = 0; i < 17; i++) {
		char byte;
		CHECK_EQUAL(read(file, &byte, 1), 1);
		CHECK_EQUAL(byte, text[i]);
	}
	CHECK_ERRNO(write(file, "x", 1), EBADF);
	CHECK_EQUAL(close(file), 0);
	check_file(fixture("/empty.txt"), "");
	check_file(fixture("/test/nested.txt"), "nested file\n");
	check_file(fixture("/deep/path/to/file/data.txt"), "deep data\n");
	CHECK_ERRNO(open(fixture("/missing.txt"), O_RDONLY), ENOENT);
	CHECK_ERRNO(open(fixture("/hello.txt/below"), O_RDONLY), ENOTDIR);
	file = open(fixture("/test"), O_RDONLY);
	CHECK(file >= 0);
	CHECK_ERRNO(read(file, text, 1), EISDIR);
	return 0;
}
