/* Prints 0 to 9, a line each, in single writes, and exits with 10. */
#include "suite.h"

int main(void)
{
	int count = 0;
	for (; count < 10; count++) {
		char line[4];
		int bytes = snprintf(line, sizeof line, "%d\n", count);
		CHECK_EQUAL(write(1, line, (size_t)bytes), bytes);
	}
	return count;
}
