/* /proc as far as every program meets it: self, fd, maps, status, stat, meminfo, cmdline. */
#include "check.h"

static char text[65536];
static char *slurp(const char *path)
{
	int file = open(path, O_RDONLY);
	if (file < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	size_t got = 0;
	for (ssize_t n; (n = read(file, text + got, sizeof text - 1 - got)) > 0;)
		got += (size_t)n;
	close(file);
	text[got] = 0;
	CHECK(got > 0);
	return text;
}

int main(void)
{
	char path[64], bytes[256];
	snprintf(path, sizeof path, "%d", getpid());
	ssize_t n = readlink("/proc/self", bytes, sizeof bytes);
	CHECK(n > 0 && (size_t)n == strlen(path) && memcmp(bytes, path, (size_t)n) == 0);
	CHECK((n = readlink("/proc/self/exe", bytes, sizeof bytes - 1)) > 0);
	bytes[n] = 0;
	CHECK(strstr(bytes, "proc_test") != NULL);
	CHECK(strstr(slurp("/proc/self/cmdline"), "proc_test") != NULL);
	CHECK(strncmp(slurp("/proc/self/comm"), "proc_test", 9) == 0);
	CHECK(strstr(slurp("/proc/self/status"), "Pid:\t") != NULL);
	int pid, parent;
	char state;
	CHECK_EQUAL(sscanf(slurp("/proc/self/stat"), "%d (proc_test) %c %d", &pid, &state, &parent), 3);
	CHECK_EQUAL(pid, getpid());
	CHECK_EQUAL(parent, getppid());
	CHECK_EQUAL(state, 'R');
	/* maps has this function's page, executable, and the stack's. */
	int found = 0;
	slurp("/proc/self/maps");
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		unsigned long start, end;
		char rights[5];
		CHECK_EQUAL(sscanf(line, "%lx-%lx %4s", &start, &end, rights), 3);
		if ((unsigned long)main >= start && (unsigned long)main < end)
			{ CHECK_EQUAL(rights[2], 'x'); found |= 1; }
		if ((unsigned long)&start >= start && (unsigned long)&start < end)
			{ CHECK_EQUAL(rights[1], 'w'); found |= 2; }
	}
	CHECK_EQUAL(found, 3);
	int file = open("/dev/null", O_RDONLY);
	snprintf(path, sizeof path, "/proc/self/fd/%d", file);
	CHECK((n = readlink(path, bytes, sizeof bytes)) == 9 && memcmp(bytes, "/dev/null", 9) == 0);
	CHECK(strstr(slurp("/proc/meminfo"), "MemTotal:") != NULL);
	CHECK(strstr(slurp("/proc/mounts"), " /proc proc ") != NULL);
	CHECK(strstr(slurp("/proc/stat"), "cpu ") != NULL);
	double up;
	CHECK(sscanf(slurp("/proc/uptime"), "%lf", &up) == 1 && up > 0);
	CHECK(strstr(slurp("/proc/version"), "Linux version") != NULL);
	slurp("/proc/cpuinfo");
	slurp("/proc/loadavg");
	slurp("/proc/filesystems");
	CHECK_ERRNO(open("/proc/0x1", O_RDONLY), ENOENT);
	CHECK_ERRNO(open("/proc/99999999/stat", O_RDONLY), ENOENT);
	return 0;
}
