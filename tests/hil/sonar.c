/*
 * Plays the echo line of an ultrasonic sensor on the kernel's GPIO simulator: pulses without end, 14 ms apart.
 *
 * Where the module and this program share one processor, a trigger of some microseconds is over before this program
 * runs. So it does not wait for one: whenever it comes, a whole pulse follows it, and others are before and behind.
 *
 *	sonar PULL
 *
 * PULL is the `pull` file of the line. Each line on standard input is the width of the pulses from then on in
 * microseconds, 0 for none; it answers `ok`. It ends with its standard input.
 */

#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define PAUSE_US 14000

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void rest(long microseconds)
{
	struct timespec time = { .tv_sec = microseconds / 1000000, .tv_nsec = microseconds % 1000000 * 1000 };

	nanosleep(&time, NULL);
}

static void drive(int pull, const char *level)
{
	if (pwrite(pull, level, strlen(level), 0) < 0)
		fail("an edge");
}

/* Whether there is more to come; a new width is taken over. */
static bool go_on(long *width)
{
	struct pollfd input = { .fd = STDIN_FILENO, .events = POLLIN };
	char text[32];
	ssize_t size;

	if (poll(&input, 1, 0) == 0)
		return true;
	size = read(STDIN_FILENO, text, sizeof(text) - 1);
	if (size <= 0)
		return false;
	text[size] = '\0';
	*width = atol(text);
	puts("ok");
	fflush(stdout);
	return true;
}

int main(int count, char **words)
{
	long width = 0;
	int pull;

	if (count != 2) {
		fprintf(stderr, "usage: sonar PULL\n");
		return 2;
	}
	pull = open(words[1], O_RDWR);
	if (pull < 0)
		fail(words[1]);
	while (go_on(&width)) {
		if (width > 0) {
			drive(pull, "pull-up");
			rest(width);
			drive(pull, "pull-down");
		}
		rest(PAUSE_US);
	}
	return 0;
}
