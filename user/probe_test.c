/* Probes of files, sockets, memory, timers, signals and programs fire when they should, each with what it says: one probe is switched on,
 * something is done, and the records are looked through. Records of different processors have the order of what they tell of, and
 * counters count every event. On a kernel without `/proc/trace` there is nothing to see. */
#include "check.h"
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

static void put(const char *file, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/trace/%s", file);
	int opened = open(path, O_WRONLY);
	CHECK(opened >= 0);
	CHECK_EQUAL(write(opened, text, strlen(text)), strlen(text));
	CHECK_EQUAL(close(opened), 0);
}

/* All that is in the rings, read until it fits. */
static char *records(void)
{
	static char text[4 << 20];
	size_t length = 0;
	int opened = open("/proc/trace/buffer", O_RDONLY);
	CHECK(opened >= 0);
	for (ssize_t count; (count = read(opened, text + length, sizeof text - 1 - length)) != 0; length += (size_t)count)
		CHECK(count > 0);
	CHECK_EQUAL(close(opened), 0);
	text[length] = 0;
	return text;
}

static void begin(const char *probe)
{
	put("buffer", "\n");
	put("enable", probe);
}

/* Ends with a complaint unless a record of `probe` has all the `words`, which NULL ends. The probe is switched off. */
static void expect(const char *probe, ...)
{
	char off[64], name[64];
	snprintf(off, sizeof off, "-%s", probe);
	put("enable", off);
	snprintf(name, sizeof name, " %s thread=", probe);
	char *text = records();
	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		if (!strstr(line, name))
			continue;
		/* So that each word ends with a blank. */
		char padded[512];
		snprintf(padded, sizeof padded, "%s ", line);
		int has_all = 1;
		va_list words;
		va_start(words, probe);
		for (const char *word; (word = va_arg(words, const char *));) {
			char wanted[128];
			snprintf(wanted, sizeof wanted, " %s ", word);
			has_all &= strstr(padded, wanted) != NULL;
		}
		va_end(words);
		if (has_all)
			return;
	}
	va_list words;
	va_start(words, probe);
	fprintf(stderr, "no record of %s with:", probe);
	for (const char *word; (word = va_arg(words, const char *));)
		fprintf(stderr, " %s", word);
	va_end(words);
	fprintf(stderr, "\n");
	exit(1);
}

static const char *number(const char *name, unsigned long long value)
{
	static char texts[8][64];
	static int next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0], "%s=%llu", name, value);
	return text;
}

static const char *address(const char *name, const void *value)
{
	static char texts[8][64];
	static int next;
	char *text = texts[next++ % 8];
	snprintf(text, sizeof texts[0], "%s=%#lx", name, (unsigned long)value);
	return text;
}

static void files(void)
{
	char path[] = "/tmp/probes-XXXXXX", byte[100] = { 0 };
	int file = mkstemp(path);
	CHECK(file >= 0);
	struct stat data;
	CHECK_EQUAL(fstat(file, &data), 0);
	const char *inode = number("inode", data.st_ino);

	begin("io:::write");
	CHECK_EQUAL(pwrite(file, byte, 77, 5000), 77);
	expect("io:::write", inode, "offset=5000", "bytes=77", NULL);
	begin("io:::read");
	CHECK_EQUAL(pread(file, byte, 100, 5000), 77);
	expect("io:::read", inode, "offset=5000", "bytes=77", NULL);
	begin("io:::add");
	CHECK_EQUAL(pwrite(file, byte, 1, 40960), 1);
	expect("io:::add", "index=10", "is_to_write=1", NULL);
	begin("io:::truncate");
	CHECK_EQUAL(ftruncate(file, 12345), 0);
	expect("io:::truncate", "bytes=12345", NULL);
	CHECK(unlink(path) == 0 && close(file) == 0);

	/* A program's own file comes from a store; this part of it nobody has read yet, perhaps. */
	int self = open("/proc/self/exe", O_RDONLY);
	CHECK(self >= 0 && fstat(self, &data) == 0);
	begin("io:::read");
	CHECK_EQUAL(pread(self, byte, 10, 3), 10);
	expect("io:::read", number("inode", data.st_ino), "offset=3", "bytes=10", NULL);
	CHECK_EQUAL(close(self), 0);
}

static void sockets(void)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "probes-%d", getpid());
	socklen_t length = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(name.sun_path + 1));
	int listener = socket(AF_UNIX, SOCK_STREAM, 0), client = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(listener >= 0 && client >= 0);
	CHECK_EQUAL(bind(listener, (struct sockaddr *)&name, length), 0);
	begin("net:::listen");
	CHECK_EQUAL(listen(listener, 9), 0);
	expect("net:::listen", "backlog=9", NULL);
	begin("net:::connect");
	CHECK_EQUAL(connect(client, (struct sockaddr *)&name, length), 0);
	expect("net:::connect", NULL);
	begin("net:::accept");
	int server = accept(listener, NULL, NULL);
	CHECK(server >= 0);
	expect("net:::accept", NULL);
	begin("net:::send");
	CHECK_EQUAL(send(client, "twelve bytes", 12, 0), 12);
	expect("net:::send", "bytes=12", NULL);
	char bytes[20];
	begin("net:::receive");
	CHECK_EQUAL(recv(server, bytes, 5, 0), 5);
	CHECK_EQUAL(recv(server, bytes, sizeof bytes, 0), 7);
	expect("net:::receive", "bytes=7", NULL);
	begin("net:::shutdown");
	CHECK_EQUAL(shutdown(client, SHUT_WR), 0);
	expect("net:::shutdown", "how=1", NULL);
	begin("net:::close");
	CHECK_EQUAL(close(server), 0);
	expect("net:::close", NULL);
	CHECK(close(client) == 0 && close(listener) == 0);
}

static void memory(void)
{
	const size_t page = 4096, block = 2 << 20;
	char *area = mmap(NULL, 3 * block, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(area != MAP_FAILED);
	begin("vminfo:::anonymous");
	*(volatile char *)area;
	expect("vminfo:::anonymous", address("addr", area), "is_write=0", NULL);
	begin("vminfo:::cow_copy");
	*(volatile char *)area = 1;
	expect("vminfo:::cow_copy", address("addr", area), NULL);
	begin("vminfo:::fault_entry");
	*(volatile char *)(area + page + 8) = 1;
	expect("vminfo:::fault_entry", address("addr", area + page + 8), "kind=1", "is_present=0", NULL);
	begin("vminfo:::protect");
	CHECK_EQUAL(mprotect(area, page, PROT_READ), 0);
	expect("vminfo:::protect", address("addr", area), "bytes=4096", "rights=0x1", NULL);
	CHECK_EQUAL(mprotect(area, page, PROT_READ | PROT_WRITE), 0);

	/* A block is given where there is one and it was asked for. */
	char *second = (char *)(((uintptr_t)area + block) & ~(block - 1));
	if (second == area)
		second += block;
	if (madvise(second, block, MADV_HUGEPAGE) == 0) {
		put("buffer", "\n");
		put("enable", "vminfo:::block*");
		*(volatile char *)second = 1;
		CHECK_EQUAL(mprotect(second, page, PROT_READ), 0);
		int is_given = strstr(records(), " vminfo:::block thread=") != NULL;
		if (is_given) {
			expect("vminfo:::block", address("addr", second), NULL);
			expect("vminfo:::block_split", address("addr", second), NULL);
		}
		put("enable", "-vminfo:::block*");
	}
	begin("vminfo:::unmap");
	CHECK_EQUAL(munmap(area, 3 * block), 0);
	expect("vminfo:::unmap", address("addr", area), number("bytes", 3 * block), NULL);
}

static void on_signal(int signal) { (void)signal; }

static void signals(void)
{
	signal(SIGUSR1, SIG_IGN);
	begin("proc:::signal_discard");
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	expect("proc:::signal_discard", number("signal", SIGUSR1), number("tid", (unsigned)getpid()), NULL);
	signal(SIGUSR1, on_signal);
	begin("proc:::signal_handle");
	CHECK_EQUAL(kill(getpid(), SIGUSR1), 0);
	expect("proc:::signal_handle", number("signal", SIGUSR1), number("tid", (unsigned)getpid()), NULL);
	begin("proc:::exec_failure");
	char *none[] = { NULL };
	CHECK_ERRNO(execve("/no/such/program", none, none), ENOENT);
	expect("proc:::exec_failure", number("error", ENOENT), number("tid", (unsigned)getpid()), NULL);
	begin("proc:::fault");
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		char *volatile nowhere = (char *)16;
		*(volatile char *)nowhere;
		_exit(0);
	}
	CHECK_KILLED(child, SIGSEGV);
	expect("proc:::fault", number("signal", SIGSEGV), "code=1", "addr=0x10", number("tid", (unsigned)child), NULL);
}

static void timers(void)
{
	begin("timer:::arm");
	sleep_ms(1);
	expect("timer:::arm", NULL);
	begin("timer:::expire");
	sleep_ms(1);
	expect("timer:::expire", NULL);
	put("buffer", "\n");
	put("enable", "sched:::to_*");
	for (int i = 0; i < 3; i++)
		getppid();
	expect("sched:::to_user", NULL);
	expect("sched:::to_kernel", NULL);
	put("enable", "-sched:::to_*");
}

/* A byte goes to and fro between two processes, on two processors if there are so many. The calls that receive it can only end in turn, and
 * so must their times: records are merged by those. */
enum { ROUNDS = 100 };

static void stay_on(int processor)
{
	cpu_set_t set;
	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	CHECK_EQUAL(sched_setaffinity(0, sizeof set, &set), 0);
}

static int times_of(char *text, pid_t tid, unsigned long long times[])
{
	char wanted[64], call[32];
	int count = 0;
	snprintf(call, sizeof call, " number=%d result=1 ", SYS_read);
	snprintf(wanted, sizeof wanted, "%stid=%d\n", call, tid);
	for (char *line = text; line && *line; line = strchr(line, '\n'), line += line != NULL) {
		char *end = strchr(line, '\n');
		char *found = strstr(line, wanted);
		unsigned long long ticks;
		if (found && end && found < end && count < ROUNDS && sscanf(line, "%*d %*d %llu", &ticks) == 1)
			times[count++] = ticks;
	}
	return count;
}

static void order(void)
{
	cpu_set_t allowed;
	CHECK_EQUAL(sched_getaffinity(0, sizeof allowed, &allowed), 0);
	int first = -1, last = 0;
	for (int i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &allowed)) {
			first = first < 0 ? i : first;
			last = i;
		}
	int to[2], fro[2];
	char byte = 0;
	CHECK(pipe(to) == 0 && pipe(fro) == 0);
	begin("syscall:::return");
	pid_t child = fork();
	CHECK(child >= 0);
	if (child == 0) {
		stay_on(last);
		for (int i = 0; i < ROUNDS; i++)
			CHECK(read(to[0], &byte, 1) == 1 && write(fro[1], &byte, 1) == 1);
		_exit(0);
	}
	stay_on(first);
	for (int i = 0; i < ROUNDS; i++)
		CHECK(write(to[1], &byte, 1) == 1 && read(fro[0], &byte, 1) == 1);
	put("enable", "-syscall:::return");
	CHECK_EXITS(child, 0);
	CHECK_EQUAL(sched_setaffinity(0, sizeof allowed, &allowed), 0);
	static unsigned long long ours[ROUNDS], theirs[ROUNDS];
	char *text = records();
	CHECK_EQUAL(times_of(text, child, theirs), ROUNDS);
	CHECK_EQUAL(times_of(text, getpid(), ours), ROUNDS);
	for (int i = 0; i < ROUNDS; i++) {
		CHECK(theirs[i] <= ours[i]);
		CHECK(i + 1 == ROUNDS || ours[i] <= theirs[i + 1]);
	}
}

enum { THREADS = 4, CALLS = 25000 };

static unsigned long long calls_counted(void)
{
	char text[512];
	FILE *counters = fopen("/proc/trace/counters", "r");
	unsigned long long total = 0;
	CHECK(counters != NULL);
	while (fgets(text, sizeof text, counters) && sscanf(text, "syscall_total %llu", &total) != 1)
		;
	CHECK(total != 0 && fclose(counters) == 0);
	return total;
}

static void *call_often(void *nothing)
{
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getppid);
	return nothing;
}

/* Threads on all processors, interrupted as they count. What is counted besides is ours to make and read them, and the test's surroundings. */
static void counters(void)
{
	pthread_t threads[THREADS];
	unsigned long long before = calls_counted();
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_create(&threads[i], NULL, call_often, NULL), 0);
	for (int i = 0; i < THREADS; i++)
		CHECK_EQUAL(pthread_join(threads[i], NULL), 0);
	unsigned long long counted = calls_counted() - before;
	CHECK(counted >= THREADS * CALLS && counted < THREADS * CALLS + 1000);
}

int main(void)
{
	if (access("/proc/trace/enable", W_OK) != 0)
		return 0;
	files();
	sockets();
	memory();
	signals();
	timers();
	order();
	counters();
	put("enable", "0");
	return 0;
}
