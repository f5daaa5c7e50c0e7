/* Hunts a signal that nobody wants cutting a wait short: one ignored by default or by choice must not end a call, nor undo what it began.
 *
 * Transfers larger than a pipe and a socket hold are under way while SIGCHLD, SIGWINCH, SIGURG and ignored signals rain on both ends: no
 * call answers EINTR, no byte is lost, doubled or out of order. The same for waits for a disk's answer must be tried when there are disks. */
#include "../check.h"
#include <sys/socket.h>

enum { BYTES = 4 << 20, BLOCK = 150000 };

static unsigned char byte_at(long at) { return (unsigned char)(at * 13 + at / 1000); }

static void transfer(int reader, int writer, int other_reader, int other_writer)
{
	static unsigned char bytes[BLOCK];
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		close(other_reader);
		for (long at = 0; at < BYTES; at += BLOCK) {
			long length = BYTES - at < BLOCK ? BYTES - at : BLOCK;
			for (long i = 0; i < length; i++)
				bytes[i] = byte_at(at + i);
			/* Whole: a signal that is not handled must not end it early. */
			CHECK_EQUAL(write(writer, bytes, (size_t)length), length);
		}
		_exit(0);
	}
	pid_t parent = getpid(), rain = fork();
	CHECK(rain >= 0);
	if (rain == 0) {
		static const int kinds[] = { SIGCHLD, SIGWINCH, SIGURG, SIGUSR1, SIGCONT };
		for (unsigned turn = 0;; turn++) {
			kill(parent, kinds[turn % 5]);
			kill(child, kinds[turn % 5]);
			if (turn % 8 == 0) {
				struct timespec moment = { 0, 1000 };
				nanosleep(&moment, NULL);
			}
		}
	}
	close(other_writer);
	long at = 0;
	for (ssize_t got; at < BYTES && (got = read(reader, bytes, BLOCK)) != 0; at += got) {
		CHECK(got > 0);
		for (ssize_t i = 0; i < got; i++)
			CHECK_EQUAL(bytes[i], byte_at(at + i));
	}
	CHECK_EQUAL(at, BYTES);
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(kill(rain, SIGKILL), 0);
	CHECK_KILLED(rain, SIGKILL);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	signal(SIGUSR1, SIG_IGN);
	for (int round = 0; round < rounds; round++) {
		int ends[2];
		CHECK_EQUAL(pipe(ends), 0);
		transfer(ends[0], ends[1], ends[0], ends[1]);
		close(ends[0]);
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		transfer(ends[0], ends[1], ends[0], ends[1]);
		close(ends[0]);
	}
	return 0;
}
