/* false: exits with 1, prints nothing, whatever its arguments. */
#include "suite.h"

int main(void)
{
	CHECK_PRINTS(RUN("false"), 1, "");
	struct finished *it = RUN("false", "ignored", "x", "y");
	CHECK_PRINTS(it, 1, "");
	CHECK_EQUAL(it->err_bytes, 0);
	CHECK_PRINTS(RUN("sh", "-c", "false || echo no"), 0, "no\n");
	return 0;
}
