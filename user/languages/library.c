/* A shared library (with -DLIBRARY) and the program that uses it, for probes at functions of libraries: calls from a process, from its thread and
 * from its child, which map the same file. */
int library_add(int number, int other);

#ifdef LIBRARY
int library_add(int number, int other)
{
	return number + other;
}
#else
#include <pthread.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static void *call(void *count)
{
	int sum = 0;
	for (int number = 0; number < (int)(long)count; number++)
		sum = library_add(number, sum);
	return (void *)(long)sum;
}

int main(void)
{
	pthread_t thread;
	void *sum;
	int status;
	if (pthread_create(&thread, NULL, call, (void *)200) || pthread_join(thread, &sum))
		return 1;
	pid_t child = fork();
	if (child == 0)
		_exit((long)call((void *)300) == 44850 ? 7 : 1);
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return 2;
	printf("%ld %ld\n", (long)sum, (long)call((void *)1000));
	return 0;
}
#endif
