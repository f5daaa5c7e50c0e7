/* Pipes across fork, both ways: a request and its answer, and the end of file that comes when the last writer closes. */
#include "suite.h"

int main(void)
{
	int down[2], up[2];
	CHECK_EQUAL(pipe(down), 0);
	CHECK_EQUAL(pipe(up), 0);
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char line[64];
		ssize_t got;
		close(down[1]), close(up[0]);
		while ((got = read(down[0], line, sizeof line)) > 0) {
			for (ssize_t i = 0; i < got; i++)
				line[i] ^= 0x20;
			CHECK_EQUAL(write(up[1], line, (size_t)got), got);
		}
		CHECK_EQUAL(got, 0);
		_exit(17);
	}
	close(down[0]), close(up[1]);
	for (int i = 0; i < 200; i++) {
		char line[64], back[64];
		int length = snprintf(line, sizeof line, "Message%dText", i);
		CHECK_EQUAL(write(down[1], line, (size_t)length), length);
		int filled = 0;
		while (filled < length) {
			ssize_t got = read(up[0], back + filled, sizeof back - (size_t)filled);
			CHECK(got > 0);
			filled += (int)got;
		}
		CHECK_EQUAL(filled, length);
		for (int j = 0; j < length; j++)
			CHECK_EQUAL(back[j], (char)(line[j] ^ 0x20));
	}
	close(down[1]);
	char byte;
	CHECK_EQUAL(read(up[0], &byte, 1), 0);
	CHECK_EXITS(child, 17);
	/* End of file waits for every writer, also those that fork made. */
	CHECK_EQUAL(pipe(down), 0);
	for (int i = 0; i < 3; i++)
		if (fork() == 0) {
			close(down[0]);
			sleep_ms(10 * i);
			CHECK_EQUAL(write(down[1], "x", 1), 1);
			_exit(0);
		}
	close(down[1]);
	int bytes = 0;
	while (read(down[0], &byte, 1) == 1)
		bytes++;
	CHECK_EQUAL(bytes, 3);
	for (int i = 0; i < 3; i++)
		CHECK(wait(NULL) > 0);
	return 0;
}
