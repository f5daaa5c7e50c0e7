/* A storm of forks: several processes that fork at the same time children that fork and end at once, are ended, execute, or are left to
 * init. Nothing is lost: each parent gets each child's status once, and afterwards no zombie and none of the processes is left. */
#include "check.h"
#include <dirent.h>
#include <sys/prctl.h>

enum { FORKERS = 8, AT_ONCE = 6 };

static int *counts;

/* The child's life, told by its number; answers what its parent must see. */
static int expected_status(int number)
{
	switch (number % 5) {
	case 3:
		return SIGKILL;
	default:
		return (number & 0x7f) << 8;
	}
}

static void live(int number)
{
	char code[16], *arguments[] = { "ends", code, NULL };
	__atomic_fetch_add(counts, 1, __ATOMIC_SEQ_CST);
	switch (number % 5) {
	case 1: {
		pid_t child = fork();
		CHECK(child >= 0);
		if (child == 0)
			_exit(9);
		CHECK_EXITS(child, 9);
		break;
	}
	case 2:
		snprintf(code, sizeof code, "%d", number & 0x7f);
		execv("/proc/self/exe", arguments);
		_exit(126);
	case 3:
		kill(getpid(), SIGKILL);
		break;
	case 4:
		/* Its own child is somebody else's to wait for. */
		if (fork() == 0) {
			__atomic_fetch_add(counts + 1, 1, __ATOMIC_SEQ_CST);
			_exit(0);
		}
	}
	_exit(number & 0x7f);
}

static void storm(int children)
{
	pid_t pids[AT_ONCE];
	for (int first = 0; first < children; first += AT_ONCE) {
		for (int i = 0; i < AT_ONCE; i++) {
			pids[i] = fork();
			CHECK(pids[i] >= 0);
			if (pids[i] == 0)
				live(first + i);
		}
		for (int i = AT_ONCE - 1; i >= 0; i--)
			CHECK_EQUAL(wait_status(pids[i]), expected_status(first + i));
	}
	CHECK_ERRNO(waitpid(-1, NULL, 0), ECHILD);
	_exit(0);
}

/* How many processes have this one as their parent, zombies among them. */
static int children_in_proc(void)
{
	char path[300], text[512];
	int found = 0;
	DIR *processes = opendir("/proc");
	CHECK(processes != NULL);
	for (struct dirent *entry; (entry = readdir(processes)) != NULL;) {
		snprintf(path, sizeof path, "/proc/%s/stat", entry->d_name);
		if (atoi(entry->d_name) <= 0)
			continue;
		int file = open(path, O_RDONLY), parent = 0;
		if (file < 0)
			continue;
		ssize_t length = read(file, text, sizeof text - 1);
		close(file);
		if (length <= 0)
			continue;
		text[length] = 0;
		char *rest = strrchr(text, ')');
		CHECK(rest != NULL && sscanf(rest, ") %*c %d", &parent) == 1);
		found += parent == getpid();
	}
	closedir(processes);
	return found;
}

int main(int count, char **arguments)
{
	if (strcmp(arguments[0], "ends") == 0)
		return atoi(arguments[1]);
	int children = count > 1 ? atoi(arguments[1]) / AT_ONCE * AT_ONCE : 24;
	pid_t forkers[FORKERS];
	counts = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(counts != MAP_FAILED);
	/* Whoever loses its parent here comes to this process. */
	CHECK_EQUAL(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < FORKERS; i++) {
		forkers[i] = fork();
		CHECK(forkers[i] >= 0);
		if (forkers[i] == 0)
			storm(children);
	}
	int storms = 0, orphans = 0, status;
	for (pid_t pid; (pid = waitpid(-1, &status, 0)) > 0;) {
		CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
		int is_forker = 0;
		for (int i = 0; i < FORKERS; i++)
			is_forker |= forkers[i] == pid;
		storms += is_forker, orphans += !is_forker;
	}
	CHECK_EQUAL(errno, ECHILD);
	CHECK_EQUAL(storms, FORKERS);
	CHECK_EQUAL(orphans, FORKERS * (children / 5));
	CHECK_EQUAL(counts[1], orphans);
	CHECK_EQUAL(counts[0], FORKERS * children);
	CHECK_EQUAL(children_in_proc(), 0);
	return 0;
}
