/* Hunts one lock over a whole file system: readers that starve, or wait for each other in a circle, while files are written, renamed,
 * truncated and removed beside them, and programs are executed from the same file system.
 *
 * Every reader and every writer has a number of turns and must finish them, with the right bytes; a deadlock hangs. */
#include "../check.h"
#include <dirent.h>

enum { READERS = 8, WRITERS = 3, TURNS = 150, BYTES = 20000 };

static void fill(char *bytes, int seed)
{
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (char)(seed + i * 7);
}

static void reader(int number)
{
	static char bytes[BYTES], expected[BYTES];
	fill(expected, 1);
	for (int turn = 0; turn < TURNS; turn++) {
		int file = open("steady", O_RDONLY);
		CHECK(file >= 0);
		CHECK_EQUAL(read(file, bytes, BYTES), BYTES);
		CHECK_EQUAL(memcmp(bytes, expected, BYTES), 0);
		CHECK_EQUAL(close(file), 0);
		if (turn % 10 == number) {
			DIR *directory = opendir(".");
			int found = 0;
			for (struct dirent *entry; (entry = readdir(directory));)
				found += strcmp(entry->d_name, "steady") == 0;
			closedir(directory);
			CHECK_EQUAL(found, 1);
		}
		if (turn % 50 == 7) {
			pid_t child = fork();
			if (child == 0) {
				execl("./program", "program", "child", "12", NULL);
				_exit(1);
			}
			CHECK_EXITS(child, 12);
		}
	}
}

static void writer(int number)
{
	static char bytes[BYTES], back[BYTES];
	char name[32], other[32];
	for (int turn = 0; turn < TURNS; turn++) {
		snprintf(name, sizeof name, "written%d", number);
		snprintf(other, sizeof other, "moved%d.%d", number, turn % 5);
		fill(bytes, number + turn);
		int file = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
		CHECK(file >= 0);
		CHECK_EQUAL(write(file, bytes, BYTES), BYTES);
		CHECK_EQUAL(rename(name, other), 0);
		CHECK_EQUAL(pread(file, back, BYTES, 0), BYTES);
		CHECK_EQUAL(memcmp(bytes, back, BYTES), 0);
		CHECK_EQUAL(ftruncate(file, 100), 0);
		CHECK_EQUAL(close(file), 0);
		if (turn % 2)
			CHECK_EQUAL(unlink(other), 0);
	}
	for (int i = 0; i < 5; i++) {
		snprintf(other, sizeof other, "moved%d.%d", number, i);
		unlink(other);
	}
}

int main(int count, char **arguments)
{
	if (count == 3)
		return atoi(arguments[2]);
	int rounds = count > 1 ? atoi(arguments[1]) : 1;
	static char bytes[BYTES], copy[1 << 16];
	const char *where = getenv("SUITE_DIR");
	char directory[512];
	snprintf(directory, sizeof directory, "%s/lock_XXXXXX", where ? where : "/tmp");
	CHECK(mkdtemp(directory) != NULL);
	CHECK_EQUAL(chdir(directory), 0);
	int from = open("/proc/self/exe", O_RDONLY), to = open("program", O_WRONLY | O_CREAT, 0755), steady = open("steady", O_WRONLY | O_CREAT, 0600);
	CHECK(from >= 0 && to >= 0 && steady >= 0);
	for (ssize_t got; (got = read(from, copy, sizeof copy)) > 0;)
		CHECK_EQUAL(write(to, copy, (size_t)got), got);
	fill(bytes, 1);
	CHECK_EQUAL(write(steady, bytes, BYTES), BYTES);
	CHECK_EQUAL(close(from) | close(to) | close(steady), 0);
	for (int round = 0; round < rounds; round++) {
		pid_t children[READERS + WRITERS];
		for (int i = 0; i < READERS + WRITERS; i++) {
			children[i] = fork();
			CHECK(children[i] >= 0);
			if (children[i] == 0) {
				if (i < READERS)
					reader(i);
				else
					writer(i);
				_exit(0);
			}
		}
		for (int i = 0; i < READERS + WRITERS; i++)
			CHECK_EXITS(children[i], 0);
	}
	CHECK_EQUAL(unlink("program") | unlink("steady"), 0);
	CHECK_EQUAL(chdir("/"), 0);
	CHECK_EQUAL(rmdir(directory), 0);
	return 0;
}
