/* Interrupted calls: SA_RESTART goes on, without it EINTR; nanosleep tells what is left; pause returns. */
#include "check.h"
#include <poll.h>
#include <sys/time.h>

static volatile sig_atomic_t count;
static void handler(int number) { (void)number; count++; }

static void catch(int flags)
{
	struct sigaction action = { .sa_handler = handler, .sa_flags = flags };
	CHECK_EQUAL(sigaction(SIGALRM, &action, NULL), 0);
}

static void alarm_in(int ms)
{
	struct itimerval value = { .it_value = { 0, ms * 1000 } };
	CHECK_EQUAL(setitimer(ITIMER_REAL, &value, NULL), 0);
}

int main(void)
{
	int ends[2];
	char byte;
	CHECK_EQUAL(pipe(ends), 0);
	catch(0);
	alarm_in(30);
	CHECK_ERRNO(read(ends[0], &byte, 1), EINTR);
	CHECK_EQUAL(count, 1);
	/* With SA_RESTART the read goes on until a child writes. */
	catch(SA_RESTART);
	pid_t child = fork();
	if (child == 0) {
		sleep_ms(150);
		CHECK_EQUAL(write(ends[1], "z", 1), 1);
		_exit(0);
	}
	alarm_in(30);
	CHECK_EQUAL(read(ends[0], &byte, 1), 1);
	CHECK_EQUAL(byte, 'z');
	CHECK_EQUAL(count, 2);
	CHECK_EXITS(child, 0);
	/* wait restarts as well. */
	child = fork();
	if (child == 0) {
		sleep_ms(100);
		_exit(4);
	}
	alarm_in(30);
	int status;
	CHECK_EQUAL(waitpid(child, &status, 0), child);
	CHECK_EQUAL(count, 3);
	/* poll and nanosleep never restart. */
	struct pollfd poller = { .fd = ends[0], .events = POLLIN };
	alarm_in(30);
	CHECK_ERRNO(poll(&poller, 1, 5000), EINTR);
	struct timespec request = { 5, 0 }, left = { 0, 0 };
	alarm_in(30);
	CHECK_ERRNO(nanosleep(&request, &left), EINTR);
	CHECK(left.tv_sec == 4 && left.tv_nsec > 0);
	alarm_in(30);
	CHECK_ERRNO(pause(), EINTR);
	CHECK_EQUAL(count, 6);
	/* An ignored signal interrupts nothing. */
	signal(SIGALRM, SIG_IGN);
	alarm_in(20);
	CHECK_EQUAL(poll(&poller, 1, 80), 0);
	return 0;
}
