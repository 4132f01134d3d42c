/*
 * Turns a quadrature encoder: drives two lines of the kernel's GPIO simulator from outside, as the light barriers of an
 * encoder's disc do, and keeps its pace by the kernel's clock.
 *
 * It is a program of its own, and in C, so that the edges are nobody's work but its own: neither the module under test
 * nor the Python of the test can hold it up or hurry it.
 *
 *	edges PULL_A PULL_B COUNT PER_SECOND forward|backward
 *
 * PULL_A and PULL_B are the `pull` files of the lines, COUNT the edges of both together, PER_SECOND their pace, 0 for
 * as fast as it goes. It goes on from wherever the lines are. In the end it prints three numbers: the edges it made,
 * the nanoseconds it took, and by how many the latest edge came too late.
 *
 * Forward means that B leads A, the order in which pi-drivers counts up.
 */

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000LL

struct line {
	int file;
	bool high;
};

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct line open_line(const char *path)
{
	struct line line = { .file = open(path, O_RDWR) };
	char pull[16] = "";

	if (line.file < 0 || pread(line.file, pull, sizeof(pull) - 1, 0) < 0)
		fail(path);
	line.high = strncmp(pull, "pull-up", 7) == 0;
	return line;
}

static void toggle(struct line *line)
{
	const char *pull = line->high ? "pull-down" : "pull-up";

	if (pwrite(line->file, pull, strlen(pull), 0) < 0)
		fail("an edge");
	line->high = !line->high;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * SECOND + time.tv_nsec;
}

static void wait_until(int64_t due)
{
	struct timespec time = { .tv_sec = due / SECOND, .tv_nsec = due % SECOND };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL))
		;
}

int main(int argc, char **argv)
{
	int64_t start, late, worst = 0;

	if (argc != 6) {
		fprintf(stderr, "usage: edges PULL_A PULL_B COUNT PER_SECOND forward|backward\n");
		return 2;
	}
	struct line a = open_line(argv[1]);
	struct line b = open_line(argv[2]);
	const long count = atol(argv[3]);
	const long per_second = atol(argv[4]);
	const bool forward = strcmp(argv[5], "forward") == 0;

	start = now();
	for (long made = 0; made < count; made++) {
		if (per_second) {
			const int64_t due = start + (made + 1) * SECOND / per_second;

			wait_until(due);
			late = now() - due;
			if (late > worst)
				worst = late;
		}
		/* Where the lines agree, the one that leads is next. */
		toggle((a.high == b.high) == forward ? &b : &a);
	}
	printf("%ld %lld %lld\n", count, (long long)(now() - start), (long long)worst);
	return 0;
}
