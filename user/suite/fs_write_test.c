/* Writing files: create, overwrite, append, truncate, read back, and again through a second descriptor. */
#include "suite.h"

int main(void)
{
	const char *scratch = enter_scratch();
	write_file("file", "first contents\n");
	check_file("file", "first contents\n");
	/* Overwriting in place keeps the rest; truncating does not. */
	int file = open("file", O_RDWR);
	CHECK(file >= 0);
	CHECK_EQUAL(write(file, "FIRST", 5), 5);
	check_file("file", "FIRST contents\n");
	CHECK_EQUAL(close(file), 0);
	file = open("file", O_WRONLY | O_APPEND);
	CHECK_EQUAL(write(file, "appended\n", 9), 9);
	CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQUAL(write(file, "again\n", 6), 6);
	CHECK_EQUAL(close(file), 0);
	check_file("file", "FIRST contents\nappended\nagain\n");
	write_file("file", "short");
	check_file("file", "short");
	CHECK_EQUAL(truncate("file", 2), 0);
	check_file("file", "sh");
	CHECK_ERRNO(open("file", O_CREAT | O_EXCL | O_WRONLY, 0600), EEXIST);
	CHECK_ERRNO(open("none", O_WRONLY), ENOENT);
	CHECK_ERRNO(open(".", O_WRONLY), EISDIR);
	/* Many small writes over several blocks, read back through another descriptor as they come. */
	int writer = open("many", O_WRONLY | O_CREAT | O_TRUNC, 0600), reader = open("many", O_RDONLY);
	CHECK(writer >= 0 && reader >= 0);
	for (int i = 0; i < 3000; i++) {
		char record[16], back[16];
		int length = snprintf(record, sizeof record, "%08d\n", i);
		CHECK_EQUAL(write(writer, record, (size_t)length), length);
		CHECK_EQUAL(read(reader, back, sizeof back), length);
		CHECK(memcmp(record, back, (size_t)length) == 0);
	}
	struct stat status;
	CHECK_EQUAL(fsync(writer), 0);
	CHECK_EQUAL(fstat(writer, &status), 0);
	CHECK_EQUAL(status.st_size, 27000);
	CHECK_EQUAL(close(writer), 0);
	CHECK_EQUAL(close(reader), 0);
	CHECK_EQUAL(unlink("file"), 0);
	CHECK_EQUAL(unlink("many"), 0);
	CHECK_ERRNO(open("file", O_RDONLY), ENOENT);
	leave_scratch(scratch);
	return 0;
}
