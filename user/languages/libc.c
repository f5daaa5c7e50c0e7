/* What every C library has: formatted output, memory, sorting, files, processes, pipes, signals, time, environment. Built with musl
 * and glibc from the same text. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#ifdef THREADS
#include <pthread.h>
#endif

static volatile sig_atomic_t seen;
static jmp_buf back;

static void handler(int number)
{
	seen += number;
}

static int compare(const void *one, const void *two)
{
	return *(const int *)one - *(const int *)two;
}

static void sums(int count, ...)
{
	va_list list;
	long long whole = 0;
	double part = 0;
	va_start(list, count);
	for (int i = 0; i < count; i++) {
		whole += va_arg(list, long long);
		part += va_arg(list, double);
	}
	va_end(list);
	printf("sums %lld %.3f\n", whole, part);
}

#ifdef THREADS
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t turn = PTHREAD_COND_INITIALIZER;
static __thread int own;
static long total;
static int ready;

static void *worker(void *number)
{
	own = (int)(long)number;
	pthread_mutex_lock(&lock);
	ready++;
	pthread_cond_broadcast(&turn);
	while (ready < 4)
		pthread_cond_wait(&turn, &lock);
	pthread_mutex_unlock(&lock);
	for (int i = 0; i < 10000; i++) {
		pthread_mutex_lock(&lock);
		total += own;
		pthread_mutex_unlock(&lock);
	}
	return (void *)(long)(own * own);
}

static void threads(void)
{
	pthread_t thread[4];
	long squares = 0;
	for (long i = 0; i < 4; i++)
		if (pthread_create(&thread[i], NULL, worker, (void *)(i + 1)) != 0)
			printf("no thread\n");
	for (int i = 0; i < 4; i++) {
		void *answer;
		pthread_join(thread[i], &answer);
		squares += (long)answer;
	}
	printf("threads %ld %ld %d\n", total, squares, own);
}
#endif

int main(int count, char **arguments)
{
	if (count == 3 && strcmp(arguments[1], "child") == 0) {
		printf("child %s %s\n", arguments[2], getenv("NAME"));
		return 23;
	}
	/* A child's lines must not stand before ours that were printed earlier. */
	setvbuf(stdout, NULL, _IONBF, 0);
	printf("format %5d|%-6s|%08.3f|%x|%c|%lld\n", 42, "ab", 3.14159, 0xbeefu, 'z', -1234567890123LL);
	sums(3, 1LL, 0.5, 20LL, 0.25, 300LL, 0.125);
	int numbers[1000];
	unsigned state = 1;
	for (int i = 0; i < 1000; i++)
		state = state * 1103515245 + 12345, numbers[i] = (int)(state >> 8);
	qsort(numbers, 1000, sizeof *numbers, compare);
	int sorted = 1;
	for (int i = 1; i < 1000; i++)
		sorted &= numbers[i - 1] <= numbers[i];
	printf("sorted %d\n", sorted);

	/* Blocks of all sizes, kept in part, grown, given back. */
	static char *block[200];
	long check = 0;
	for (int round = 0; round < 20; round++)
		for (int i = 0; i < 200; i++) {
			size_t bytes = (size_t)(i * 37 + 1) * (size_t)(round % 5 ? 1 : 40);
			block[i] = realloc(block[i], bytes);
			if (!block[i])
				return 1;
			memset(block[i], i, bytes);
			check += block[i][bytes - 1] & 0x7f;
			if (i % 3 == round % 3)
				free(block[i]), block[i] = NULL;
		}
	printf("memory %ld\n", check);

	char path[] = "/tmp/libc_XXXXXX", line[64];
	int file = mkstemp(path);
	FILE *stream = fdopen(file, "w+");
	for (int i = 0; i < 500; i++)
		fprintf(stream, "line %d\n", i);
	fseek(stream, 0, SEEK_SET);
	int lines = 0, last = -1;
	while (fgets(line, sizeof line, stream))
		lines++, last = atoi(line + 5);
	struct stat status;
	fstat(file, &status);
	printf("file %d %d %ld\n", lines, last, (long)status.st_size);
	char *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, file, 0);
	printf("mapped %.6s\n", mapped + 7);
	munmap(mapped, (size_t)status.st_size);
	fclose(stream);
	unlink(path);
	int gone = open(path, O_RDONLY);
	printf("gone %d %s\n", gone, errno == ENOENT ? "ENOENT" : "?");

	setenv("NAME", "value", 1);
	int ends[2], exit_status;
	if (pipe(ends) != 0)
		return 1;
	pid_t child = fork();
	if (child == 0) {
		dup2(ends[1], 1);
		close(ends[0]), close(ends[1]);
		execl("/proc/self/exe", arguments[0], "child", "word", (char *)NULL);
		_exit(99);
	}
	close(ends[1]);
	ssize_t got, length = 0;
	while ((got = read(ends[0], line + length, sizeof line - 1 - (size_t)length)) > 0)
		length += got;
	line[length] = 0;
	waitpid(child, &exit_status, 0);
	printf("said %s", line);
	printf("status %d\n", WEXITSTATUS(exit_status));

	signal(SIGUSR1, handler);
	kill(getpid(), SIGUSR1);
	raise(SIGUSR1);
	printf("signals %d\n", seen == 2 * SIGUSR1);
	if (setjmp(back) == 0)
		longjmp(back, 1);
	printf("jumped back\n");
	time_t then = 86400 * 365;
	struct tm *date = gmtime(&then);
	strftime(line, sizeof line, "%Y-%m-%d", date);
	printf("date %s\n", line);
	time_t now = time(NULL);
	printf("now %d\n", now > 1700000000);
	printf("math %.6f %.6f\n", sqrt(2.0), floor(-1.5));
#ifdef THREADS
	threads();
#endif
	return 0;
}
