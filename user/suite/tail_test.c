/* tail: ten lines by default, -n5, -n 3, -n 1, -n 0, a file that is shorter, one that is missing. */
#include "ends.h"

int main(void)
{
	check_end("tail", 1);
	CHECK_PRINTS(RUN("sh", "-c", "seq 1 5000 | tail -n 2"), 0, "4999\n5000\n");
	return 0;
}
