/* Hunts output of several writers that is mixed within a line, so that what looks for a line does not find it.
 *
 * Processes write numbered lines at once, each line by one call, to a pipe, to a file opened for appending and to one local socket; every
 * line arrives whole, once, and each writer's in their order. */
#include "../check.h"
#include <sys/socket.h>

enum { WRITERS = 6, LINES = 300 };

static int length_of(int writer, int line) { return 20 + (writer * 37 + line * 11) % 160; }

static void write_all(int file)
{
	for (int writer = 0; writer < WRITERS; writer++) {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0) {
			for (int line = 0; line < LINES; line++) {
				char text[256];
				int length = length_of(writer, line), start = snprintf(text, sizeof text, "%d %d ", writer, line);
				memset(text + start, 'a' + writer, (size_t)(length - start - 1));
				text[length - 1] = '\n';
				CHECK_EQUAL(write(file, text, (size_t)length), length);
			}
			_exit(0);
		}
	}
}

static void read_all(FILE *from)
{
	char text[512];
	int next[WRITERS] = { 0 }, writer, line;
	while (fgets(text, sizeof text, from)) {
		CHECK_EQUAL(sscanf(text, "%d %d ", &writer, &line), 2);
		CHECK(writer >= 0 && writer < WRITERS);
		CHECK_EQUAL(line, next[writer]++);
		CHECK_EQUAL(strlen(text), length_of(writer, line));
		char *filler = strrchr(text, ' ') + 1;
		CHECK_EQUAL(strspn(filler, (char[]){ (char)('a' + writer), 0 }), strlen(filler) - 1);
	}
	for (int i = 0; i < WRITERS; i++)
		CHECK_EQUAL(next[i], LINES);
	fclose(from);
}

static void wait_all(void)
{
	for (int i = 0; i < WRITERS; i++) {
		int status;
		CHECK(wait(&status) > 0);
		CHECK_EQUAL(status, 0);
	}
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	for (int round = 0; round < rounds; round++) {
		int ends[2];
		CHECK_EQUAL(pipe(ends), 0);
		write_all(ends[1]);
		close(ends[1]);
		read_all(fdopen(ends[0], "r"));
		wait_all();
		CHECK_EQUAL(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
		write_all(ends[1]);
		close(ends[1]);
		read_all(fdopen(ends[0], "r"));
		wait_all();
		char name[] = "/tmp/torn_XXXXXX";
		int file = mkstemp(name);
		CHECK(file >= 0);
		CHECK_EQUAL(fcntl(file, F_SETFL, O_APPEND), 0);
		write_all(file);
		wait_all();
		CHECK_EQUAL(lseek(file, 0, SEEK_SET), 0);
		CHECK_EQUAL(unlink(name), 0);
		read_all(fdopen(file, "r"));
	}
	return 0;
}
