/* sendfile() into a pipe that takes less than was read, while another thread moves the file's position: it stays inside the file. */
#include "check.h"
#include <pthread.h>
#include <sys/sendfile.h>

#define BYTES 65536
static int file;
static volatile int is_done;

static void *rewinding(void *unused)
{
	while (!is_done) {
		CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
		off_t at = lseek(file, 0, SEEK_CUR);
		CHECK(at >= 0 && at <= BYTES);
	}
	return unused;
}

int main(void)
{
	static char bytes[BYTES], back[BYTES];
	file = open("/tmp/sendfile_race_test", O_RDWR | O_CREAT | O_TRUNC, 0600);
	CHECK(file >= 0);
	CHECK_EQUAL(unlink("/tmp/sendfile_race_test"), 0);
	CHECK_EQUAL(write(file, bytes, BYTES), BYTES);
	int ends[2];
	CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
	pthread_t thread;
	CHECK_EQUAL(pthread_create(&thread, NULL, rewinding, NULL), 0);
	for (int round = 0; round < 20000; round++) {
		/* Room for less than the file: the pipe holds 64 KiB, some of them used. */
		CHECK_EQUAL(write(ends[1], bytes, 5000), 5000);
		ssize_t sent = sendfile(ends[1], file, NULL, BYTES);
		CHECK(sent >= 0 && sent <= BYTES);
		ssize_t taken = 0, part;
		while ((part = read(ends[0], back, sizeof back)) > 0)
			taken += part;
		CHECK_EQUAL(taken, 5000 + sent);
	}
	is_done = 1;
	CHECK_EQUAL(pthread_join(thread, NULL), 0);
	off_t at = lseek(file, 0, SEEK_CUR);
	CHECK(at >= 0 && at <= BYTES);
	return 0;
}
