/* Prints what the clocks say, after a look whether it can be: a date of this century, and a machine that has run for some time. */
#include "suite.h"

int main(void)
{
	struct timespec wall, up;
	struct tm parts;
	char text[64];
	CHECK_EQUAL(clock_gettime(CLOCK_REALTIME, &wall), 0);
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &up), 0);
	CHECK(gmtime_r(&wall.tv_sec, &parts) != NULL);
	CHECK(parts.tm_year >= 120 && parts.tm_year < 200);
	CHECK(up.tv_sec > 0 || up.tv_nsec > 0);
	CHECK(strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts) > 0);
	CHECK(printf("hello at %s UTC, up %lld.%03ld s\n", text, (long long)up.tv_sec, up.tv_nsec / 1000000) > 0);
	return 0;
}
