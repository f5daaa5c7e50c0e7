/* /proc/PID/oom_score_adj, oom_adj and oom_score: ranges, rights, inheritance; and a process that takes all memory for the system tests.
 *
 *     oom_score_test hog [MIB]
 *
 * takes and touches memory, so many MiB or without end, and then exits with 0. */
#include "check.h"
#include <sys/prctl.h>

static char *path_of(const char *name)
{
	static char path[64];
	snprintf(path, sizeof path, "/proc/self/%s", name);
	return path;
}

static int get(const char *name)
{
	char text[32] = "";
	int file = open(path_of(name), O_RDONLY);
	CHECK(file >= 0);
	CHECK(read(file, text, sizeof text - 1) > 0);
	CHECK(strchr(text, '\n') != NULL);
	close(file);
	return atoi(text);
}

/* 0 or errno. */
static int set(const char *name, const char *value)
{
	int file = open(path_of(name), O_WRONLY);
	if (file < 0)
		return errno;
	int error = write(file, value, strlen(value)) < 0 ? errno : 0;
	close(file);
	return error;
}

static int hog(long mib)
{
	for (long i = 0; mib == 0 || i < mib; i++) {
		char *piece = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (piece == MAP_FAILED)
			return 3;
		for (int at = 0; at < 1 << 20; at += 4096)
			piece[at] = (char)i | 1;
	}
	return 0;
}

int main(int count, char **arguments)
{
	if (count > 1 && strcmp(arguments[1], "hog") == 0)
		return hog(count > 2 ? atol(arguments[2]) : 0);
	int first = get("oom_score_adj");
	int score = get("oom_score");
	CHECK(score >= 0 && score <= 2000);
	CHECK_EQUAL(set("oom_score_adj", "500"), 0);
	CHECK_EQUAL(get("oom_score_adj"), 500);
	CHECK_EQUAL(get("oom_adj"), 8);
	CHECK(get("oom_score") > score);
	CHECK_EQUAL(set("oom_score_adj", "1000\n"), 0);
	CHECK_EQUAL(get("oom_adj"), 15);
	CHECK_EQUAL(set("oom_score_adj", "1001"), EINVAL);
	CHECK_EQUAL(set("oom_score_adj", "-1001"), EINVAL);
	CHECK_EQUAL(set("oom_score_adj", "words"), EINVAL);
	CHECK_EQUAL(set("oom_adj", "16"), EINVAL);
	CHECK_EQUAL(set("oom_adj", "-18"), EINVAL);
	CHECK_EQUAL(get("oom_score_adj"), 1000);
	/* Children have it, and keep it when they execute. */
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		CHECK_EQUAL(get("oom_score_adj"), 1000);
		_exit(0);
	}
	CHECK_EXITS(child, 0);
	/* Root may go below; a root without that capability, as in a container, may not. */
	if (is_superuser() && set("oom_score_adj", "-1000") == 0) {
		CHECK_EQUAL(get("oom_score"), 0);
		CHECK_EQUAL(get("oom_adj"), -17);
		CHECK_EQUAL(set("oom_adj", "5"), 0);
		CHECK_EQUAL(get("oom_score_adj"), 294);
		/* Others may not make themselves less likely. */
		child = fork();
		if (child == 0) {
			CHECK_EQUAL(setresgid(1000, 1000, 1000), 0);
			CHECK_EQUAL(setresuid(1000, 1000, 1000), 0);
			CHECK_EQUAL(prctl(PR_SET_DUMPABLE, 1), 0);
			CHECK_EQUAL(set("oom_score_adj", "400"), 0);
			CHECK_EQUAL(set("oom_score_adj", "-1"), EACCES);
			CHECK_EQUAL(get("oom_score_adj"), 400);
			_exit(0);
		}
		CHECK_EXITS(child, 0);
		char text[16];
		snprintf(text, sizeof text, "%d", first);
		CHECK_EQUAL(set("oom_score_adj", text), 0);
	}
	return 0;
}
