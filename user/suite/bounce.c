/* A ball bounces for three hundred pictures: it never leaves the picture, is always whole, touches all four sides, and paces itself by
 * the clock. */
#include "picture.h"

enum { BALL = 24, WHITE = 0xffffff, TURNS = 300 };

int main(void)
{
	struct picture it = make_picture();
	int x = 5, y = 9, speed_x = 13, speed_y = 11, touched[4] = { 0 };
	struct timespec next;
	CHECK_EQUAL(clock_gettime(CLOCK_MONOTONIC, &next), 0);
	for (int turn = 0; turn < TURNS; turn++) {
		fill_rectangle(&it, x, y, BALL, BALL, 0);
		x += speed_x, y += speed_y;
		if (x < 0)
			x = 0, speed_x = -speed_x, touched[0]++;
		if (y < 0)
			y = 0, speed_y = -speed_y, touched[1]++;
		if (x > it.width - BALL)
			x = it.width - BALL, speed_x = -speed_x, touched[2]++;
		if (y > it.height - BALL)
			y = it.height - BALL, speed_y = -speed_y, touched[3]++;
		fill_rectangle(&it, x, y, BALL, BALL, WHITE);
		if (turn % 50 == 0)
			CHECK_EQUAL(count_pixels(&it, WHITE), BALL * BALL);
		CHECK_EQUAL(it.pixels[y * it.width + x], WHITE);
		CHECK_EQUAL(it.pixels[(y + BALL - 1) * it.width + x + BALL - 1], WHITE);
		show(&it);
		next.tv_nsec += 1000000;
		if (next.tv_nsec >= 1000000000)
			next.tv_sec++, next.tv_nsec -= 1000000000;
		CHECK_EQUAL(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL), 0);
	}
	if (it.file < 0)
		CHECK(touched[0] && touched[1] && touched[2] && touched[3]);
	return 0;
}
