/* Names made, moved, looked up, listed and removed by several processes at once: nothing is lost, doubled or left over. */
#include "check.h"
#include <dirent.h>

#define PROCESSES 4
#define TURNS 400

static void touch(const char *name)
{
	int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0644);
	CHECK(file >= 0);
	CHECK_EQUAL(close(file), 0);
}

/* Each process moves its own file through directories that all share, while others look and list. */
static void work(int me)
{
	char name[64], other[64];
	uint64_t random = 88172645463325252ull + me;
	struct stat status;
	snprintf(name, sizeof name, "d0/own%d", me);
	touch(name);
	for (int turn = 0; turn < TURNS; turn++) {
		snprintf(other, sizeof other, "d%d/own%d", (int)(next_random(&random) % 3), me);
		CHECK_EQUAL(rename(name, other), 0);
		strcpy(name, other);
		CHECK_EQUAL(stat(name, &status), 0);
		CHECK_EQUAL(status.st_nlink, 1);
		/* One name that all of them fight for. */
		int file = open("d1/fought", O_WRONLY | O_CREAT, 0644);
		CHECK(file >= 0);
		CHECK_EQUAL(close(file), 0);
		CHECK(unlink("d1/fought") == 0 || errno == ENOENT);
		/* A directory that is there or not. */
		CHECK(mkdir("d2/sub", 0755) == 0 || errno == EEXIST);
		file = open("d2/sub/file", O_WRONLY | O_CREAT, 0644);
		CHECK(file >= 0 || errno == ENOENT);
		if (file >= 0)
			CHECK_EQUAL(close(file), 0);
		CHECK(unlink("d2/sub/file") == 0 || errno == ENOENT);
		CHECK(rmdir("d2/sub") == 0 || errno == ENOENT || errno == ENOTEMPTY);
		if (turn % 16 == 0) {
			DIR *directory = opendir("d1");
			CHECK(directory != NULL);
			int found = 0;
			for (struct dirent *entry; (entry = readdir(directory));)
				found++;
			CHECK(found >= 2 && found <= PROCESSES + 5);
			closedir(directory);
		}
	}
	CHECK_EQUAL(unlink(name), 0);
	exit(0);
}

int main(void)
{
	const char *scratch = enter_scratch();
	for (int i = 0; i < 3; i++) {
		char name[8];
		snprintf(name, sizeof name, "d%d", i);
		CHECK_EQUAL(mkdir(name, 0755), 0);
	}
	pid_t children[PROCESSES];
	for (int i = 0; i < PROCESSES; i++)
		if ((children[i] = fork()) == 0)
			work(i);
	for (int i = 0; i < PROCESSES; i++)
		CHECK_EXITS(children[i], 0);
	struct stat status;
	CHECK_EQUAL(stat("d2", &status), 0);
	unlink("d1/fought");
	unlink("d2/sub/file");
	rmdir("d2/sub");
	CHECK_EQUAL(stat("d2", &status), 0);
	CHECK_EQUAL(status.st_nlink, 2);
	CHECK_EQUAL(rmdir("d0") | rmdir("d1") | rmdir("d2"), 0);
	leave_scratch(scratch);
	return 0;
}
